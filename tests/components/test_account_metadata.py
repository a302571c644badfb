"""The component for an account's defaults: its resources, what a preview logs, what stops it, who owns a default."""

from __future__ import annotations

import logging
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pulumi
import pytest

from imds_components import AccountMetadata
from imds_provider import AccountMetadataDefaults
from imds_provider.errors import ConfigurationError, MissingCredentialsError
from tests.support.fake_defaults import NOTHING
from tests.support.mocked_programs import Programs

# An output of Pulumi is several futures, which all fail with it, and of which it retrieves one.
logging.getLogger("asyncio").addFilter(lambda record: "exception was never retrieved" not in record.getMessage())

ONE, TWO = "eu-west-1", "us-east-1"
HOPS = "http_put_response_hop_limit must be a whole number from 1 to 64, or -1 for no preference, got "
READ = "GetInstanceMetadataDefaults"


def account(name: str = "base", **given: Any) -> AccountMetadata:  # noqa: ANN401  whatever a program passes
    return AccountMetadata(name, **{"http_tokens": "required", "regions": [ONE, TWO], **given})


def has(programs: Programs, region: str, **defaults: object) -> None:
    """Have the account of the program set these defaults, by EC2's names."""
    programs.aws.launches(region).defaults.update(defaults)


def test_each_region_has_a_resource_with_what_differs_there(programs: Programs) -> None:
    has(programs, TWO, HttpTokens="required")
    run = programs.run(lambda: account(http_put_response_hop_limit=2, on_destroy="restore", allow_downgrade="a lab"))
    assert {each.name for each in run.regions().values()} == {f"base-{ONE}", f"base-{TWO}"}
    changes = {region: each.inputs["change"] for region, each in run.regions().items()}
    assert changes == {
        ONE: "httpTokens: no-preference -> required, httpPutResponseHopLimit: no-preference -> 2",
        TWO: "httpPutResponseHopLimit: no-preference -> 2",
    }
    assert {**run.regions()[ONE].inputs, "__provider": "", "change": ""} == {
        "__provider": "",
        "change": "",
        "region": ONE,
        "httpTokens": "required",
        "httpPutResponseHopLimit": 2,
        "onDestroy": "restore",
        "timeoutSeconds": 120,
        "allowDowngrade": "a lab",
    }


def test_a_region_that_is_right_has_no_change(programs: Programs) -> None:
    has(programs, ONE, HttpTokens="required")
    run = programs.run(lambda: account(regions=None, http_tokens_enforced="disabled"))
    assert "change" not in run.regions()[ONE].inputs
    assert run.log == []


def test_each_region_is_read_once(programs: Programs) -> None:
    programs.run(account)
    assert {region: programs.aws.launches(region).calls for region in (ONE, TWO)} == {ONE: {READ: 1}, TWO: {READ: 1}}


def test_the_outputs_are_what_was_observed(programs: Programs) -> None:
    run = programs.run(lambda: account(http_tokens_enforced="enabled", regions=[TWO, ONE]))
    observed = {**NOTHING, "httpTokens": "required", "httpTokensEnforced": "enabled"}
    assert run.outputs["defaults"] == {ONE: observed, TWO: observed}
    assert run.outputs["report"] == {"defaults": {ONE: observed, TWO: observed}, "enforced": [ONE, TWO]}
    assert set(run.registered_outputs[0]) == {"defaults", "report"}


def test_a_preview_logs_what_each_region_changes(programs: Programs) -> None:
    has(programs, TWO, HttpTokens="required")
    has(programs, "eu-north-1", HttpTokens="required", ManagedBy="declarative-policy")
    run = programs.run(lambda: account(regions=[TWO, ONE, "eu-north-1"]), preview=True)
    assert run.log == [
        "\n".join(
            [
                "info: account defaults base: 1 of 3 regions will change",
                "  eu-north-1  already httpTokens=required, by a declarative policy of the organization",
                f"  {ONE}   httpTokens: no-preference -> required",
                f"  {TWO}   already httpTokens=required",
            ]
        )
    ]


def test_loosening_without_a_reason_forbids_every_change(programs: Programs) -> None:
    has(programs, ONE, HttpTokens="required")
    has(programs, TWO, HttpTokens="no-preference")
    has(programs, "eu-north-1", HttpTokens="no-preference", HttpPutResponseHopLimit=2)
    run = programs.run(
        lambda: account(regions=[ONE, TWO, "eu-north-1"], http_tokens="no-preference", http_put_response_hop_limit=2),
        preview=True,
    )
    problem = (
        f"AccountMetadata base cannot continue:\n  the account in {ONE} would be loosened (httpTokens: required -> "
        "no-preference): keep the current value, or give the reason in allow_downgrade."
    )
    found = {region: each.inputs.get("forbidden") for region, each in run.regions().items()}
    assert found == {ONE: problem, TWO: problem, "eu-north-1": None}


