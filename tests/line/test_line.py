"""The line from data to an answer: what each step needs, and what no step lets through."""

from __future__ import annotations

import io
import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from freehold.compute import Isolation, JobFailed, LocalExecutor
from freehold.data import Format, Provenance
from freehold.evaluation import EvaluationError
from freehold.kernel import FreeholdError, LimitError, Ref, parse_time
from freehold.kernel.acts import Actor, Conflict, NotFound, Record, SealedBody
from freehold.kernel.ledger import LedgerError
from freehold.kernel.policy import Denied
from freehold.parties import PartyError
from freehold.serving import ServingError
from freehold.training import Run, Task, TrainingError
from tests.estate.world import (
    PURPOSE,
    FakeExecutor,
    World,
    check_everything,
    copy_world,
    make_world,
    table,
)
from tests.line.founding import StoppedClock, found

QUESTION: dict[str, list[Any]] = {"age": [50, 30], "pressure": [150, 115], "ward": ["north", "x"]}


def ask(world: World, name: str = "triage", **options: Any) -> Any:
    return world.estate.serving.answer(world.actor("dana"), name, QUESTION, **options)


def records(world: World) -> Iterator[Record]:
    pipeline = world.estate.pipeline
    return (pipeline.record(index) for index in range(pipeline.stores.log.size))


def newest(world: World) -> Record:
    return list(records(world))[-1]


# ---- the whole of it, in real processes


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = make_world(tmp_path_factory.mktemp("real"), executor=LocalExecutor())
    world.ingest()
    world.deploy()
    yield world
    world.close()


def test_the_whole_line_runs_in_isolated_processes_and_verifies(real):
    decision = ask(real)
    assert decision.labels == ("ill", "well")
    assert [round(sum(row), 6) for row in decision.probabilities] == [1, 1]
    (run,) = real.estate.training.list(real.actor("clara"))
    assert run.isolation == real.executor.isolation
    assert real.estate.history.receipt(real.actor("ada"), decision.id).startswith("c2sp.org/")
    check_everything(real.estate)


def test_an_isolated_process_tells_the_same_as_one_in_process(real, deployed):
    assert ask(real).probabilities == ask(deployed).probabilities


def test_a_deployment_goes_on_answering_after_the_estate_was_closed(deployed):
    before = ask(deployed)
    deployed.reopen()
    assert ask(deployed).labels == before.labels


def test_a_worker_that_died_is_replaced_at_the_next_question(deployed):
    ask(deployed)
    deployed.executor.workers[-1].close()
    with pytest.raises(ServingError, match="ask again"):
        ask(deployed)
    assert ask(deployed).labels == ("ill", "well")


# ---- training


def test_training_twice_gives_the_same_model_to_the_byte(deployed):
    runs = [deployed.train(), deployed.train()]
    assert runs[0].ref != runs[1].ref
    assert runs[0].digest == runs[1].digest
    first, second = (deployed.estate.training.weights(run.ref) for run in runs)
    assert first == second


def test_another_seed_is_another_run(deployed):
    scientist, training = deployed.actor("clara"), deployed.estate.training
    facts = []
    for seed in (1, 2):
        run = training.train(
            scientist, "patients", Task("tabular", "outcome", seed=seed), purpose=PURPOSE
        )
        facts.append(newest(deployed).facts)
        assert run.seed == seed
    assert facts[0]["parameters"] != facts[1]["parameters"]
    assert facts[0]["code"] == facts[1]["code"]


@pytest.mark.parametrize(
    "numbers", [{"seed": -1}, {"seed": 2**32}, {"holdout_percent": -1}, {"holdout_percent": 100}]
)
def test_numbers_that_no_training_can_have_are_refused(deployed, numbers):
    task = Task("tabular", "outcome", **numbers)
    with pytest.raises(TrainingError, match="got"):
        deployed.estate.training.train(deployed.actor("clara"), "patients", task, purpose=PURPOSE)


