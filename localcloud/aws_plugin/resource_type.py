"""What the plugin needs of each resource type, and the connections that it manages them over."""

from __future__ import annotations

import ipaddress
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from localcloud.aws_plugin.properties import Properties

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_ec2 import EC2Client

OPTIONS = {
    "httpEndpoint": "HttpEndpoint",
    "httpProtocolIpv6": "HttpProtocolIpv6",
    "httpPutResponseHopLimit": "HttpPutResponseHopLimit",
    "httpTokens": "HttpTokens",
    "instanceMetadataTags": "InstanceMetadataTags",
}


@dataclass(frozen=True)
class Connections:
    """Clients for the endpoints of a provider's configuration, in its region."""

    region: str
    endpoints: Mapping[str, str]
    access_key: str
    secret_key: str

    @cached_property
    def ec2(self) -> EC2Client:
        return boto3.client("ec2", **self._arguments("ec2"))

    @cached_property
    def autoscaling(self) -> AutoScalingClient:
        return boto3.client("autoscaling", **self._arguments("autoscaling"))

    def require(self, service: str) -> str:
        """The endpoint of a service.

        Raises:
            ValueError: it is not on loopback.
        """
        endpoint = self.endpoints.get(service) or ""
        if not is_loopback(endpoint):
            raise ValueError(
                "localcloud's AWS plugin accepts loopback endpoints only: set aws:endpoints to "
                f'[{{"{service}": "http://127.0.0.1:…"}}], not {endpoint or "nothing"}'
            )
        return endpoint

    def _arguments(self, service: str) -> Any:  # noqa: ANN401  as boto3.client takes them
        return {
            "endpoint_url": self.require(service),
            "region_name": self.region,
            "aws_access_key_id": self.access_key,
            "aws_secret_access_key": self.secret_key,
            "config": Config(retries={"mode": "standard", "total_max_attempts": 10}),
        }


class ResourceType(ABC):
    """Creates, reads, changes and deletes the resources of a type."""

    observed: ClassVar[tuple[str, ...]] = ()
    """Outputs that are unknown before the resource is created."""
    replaces: ClassVar[tuple[str, ...]] = ()
    """Properties whose change replaces the resource."""

    is_named: ClassVar[bool] = False
    """Whether it needs a `name`."""

    @abstractmethod
    def create(self, aws: Connections, inputs: Properties) -> str:
        """Create a resource. Returns its ID."""

    @abstractmethod
    def read(self, aws: Connections, resource_id: str) -> Properties | None:
        """The observed properties of a resource, or None if it does not exist."""

    @abstractmethod
    def delete(self, aws: Connections, resource_id: str) -> None:
        """Delete a resource that exists."""

    def update(self, aws: Connections, resource_id: str, old: Properties, new: Properties) -> None:
        """Change a resource in place."""
        raise NotImplementedError(f"{type(self).__name__} {resource_id} cannot be changed in place")

    def state(self, aws: Connections, resource_id: str, inputs: Properties) -> Properties:
        """The outputs of a resource that was just created or changed."""
        return {**inputs, **(self.read(aws, resource_id) or {})}

    def planned(self, old: Properties, new: Properties) -> Properties:
        """The outputs of an update, as far as a preview knows them."""
        return {**old, **new}


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def to_ec2(options: Properties) -> Properties:
    return {
        OPTIONS[name]: int(value) if name == "httpPutResponseHopLimit" else value
        for name, value in options.items()
        if name in OPTIONS and value is not None
    }


def to_properties(options: Mapping[str, object]) -> Properties:
    return {name: options[ec2] for name, ec2 in OPTIONS.items() if ec2 in options}


def tag_list(tags: Mapping[str, str]) -> list[Any]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def renamed(inputs: Properties, names: Mapping[str, str]) -> Properties:
    """The inputs that AWS takes as they are, by its names."""
    return {names[name]: value for name, value in inputs.items() if name in names and value is not None}
