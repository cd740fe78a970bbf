"""The independent verifier and witnesses: what it says of who saw a log, and whom it believes."""

from __future__ import annotations

import base64

import pytest

from tests.verifier.bundles import cosigned, history, key_of, vkey, witness_vkey
from tests.verifier.lies import Files
from tests.verifier.test_verify import HOLDS, Checker

TOWN, CELLAR = key_of(21), key_of(22)
TOWN_KEY, CELLAR_KEY = witness_vkey(TOWN, "town"), witness_vkey(CELLAR, "cellar")
BOTH = ("--witness", TOWN_KEY, "--witness", CELLAR_KEY)
NOON = 1_795_521_600  # 2026-11-24T12:00:00Z
SIZE = 8
HALF = f"log/checkpoints/{SIZE // 2:020}"


@pytest.fixture
def checker(tmp_path):
    return Checker(tmp_path)


@pytest.fixture
def files() -> Files:
    """Both saw half of the log; one of them saw all of it later."""
    files = history().files()
    half = cosigned(files[HALF], TOWN, "town", NOON)
    files[HALF] = cosigned(half, CELLAR, "cellar", NOON + 5)
    files["log/checkpoint"] = cosigned(files["log/checkpoint"], TOWN, "town", NOON + 60)
    return files


def test_it_tells_who_saw_how_much_and_when(checker, files):
    verdict = checker.check(files, *checker.trust, *BOTH)
    assert verdict.status == 0, verdict.said
    assert HOLDS in verdict.said
    town = "4 records at 2026-11-24T12:00:00Z, 8 records at 2026-11-24T12:01:00Z"
    assert f"witness town: holds: it saw {town}" in verdict.said
    assert "witness cellar: holds: it saw 4 records at 2026-11-24T12:00:05Z" in verdict.said
    assert "2 of the 2 witnesses saw the first 4 of 8 records" in verdict.said
    assert "the last 4 records, which 2 of the 2 witnesses have not seen yet: not" in verdict.said


def test_fewer_witnesses_may_be_enough(checker, files):
    verdict = checker.check(files, *checker.trust, *BOTH, "--quorum", "1")
    assert verdict.status == 0, verdict.said
    assert "1 of the 2 witnesses saw the first 8 of 8 records" in verdict.said
    assert "have not seen yet" not in verdict.said


def test_a_history_that_no_quorum_saw_does_not_hold(checker, files):
    third = ("--witness", witness_vkey(key_of(23), "third"))
    verdict = checker.check(files, *checker.trust, *BOTH, *third)
    assert verdict.status == 1
    assert "witness third: not checked: it saw none" in verdict.said
    assert "was not seen by 3 of the 3 witnesses" in verdict.said
    assert checker.check(files, *checker.trust, *third).status == 1
    assert checker.check(files, *checker.trust, *BOTH, *third, "--quorum", "2").status == 0


def test_witnesses_that_nobody_named_change_nothing(checker, files):
    verdict = checker.check(files)
    assert verdict.status == 0, verdict.said
    assert "witness" not in verdict.said


@pytest.mark.parametrize("place", [HALF, "log/checkpoint"])
def test_a_wrong_cosignature_of_a_named_witness_does_not_hold(checker, files, place):
    files[place] = cosigned(history().files()[place], CELLAR, "town", NOON)
    line = files[place].splitlines()[-1]
    right_id = cosigned(b"", TOWN, "town", NOON).split()[-1]
    blob = base64.b64decode(right_id)[:4] + base64.b64decode(line.split()[-1])[4:]
    files[place] = files[place].replace(line.split()[-1], base64.b64encode(blob))
    verdict = checker.check(files, *checker.trust, "--witness", TOWN_KEY)
    assert verdict.status == 1
    assert f"{place}: the signature does not fit the key" in verdict.said
    assert checker.check(files).status == 0  # of somebody unknown


def test_a_cosignature_of_another_checkpoint_does_not_hold(checker, files):
    other = cosigned(files[HALF], TOWN, "town", NOON).splitlines(keepends=True)[-1]
    files["log/checkpoint"] = history().files()["log/checkpoint"] + other
    verdict = checker.check(files, *checker.trust, "--witness", TOWN_KEY)
    assert verdict.status == 1
    assert "the signature does not fit the key" in verdict.said


def test_a_history_that_the_log_s_key_rewrote_has_no_witness(checker, files):
    """The thief signs and cuts off what the witness saw; it can only leave the lines out."""
    writer = history()
    writer.records[3]["purpose"] = "something.else"
    rewritten = writer.files()
    assert checker.check(rewritten).status == 0  # the log's key alone does not tell
    verdict = checker.check(rewritten, *checker.trust, *BOTH)
    assert verdict.status == 1
    line = files[HALF].removeprefix(history().files()[HALF])
    rewritten[HALF] += line  # or put them under another tree
    verdict = checker.check(rewritten, *checker.trust, *BOTH)
    assert verdict.status == 1
    assert "the signature does not fit the key" in verdict.said


def test_a_receipt_tells_of_witnesses_too(checker):
    files = history().files()
    for name in [name for name in files if name.startswith("receipts/")]:
        files[name] = cosigned(files[name], TOWN, "town", NOON)
        proof, _, text = files[name].partition(b"\n\n")
        bare = b"".join(text.splitlines(keepends=True)[:-1])
        files[name] = proof + b"\n\n" + cosigned(bare, TOWN, "town", NOON)
    verdict = checker.check(files, *checker.trust, "--witness", TOWN_KEY)
    assert verdict.status == 0, verdict.said
    assert "witness town: holds: it saw 8 records" in verdict.said


def test_many_checkpoints_of_a_witness_are_told_in_brief(checker):
    writer = history()
    files = writer.files()
    for size in range(1, SIZE + 1):
        note = cosigned(writer.checkpoint(size), TOWN, "town", NOON + size)
        files[f"log/checkpoints/{size:020}"] = note
    verdict = checker.check(files, *checker.trust, "--witness", TOWN_KEY)
    assert verdict.status == 0, verdict.said
    assert "it saw 5 earlier checkpoints, 6 records at 2026-11-24T12:00:06Z, 7" in verdict.said


@pytest.mark.parametrize(
    "options",
    [
        ("--witness", vkey(key_of(9))),  # of a log
        ("--witness", TOWN_KEY.replace("town", "down")),
        ("--witness", "nonsense"),
        (*BOTH, "--quorum", "3"),
        (*BOTH, "--quorum", "0"),
        ("--quorum", "1"),
        ("--witness", TOWN_KEY, "--witness", witness_vkey(TOWN, "the same")),
        ("--vkey", TOWN_KEY),  # of a witness
    ],
)
def test_what_makes_no_quorum_is_refused(checker, files, options):
    assert checker.check(files, *options).status == 2