def test_a_purpose_that_the_data_is_not_cleared_for_stops_training(deployed):
    task, scientist = Task("tabular", "outcome"), deployed.actor("clara")
    with pytest.raises(Denied) as refused:
        deployed.estate.training.train(scientist, "patients", task, purpose="research")
    assert refused.value.policies == ("charter.purpose",)
    deployed.estate.data.clear(deployed.actor("stella"), "patients", purposes=("research",))
    deployed.estate.training.train(scientist, "patients", task, purpose="research")
    with pytest.raises(Denied):
        deployed.train()  # what was cleared before is not cleared any more


def test_a_scientist_without_clearance_cannot_train(deployed):
    task = Task("tabular", "outcome")
    with pytest.raises(Denied) as refused:
        deployed.estate.training.train(deployed.actor("simon"), "patients", task, purpose=PURPOSE)
    assert "charter.clearance" in refused.value.policies


def test_isolation_below_the_floor_of_the_class_is_refused(tmp_path):
    executor = FakeExecutor(Isolation.process)
    world = make_world(tmp_path / "world", executor=executor, isolation="namespaces")
    world.ingest()
    with pytest.raises(Denied) as refused:
        world.train()
    assert refused.value.policies == ("charter.isolation.health",)
    assert not executor.jobs
    world.executor = FakeExecutor(Isolation.namespaces)
    world.reopen()
    world.train()
    world.close()


def test_a_job_that_fails_is_recorded_by_its_code_and_leaves_no_run(deployed):
    task = Task("tabular", "no_such_column")
    with pytest.raises(JobFailed):
        deployed.estate.training.train(deployed.actor("clara"), "patients", task, purpose=PURPOSE)
    failure = newest(deployed)
    assert (failure.act, failure.phase) == ("model.train", "failed")
    assert failure.error == "training.label_missing"
    assert failure.continues
    assert len(deployed.estate.training.list(deployed.actor("clara"))) == 1


# ---- evaluation and promotion


def trained(world: World, *, accuracy: float | None = None) -> tuple[Run, str]:
    """A run that was judged, and its draft, `second`."""
    estate, scientist = world.estate, world.actor("clara")
    bounds = None if accuracy is None else {"accuracy": accuracy}
    plan = estate.evaluation.plan(scientist, "patients", purpose=PURPOSE, at_least=bounds)
    run = world.train()
    estate.evaluation.run(scientist, plan.ref, run.ref)
    return run, estate.models.register(scientist, "second", run.ref).ref


def candidate(world: World) -> Ref:
    _, model = trained(world)
    world.estate.models.submit(world.actor("clara"), model)
    return Ref.parse(model)


def test_thresholds_below_the_charters_are_raised_to_it(deployed):
    plan = deployed.estate.evaluation.plan
    scientist = deployed.actor("clara")
    low = plan(scientist, "patients", purpose=PURPOSE, at_least={"accuracy": 0.1})
    high = plan(scientist, "patients", purpose=PURPOSE, at_least={"accuracy": 0.9})
    assert (low.at_least, high.at_least) == ({"accuracy": 0.5}, {"accuracy": 0.9})


@pytest.mark.parametrize("bound", [float("nan"), float("inf")])
def test_a_threshold_that_is_no_number_is_refused(deployed, bound):
    with pytest.raises(EvaluationError):
        deployed.estate.evaluation.plan(
            deployed.actor("clara"), "patients", purpose=PURPOSE, at_least={"roc_auc": bound}
        )


def test_a_model_that_was_never_judged_cannot_be_submitted(deployed):
    run = deployed.train()
    model = deployed.estate.models.register(deployed.actor("clara"), "second", run.ref)
    with pytest.raises(Conflict, match="never evaluated"):
        deployed.estate.models.submit(deployed.actor("clara"), model.ref)


def test_a_draft_is_not_promoted_before_its_gate(deployed):
    _, model = trained(deployed)
    with pytest.raises(Denied) as refused:
        deployed.estate.models.promote(deployed.actor("otto"), model)
    assert "charter.gate" in refused.value.policies


