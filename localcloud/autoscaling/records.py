"""Parameters of Auto Scaling's describes."""

from __future__ import annotations

import re

from localcloud.api import errors
from localcloud.api.call import Call

DEFAULT_RECORDS, MAX_RECORDS = 50, 100


def record_count(call: Call) -> int:
    """How many items the call asks for.

    Raises:
        AWSError: ValidationError.
    """
    count = call.params.get("MaxRecords", str(DEFAULT_RECORDS))
    if not count.isdigit() or not 1 <= int(count) <= MAX_RECORDS:
        message = (
            f"1 validation error detected: Value '{count}' at 'maxRecords' failed to satisfy constraint: Member must "
            f"have value from 1 to {MAX_RECORDS}"
        )
        raise errors.AWSError("ValidationError", message)
    return int(count)


def list_members(call: Call, name: str) -> list[str]:
    """The prefixes of the parameters that belong to the members of a list of structures, in order."""
    numbers = {int(match[1]) for key in call.params if (match := re.match(rf"{name}\.member\.(\d+)\.", key))}
    return [f"{name}.member.{number}" for number in sorted(numbers)]
