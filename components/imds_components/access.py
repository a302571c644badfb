"""How a program reaches AWS: with its stack's configuration, over connections that no other run shares.

A process may run several programs, one after the other or in threads (Pulumi's Automation API). So nothing here is
kept for the process, and its arguments, signals and garbage collector are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pulumi
from pulumi.runtime.config import CONFIG

from imds_provider.aws import Aws
from imds_provider.aws import settings as aws_config
from imds_provider.errors import ConfigurationError
from imds_provider.program.per_program import PerProgram
from imds_provider.waiting.clock import MonotonicClock

from .attachments import Attachment


class Configuration(Mapping[str, str]):
    """The configuration of the running program, as :class:`pulumi.Config` sees it.

    The Automation API sets it for an inline program; other programs have it in their environment. Iteration covers
    both, except keys that are set by a variable of their own (PULUMI_CONFIG_AWS_REGION): the spelling of such a key is
    lost, but it can be looked up.
    """

    def __getitem__(self, key: str) -> str:
        value: str | None = pulumi.runtime.get_config(key)
        if value is None:
            raise KeyError(key)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter({**pulumi.runtime.get_config_env(), **CONFIG.get()})

    def __len__(self) -> int:
        return sum(1 for _ in self)


_aws = PerProgram(lambda: Aws(aws_config.parse(Configuration().get), MonotonicClock()))


def aws() -> Aws:
    """The connections of the running program. Raises :class:`ConfigurationError` if ``aws:`` keys are wrong.

    Call it in the program's own thread: a thread that the program starts may belong to another program.
    """
    return _aws.get()


def use(aws: Aws) -> None:
    """Have the running program use these connections instead of its own."""
    _aws.set(aws)


def default_region(aws: Aws) -> str:
    """The stack's region. Raises :class:`ConfigurationError` if there is none."""
    region = aws.default_region()
    if region is None:
        raise ConfigurationError("no AWS region: set `regions`, aws:region or AWS_REGION.")
    return region


def region_of(attachment: Attachment, region: pulumi.Input[str] | None) -> pulumi.Input[str] | None:
    """The region of an instance: the one that is given, else that of the resource that creates it.

    None, or an output of None, stands for the stack's region. That is so for an instance given by its ID, and for one
    whose provider reports no region (pulumi-aws before version 7).
    """
    if region is not None:
        return region
    own: object = getattr(attachment.resource, "region", None)
    return own if isinstance(own, str | pulumi.Output) else None
