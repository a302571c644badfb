"""`python -m localcloud.aws_plugin`: serve `AwsProvider` to the Pulumi engine that started it."""

from __future__ import annotations

import os
import sys
import threading
import time
from importlib.metadata import version

from pulumi.provider.experimental.server import main

from localcloud.aws_plugin.provider import AwsProvider


def _exit_with_the_engine() -> None:
    """Poll for a new parent: the engine may be killed before it can stop its plugins."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_exit_with_the_engine, daemon=True).start()
    main(sys.argv[1:], version("pulumi-aws"), AwsProvider())
