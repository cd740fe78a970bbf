"""Complete mediation: nothing of the estate is done or told that policy was not asked about.

Everything public of every service, and every verb, either is refused here (by a policy set that
permits an unrelated act alone) or stands in a short table with the reason why it decides nothing.
"""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from freehold.charter import CharterService, PolicyService
from freehold.data import DataService, Format, Provenance
from freehold.estate import Estate
from freehold.evaluation import EvaluationService
from freehold.interop import StreamService
from freehold.kernel import Ref
from freehold.kernel.acts import Actor, Record
from freehold.kernel.backup import Arrival, BackupService
from freehold.kernel.history import History
from freehold.kernel.keys import RecoveryCustody, new_recovery_identity, recipient_of
from freehold.kernel.ledger import CosignerKey
from freehold.kernel.policy import Denied, PolicySet
from freehold.kernel.retention import Retention
from freehold.kernel.signatures import Statement, sign
from freehold.kernel.upkeep import RecoveryService, Upkeep
from freehold.models import ModelService
from freehold.parties import ClockService, EmergencyService, NewPerson, PeopleService, ReviewService
from freehold.serving import ServingService
from freehold.stamps import StampService
from freehold.training import Task, TrainingService
from freehold.verbs import VERBS
from freehold.witnesses import WitnessesService
from tests.estate.world import PURPOSE, World, custody, make_world, table
from tests.stamps.authority import self_signed

SERVICES = {
    "charter": CharterService,
    "policy": PolicyService,
    "people": PeopleService,
    "clock": ClockService,
    "data": DataService,
    "training": TrainingService,
    "evaluation": EvaluationService,
    "models": ModelService,
    "serving": ServingService,
    "stamps": StampService,
    "streams": StreamService,
    "history": History,
    "witnesses": WitnessesService,
    "upkeep": Upkeep,
    "emergency": EmergencyService,
    "reviews": ReviewService,
    "recovery": RecoveryService,
    "retention": Retention,
    "backup": BackupService,
    "estate": Estate,
}

TERMS = f"""
supplier = "A registry"
contract = "none"
licence = "own"
purposes = ["{PURPOSE}"]
supplier_uses = []
onward = []
legal_basis = "public-task"
"""
UNRELATED = """
@id("unrelated") permit (principal, action == Action::"access.refused", resource);
"""

