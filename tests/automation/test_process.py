"""A program shares its process with whatever runs it, changes nothing of it and leaves nothing behind."""

from __future__ import annotations

import gc
import signal
import socket
import sys
import weakref

import pytest

from imds_components import FleetMetadata, InstanceMetadata, access
from localcloud.client import LocalCloud
from tests.automation.conftest import StackOf
from tests.automation.inline import in_account, seed

WEB, API = (f"i-{digit * 17}" for digit in "ab")


def attach_and_select() -> None:
    InstanceMetadata("attached", instances={"web": WEB}, http_tokens="required")
    FleetMetadata("fleet", instances=[API], http_tokens="required")


def test_a_program_changes_nothing_of_its_process(
    cloud: LocalCloud, stack_of: StackOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(cloud, WEB, API)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{unused.getsockname()[1]}"
    # A tool may have any arguments, such as an address where nobody listens yet.
    monkeypatch.setattr(sys, "argv", ["tool", "--serve", nobody])
    stack = stack_of("dev", in_account(cloud), attach_and_select)
    frozen, handlers = gc.get_freeze_count(), [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    stack.preview()
    stack.up()
    # Other tests may have frozen objects in this process, some of which are freed by now.
    assert gc.get_freeze_count() <= frozen
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert sys.argv == ["tool", "--serve", nobody]


def test_the_connections_of_a_run_are_freed_once_the_next_one_has_begun(cloud: LocalCloud, stack_of: StackOf) -> None:
    seed(cloud, WEB, API)
    held: list[weakref.ref[object]] = []

    def program() -> None:
        attach_and_select()
        assert access.aws() is access.aws()
        held.append(weakref.ref(access.aws()))

    stack = stack_of("dev", in_account(cloud), program)
    stack.preview()
    stack.preview()
    gc.collect()
    # Pulumi itself keeps the last program's link to the engine, and what is bound to it, until the next one.
    assert held[0]() is None
