"""An estate and its witnesses: what is sent, kept, recorded, and noticed."""

from __future__ import annotations

import io
import shutil
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from freehold.kernel import FreeholdError
from freehold.kernel.acts import Conflict, NotFound, Record
from freehold.kernel.ledger import (
    Cosigned,
    CosignerKey,
    ForkError,
    NoteError,
    Receipt,
    VerifierKey,
)
from freehold.kernel.policy import Denied, PolicySet
from freehold.witness import WitnessFolder
from freehold.witnesses import WitnessTrouble
from tests.estate.world import World, check_everything, custody
from tests.witnesses.naive_witness import NaiveWitness, listening

Witnessed = tuple[World, NaiveWitness]


def naive_for(world: World, name: str = "witness.example/city", seed: int = 7) -> NaiveWitness:
    key = world.estate.pipeline.stores.log.key
    return NaiveWitness(name, bytes([seed]) * 32, {key.name: str(key)})


@pytest.fixture
def witnessed(world: World) -> Iterator[Witnessed]:
    """An estate with a declared witness that is listening."""
    witness = naive_for(world)
    with listening(witness) as url:
        world.estate.witnesses.declare(world.actor("otto"), "city", witness.vkey, url=url)
        yield world, witness


def ask(world: World, name: str = "city") -> int:
    size = world.estate.witnesses.ask(world.actor("otto"), name).size
    assert size is not None
    return size


def acts(world: World, name: str) -> list[Record]:
    log = world.estate.pipeline.stores.log
    return [record for record in map(Record.decode, log.entries()) if record.act == name]


def grow(world: World, purpose: str = "diagnosis-support") -> str:
    """Add one act; gives its id."""
    estate = world.estate
    if not any(each.name == "patients" for each in estate.data.list(world.actor("stella"))):
        world.ingest()
    estate.data.clear(world.actor("stella"), "patients", purposes=(purpose,))
    return estate.history.acts(world.actor("ada"), limit=1)[0].id


def trouble(world: World, name: str = "city") -> str:
    with pytest.raises((WitnessTrouble, NoteError)) as error:
        ask(world, name)
    return error.value.code


def declared(world: World, name: str = "city") -> str:
    (found,) = [w for w in world.estate.witnesses.list(world.actor("ada")) if w.name == name]
    return found.trouble


def receipt_of(world: World, act: str) -> Cosigned:
    log = world.estate.pipeline.stores.log
    text = world.estate.history.receipt(world.actor("ada"), act)
    receipt = Receipt.parse(text)
    entry = log.entry(receipt.index)
    assert Record.decode(entry).id == act
    receipt.verify(entry, [log.key])
    keys = [CosignerKey.parse(w.vkey or "") for w in world.estate.witnesses.known()]
    return Cosigned.open(receipt.checkpoint, [log.key], keys)


# ---- asking


def test_a_cosignature_is_kept_recorded_and_shown(witnessed: Witnessed) -> None:
    world, witness = witnessed
    size = ask(world)
    log = world.estate.pipeline.stores.log
    note = log.cosigned.note(size)
    assert note is not None
    cosigned = Cosigned.open(note, [log.key], [CosignerKey.parse(witness.vkey)])
    assert cosigned.times == {witness.name: datetime.fromtimestamp(witness.time, UTC)}
    (record,) = acts(world, "witness.accept")
    assert record.facts["size"] == size
    (shown,) = world.estate.witnesses.list(world.actor("ada"))
    assert (shown.name, shown.size, shown.trouble) == ("city", size, "")
    check_everything(world.estate)


def test_the_record_of_a_witness_holds_no_name_and_no_address(witnessed: Witnessed) -> None:
    world, witness = witnessed
    ask(world)
    told = b"".join(
        each.encode() for name in ("declare", "accept") for each in acts(world, f"witness.{name}")
    )
    assert acts(world, "witness.declare")[0].facts["destination"] == "127.0.0.1"
    for word in (b"city", witness.name.encode(), b"prefix", witness.vkey[-40:].encode()):
        assert word not in told


