"""The error that ends a user's Pulumi program."""

from __future__ import annotations

import pulumi

from ..errors import ImdsError


class ProgramError(ImdsError, pulumi.RunError):
    """The program cannot continue. Pulumi prints the message of a ``RunError`` without a traceback."""
