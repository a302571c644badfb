from __future__ import annotations

import json
from dataclasses import fields

import pytest
from pulumi_aws import ProviderAssumeRoleArgsDict

from imds_provider.aws.rate_limit import EC2_BUCKETS, BucketSize
from imds_provider.aws.settings import AssumedRole, AwsSettings, parse, parse_throttle
from imds_provider.errors import ConfigurationError

ROLE = "arn:aws:iam::123456789012:role/deploy"
HIDDEN = "wJalrXUtnFEMI-K7MDENG"
LOOPBACK = "http://127.0.0.1:4566"


def settings(**keys: object) -> AwsSettings:
    """Settings from ``aws:`` keys, structured values as the JSON strings that they reach us as."""
    raw = {f"aws:{name}": value if isinstance(value, str | bool) else json.dumps(value) for name, value in keys.items()}
    return parse(raw.get)


def problem(**keys: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        settings(**keys)
    return str(caught.value)


def test_without_configuration_everything_is_left_to_boto3() -> None:
    assert settings() == AwsSettings()
    assert AwsSettings().max_retries == 8
    assert AwsSettings().buckets == EC2_BUCKETS


@pytest.mark.parametrize(
    ("key", "given", "field", "value"),
    [
        ("region", "eu-west-1", "region", "eu-west-1"),
        ("profile", "ops", "profile", "ops"),
        ("accessKey", HIDDEN, "access_key", HIDDEN),
        ("secretKey", HIDDEN, "secret_key", HIDDEN),
        ("token", HIDDEN, "token", HIDDEN),
        ("endpoints", [{"ec2": LOOPBACK}], "endpoints", {"ec2": LOOPBACK}),
        ("endpoints", {"ec2": LOOPBACK}, "endpoints", {"ec2": LOOPBACK}),
        (
            "endpoints",
            [{"ec2": LOOPBACK}, {"sts": "https://sts.example.com", "s3": "http://203.0.113.7", "iam": ""}],
            "endpoints",
            {"ec2": LOOPBACK, "sts": "https://sts.example.com"},
        ),
        ("endpoints", [], "endpoints", {}),
        ("allowedAccountIds", ["123456789012"], "allowed_account_ids", ("123456789012",)),
        ("allowedAccountIds", [123456789012], "allowed_account_ids", ("123456789012",)),
        ("forbiddenAccountIds", ["210987654321"], "forbidden_account_ids", ("210987654321",)),
        ("maxRetries", "25", "max_retries", 25),
        ("maxRetries", "0", "max_retries", 0),
        ("maxRetries", "", "max_retries", 8),
        ("sharedConfigFiles", ["~/.aws/config"], "shared_config_files", ("~/.aws/config",)),
        ("sharedCredentialsFiles", ["/etc/aws"], "shared_credentials_files", ("/etc/aws",)),
        ("customCaBundle", "/etc/ca.pem", "custom_ca_bundle", "/etc/ca.pem"),
        *(("insecure", given, "insecure", True) for given in ("true", True)),
        *(("insecure", given, "insecure", False) for given in ("false", False, "")),
        ("useFipsEndpoint", "true", "use_fips_endpoint", True),
        ("useDualstackEndpoint", "true", "use_dualstack_endpoint", True),
        ("httpProxy", "http://proxy:3128", "proxies", {"http": "http://proxy:3128"}),
        ("httpsProxy", "http://proxy:3128", "proxies", {"https": "http://proxy:3128"}),
        ("region", "", "region", None),
        ("assumeRole", {"roleArn": ROLE}, "assumed_roles", (AssumedRole(ROLE),)),
        (
            "assumeRoles",
            [{"roleArn": ROLE}, {"roleArn": ROLE + "2", "sessionName": "ci"}],
            "assumed_roles",
            (AssumedRole(ROLE), AssumedRole(ROLE + "2", "ci")),
        ),
    ],
)
def test_each_key_is_read_and_changes_its_setting_alone(key: str, given: object, field: str, value: object) -> None:
    found = settings(**{key: given})
    assert getattr(found, field) == value
    others = {each.name for each in fields(AwsSettings)} - {field}
    assert {name: getattr(found, name) for name in others} == {name: getattr(AwsSettings(), name) for name in others}


def test_a_role_takes_everything_that_sts_does() -> None:
    role = {
        "roleArn": ROLE,
        "sessionName": "ci",
        "externalId": "x-1",
        "policy": "{}",
        "policyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "sourceIdentity": "jo",
        "tags": {"team": "web"},
        "transitiveTagKeys": ["team"],
        "duration": "1h30m",
    }
    assert settings(assumeRole=role).assumed_roles == (
        AssumedRole(
            role_arn=ROLE,
            session_name="ci",
            external_id="x-1",
            policy="{}",
            policy_arns=("arn:aws:iam::aws:policy/ReadOnlyAccess",),
            source_identity="jo",
            tags={"team": "web"},
            transitive_tag_keys=("team",),
            duration_seconds=5400,
        ),
    )


def test_a_role_takes_every_key_that_pulumi_aws_does() -> None:
    words = [name.split("_") for name in ProviderAssumeRoleArgsDict.__annotations__]
    keys = [first + "".join(map(str.capitalize, others)) for first, *others in words]
    values: dict[str, object] = {
        "roleArn": ROLE,
        "duration": "1h",
        "tags": {"team": "web"},
        "policyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "transitiveTagKeys": ["team"],
    }
    assert "transitiveTagKeys" in keys
    settings(assumeRole={key: values.get(key, "text") for key in keys})


@pytest.mark.parametrize("name", ["ci", "a" * 64, "jo@example.com", "_+=,.@-"])
def test_a_session_is_named_as_sts_allows(name: str) -> None:
    assert settings(assumeRole={"roleArn": ROLE, "sessionName": name}).assumed_roles == (AssumedRole(ROLE, name),)


@pytest.mark.parametrize("name", ["", "x", "a" * 65, "two words", "stack/dev", "caf\u00e9", "line\n"])
def test_a_session_name_that_sts_would_refuse_is_refused(name: str) -> None:
    assert problem(assumeRoles=[{"roleArn": ROLE, "sessionName": name}]) == (
        "aws:assumeRoles.sessionName must be 2 to 64 characters, each a letter, a digit or one of _+=,.@-, "
        f"got {json.dumps(name)}."
    )


@pytest.mark.parametrize(
    ("text", "seconds"), [("15m", 900), ("1h", 3600), ("1h30m", 5400), ("90s", 90), ("1h1m1s", 3661)]
)
def test_a_duration_is_written_as_pulumi_aws_has_it(text: str, seconds: int) -> None:
    assert settings(assumeRole={"roleArn": ROLE, "duration": text}).assumed_roles[0].duration_seconds == seconds


@pytest.mark.parametrize("text", ["", "1", "h", "1d", "0s", "1h30", "-1h", "1.5h", "1 h", "\u00b2h"])
def test_anything_else_is_no_duration(text: str) -> None:
    assert problem(assumeRole={"roleArn": ROLE, "duration": text}) == (
        f'aws:assumeRole.duration must be a duration such as "1h" or "1h30m", got "{text}".'
    )


STRINGS = "must be a list of strings."
ENDPOINT = "aws:endpoints: the URL of ec2 must be https, or http on a loopback address, got "


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"region": True}, "aws:region must be a string."),
        ({"secretKey": True}, "aws:secretKey must be a string."),
        ({"insecure": "yes"}, "aws:insecure must be true or false."),
        ({"useFipsEndpoint": "1"}, "aws:useFipsEndpoint must be true or false."),
        ({"maxRetries": "many"}, 'aws:maxRetries must be a whole number, got "many".'),
        ({"maxRetries": "2.5"}, 'aws:maxRetries must be a whole number, got "2.5".'),
        ({"maxRetries": "-1"}, "aws:maxRetries must not be negative, got -1."),
        ({"allowedAccountIds": {"a": 1}}, f"aws:allowedAccountIds {STRINGS}"),
        ({"forbiddenAccountIds": [["a"]]}, f"aws:forbiddenAccountIds {STRINGS}"),
        ({"sharedConfigFiles": '"one"'}, f"aws:sharedConfigFiles {STRINGS}"),
        (
            {"allowedAccountIds": "x"},
            "aws:allowedAccountIds must be structured configuration (a list or an object).",
        ),
        ({"endpoints": '"x"'}, "aws:endpoints must be a list of objects that map a service to its URL."),
        ({"endpoints": ["x"]}, "aws:endpoints must be an object."),
        ({"endpoints": [{"ec2": 1}]}, "aws:endpoints: the URL of ec2 must be a string."),
        ({"endpoints": "{"}, "aws:endpoints must be structured configuration (a list or an object)."),
        ({"assumeRole": "x"}, "aws:assumeRole must be structured configuration (a list or an object)."),
        ({"assumeRole": [ROLE]}, "aws:assumeRole must be an object."),
        ({"assumeRole": {}}, "aws:assumeRole.roleArn is missing."),
        ({"assumeRole": {"roleArn": ""}}, "aws:assumeRole.roleArn is missing."),
        ({"assumeRole": {"roleArn": 1}}, "aws:assumeRole.roleArn must be a string."),
        ({"assumeRole": {"roleArn": ROLE, "zebra": 1, "role": 2}}, "aws:assumeRole: unknown key role."),
        ({"assumeRole": {"roleArn": ROLE, "policyArns": "x"}}, f"aws:assumeRole.policyArns {STRINGS}"),
        ({"assumeRole": {"roleArn": ROLE, "transitiveTagKeys": "x"}}, f"aws:assumeRole.transitiveTagKeys {STRINGS}"),
        ({"assumeRole": {"roleArn": ROLE, "tags": []}}, "aws:assumeRole.tags must be an object."),
        ({"assumeRoles": {"roleArn": ROLE}}, "aws:assumeRoles must be a list of objects."),
        ({"assumeRoles": ["x"]}, "aws:assumeRoles must be an object."),
        (
            {"assumeRole": {"roleArn": ROLE}, "assumeRoles": [{"roleArn": ROLE}]},
            "set either aws:assumeRole or aws:assumeRoles, not both.",
        ),
        (
            {"assumeRoleWithWebIdentity": {"roleArn": ROLE}},
            (
                "aws:assumeRoleWithWebIdentity is not supported: "
                "set AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE in the environment instead."
            ),
        ),
    ],
)
def test_a_wrong_value_is_refused_in_one_sentence_that_names_the_key(keys: dict[str, object], message: str) -> None:
    assert problem(**keys) == message


