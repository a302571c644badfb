"""The pages of EC2's describes: from 5 to 1,000 items, and the token that leads to the next."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TypeVar

from localcloud.api import errors
from localcloud.api.call import Call

PAGE = 1000
"""Items in an answer when the request does not say; the most that it may ask for. At least 5 must be asked for."""

T = TypeVar("T")


def limit(call: Call) -> int:
    """How many items the call asks for at most.

    Raises:
        EC2Error: InvalidParameterValue, or InvalidParameterCombination where the call names instances too.
    """
    given = call.params.get("MaxResults")
    if given is None:
        return PAGE
    if call.listed("InstanceId"):
        raise errors.invalid_combination("The parameter instancesSet cannot be used with the parameter maxResults")
    if not given.isdigit() or not 5 <= int(given) <= PAGE:
        raise errors.invalid_value("maxResults", given, f"Expecting a value from 5 to {PAGE}.")
    return int(given)


def rest(call: Call, known: Mapping[str, T]) -> Iterator[tuple[str, T]]:
    """What comes after the last item of the page before, by id.

    Raises:
        EC2Error: InvalidNextToken.
    """
    items = iter(known.items())
    if "NextToken" in call.params:
        last = _decoded(call.params["NextToken"])
        if last not in known:
            raise _bad_token()
        for instance_id, _ in items:
            if instance_id == last:
                break
    return items


def page(found: Iterator[tuple[str, T]], size: int) -> tuple[list[T], str]:
    """The items of one page, and the element that leads to the next, if there is more."""
    taken = list(islice(found, size))
    more = next(found, None) is not None
    return [item for _, item in taken], f"<nextToken>{_encoded(taken[-1][0])}</nextToken>" if more else ""


def _encoded(instance_id: str) -> str:
    return base64.urlsafe_b64encode(instance_id.encode()).decode()


def _decoded(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise _bad_token() from None


def _bad_token() -> errors.EC2Error:
    return errors.EC2Error("InvalidNextToken", "The specified NextToken is corrupted or malformed.")
