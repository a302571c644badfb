"""The server as a process: how it starts, stops and rejects bad arguments."""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from localcloud.client import LocalCloud
from localcloud.settings import Settings

WEB = "i-0123456789abcdef0"
ROOT = Path(__file__).parent.parent.parent


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and standard error of `python -m localcloud`."""
    completed = subprocess.run(
        [sys.executable, "-m", "localcloud", "--until-eof", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    return completed.returncode, completed.stderr


def test_a_server_process_takes_settings_as_arguments_and_exits_with_the_context() -> None:
    with LocalCloud.start(
        "--pending", "7", "--latency", "CreateTags=0.12,*=0.001", "--throttle", "A=100+5,B=1+0.5", seed=[{"id": WEB}]
    ) as cloud:
        assert cloud.url.startswith("http://127.0.0.1:")
        settings = cloud.settings()
        assert settings["pending"] == 7
        assert settings["latency"] == {"CreateTags": 0.12, "*": 0.001}
        assert settings["throttle"] == {"A": [100, 5], "B": [1, 0.5]}
        assert cloud.instance(WEB)["state"] == "running"
    with pytest.raises(ConnectionRefusedError):
        cloud.counts()


def test_latency_for_all_actions_and_throttling_with_ec2s_sizes_have_short_arguments() -> None:
    with LocalCloud.start("--latency", "0.001", "--throttle") as cloud:
        settings = cloud.settings()
        assert settings["latency"] == {"*": 0.001}
        assert settings["throttle"] == cloud.settings(throttle=True)["throttle"] != {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--pending", "x"), "pending must be a number of seconds, not 'x'"),
        (("--stopped-state", "off"), "stopped_state must be one of pending, applied, not 'off'"),
    ],
)
def test_a_bad_setting_is_reported_in_one_line_with_exit_code_1(arguments: tuple[str, ...], message: str) -> None:
    assert run(*arguments) == (1, f"localcloud: {message}\n")


def test_a_bad_seed_file_is_reported_in_one_line_with_exit_code_1(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds.json"
    seeds.write_text('[{"id": "web"}]')
    assert run("--seed", str(seeds)) == (
        1,
        "localcloud: a seed must be a mapping with a valid instance ID as `id`, not {'id': 'web'}\n",
    )


def test_a_taken_port_is_reported_with_exit_code_1(cloud: LocalCloud) -> None:
    code, message = run("--port", cloud.url.rpartition(":")[2])
    assert code == 1
    assert "Address already in use" in message


def test_a_process_runs_one_cloud_at_a_time_and_each_starts_empty() -> None:
    with LocalCloud.in_process(seed=[{"id": WEB}]) as cloud:
        assert len(cloud.instances()) == 1
        with pytest.raises(RuntimeError, match="already runs an embedded cloud"), LocalCloud.in_process():
            pass
    with LocalCloud.in_process() as cloud:
        assert cloud.instances() == []


def test_stopping_the_server_drops_calls_in_progress() -> None:
    started = time.monotonic()
    with LocalCloud.in_process(Settings(latency={"*": 120})) as cloud:
        call = http.client.HTTPConnection(urlsplit(cloud.url).netloc)
        call.request("GET", "/")
    with pytest.raises(ConnectionError):
        call.getresponse()
    call.close()
    assert time.monotonic() - started < 60