ABOUT_IDS = "resolves names for rooms and verbs, which decide with what it gives"
ONE_FACT = "one fact for other rooms, whose own acts decide"
NO_DECISION = {
    "charter.status": "how far ratification is: ids and a digest; nobody has a token before",
    "charter.statement": "what an owner signs; refused once nothing is left to ratify",
    "charter.signer": "reads a statement that the caller brought",
    "charter.last_ratifier": ONE_FACT,
    "charter.is_ratified": "whether there is anything to ask: also told to a load balancer",
    "charter.organisation": ONE_FACT,
    "charter.in_force": "the rules, for the rooms that keep them",
    "charter.policies_in_force": "the rules, for the composition root",
    "charter.compiled_anew": "the rules, for the upgrade, which decides by them",
    "charter.known_people": "ids of owners, for enrolment",
    "policy.evidence": "what `people.prepare` shows once it has asked",
    "people.authenticate": "establishes who asks",
    "people.find": ABOUT_IDS,
    "people.statement": "what `people.prepare` shows once it has asked, or anybody signs to log in",
    "people.valid": "tells the pipeline which approvals count",
    "people.enrol_charter": "enrols by `people.enrol` whom a ratified charter names",
    "clock.evidence": "what `people.prepare` shows once it has asked",
    "data.find": ABOUT_IDS,
    "data.data_class": ONE_FACT,
    "data.evidence": "what `people.prepare` shows once it has asked",
    "data.finish_erasures": "does what the ledger says was decided",
    "data.erasures": "ids, for `backup.erasures` and `backup.check`, which decide",
    "training.find": ONE_FACT,
    "training.weights": "the file, for `models.weights` and `evaluation.run`, which decide",
    "evaluation.latest": ONE_FACT,
    "models.find": ABOUT_IDS,
    "models.card": "what a model takes, for `serving.inputs`, which decides",
    "models.evidence": "what `people.prepare` shows once it has asked",
    "serving.find": ABOUT_IDS,
    "serving.replay": "tells only whether an answer is the same, for `backup.check`, which decides",
    "serving.close": "ends processes",
    "streams.find": ABOUT_IDS,
    "streams.start": "begins to carry what was declared",
    "streams.close": "ends threads",
    "emergency.evidence": "what `people.prepare` shows once it has asked",
    "emergency.concerns": "what `estate.status` shows once it has asked",
    "reviews.concerns": "what `estate.status` shows once it has asked",
    "reviews.last_closed": ONE_FACT,
    "recovery.evidence": "what `people.prepare` shows once it has asked",
    "recovery.concerns": "what `estate.status` shows once it has asked",
    "recovery.drilled": ONE_FACT,
    "witnesses.find": ABOUT_IDS,
    "witnesses.known": "the list, for `witnesses.list` and the asker, which decide",
    "history.edges": "what `history.lineage` tells once it has asked",
    "history.promise": "signs the word for a record that the caller has just made",
    "retention.finish": "does what the ledger says was decided",
    "retention.is_emptied": "tells the pipeline why a body is gone",
    "backup.is_moved": "whether there is anything to record, for the composition root",
    "estate.create": "makes the thing that policies belong to",
    "estate.open": "needs the custody, which opens everything anyhow",
    "estate.open_to_upgrade": "needs the custody, which opens everything anyhow",
    "estate.close": "ends processes",
    "estate.refuse_if_stopped": "says whether a disk has failed, to whatever holds the estate",
    "estate.adopt_charter": "carries out a ratification",
    "estate.resolve": ABOUT_IDS,
    "estate.name_of": "names for references that a decided answer holds",
}

VERBS_WITHOUT_DECISION = {
    "charter.status": NO_DECISION["charter.status"],
    "charter.statement": NO_DECISION["charter.statement"],
    "people.challenge": "what anybody signs to log in; tells nothing, as is tested below",
}


@dataclass
class Scene:
    """An estate with one of everything, and what is needed to ask for it."""

    world: World
    owner: Actor
    dataset: Ref
    plan: str
    run: str
    draft: str
    live: str
    decision: str
    act: str
    policy: str
    token: str
    emergency: str
    review: str
    recovery: str
    identity: str
    sealed: dict[str, tuple[str, str]]

    @property
    def estate(self) -> Estate:
        return self.world.estate

    @property
    def elsewhere(self) -> Path:
        return self.world.home.parent / "bundles"

    @property
    def run_id(self) -> str:
        return Ref.parse(self.run).id

    def erasure(self) -> Ref:
        return self.dataset.at(None)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    world = make_world(tmp_path_factory.mktemp("mediation"))
    estate = world.estate
    world.ingest()
    live = world.deploy()
    owner, scientist = world.actor("olivia"), world.actor("clara")
    decision = estate.serving.answer(world.actor("dana"), "triage", COLUMNS)
    plan = estate.evaluation.plan(scientist, "patients", purpose=PURPOSE)
    run = world.train()
    estate.evaluation.run(scientist, plan.ref, run.ref)
    draft = estate.models.register(scientist, "draft", run.ref)
    token = estate.people.token(owner, "dana")
    estate.streams.declare(owner, "siem", "syslog+unix:/nonexistent")
    estate.stamps.declare(owner, "tsa", ROOT_PEM, url="https://tsa.example/")
    emergency = estate.emergency.request(
        world.actor("otto"), "steward", minutes=60, code="outage", reason="to be refused"
    )
    review = estate.reviews.open(owner)
    identity = new_recovery_identity()
    world.approve("oscar", "recovery.set_up", estate.pipeline.circumstances.estate)
    recovery = estate.recovery.set_up_recipients(owner, [recipient_of(identity)])
    estate.witnesses.declare(owner, "city", CITY, url="https://witness.example")
    policy = estate.policy.propose(owner, UNRELATED)
    estate.charter.propose(owner, estate.charter.show(owner)["text"].encode() + b"\n# again\n")
    dataset = estate.data.find("patients")
    sealed = signed_statements(world, dataset.at(None))
    estate.pipeline.enforce(PolicySet(UNRELATED, estate.pipeline.registry.schema))
    yield Scene(
        world=world,
        owner=owner,
        dataset=dataset,
        plan=plan.ref,
        run=run.ref,
        draft=draft.ref,
        live=live,
        decision=decision.id,
        act=run.act,
        policy=policy,
        token=token.id,
        emergency=emergency.ref,
        review=review.ref,
        recovery=recovery,
        identity=identity,
        sealed=sealed(),
    )
    world.close()


