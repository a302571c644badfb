"""Pagination of describes."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TypeVar

from localcloud.api import errors
from localcloud.api.call import Call

Sizes = tuple[int, int]
"""The least and the most items of a page; the most is the default."""

SIZES: Sizes = (5, 1000)

T = TypeVar("T")


def page_size(call: Call, sizes: Sizes = SIZES) -> int:
    """How many items the call asks for.

    Raises:
        AWSError: InvalidParameterValue; InvalidParameterCombination for MaxResults with instance IDs.
    """
    least, most = sizes
    size = call.params.get("MaxResults")
    if size is None:
        return most
    if call.list_param("InstanceId"):
        message = "The parameter instancesSet cannot be used with the parameter maxResults"
        raise errors.AWSError("InvalidParameterCombination", message)
    if not size.isdigit() or not least <= int(size) <= most:
        raise errors.invalid_value("maxResults", size, f"Expecting a value from {least} to {most}.")
    return int(size)


def after_token(token: str | None, items: Mapping[str, T]) -> Iterator[tuple[str, T]]:
    """The items by key, from the one after the previous page's last.

    Raises:
        AWSError: InvalidNextToken.
    """
    remaining = iter(items.items())
    if token is not None:
        last = _decode(token)
        if last not in items:
            raise _invalid_token()
        for key, _ in remaining:
            if key == last:
                break
    return remaining


def page(matching: Iterator[tuple[str, T]], size: int) -> tuple[list[T], str | None]:
    """The items of one page, and its NextToken if there are more."""
    taken = list(islice(matching, size))
    items = [item for _, item in taken]
    if next(matching, None) is None:
        return items, None
    return items, base64.urlsafe_b64encode(taken[-1][0].encode()).decode()


def token_xml(token: str | None) -> str:
    return f"<nextToken>{token}</nextToken>" if token else ""


def _decode(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise _invalid_token() from None


def _invalid_token() -> errors.AWSError:
    return errors.AWSError("InvalidNextToken", "The specified NextToken is corrupted or malformed.")
