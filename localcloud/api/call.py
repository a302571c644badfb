"""A call of the AWS API, parsed from an HTTP request."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import parse_qsl

from moto.iam.models import get_account_id_from

from localcloud.api import errors

CREDENTIALS = re.compile(
    r"(?i)^(x-amz-.*|awsaccesskeyid|signature.*|securitytoken|webidentitytoken|samlassertion|tokencode|"
    r"secretaccesskey|userdata|publickeymaterial|password)$"
)
"""Parameters that are never logged."""

INSTANCE_ID = re.compile(r"i-[0-9a-f]{8}(?:[0-9a-f]{9})?")
_CREDENTIAL_SCOPE = re.compile(r"Credential=(?P<key>[^/]+)/[^/]+/(?P<region>[^/]+)/(?P<service>[^/]+)/")


@dataclass(frozen=True)
class Call:
    """An action with its parameters, account and region.

    Attributes:
        service: the signing name (`ec2`, `sts`); empty for an unsigned request.
        params: query parameters as sent, without Action and Version.
        document: the body of a JSON request; None for other protocols.
    """

    service: str
    action: str
    account: str
    region: str
    params: Mapping[str, str]
    document: Mapping[str, object] | None = None

    @classmethod
    def parse(cls, environ: Mapping[str, object], body: bytes) -> Call:
        scope = _CREDENTIAL_SCOPE.search(str(environ.get("HTTP_AUTHORIZATION", "")))
        is_form = str(environ.get("CONTENT_TYPE", "")).startswith("application/x-www-form-urlencoded")
        query = body.decode() if is_form else str(environ.get("QUERY_STRING", ""))
        params = dict(parse_qsl(query, keep_blank_values=True))
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

    def list_param(self, name: str) -> list[str]:
        """The members of a list parameter (`name.1`, `name.2`, ...), in order."""
        members = [
            (int(key[len(name) + 1 :]), value)
            for key, value in self.params.items()
            if key.startswith(f"{name}.") and key[len(name) + 1 :].isdigit()
        ]
        return [value for _, value in sorted(members)]

    @cached_property
    def filters(self) -> dict[str, list[str]]:
        """Values by filter name; `null`, as in EC2's error, for a filter without a name."""
        numbers = dict.fromkeys(match[1] for key in self.params if (match := re.match(r"Filter\.(\d+)\.", key)))
        return {self.params.get(f"Filter.{n}.Name", "null"): self.list_param(f"Filter.{n}.Value") for n in numbers}

    @cached_property
    def instance_ids(self) -> list[str]:
        """The instances that the call names, by ID or in a filter, without duplicates."""
        single = self.params.get("InstanceId")
        ids = [single] if single is not None else []
        ids += self.list_param("InstanceId")
        ids += [each for each in self.list_param("ResourceId") if each.startswith("i-")]
        if self.action == "DescribeInstances":
            ids += self.filters.get("instance-id", [])
        if self.action == "GetMetricData" and self.document is not None:
            ids += [value for name, value in _dimensions(self.document) if name == "InstanceId"]
        return list(dict.fromkeys(ids))

    @property
    def iam_action(self) -> str:
        """The action as IAM policies spell it."""
        return f"{'cloudwatch' if self.service == 'monitoring' else self.service}:{self.action}"

    @property
    def caller_arn(self) -> str:
        return f"arn:aws:sts::{self.account}:assumed-role/deployer/session"

    @property
    def denial(self) -> errors.AWSError:
        """The error for a caller without the permission: UnauthorizedOperation from EC2, else AccessDenied."""
        if self.service == "ec2":
            return errors.unauthorized(self.action, self.caller_arn)
        return errors.access_denied(self.iam_action, self.caller_arn)

    @property
    def logged_params(self) -> dict[str, str]:
        return {name: value for name, value in self.params.items() if not CREDENTIALS.match(name)}

    def refuse_if_dry_run(self) -> None:
        if self.params.get("DryRun") == "true":
            raise errors.AWSError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")


def check_instance_id(instance_id: str) -> str:
    """Return the ID if it is well-formed.

    Raises:
        AWSError: InvalidInstanceID.Malformed.
    """
    if not INSTANCE_ID.fullmatch(instance_id):
        raise errors.AWSError("InvalidInstanceID.Malformed", f'Invalid id: "{instance_id}"')
    return instance_id


def _document(environ: Mapping[str, object], body: bytes) -> Mapping[str, object] | None:
    if not str(environ.get("CONTENT_TYPE", "")).startswith("application/x-amz-json"):
        return None
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _dimensions(document: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The metric dimensions in a GetMetricData request that has not been validated."""
    level = [document]
    for key in ("MetricDataQueries", "MetricStat", "Metric", "Dimensions"):
        values = (each.get(key, ()) for each in level)
        lists = (value if isinstance(value, list) else [value] for value in values)
        level = [each for value in lists for each in value if isinstance(each, Mapping)]
    return ((str(each.get("Name")), str(each.get("Value"))) for each in level)


def _rest_action(service: str, environ: Mapping[str, object]) -> str:
    target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
    return target.rpartition(".")[2] or f"{service}:{environ.get('REQUEST_METHOD', '')}"