@pytest.mark.parametrize(
    "url",
    [
        *("https://ec2.eu-west-1.amazonaws.com", "https://10.0.0.1:8443/ec2", "http://127.0.0.1:5000"),
        *("http://127.9.9.9", "http://localhost:5000", "http://[::1]:5000", "HTTPS://ec2.example.com"),
    ],
)
def test_an_endpoint_is_https_or_on_this_machine(url: str) -> None:
    assert settings(endpoints=[{"ec2": url}]).endpoints == {"ec2": url}


@pytest.mark.parametrize(
    ("url", "got"),
    [
        ("http://203.0.113.7:5000", "http://203.0.113.7."),
        ("http://ec2.example.com", "http://ec2.example.com."),
        ("http://localhost.example.com", "http://localhost.example.com."),
        ("http://127.0.0.1.example.com", "http://127.0.0.1.example.com."),
        ("http://0.0.0.0", "http://0.0.0.0."),
        ("ftp://127.0.0.1", "ftp://127.0.0.1."),
        ("file:///etc/passwd", "no URL."),
        ("127.0.0.1:5000", "no URL."),
        ("https://", "no URL."),
    ],
)
def test_any_other_endpoint_is_refused_before_anything_is_sent_to_it(url: str, got: str) -> None:
    assert problem(endpoints=[{"ec2": url}]) == ENDPOINT + got


