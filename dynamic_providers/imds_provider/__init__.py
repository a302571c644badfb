"""Pulumi dynamic resources for the metadata options of EC2 instances, and an account's defaults for them."""

from importlib import import_module
from typing import TYPE_CHECKING

__all__ = ["AccountMetadataDefaults", "InstanceMetadataOptions", "MetadataOptionsApplied", "MetadataWaveHealthy"]

if TYPE_CHECKING:
    from .account_metadata_defaults import AccountMetadataDefaults
    from .instance_metadata_options import InstanceMetadataOptions
    from .metadata_options_applied import MetadataOptionsApplied
    from .metadata_wave_healthy import MetadataWaveHealthy
else:
    # Imported when they are first used, so that a policy pack can share the rules without Pulumi and boto3.
    _MODULES = {
        "AccountMetadataDefaults": ".account_metadata_defaults",
        "InstanceMetadataOptions": ".instance_metadata_options",
        "MetadataOptionsApplied": ".metadata_options_applied",
        "MetadataWaveHealthy": ".metadata_wave_healthy",
    }

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found = getattr(import_module(_MODULES[name], __name__), name)
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
