"""A component whose resources another process registers, as those of awsx and eks are: `python remote_component.py`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from shlex import quote

import pulumi
from pulumi.provider.experimental import server
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import ConstructRequest, ConstructResponse, Provider

VERSION = "1.0.0"
DECLARATION = f"""
class Workers(pulumi.ComponentResource):
    def __init__(self, name, options=None):
        opts = ResourceOptions(version="{VERSION}")
        super().__init__("workers:index:Workers", name, {{"options": options}}, opts, remote=True)
"""
"""The component as a program declares it. ``options`` are the metadata options of its instance."""


def install(home: Path) -> None:
    """Install the component's plugin for the stacks below this folder."""
    plugin = home / "pulumi" / "plugins" / f"resource-workers-v{VERSION}" / "pulumi-resource-workers"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(f'#!/bin/sh\nexec {quote(sys.executable)} {quote(__file__)} "$@"\n')
    plugin.chmod(0o755)


class Workers(Provider):
    """Constructs a launch template and an instance, which is given options only if the component is."""

    async def construct(self, request: ConstructRequest) -> ConstructResponse:
        import pulumi_aws as aws  # noqa: PLC0415  takes seconds, in which the engine waits for the plugin's port

        component = pulumi.ComponentResource(request.resource_type, request.name, None, request.options)
        given = request.inputs.get("options")
        options = plain(given.value) if given is not None and isinstance(given.value, Mapping) else None
        child = pulumi.ResourceOptions(parent=component)
        aws.ec2.LaunchTemplate(f"{request.name}-template", image_id="ami-760aaa0f", opts=child)
        aws.ec2.Instance(
            f"{request.name}-instance",
            ami="ami-760aaa0f",
            instance_type="t3.micro",
            metadata_options=options,  # type: ignore[arg-type]  # of pulumi-aws's keys
            opts=child,
        )
        urn = await component.urn.future()
        return ConstructResponse(urn or "", {}, {})


def plain(options: Mapping[str, PropertyValue]) -> dict[str, object]:
    return {name: each.value for name, each in options.items()}


if __name__ == "__main__":
    server.main(sys.argv[1:], VERSION, Workers())
