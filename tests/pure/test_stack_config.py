from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pulumi
import pytest

from imds_components import stack_config
from imds_components.stack_config import LaunchSettings, StackConfigError, StackSettings, parse

WEB = "i-0123456789abcdef0"
API = "i-0fedcba9876543210"
OLD = "i-1a2b3c4d"
OPTIONS: dict[str, str | int] = {"httpTokens": "required"}
LAUNCH: dict[str, object] = {"ami": "ami-0123456789abcdef0", "instanceType": "t3.micro"}


def raw(**sections: object) -> dict[str, str]:
    """Configuration as the engine hands it over: structured values are JSON strings."""
    return {f"imds:{key}": json.dumps(value) for key, value in sections.items()}


def problems(config: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(StackConfigError) as caught:
        parse(config)
    return caught.value.problems


def test_a_full_configuration_becomes_typed_settings() -> None:
    options: dict[str, str | int] = {
        "httpTokens": "required",
        "httpPutResponseHopLimit": 2,
        "httpEndpoint": "enabled",
        "httpProtocolIpv6": "disabled",
        "instanceMetadataTags": "enabled",
    }
    bastion = {
        **LAUNCH,
        "subnetId": "subnet-0123456789abcdef0",
        "vpcSecurityGroupIds": ["sg-0123456789abcdef0", "sg-1a2b3c4d"],
        "iamInstanceProfile": "bastion",
        "keyName": "ops",
        "tags": {"Team": "web", "Note": ""},
    }
    config = raw(options=options, instances={"web": WEB, "old": OLD}, launch={"bastion": bastion, "plain": LAUNCH})
    assert parse(config) == StackSettings(
        options=options,
        instances={"web": WEB, "old": OLD},
        launch={
            "bastion": LaunchSettings(
                ami="ami-0123456789abcdef0",
                instance_type="t3.micro",
                subnet_id="subnet-0123456789abcdef0",
                vpc_security_group_ids=["sg-0123456789abcdef0", "sg-1a2b3c4d"],
                iam_instance_profile="bastion",
                key_name="ops",
                tags={"Team": "web", "Note": ""},
            ),
            "plain": LaunchSettings(ami="ami-0123456789abcdef0", instance_type="t3.micro"),
        },
    )


@pytest.mark.parametrize(
    "config",
    [{}, raw(options={}, instances={}, launch={}, throttle={}), {"aws:region": "eu-west-1", "other:instances": "["}],
    ids=["no configuration", "the empty defaults of Pulumi.yaml", "keys of others"],
)
def test_a_stack_may_manage_nothing(config: dict[str, str]) -> None:
    assert parse(config) == StackSettings()


def test_options_without_instances_are_kept() -> None:
    assert parse(raw(options=OPTIONS)) == StackSettings(options=OPTIONS)


def test_a_whole_number_that_json_writes_as_a_float_becomes_an_int() -> None:
    hop_limit = parse({"imds:options": '{"httpPutResponseHopLimit": 2.0}'}).options["httpPutResponseHopLimit"]
    assert (hop_limit, type(hop_limit)) == (2, int)


HOP_LIMIT = "imds:options.httpPutResponseHopLimit must be a whole number from 1 to 64, got "
SWITCH = 'must be "disabled" or "enabled", got'
OPTION_KEYS = "httpTokens, httpPutResponseHopLimit, httpEndpoint, httpProtocolIpv6, instanceMetadataTags"
LAUNCH_KEYS = "ami, instanceType, subnetId, vpcSecurityGroupIds, iamInstanceProfile, keyName, tags"
IMAGE_ID = "the ID of an image such as ami-0123456789abcdef0"
SECURITY_GROUPS = "a list of security group IDs, at least one"
TAGS = "an object of strings such as {Team: web}"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"httpPutResponseHopLimit": 0}, HOP_LIMIT + "0."),
        ({"httpPutResponseHopLimit": 65}, HOP_LIMIT + "65."),
        ({"httpPutResponseHopLimit": 2.5}, HOP_LIMIT + "2.5."),
        ({"httpPutResponseHopLimit": True}, HOP_LIMIT + "true."),
        ({"httpPutResponseHopLimit": "2"}, HOP_LIMIT + '"2".'),
        ({"httpPutResponseHopLimit": None}, HOP_LIMIT + "null."),
        ({"httpPutResponseHopLimit": [2]}, HOP_LIMIT + "[2]."),
        ({"httpTokens": "enabled"}, 'imds:options.httpTokens must be "optional" or "required", got "enabled".'),
        ({"httpTokens": True}, 'imds:options.httpTokens must be "optional" or "required", got true.'),
        ({"httpTokens": ""}, 'imds:options.httpTokens must be "optional" or "required", got "".'),
        ({"httpEndpoint": "on"}, f'imds:options.httpEndpoint {SWITCH} "on".'),
        ({"httpProtocolIpv6": 6}, f"imds:options.httpProtocolIpv6 {SWITCH} 6."),
        ({"instanceMetadataTags": "Enabled"}, f'imds:options.instanceMetadataTags {SWITCH} "Enabled".'),
        (
            {"httpPutResponseHopLimt": 2},
            "imds:options.httpPutResponseHopLimt is not a known key; did you mean httpPutResponseHopLimit?",
        ),
        ({"http_tokens": "required"}, "imds:options.http_tokens is not a known key; did you mean httpTokens?"),
        ({"HTTP-TOKENS": "required"}, "imds:options.HTTP-TOKENS is not a known key; did you mean httpTokens?"),
        ({"zebra": 1}, f"imds:options.zebra is not a known key; known are {OPTION_KEYS}."),
        ({"a:b": 1}, f'imds:options["a:b"] is not a known key; known are {OPTION_KEYS}.'),
        (["required"], 'imds:options must be an object, got ["required"].'),
        (None, "imds:options must be an object, got null."),
    ],
)
def test_a_wrong_option_is_refused(options: object, problem: str) -> None:
    assert problems(raw(options=options, instances={"web": WEB})) == (problem,)


