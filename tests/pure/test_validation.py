"""Every rule: what it accepts, its sentence, and that its JSON Schema describes the same values."""

from __future__ import annotations

import jsonschema
import pytest

from imds_components.fleet.waves import KEYS, Rollout
from imds_provider.rules import allowed_values
from imds_provider.rules.validation import (
    Key,
    Rule,
    Violation,
    choice,
    either,
    field_violations,
    list_of,
    map_of,
    number,
    object_of,
    quote,
    spell_stack,
    violations,
    whole_number,
)

WEB = "i-0123456789abcdef0"
NOTHING: tuple[object, ...] = (None, "", " ", [], {}, True, 0)

RULES: dict[str, tuple[Rule, list[object], list[object]]] = {
    'an instance ID ("i-" and 8 or 17 hexadecimal digits)': (
        allowed_values.INSTANCE_ID,
        [WEB, "i-1a2b3c4d"],
        [
            "web",
            "i-",
            "i-1A2B3C4D",
            "i-123",
            "i-1a2b3c4g",
            "mi-1a2b3c4d",
            "I-1a2b3c4d",
            "i-\uff11a2b3c4d",
            WEB + "0",
            WEB + "\n",
            " " + WEB,
            7.0,
            *NOTHING,
        ],
    ),
    'the name of an AWS region such as "eu-west-1"': (
        allowed_values.REGION,
        ["eu-west-1", "us-gov-west-1", "cn-north-1", "us-iso-east-1", "ap-southeast-12"],
        ["eu", "eu-west", "EU-WEST-1", "eu-west-1a", "eu-west-1 ", *NOTHING],
    ),
    "a list of different regions, at least one": (
        allowed_values.REGIONS,
        [["eu-west-1"], ["eu-west-1", "us-east-1"]],
        ["eu-west-1", ["eu-west-1", "eu-west-1"], *NOTHING],
    ),
    "true or false": (allowed_values.FLAG, [True, False], ["true", 1, 1.0, None]),
    "a number above 0": (allowed_values.POSITIVE, [0.1, 5, 200.0], [0, -1, True, "5", None]),
    "a number of seconds from 1 to 3600": (
        allowed_values.TIMEOUT_SECONDS,
        [1, 5.5, 3600, 120.0],
        [0.0, 0.99, -5.0, 3600.5, 3601.0, "60", float("nan"), float("inf"), *NOTHING],
    ),
    '"retain" or "restore"': (allowed_values.ON_DESTROY, ["retain", "restore"], ["keep", "Retain", *NOTHING]),
    '"fail" or "warn"': (allowed_values.IF_GONE, ["fail", "warn"], ["ignore", *NOTHING]),
    '"block", "warn" or "off"': (allowed_values.LEGACY_CALLS, ["block", "warn", "off"], ["on", *NOTHING]),
    '"warn", "block" or "ignore"': (allowed_values.UNKNOWN, ["block", "warn", "ignore"], ["off", *NOTHING]),
    "a whole number of days from 1 to 455": (
        allowed_values.DAYS,
        [1, 14, 455, 14.0],
        [456, -1.0, 14.5, float("nan"), "14", *NOTHING],
    ),
    "a number of minutes from 0 to 1440": (
        allowed_values.SOAK_MINUTES,
        [0, 0.5, 1440],
        [-1, 1441, "15", True, None],
    ),
    "the reason why the options may be loosened": (
        allowed_values.REASON,
        ["the agent is old"],
        [7, ["x"], *NOTHING],
    ),
    "a list of instance IDs": (allowed_values.INSTANCE_IDS, [[], [WEB]], [WEB, {}, None, 0]),
}


@pytest.mark.parametrize(("allowed", "rule", "right", "wrong"), [(key, *rest) for key, rest in RULES.items()])
def test_a_rule_accepts_what_its_sentence_and_its_schema_say(
    allowed: str, rule: Rule, right: list[object], wrong: list[object]
) -> None:
    schema = jsonschema.Draft202012Validator(rule.schema)
    assert [each for each in right if [*rule.check(each)] or not schema.is_valid(each)] == []
    for each in wrong:
        assert [*rule.check(each)] == [Violation((), f"must be {allowed}, got {quote(each)}.")]
    # JSON has no NaN, and no trailing newline survives YAML.
    assert [each for each in wrong if _is_json(each) and schema.is_valid(each)] == []


def _is_json(value: object) -> bool:
    return not (isinstance(value, float) and value - value != 0) and not (
        isinstance(value, str) and value.endswith("\n")
    )


