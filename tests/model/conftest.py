from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.model.rollouts import RolloutSimulation
from tests.support.offline import OfflineRuns
from tests.support.recording_cloud import RecordingCloud


@pytest.fixture(scope="module")
def cloud() -> RecordingCloud:
    return RecordingCloud()


@pytest.fixture(scope="module")
def runs(cloud: RecordingCloud) -> Iterator[OfflineRuns]:
    runs = OfflineRuns(cloud)
    with runs.ready():
        yield runs


@pytest.fixture
def simulation(cloud: RecordingCloud, runs: OfflineRuns) -> RolloutSimulation:
    return RolloutSimulation(cloud, runs)