def test_a_growing_log_is_proved_from_what_the_witness_has(witnessed: Witnessed) -> None:
    world, witness = witnessed
    sizes = [ask(world)]
    for _ in range(3):
        grow(world)
        sizes.append(ask(world))
    assert sizes == sorted(set(sizes))
    assert len(witness.requests) == 4  # each started where it should


def test_a_witness_that_has_another_size_is_asked_from_that(witnessed: Witnessed) -> None:
    world, witness = witnessed
    size = ask(world)
    pipeline = world.estate.pipeline
    pipeline.stores.log.publish()
    reader = pipeline.stores.log.reader()  # cosigned elsewhere, and the answer lost
    witness.seen[reader.checkpoint.origin] = reader.checkpoint.size, reader.checkpoint.root
    grow(world)
    assert ask(world) > reader.checkpoint.size > size
    assert len(witness.requests) == 3  # the second was told the size


def test_who_may_not_ask_is_refused_and_nothing_is_sent(witnessed: Witnessed) -> None:
    world, witness = witnessed
    service = world.estate.witnesses
    for who in ("stella", "clara", "ravi", "ada"):
        with pytest.raises(Denied):
            service.ask(world.actor(who), "city")
        with pytest.raises(Denied):
            service.declare(world.actor(who), "other", naive_for(world, "w", 9).vkey)
    assert witness.requests == []


def test_a_withdrawn_witness_is_asked_no_more(witnessed: Witnessed) -> None:
    world, witness = witnessed
    ask(world)
    ref = world.estate.witnesses.withdraw(world.actor("otto"), "city").ref
    with pytest.raises(NotFound):
        ask(world)
    with pytest.raises(Conflict):
        ask(world, ref)
    assert len(witness.requests) == 1
    world.estate.witnesses.declare(world.actor("otto"), "city", witness.vkey)  # the name is free


def test_one_key_is_one_witness(witnessed: Witnessed) -> None:
    world, witness = witnessed
    same = CosignerKey("another.name", CosignerKey.parse(witness.vkey).public_key)
    for name, vkey in (("city", naive_for(world, "w", 9).vkey), ("other", str(same))):
        with pytest.raises(Conflict):
            world.estate.witnesses.declare(world.actor("otto"), name, vkey)


def test_the_key_of_a_log_declares_no_witness(world: World) -> None:
    vkey = str(world.estate.pipeline.stores.log.key)
    with pytest.raises(NoteError):
        world.estate.witnesses.declare(world.actor("otto"), "city", vkey)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://witness.example",
        "http://witness.example",
        "https://",
        "https://user:word@witness.example",
        "https://witness.example/?query",
        "https://witness.example/#part",
        "https://witness.example/a b",
        "https://witness.example/../x y",
        "https://[::1]/",
        "https://witness.example:port",
        "https://" + "a" * 65,
        "witness.example",
    ],
)
def test_what_is_no_address_of_a_witness_is_refused(world: World, url: str) -> None:
    with pytest.raises(WitnessTrouble) as refused:
        world.estate.witnesses.declare(world.actor("otto"), "city", naive_for(world).vkey, url=url)
    assert refused.value.code == "witness.url"


# ---- trouble


def test_a_witness_that_is_away_is_recorded_once(world: World) -> None:
    witness = naive_for(world)
    with listening(witness) as url:
        pass
    world.estate.witnesses.declare(world.actor("otto"), "city", witness.vkey, url=url)
    for _ in range(3):
        assert trouble(world) == "witness.unreachable"
    assert [r.facts["trouble"] for r in acts(world, "witness.miss")] == ["witness.unreachable"]
    assert declared(world) == "witness.unreachable"