def signed_statements(world: World, dataset: Ref) -> Callable[[], dict[str, tuple[str, str]]]:
    """Give a function that signs what is asked for at the time of its call, under its policies."""

    def signed() -> dict[str, tuple[str, str]]:
        people = world.estate.people
        asked: dict[str, tuple[Statement, str]] = {
            "ratify": (world.estate.charter.statement("oscar"), "oscar"),
            "login": (people.statement("ravi", "token.login"), "ravi"),
            "approve": (people.statement("ravi", "dataset.erase", dataset), "ravi"),
        }
        return {
            name: (said.message().decode(), sign(said.message(), world.key(person)))
            for name, (said, person) in asked.items()
        }

    return signed


def opened(scene: Scene) -> None:
    with scene.estate.data.opened(scene.owner, scene.dataset, purpose=PURPOSE, isolation=2):
        pytest.fail("a dataset was opened that no policy permits to read")


SIGNED = ("statement", "signature")
ROOT_PEM = self_signed("tsa.example")
CITY, COSIGNER = (str(CosignerKey("witness.example", bytes([n]) * 32)) for n in (1, 2))
ABOUT = Provenance("health", (PURPOSE,))
COLUMNS: dict[str, list[Any]] = {"age": [50], "pressure": [150], "ward": ["north"]}

