"""The JSON Schema of a stack file, which editors read: up to date, and of one mind with the program."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from imds_components.stack_config import StackConfigError, parse
from tools.config_schema import SCHEMA_FILE, stack_file_schema
from tools.sandbox import ROOT

WEB = "i-0123456789abcdef0"
OPTIONS = {"httpTokens": "required"}
FLEET = {"select": {"tag:Team": ["web"]}}
EXEMPTION = {"instance": WEB, "reason": "old agent", "until": "2027-01-31"}

schema = jsonschema.Draft7Validator(stack_file_schema(), format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER)


def test_the_file_is_what_the_rules_give() -> None:
    written = json.loads(SCHEMA_FILE.read_text("utf-8"))
    assert written == stack_file_schema(), "run `python -m tools.config_schema`"
    jsonschema.Draft7Validator.check_schema(written)


@pytest.mark.parametrize("stack", sorted(path.name for path in (ROOT / "stacks").glob("*.yaml")))
def test_every_stack_file_of_the_repository_is_valid(stack: str) -> None:
    # A date is a string to an editor.
    given = json.loads(json.dumps(yaml.safe_load((ROOT / "stacks" / stack).read_text("utf-8")), default=str))
    assert [error.message for error in schema.iter_errors(given)] == []


@pytest.mark.parametrize(
    ("config", "valid"),
    [
        ({}, True),
        ({"aws:region": "eu-west-1", "other:key": [1]}, True),
        ({"imds:options": OPTIONS, "imds:instances": {"web": WEB}}, True),
        ({"imds:options": OPTIONS, "imds:fleets": {"web": FLEET}}, True),
        ({"imds:options": OPTIONS, "imds:fleets": {"web": {**FLEET, "exemptions": [EXEMPTION]}}}, True),
        ({"imds:options": OPTIONS, "imds:fleets": {"web": {**FLEET, "allowDowngrade": {WEB: "old agent"}}}}, True),
        ({"imds:throttle": {"DescribeInstances": {"capacity": 50, "refillPerSecond": 10}}}, True),
        ({"imds:option": OPTIONS}, False),
        ({"imds:options": {"httpToken": "required"}}, False),
        ({"imds:options": {"httpTokens": "on"}}, False),
        ({"imds:options": {"httpPutResponseHopLimit": 65}}, False),
        ({"imds:options": OPTIONS, "imds:instances": {"web": "web"}}, False),
        ({"imds:options": OPTIONS, "imds:fleets": {"web": {"select": {"metadata-options.state": ["x"]}}}}, False),
        ({"imds:options": OPTIONS, "imds:fleets": {"web": {**FLEET, "regions": []}}}, False),
        ({"imds:options": OPTIONS, "imds:fleets": {"web": {**FLEET, "rollout": {"waves": ["0%"]}}}}, False),
        ({"imds:options": OPTIONS, "imds:fleets": {"web": {**FLEET, "exemptions": [{"instance": WEB}]}}}, False),
        ({"imds:options": OPTIONS, "imds:fleets": {"web": {**FLEET, "allowDowngrade": {"web": "old agent"}}}}, False),
        ({"imds:throttle": {"DescribeInstances": {"capacity": 0, "refillPerSecond": 10}}}, False),
    ],
)
def test_the_schema_and_the_program_agree(config: dict[str, object], *, valid: bool) -> None:
    raw = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    assert schema.is_valid({"config": config}) is valid
    if valid:
        parse(raw)
    else:
        with pytest.raises(StackConfigError):
            parse(raw)
