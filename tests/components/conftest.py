from __future__ import annotations

import pytest

from tests.support.mocked_programs import Programs


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    monkeypatch.setenv("PULUMI_CONFIG", "{}")
    return Programs()