@pytest.mark.parametrize("url", ["http://127.0.0.1@203.0.113.7/", "https://user:secret@ec2.example.com"])
def test_an_endpoint_with_a_user_is_refused_without_showing_it(url: str) -> None:
    assert problem(endpoints=[{"ec2": url}]) == "aws:endpoints: the URL of ec2 must not contain a user or a password."


@pytest.mark.parametrize("url", ["https://[::1", "http://[not-an-address]/"])
def test_an_endpoint_that_is_no_url_is_refused_by_its_key(url: str) -> None:
    assert problem(endpoints=[{"ec2": url}]).startswith("aws:endpoints: the URL of ec2 must be https")


def test_no_credential_shows_in_the_settings() -> None:
    found = settings(
        accessKey="AKIA" + HIDDEN,
        secretKey=HIDDEN,
        token=HIDDEN,
        httpsProxy=f"http://jo:{HIDDEN}@proxy:3128",
    )
    assert HIDDEN not in repr(found)
    assert HIDDEN not in str(found)


@pytest.mark.parametrize(
    "keys",
    [
        {"endpoints": [{"ec2": f"http://jo:{HIDDEN}@203.0.113.7/"}]},
        {"endpoints": HIDDEN},
        {"assumeRole": HIDDEN},
        {"allowedAccountIds": HIDDEN},
        {"insecure": HIDDEN},
        {"secretKey": [HIDDEN]},
    ],
)
def test_no_credential_shows_in_an_error(keys: dict[str, object]) -> None:
    raw = {f"aws:{name}": value for name, value in keys.items()}
    with pytest.raises(ConfigurationError) as caught:
        parse(raw.get)
    assert HIDDEN not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_raised_quota_replaces_one_bucket_and_leaves_the_other() -> None:
    raw = json.dumps({"DescribeInstances": {"capacity": 500, "refillPerSecond": 100}})
    found = parse({"imds:throttle": raw}.get)
    assert found.buckets == {**EC2_BUCKETS, "DescribeInstances": BucketSize(500.0, 100.0)}
    assert parse_throttle(None) == parse_throttle({}) == EC2_BUCKETS


