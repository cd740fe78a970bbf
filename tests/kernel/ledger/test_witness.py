"""The rules of a witness: it cosigns one history of each log that it knows, and only that."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.kernel import DEFAULT_LIMITS, Clock
from freehold.kernel.ledger import (
    AddCheckpoint,
    Checkpoint,
    Cosigned,
    CosignerKey,
    Ed25519Signer,
    NoteError,
    VerifierKey,
    Witness,
    WitnessConflict,
    WitnessMemory,
    WitnessRefusal,
)
from tests.kernel.ledger import naive

NAME = "witness.example/one"
OWN, LOG, OTHER, THIEF = (Ed25519Signer(bytes([n]) * 32) for n in (1, 2, 3, 4))
ORIGIN, SECOND, UNKNOWN = "estate/one/main", "estate/two/main", "estate/none/main"
SIGNERS = {ORIGIN: LOG, SECOND: OTHER, UNKNOWN: THIEF}
KEYS = {origin: VerifierKey(origin, SIGNERS[origin].public_key) for origin in (ORIGIN, SECOND)}
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MAIN = [b"%d" % n for n in range(12)]


class FixedClock:
    """Noon, unless it is set."""

    def __init__(self) -> None:
        self.moment = NOON

    def now(self) -> datetime:
        return self.moment


class Remembering:
    """A memory that holds the promise of the protocol by heart, and can fail at `keep`."""

    def __init__(self) -> None:
        self.notes: dict[str, str] = {}
        self.fails: str = ""  # "unwritten" | "written"

    def key(self, origin: str) -> VerifierKey | None:
        return KEYS.get(origin)

    def newest(self, origin: str) -> str | None:
        return self.notes.get(origin)

    def keep(self, origin: str, note: str) -> None:
        assert origin in KEYS
        if self.fails != "unwritten":
            self.notes[origin] = note
        if self.fails:
            raise OSError("the power is gone")


def witness_of(memory: WitnessMemory, clock: Clock | None = None) -> Witness:
    return Witness(NAME, OWN, memory, clock=clock or FixedClock(), limits=DEFAULT_LIMITS)


@pytest.fixture
def memory() -> Remembering:
    return Remembering()


def request(
    size: int, old: int = 0, *, of: list[bytes] = MAIN, origin: str = ORIGIN
) -> AddCheckpoint:
    """What an honest log with these entries asks."""
    note = Checkpoint(origin, size, naive.root(of[:size])).sign(SIGNERS[origin])
    proof = naive.consistency(old, of[:size]) if 0 < old < size else []
    return AddCheckpoint(old, tuple(proof), note)


def ask(witness: Witness, asked: AddCheckpoint) -> str:
    return witness.add_checkpoint(asked.text().encode()).line


def refusal(witness: Witness, asked: AddCheckpoint | bytes) -> str:
    body = asked if isinstance(asked, bytes) else asked.text().encode()
    with pytest.raises(WitnessRefusal) as refused:
        witness.add_checkpoint(body)
    return refused.value.code


def test_a_growing_log_is_cosigned_each_time(memory: Remembering) -> None:
    witness = witness_of(memory)
    for old, size in ((0, 0), (0, 3), (3, 3), (3, 8), (8, 12)):
        line = ask(witness, request(size, old))
        note = request(size, old).note + line
        assert Cosigned.open(note, [KEYS[ORIGIN]], [witness.key]).times == {NAME: NOON}
        assert witness.newest(ORIGIN) == note


def test_a_request_is_read_as_it_was_written() -> None:
    asked = request(12, 5)
    assert AddCheckpoint.parse(asked.text().encode(), DEFAULT_LIMITS) == asked
    assert asked.text().startswith("old 5\n")


def test_a_rewind_is_refused_and_told_the_size(memory: Remembering) -> None:
    witness = witness_of(memory)
    ask(witness, request(8))
    for old, size in ((0, 5), (5, 5), (5, 12), (0, 12)):
        with pytest.raises(WitnessConflict) as refused:
            ask(witness, request(size, old))
        assert refused.value.size == 8


def test_a_fork_is_refused(memory: Remembering) -> None:
    witness = witness_of(memory)
    ask(witness, request(8))
    fork = [*MAIN[:5], *(b"fork %d" % n for n in range(7))]
    assert refusal(witness, request(12, 8, of=fork)) == "witness.inconsistent"
    assert refusal(witness, request(8, 8, of=fork)) == "witness.inconsistent"  # a split view
    ask(witness, request(12, 8))


def test_a_proof_for_another_checkpoint_is_refused(memory: Remembering) -> None:
    witness = witness_of(memory)
    ask(witness, request(8))
    good = request(12, 8)
    for proof in ((), good.proof[:-1], (*good.proof, bytes(32)), request(11, 8).proof):
        assert refusal(witness, replace(good, proof=proof)) == "witness.inconsistent"


def test_the_first_checkpoint_needs_no_proof_and_may_have_none(memory: Remembering) -> None:
    first = replace(request(8), proof=(bytes(32),))
    assert refusal(witness_of(memory), first) == "witness.inconsistent"


def test_an_empty_log_with_a_root_is_refused(memory: Remembering) -> None:
    note = Checkpoint(ORIGIN, 0, b"\x07" * 32).sign(LOG)
    assert refusal(witness_of(memory), AddCheckpoint(0, (), note)) == "witness.inconsistent"


def test_a_log_that_is_not_known_is_refused(memory: Remembering) -> None:
    assert refusal(witness_of(memory), request(8, origin=UNKNOWN)) == "witness.unknown_log"


def test_what_the_log_did_not_sign_is_refused(memory: Remembering) -> None:
    witness = witness_of(memory)
    checkpoint = Checkpoint(ORIGIN, 8, naive.root(MAIN[:8]))
    by_thief = AddCheckpoint(0, (), checkpoint.sign(THIEF))
    altered = replace(request(8), note=request(8).note.replace("\n8\n", "\n9\n"))
    for asked in (by_thief, altered):
        assert refusal(witness, asked) == "witness.signature"
    assert memory.notes == {}


def test_signatures_of_others_are_ignored_and_not_kept(memory: Remembering) -> None:
    witness = witness_of(memory)
    asked = request(8)
    stranger = Checkpoint(UNKNOWN, 8, bytes(32)).sign(THIEF).rpartition("\n\n")[2]
    line = ask(witness, replace(asked, note=asked.note + stranger))
    assert witness.newest(ORIGIN) == asked.note + line


def test_an_old_size_beyond_the_checkpoint_is_malformed(memory: Remembering) -> None:
    assert refusal(witness_of(memory), replace(request(8), old_size=9)) == "witness.request"


@pytest.mark.parametrize(
    "change",
    {
        "empty": lambda body: b"",
        "not UTF-8": lambda body: b"\xff" + body,
        "another word": lambda body: body.replace(b"old", b"new"),
        "a leading zero": lambda body: body.replace(b"old 5", b"old 05"),
        "no number": lambda body: body.replace(b"old 5", b"old five"),
        "no note": lambda body: body.partition(b"\n\n")[0] + b"\n\n",
        "no empty line": lambda body: body.replace(b"\n\n", b"\n"),
        "no hash": lambda body: body.replace(b"old 5\n", b"old 5\nnonsense\n"),
        "a short hash": lambda body: body.replace(b"old 5\n", b"old 5\nAAAA\n"),
        "sixty-four hashes": lambda body: body.replace(
            b"old 5\n", b"old 5\n" + 64 * (b"A" * 43 + b"=\n")
        ),
        "too long": lambda body: body + b"\xe2\x80\x94 a AAAAAAAA\n" * 5_000,
        "an extension line": lambda body: body.replace(b"=\n\n\xe2", b"=\nmore\n\n\xe2"),
        "cut short": lambda body: body[:-1],
    }.values(),
)
def test_what_is_no_request_is_refused(
    memory: Remembering, change: Callable[[bytes], bytes]
) -> None:
    body = request(12, 5).text().encode()
    assert change(body) != body
    assert refusal(witness_of(memory), change(body)) == "witness.request"
    with pytest.raises((NoteError, WitnessRefusal)):
        witness_of(memory).add_checkpoint(change(body))


@pytest.mark.parametrize("fails", ["unwritten", "written"])
def test_what_was_not_kept_is_not_answered_and_can_be_asked_again(
    memory: Remembering, fails: str
) -> None:
    witness = witness_of(memory)
    ask(witness, request(3))
    memory.fails = fails
    with pytest.raises(OSError, match="power"):
        ask(witness, request(8, 3))
    memory.fails = ""
    again = witness_of(memory)
    if fails == "written":
        with pytest.raises(WitnessConflict) as refused:
            ask(again, request(8, 3))
        assert refused.value.size == 8
    note = request(8).note + ask(again, request(8, 8 if fails == "written" else 3))
    assert Cosigned.open(note, [KEYS[ORIGIN]], [again.key]).times


def test_a_clock_that_was_set_back_cosigns_nothing_until_it_is_right(memory: Remembering) -> None:
    clock = FixedClock()
    witness = witness_of(memory, clock)
    ask(witness, request(3))
    clock.moment = NOON - timedelta(seconds=1)
    assert refusal(witness, request(8, 3)) == "witness.clock"
    clock.moment = NOON + timedelta(milliseconds=1)
    ask(witness, request(8, 3))


class Slow(Remembering):
    """Leaves time for others between what was read and what is kept."""

    def newest(self, origin: str) -> str | None:
        found = super().newest(origin)
        time.sleep(0.005)
        return found


def test_of_requests_at_once_one_wins() -> None:
    memory = Slow()
    witness = witness_of(memory)
    ask(witness, request(3))
    start, answers = threading.Barrier(8), list[str]()

    def race(size: int) -> None:
        start.wait()
        try:
            answers.append(ask(witness, request(size, 3))[:1])
        except WitnessConflict as refused:
            answers.append(f"{refused.size}")

    racers = [threading.Thread(target=race, args=(4 + n,)) for n in range(8)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    size = Checkpoint.parse(memory.notes[ORIGIN].partition("\n\n")[0] + "\n").size
    assert sorted(answers) == sorted(["\u2014", *[str(size)] * 7])


# ---- against a naive witness, which keeps all entries and compares them


@dataclass
class Naive:
    """A witness that is shown every entry and cosigns what begins with all that it cosigned."""

    seen: dict[str, list[bytes]] = field(default_factory=dict)

    def expected(self, asked: Asked) -> str:
        entries, old = asked.branch[: asked.size], asked.old
        seen = self.seen.get(asked.origin, [])
        if asked.origin not in KEYS:
            return "witness.unknown_log"
        if asked.is_forged:
            return "witness.signature"
        if old > asked.size:
            return "witness.request"
        if old != len(seen):
            return f"conflict {len(seen)}"
        proof = naive.consistency(old, entries) if 0 < old < asked.size else []
        if entries[:old] != seen or list(asked.proof) != proof:
            return "witness.inconsistent"
        self.seen[asked.origin] = entries
        return "cosigned"


@dataclass(frozen=True)
class Asked:
    """A request before it is written, with what is true of it."""

    origin: str
    branch: list[bytes]
    size: int
    old: int
    proof: tuple[bytes, ...]
    is_forged: bool

    def request(self) -> AddCheckpoint:
        checkpoint = Checkpoint(self.origin, self.size, naive.root(self.branch[: self.size]))
        signer = SIGNERS[ORIGIN if self.is_forged and self.origin != ORIGIN else self.origin]
        if self.is_forged and self.origin == ORIGIN:
            signer = SIGNERS[SECOND]
        return AddCheckpoint(self.old, self.proof, checkpoint.sign(signer))


BRANCHES = [MAIN, [*MAIN[:4], *[b"f%d" % n for n in range(8)]], [b"x", *MAIN[1:]]]


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Asked, bool]]:
    """Requests of logs that sometimes lie; each flag says whether it starts where it should."""
    steps = []
    for _ in range(draw(st.integers(1, 25))):
        branch = draw(st.sampled_from([BRANCHES[0], *BRANCHES]))
        size, old = draw(st.integers(0, 12)), draw(st.integers(0, 12))
        other = draw(st.sampled_from(BRANCHES))
        start = draw(st.integers(0, 12))
        is_wrong = draw(st.sampled_from([False, False, False, True]))
        proof = naive.consistency(start, other[:size]) if 0 < start < size and is_wrong else None
        steps.append(
            (
                Asked(
                    origin=draw(st.sampled_from([ORIGIN, ORIGIN, SECOND, UNKNOWN])),
                    branch=branch,
                    size=size,
                    old=old,
                    proof=tuple(proof) if proof is not None else (b"right",),
                    is_forged=draw(st.sampled_from([False, False, False, False, True])),
                ),
                draw(st.booleans()),
            )
        )
    return steps


def told(witness: Witness, asked: AddCheckpoint) -> str:
    try:
        ask(witness, asked)
    except WitnessConflict as refused:
        return f"conflict {refused.size}"
    except WitnessRefusal as refused:
        return refused.code
    return "cosigned"


@given(histories())
@settings(max_examples=200, deadline=None)
def test_it_answers_as_a_witness_that_sees_every_entry(steps: list[tuple[Asked, bool]]) -> None:
    memory, model = Remembering(), Naive()
    witness = witness_of(memory)
    cosigned: dict[str, list[tuple[int, bytes]]] = {}
    for drawn, starts_right in steps:
        seen = model.seen.get(drawn.origin, [])
        old = len(seen) if starts_right else drawn.old
        proof = drawn.proof
        if proof == (b"right",):
            is_proof = 0 < old < drawn.size
            proof = tuple(naive.consistency(old, drawn.branch[: drawn.size])) if is_proof else ()
        asked = replace(drawn, old=old, proof=proof)
        expected = model.expected(asked)
        assert told(witness, asked.request()) == expected
        if expected == "cosigned":
            root = naive.root(asked.branch[: asked.size])
            cosigned.setdefault(asked.origin, []).append((asked.size, root))
    for origin, shown in cosigned.items():
        for size, root in shown:  # all of one log are of one history
            assert root == naive.root(model.seen[origin][:size])


def test_the_key_of_the_witness_is_that_of_a_cosigner(memory: Remembering) -> None:
    assert CosignerKey.parse(str(witness_of(memory).key)).public_key == OWN.public_key
