from __future__ import annotations

from collections.abc import Iterator

import pytest

from imds_provider.account_metadata_defaults import AccountMetadataDefaultsProvider
from imds_provider.instance_metadata_options import InstanceMetadataOptionsProvider
from imds_provider.metadata_options_applied import MetadataOptionsAppliedProvider
from imds_provider.metadata_wave_healthy import MetadataWaveHealthyProvider
from localcloud.client import LocalCloud
from tests.host.instances import ACCOUNT, SECRETS, config
from tests.support.dynamic_host import DynamicHost, ProviderClient, secret


@pytest.fixture(scope="session")
def session_cloud() -> Iterator[LocalCloud]:
    """In a process of its own, since there can be one in this process and other tests have it."""
    with LocalCloud.start() as cloud:
        yield cloud


@pytest.fixture
def cloud(session_cloud: LocalCloud) -> LocalCloud:
    """An empty EC2."""
    session_cloud.wipe()
    return session_cloud


@pytest.fixture(scope="session")
def session_host(session_cloud: LocalCloud) -> Iterator[DynamicHost]:
    accounts = {"allowedAccountIds": f'["{ACCOUNT}"]', "forbiddenAccountIds": '["210987654321"]'}
    plain = config(session_cloud, **accounts)
    given = {name: secret(value) if name in SECRETS else value for name, value in plain.items()}
    with DynamicHost.start(given) as host:
        yield host


@pytest.fixture
def host(session_host: DynamicHost, cloud: LocalCloud) -> Iterator[DynamicHost]:  # noqa: ARG001  starts empty
    """A host that has been used before, and of which no test may ever read a credential."""
    session_host.forget()
    yield session_host
    said = session_host.everything_said()
    assert [each for each in SECRETS.values() if each in said] == []


@pytest.fixture
def options(host: DynamicHost) -> ProviderClient:
    return host.provider(InstanceMetadataOptionsProvider())


@pytest.fixture
def defaults(host: DynamicHost) -> ProviderClient:
    return host.provider(AccountMetadataDefaultsProvider())


@pytest.fixture
def barrier(host: DynamicHost) -> ProviderClient:
    return host.provider(MetadataOptionsAppliedProvider())


@pytest.fixture
def wave_check(host: DynamicHost) -> ProviderClient:
    return host.provider(MetadataWaveHealthyProvider())


@pytest.fixture(scope="session")
def preview_host(session_cloud: LocalCloud) -> Iterator[DynamicHost]:
    """A host that never carries out anything, as in a preview."""
    with DynamicHost.start(config(session_cloud)) as host:
        yield host


@pytest.fixture
def preview(preview_host: DynamicHost, cloud: LocalCloud) -> Iterator[ProviderClient]:
    """Checks and differences, which must not ask AWS anything."""
    yield preview_host.provider(InstanceMetadataOptionsProvider())
    assert cloud.log() == []


@pytest.fixture
def preview_barrier(preview_host: DynamicHost, cloud: LocalCloud) -> Iterator[ProviderClient]:
    yield preview_host.provider(MetadataOptionsAppliedProvider())
    assert cloud.log() == []