CALLS: dict[str, Callable[[Scene], object]] = {
    "charter.create_estate": lambda s: s.estate.charter.create_estate(
        s.estate.pipeline.stores.vault.read(
            s.estate.pipeline.circumstances.estate.id, charter_blob(s.estate), 1 << 20
        ),
        is_trial=True,
        vkey=str(s.estate.pipeline.stores.log.key),
    ),
    "charter.propose": lambda s: s.estate.charter.propose(s.owner, charter_text(s.estate)),
    "charter.ratify": lambda s: s.estate.charter.ratify(
        s.sealed["ratify"][0].encode(), s.sealed["ratify"][1]
    ),
    "charter.show": lambda s: s.estate.charter.show(s.owner),
    "policy.show": lambda s: s.estate.policy.show(s.owner),
    "policy.explain": lambda s: s.estate.policy.explain(s.owner, s.act),
    "policy.test": lambda s: s.estate.policy.test(s.owner, ""),
    "policy.simulate": lambda s: s.estate.policy.simulate(s.owner, UNRELATED),
    "policy.propose": lambda s: s.estate.policy.propose(s.owner, UNRELATED),
    "policy.activate": lambda s: s.estate.policy.activate(s.owner, s.policy),
    "people.list": lambda s: s.estate.people.list(s.owner),
    "people.enrol": lambda s: s.estate.people.enrol(s.owner, NewPerson("new", "New", ("steward",))),
    "people.assign": lambda s: s.estate.people.assign(s.owner, "simon", roles=("steward",)),
    "people.revoke": lambda s: s.estate.people.revoke(s.owner, "simon"),
    "people.token": lambda s: s.estate.people.token(s.owner, "simon"),
    "people.login": lambda s: s.estate.people.login(
        s.sealed["login"][0].encode(), s.sealed["login"][1]
    ),
    "people.revoke_token": lambda s: s.estate.people.revoke_token(s.owner, "dana", s.token),
    "people.prepare": lambda s: s.estate.people.prepare(
        s.owner, "ravi", "dataset.erase", s.erasure()
    ),
    "people.approve": lambda s: s.estate.people.approve(
        s.sealed["approve"][0].encode(), s.sealed["approve"][1]
    ),
    "people.allowed_signers": lambda s: s.estate.people.allowed_signers(s.owner),
    "clock.status": lambda s: s.estate.clock.status(s.owner),
    "clock.accept": lambda s: s.estate.clock.accept(s.owner),
    "data.ingest": lambda s: s.estate.data.ingest(
        s.owner, "more", io.BytesIO(table()), format=Format.CSV, about=ABOUT
    ),
    "data.clear": lambda s: s.estate.data.clear(s.owner, "patients", purposes=(PURPOSE,)),
    "data.set_terms": lambda s: s.estate.data.set_terms(s.owner, "patients", TERMS),
    "data.terms": lambda s: s.estate.data.terms(s.owner, "patients"),
    "data.gaps": lambda s: s.estate.data.gaps(s.owner),
    "data.list": lambda s: s.estate.data.list(s.owner),
    "data.show": lambda s: s.estate.data.show(s.owner, "patients"),
    "data.opened": opened,
    "data.erase": lambda s: s.estate.data.erase(s.owner, "patients"),
    "training.train": lambda s: s.estate.training.train(
        s.owner, "patients", Task("tabular", "outcome"), purpose=PURPOSE
    ),
    "training.list": lambda s: s.estate.training.list(s.owner),
    "training.show": lambda s: s.estate.training.show(s.owner, s.run),
    "evaluation.plan": lambda s: s.estate.evaluation.plan(s.owner, "patients", purpose=PURPOSE),
    "evaluation.run": lambda s: s.estate.evaluation.run(s.owner, s.plan, s.run),
    "evaluation.show": lambda s: s.estate.evaluation.show(s.owner, s.plan),
    "models.register": lambda s: s.estate.models.register(s.owner, "other", s.run),
    "models.submit": lambda s: s.estate.models.submit(s.owner, s.draft),
    "models.promote": lambda s: s.estate.models.promote(s.owner, s.draft),
    "models.retire": lambda s: s.estate.models.retire(s.owner, s.draft),
    "models.weights": lambda s: s.estate.models.weights(s.owner, s.draft),
    "models.list": lambda s: s.estate.models.list(s.owner),
    "models.show": lambda s: s.estate.models.show(s.owner, s.draft),
    "serving.start": lambda s: s.estate.serving.start(s.owner, "other", s.live, purpose=PURPOSE),
    "serving.stop": lambda s: s.estate.serving.stop(s.owner, "triage"),
    "serving.list": lambda s: s.estate.serving.list(s.owner),
    "serving.answer": lambda s: s.estate.serving.answer(s.owner, "triage", COLUMNS),
    "serving.decision": lambda s: s.estate.serving.decision(s.owner, s.decision),
    "serving.inputs": lambda s: s.estate.serving.inputs(s.owner, "triage"),
    "stamps.declare": lambda s: s.estate.stamps.declare(s.owner, "other", ROOT_PEM),
    "stamps.list": lambda s: s.estate.stamps.list(s.owner),
    "stamps.text": lambda s: s.estate.stamps.text(s.owner, 1),
    "stamps.request": lambda s: s.estate.stamps.request(s.owner),
    "stamps.accept": lambda s: s.estate.stamps.accept(s.owner, "tsa", b"x", size=1),
    "stamps.ask": lambda s: s.estate.stamps.ask(s.owner, "tsa"),
    "stamps.fetch": lambda s: s.estate.stamps.fetch(s.owner, s.act),
    "streams.declare": lambda s: s.estate.streams.declare(s.owner, "other", "file:/nonexistent"),
    "streams.end": lambda s: s.estate.streams.end(s.owner, "siem"),
    "streams.list": lambda s: s.estate.streams.list(s.owner),
    "streams.read": lambda s: s.estate.streams.read(s.owner),
    "history.acts": lambda s: s.estate.history.acts(s.owner),
    "history.act": lambda s: s.estate.history.act(s.owner, s.act),
    "history.receipt": lambda s: s.estate.history.receipt(s.owner, s.act),
    "history.checkpoint": lambda s: s.estate.history.checkpoint(s.owner),
    "history.lineage": lambda s: s.estate.history.lineage(s.owner, s.run),
    "history.export": lambda s: s.estate.history.export(s.owner, io.BytesIO()),
    "witnesses.declare": lambda s: s.estate.witnesses.declare(s.owner, "other", COSIGNER),
    "witnesses.withdraw": lambda s: s.estate.witnesses.withdraw(s.owner, "city"),
    "witnesses.list": lambda s: s.estate.witnesses.list(s.owner),
    "witnesses.ask": lambda s: s.estate.witnesses.ask(s.owner, "city"),
    "witnesses.request": lambda s: s.estate.witnesses.request(s.owner, "city"),
    "witnesses.accept": lambda s: s.estate.witnesses.accept(s.owner, "city", "answer"),
    "upkeep.rotate_custody": lambda s: s.estate.upkeep.rotate_custody(s.owner, custody("other")),
    "upkeep.collect": lambda s: s.estate.upkeep.collect(s.owner),
    "emergency.request": lambda s: s.estate.emergency.request(
        s.owner, "operator", minutes=60, code="outage", reason="x"
    ),
    "emergency.break_glass": lambda s: s.estate.emergency.break_glass(s.owner, s.emergency),
    "emergency.end": lambda s: s.estate.emergency.end(s.owner, s.emergency),
    "emergency.review": lambda s: s.estate.emergency.review(
        s.owner, s.emergency, outcome="justified", finding="x"
    ),
    "emergency.list": lambda s: s.estate.emergency.list(s.owner),
    "reviews.open": lambda s: s.estate.reviews.open(s.owner),
    "reviews.decide": lambda s: s.estate.reviews.decide(
        s.owner, s.review, "dana", decision="revoke", reason="x"
    ),
    "reviews.close": lambda s: s.estate.reviews.close(s.owner, s.review),
    "reviews.show": lambda s: s.estate.reviews.show(s.owner, s.review),
    "reviews.list": lambda s: s.estate.reviews.list(s.owner),
    "recovery.set_up_shares": lambda s: s.estate.recovery.set_up_shares(
        s.owner, shares=3, threshold=2, hand_out=lambda *_: pytest.fail("shares handed out")
    ),
    "recovery.set_up_recipients": lambda s: s.estate.recovery.set_up_recipients(
        s.owner, [recipient_of(new_recovery_identity())]
    ),
    "recovery.drill": lambda s: s.estate.recovery.drill(s.owner, RecoveryCustody(s.identity)),
    "recovery.use": lambda s: s.estate.recovery.use(
        s.owner, RecoveryCustody(s.identity), custody("other")
    ),
    "recovery.revoke": lambda s: s.estate.recovery.revoke(s.owner, s.recovery),
    "recovery.show": lambda s: s.estate.recovery.show(s.owner),
    "retention.prune": lambda s: s.estate.retention.prune(s.owner),
    "retention.hold": lambda s: s.estate.retention.hold(s.owner, s.dataset, reason="a lawsuit"),
    "retention.release": lambda s: s.estate.retention.release(s.owner, s.dataset, reason="over"),
    "retention.holds": lambda s: s.estate.retention.holds(s.owner),
    "data.apply_erasures": lambda s: s.estate.data.apply_erasures([(s.dataset.id, s.run_id)]),
    "backup.create": lambda s: s.estate.backup.create(s.owner, s.elsewhere),
    "backup.move": lambda s: s.estate.backup.move(s.owner, s.elsewhere),
    "backup.list": lambda s: s.estate.backup.list(s.owner),
    "backup.erasures": lambda s: s.estate.backup.erasures(s.owner),
    "backup.record_arrival": lambda s: s.estate.backup.record_arrival(
        Arrival(s.run_id, "sha256:" + 64 * "0", "backup", 1, 0), 0
    ),
    "estate.status": lambda s: s.estate.status(s.owner),
}