def test_with_a_reason_nothing_is_forbidden(programs: Programs) -> None:
    has(programs, ONE, HttpTokensEnforced="enabled")
    run = programs.run(lambda: account(http_tokens_enforced="disabled", allow_downgrade="a lab"))
    assert [each.inputs.get("forbidden") for each in run.regions().values()] == [None, None]


def test_what_a_policy_decides_otherwise_is_forbidden_with_its_message(programs: Programs) -> None:
    has(programs, ONE, ManagedBy="declarative-policy", ManagedExceptionMessage="Ask the platform team.")
    run = programs.run(lambda: account(regions=[ONE]))
    assert run.regions()[ONE].inputs["forbidden"].splitlines()[1].strip() == (
        f"the account in {ONE} would change (httpTokens: no-preference -> required), but an organization's "
        "declarative policy decides this, which says: Ask the platform team. Remove them from the program there, or "
        "have the policy changed."
    )


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "run"])
def test_what_cannot_be_read_is_warned_of_and_compared_with_what_is_recorded(
    programs: Programs, *, preview: bool
) -> None:
    programs.aws.launches(ONE).denied = {READ}
    run = programs.run(account, preview=preview)
    what = "preview" if preview else "run"
    warning = next(each for each in run.log if each.startswith("warning: "))
    assert warning.startswith(f"warning: this {what} compares recorded values only, the defaults could not be read: ")
    assert "change" not in run.regions()[ONE].inputs
    assert "change" in run.regions()[TWO].inputs
    assert any("eu-west-1  not read" in each for each in run.log) is preview


def test_a_run_does_not_enforce_imdsv2_where_it_could_not_read_what_that_breaks(programs: Programs) -> None:
    programs.aws.launches(ONE).denied = {READ}
    run = programs.run(lambda: account(http_tokens_enforced="enabled"))
    forbidden = run.regions()[ONE].inputs["forbidden"]
    assert f"{ONE}: IMDSv2 is not enforced without knowing what that would break. " in forbidden
    assert run.regions()[TWO].inputs["forbidden"] == forbidden


def test_a_preview_needs_no_credentials(programs: Programs) -> None:
    programs.aws.error = MissingCredentialsError("Unable to locate credentials")
    run = programs.run(account, preview=True)
    assert run.log[0].endswith("could not be read: Unable to locate credentials")
    assert len(run.regions()) == 2


def test_a_wrong_configuration_ends_the_program(programs: Programs) -> None:
    programs.aws.error = ConfigurationError("the account is ruled out.")
    with pytest.raises(pulumi.RunError, match=r"^AccountMetadata base: the account is ruled out\.$"):
        programs.run(account)


def test_without_any_region_the_program_ends(programs: Programs) -> None:
    programs.aws.region = None
    with pytest.raises(pulumi.RunError, match="no AWS region: set `regions`, aws:region or AWS_REGION"):
        programs.run(lambda: account(regions=None))


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"http_tokens": "on"}, 'http_tokens must be "optional", "required" or "no-preference", got "on".'),
        ({"http_tokens": None}, "set at least one option to manage: http_tokens, "),
        ({"http_put_response_hop_limit": 0}, HOPS),
        (
            {"http_put_response_hop_limit": 65},
            HOPS,
        ),
        (
            {"http_put_response_hop_limit": -2},
            HOPS,
        ),
        ({"http_endpoint": "off"}, 'http_endpoint must be "disabled", "enabled" or "no-preference", got "off".'),
        ({"instance_metadata_tags": 1}, 'instance_metadata_tags must be "disabled", "enabled" or "no-preference"'),
        ({"http_tokens_enforced": True}, 'http_tokens_enforced must be "disabled", "enabled" or "no-preference"'),
        (
            {"http_tokens": "optional", "http_tokens_enforced": "enabled"},
            'http_tokens_enforced must not be "enabled" together with a default of "optional" tokens',
        ),
        ({"regions": []}, "regions must be a list of different regions, at least one, got []."),
        ({"regions": [ONE, ONE]}, "regions must be a list of different regions, at least one, got "),
        ({"regions": ["europe"]}, 'regions[0] must be the name of an AWS region such as "eu-west-1", got "europe".'),
        ({"on_destroy": "keep"}, 'on_destroy must be "retain" or "restore", got "keep".'),
        ({"timeout_seconds": 0}, "timeout_seconds must be a number of seconds from 1 to 3600, got 0."),
        ({"allow_downgrade": " "}, "allow_downgrade must be the reason why the options may be loosened"),
    ],
)
def test_bad_input_ends_the_program(programs: Programs, given: dict[str, Any], problem: str) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        programs.run(lambda: account(**given))
    assert str(caught.value).startswith(f"AccountMetadata base: {problem}")


