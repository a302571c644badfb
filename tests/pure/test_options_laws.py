"""What holds for every instance and every wish, whatever a table has thought of."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from imds_provider.rules.loosening import loosened, without_loosening
from imds_provider.rules.options import OPTION_NAMES, OPTIONS, Options, changes, decode, modification
from tests.support.fakes import carried_out

VALUES = {option.name: st.sampled_from(option.allowed) for option in OPTIONS}
INSTANCES = st.fixed_dictionaries(
    {name: VALUES[name] for name in ("httpTokens", "httpPutResponseHopLimit", "httpEndpoint")},
    optional={name: VALUES[name] for name in ("httpProtocolIpv6", "instanceMetadataTags")},
)
WISHES = st.fixed_dictionaries({}, optional=VALUES)


def after(observed: Options, wanted: Options) -> Options:
    """The instance once EC2 has carried out the modification, if one is sent."""
    sent = modification(observed, wanted)
    return {**observed, **carried_out(sent)} if sent else observed


@given(INSTANCES, WISHES)
def test_one_modification_is_enough(observed: Options, wanted: Options) -> None:
    assert changes(after(observed, wanted), wanted) == {}


@given(INSTANCES, WISHES)
def test_nothing_is_sent_exactly_when_nothing_differs(observed: Options, wanted: Options) -> None:
    assert (modification(observed, wanted) == {}) == (changes(observed, wanted) == {})


@given(INSTANCES, WISHES)
def test_what_is_not_wanted_is_never_altered(observed: Options, wanted: Options) -> None:
    then = after(observed, wanted)
    assert {name: then[name] for name in observed if name not in wanted} == {
        name: value for name, value in observed.items() if name not in wanted
    }


@given(INSTANCES, WISHES)
def test_nothing_takes_a_value_that_is_neither_its_own_nor_wanted(observed: Options, wanted: Options) -> None:
    for name, value in after(observed, wanted).items():
        assert value in (observed[name], wanted.get(name, observed[name]))


@given(INSTANCES, WISHES)
def test_tokens_are_loosened_only_where_that_is_wanted(observed: Options, wanted: Options) -> None:
    assume(observed["httpTokens"] == "required")
    assume(wanted.get("httpTokens") != "optional")
    assert after(observed, wanted)["httpTokens"] == "required"


@given(INSTANCES, WISHES)
def test_the_endpoint_is_switched_only_where_that_is_wanted(observed: Options, wanted: Options) -> None:
    assume(wanted.get("httpEndpoint") in (None, observed["httpEndpoint"]))
    assert after(observed, wanted)["httpEndpoint"] == observed["httpEndpoint"]


@given(INSTANCES, WISHES)
def test_an_endpoint_that_is_or_is_to_be_off_is_sent_nothing_but_itself_and_the_tokens(
    observed: Options, wanted: Options
) -> None:
    assume(wanted.get("httpEndpoint", observed["httpEndpoint"]) == "disabled")
    assert set(modification(observed, wanted)) <= {"HttpEndpoint", "HttpTokens"}


@given(INSTANCES, WISHES)
def test_every_modification_names_the_endpoint_and_tokens_that_are_required(observed: Options, wanted: Options) -> None:
    sent = modification(observed, wanted)
    assert not sent or "HttpEndpoint" in sent
    assert not sent or "HttpTokens" in sent or observed["httpTokens"] == "optional"


@given(INSTANCES, WISHES)
def test_optional_tokens_are_sent_only_to_loosen_required_ones(observed: Options, wanted: Options) -> None:
    sent = modification(observed, wanted).get("HttpTokens")
    assert sent != "optional" or (observed["httpTokens"], wanted.get("httpTokens")) == ("required", "optional")


@given(INSTANCES, WISHES)
def test_what_is_left_without_loosening_loosens_nothing(observed: Options, wanted: Options) -> None:
    kept = without_loosening(observed, wanted)
    assert loosened(observed, kept) == []
    assert set(wanted) - set(kept) == set(loosened(observed, wanted))


@given(INSTANCES)
def test_options_survive_the_way_through_pulumi_which_has_only_floats(observed: Options) -> None:
    through = {name: float(value) if isinstance(value, int) else value for name, value in observed.items()}
    decoded = decode(through)
    assert decoded == observed
    assert {name: type(value) for name, value in decoded.items()} == {
        name: type(value) for name, value in observed.items()
    }
    assert set(decoded) <= set(OPTION_NAMES)
