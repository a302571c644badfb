"""Random rollouts of a fleet with changes in between: `python -m tests.model --rollouts N`."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from imds_components import Rollout
from imds_components.fleet.waves import assign
from localcloud.faults import Fault
from tests.model.fleet_stack import Ended, FleetStack
from tests.model.rollout_fleet import ALARM, Fleet
from tests.model.rollout_invariants import AlarmState, RolloutRun, Snapshot, violations
from tests.model.simulation import ViolationError
from tests.support.offline import OfflineRuns
from tests.support.provider_run import REGION
from tests.support.recording_cloud import RecordingCloud, TokensChange

METRICS, STATUS, MODIFY = "GetMetricData", "DescribeInstanceStatus", "ModifyInstanceMetadataOptions"
ALARMS = "DescribeAlarms"
FAULTS: Mapping[str, tuple[Fault, ...]] = {
    "none": (),
    "no-data": (Fault("no-data", METRICS, times=None),),
    "partial": (Fault("partial", METRICS, times=3),),
    "throttled": (Fault("error", METRICS, code="Throttling", times=2),),
    "forbidden": (Fault("error", METRICS, nth=2, code="AccessDenied", times=None),),
    "status-forbidden": (Fault("error", STATUS, nth=3, code="UnauthorizedOperation", times=None),),
    "terminated": (Fault("terminate", MODIFY, nth=2, after=True),),
    "alarms-throttled": (Fault("error", ALARMS, code="Throttling", times=2),),
    "alarms-forbidden": (Fault("error", ALARMS, nth=3, code="AccessDenied", times=None),),
}
STEPS = 14
"""The steps of a rollout, about half of which are runs."""


@dataclass
class RolloutSimulation:
    """A fleet, and the stack that manages it.

    Attributes:
        changes: the last change of each instance by which the stack required tokens.
        calling: the instances that call IMDSv1.
        impaired: the instances that fail status checks.
        alarm: the state of the alarm, and since when.
        log: what happened so far.
    """

    cloud: RecordingCloud
    runs: OfflineRuns
    fleet: Fleet = field(default_factory=Fleet)
    changes: dict[str, TokensChange] = field(default_factory=dict)
    calling: set[str] = field(default_factory=set)
    impaired: set[str] = field(default_factory=set)
    launched: int = 0
    alarm: AlarmState = field(init=False)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.stack = FleetStack(self.runs)
        self.cloud.wipe()
        # At the same time of day, so that a simulation always goes the same way.
        self.cloud.advance(86400 - self.cloud.time().timestamp() % 86400)
        self.cloud.settings(pending=1.0, publish="as-aws", metrics_delay=30.0)
        self.set_alarm("OK")
        self.launch(6)

    def set_alarm(self, state: str) -> None:
        """Set the state of the alarm, whatever it was before."""
        self.cloud.set_alarm(ALARM, state, region=REGION)
        self.alarm = AlarmState(state, self.cloud.time())

    def launch(self, count: int) -> None:
        """Launch more instances of the fleet."""
        for _ in range(count):
            self.launched += 1
            # In another order than that of the launches, so that some come before those that are there.
            instance_id = f"i-{(self.launched * 7919) % 99991:017x}"
            self.cloud.seed([{"id": instance_id, "region": REGION, "tags": {"Team": "web"}, "options": {}}])

    def living(self) -> list[str]:
        return sorted(each["id"] for each in self.cloud.instances() if each["state"] in ("running", "stopped"))

    def in_order(self) -> list[str]:
        """The instances in the order in which they are changed."""
        living = self.living()
        waves = assign(living, Rollout([*range(1, len(living) + 1)]))
        return [instance_id for wave in waves.values() for instance_id in wave]

    def tokens(self, instance_id: str) -> str:
        return str(self.cloud.instance(instance_id)["options"]["HttpTokens"])

    def up(
        self,
        fault: str = "none",
        *,
        killed_after: int | None = None,
        faults: Sequence[Fault] | None = None,
        alarm_after: float | None = None,
    ) -> Ended:
        """Run the program and check the invariants. ``faults`` take the place of those that ``fault`` names.

        With ``alarm_after`` the alarm goes off after so many seconds, if the run takes as long.

        Raises :class:`ViolationError`.
        """
        before = self._snapshot()
        program = self.fleet.program(self.living())
        previewed, asked_in_preview = self._counted(lambda: self.stack.preview(program))
        self.cloud.sent.clear()
        if alarm_after is not None:
            self.cloud.schedule(alarm_after, lambda: self.set_alarm("ALARM"))
        self.cloud.set_faults(*(FAULTS[fault] if faults is None else faults))
        ended, asked = self._counted(lambda: self.stack.up(program, killed_after=killed_after))
        self.cloud.scheduled.clear()
        self.cloud.clear_faults()
        self.log.append(f"up {fault} {killed_after} {alarm_after}: {sorted(ended.failed)} {ended.program_error[:300]}")
        succeeded = not ended.failed and not ended.program_error
        next_preview = self.stack.preview(self.fleet.program(self.living())) if succeeded else None
        sent = list(self.cloud.sent)
        after = self._snapshot()
        looks = (asked_in_preview, asked)
        run = RolloutRun(self.fleet, before, after, previewed, ended, next_preview, sent, fault, killed_after, looks)
        # The stack cannot remember what was never recorded.
        self._remember([each for each in sent if each.instance_id != ended.unrecorded])
        if found := list(violations(run)):
            raise ViolationError("\n".join([*found, "", *self.log, "", ended.text]))
        return ended

    def _counted(self, run: Callable[[], Ended]) -> tuple[Ended, int]:
        """The run, and how many times it looked at alarms."""
        self.cloud.reset()
        return run(), self.cloud.calls(ALARMS)

    def _snapshot(self) -> Snapshot:
        views = {each["id"]: each for each in self.cloud.instances()}
        return Snapshot(self.cloud.time(), views, set(self.calling), set(self.impaired), dict(self.changes), self.alarm)

    def _remember(self, sent: list[TokensChange]) -> None:
        for each in sent:
            if each.tokens == "required":
                self.changes[each.instance_id] = each
            else:
                self.changes.pop(each.instance_id, None)

    def edit(self, rng: random.Random) -> None:
        """Something that people or AWS do between two runs."""
        living = self.living()
        some = rng.choice(living) if living else None
        kind = rng.choice(
            [
                *("call", "call", "fix", "launch", "terminate", "drift", "exclude", "exempt", "waves", "soak"),
                *("rename", "refresh", "stop", "start", "impair", "unknown", "late", "move", "move"),
                *("alarm", "alarm", "watch", "watch", "insufficient"),
            ]
        )
        self.log.append(f"{kind} {some}")
        if kind == "launch" or some is None:
            self.launch(rng.choice([1, 1, 3]))
            return
        fleet, others = self.fleet, [(1, "100%"), (1, "10%", "100%"), (2, 4, "100%"), ("100%",), (1, "30%", "100%")]
        acts: Mapping[str, Callable[[], object]] = {
            "call": lambda: self.call(some),
            "fix": lambda: self.fix(some),
            "impair": lambda: self.impair(some),
            "terminate": lambda: self.cloud.terminate(some) if len(living) > 2 else None,
            "drift": lambda: self._drift(some),
            "exclude": lambda: replace(fleet, excluded=fleet.excluded ^ {some}),
            "exempt": lambda: replace(fleet, exempt=(fleet.exempt & set(living)) ^ {some}),
            "waves": lambda: replace(fleet, waves=rng.choice(others)),
            "soak": lambda: replace(fleet, soak=rng.choice([None, None, 0, 5, 30])),
            "unknown": lambda: replace(fleet, unknown=rng.choice(["warn", "block", "ignore"])),
            "rename": lambda: self.rename(f"web{len(self.log)}"),
            "refresh": self.stack.refresh,
            "late": lambda: self.cloud.settings(metrics_delay=rng.choice([0.0, 30.0, 60.0, 240.0])) and None,
            "move": lambda: self.move(some),
            "stop": lambda: self._change_state(some, "running", self.cloud.stop),
            "start": lambda: self._change_state(some, "stopped", self.cloud.start_instance),
            "alarm": lambda: self.set_alarm(rng.choice(["OK", "OK", "ALARM", "INSUFFICIENT_DATA"])),
            "watch": lambda: replace(fleet, alarms=() if fleet.alarms else (ALARM,)),
            "insufficient": lambda: replace(fleet, insufficient_data=rng.choice(["warn", "block", "ignore"])),
        }
        changed = acts[kind]()
        if isinstance(changed, Fleet):
            self.fleet = changed

    def rename(self, name: str) -> None:
        """Rename the fleet and declare that by an alias."""
        self.stack.rename(self.fleet.name, name)
        self.fleet = replace(self.fleet, name=name)

    def move(self, instance_id: str) -> None:
        """Move the instance to the other fleet, or back, and declare that by an alias."""
        fleets = (self.fleet.name, "shop")
        old, new = fleets[::-1] if instance_id in self.fleet.moved else fleets
        self.stack.rename_row(f"{old}-{instance_id}", f"{new}-{instance_id}")
        self.fleet = replace(self.fleet, moved=self.fleet.moved ^ {instance_id})

    def call(self, instance_id: str) -> None:
        """Let its workload call IMDSv1, as if it had done so all along."""
        self.cloud.change(instance_id, {"workload": {"legacy_calls_per_minute": 10}})
        self.calling.add(instance_id)

    def fix(self, instance_id: str) -> None:
        self.cloud.change(instance_id, {"workload": {}, "status": "ok"})
        self.calling.discard(instance_id)
        self.impaired.discard(instance_id)

    def impair(self, instance_id: str) -> None:
        self.cloud.change(instance_id, {"status": "impaired"})
        self.impaired.add(instance_id)

    def _drift(self, instance_id: str) -> None:
        self.cloud.change(instance_id, {"options": {"HttpTokens": "optional"}})
        self.changes.pop(instance_id, None)

    def _change_state(self, instance_id: str, state: str, verb: Callable[[str], object]) -> None:
        if self.cloud.instance(instance_id)["state"] == state:
            verb(instance_id)


def simulate(cloud: RecordingCloud, runs: OfflineRuns, seed: int) -> int:
    """Simulate one rollout and return the number of its runs. Raises :class:`ViolationError` with the whole log."""
    rng = random.Random(seed)  # noqa: S311  nothing secret comes from it
    simulation, count = RolloutSimulation(cloud, runs), 0
    cloud.settings(clock_skew=rng.choice([-200.0, 0.0, 200.0]))
    for _ in range(STEPS):
        cloud.advance(rng.choice([30, 600, 1200, 3600, 86400]))
        if rng.random() < 0.5:
            simulation.edit(rng)
            continue
        count += 1
        kill = rng.choice([None, None, None, None, rng.randrange(1, 12)])
        goes_off = rng.choice([None, None, None, 30.0, 400.0, 1500.0])
        simulation.up(rng.choice(["none"] * 6 + list(FAULTS)), killed_after=kill, alarm_after=goes_off)
    return count


@dataclass(frozen=True)
class Found:
    """The number of runs, and the log of the rollout that violated an invariant, if any."""

    runs: int
    violated: str | None = None


def search(rollouts: int, first_seed: int) -> Found:
    """Simulate so many rollouts in this process, fewer if something is found."""
    cloud, count = RecordingCloud(), 0
    runs = OfflineRuns(cloud)
    with runs.ready():
        for seed in range(first_seed, first_seed + rollouts):
            try:
                count += simulate(cloud, runs, seed)
            except ViolationError as error:
                return Found(count, f"seed {seed}: {error}")
    return Found(count)
