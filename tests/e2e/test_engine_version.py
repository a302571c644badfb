"""`requiredPulumiVersion` of a project: an engine that is too old is refused by name, before the program runs."""

from __future__ import annotations

from pathlib import Path

import yaml

from localcloud.client import LocalCloud
from tests.e2e.fleet import WEB, instance, managing
from tests.support.engine import Stack


def test_an_engine_that_is_older_than_the_project_requires_is_refused(
    stack: Stack, cloud: LocalCloud, tmp_path: Path
) -> None:
    cloud.seed([instance(WEB)])
    stack.configure(managing(cloud, {"web": WEB}, httpTokens="required"))
    file = tmp_path / "project" / "Pulumi.yaml"
    project = yaml.safe_load(file.read_text())
    oldest, below = project["requiredPulumiVersion"].split()
    file.write_text(file.read_text().replace(oldest, ">=3.999.0"))
    for refused in (stack.preview(fails=True), stack.up(fails=True)):
        assert f'does not satisfy the version range ">=3.999.0 {below}"' in refused.text
    assert cloud.counts() == {}
    assert stack.resources() == {}
