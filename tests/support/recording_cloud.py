"""An embedded cloud in this process that notes which modification came when, by its own clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qs

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from tests.support.offline import OfflineCloud


@dataclass(frozen=True)
class Hardened:
    """What an instance's tokens were made, when, and what they were."""

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
    """``sent`` has the modifications that were carried out."""

    sent: list[Hardened] = field(default_factory=list)

    def answer(self, request: AWSPreparedRequest, **given: object) -> AWSResponse:
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        modifies = asked.get("Action") == "ModifyInstanceMetadataOptions" and "DryRun" not in asked
        instance_id = asked.get("InstanceId", "")
        before = self.instance(instance_id)["options"].get("HttpTokens", "") if modifies else ""
        answer = super().answer(request, **given)
        if modifies and answer.status_code == 200:
            now = self.instance(instance_id)["options"].get("HttpTokens", "")
            self.sent.append(Hardened(instance_id, self.time(), str(now), str(before)))
        return answer
