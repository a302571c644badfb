"""Pulumi dynamic resources for the metadata options of EC2 instances, and an account's defaults for them."""

from .account_metadata_defaults import AccountMetadataDefaults
from .instance_metadata_options import InstanceMetadataOptions
from .metadata_options_applied import MetadataOptionsApplied
from .metadata_wave_healthy import MetadataWaveHealthy

__all__ = ["AccountMetadataDefaults", "InstanceMetadataOptions", "MetadataOptionsApplied", "MetadataWaveHealthy"]