@pytest.mark.parametrize(
    ("instances", "problem"),
    [
        ([WEB], f'imds:instances must be an object, got ["{WEB}"].'),
        ({"": WEB}, 'imds:instances[""] has an empty name; give it one.'),
        ({" ": WEB}, 'imds:instances[" "] has an empty name; give it one.'),
        (
            {"web": WEB, "api": API, "blue green": WEB},
            f'{WEB} is given twice, as imds:instances.web and as imds:instances["blue green"].',
        ),
    ],
)
def test_wrong_instances_are_refused(instances: object, problem: str) -> None:
    assert problems(raw(options=OPTIONS, instances=instances)) == (problem,)


@pytest.mark.parametrize("instance_id", ["web", OLD + "\n", 12345678, None, {"id": OLD}])
def test_a_malformed_instance_id_is_refused(instance_id: object) -> None:
    given = json.dumps(instance_id)
    assert problems(raw(options=OPTIONS, instances={"web": instance_id})) == (
        f'imds:instances.web must be an instance ID ("i-" and 8 or 17 hexadecimal digits), got {given}.',
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"ami": "0123456789abcdef0"}, f'imds:launch.bastion.ami must be {IMAGE_ID}, got "0123456789abcdef0".'),
        ({"ami": "ami-1a2b3c4d5"}, f'imds:launch.bastion.ami must be {IMAGE_ID}, got "ami-1a2b3c4d5".'),
        ({"instanceType": "micro"}, 'instanceType must be an instance type such as t3.micro, got "micro".'),
        ({"instanceType": 3}, "imds:launch.bastion.instanceType must be an instance type such as t3.micro, got 3."),
        (
            {"subnetId": "vpc-1a2b3c4d"},
            'must be the ID of a subnet such as subnet-0123456789abcdef0, got "vpc-1a2b3c4d".',
        ),
        ({"vpcSecurityGroupIds": "sg-1a2b3c4d"}, f'vpcSecurityGroupIds must be {SECURITY_GROUPS}, got "sg-1a2b3c4d".'),
        (
            {"vpcSecurityGroupIds": ["web"]},
            'vpcSecurityGroupIds[0] must be the ID of a security group such as sg-0123456789abcdef0, got "web".',
        ),
        ({"vpcSecurityGroupIds": []}, f"vpcSecurityGroupIds must be {SECURITY_GROUPS}, got []."),
        ({"iamInstanceProfile": " "}, 'iamInstanceProfile must be the name of an instance profile, got " ".'),
        ({"keyName": ["ops"]}, 'keyName must be the name of a key pair, got ["ops"].'),
        ({"tags": ["web"]}, f'tags must be {TAGS}, got ["web"].'),
        ({"tags": {"Cost": 4711}}, "tags.Cost must be a string, got 4711."),
        ({"tags": {"": "web"}}, 'tags[""] must be named by a tag key.'),
        ({"subnetID2": "x"}, "imds:launch.bastion.subnetID2 is not a known key; did you mean subnetId?"),
        ({"zebra": 1}, f"imds:launch.bastion.zebra is not a known key; known are {LAUNCH_KEYS}."),
    ],
)
def test_a_wrong_key_of_a_launch_is_refused(change: dict[str, object], problem: str) -> None:
    (found,) = problems(raw(options=OPTIONS, launch={"bastion": {**LAUNCH, **change}}))
    assert found.startswith("imds:launch.bastion.")
    assert found.endswith(problem)