@pytest.mark.parametrize(
    ("answer", "code"),
    {
        "a redirect": ((302, "text/plain", b""), "witness.answer"),
        "a page": ((200, "text/html", b"<html>welcome</html>"), "ledger.note"),
        "nothing": ((200, "text/plain", b""), "ledger.signature"),
        "too much": ((200, "text/plain", b"x" * 100_000), "witness.answer"),
        "no size": ((409, "text/x.tlog.size", b"many\n"), "witness.answer"),
        "a size of another type": ((409, "text/plain", b"1\n"), "witness.answer"),
        "a size for ever": ((409, "text/x.tlog.size", b"1\n"), "witness.conflict"),
        "a size from the future": ((409, "text/x.tlog.size", b"123456\n"), "witness.ahead"),
        "another history": ((422, "text/plain", b"no"), "witness.inconsistent"),
        "another key": ((403, "text/plain", b"no"), "witness.signature"),
        "an unknown log": ((404, "text/plain", b"no"), "witness.unknown_log"),
        "its own trouble": ((503, "text/plain", b"no"), "witness.answer"),
    }.values(),
)
def test_each_way_of_not_cosigning_has_its_name(
    witnessed: Witnessed, answer: tuple[int, str, bytes], code: str
) -> None:
    world, witness = witnessed
    witness.says = lambda _: answer
    assert trouble(world) == trouble(world) == code
    assert [r.facts["trouble"] for r in acts(world, "witness.miss")] == [code]
    assert world.estate.pipeline.stores.log.cosigned.sizes == ()
    witness.says = None
    ask(world)
    assert declared(world) == ""
    check_everything(world.estate)


def test_a_redirect_is_not_followed(witnessed: Witnessed) -> None:
    world, witness = witnessed
    witness.says = lambda _: (302, "text/plain", b"")
    assert trouble(world) == "witness.answer"
    assert len(witness.requests) == 1


def test_a_cosignature_by_another_key_is_refused(witnessed: Witnessed) -> None:
    world, witness = witnessed
    thief = naive_for(world, witness.name, seed=66)
    witness.says = thief.judge
    assert trouble(world) == "ledger.signature"
    assert world.estate.pipeline.stores.log.cosigned.sizes == ()


def test_a_cosignature_of_another_checkpoint_is_refused(witnessed: Witnessed) -> None:
    world, witness = witnessed
    witness.says = lambda _: (200, "text/plain", witness.line("a\n1\nb\n").encode())
    assert trouble(world) == "ledger.signature"


# ---- what a witness is for


def back_to(world: World, copy: Path) -> None:
    """Put an older copy of the whole estate in its place."""
    world.close()
    shutil.rmtree(world.home)
    shutil.copytree(copy, world.home)
    world.open()


def test_an_estate_that_was_rolled_back_as_a_whole_is_noticed(
    witnessed: Witnessed, tmp_path: Path
) -> None:
    world, _ = witnessed
    ask(world)
    world.close()
    shutil.copytree(world.home, tmp_path / "copy")
    world.open()
    grow(world)
    ask(world)
    back_to(world, tmp_path / "copy")  # pins and all: nothing in it tells
    assert trouble(world) == "witness.ahead"
    assert declared(world) == "witness.ahead"


def test_a_witness_that_forgot_what_it_cosigned_is_noticed(witnessed: Witnessed) -> None:
    world, witness = witnessed
    ask(world)
    former = dict(witness.seen)
    grow(world)
    ask(world)
    witness.seen = former
    assert trouble(world) == declared(world) == "witness.forgot"


def test_a_fork_is_noticed_though_it_is_longer(witnessed: Witnessed, tmp_path: Path) -> None:
    world, _ = witnessed
    ask(world)
    world.close()
    shutil.copytree(world.home, tmp_path / "copy")
    world.open()
    grow(world)
    ask(world)
    back_to(world, tmp_path / "copy")
    for _ in range(8):
        grow(world)
    assert trouble(world) == "witness.inconsistent"


