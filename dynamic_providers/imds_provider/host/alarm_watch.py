"""Watch the CloudWatch alarms of a rollout, and stop it if one of them is not OK."""

from __future__ import annotations

from ..errors import WaveStoppedError
from ..rules.alarms import AlarmReport, AlarmRule, judge, rollout_stopped
from . import runtime


class AlarmWatch:
    """The alarms of a rollout in one region. Without any, CloudWatch is not asked."""

    def __init__(self, rule: AlarmRule, region: str, title: str) -> None:
        self._rule, self._region, self._title = rule, region, title

    def require_no_alarm(self) -> None:
        """Raise :class:`WaveStoppedError` if an alarm is in ALARM or does not exist.

        One without enough data may have some at the next look.
        """
        self._stop_for(self._look().stopping, without_data=False)

    def require_ok(self) -> None:
        """Raise :class:`WaveStoppedError` unless all are OK; the rule decides about those without enough data."""
        report = self._look()
        self._stop_for([*report.stopping, *report.blocking], without_data=bool(report.blocking))
        if report.warnings:
            runtime.engine().warn("\n".join(report.warnings))

    def _look(self) -> AlarmReport:
        if not self._rule.names:
            return AlarmReport()
        return judge(self._rule, runtime.aws().fleet(self._region).alarms(self._rule.names), self._region)

    def _stop_for(self, lines: list[str], *, without_data: bool) -> None:
        if lines:
            raise WaveStoppedError(rollout_stopped(self._title, lines, without_data=without_data))