def test_a_model_that_missed_its_plan_is_not_promoted_even_when_approved(tmp_path):
    world = found(tmp_path / "world", lambda text: text.replace("accuracy = 0.5", "accuracy = 1.0"))
    world.ratify()
    lines = table().decode().splitlines()
    noisy = [*lines[:1], *(line.replace("ill", "well") for line in lines[1:40]), *lines[40:]]
    flipped = [line if row % 2 else line.replace("well", "ill") for row, line in enumerate(noisy)]
    world.ingest(content="\n".join(flipped).encode() + b"\n")
    _, model = trained(world)
    assert world.estate.models.submit(world.actor("clara"), model).gate == "failed"
    world.approve("ravi", "model.promote", Ref.parse(model))
    with pytest.raises(Denied) as refused:
        world.estate.models.promote(world.actor("otto"), model)
    assert refused.value.policies == ("charter.gate",)
    world.close()


def test_a_candidate_is_not_promoted_without_approval(deployed):
    model = candidate(deployed)
    with pytest.raises(Denied) as refused:
        deployed.estate.models.promote(deployed.actor("otto"), str(model))
    assert "charter.approvals.model-promote" in refused.value.policies


def test_an_approval_for_another_version_does_not_count(deployed):
    first = candidate(deployed)
    second = candidate(deployed)
    assert second == first.at(2)
    deployed.approve("ravi", "model.promote", first)
    with pytest.raises(Denied):
        deployed.estate.models.promote(deployed.actor("otto"), str(second))
    assert deployed.estate.models.promote(deployed.actor("otto"), str(first)).status == "live"


def test_an_approval_by_somebody_without_the_role_does_not_count(deployed):
    model = candidate(deployed)
    with pytest.raises(Denied):
        deployed.approve("dana", "model.promote", model)  # a developer may approve nothing
    deployed.approve("stella", "model.promote", model)  # a steward may, but not promotions
    with pytest.raises(Denied):
        deployed.estate.models.promote(deployed.actor("otto"), str(model))


def all_roles(world: World, person: str) -> None:
    """Give a person every role that has to do with models, so that only who they are can count."""
    roles = ("scientist", "reviewer", "operator")
    world.estate.people.assign(world.actor("olivia"), person, roles=roles, clearances=("health",))


def test_whoever_promotes_cannot_approve_it_too(deployed):
    all_roles(deployed, "otto")
    model = candidate(deployed)
    deployed.approve("otto", "model.promote", model)
    with pytest.raises(Denied):
        deployed.estate.models.promote(deployed.actor("otto"), str(model))


def test_whoever_trained_it_can_neither_promote_it_alone_nor_approve_it(deployed):
    all_roles(deployed, "clara")
    model = candidate(deployed)
    deployed.approve("clara", "model.promote", model)
    for person in ("otto", "clara"):
        with pytest.raises(Denied):
            deployed.estate.models.promote(deployed.actor(person), str(model))
    deployed.approve("ravi", "model.promote", model)
    promoted = deployed.estate.models.promote(deployed.actor("otto"), str(model))
    assert len(promoted.approvals) == 1  # ravi's alone


def test_an_approval_ends_with_its_time(founded_deployed, tmp_path):
    clock = StoppedClock()
    world = copy_world(founded_deployed, tmp_path / "world", clock=clock)
    model = candidate(world)
    statement = world.estate.people.statement("ravi", "model.promote", model)
    world.approve("ravi", "model.promote", model)
    lasts = parse_time(statement.expires) - clock.now()
    clock.advance(seconds=lasts.total_seconds() + 1)
    with pytest.raises(Denied):
        world.estate.models.promote(world.actor("otto"), str(model))
    world.approve("ravi", "model.promote", model)
    assert world.estate.models.promote(world.actor("otto"), str(model)).status == "live"
    world.close()


def test_an_approval_under_old_policies_does_not_count(deployed):
    model, policy, owner = candidate(deployed), deployed.estate.policy, deployed.actor("olivia")
    deployed.approve("ravi", "model.promote", model)
    proposed = Ref.parse(
        policy.propose(
            owner,
            '@id("x.quiet") forbid (principal, action == Action::"vault.collect", resource);',
        )
    )
    deployed.approve("oscar", "policy.activate", proposed)
    policy.activate(owner, str(proposed))
    with pytest.raises(Denied):
        deployed.estate.models.promote(deployed.actor("otto"), str(model))


