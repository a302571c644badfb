"""One call of the API, as it is read from an HTTP request."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import parse_qsl

from moto.iam.models import get_account_id_from

from localcloud.api import errors

CREDENTIALS = re.compile(
    r"(?i)^(x-amz-.*|awsaccesskeyid|signature.*|securitytoken|webidentitytoken|samlassertion|tokencode|"
    r"secretaccesskey|userdata|publickeymaterial|password)$"
)
"""Parameters that never reach the log."""

_SCOPE = re.compile(r"Credential=(?P<key>[^/]+)/[^/]+/(?P<region>[^/]+)/(?P<service>[^/]+)/")
INSTANCE_ID = re.compile(r"i-[0-9a-f]{8}(?:[0-9a-f]{9})?")


@dataclass(frozen=True)
class Call:
    """What is asked, by whom and where.

    Attributes:
        service: the signing name (`ec2`, `sts`), empty for an unsigned request.
        params: the query parameters as they stand on the wire, without Action and Version.
        document: the body of a request in JSON, None for one in another protocol.
    """

    service: str
    action: str
    account: str
    region: str
    params: Mapping[str, str]
    document: Mapping[str, object] | None = None

    @classmethod
    def read(cls, environ: Mapping[str, object], body: bytes) -> Call:
        scope = _SCOPE.search(str(environ.get("HTTP_AUTHORIZATION", "")))
        form = str(environ.get("CONTENT_TYPE", "")).startswith("application/x-www-form-urlencoded")
        text = body.decode() if form else str(environ.get("QUERY_STRING", ""))
        params = dict(parse_qsl(text, keep_blank_values=True))
        service = scope["service"] if scope else ""
        action = params.pop("Action", "") or _rest_action(service, environ)
        params.pop("Version", None)
        return cls(
            service=service,
            action=action,
            account=get_account_id_from(scope["key"] if scope else ""),
            region=scope["region"] if scope else "us-east-1",
            params=params,
            document=_document(environ, body),
        )

    def listed(self, name: str) -> list[str]:
        """The members of a list parameter (`name.1`, `name.2`, ...) in their order."""
        found = [
            (int(key[len(name) + 1 :]), value)
            for key, value in self.params.items()
            if key.startswith(f"{name}.") and key[len(name) + 1 :].isdigit()
        ]
        return [value for _, value in sorted(found)]

    @cached_property
    def filters(self) -> dict[str, list[str]]:
        """Values by filter name."""
        filters: dict[str, list[str]] = {}
        for key in self.params:
            if match := re.fullmatch(r"Filter\.(\d+)\.Name", key):
                filters[self.params[key]] = self.listed(f"Filter.{match[1]}.Value")
            elif re.fullmatch(r"Filter\.\d+\.Value\.\d+", key) and key.split(".Value")[0] + ".Name" not in self.params:
                raise errors.EC2Error("InvalidParameterValue", "The filter 'null' is invalid.")
        return filters

    @cached_property
    def instance_ids(self) -> list[str]:
        """Every instance that the call names, by id or in a filter, each once."""
        single = self.params.get("InstanceId")
        named = [single] if single is not None else []
        named += self.listed("InstanceId")
        named += [each for each in self.listed("ResourceId") if each.startswith("i-")]
        if self.action == "DescribeInstances":
            named += [value for name, values in self.filters.items() if name == "instance-id" for value in values]
        if self.action == "GetMetricData" and self.document is not None:
            named += [value for name, value in _dimensions(self.document) if name == "InstanceId"]
        return list(dict.fromkeys(named))

    @property
    def iam_action(self) -> str:
        """As policies have it."""
        return f"{'cloudwatch' if self.service == 'monitoring' else self.service}:{self.action}"

    @property
    def caller(self) -> str:
        """The ARN of who calls."""
        return f"arn:aws:sts::{self.account}:assumed-role/deployer/session"

    def refuse_if_denied(self, denied: Collection[str]) -> None:
        """Refuse an IAM action that is denied, as its service does.

        Raises:
            EC2Error: UnauthorizedOperation or AccessDenied.
        """
        if self.iam_action in denied:
            if self.service == "ec2":
                raise errors.unauthorized(self.action, self.caller)
            raise errors.access_denied(self.iam_action, self.caller)

    @property
    def logged_params(self) -> dict[str, str]:
        return {name: value for name, value in self.params.items() if not CREDENTIALS.match(name)}

    @property
    def is_dry_run(self) -> bool:
        return self.params.get("DryRun", "false") == "true"

    def refuse_if_dry_run(self) -> None:
        if self.is_dry_run:
            raise errors.dry_run()


def check_instance_id(given: str) -> str:
    """The id itself.

    Raises:
        EC2Error: InvalidInstanceID.Malformed.
    """
    if not INSTANCE_ID.fullmatch(given):
        raise errors.malformed_instance_id(given)
    return given


def _document(environ: Mapping[str, object], body: bytes) -> Mapping[str, object] | None:
    if not str(environ.get("CONTENT_TYPE", "")).startswith("application/x-amz-json"):
        return None
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _dimensions(document: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The dimensions of the metrics that GetMetricData asks for, whatever else is in the request."""
    within = [document]
    for key in ("MetricDataQueries", "MetricStat", "Metric", "Dimensions"):
        values = (each.get(key, ()) for each in within)
        listed = (value if isinstance(value, list) else [value] for value in values)
        within = [each for value in listed for each in value if isinstance(each, Mapping)]
    return ((str(each.get("Name")), str(each.get("Value"))) for each in within)


def _rest_action(service: str, environ: Mapping[str, object]) -> str:
    target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
    return target.rpartition(".")[2] or f"{service}:{environ.get('REQUEST_METHOD', '')}"
