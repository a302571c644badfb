"""Made-up secrets that look like real ones: where one is found, a real one would have been."""

from __future__ import annotations

from collections.abc import Iterable

CREDENTIALS = {
    "aws:accessKey": "AKIACANARY00EXAMPLE1",
    "aws:secretKey": "canarySECRETkey/0123456789+abcdefghijklm",
    "aws:token": "canaryTOKEN//////////" + "IQoJb3JpZ2luX2VjEXAMPLE" * 4 + "==",
}
IN_MESSAGE = "canaryMESSAGE0123456789abcdefghijklmnopqrstuvwxyzABCDEF"
"""An encoded message of EC2 for those who may decode it."""
IN_CONFIG = "canary-of-something-else"
"""A secret of the stack that has nothing to do with AWS."""

ALL = (*CREDENTIALS.values(), IN_MESSAGE, IN_CONFIG)
MASK = "[secret]"
"""What Pulumi shows in place of a configured secret: where it stands, a program or provider had shown one."""

MESSAGE = f"Refused for {' / '.join((*CREDENTIALS.values(), IN_MESSAGE))}, see there."
"""An error message of EC2 that holds all of them that it could know."""


def found_in(text: str, canaries: Iterable[str] = ALL) -> list[str]:
    """The canaries in the text, be they whole or broken by the wrapping of lines."""
    unwrapped = "".join(text.split())
    return [each for each in canaries if each in text or each in unwrapped]
