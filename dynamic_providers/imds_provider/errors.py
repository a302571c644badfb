"""Every error that this project raises on purpose.

ImdsError
├── InvalidInputError           an argument is not allowed; also a ValueError
├── ProgramError                the program cannot go on; also a pulumi.RunError (imds_provider.program.errors)
├── ConfigurationError          AWS access is configured in a way that cannot work, or must not be used
│   └── MissingCredentialsError there are no credentials
├── AwsError                    AWS refused a call, or its answer is of no use
│   ├── OutcomeUnknownError     the answer was lost: the call may or may not have been carried out
│   ├── InstanceMissingError    the instance does not exist in this account and region
│   └── InstanceGoneError       the instance is terminated or shutting down
├── DeadlinePassedError         no time was left to send a request or to wait for its answer
├── NotAppliedError             the options were not applied in time
├── ConflictError               somebody else changes the same options
├── LooseningRefusedError       the change would make an instance or a default less secure, and no reason is given
├── DeclarativePolicyError      a declarative policy of the organization decides the account's defaults
├── WaveStoppedError            instances are unhealthy after their change, so no others are changed
└── EngineGoneError             the Pulumi engine that asked for the operation exited

Messages are written for the person at the terminal: what happened, to which instance, AWS's own reason, what to do.
They fit on one line, except where several instances or problems are listed, one per line.

The Python dynamic host prints a traceback with the whole chain of causes. Causes can hold credentials, so raise these
errors ``from None``.
"""

from __future__ import annotations


class ImdsError(Exception):
    """The base of every error that this project raises on purpose."""


class InvalidInputError(ImdsError, ValueError):
    """An argument of a component, resource or settings class is not allowed."""


class ConfigurationError(ImdsError):
    """AWS access is configured in a way that cannot work, or must not be used."""


class MissingCredentialsError(ConfigurationError):
    """There are no credentials, so nothing can be asked of AWS. A preview can do without."""


class AwsError(ImdsError):
    """AWS refused a call, or its answer is of no use. ``code`` is AWS's error code, if it gave one."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class OutcomeUnknownError(AwsError):
    """The answer to a call was lost or unreadable, so AWS may or may not have carried it out."""


class InstanceMissingError(AwsError):
    """The instance does not exist in this account and region, or EC2 does not know it yet."""


class InstanceGoneError(AwsError):
    """The instance is terminated or shutting down."""


class DeadlinePassedError(ImdsError):
    """No time was left to send a request or to wait for its answer."""


class NotAppliedError(ImdsError):
    """One or more instances did not have the wanted options applied in time."""


class ConflictError(ImdsError):
    """Somebody else changes the same options of the instance: another stack, tool or person."""


class LooseningRefusedError(ImdsError):
    """The change would make an instance or a default less secure, and no reason is given; nothing was sent."""


class DeclarativePolicyError(ImdsError):
    """A declarative policy of the organization decides the account's defaults otherwise; nothing was sent."""


class WaveStoppedError(ImdsError):
    """Instances are unhealthy after their change, or not known to be healthy, so no others are changed."""


class EngineGoneError(ImdsError):
    """The Pulumi engine that asked for the operation exited, so nothing more may be sent on its behalf."""
