"""Performing: decided first, recorded always, by code alone, one at a time on one thing."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
import rfc8785

from freehold.kernel import FreeholdError, Ref, canonical, new_id, parse_time
from freehold.kernel.acts import (
    Actor,
    InvalidFact,
    NotFound,
    Output,
    Record,
    Recorded,
    RecordedDecision,
    Registry,
    open_body,
)
from freehold.kernel.keys import DomainErased
from freehold.kernel.ledger import leaf_hash
from freehold.kernel.policy import Denied, PolicyRequest, PolicySet
from tests.kernel.acts.lab import (
    MAKER,
    POLICIES,
    ROOM,
    STRANGER,
    FakeApprovals,
    ForgetThing,
    Lab,
    MakeThing,
    PaintThing,
    SellThing,
    phases,
    thing,
)

MARKER = "Mr Smith of Elm Street"
SOON = 5.0  # seconds; what waits longer waits for ever


class Mishap(FreeholdError):
    """An expected failure of the work."""

    def __init__(self) -> None:
        super().__init__("thing.mishap", f"it went wrong with {MARKER}", f"ask {MARKER}")


def work(
    lab: Lab,
    on: Ref | None = None,
    *,
    details: dict[str, Any] | None = None,
    is_started: bool = False,
    failure: BaseException | None = None,
) -> None:
    """Make a blue thing; or fail at it, after all the rest is done."""
    with lab.pipeline.perform(MAKER, MakeThing(colour="blue"), on=on or thing()) as act:
        act.describe(**details or {})
        if is_started:
            act.start()
        if failure is not None:
            raise failure
        act.conclude()


# ---- what is recorded -----------------------------------------------------------------------


def test_a_done_act_is_recorded_as_documented(lab: Lab):
    on, before = thing(), lab.pipeline.stores.log.size
    with lab.pipeline.perform(
        MAKER, MakeThing(colour="blue", weight=1), on=on, purpose="research", inputs=(thing(),)
    ) as act:
        output = lab.seal(b"content", domain=act.domain)
        act.describe(name="a thing", words=[1, 2])
        act.conclude(outputs=[output], count=7, measures={"size": 0.5})
    record = lab.last()
    assert act.recorded == Recorded(before, leaf_hash(record.encode()), record)
    assert record == Record(
        id=act.record_id,
        time=record.time,
        clock=record.clock,
        log=lab.pipeline.stores.log.key.name,
        principal=str(MAKER.principal),
        act="thing.make",
        phase="done",
        resource=str(on),
        inputs=record.inputs,
        outputs=(output,),
        purpose="research",
        decision=RecordedDecision(
            ("makers",), lab.pipeline.policies.digest, record.decision.request, "allow"
        ),
        facts={"colour": "blue", "weight": 1, "count": 7, "measures": {"size": 0.5}},
        body=record.body,
    )
    assert parse_time(record.time) == parse_time(act.recorded.record.time)
    assert len(record.inputs) == 1
    assert output.sealed is not None


def test_body_and_request_commitments_are_those_of_the_documentation(lab: Lab):
    recorded = lab.make(name="claims")
    record = recorded.record
    assert record.body is not None
    plaintext = lab.pipeline.plaintext(record)
    assert plaintext is not None
    said = json.loads(plaintext[32:])
    assert rfc8785.dumps(said) == plaintext[32:]
    committed = hashlib.sha256(b"freehold/body/v1\0" + plaintext).hexdigest()
    assert record.body.commitment == f"sha256:{committed}"
    request = b"freehold/request/v1\0" + plaintext[:32] + rfc8785.dumps(said["request"])
    assert record.decision.request == f"sha256:{hashlib.sha256(request).hexdigest()}"
    assert said["details"] == {"name": "claims"}
    assert record.body.domain == Ref.parse(record.resource).id


def test_the_recorded_request_is_decided_again_alike(lab: Lab):
    on = thing()
    lab.make(on)
    with pytest.raises(Denied), lab.pipeline.perform(MAKER, MakeThing(colour="red"), on=on):
        pass
    policies = PolicySet(POLICIES, Registry([ROOM]).schema)
    for record in lab.records():
        body = lab.pipeline.body(record)
        assert body is not None
        decision = policies.decide_afresh(PolicyRequest.from_json(body["request"]))
        assert decision.is_allowed == (record.decision.result == "allow")
        assert decision.policies == record.decision.policies


def test_who_acted_on_whose_behalf_is_recorded_and_the_other_ones_rights_count(lab: Lab):
    service = Ref("service", new_id())
    actor = Actor(service, on_behalf=MAKER.principal)
    with lab.pipeline.perform(actor, MakeThing(colour="blue"), on=thing()) as act:
        act.conclude()
    record = lab.last()
    assert (record.principal, record.on_behalf) == (str(service), str(MAKER.principal))
    with (
        pytest.raises(Denied),
        lab.pipeline.perform(
            Actor(MAKER.principal, on_behalf=STRANGER.principal),
            MakeThing(colour="blue"),
            on=thing(),
        ),
    ):
        pass


def test_a_denied_act_does_no_work_and_is_recorded_with_the_policy_that_forbids(lab: Lab):
    on, worked = thing(), []
    with (
        pytest.raises(Denied) as denied,
        lab.pipeline.perform(MAKER, MakeThing(colour="red"), on=on),
    ):
        worked.append(True)
    record = lab.last()
    assert not worked
    assert (record.phase, record.act, record.resource) == ("denied", "thing.make", str(on))
    assert (record.error, record.outputs, record.facts) == ("policy.denied", (), {})
    assert record.decision.result == "deny"
    assert record.decision.policies == ("no.red",)
    assert denied.value.policies == ("no.red",)
    assert "nothing is red here" in denied.value.message
    assert record.id in denied.value.hint
    body = lab.pipeline.body(record)
    assert body is not None
    assert body["request"]["context"]["colour"] == "red"


def test_a_denial_creates_no_key_domain(lab: Lab):
    on = thing()
    with pytest.raises(Denied), lab.pipeline.perform(STRANGER, MakeThing(colour="blue"), on=on):
        pass
    record = lab.last()
    assert record.body is not None
    assert record.body.domain == lab.estate.id
    made = lab.make(on).record
    assert made.body is not None
    assert made.body.domain == on.id


def test_a_query_leaves_a_record_only_when_it_is_denied(lab: Lab):
    on = thing()
    lab.make(on)
    size = lab.pipeline.stores.log.size
    lab.pipeline.ask(MAKER, "thing.show", on=on)
    assert lab.pipeline.stores.log.size == size
    with pytest.raises(Denied):
        lab.pipeline.ask(STRANGER, "thing.show", on=on)
    record = lab.last()
    assert (record.act, record.phase, record.principal) == (
        "thing.show",
        "denied",
        str(STRANGER.principal),
    )


def test_a_policy_that_cannot_be_evaluated_denies_and_says_so_in_the_record(lab: Lab):
    with (
        pytest.raises(Denied) as denied,
        lab.pipeline.perform(MAKER, MakeThing(colour="blue", weight=2), on=thing()),
    ):
        pass
    assert lab.last().decision.policies == ("policy.error",)
    assert "too.heavy" in denied.value.message


def test_nothing_is_permitted_while_no_policy_set_is_in_force(lab: Lab):
    lab.pipeline._policies = None  # as before the composition root has enforced one
    with pytest.raises(Denied), lab.pipeline.perform(MAKER, MakeThing(colour="blue"), on=thing()):
        pass


def test_a_failed_act_is_recorded_by_its_code_with_what_was_asked(lab: Lab):
    on = thing()
    with pytest.raises(Mishap):
        work(lab, on, details={"name": "half done"}, failure=Mishap())
    record = lab.last()
    assert (record.phase, record.error) == ("failed", "thing.mishap")
    assert record.decision.result == "allow"
    assert record.facts == {"colour": "blue", "weight": 0}
    assert (record.outputs, record.continues) == ((), None)
    body = lab.pipeline.body(record)
    assert body is not None
    assert body["details"] == {}
    assert lab.dump()[-1][0] != "thing"


def test_started_and_done_are_two_records_that_belong_together(lab: Lab):
    with lab.pipeline.perform(MAKER, MakeThing(colour="blue"), on=thing()) as act:
        act.start()
        assert phases(lab.records()) == ["started"]
        act.conclude()
    started, done = lab.records()
    assert phases([started, done]) == ["started", "done"]
    assert started.id != done.id == act.recorded.record.id
    assert (started.continues, done.continues) == (None, started.id)
    assert started.facts == {"colour": "blue", "weight": 0}
    assert done.facts == {"colour": "blue", "weight": 0, "count": 0}


def test_started_and_failed_belong_together_too(lab: Lab):
    with pytest.raises(Mishap):
        work(lab, is_started=True, failure=Mishap())
    started, failed = lab.records()
    assert (started.phase, failed.phase) == ("started", "failed")
    assert failed.continues == started.id
    assert failed.error == "thing.mishap"


def test_a_fact_of_another_kind_leaves_no_record_and_does_no_work(lab: Lab):
    with (
        pytest.raises(InvalidFact),
        lab.pipeline.perform(MAKER, MakeThing(colour=MARKER), on=thing()),
    ):
        pytest.fail("the block was entered")
    assert lab.records() == []


NO_CODES = ("for Mr Smith", "Research", "x" * 65, "a\nb")


@pytest.mark.parametrize("purpose", NO_CODES)
def test_a_purpose_that_is_no_code_never_enters_the_ledger(lab: Lab, purpose: str):
    with (
        pytest.raises(FreeholdError),
        lab.pipeline.perform(MAKER, MakeThing(colour="blue"), on=thing(), purpose=purpose) as act,
    ):
        act.conclude()
    assert canonical(purpose)[1:-1] not in lab.ledger_bytes()


def test_an_input_that_is_a_name_never_enters_the_ledger(lab: Lab):
    with (
        pytest.raises(FreeholdError),
        lab.pipeline.perform(
            MAKER, MakeThing(colour="blue"), on=thing(), inputs=(Ref("thing", "mr-smith"),)
        ) as act,
    ):
        act.conclude()
    assert b"mr-smith" not in lab.ledger_bytes()


OUTPUTS = {
    "a name": Output(ref="thing:mr-smith"),
    "no reference": Output(ref="Mr Smith"),
    "no digest": Output(ref=f"thing:{new_id()}", sealed="Mr Smith"),
    "no plain digest": Output(ref=f"thing:{new_id()}", digest="Mr Smith"),
}


@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS.keys())
def test_an_output_that_carries_words_never_enters_the_ledger(lab: Lab, output: Output):
    with (
        pytest.raises(InvalidFact),
        lab.pipeline.perform(MAKER, MakeThing(colour="blue"), on=thing()) as act,
    ):
        act.conclude(outputs=[output])
    assert phases(lab.records()) == ["failed"]
    found = lab.ledger_bytes()
    assert b"mr-smith" not in found
    assert b"Mr Smith" not in found


RESOURCES = (Ref("thing", "mr-smith"), Ref("elephant", new_id()))


@pytest.mark.parametrize("on", RESOURCES, ids=str)
def test_a_resource_that_is_a_name_or_of_no_kind_is_not_found(lab: Lab, on: Ref):
    with (
        pytest.raises(NotFound),
        lab.pipeline.perform(MAKER, MakeThing(colour="blue"), on=on) as act,
    ):
        act.conclude()
    with pytest.raises(NotFound):
        lab.pipeline.ask(STRANGER, "thing.show", on=on)
    assert lab.records() == []


def test_a_found_fact_of_another_kind_fails_the_act(lab: Lab):
    with (
        pytest.raises(InvalidFact),
        lab.pipeline.perform(MAKER, MakeThing(colour="blue"), on=thing()) as act,
    ):
        act.conclude(count=MARKER)
    record = lab.last()
    assert (record.phase, record.error) == ("failed", "act.fact")


def test_a_block_that_does_not_conclude_is_recorded_as_failed(lab: Lab):
    with (
        pytest.raises(ValueError, match=r"thing\.make ended without conclude"),
        lab.pipeline.perform(MAKER, MakeThing(colour="blue"), on=thing()),
    ):
        pass
    record = lab.last()
    assert (record.phase, record.error) == ("failed", "internal")


def test_details_that_have_no_canonical_form_fail_the_act(lab: Lab):
    with pytest.raises(ValueError, match="canonical"):
        work(lab, details={"value": float("nan")})
    assert (lab.last().phase, lab.last().error) == ("failed", "internal")


def test_a_record_is_known_only_after_its_block(lab: Lab):
    with lab.pipeline.perform(MAKER, MakeThing(colour="blue"), on=thing()) as act:
        with pytest.raises(ValueError, match="after its block"):
            _ = act.recorded
        act.conclude()
    assert act.recorded.record.id == act.record_id


FAILURES: dict[str, BaseException] = {
    "an expected error": Mishap(),
    "a mistake": ValueError(MARKER),
    "a key": KeyError(MARKER),
    "an interruption": KeyboardInterrupt(MARKER),
    "an error in another": ExceptionGroup(MARKER, [ValueError(MARKER)]),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
def test_no_word_of_an_exception_enters_the_ledger_or_the_catalog(lab: Lab, failure: BaseException):
    with pytest.raises(type(failure)):
        work(lab, details={"name": MARKER}, is_started=True, failure=failure)
    assert lab.last().error in ("thing.mishap", "internal")
    found = lab.ledger_bytes()
    assert lab.last().id.encode() in found, "the search looks in the right place"
    assert b"Smith" not in found
    assert b"Smith" not in repr(lab.dump()).encode()


def test_words_lie_sealed_in_the_body_alone(lab: Lab):
    lab.make(name=MARKER)
    lab.close()
    kept = [p for p in lab.folder.rglob("*") if p.is_file() and b"Smith" in p.read_bytes()]
    assert {path.name.partition("-")[0] for path in kept} <= {"catalog.db"}
    lab.open()


def test_the_first_error_is_the_one_that_is_raised_even_if_it_cannot_be_recorded(lab: Lab):
    """The log is stopped while the work goes on; the work then fails for a reason of its own."""

    def fail() -> None:
        with lab.pipeline.perform(MAKER, MakeThing(colour="blue"), on=thing()):
            lab.pipeline.stores.log.close()
            raise Mishap

    with pytest.raises(Mishap):
        fail()
    lab.reopen()
    assert lab.records() == []


def test_an_act_that_is_too_large_for_a_record_is_refused_and_recorded_as_failed(lab: Lab):
    outputs = [Output(ref=str(thing())) for _ in range(900)]
    with (
        pytest.raises(FreeholdError) as error,
        lab.pipeline.perform(MAKER, MakeThing(colour="blue"), on=thing()) as act,
    ):
        act.conclude(outputs=outputs)
    assert error.value.code == "ledger.record_too_large"
    assert (lab.last().phase, lab.last().error) == ("failed", "ledger.record_too_large")


def test_an_act_on_an_erased_domain_cannot_be_done_and_is_recorded_elsewhere(lab: Lab):
    on = thing()
    lab.make(on)
    lab.pipeline.stores.keyring.erase(on.id)
    with (
        pytest.raises(DomainErased),
        lab.pipeline.perform(MAKER, PaintThing(colour="grey"), on=on) as act,
    ):
        act.conclude()
    record = lab.last()
    assert (record.phase, record.error) == ("failed", "keys.domain_erased")
    assert record.body is not None
    assert record.body.domain == lab.estate.id
    assert lab.colour(on) == "blue"


# ---- approvals ------------------------------------------------------------------------------


def test_approvals_are_counted_by_policy_and_named_in_the_record(lab: Lab):
    on, records = thing(), (new_id(), new_id())
    lab.make(on)
    approvals = FakeApprovals(*records)
    lab.pipeline.enforce(lab.pipeline.policies, approvals)
    evidence = "sha256:" + 64 * "0"
    with lab.pipeline.perform(MAKER, SellThing(evidence=evidence), on=on) as act:
        act.conclude()
    assert lab.last().facts == {"evidence": evidence, "approvals": list(records)}
    body = lab.pipeline.body(lab.last())
    assert body is not None
    assert body["request"]["context"]["approvals"] == 2
    assert approvals.excluded == {str(MAKER.principal)}


def test_too_few_approvals_are_refused_and_the_author_is_excluded_like_the_requester(lab: Lab):
    on = thing()
    lab.make(on)
    approvals = FakeApprovals(new_id())
    lab.pipeline.enforce(lab.pipeline.policies, approvals)
    actor = Actor(Ref("service", new_id()), on_behalf=STRANGER.principal)
    with (
        pytest.raises(Denied),
        lab.pipeline.perform(actor, SellThing(evidence="sha256:" + 64 * "0"), on=on),
    ):
        pass
    assert {str(STRANGER.principal), str(MAKER.principal)} <= approvals.excluded


# ---- what policies see ----------------------------------------------------------------------


def test_an_act_changes_what_the_next_decision_sees(lab: Lab):
    on = thing()
    lab.make(on)
    for colour in ("grey", "green"):
        with lab.pipeline.perform(MAKER, PaintThing(colour=colour), on=on) as act:
            act.conclude()
    with pytest.raises(Denied), lab.pipeline.perform(MAKER, PaintThing(colour="grey"), on=on):
        pass


def test_policies_in_force_decide_from_the_next_act_on(lab: Lab):
    lab.make()
    schema = Registry([ROOM]).schema
    closed = PolicySet('@id("closed") forbid (principal, action, resource);', schema)
    lab.pipeline.enforce(closed)
    with pytest.raises(Denied):
        lab.make()
    assert lab.last().decision.policy_set == closed.digest


def test_forgetting_blanks_names_in_the_catalog_and_the_rebuilt_one_too(lab: Lab):
    """Here the body can still be opened: the projection of Forget alone does it, in order."""
    on = thing()
    lab.make(on, name="forgotten")
    lab.make(name="kept")
    with lab.pipeline.perform(MAKER, ForgetThing(), on=on) as act:
        act.conclude()
    before = lab.dump()
    names = {row[-1] for table, row in before if table == "thing"}
    assert names == {None, "kept"}
    lab.pipeline.rebuild()
    assert lab.dump() == before


def test_a_body_is_checked_against_its_record(lab: Lab):
    first, second = lab.make().record, lab.make().record
    plaintext = lab.pipeline.plaintext(first)
    assert plaintext is not None
    assert second.body is not None
    with pytest.raises(FreeholdError, match="committed"):
        open_body(plaintext, second.body.commitment)