def test_an_approval_of_what_has_changed_since_does_not_count(deployed):
    model = candidate(deployed)
    deployed.approve("ravi", "model.promote", model)
    version = deployed.estate.models.find(str(model))
    plan = deployed.estate.evaluation.plan(
        deployed.actor("clara"), "patients", purpose=PURPOSE, at_least={"accuracy": 0.6}
    )
    deployed.estate.evaluation.run(deployed.actor("clara"), plan.ref, version.run)
    deployed.estate.models.submit(deployed.actor("clara"), str(model))
    with pytest.raises(Denied):
        deployed.estate.models.promote(deployed.actor("otto"), str(model))


def test_the_newest_evaluation_counts_even_where_the_clock_went_back(founded_deployed, tmp_path):
    clock = StoppedClock()
    world = copy_world(founded_deployed, tmp_path / "world", clock=clock)
    run, _ = trained(world)
    clock.advance(days=-3)
    plan = world.estate.evaluation.plan(world.actor("clara"), "patients", purpose=PURPOSE)
    newer = world.estate.evaluation.run(world.actor("clara"), plan.ref, run.ref)
    latest = world.estate.evaluation.latest(run.ref)
    assert latest is not None
    assert latest.act == newer.act
    world.close()


def test_a_retired_model_stays_fetchable_and_answers_no_more(deployed):
    operator, models = deployed.actor("otto"), deployed.estate.models
    before = models.weights(operator, "triage")
    assert models.retire(operator, "triage").status == "retired"
    assert models.weights(operator, "triage") == before
    with pytest.raises(Conflict, match="only a live model"):
        deployed.estate.serving.start(operator, "again", "triage", purpose=PURPOSE)
    with pytest.raises(Conflict, match="only a live model"):
        ask(deployed)
    for verb in (models.promote, models.retire):
        with pytest.raises(FreeholdError):
            verb(operator, "triage")
    assert models.find("triage").status == "retired"


def test_retiring_what_is_being_retired_happens_once_and_is_told_once(deployed):
    operator, models = deployed.actor("otto"), deployed.estate.models
    models.retire(operator, "triage")
    with pytest.raises(Conflict) as refused:
        models.retire(operator, "triage")
    assert refused.value.code == "models.status"
    assert (newest(deployed).phase, newest(deployed).error) == ("failed", "models.status")


# ---- answers


def test_a_stopped_deployment_does_not_answer_and_its_process_ends(deployed):
    ask(deployed)
    deployed.estate.serving.stop(deployed.actor("otto"), "triage")
    assert all(worker.is_closed for worker in deployed.executor.workers)
    with pytest.raises(Conflict) as refused:
        ask(deployed)
    assert refused.value.code == "serving.stopped"
    deployed.estate.serving.start(deployed.actor("otto"), "triage", "triage", purpose=PURPOSE)
    assert ask(deployed).labels == ("ill", "well")


def test_a_deployment_goes_over_to_another_model_and_says_so(deployed):
    old = ask(deployed)
    model = candidate(deployed)
    deployed.approve("ravi", "model.promote", model)
    deployed.estate.models.promote(deployed.actor("otto"), str(model))
    deployed.estate.serving.start(deployed.actor("otto"), "triage", str(model), purpose=PURPOSE)
    new = ask(deployed)
    assert (old.deployment, new.model) == (new.deployment, str(model))
    assert [worker.is_closed for worker in deployed.executor.workers][-2:] == [True, False]


def test_the_body_of_a_decision_lies_in_its_subjects_domain(deployed):
    def domain(**options: Any) -> str:
        body = deployed.estate.pipeline.record(ask(deployed, **options).recorded.index).body
        assert isinstance(body, SealedBody)
        return body.domain

    alice, bob, nobody = domain(subject="alice"), domain(subject="bob"), domain()
    assert domain(subject="alice") == alice
    assert len({alice, bob, nobody}) == 3
    deployed.estate.pipeline.stores.keyring.erase(alice)
    remaining = [
        deployed.estate.pipeline.body(record) is not None
        for record in records(deployed)
        if record.act == "decision.answer"
    ]
    assert remaining == [False, True, True, False]


def test_a_question_with_a_value_that_json_cannot_hold_is_refused_and_recorded(deployed):
    with pytest.raises(ServingError) as refused:
        deployed.estate.serving.answer(
            deployed.actor("dana"), "triage", {**QUESTION, "age": [2**60, 1]}
        )
    assert refused.value.code == "serving.value"
    assert (newest(deployed).phase, newest(deployed).error) == ("failed", "serving.value")


