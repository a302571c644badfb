"""`python -m localcloud`: print the URL as the first line and serve until stopped."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

from localcloud.client import LocalCloud, LocalCloudError
from localcloud.http import server
from localcloud.settings import Settings, parse_latency, parse_throttle


def main() -> int:
    parser = argparse.ArgumentParser(prog="localcloud", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="a free one by default")
    parser.add_argument("--pending", metavar="SECONDS", help="how long changed options stay pending")
    parser.add_argument("--launch-pending", metavar="SECONDS", help="how long options stay pending after a launch")
    parser.add_argument("--stopped-state", help="State of a stopped instance after a change: pending or applied")
    parser.add_argument(
        "--latency", type=parse_latency, metavar="SECONDS | ACTION=SECONDS,...", help="duration of a call"
    )
    parser.add_argument(
        "--throttle",
        type=parse_throttle,
        nargs="?",
        const="on",
        metavar="on | off | ACTION=CAPACITY+RATE,...",
        help="token buckets; without a value: on, with EC2's sizes",
    )
    parser.add_argument("--stale", metavar="SECONDS", help="how old the options are that describes show")
    parser.add_argument("--appear", metavar="SECONDS", help="how long a launched instance is unknown")
    parser.add_argument("--publish", help="when metrics are readable: at-once or as-aws")
    parser.add_argument("--metrics-delay", metavar="SECONDS", help="as-aws: readable so long after a period ends")
    parser.add_argument("--clock-skew", metavar="SECONDS", help="how far AWS's clock is ahead of this machine's")
    parser.add_argument("--seed", type=Path, metavar="FILE", help="a JSON list of instances to start with")
    parser.add_argument("--until-eof", action="store_true", help="stop at the end of standard input")
    arguments = parser.parse_args()
    names = {each.name for each in fields(Settings)}
    changes = {name: value for name, value in vars(arguments).items() if name in names and value is not None}
    try:
        with server.serve(Settings().changed(changes), port=arguments.port) as url:
            if arguments.seed:
                LocalCloud(url).seed(json.loads(arguments.seed.read_text()))
            print(url, flush=True)
            _wait_for_stop(until_eof=arguments.until_eof)
    except (ValueError, OSError, LocalCloudError) as error:
        print(f"localcloud: {error}", file=sys.stderr)
        return 1
    return 0


def _wait_for_stop(*, until_eof: bool) -> None:
    """Wait for SIGINT, SIGTERM or the end of standard input."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        if until_eof:
            sys.stdin.read()
        else:
            threading.Event().wait()


if __name__ == "__main__":
    sys.exit(main())
