"""Live records with what the stacks know of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from imds_components.report.join import join
from imds_components.report.posture import AccountRegion, Exempt, Group, Instance, Record, Source
from imds_provider.rules.options import Options

OURS, REGION = "123456789012", "eu-west-1"
A, B = (f"i-{letter * 17}" for letter in "ab")
REQUIRED: Options = {"httpTokens": "required"}
HOPS: Options = {**REQUIRED, "httpPutResponseHopLimit": 1}
LIVE = Instance(
    "audit", OURS, REGION, A, "compliant", name="web-1", instance_state="running", options=HOPS, wanted=REQUIRED
)
RECORDED = Instance("prod", OURS, REGION, A, "compliant", fleet="web", options=REQUIRED, wanted=HOPS)
READ = Source("live", "audit", "read", OURS, REGION)
STACK = Source("stack", "prod", "succeeded", OURS, REGION)


def joined(live: list[Record], stacks: list[Record], *, whole: bool = True) -> list[Record]:
    return list(join(live, stacks, wanted=REQUIRED, whole=whole))


def one(live: Instance, recorded: Instance) -> Instance:
    (found,) = joined([live], [recorded])
    assert isinstance(found, Instance)
    return found


def test_an_instance_is_shown_as_it_is_with_what_its_stack_knows_of_it() -> None:
    assert one(LIVE, RECORDED) == replace(LIVE, environment="prod", fleet="web", wanted=HOPS)


def test_the_status_is_judged_by_what_the_stack_wants() -> None:
    loose = replace(LIVE, options={**REQUIRED, "httpPutResponseHopLimit": 3})
    assert one(loose, RECORDED).status == "not-compliant"
    unknown = replace(LIVE, options=REQUIRED)
    assert one(unknown, RECORDED).status == "unknown"
    audited = replace(LIVE, status="not-compliant", wanted={"httpEndpoint": "disabled"})
    assert one(audited, RECORDED).status == "compliant"


def test_a_change_that_is_pending_stays_so() -> None:
    pending = replace(LIVE, pending=True, status="not-compliant")
    assert one(pending, RECORDED).status == "not-compliant"
    stopped = replace(pending, instance_state="stopped", status="pending-start")
    assert one(stopped, RECORDED).status == "pending-start"


def test_an_exemption_holds_for_the_live_instance() -> None:
    exempt = replace(RECORDED, exempt=Exempt("old agent", date(2027, 1, 31)), status="exempt", wanted={})
    found = one(LIVE, exempt)
    assert (found.status, found.exempt, found.wanted) == ("exempt", exempt.exempt, REQUIRED)
    assert one(LIVE, replace(exempt, region="")).status == "exempt", "of a fleet in several regions"


def test_an_instance_that_a_stack_wants_nothing_of_keeps_the_status_of_the_audit() -> None:
    found = one(replace(LIVE, status="not-compliant"), replace(RECORDED, wanted={}, status="unknown"))
    assert (found.status, found.wanted, found.environment) == ("not-compliant", REQUIRED, "prod")


def test_why_a_change_was_not_completed_stays_known() -> None:
    assert one(LIVE, replace(RECORDED, unfinished="no answer")).unfinished == "no answer"


def test_an_instance_that_no_stack_knows_is_shown_as_the_audit_has_it() -> None:
    other = replace(LIVE, instance=B)
    assert joined([other], [STACK]) == [STACK, other]
    elsewhere = replace(LIVE, region="us-east-1")
    assert joined([elsewhere], [RECORDED]) == [elsewhere, RECORDED], "another region"


def test_a_recorded_instance_is_gone_only_where_everything_was_read() -> None:
    assert joined([READ], [STACK, RECORDED]) == [STACK, READ]
    assert joined([READ], [RECORDED], whole=False) == [READ, RECORDED]
    for source in (
        replace(READ, region="us-east-1"),
        replace(READ, account="210987654321"),
        replace(READ, result="unreadable"),
        replace(READ, problem="throttled"),
    ):
        assert joined([source], [RECORDED]) == [source, RECORDED]


def test_a_group_that_the_audit_did_not_look_at_is_not_gone() -> None:
    tokens = Group("prod", OURS, REGION, "web", "template", "httpTokens", None, "required", "image", fleet="web")
    hops = replace(tokens, option="httpPutResponseHopLimit", value=3, wanted=1)
    assert joined([READ], [tokens, hops]) == [READ, hops]


def test_what_launches_instances_belongs_to_the_fleet_of_its_stack() -> None:
    recorded = Group("prod", OURS, REGION, "web", "old", "httpTokens", None, "required", "image", fleet="web")
    live = [
        replace(recorded, environment="audit", fleet="", launched_by=each, value="optional")
        for each in ("lt-1", "lt-2")
    ]
    assert joined([*live, READ], [recorded]) == [
        *(replace(each, environment="prod", fleet="web") for each in live),
        READ,
    ]


def test_the_defaults_of_an_account_are_live_and_what_is_wanted_of_them_is_the_stacks() -> None:
    live = AccountRegion("audit", OURS, REGION, {"httpTokens": "optional"}, enforced=False, managed_by="account")
    recorded = AccountRegion("prod", "", REGION, REQUIRED, REQUIRED, enforced=True, unfinished="no answer")
    assert joined([live], [recorded]) == [
        replace(live, environment="prod", wanted=REQUIRED, unfinished="no answer"),
    ]
