"""An embedded cloud in this process that records when tokens were changed, by its own clock, and what is scheduled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qs

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from tests.support.offline import OfflineCloud


@dataclass(frozen=True)
class TokensChange:
    """A modification that was carried out: what an instance's tokens were before it and after it."""

    instance_id: str
    at: datetime
    tokens: str
    before: str

    @property
    def required(self) -> bool:
        """Whether tokens became required by it."""
        return self.tokens == "required" and self.before == "optional"


@dataclass(frozen=True)
class RecordingCloud(OfflineCloud):
    """``sent`` has the modifications that were carried out, ``scheduled`` what happens at a later time."""

    sent: list[TokensChange] = field(default_factory=list)
    scheduled: list[tuple[datetime, Callable[[], object]]] = field(default_factory=list)

    def schedule(self, seconds: float, act: Callable[[], object]) -> None:
        """Have something happen once the clock has advanced by so many seconds."""
        self.scheduled.append((self.time() + timedelta(seconds=seconds), act))

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        now = self.time()
        due = [each for each in self.scheduled if each[0] <= now]
        self.scheduled[:] = [each for each in self.scheduled if each[0] > now]
        for _, act in due:
            act()

    def answer(self, request: AWSPreparedRequest, **given: object) -> AWSResponse:
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
        params = {name: values[0] for name, values in parse_qs(body).items()}
        modifies = params.get("Action") == "ModifyInstanceMetadataOptions" and "DryRun" not in params
        instance_id = params.get("InstanceId", "")
        before = self._tokens(instance_id) if modifies else ""
        answer = super().answer(request, **given)
        if modifies and answer.status_code == 200:
            self.sent.append(TokensChange(instance_id, self.time(), self._tokens(instance_id), before))
        return answer

    def _tokens(self, instance_id: str) -> str:
        return str(self.instance(instance_id)["options"].get("HttpTokens", ""))