ARGUMENTS: dict[str, Callable[[Scene], dict[str, Any]]] = {
    "estate.prune": lambda _: {"dry_run": True},
    "estate.hold": lambda _: {"thing": "dataset:patients", "reason": "a lawsuit"},
    "estate.release": lambda _: {"thing": "dataset:patients", "reason": "over"},
    "estate.audit": lambda _: {"blobs": True},
    "charter.propose": lambda s: {"text": charter_text(s.estate).decode()},
    "charter.ratify": lambda s: dict(zip(SIGNED, s.sealed["ratify"], strict=True)),
    "people.enrol": lambda _: {"code": "new", "name": "New", "role": ["steward"]},
    "people.assign": lambda _: {"person": "simon", "role": ["steward"]},
    "people.revoke": lambda _: {"person": "simon"},
    "people.token": lambda _: {"person": "simon"},
    "people.revoke_token": lambda s: {"person": "dana", "token_id": s.token},
    "people.statement": lambda s: {
        "person": "ravi",
        "act": "dataset.erase",
        "resource": "dataset:patients",
    },
    "people.login": lambda s: dict(zip(SIGNED, s.sealed["login"], strict=True)),
    "people.approve": lambda s: dict(zip(SIGNED, s.sealed["approve"], strict=True)),
    "access.request": lambda _: {
        "role": "operator",
        "minutes": 60,
        "code": "outage",
        "reason": "x",
    },
    "access.break_glass": lambda s: {"emergency": s.emergency},
    "access.end": lambda s: {"emergency": s.emergency},
    "access.review_emergency": lambda s: {
        "emergency": s.emergency,
        "outcome": "justified",
        "finding": "x",
    },
    "access.review_open": lambda _: {},
    "access.review_decide": lambda s: {
        "review": s.review,
        "person": "dana",
        "decision": "keep",
        "reason": "x",
    },
    "access.review_close": lambda s: {"review": s.review},
    "access.review_show": lambda s: {"review": s.review},
    "recovery.revoke": lambda s: {"recovery": s.recovery},
    "policy.explain": lambda s: {"act": s.act},
    "policy.test": lambda _: {"cases": ""},
    "policy.simulate": lambda _: {"policies": UNRELATED},
    "policy.propose": lambda _: {"policies": UNRELATED},
    "policy.activate": lambda s: {"policy": s.policy},
    "data.ingest": lambda _: {
        "name": "more",
        "format": "csv",
        "data_class": "health",
        "purpose": [PURPOSE],
    },
    "data.clear": lambda _: {"dataset": "patients", "purpose": [PURPOSE]},
    "data.set_terms": lambda _: {"dataset": "patients", "terms": TERMS},
    "data.terms": lambda _: {"dataset": "patients"},
    "data.show": lambda _: {"dataset": "patients"},
    "data.erase": lambda _: {"dataset": "patients"},
    "training.train": lambda _: {"dataset": "patients", "label": "outcome", "purpose": PURPOSE},
    "training.show": lambda s: {"run": s.run},
    "evaluation.plan": lambda _: {"dataset": "patients", "purpose": PURPOSE},
    "evaluation.run": lambda s: {"plan": s.plan, "run": s.run},
    "evaluation.show": lambda s: {"plan": s.plan},
    "models.register": lambda s: {"name": "other", "run": s.run},
    "models.submit": lambda s: {"model": s.draft},
    "models.promote": lambda s: {"model": s.draft},
    "models.retire": lambda s: {"model": s.draft},
    "models.fetch": lambda s: {"model": s.draft},
    "models.show": lambda s: {"model": s.draft},
    "serving.start": lambda s: {"name": "other", "model": s.live, "purpose": PURPOSE},
    "serving.stop": lambda _: {"name": "triage"},
    "serving.inputs": lambda _: {"name": "triage"},
    "serving.ask": lambda _: {"name": "triage", "rows": '{"age": [50]}'},
    "serving.decision": lambda s: {"decision": s.decision},
    "witness.declare": lambda _: {"name": "other", "vkey": COSIGNER},
    "witness.withdraw": lambda _: {"name": "city"},
    "witness.ask": lambda _: {"name": "city"},
    "witness.request": lambda _: {"name": "city"},
    "witness.accept": lambda _: {"name": "city", "answer": "answer"},
    "ledger.show": lambda s: {"act": s.act},
    "backup.create": lambda s: {"folder": str(s.elsewhere)},
    "backup.check": lambda s: {"folder": str(s.elsewhere)},
    "estate.move": lambda s: {"folder": str(s.elsewhere)},
    "ledger.receipt": lambda s: {"act": s.act},
    "ledger.lineage": lambda s: {"thing": s.run},
    "stamp.declare": lambda _: {"name": "other", "root": ROOT_PEM},
    "stamp.text": lambda _: {"size": 1},
    "stamp.accept": lambda _: {"name": "tsa", "size": 1},
    "stamp.ask": lambda _: {"name": "tsa"},
    "stamp.fetch": lambda s: {"act": s.act},
    "stream.declare": lambda _: {"name": "other", "destination": "file:/nonexistent"},
    "stream.end": lambda _: {"name": "siem"},
    "stream.read": lambda _: {"after": 0},
}


