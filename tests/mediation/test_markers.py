"""Nothing personal, secret or erasable in the ledger; nothing plain in the vault; nothing in logs.

Every free input of the line carries a marker. Then all bytes that the estate keeps are searched.
Codes of the charter (roles, classes, purposes, units) are no free input: they may stand in the
ledger, and the charter says so to whoever writes one.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from freehold.data import DataError, Format, Provenance, ReadOptions, pack_folder
from freehold.estate import Estate
from freehold.evaluation import EvaluationError
from freehold.kernel import FreeholdError, MalformedError, Ref
from freehold.kernel.acts import NotFound
from freehold.kernel.keys import KeysError, RecoveryCustody, combine_shares
from freehold.kernel.policy import Denied, InvalidPolicy
from freehold.kernel.signatures import sign
from freehold.parties import NewPerson, PartyError
from freehold.training import Task, TrainingError
from tests.estate.world import PASSPHRASE, PURPOSE, World
from tests.line.founding import found

STEM = "qzxmark"
MARKER = re.compile(rf"{STEM}-?[a-z]*".encode(), re.IGNORECASE)
CODE = f"{STEM}-person"


def mark(what: str) -> str:
    return f"{STEM}-{what}"


def marked(charter: str) -> str:
    """The demonstration's charter with a marker in everything that is free text or a name."""
    charter = charter.replace('"Example Clinic"', f'"{mark("organisation")}"')
    charter = charter.replace('id = "simon"', f'id = "{CODE}"')
    charter = re.sub(r'name = "([^"]+),? ?([^"]*)"', rf'name = "{mark("name")} \1"', charter)
    return re.sub(r'description = "', f'description = "{mark("description")} ', charter)


def patients() -> bytes:
    """Rows that can be learned from, marked in names of columns, values and classes."""
    lines = [f"age,pressure,{mark('column')},{mark('label')}"]
    for row in range(60):
        is_ill = row % 3 == 0
        answer = f"{mark('class')}-{'ill' if is_ill else 'well'}"
        lines.append(f"{30 + row % 40},{150 if is_ill else 115},{mark('cell')}{row % 2},{answer}")
    return "\n".join(lines).encode() + b"\n"


ABOUT = Provenance("health", (PURPOSE,), terms=f"{mark('terms')}, as agreed")