@pytest.mark.parametrize(
    ("launch", "problem"),
    [
        ("t3.micro", 'imds:launch must be an object, got "t3.micro".'),
        ({"bastion": None}, "imds:launch.bastion must be an object, got null."),
        ({"": LAUNCH}, 'imds:launch[""] has an empty name; give it one.'),
        ({"bastion": {"instanceType": "t3.micro"}}, f"imds:launch.bastion.ami is missing; it must be {IMAGE_ID}."),
        (
            {"bastion": {"ami": "ami-1a2b3c4d"}},
            "imds:launch.bastion.instanceType is missing; it must be an instance type such as t3.micro.",
        ),
    ],
)
def test_a_wrong_launch_is_refused(launch: object, problem: str) -> None:
    assert problems(raw(options=OPTIONS, launch=launch)) == (problem,)


@pytest.mark.parametrize("managed", [{"instances": {"web": WEB}}, {"launch": {"bastion": LAUNCH}}])
@pytest.mark.parametrize("options", [{}, {"options": {}}])
def test_instances_without_any_option_are_refused(managed: dict[str, object], options: dict[str, object]) -> None:
    problem = f"imds:options must set at least one option to manage: {OPTION_KEYS}."
    assert problems(raw(**managed, **options)) == (problem,)


def test_a_name_in_both_instances_and_launch_is_refused() -> None:
    assert problems(raw(options=OPTIONS, instances={"web": WEB, "api": API}, launch={"web": LAUNCH})) == (
        "imds:instances.web and imds:launch.web have the same name; rename one.",
    )


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("instance", "imds:instance is not a known key; did you mean instances?"),
        (
            "httpTokens",
            (
                "imds:httpTokens is not a known key; known are options, instances, launch, fleets, allowDowngrade, "
                "accountDefaults, aliases, throttle."
            ),
        ),
    ],
)
def test_an_unknown_top_level_key_is_refused(key: str, problem: str) -> None:
    assert problems({**raw(options=OPTIONS, instances={"web": WEB}), f"imds:{key}": "required"}) == (problem,)


@pytest.mark.parametrize("key", ["imds:options", "imds:instances", "imds:launch"])
def test_invalid_json_is_refused_with_its_position(key: str) -> None:
    assert problems({**raw(options=OPTIONS), key: '{"web"'}) == (
        rf"""{key} must be an object, but "{{\"web\"" is not valid JSON: Expecting ':' delimiter at character 7.""",
    )