def charter_text(estate: Estate) -> bytes:
    """The newest charter's text, read past all policy."""
    pipeline = estate.pipeline
    return pipeline.stores.vault.read(
        pipeline.circumstances.estate.id, charter_blob(estate), 1 << 20
    )


def charter_blob(estate: Estate) -> str:
    """The blob of the first charter, from its record."""
    return str(estate.pipeline.record(0).facts["blob"])


def public_methods() -> set[str]:
    return {
        f"{noun}.{name}"
        for noun, service in SERVICES.items()
        for name, _ in inspect.getmembers(service, callable)
        if not name.startswith("_")
    }


def untouched(estate: Estate) -> list[Any]:
    """The catalog without its list of acts and their newest time, which a refusal joins."""
    catalog = estate.pipeline.stores.catalog
    return [row for row in catalog.dump() if row[0] not in ("act", "link", "position", "clock")]


def newest(estate: Estate) -> Record:
    return estate.pipeline.record(estate.pipeline.stores.log.size - 1)


def refuses(scene: Scene, call: Callable[[], object]) -> None:
    """Hold a call to being refused, and to leaving its refusal in the ledger and nothing else."""
    size, before = scene.estate.pipeline.stores.log.size, untouched(scene.estate)
    with pytest.raises(Denied):
        call()
    assert scene.estate.pipeline.stores.log.size == size + 1
    refusal = newest(scene.estate)
    assert (refusal.phase, refusal.error) == ("denied", "policy.denied")
    assert refusal.decision.result == "deny"
    assert refusal.act in scene.estate.pipeline.registry.actions
    assert untouched(scene.estate) == before


