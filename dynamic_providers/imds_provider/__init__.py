"""Pulumi dynamic resources for the instance metadata options of EC2 instances."""

from .instance_metadata_options import InstanceMetadataOptions
from .metadata_options_applied import MetadataOptionsApplied
from .metadata_wave_healthy import MetadataWaveHealthy

__all__ = ["InstanceMetadataOptions", "MetadataOptionsApplied", "MetadataWaveHealthy"]