class Play:
    """The whole line with what goes wrong on it; keeps every error that was told."""

    def __init__(self, folder: Path) -> None:
        self.world: World = found(folder, marked, comment=mark("comment"))
        self.world.key("simon").rename(self.world.key(CODE))
        self.world.ratify()
        self.told: list[str] = []
        self.tokens: list[str] = []
        self.shares: list[str] = []

    @property
    def estate(self) -> Estate:
        return self.world.estate

    def refused(self, error: type[FreeholdError], call: Callable[[], object]) -> None:
        with pytest.raises(error) as raised:
            call()
        self.told.append(str(raised.value))

    def people(self) -> None:
        people, owner = self.estate.people, self.world.actor("olivia")
        person = NewPerson(mark("other"), mark("name"), ("developer",), kind="service")
        people.enrol(owner, person)
        self.tokens.append(people.token(owner, mark("other")).token)
        statement = people.statement("ravi", "token.login").message()
        self.tokens.append(people.login(statement, sign(statement, self.world.key("ravi"))).token)
        self.refused(PartyError, lambda: people.authenticate(mark("token")))
        self.refused(PartyError, lambda: people.assign(owner, CODE, roles=(mark("role"),)))
        self.refused(NotFound, lambda: people.revoke(owner, mark("nobody")))
        people.statement(mark("stranger"), "token.login")

    def data(self) -> None:
        data, steward = self.estate.data, self.world.actor("stella")
        for name in ("dataset", "erased"):
            content = patients().replace(b"label", b"labelof" + name.encode())
            source = io.BytesIO(content)
            data.ingest(steward, mark(name), source, format=Format.CSV, about=ABOUT)
        broken = io.BytesIO(f"a,b\n1,2,{mark('cell')}\n".encode())
        self.refused(
            DataError,
            lambda: data.ingest(steward, mark("broken"), broken, format=Format.CSV, about=ABOUT),
        )
        formula = io.BytesIO(f"a\n=HYPERLINK({mark('formula')})\n".encode())
        self.refused(
            DataError,
            lambda: data.ingest(steward, mark("formula"), formula, format=Format.CSV, about=ABOUT),
        )
        placed = Provenance("health", (PURPOSE,), residency=(mark("place"),))
        self.refused(
            Denied,
            lambda: data.ingest(
                steward, mark("placed"), io.BytesIO(patients()), format=Format.CSV, about=placed
            ),
        )
        self.refused(NotFound, lambda: data.show(steward, mark("missing")))
        self.refused(DataError, lambda: data.clear(steward, mark("dataset"), purposes=(mark("p"),)))
        self.folder_of_texts()

    def folder_of_texts(self) -> None:
        folder = self.world.folder / mark("folder")
        folder.mkdir()
        for number in range(3):
            (folder / f"{mark('file')}{number}.txt").write_text(f"{mark('text')} {number}")
        with pack_folder(folder) as packed:
            self.estate.data.ingest(
                self.world.actor("stella"),
                mark("texts"),
                packed,
                format=Format.TEXT,
                about=ABOUT,
                options=ReadOptions(missing=(mark("missing"),)),
            )

    def model(self) -> None:
        estate, scientist = self.estate, self.world.actor("clara")
        dataset, label = mark("dataset"), mark("labelofdataset")
        task = Task("tabular", label, parameters={})
        plan = estate.evaluation.plan(scientist, dataset, purpose=PURPOSE)
        run = estate.training.train(scientist, dataset, task, purpose=PURPOSE)
        estate.evaluation.run(scientist, plan.ref, run.ref)
        for name in (mark("model"), mark("othermodel")):
            estate.models.register(scientist, name, run.ref)
        estate.models.submit(scientist, mark("model"))
        model = Ref.parse(estate.models.find(mark("model")).ref)
        self.world.approve("ravi", "model.promote", model)
        estate.models.promote(self.world.actor("otto"), mark("model"))
        self.bad_questions_about_models(task)

    def bad_questions_about_models(self, task: Task) -> None:
        estate, scientist, dataset = self.estate, self.world.actor("clara"), mark("dataset")
        simon = self.world.actor(CODE)
        training, evaluation = estate.training, estate.evaluation
        self.refused(Denied, lambda: training.train(simon, dataset, task, purpose=PURPOSE))
        self.refused(Denied, lambda: training.train(scientist, dataset, task, purpose=mark("goal")))
        self.refused(Denied, lambda: evaluation.plan(scientist, dataset, purpose=mark("goal")))
        missing = Task("tabular", mark("nolabel"))
        self.refused(
            FreeholdError, lambda: training.train(scientist, dataset, missing, purpose=PURPOSE)
        )
        unknown = Task(mark("recipe"), mark("label"))
        self.refused(
            TrainingError, lambda: training.train(scientist, dataset, unknown, purpose=PURPOSE)
        )
        self.refused(
            EvaluationError,
            lambda: evaluation.plan(
                scientist, dataset, purpose=PURPOSE, at_least={mark("metric"): 0.5}
            ),
        )
        for reference in (f"run:{mark('run')}", f"{mark('kind').replace('-', '_')}:x"):
            self.refused(NotFound, partial(training.show, scientist, reference))
            self.refused(NotFound, partial(evaluation.show, scientist, reference))
        developer = self.world.actor("dana")
        self.refused(NotFound, lambda: training.show(developer, f"run:{mark('run')}"))
        self.refused(MalformedError, lambda: training.show(scientist, mark("Not A Reference")))

    def serving(self) -> None:
        serving, operator = self.estate.serving, self.world.actor("otto")
        developer, name = self.world.actor("dana"), mark("deployment")
        serving.start(operator, name, mark("model"), purpose=PURPOSE)
        self.refused(
            Denied,
            lambda: serving.start(operator, name, mark("model"), purpose=mark("goal")),
        )
        columns: dict[str, list[Any]] = {
            "age": [50],
            "pressure": [150],
            mark("column"): [mark("value")],
        }
        decision = serving.answer(developer, name, columns, subject=mark("subject"))
        serving.answer(developer, name, columns)
        self.refused(
            FreeholdError, lambda: serving.answer(developer, name, {mark("nocolumn"): [1]})
        )
        self.refused(
            FreeholdError,
            lambda: serving.answer(developer, name, {**columns, "age": [mark("value")]}),
        )
        self.refused(NotFound, lambda: serving.answer(developer, mark("nowhere"), columns))
        self.refused(NotFound, lambda: serving.decision(developer, mark("decision")))
        serving.decision(self.world.actor("ravi"), decision.id)

    def policy(self) -> None:
        policy, owner = self.estate.policy, self.world.actor("olivia")
        text = f"""
        // {mark("policytext")}
        @id("house.rule") @reason("{mark("reason")}")
        forbid (principal, action == Action::"dataset.ingest", resource)
        when {{ context.data_class == "{mark("policyvalue")}" }};
        """
        ref = Ref.parse(policy.propose(owner, text))
        self.world.approve("oscar", "policy.activate", ref)
        policy.activate(owner, str(ref))
        bad = f'@id("{mark("Policy Id")}") permit (principal, action, resource);'
        self.refused(InvalidPolicy, lambda: policy.propose(owner, bad))
        self.refused(FreeholdError, lambda: policy.test(owner, mark("cases")))
        self.refused(NotFound, lambda: policy.explain(owner, mark("act")))
        self.refused(NotFound, lambda: policy.activate(owner, f"policy:{mark('policy')}"))

    def emergency(self) -> None:
        emergency, otto = self.estate.emergency, self.world.actor("otto")
        asked = emergency.request(
            otto, "steward", minutes=60, code="outage", reason=mark("reason of an emergency")
        )
        for role, code in ((mark("role"), "outage"), ("steward", mark("code"))):
            self.refused(
                PartyError,
                partial(emergency.request, otto, role, minutes=60, code=code, reason="x"),
            )
        self.world.approve("ravi", "access.break_glass", Ref.parse(asked.ref))
        emergency.break_glass(otto, asked.ref)
        emergency.end(otto, asked.ref)
        ravi, finding = self.world.actor("ravi"), mark("finding")
        emergency.review(ravi, asked.ref, outcome="justified", finding=finding)
        self.refused(
            PartyError,
            lambda: emergency.review(ravi, asked.ref, outcome=mark("outcome"), finding="x"),
        )
        self.refused(NotFound, lambda: emergency.end(otto, f"emergency:{mark('emergency')}"))

    def reviews(self) -> None:
        reviews, owner = self.estate.reviews, self.world.actor("olivia")
        review = reviews.open(owner)
        decide = partial(reviews.decide, owner, review.ref)
        decide("stella", decision="keep", reason=mark("reason of a decision"))
        decide(mark("other"), decision="revoke", reason=mark("reason of a decision"))
        self.refused(PartyError, lambda: decide("ravi", decision=mark("decision"), reason="x"))
        self.refused(NotFound, lambda: decide(mark("nobody"), decision="keep", reason="x"))
        self.refused(NotFound, lambda: reviews.open(owner, unit=mark("unit")))
        self.refused(NotFound, lambda: reviews.close(owner, f"review:{mark('review')}"))

    def recovery(self) -> None:
        recovery, owner = self.estate.recovery, self.world.actor("olivia")
        self.world.approve("oscar", "recovery.set_up", self.estate.pipeline.circumstances.estate)
        self.refused(KeysError, lambda: recovery.set_up_recipients(owner, [mark("recipient")]))
        self.refused(KeysError, lambda: RecoveryCustody(mark("identity")))
        self.refused(KeysError, lambda: combine_shares([mark("share")]))
        recovery.set_up_shares(
            owner, shares=3, threshold=2, hand_out=lambda _, words: self.shares.extend(words)
        )
        recovery.drill(owner, RecoveryCustody(combine_shares(self.shares)), shares=3)
        self.refused(NotFound, lambda: recovery.revoke(owner, mark("recovery")))

    def perform(self) -> None:
        self.people()
        self.data()
        self.model()
        self.serving()
        self.policy()
        self.emergency()
        self.reviews()
        self.recovery()
        with suppress(FreeholdError):
            self.estate.history.acts(self.world.actor("ada"), resource=f"run:{mark('run')}")
        self.world.approve("ravi", "dataset.erase", self.estate.data.find(mark("erased")).at(None))
        self.estate.data.erase(self.world.actor("stella"), mark("erased"))