def test_a_past_decision_is_opened_by_who_may_and_that_is_recorded(deployed):
    decision = ask(deployed)
    with pytest.raises(Denied):
        deployed.estate.serving.decision(deployed.actor("dana"), decision.id)
    opened = deployed.estate.serving.decision(deployed.actor("ravi"), decision.id)
    assert opened["details"]["columns"]["age"] == [50, 30]
    assert tuple(opened["details"]["reply"]["labels"]) == decision.labels
    assert newest(deployed).act == "decision.read"
    with pytest.raises(NotFound):
        deployed.estate.serving.decision(deployed.actor("ravi"), "no such decision")


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_no_durable_record_no_answer(deployed):
    ask(deployed)
    released = []
    with full_disk(), pytest.raises(FreeholdError):
        released.append(ask(deployed))
    assert not released
    assert not deployed.executor.workers[-1].is_closed  # it had answered
    with suppress(FreeholdError):
        deployed.close()
    deployed.open()
    answered = [each for each in records(deployed) if each.act == "decision.answer"]
    assert [each.phase for each in answered] == ["done"]  # the first one's
    assert ask(deployed).labels == ("ill", "well")
    check_everything(deployed.estate)


def test_nothing_is_answered_once_the_log_is_closed(deployed):
    ask(deployed)
    deployed.estate.pipeline.stores.log.close()
    with pytest.raises(LedgerError):
        ask(deployed)
    with pytest.raises(LedgerError):
        deployed.close()


# ---- data


def test_a_version_cannot_bring_the_class_of_its_dataset_down(deployed):
    steward, data = deployed.actor("stella"), deployed.estate.data
    with pytest.raises(FreeholdError, match="class holds for every version") as refused:
        data.ingest(
            steward,
            "patients",
            io.BytesIO(table(30)),
            format=Format.CSV,
            about=Provenance("public", (PURPOSE,)),
        )
    assert refused.value.code == "data.class"
    assert data.list(steward)[0].data_class == "health"
    assert newest(deployed).error == "data.class"


def test_the_same_bytes_read_in_the_same_way_are_the_same_version(world):
    first = world.ingest(content=b"a\n1\n")
    again = world.ingest(content=b"a\n1\n")
    assert (again.ref, again.is_new, again.act) == (first.ref, False, first.act)
    other = world.ingest(content=b"a\n3\n")
    assert (other.is_new, Ref.parse(other.ref).version) == (True, 2)
    assert world.ingest(content=b"a\n1\n").ref == first.ref
    assert world.estate.data.find("patients").version == 2


def test_the_same_bytes_read_in_another_way_are_another_version(world):
    one_column = world.ingest(content=b"a\n1\n")
    tabbed = world.estate.data.ingest(
        world.actor("stella"),
        "patients",
        io.BytesIO(b"a\n1\n"),
        format=Format.TSV,
        about=Provenance("health", (PURPOSE,)),
    )
    assert (one_column.is_new, tabbed.is_new) == (True, True)
    assert tabbed.ref != one_column.ref


def test_an_actor_of_a_kind_that_nobody_has_is_denied(world):
    stranger = Actor(Ref("user", "00000000-0000-7000-8000-000000000000"))
    with pytest.raises(Denied):
        world.estate.data.list(stranger)


def test_a_token_that_lives_for_ever_is_not_issued(world):
    for days in (0, -1, 367, 10**12):
        with pytest.raises(PartyError):
            world.estate.people.token(world.actor("olivia"), "dana", days=days)


def test_a_request_over_the_bounds_of_a_line_is_refused(deployed):
    huge = {"age": [1], "pressure": [1], "ward": ["x" * 20_000_000]}
    with pytest.raises((LimitError, JobFailed, FreeholdError)):
        deployed.estate.serving.answer(deployed.actor("dana"), "triage", huge)


def test_a_name_begins_anew_once_its_thing_was_erased(deployed):
    first = deployed.estate.data.find("patients")
    deployed.erase()
    with pytest.raises(NotFound):
        deployed.estate.data.find("patients")
    again = deployed.ingest()
    assert Ref.parse(again.ref).id != first.id