# ---- receipts and bundles


def test_a_receipt_carries_the_earliest_cosigned_checkpoint(witnessed: Witnessed) -> None:
    world, witness = witnessed
    act = grow(world)
    assert receipt_of(world, act).times == {}
    size = ask(world)
    first = receipt_of(world, act)
    assert (first.checkpoint.size, set(first.times)) == (size, {witness.name})
    later = grow(world)
    assert receipt_of(world, later).times == {}
    ask(world)
    assert receipt_of(world, later).checkpoint.size > size
    assert receipt_of(world, act) == first  # for ever


def test_two_witnesses_add_their_lines_to_one_checkpoint(witnessed: Witnessed) -> None:
    world, witness = witnessed
    estate, otto = world.estate, world.actor("otto")
    with WitnessFolder.open(made(world), custody()) as held:
        estate.witnesses.declare(otto, "vault", str(held.witness.key))
        act = grow(world)
        size = ask(world)
        log = estate.pipeline.stores.log
        request = estate.witnesses.request(otto, "vault")
        answer = held.witness.add_checkpoint(request.encode())
        estate.witnesses.accept(otto, "vault", answer.note)
        # the second saw a later one; let it also see the first
        other = NaiveWitness("w", b"\x0b" * 32, {log.key.name: str(log.key)})
    estate.witnesses.declare(otto, "third", other.vkey)
    line = other.line(log.reader(size).checkpoint.text())
    estate.witnesses.accept(otto, "third", log.reader(size).note + line)
    assert set(receipt_of(world, act).times) == {witness.name, "w"}
    assert len(log.cosigned.sizes) == 2


def test_a_bundle_carries_what_witnesses_said(witnessed: Witnessed) -> None:
    world, witness = witnessed
    grow(world)
    size = ask(world)
    file = io.BytesIO()
    world.estate.history.export(world.actor("ada"), file)
    with zipfile.ZipFile(file) as bundle:
        note = bundle.read(f"log/checkpoints/{size:020}")
    log = world.estate.pipeline.stores.log
    key = CosignerKey.parse(witness.vkey)
    assert set(Cosigned.open(note, [log.key], [key]).times) == {witness.name}


# ---- across an air gap


def made(world: World, name: str = "vault.example/cellar") -> Path:
    """A witness of Freehold's own that knows the estate's log."""
    folder = world.folder / "witness"
    WitnessFolder.create(folder, name, custody())
    with WitnessFolder.open(folder, custody()) as held:
        held.add_log(VerifierKey.parse(str(world.estate.pipeline.stores.log.key)))
    return folder


def test_a_witness_is_asked_by_file(world: World) -> None:
    estate, otto = world.estate, world.actor("otto")
    with WitnessFolder.open(made(world), custody()) as held:
        estate.witnesses.declare(otto, "cellar", str(held.witness.key))
        for _ in range(2):
            act = grow(world)
            request = estate.witnesses.request(otto, "cellar")
            grow(world)  # the log goes on meanwhile
            answer = held.witness.add_checkpoint(request.encode()).note
            shown = estate.witnesses.accept(otto, "cellar", answer)
            assert set(receipt_of(world, act).times) == {held.witness.key.name}
            assert str(shown.size) == answer.split("\n")[1]
        with pytest.raises(WitnessTrouble, match="no address"):
            estate.witnesses.ask(otto, "cellar")


def test_after_a_lost_answer_the_request_starts_from_what_the_witness_has(world: World) -> None:
    estate, otto = world.estate, world.actor("otto")
    with WitnessFolder.open(made(world), custody()) as held:
        estate.witnesses.declare(otto, "cellar", str(held.witness.key))
        grow(world)
        held.witness.add_checkpoint(estate.witnesses.request(otto, "cellar").encode())
        grow(world)
        with pytest.raises(FreeholdError) as conflict:
            held.witness.add_checkpoint(estate.witnesses.request(otto, "cellar").encode())
        size = conflict.value.size  # type: ignore[attr-defined]
        request = estate.witnesses.request(otto, "cellar", since=size)
        answer = held.witness.add_checkpoint(request.encode())
        estate.witnesses.accept(otto, "cellar", answer.note)
        with pytest.raises(FreeholdError) as refused:
            estate.witnesses.request(otto, "cellar", since=1_000_000)
        assert refused.value.code == "witness.since"