def test_every_public_method_is_refused_or_says_why_it_decides_nothing():
    assert public_methods() == CALLS.keys() | NO_DECISION.keys()
    assert not CALLS.keys() & NO_DECISION.keys()
    assert all(NO_DECISION.values())


def test_every_verb_is_refused_or_says_why_it_decides_nothing():
    without_arguments = {path for path, verb in VERBS.items() if not verb.parameters}
    asked = ARGUMENTS.keys() | without_arguments | {"policy.show", "ledger.acts", "ledger.export"}
    assert VERBS.keys() == asked | VERBS_WITHOUT_DECISION.keys()


@pytest.mark.parametrize("method", CALLS)
def test_a_method_that_no_policy_permits_is_refused_and_the_refusal_recorded(scene, method):
    refuses(scene, lambda: CALLS[method](scene))


@pytest.mark.parametrize("path", [path for path in VERBS if path not in VERBS_WITHOUT_DECISION])
def test_a_verb_that_no_policy_permits_is_refused_and_the_refusal_recorded(scene, path):
    verb = VERBS[path]
    arguments = verb.validate(ARGUMENTS.get(path, lambda _: {})(scene))
    if verb.needs_actor:
        arguments["actor"] = scene.owner
    if verb.upload is not None:
        arguments[verb.upload.name] = io.BytesIO(table())
    refuses(scene, lambda: verb.function(scene.estate, **arguments))