def test_every_mistake_is_reported_at_once(programs: Programs) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        programs.run(lambda: account(http_tokens="on", regions=[], on_destroy="keep"))
    assert len(str(caught.value).splitlines()) == 3


def test_an_output_is_refused(programs: Programs) -> None:
    with pytest.raises(pulumi.RunError, match="so they cannot be outputs"):
        programs.run(lambda: account(http_tokens=pulumi.Output.from_input("required")))


def test_an_explicit_provider_is_refused(programs: Programs) -> None:
    def program() -> AccountMetadata:
        provider = pulumi.ProviderResource("aws", "abroad")
        return account(opts=pulumi.ResourceOptions(provider=provider))

    with pytest.raises(pulumi.RunError, match="AccountMetadata base: the AWS provider abroad has no effect here"):
        programs.run(program)


def test_nothing_is_changed_before_what_the_account_depends_on(programs: Programs) -> None:
    def program() -> AccountMetadata:
        first = AccountMetadata("first", http_tokens="required", regions=[ONE])
        return account(
            "second", http_tokens=None, http_endpoint="enabled", opts=pulumi.ResourceOptions(depends_on=[first])
        )

    run = programs.run(program)
    after = next(each for each in run.resources if each.name == f"second-{TWO}")
    assert f"AccountMetadataDefaults first-{ONE}" in after.dependencies


def direct(name: str, tokens: pulumi.Input[str], region: pulumi.Input[str] | None = ONE) -> None:
    AccountMetadataDefaults(name, http_tokens=tokens, region=region, allow_downgrade="a lab")


def two_components() -> AccountMetadata:
    account("a")
    return account("b", http_tokens="no-preference", regions=[TWO])


def before_a_direct_one() -> AccountMetadata:
    component = account("a")
    direct("d", "optional")
    return component


def after_a_direct_one() -> AccountMetadata:
    direct("d", pulumi.Output.from_input("optional"))
    return account("a")


def region_that_is_an_output() -> AccountMetadata:
    direct("d", "optional", pulumi.Output.from_input(ONE))
    return account("a")


A_AND_B = (("AccountMetadata a", "required"), ("AccountMetadata b", "no-preference"))
A_AND_D = (("AccountMetadata a", "required"), ("AccountMetadataDefaults d", "optional"))
CONTESTED: dict[str, tuple[Callable[[], AccountMetadata], str, tuple[tuple[str, str], tuple[str, str]]]] = {
    "two components": (two_components, TWO, A_AND_B),
    "a direct one later": (before_a_direct_one, ONE, A_AND_D),
    "a value that is an output": (after_a_direct_one, ONE, A_AND_D),
    "a region that is an output": (region_that_is_an_output, ONE, A_AND_D),
}


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "run"])
@pytest.mark.parametrize(("program", "region", "wishes"), CONTESTED.values(), ids=CONTESTED)
def test_two_owners_of_a_default_of_a_region_end_the_program(
    programs: Programs,
    program: Callable[[], AccountMetadata],
    region: str,
    wishes: tuple[tuple[str, str], tuple[str, str]],
    *,
    preview: bool,
) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        programs.run(program, preview=preview)
    error = str(caught.value)
    assert any(
        f'the account in {region}: {one} sets httpTokens to "{first}" and {other} sets it to "{second}". ' in error
        for (one, first), (other, second) in permutations(wishes)
    )
    assert error.endswith("Set it in only one of them.")


def test_a_direct_resource_without_a_region_owns_the_defaults_of_the_stacks_region(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", f'{{"aws:region": "{ONE}"}}')

    def program() -> AccountMetadata:
        direct("d", "optional", None)
        return account("a")

    with pytest.raises(pulumi.RunError, match=f"the account in {ONE}: AccountMetadataDefaults d sets httpTokens"):
        programs.run(program)


def test_different_defaults_equal_values_and_other_regions_are_allowed(programs: Programs) -> None:
    def program() -> AccountMetadata:
        account("a", regions=[ONE])
        account("b", regions=[ONE])
        account("c", regions=[TWO], http_tokens="no-preference")
        return account("d", regions=[ONE], http_tokens=None, http_endpoint="enabled")

    assert len(programs.run(program).resources) == 8
