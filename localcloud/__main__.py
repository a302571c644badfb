"""`python -m localcloud`: prints the address as its first line and serves until it is stopped."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from dataclasses import fields
from pathlib import Path

from localcloud.client import LocalCloud, LocalCloudError
from localcloud.http.server import Server
from localcloud.settings import Settings, latency_from_text, throttle_from_text


def main() -> int:
    parser = argparse.ArgumentParser(prog="localcloud", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--pending", metavar="SECONDS", help="until changed options are applied")
    parser.add_argument("--launch-pending", metavar="SECONDS", help="until launch options are applied")
    parser.add_argument("--stopped-state", help="State of a stopped instance after a change: pending or applied")
    parser.add_argument("--latency", type=latency_from_text, metavar="SECONDS | ACTION=SECONDS,...")
    parser.add_argument(
        "--throttle",
        type=throttle_from_text,
        nargs="?",
        const="on",
        metavar="on | off | ACTION=CAPACITY+RATE,...",
        help="EC2's token buckets; alone: on, with EC2's sizes",
    )
    parser.add_argument("--stale", metavar="SECONDS", help="describes show the options of so long ago")
    parser.add_argument("--appear", metavar="SECONDS", help="a launched instance is unknown for so long")
    parser.add_argument("--publish", help="when metrics can be read: at-once or as-aws")
    parser.add_argument("--metrics-delay", metavar="SECONDS", help="as-aws: until a period that is over can be read")
    parser.add_argument("--clock-skew", metavar="SECONDS", help="how far AWS's clock is ahead of this machine's")
    parser.add_argument("--seed", type=Path, metavar="FILE", help="JSON: a list of instances to start with")
    parser.add_argument("--until-eof", action="store_true", help="stop when the standard input ends")
    arguments = parser.parse_args()
    names = {each.name for each in fields(Settings)}
    given = {name: value for name, value in vars(arguments).items() if name in names and value is not None}
    try:
        server = Server(Settings().changed(given), port=arguments.port)
        server.start()
        if arguments.seed:
            LocalCloud(server.url).seed(json.loads(arguments.seed.read_text()))
    except (ValueError, OSError, LocalCloudError) as error:
        print(f"localcloud: {error}", file=sys.stderr)
        return 1
    print(server.url, flush=True)
    _wait_for_the_end(until_eof=arguments.until_eof)
    server.stop()
    return 0


def _wait_for_the_end(*, until_eof: bool) -> None:
    ended = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: ended.set())
    if until_eof:

        def read_to_the_end() -> None:
            sys.stdin.read()
            ended.set()

        threading.Thread(target=read_to_the_end, daemon=True).start()
    ended.wait()


if __name__ == "__main__":
    sys.exit(main())