def test_an_answer_for_another_history_is_refused(world: World) -> None:
    estate, otto = world.estate, world.actor("otto")
    log = estate.pipeline.stores.log
    witness = naive_for(world)
    estate.witnesses.declare(otto, "cellar", witness.vkey)
    grow(world)
    log.publish()
    reader = log.reader()
    other = type(reader.checkpoint)(log.key.name, reader.checkpoint.size, bytes(32))
    forged = other.sign(estate.pipeline.stores.keyring.signer("log"))
    with pytest.raises(ForkError):
        estate.witnesses.accept(otto, "cellar", forged + witness.line(other.text()))
    with pytest.raises(NoteError):
        estate.witnesses.accept(otto, "cellar", reader.note)
    with pytest.raises(NoteError):
        estate.witnesses.accept(otto, "cellar", "nonsense")
    assert log.cosigned.sizes == ()


# ---- regularly


def test_the_estate_asks_by_itself_and_leaves_an_idle_log_alone(witnessed: Witnessed) -> None:
    world, witness = witnessed
    asker, log = world.estate.asker, world.estate.pipeline.stores.log
    asker.round(is_first=True)
    assert len(witness.requests) == 1
    size = log.size
    for _ in range(3):
        asker.round()
    assert (len(witness.requests), log.size) == (1, size)
    grow(world)
    asker.round()
    assert len(witness.requests) == 2
    assert {r.principal for r in acts(world, "witness.accept")} == {
        f"service:{world.estate.pipeline.circumstances.estate.id}"
    }
    asker.round(is_first=True)  # as after a restart: only an answer shows a rollback
    assert len(witness.requests) == 3


def test_a_witness_in_trouble_is_tried_again_and_recorded_once(witnessed: Witnessed) -> None:
    world, witness = witnessed
    asker, log = world.estate.asker, world.estate.pipeline.stores.log
    witness.says = lambda _: (503, "text/plain", b"later")
    asker.round(is_first=True)
    size = log.size
    for _ in range(3):
        asker.round()
    assert (len(witness.requests), log.size) == (4, size)
    witness.says = None
    asker.round()
    assert declared(world) == ""


def test_what_policy_refuses_is_not_tried_again_by_itself(witnessed: Witnessed) -> None:
    world, witness = witnessed
    pipeline = world.estate.pipeline
    forbidden = '@id("own.cut") forbid (principal, action == Action::"witness.ask", resource);'
    pipeline.enforce(PolicySet(pipeline.policies.text + forbidden, pipeline.registry.schema))
    for _ in range(3):
        world.estate.asker.round(is_first=True)
    assert witness.requests == []
    assert len(acts(world, "witness.ask")) == 1  # the refusal


def test_it_asks_while_a_server_holds_the_estate_and_ends_with_it(witnessed: Witnessed) -> None:
    world, witness = witnessed
    world.estate.asker.start()
    deadline = time.monotonic() + 20
    while not acts(world, "witness.accept") and time.monotonic() < deadline:
        time.sleep(0.02)
    world.reopen()
    assert len(acts(world, "witness.accept")) == len(witness.requests) == 1
    assert "witness-asker" not in {thread.name for thread in threading.enumerate()}


def test_a_cosigned_estate_rebuilds_to_the_same_catalog(witnessed: Witnessed) -> None:
    world, _ = witnessed
    ask(world)
    grow(world)
    world.reopen()
    check_everything(world.estate)
