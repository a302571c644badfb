"""`python -m tools.demo`: exits with 1 if any of its checks fails."""

from __future__ import annotations

import signal
import socket
import sys
import tempfile
from pathlib import Path

from localcloud.client import LocalCloud
from tools.demo.account import account
from tools.demo.fleet import AGENT, BILLING, FLEET, GATEWAY, PENDING_SECONDS, PORT, SHOP, WEB, seed_shop
from tools.demo.table import before_and_after
from tools.demo.terminal import MODIFY, DemoError, Terminal, announce, expect, modifies
from tools.sandbox import ROOT

HURRY = 120
"""How many times as fast the time of the embedded cloud passes during a rollout."""


def demo(cloud: LocalCloud, terminal: Terminal) -> None:
    """The main job: preview, change, rerun without changes, detect drift and repair it."""
    before = {view["id"]: view for view in cloud.instances()}
    announce(f"An embedded EC2 with {len(before)} instances runs at {cloud.url}. No AWS account is reached.")
    terminal.run("pulumi stack init local")

    announce("1. What would change? A preview describes the live instances and changes nothing.")
    terminal.run("pulumi preview --stack local")
    expect("modifications sent by the preview", found=modifies(cloud), wanted=0)

    announce("2. Change the instances, and wait until EC2 reports the options as applied.")
    terminal.run("pulumi up --stack local --yes --skip-preview --suppress-outputs")
    expect(
        "modifications sent, for the 9 instances that differ: the bastion is launched with its options",
        found=modifies(cloud),
        wanted=9,
    )
    announce(
        "Before -> after. What is not managed stays: IPv6 and tags of `cache`, the disabled endpoints of `vault` and "
        "`archive`.\n"
    )
    print(before_and_after(before, cloud.instances()), flush=True)

    announce("3. Run it again: nothing differs, so nothing is sent.")
    terminal.run("pulumi up --stack local --yes --skip-preview --suppress-outputs")
    expect("modifications sent by the second run", found=modifies(cloud), wanted=0)

    announce("4. Someone changes two instances outside Pulumi. The next preview shows the drift on their resources.")
    cloud.change(WEB, {"options": {"HttpTokens": "optional"}})
    cloud.change(GATEWAY, {"options": {"HttpPutResponseHopLimit": 64}})
    terminal.run("pulumi preview --stack local --diff --suppress-outputs")

    announce("5. `pulumi up` repairs the drift.")
    terminal.run("pulumi up --stack local --yes --skip-preview --suppress-outputs")
    expect("modifications sent, one per drifted instance", found=modifies(cloud), wanted=2)
    expect("tokens of web-1", found=cloud.instance(WEB)["options"].get("HttpTokens"), wanted="required")
    expect("hop limit of gateway", found=cloud.instance(GATEWAY)["options"].get("HttpPutResponseHopLimit"), wanted=2)


def fleet(cloud: LocalCloud, terminal: Terminal, home: Path) -> None:
    """A fleet: one instance is not ready, one is exempt, and the others are changed in three waves."""
    seed_shop(cloud)
    before = {seed["id"]: cloud.instance(seed["id"]) for seed in SHOP}
    terminal.run("pulumi stack init fleet")

    announce(
        f"6. A fleet of {len(SHOP)} instances, selected by tag. One calls IMDSv1: requiring IMDSv2 would break it."
    )
    terminal.run("pulumi preview --stack fleet", fails=True)
    asked = {each for call in cloud.log("GetMetricData") for each in call["instance_ids"]}
    expect(
        "instances whose IMDSv1 calls were read from CloudWatch, all but the exempt one", found=len(asked), wanted=11
    )
    expect("modifications sent", found=modifies(cloud), wanted=0)

    announce(
        "7. Exclude that instance until it is fixed, and change the others: one, then a quarter, then all. Each wave "
        f"waits until CloudWatch covers its change. Time passes {HURRY} times as fast here, so that takes seconds."
    )
    excluding = home / "Pulumi.fleet.yaml"
    select = '      select: { "tag:Team": [shop] }\n'
    line = f"      exclude: [{BILLING}]\n"
    excluding.write_text((ROOT / "stacks" / "Pulumi.fleet.yaml").read_text().replace(select, select + line))
    print(f"\n  imds:fleets.shop:\n{line}", end="", flush=True)
    with cloud.hurrying(HURRY):
        terminal.run(f"pulumi up --stack fleet --config-file {excluding} --yes --suppress-outputs")
    expect("modifications sent, one per instance that is not excluded", found=modifies(cloud), wanted=len(SHOP) - 1)
    expect(
        "tokens of the exempt shop-agent", found=cloud.instance(AGENT)["options"].get("HttpTokens"), wanted="optional"
    )
    print()
    print(before_and_after(before, [cloud.instance(each) for each in before]), flush=True)

    announce("8. What is left to do is in the outputs.")
    terminal.run("pulumi stack output fleets --json --stack fleet")


def main_job(cloud: LocalCloud, home: Path) -> None:
    """Run all steps."""
    terminal = Terminal(home)
    demo(cloud, terminal)
    fleet(cloud, terminal, home)
    account(cloud, terminal, home)
    announce("Done. Nothing is left running. The same commands work on AWS: see README.md.")


def main() -> int:
    """Run the demo in a temporary folder."""
    # Exiting through the context managers stops the embedded EC2 and removes the state, as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError:
            print(f"error: port {PORT} is in use; the demo needs it for the embedded EC2.", file=sys.stderr)
            return 1
    arguments = (f"--port={PORT}", f"--pending={PENDING_SECONDS}", f"--latency={MODIFY}=0.12,DescribeInstances=0.08")
    try:
        with (
            tempfile.TemporaryDirectory(prefix="pulumi-imds-demo-") as home,
            LocalCloud.start(*arguments, "--throttle", "--publish=as-aws", seed=FLEET) as cloud,
        ):
            main_job(cloud, Path(home))
    except DemoError as error:
        print(f"\nerror: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