def test_a_long_value_is_cut_in_the_message() -> None:
    (problem,) = problems(raw(options=OPTIONS, instances={"web": "x" * 1000}))
    assert problem.endswith(', got "' + "x" * 59 + "….")


def test_a_wrong_key_of_aws_or_of_the_throttle_is_reported_with_the_rest() -> None:
    config = {**raw(options={"httpTokens": 1}), "aws:endpoints": '[{"ec2": "http://203.0.113.7"}]'}
    option, endpoint = problems(config)
    assert option.startswith("imds:options.httpTokens")
    assert endpoint.startswith("aws:endpoints")
    (throttle,) = problems(raw(throttle={"RunInstances": {}}))
    assert throttle.startswith("imds:throttle.RunInstances")


def test_every_problem_is_reported_at_once() -> None:
    config = raw(options={"httpTokens": "no", "zebra": 1}, instances={"web": "x"}, launch={"web": {}}, zebra={})
    with pytest.raises(StackConfigError) as caught:
        parse(config)
    places = [problem.split(" ")[0] for problem in caught.value.problems]
    assert places == [
        "imds:zebra",
        "imds:options.zebra",
        "imds:options.httpTokens",
        "imds:instances.web",
        "imds:launch.web.ami",
        "imds:launch.web.instanceType",
        "imds:instances.web",
    ]
    heading, *listed = str(caught.value).splitlines()
    assert heading == "The stack configuration cannot be used:"
    assert listed == [f"- {problem}" for problem in caught.value.problems]


def test_the_error_ends_a_program_without_a_traceback() -> None:
    assert issubclass(StackConfigError, pulumi.RunError)


def test_load_reads_the_configuration_of_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(raw(options=OPTIONS, instances={"web": WEB})))
    assert stack_config.load() == StackSettings(options=OPTIONS, instances={"web": WEB})


def test_settings_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        StackSettings().options = {}  # type: ignore[misc]  # what must fail


def test_the_documentation_names_every_key() -> None:
    documented = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text("utf-8")
    keys = [f"imds:{key}" for key in ("options", "instances", "launch", "fleets", "throttle")]
    keys += (OPTION_KEYS + ", " + LAUNCH_KEYS).split(", ")
    assert [key for key in keys if f"`{key}`" not in documented] == []


def test_a_reason_for_loosening_is_a_string_that_is_not_blank() -> None:
    given = raw(options=OPTIONS, instances={"web": WEB})
    assert parse({**given, "imds:allowDowngrade": "the agent is old"}).allow_downgrade == "the agent is old"
    assert parse({**given, "imds:allowDowngrade": ""}).allow_downgrade is None
    assert problems({**given, "imds:allowDowngrade": " "}) == (
        'imds:allowDowngrade must be the reason why the options may be loosened, got " ".',
    )


def test_aliases_give_the_old_name_of_a_renamed_key() -> None:
    given = raw(options=OPTIONS, instances={"frontend": WEB}, aliases={"instances": {"frontend": "web"}})
    assert parse(given).aliases == {"instances": {"frontend": "web"}}


@pytest.mark.parametrize(
    ("aliases", "problem"),
    [
        ({"instance": {}}, "imds:aliases.instance is not a known key; did you mean instances?"),
        ({"instances": ["web"]}, 'imds:aliases.instances must be an object, got ["web"].'),
        ({"instances": {"web": 7}}, "imds:aliases.instances.web must be the former name, got 7."),
        (
            {"instances": {"www": "old"}},
            "imds:aliases.instances.www: imds:instances has no www; give the name it has now.",
        ),
        (
            {"instances": {"web": "api"}},
            "imds:aliases.instances.web: imds:instances still has api, so it was not renamed.",
        ),
    ],
)
def test_a_wrong_alias_is_refused(aliases: object, problem: str) -> None:
    given = raw(options=OPTIONS, instances={"web": WEB, "api": "i-1a2b3c4d"}, aliases=aliases)
    assert problems(given) == (problem,)
