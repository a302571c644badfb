"""The public API as 0.2.0 released it, and what takes its place now.

For each name: the arguments that a program may pass, as a protocol that is called, and the attributes that it may read
from the result. mypy checks the types of the assignments below, `test_public_api.py` everything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, Protocol

import pulumi

import imds_components
import imds_provider

if TYPE_CHECKING:
    from pulumi_aws.ec2 import Instance, InstanceMetadataOptionsArgs, InstanceMetadataOptionsArgsDict

    Instances = Instance | str | Sequence[Instance | str] | Mapping[str, Instance | pulumi.Input[str]]
    MetadataOptions = (
        InstanceMetadataOptionsArgs | InstanceMetadataOptionsArgsDict | Mapping[str, pulumi.Input[str | int]]
    )


class _InstanceMetadataOptionsResult(Protocol):
    instance_id: pulumi.Output[str]
    region: pulumi.Output[str]
    http_tokens: pulumi.Output[str]
    http_put_response_hop_limit: pulumi.Output[int]
    http_endpoint: pulumi.Output[str]
    http_protocol_ipv6: pulumi.Output[str]
    instance_metadata_tags: pulumi.Output[str]
    state: pulumi.Output[str | None]
    previous: pulumi.Output[Mapping[str, Any]]
    owner_id: pulumi.Output[str]
    target: pulumi.Output[str]
    unfinished: pulumi.Output[str | None]


class _InstanceMetadataOptions(Protocol):
    def __call__(
        self,
        name: str,
        *,
        instance_id: pulumi.Input[str],
        http_tokens: pulumi.Input[str] | None = None,
        http_put_response_hop_limit: pulumi.Input[int] | None = None,
        http_endpoint: pulumi.Input[str] | None = None,
        http_protocol_ipv6: pulumi.Input[str] | None = None,
        instance_metadata_tags: pulumi.Input[str] | None = None,
        region: pulumi.Input[str] | None = None,
        on_destroy: pulumi.Input[Literal["retain", "restore"]] = "retain",
        wait: pulumi.Input[bool] = True,
        timeout_seconds: pulumi.Input[float] = 120,
        wave: pulumi.Input[int] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> _InstanceMetadataOptionsResult: ...


class _MetadataOptionsAppliedResult(Protocol):
    targets: pulumi.Output[Mapping[str, str]]
    region: pulumi.Output[str]
    applied_ids: pulumi.Output[list[str]]
    pending_start_ids: pulumi.Output[list[str]]


class _MetadataOptionsApplied(Protocol):
    def __call__(
        self,
        name: str,
        *,
        targets: pulumi.Input[Mapping[str, pulumi.Input[str]]],
        region: pulumi.Input[str] | None = None,
        timeout_seconds: pulumi.Input[float] = 120,
        title: pulumi.Input[str] | None = None,
        wave: pulumi.Input[int] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> _MetadataOptionsAppliedResult: ...


class _MetadataWaveHealthyResult(Protocol):
    targets: pulumi.Output[Mapping[str, str]]
    region: pulumi.Output[str]
    checked_at: pulumi.Output[str]


class _MetadataWaveHealthy(Protocol):
    def __call__(
        self,
        name: str,
        *,
        targets: pulumi.Input[Mapping[str, pulumi.Input[str]]],
        soak_minutes: pulumi.Input[float] = 0,
        wave: pulumi.Input[int] | None = None,
        title: pulumi.Input[str] | None = None,
        region: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> _MetadataWaveHealthyResult: ...


class _InstanceMetadataResult(Protocol):
    @property
    def options(self) -> pulumi.Output[Mapping[str, Mapping[str, Any]]]: ...

    applied_ids: pulumi.Output[list[str]]
    pending_start_ids: pulumi.Output[list[str]]


class _InstanceMetadata(Protocol):
    def __call__(
        self,
        name: str,
        *,
        instances: Instances,
        http_tokens: pulumi.Input[str] | None = None,
        http_put_response_hop_limit: pulumi.Input[int] | None = None,
        http_endpoint: pulumi.Input[str] | None = None,
        http_protocol_ipv6: pulumi.Input[str] | None = None,
        instance_metadata_tags: pulumi.Input[str] | None = None,
        metadata_options: MetadataOptions | None = None,
        region: pulumi.Input[str] | None = None,
        on_destroy: pulumi.Input[Literal["retain", "restore"]] = "retain",
        timeout_seconds: pulumi.Input[float] = 120,
        opts: pulumi.ResourceOptions | None = None,
    ) -> _InstanceMetadataResult: ...


class _FleetMetadataResult(Protocol):
    @property
    def options(self) -> pulumi.Output[Mapping[str, Mapping[str, Any]]]: ...

    applied_ids: pulumi.Output[list[str]]
    pending_start_ids: pulumi.Output[list[str]]
    report: pulumi.Output[Mapping[str, Any]]


class _FleetMetadata(Protocol):
    def __call__(
        self,
        name: str,
        *,
        select: Mapping[str, Sequence[str]] | None = None,
        instances: Sequence[str] | None = None,
        exclude: Sequence[str] = (),
        http_tokens: str | None = None,
        http_put_response_hop_limit: int | None = None,
        http_endpoint: str | None = None,
        http_protocol_ipv6: str | None = None,
        instance_metadata_tags: str | None = None,
        metadata_options: MetadataOptions | None = None,
        exemptions: Sequence[imds_components.Exemption] = (),
        readiness: imds_components.Readiness | None = None,
        rollout: imds_components.Rollout | None = None,
        allow_downgrade: str | Mapping[str, str] | None = None,
        regions: Sequence[str] | None = None,
        on_destroy: Literal["retain", "restore"] = "retain",
        timeout_seconds: float = 120,
        preflight: Literal["on", "off"] = "on",
        expired_exemptions: Literal["fail", "warn"] = "fail",
        opts: pulumi.ResourceOptions | None = None,
    ) -> _FleetMetadataResult: ...


class _ExemptionResult(Protocol):
    @property
    def last_day(self) -> date: ...
    @property
    def options(self) -> Mapping[str, str | int]: ...


class _Exemption(Protocol):
    def __call__(  # noqa: PLR0917  as released
        self,
        instance: str,
        reason: str,
        until: date | str,
        http_tokens: str | None = None,
        http_put_response_hop_limit: int | None = None,
        http_endpoint: str | None = None,
        http_protocol_ipv6: str | None = None,
        instance_metadata_tags: str | None = None,
    ) -> _ExemptionResult: ...


class _ReadinessResult(Protocol):
    @property
    def period_seconds(self) -> int: ...


class _Readiness(Protocol):
    def __call__(
        self,
        legacy_calls: Literal["block", "warn", "off"] = "block",
        days: int = 14,
        unknown: Literal["warn", "block", "ignore"] = "warn",
    ) -> _ReadinessResult: ...


class _Rollout(Protocol):
    def __call__(self, waves: Sequence[int | str] = (1, "10%", "100%"), soak_minutes: float = 0) -> object: ...


InstanceMetadataOptions: _InstanceMetadataOptions = imds_provider.InstanceMetadataOptions
MetadataOptionsApplied: _MetadataOptionsApplied = imds_provider.MetadataOptionsApplied
MetadataWaveHealthy: _MetadataWaveHealthy = imds_provider.MetadataWaveHealthy
InstanceMetadata: _InstanceMetadata = imds_components.InstanceMetadata
FleetMetadata: _FleetMetadata = imds_components.FleetMetadata
Exemption: _Exemption = imds_components.Exemption
Readiness: _Readiness = imds_components.Readiness
Rollout: _Rollout = imds_components.Rollout
