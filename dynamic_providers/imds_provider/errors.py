"""What can go wrong with EC2, as exceptions whose message is one sentence for the person at the terminal.

The Python dynamic host prints a traceback before that sentence, with the whole chain of causes. Causes can hold what
must not be printed, so these are raised ``from None``.
"""

from __future__ import annotations


class ImdsError(Exception):
    """The base of everything that this package raises on purpose."""


class ConfigurationError(ImdsError):
    """AWS access is configured in a way that cannot work, or that must not be used."""


class Ec2Error(ImdsError):
    """EC2 refused a call, and nothing was changed by it."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class InstanceMissingError(Ec2Error):
    """The instance does not exist in this account and region, or not yet."""


class InstanceGoneError(Ec2Error):
    """The instance is terminated or shutting down."""


class OutcomeUnknownError(Ec2Error):
    """The answer to a call was lost or unreadable, so EC2 may or may not have carried it out."""


class LooseningRefusedError(ImdsError):
    """The change would make an instance less secure, and nothing says why it may; nothing was sent."""


class NotAppliedError(ImdsError):
    """One or more instances did not settle on the wanted options."""


class WaveStoppedError(ImdsError):
    """Instances are unhealthy after their change, or not known to be healthy, so that no other one is changed."""


class EngineGoneError(ImdsError):
    """The Pulumi engine that asked for the operation has ended, so nothing more may be sent on its behalf."""


class DeadlinePassedError(ImdsError):
    """There was no time left to ask, or to wait for the answer."""
