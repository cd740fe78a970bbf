"""Retention: what is past its time goes by a recorded act; what is left proves as before."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.kernel import FreeholdError
from freehold.kernel.acts import Conflict, NotFound, Record
from freehold.kernel.ledger import PRUNED, CorruptLogError, PrunedError
from freehold.kernel.policy import Denied
from freehold.kernel.retention import Pruned, verify_pruned
from freehold.kernel.vault import MissingBody
from tests.kernel.retention.lab import (
    KEEPER,
    STRANGER,
    GreedyWord,
    HearWord,
    Lab,
    PaintTopic,
    PowerCut,
)


def counts(pruned: tuple[Pruned, ...]) -> dict[str, int]:
    total: dict[str, int] = {}
    for each in pruned:
        total[each.kind] = total.get(each.kind, 0) + each.count
    return total


def check(lab: Lab) -> None:
    """The tree and every kept entry verify, no gap is unexplained, a rebuild is the same."""
    log = lab.pipeline.stores.log
    log.publish()
    reader = log.reader()
    assert reader.verify_all().size == log.size
    verify_pruned(reader)
    before = lab.dump()
    lab.pipeline.rebuild()
    assert lab.dump() == before


def body_of(lab: Lab, entry: bytes) -> object:
    return lab.pipeline.body(Record.decode(entry))


def test_bodies_go_first_and_records_when_the_logs_are_past_their_time(lab: Lab) -> None:
    topic = lab.topic()
    lab.say(1, topic, act=PaintTopic(colour="blue"))
    lab.say(300, topic)
    lab.be_refused(topic)
    lab.say(3, topic, act=HearWord())
    entries = lab.entries()
    lab.clock.advance(days=31)
    assert counts(lab.retention.prune(KEEPER, dry_run=True)) == {"words": 255}
    assert lab.entries() == entries
    assert counts(lab.retention.prune(KEEPER)) == {"words": 255}  # full bundles alone
    assert lab.entries()[: len(entries)] == entries
    assert [body_of(lab, each) is None for each in entries[:256]] == [False] + [True] * 255
    assert all(body_of(lab, each) for each in entries[256:])
    check(lab)
    lab.clock.advance(days=70)
    assert counts(lab.retention.prune(KEEPER)) == {"logs": 255}
    assert lab.entries()[: len(entries)] == [entries[0], *[PRUNED] * 255, *entries[256:]]
    check(lab)
    assert lab.retention.prune(KEEPER) == ()
    lab.restart()
    assert lab.retention.finish() == 0  # nothing was left, and nothing is looked through again
    check(lab)


def test_a_pruned_record_is_still_proved_to_whoever_kept_it(lab: Lab) -> None:
    said = lab.say(257, lab.topic())
    entry = lab.entries()[7]
    log = lab.pipeline.stores.log
    lab.clock.advance(days=200)
    lab.retention.prune(KEEPER)
    log.receipt(7).verify(entry, [log.key])
    assert lab.pipeline.position("7") == 7
    with pytest.raises(PrunedError):
        lab.pipeline.record(7)
    with pytest.raises(NotFound, match="has no act"):
        lab.pipeline.position(said[7].record.id)
    assert log.receipt(256).verify(said[256].record.encode(), [log.key])


def test_nothing_that_names_a_held_thing_goes_until_it_is_released(lab: Lab) -> None:
    held, other = lab.topic(), lab.topic()
    for _ in range(64):
        lab.say(2, held)
        lab.say(2, other)
    lab.retention.hold(KEEPER, held, reason="a lawsuit")
    with pytest.raises(Conflict):
        lab.retention.hold(KEEPER, held, reason="again")
    assert [(each.thing, each.reason) for each in lab.retention.holds(KEEPER)] == [
        (str(held), "a lawsuit")
    ]
    lab.clock.advance(days=31)
    assert counts(lab.retention.prune(KEEPER)) == {"words": 128}
    entries = lab.entries()
    assert [body_of(lab, each) is None for each in entries[:4]] == [False, False, True, True]
    lab.clock.advance(days=100)
    assert counts(lab.retention.prune(KEEPER)) == {"logs": 128}
    assert lab.retention.prune(KEEPER) == ()
    check(lab)
    lab.retention.release(KEEPER, held, reason="settled")
    with pytest.raises(NotFound):
        lab.retention.release(KEEPER, held, reason="again")
    assert counts(lab.retention.prune(KEEPER)) == {"words": 128, "logs": 128}
    assert lab.entries()[:256] == [PRUNED] * 256
    check(lab)


def test_who_may_not_prune_or_hold_is_refused(lab: Lab) -> None:
    with pytest.raises(Denied):
        lab.retention.prune(STRANGER)
    with pytest.raises(Denied):
        lab.retention.prune(STRANGER, dry_run=True)
    with pytest.raises(Denied):
        lab.retention.hold(STRANGER, lab.topic(), reason="none")


def test_a_record_is_kept_as_long_as_its_body(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab", days={"words": 100, "logs": 30})
    lab.say(256, lab.topic())
    lab.clock.advance(days=99)
    assert lab.retention.prune(KEEPER) == ()
    lab.clock.advance(days=2)
    assert counts(lab.retention.prune(KEEPER)) == {"words": 256, "logs": 256}
    lab.close()


def test_many_records_go_by_several_acts(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("freehold.kernel.retention._service.RECORDS_MAX", 100)
    monkeypatch.setattr("freehold.kernel.retention._service.CHUNK", 30)
    lab.say(260, lab.topic())
    lab.clock.advance(days=200)
    pruned = lab.retention.prune(KEEPER)
    assert [each.count for each in pruned] == [100, 100, 56] * 2
    check(lab)


def test_an_act_whose_rows_are_not_its_own_is_never_pruned(lab: Lab) -> None:
    lab.say(256, lab.topic(), act=GreedyWord())
    lab.clock.advance(days=200)
    size = lab.pipeline.stores.log.size
    with pytest.raises(ValueError, match="rows of its own"):
        lab.retention.prune(KEEPER)
    assert lab.pipeline.stores.log.size == size  # found out before anything was recorded
    check(lab)


def test_a_body_that_nothing_took_but_is_gone_is_damage(lab: Lab) -> None:
    lab.say(1, lab.topic())
    (record,) = map(Record.decode, lab.entries())
    assert record.body is not None
    lab.pipeline.stores.vault.empty_bodies([record.body.at])
    with pytest.raises(MissingBody):
        lab.pipeline.body(record)


def test_an_entry_that_no_act_took_out_is_noticed(lab: Lab) -> None:
    lab.say(256, lab.topic())
    lab.clock.advance(days=31)
    lab.retention.prune(KEEPER)
    check(lab)
    log = lab.pipeline.stores.log
    log.prune([17])
    log.reader().verify_all()  # the tree alone cannot tell
    with pytest.raises(CorruptLogError, match="no act of pruning"):
        verify_pruned(log.reader())


def test_a_kept_bundle_that_was_changed_is_refused(lab: Lab) -> None:
    lab.say(1, lab.topic(), act=PaintTopic(colour="blue"))
    lab.say(255, lab.topic())
    lab.clock.advance(days=200)
    lab.retention.prune(KEEPER)
    path = lab.folder / "ledger" / "kept" / "000"
    content = path.read_bytes()
    for changed in (
        content.replace(b'"colour":"blue"', b'"colour":"rosy"'),
        content[:-2],
        content + bytes(2),
        bytes(510),
    ):
        path.write_bytes(changed)
        with pytest.raises(CorruptLogError):
            lab.pipeline.stores.log.reader().verify_all()
    path.unlink()
    with pytest.raises(CorruptLogError, match="missing"):
        lab.pipeline.stores.log.reader().verify_all()
    path.write_bytes(content)
    check(lab)


def test_a_full_bundle_with_an_empty_entry_is_refused(lab: Lab) -> None:
    lab.say(256, lab.topic())
    lab.clock.advance(days=200)
    lab.retention.prune(KEEPER)
    ledger = lab.folder / "ledger"
    (ledger / "kept" / "000").rename(ledger / "tile" / "entries" / "000")
    with pytest.raises(CorruptLogError):
        lab.pipeline.stores.log.reader().verify_all()


@pytest.mark.parametrize("is_written", [False, True])
@pytest.mark.parametrize(
    "stride", [9, pytest.param(1, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
def test_a_power_cut_anywhere_in_a_pruning_is_finished_at_the_opening(
    tmp_path: Path, is_written: bool, stride: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("freehold.kernel.retention._service.CHUNK", 100)
    whole = Lab(tmp_path / "whole")
    topic = whole.topic()
    whole.say(200, topic)
    whole.say(5, topic, act=PaintTopic(colour="blue"))
    whole.say(60, topic)
    whole.clock.advance(days=200)
    entries = whole.entries()
    is_cut = True
    for at in range(1, 1_000, stride):
        lab = whole.copied(tmp_path / str(at))
        lab.fuse.arm(at, is_written=is_written)
        try:
            lab.retention.prune(KEEPER)
            is_cut = False
        except (PowerCut, FreeholdError):  # some layers put it in their own words
            assert lab.fuse.kept.exists()
        lab.restart()
        check_finished(lab, entries, kept=range(200, 205))
        lab.close()
        if not is_cut:
            assert at > 20
            return


def check_finished(lab: Lab, entries: list[bytes], *, kept: range) -> None:
    """Hold what is there to what the recorded acts say, all of it and nothing else."""
    records = map(Record.decode, filter(None, lab.entries()))
    done = {record.facts["kind"] for record in records if record.act == "estate.prune"}
    for index, (entry, was) in enumerate(zip(lab.entries(), entries, strict=False)):
        is_past = index < 256 and index not in kept
        assert entry == (PRUNED if is_past and "logs" in done else was)
        if entry:
            assert (body_of(lab, entry) is None) == (is_past and "words" in done)
    check(lab)