TREE = object_of(
    [
        Key("timeoutSeconds", number(1, 10, "seconds"), required=True),
        Key("names", map_of(choice("a", "b"))),
        Key("sizes", list_of(whole_number(1, 3), "a list of sizes")),
        Key(
            "reason",
            either(allowed_values.REASON, map_of(allowed_values.REASON, name=allowed_values.INSTANCE_ID), "a reason"),
        ),
    ]
)


@pytest.mark.parametrize(
    ("value", "in_python", "in_a_stack_file"),
    [
        ({"timeoutSeconds": 0}, "timeout_seconds must be a number of seconds from 1 to 10, got 0.", ".timeoutSeconds"),
        ({}, "timeout_seconds is missing; it must be a number of seconds from 1 to 10.", ".timeoutSeconds"),
        (
            {"timeoutSeconds": None},
            "timeout_seconds must be a number of seconds from 1 to 10, got null.",
            ".timeoutSeconds",
        ),
        (
            {"timeoutSeconds": 1, "time_out": 1},
            "time_out is not a known key; did you mean timeoutSeconds?",
            ".time_out",
        ),
        ({"timeoutSeconds": 1, "name": {}}, "name is not a known key; did you mean names?", ".name"),
        ({"timeoutSeconds": 1, "names": {"web": "c"}}, 'names.web must be "a" or "b", got "c".', ".names.web"),
        (
            {"timeoutSeconds": 1, "names": {"tag:Team": "c"}},
            'names["tag:Team"] must be "a" or "b", got "c".',
            '.names["tag:Team"]',
        ),
        ({"timeoutSeconds": 1, "names": {" ": "a"}}, 'names[" "] has an empty name; give it one.', '.names[" "]'),
        ({"timeoutSeconds": 1, "names": []}, "names must be an object, got [].", ".names"),
        ({"timeoutSeconds": 1, "sizes": [1, 9]}, "sizes[1] must be a whole number from 1 to 3, got 9.", ".sizes[1]"),
        ({"timeoutSeconds": 1, "reason": " "}, 'reason must be a reason, got " ".', ".reason"),
        (
            {"timeoutSeconds": 1, "reason": {"web": "old"}},
            'reason.web must be named by an instance ID ("i-" and 8 or 17 hexadecimal digits).',
            ".reason.web",
        ),
    ],
)
def test_a_violation_names_its_place_as_the_person_wrote_it(
    value: object, in_python: str, in_a_stack_file: str
) -> None:
    (found,) = TREE.check(value)
    assert found.in_python() == in_python
    assert found.in_python("Rollout") == f"Rollout: {in_python}"
    assert found.in_stack_file("imds:fleets.web") == f"imds:fleets.web{in_a_stack_file} {found.reason}"


def test_every_violation_is_found_at_once() -> None:
    value = {"zebra": 1, "timeoutSeconds": 0, "names": {"web": 1, "": "a"}, "sizes": [0, 1, 4], "reason": 7}
    assert [spell_stack("tree", *found.path) for found in TREE.check(value)] == [
        "tree.zebra",
        "tree.timeoutSeconds",
        "tree.names.web",
        'tree.names[""]',
        "tree.sizes[0]",
        "tree.sizes[2]",
        "tree.reason",
    ]


def test_a_value_that_is_not_known_yet_is_not_judged() -> None:
    unknown = object()
    keys = [Key("timeoutSeconds", number(1, 10), required=True)]
    assert violations({"timeoutSeconds": unknown}, keys, is_known=lambda value: value is not unknown) == []
    assert [found.path for found in violations({}, keys)] == [("timeoutSeconds",)]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("required", '"required"'),
        (True, "true"),
        (2.0, "2"),
        (2.5, "2.5"),
        (None, "null"),
        ([2], "[2]"),
        ({"": "ü"}, '{"": "ü"}'),
        ("x" * 1000, '"' + "x" * 59 + "…"),
    ],
)
def test_a_value_is_shown_as_json_and_cut_where_it_is_long(value: object, shown: str) -> None:
    assert quote(value) == shown


def test_none_is_allowed_in_a_field_where_it_is_the_default() -> None:

    assert field_violations(Rollout(soak_minutes=None), KEYS) == []
    with pytest.raises(ValueError, match="waves must be a list of at least one size, got null"):
        Rollout(waves=None)  # type: ignore[arg-type]  # what must fail