def found_in(folder: Path) -> dict[str, set[str]]:
    """The markers in each file below `folder`."""
    return {
        path.relative_to(folder).as_posix(): {m.decode() for m in MARKER.findall(content)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for content in (path.read_bytes(),)
        if MARKER.search(content)
    }


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    play = Play(tmp_path_factory.mktemp("markers"))
    play.perform()
    yield play
    play.world.close()


@pytest.mark.parametrize("store", ["ledger", "vault", "keys"])
def test_no_marker_lies_in(play, store):
    assert not found_in(play.world.home / store)  # as it lies while the estate is open: wal and all
    play.estate.pipeline.stores.log.publish()
    assert not found_in(play.world.home / store)


def test_the_markers_were_really_brought_in(play):
    catalog = found_in(play.world.home)
    assert set(catalog) <= {"catalog.db", "catalog.db-wal"}
    content = b"".join((play.world.home / name).read_bytes() for name in catalog)
    for what in ("person", "name", "dataset", "terms", "column", "model", "deployment", "finding"):
        assert mark(what).encode() in content, what


def test_every_act_that_failed_or_was_refused_is_recorded_by_a_code(play):
    log = play.estate.pipeline.stores.log
    records = [play.estate.pipeline.record(index) for index in range(log.size)]
    codes = {record.error for record in records if record.error}
    assert {"policy.denied", "data.ragged", "data.formula"} <= codes
    assert all(re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", code) for code in codes), codes
    assert {record.phase for record in records} == {"started", "done", "failed", "denied"}


def test_a_purpose_that_the_charter_does_not_have_is_refused_and_not_written_down(play):
    pipeline = play.estate.pipeline
    records = [pipeline.record(index) for index in range(pipeline.stores.log.size)]
    refused = [record for record in records if record.act == "model.train" and record.error]
    assert {record.purpose for record in refused} <= {None, PURPOSE}
    asked = [pipeline.body(record) or {} for record in refused]
    assert mark("goal") in {body["request"]["context"]["purpose"] for body in asked}


def test_what_was_erased_is_gone_from_the_catalog_to_the_byte(play):
    for name in ("catalog.db", "catalog.db-wal"):
        content = (play.world.home / name).read_bytes()
        assert mark("erased").encode() not in content
        assert mark("labeloferased").encode() not in content


def test_secrets_lie_nowhere_in_the_estate_and_in_no_error(play):
    assert len(play.tokens) == 2
    secrets = [token.encode() for token in play.tokens] + [PASSPHRASE.encode()]
    secrets += [each.encode() for each in (*play.shares, combine_shares(play.shares))]
    secrets += [play.world.key("ravi").read_bytes().split(b"\n")[1]]
    kept = [path.read_bytes() for path in play.world.home.rglob("*") if path.is_file()]
    kept += [error.encode() for error in play.told]
    for secret in secrets:
        assert len(secret) > 20
        assert not any(secret in content for content in kept)
