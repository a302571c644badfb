"""`python -m tools.demo`: exits with 1 if anything is not as it says."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from localcloud.client import LocalCloud
from tools.demo.fleet import AGENT, BILLING, FLEET, GATEWAY, PENDING_SECONDS, SHOP, WEB
from tools.demo.table import before_and_after
from tools.sandbox import ROOT, environment

PORT = 5599  # the one that stacks/Pulumi.local.yaml names
HURRY = 120
MODIFY = "ModifyInstanceMetadataOptions"


class DemoError(Exception):
    """Something is not as the demo says it is."""


class Terminal:
    """Runs Pulumi as a person would, showing each command, against a state that is thrown away."""

    def __init__(self, home: Path) -> None:
        self._environment = environment(home)

    def run(self, command: str, *, fails: bool = False) -> None:
        """Run a command and show what it prints; it has to end as expected."""
        print(f"\n\033[1m$ {command}\033[0m" if sys.stdout.isatty() else f"\n$ {command}", flush=True)
        ended = subprocess.run(command.split(), cwd=ROOT, env=self._environment, check=False)
        if bool(ended.returncode) != fails:
            raise DemoError(f"`{command}` {'was to fail' if fails else 'failed'}")


def say(text: str) -> None:
    """Tell the reader what comes next."""
    print(f"\n{text}", flush=True)


def expect(description: str, *, found: object, wanted: object) -> None:
    """State a fact, or stop because it is none."""
    if found != wanted:
        raise DemoError(f"{description}: expected {wanted}, found {found}")
    print(f"\n  {description}: {found}", flush=True)


def modifies(cloud: LocalCloud) -> int:
    """How many modifications EC2 has received since this was last asked, but for those that only ask if they may."""
    calls = [call for call in cloud.log(MODIFY) if "DryRun" not in call["params"]]
    cloud.reset()
    return len(calls)


def demo(cloud: LocalCloud, terminal: Terminal) -> None:
    """The main job: look, bring about, prove that it stays, find a drift and repair it."""
    before = {view["id"]: view for view in cloud.instances()}
    say(f"An EC2 of its own runs at {cloud.url} with {len(before)} instances. No AWS account is reached.")
    terminal.run("pulumi stack init local")

    say("1. What would change? A preview looks at the live instances and sends nothing that changes them.")
    terminal.run("pulumi preview --stack local")
    expect("modifications sent by the preview", found=modifies(cloud), wanted=0)

    say("2. Bring it about, and wait until EC2 says that it is applied.")
    terminal.run("pulumi up --stack local --yes --skip-preview --suppress-outputs")
    expect("modifications sent, for the 9 that differ and the new bastion", found=modifies(cloud), wanted=10)
    say("Before -> after. `cache` keeps its IPv6 and tags, `vault` and `archive` keep their endpoint switched off:\n")
    print(before_and_after(before, cloud.instances()), flush=True)

    say("3. Again: nothing changes, and nothing is sent.")
    terminal.run("pulumi up --stack local --yes --skip-preview --suppress-outputs")
    expect("modifications sent by the second run", found=modifies(cloud), wanted=0)

    say("4. Somebody changes two instances behind Pulumi's back. The next preview shows the drift in their rows.")
    cloud.change(WEB, {"options": {"HttpTokens": "optional"}})
    cloud.change(GATEWAY, {"options": {"HttpPutResponseHopLimit": 64}})
    terminal.run("pulumi preview --stack local --diff --suppress-outputs")

    say("5. `pulumi up` repairs it.")
    terminal.run("pulumi up --stack local --yes --skip-preview --suppress-outputs")
    expect("modifications sent, one for each drifted instance", found=modifies(cloud), wanted=2)
    expect("tokens of web-1", found=cloud.instance(WEB)["options"].get("HttpTokens"), wanted="required")
    expect("hop limit of gateway", found=cloud.instance(GATEWAY)["options"].get("HttpPutResponseHopLimit"), wanted=2)


def fleet(cloud: LocalCloud, terminal: Terminal, home: Path) -> None:
    """A whole fleet: one instance is not ready, one is exempt, the others follow in three waves."""
    cloud.seed(SHOP)
    before = {seed["id"]: cloud.instance(seed["id"]) for seed in SHOP}
    terminal.run("pulumi stack init fleet")

    say(
        f"6. A fleet of {len(SHOP)} instances, selected by tag. One still uses IMDSv1: requiring IMDSv2 would break it."
    )
    terminal.run("pulumi preview --stack fleet", fails=True)
    asked = {each for call in cloud.log("GetMetricData") for each in call["instance_ids"]}
    expect("instances whose IMDSv1 calls were looked up, all but the exempt one", found=len(asked), wanted=11)
    expect("modifications sent", found=modifies(cloud), wanted=0)

    say(
        "7. It is excluded until it is fixed. The others follow: one, then a quarter, then all. Each wave is watched "
        f"until CloudWatch covers its change; time passes {HURRY} times as fast here, so that this takes seconds."
    )
    excluding = home / "Pulumi.fleet.yaml"
    select = '      select: { "tag:Team": [shop] }\n'
    line = f"      exclude: [{BILLING}]\n"
    excluding.write_text((ROOT / "stacks" / "Pulumi.fleet.yaml").read_text().replace(select, select + line))
    print(f"\n  imds:fleets.shop:\n{line}", end="", flush=True)
    with cloud.hurrying(HURRY):
        terminal.run(f"pulumi up --stack fleet --config-file {excluding} --yes --suppress-outputs")
    expect("modifications sent, one for each but the excluded one", found=modifies(cloud), wanted=len(SHOP) - 1)
    expect(
        "tokens of the exempt shop-agent", found=cloud.instance(AGENT)["options"].get("HttpTokens"), wanted="optional"
    )
    print()
    print(before_and_after(before, [cloud.instance(each) for each in before]), flush=True)

    say("8. What is left to do, for people and for machines.")
    terminal.run("pulumi stack output fleets --json --stack fleet")


def main_job(cloud: LocalCloud, home: Path) -> None:
    """All of it."""
    terminal = Terminal(home)
    demo(cloud, terminal)
    fleet(cloud, terminal, home)
    say("Done. Nothing is left running. The same commands work on AWS: see README.md.")


def main() -> int:
    """Run the demo in a folder that is removed afterwards."""
    # A terminated demo takes its EC2 and its state with it, as an interrupted one does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError:
            print(f"error: the demo needs port {PORT} of this machine, and something else uses it.", file=sys.stderr)
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
