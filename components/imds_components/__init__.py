"""Reusable Pulumi components for the instance metadata options of EC2 instances."""

from .instance_metadata import InstanceMetadata

__all__ = ["InstanceMetadata"]