@pytest.mark.parametrize(
    ("throttle", "message"),
    [
        ([], "imds:throttle must be an object, got []."),
        (
            {"RunInstances": {}},
            "imds:throttle.RunInstances is not a known key; did you mean DescribeInstances?",
        ),
        ({"DescribeInstances": 5}, "imds:throttle.DescribeInstances must be an object, got 5."),
        (
            {"DescribeInstances": {"capacity": 5}},
            "imds:throttle.DescribeInstances.refillPerSecond is missing; it must be a number above 0.",
        ),
        (
            {"DescribeInstances": {"capacity": 5, "refillPerSecond": 1, "zebra": 1}},
            "imds:throttle.DescribeInstances.zebra is not a known key; known are capacity, refillPerSecond.",
        ),
        *(
            (
                {"DescribeInstances": {"capacity": given, "refillPerSecond": 1}},
                f"imds:throttle.DescribeInstances.capacity must be a number above 0, got {json.dumps(given)}.",
            )
            for given in (0, -1, True, "5", None)
        ),
        (
            {"DescribeInstances": {"capacity": 5, "refillPerSecond": 0}},
            "imds:throttle.DescribeInstances.refillPerSecond must be a number above 0, got 0.",
        ),
    ],
)
def test_a_wrong_throttle_is_refused(throttle: object, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_throttle(throttle)
    assert str(caught.value) == message
