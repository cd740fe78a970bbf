"""The root key is recoverable when the custody's secret is lost, also after it was renewed."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pyrage  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shamir_mnemonic import Share, combine_mnemonics
from shamir_mnemonic.wordlist import WORDLIST

from freehold.kernel import new_id
from freehold.kernel.keys import (
    INSECURE_TEST_COST,
    BadShares,
    Keyring,
    KeysError,
    PassphraseCustody,
    Recovery,
    RecoveryCustody,
    WrongCustody,
    check_recipient,
    combine_shares,
    new_recovery_identity,
    recipient_of,
    split_identity,
)
from tests.kernel.keys.disks import FaultyDisk, PowerCut

WRITTEN = [
    pytest.param(False, id="failed and not written"),
    pytest.param(True, id="failed but written"),
]


def of(*identities: str, shares: int = 0, threshold: int = 1) -> Recovery:
    return Recovery(new_id(), tuple(map(recipient_of, identities)), shares, threshold)


def changed(words: str) -> str:
    """Put another word of the list in one place."""
    listed = words.split()
    listed[9] = "academic" if listed[9] != "academic" else "acid"
    return " ".join(listed)


def custody_file(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "custody.json").read_text())
    return told


# ---- shares


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_enough_shares_give_back_the_identity_and_one_fewer_do_not(data) -> None:
    threshold = data.draw(st.integers(2, 6))
    shares = data.draw(st.integers(threshold, 7))
    identity = new_recovery_identity()
    words = split_identity(identity, shares=shares, threshold=threshold)
    chosen = data.draw(st.permutations(words))
    assert combine_shares(chosen[:threshold]) == identity
    assert combine_shares(chosen) == identity  # more do no harm
    with pytest.raises(BadShares) as few:
        combine_shares(chosen[: threshold - 1])
    assert few.value.code == "keys.shares_few"
    assert f"{threshold} are needed" in few.value.message


def test_a_split_identity_is_its_32_bytes_by_slip_39_alone() -> None:
    identity = new_recovery_identity()
    words = split_identity(identity, shares=3, threshold=2)
    assert {len(each.split()) for each in words} == {33}
    secret = combine_mnemonics(words[:2])
    assert len(secret) == 32
    assert all(combine_mnemonics(pair) == secret for pair in combinations(words, 2))


@pytest.mark.parametrize("threshold", [2, 3, 4])
def test_a_thief_who_relabels_one_share_too_few_as_enough_gets_something_else(
    threshold: int,
) -> None:
    identity = new_recovery_identity()
    words = split_identity(identity, shares=5, threshold=threshold)
    stolen = [
        replace(Share.from_mnemonic(each), member_threshold=threshold - 1).mnemonic()
        for each in words[: threshold - 1]
    ]
    try:
        found = combine_shares(stolen)
    except BadShares:
        return
    assert found != identity


def test_the_bech32_of_an_identity_is_that_of_age(tmp_path: Path) -> None:
    identity = combine_shares(split_identity(new_recovery_identity(), shares=2, threshold=2))
    key = tmp_path / "key"
    key.write_text(identity + "\n")
    done = subprocess.run(["age-keygen", "-y", key], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == recipient_of(identity)


@pytest.mark.parametrize(
    ("spoil", "code"),
    {
        "none at all": (lambda _mine, _other: [], "keys.shares_few"),
        "one twice": (lambda mine, _: [mine[0], mine[0], mine[0]], "keys.shares_few"),
        "of two recoveries": (
            lambda mine, other: [mine[0], mine[1], other[2]],
            "keys.shares_mixed",
        ),
        "a word changed": (lambda mine, _: [*mine[:2], changed(mine[2])], "keys.share"),
        "a word missing": (lambda mine, _: [*mine[:2], mine[2].rpartition(" ")[0]], "keys.share"),
        "a word that is none": (lambda mine, _: [*mine[:2], mine[2] + " mellon"], "keys.share"),
        "empty": (lambda mine, _: [*mine[:2], ""], "keys.share"),
    }.values(),
)
def test_shares_that_give_nothing_are_refused_without_a_word_of_them(spoil, code) -> None:
    mine = split_identity(new_recovery_identity(), shares=5, threshold=3)
    other = split_identity(new_recovery_identity(), shares=5, threshold=3)
    with pytest.raises(BadShares) as caught:
        combine_shares(spoil(mine, other))
    assert caught.value.code == code
    told = set(re.findall("[a-z]+", str(caught.value).lower()))
    assert not told & set(WORDLIST) - {"different", "show"}  # words of the message, of no share
    assert caught.value.__cause__ is None  # whose message has words of the share
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_shares_may_be_typed_over_lines_and_in_capitals() -> None:
    identity = new_recovery_identity()
    words = split_identity(identity, shares=2, threshold=2)
    typed = ["\n".join(each.upper().split()) for each in words]
    assert combine_shares(typed) == identity


@pytest.mark.parametrize(("shares", "threshold"), [(1, 1), (3, 1), (2, 3), (17, 2), (0, 0)])
def test_a_split_that_protects_nothing_is_refused(shares: int, threshold: int) -> None:
    with pytest.raises(ValueError, match="from 2 of 2"):
        split_identity(new_recovery_identity(), shares=shares, threshold=threshold)


@pytest.mark.parametrize("text", ["", "age1nothing", "AGE-SECRET-KEY-1ABC", "mellon"])
def test_what_is_no_identity_or_recipient_is_refused_without_being_shown(text: str) -> None:
    for check, code in ((RecoveryCustody, "keys.identity"), (check_recipient, "keys.recipient")):
        with pytest.raises(KeysError) as caught:
            check(text)
        assert caught.value.code == code
        assert not text or text not in caught.value.message


# ---- the keyring


def test_a_keyring_without_recovery_writes_the_first_version(
    keyring: Keyring, folder: Path
) -> None:
    assert custody_file(folder)["v"] == 1
    assert keyring.recoveries.list() == ()


def test_a_lost_passphrase_is_replaced_by_what_a_recovery_opens(
    keyring: Keyring, folder: Path, custody: PassphraseCustody
) -> None:
    domain_id = keyring.new_domain()
    keys = keyring.domain(domain_id)
    identity = new_recovery_identity()
    recovery = of(identity, shares=5, threshold=3)
    keyring.recoveries.add(recovery)
    keyring.close()
    assert custody_file(folder)["v"] == 2
    new = PassphraseCustody("found again", cost=INSECURE_TEST_COST)
    with Keyring.open(folder, RecoveryCustody(identity)) as opened:
        assert opened.domain(domain_id) == keys
        assert opened.recoveries.list() == (recovery,)
        opened.rotate_custody(new)
    with pytest.raises(WrongCustody):
        Keyring.open(folder, custody)
    with Keyring.open(folder, new) as reopened:
        assert reopened.domain(domain_id) == keys
        assert reopened.recoveries.prove(RecoveryCustody(identity)) == recovery


def test_recovery_works_after_erasures_and_rotations_which_never_saw_its_secret(
    keyring: Keyring, folder: Path, custody: PassphraseCustody
) -> None:
    identities = [new_recovery_identity() for _ in range(3)]
    keyring.recoveries.add(of(*identities))
    domain_id = keyring.new_domain()
    keys = keyring.domain(domain_id)
    for number in range(3):
        keyring.erase(keyring.new_domain())
        keyring.rotate_custody(PassphraseCustody(f"{number}", cost=INSECURE_TEST_COST))
    keyring.close()
    assert custody_file(folder)["roots"][0]["generation"] == 4
    for identity in identities:
        with Keyring.open(folder, RecoveryCustody(identity)) as opened:
            assert opened.domain(domain_id) == keys


def test_an_erasure_while_opened_by_recovery_stays_recoverable(
    keyring: Keyring, folder: Path, custody: PassphraseCustody
) -> None:
    identity, other = new_recovery_identity(), new_recovery_identity()
    keyring.recoveries.add(of(identity, other))
    domain_id = keyring.new_domain()
    keys = keyring.domain(domain_id)
    keyring.close()
    with Keyring.open(folder, RecoveryCustody(identity)) as opened:
        opened.erase(opened.new_domain())
    for each in (identity, other):
        with Keyring.open(folder, RecoveryCustody(each)) as opened:
            assert opened.domain(domain_id) == keys
    with pytest.raises(WrongCustody, match="held by a recovery"):
        Keyring.open(folder, custody)


def test_another_identity_opens_nothing(keyring: Keyring, folder: Path) -> None:
    stranger = RecoveryCustody(new_recovery_identity())
    with pytest.raises(KeysError, match="no such recovery"):
        keyring.recoveries.prove(stranger)
    keyring.recoveries.add(of(new_recovery_identity()))
    with pytest.raises(WrongCustody):
        keyring.recoveries.prove(stranger)
    keyring.close()
    with pytest.raises(WrongCustody):
        Keyring.open(folder, stranger)


def test_the_stock_age_opens_the_root_key(keyring: Keyring, folder: Path, tmp_path: Path) -> None:
    identity = new_recovery_identity()
    keyring.recoveries.add(of(identity))
    (tmp_path / "key").write_text(identity + "\n")
    sealed = bytes.fromhex(custody_file(folder)["roots"][0]["recovery"]["sealed"])
    done = subprocess.run(
        ["age", "--decrypt", "-i", tmp_path / "key"], input=sealed, capture_output=True, check=True
    )
    assert len(done.stdout) == 32


def test_a_revoked_recovery_opens_no_copy_that_is_joined_with_the_tables_of_today(
    keyring: Keyring, folder: Path, custody: PassphraseCustody
) -> None:
    gone, kept = new_recovery_identity(), new_recovery_identity()
    revoked = of(gone)
    keyring.recoveries.add(revoked)
    keyring.recoveries.add(of(kept))
    domain_id = keyring.new_domain()
    keys = keyring.domain(domain_id)
    old = (folder / "custody.json").read_bytes()
    keyring.recoveries.remove(revoked.id)
    with pytest.raises(KeysError):
        keyring.recoveries.remove(revoked.id)
    assert keyring.domain(domain_id) == keys
    keyring.close()
    with pytest.raises(WrongCustody):
        Keyring.open(folder, RecoveryCustody(gone))
    for right in (custody, RecoveryCustody(kept)):
        with Keyring.open(folder, right) as opened:
            assert opened.domain(domain_id) == keys
    (folder / "custody.json").write_bytes(old)
    with pytest.raises(KeysError) as caught:
        Keyring.open(folder, RecoveryCustody(gone))
    assert caught.value.code == "keys.out_of_step"


def test_the_last_recovery_leaves_the_first_version_behind(keyring: Keyring, folder: Path) -> None:
    recovery = of(new_recovery_identity())
    keyring.recoveries.add(recovery)
    keyring.recoveries.remove(recovery.id)
    assert custody_file(folder)["v"] == 1


def test_a_recipient_that_somebody_wrote_into_the_file_is_refused(
    keyring: Keyring, folder: Path, custody: PassphraseCustody
) -> None:
    keyring.recoveries.add(of(new_recovery_identity()))
    keyring.close()
    told = custody_file(folder)
    recovery = told["roots"][0]["recovery"]
    thief = recipient_of(new_recovery_identity())
    for change in (
        {"ways": [{**recovery["ways"][0], "recipients": [thief]}]},
        {"ways": recovery["ways"] * 2},
        {"sealed": pyrage.encrypt(bytes(32), [pyrage.x25519.Recipient.from_str(thief)]).hex()},
        {"mac": bytes(32).hex()},
    ):
        told["roots"][0]["recovery"] = {**recovery, **change}
        (folder / "custody.json").write_text(json.dumps(told))
        with pytest.raises(KeysError) as caught:
            Keyring.open(folder, custody)
        assert caught.value.code == "keys.corrupt"
    told["roots"][0]["recovery"] = recovery
    (folder / "custody.json").write_text(json.dumps(told))
    Keyring.open(folder, custody).close()


@pytest.mark.parametrize(
    "change",
    [
        {"v": 1},
        {"v": 3},
        {"recovery": {}},
        {"recovery": {"mac": "00", "sealed": "00", "ways": []}},
        {"recovery": {"mac": "00", "sealed": "00", "ways": [{"id": "x"}]}},
        {"recovery": {"mac": "zz", "sealed": "00", "ways": []}},
        {"more": 1},
    ],
)
def test_a_file_of_another_form_is_refused(
    keyring: Keyring, folder: Path, custody: PassphraseCustody, change: dict
) -> None:
    keyring.recoveries.add(of(new_recovery_identity()))
    keyring.close()
    told = custody_file(folder)
    (told if "v" in change else told["roots"][0]).update(change)
    (folder / "custody.json").write_text(json.dumps(told))
    with pytest.raises(KeysError) as caught:
        Keyring.open(folder, custody)
    assert caught.value.code == "keys.corrupt"


def test_too_many_recipients_or_one_twice_are_refused_and_change_nothing(
    keyring: Keyring, folder: Path
) -> None:
    recovery = of(*(new_recovery_identity() for _ in range(32)))
    keyring.recoveries.add(recovery)
    assert 2 * os.path.getsize(folder / "custody.json") < 65_536  # two roots, during an erasure
    keyring.erase(keyring.new_domain())
    before = (folder / "custody.json").read_bytes()
    for bad in (of(new_recovery_identity()), Recovery(new_id(), recovery.recipients[:1])):
        with pytest.raises(KeysError) as caught:
            keyring.recoveries.add(bad)
        assert caught.value.code == "keys.recipients"
    assert (folder / "custody.json").read_bytes() == before


def test_proving_changes_nothing_and_notices_a_file_that_was_put_back(
    keyring: Keyring, folder: Path
) -> None:
    identity = new_recovery_identity()
    recovery = of(identity)
    before = (folder / "custody.json").read_bytes()
    keyring.recoveries.add(recovery)
    after = (folder / "custody.json").read_bytes()
    assert keyring.recoveries.prove(RecoveryCustody(identity)) == recovery
    assert (folder / "custody.json").read_bytes() == after
    (folder / "custody.json").write_bytes(before)
    with pytest.raises(KeysError):
        keyring.recoveries.prove(RecoveryCustody(identity))


# ---- crashes


@pytest.mark.parametrize("is_written", WRITTEN)
@pytest.mark.parametrize("at", [1, 2])
def test_a_power_cut_while_setting_up_leaves_it_set_up_or_not(
    folder: Path, custody: PassphraseCustody, at: int, is_written: bool
) -> None:
    disk = FaultyDisk(folder)
    identity = new_recovery_identity()
    with Keyring.create(folder, custody, disk=disk) as keyring:
        domain_id = keyring.new_domain()
        keys = keyring.domain(domain_id)
        disk.arm(at, is_written=is_written)
        with pytest.raises(PowerCut):
            keyring.recoveries.add(of(identity))
    assert disk.operations == ["replace", "commit"][:at]
    with Keyring.open(disk.crashed, custody) as opened:
        assert opened.domain(domain_id) == keys
        is_set_up = at > 1 or is_written
        assert len(opened.recoveries.list()) == is_set_up
    if is_set_up:
        with Keyring.open(disk.crashed, RecoveryCustody(identity)) as opened:
            assert opened.domain(domain_id) == keys


@pytest.mark.parametrize("is_written", WRITTEN)
@pytest.mark.parametrize("at", [1, 2, 3, 4])
@pytest.mark.parametrize("what", ["erase", "revoke"])
def test_a_power_cut_leaves_a_keyring_that_custody_and_kept_recovery_open(
    folder: Path, custody: PassphraseCustody, what: str, at: int, is_written: bool
) -> None:
    disk = FaultyDisk(folder)
    kept, gone = new_recovery_identity(), new_recovery_identity()
    with Keyring.create(folder, custody, disk=disk) as keyring:
        domain_id, victim = keyring.new_domain(), keyring.new_domain()
        keys = keyring.domain(domain_id)
        revoked = of(gone)
        keyring.recoveries.add(of(kept))
        keyring.recoveries.add(revoked)
        disk.arm(at, is_written=is_written)
        erase, revoke = lambda: keyring.erase(victim), lambda: keyring.recoveries.remove(revoked.id)
        with pytest.raises(PowerCut):
            {"erase": erase, "revoke": revoke}[what]()
    assert disk.operations == ["replace", "commit", "replace", "commit"][:at]
    is_done = at > 2 or (at == 2 and is_written)
    for opener in (RecoveryCustody(kept), custody):  # recovery first: it settles what was cut
        with Keyring.open(disk.crashed, opener) as opened:
            assert opened.domain(domain_id) == keys
            assert len(custody_file(disk.crashed)["roots"]) == 1
    if what == "revoke" and is_done:
        with pytest.raises(WrongCustody):
            Keyring.open(disk.crashed, RecoveryCustody(gone))
    else:
        Keyring.open(disk.crashed, RecoveryCustody(gone)).close()


@pytest.mark.parametrize("is_written", WRITTEN)
def test_a_power_cut_while_a_new_passphrase_takes_over_leaves_it_recoverable(
    folder: Path, custody: PassphraseCustody, is_written: bool
) -> None:
    disk = FaultyDisk(folder)
    identity = new_recovery_identity()
    with Keyring.create(folder, custody) as keyring:
        keyring.recoveries.add(of(identity))
    new = PassphraseCustody("new", cost=INSECURE_TEST_COST)
    with Keyring.open(folder, RecoveryCustody(identity), disk=disk) as opened:
        disk.arm(1, is_written=is_written)
        with pytest.raises(PowerCut):
            opened.rotate_custody(new)
    for opener in (RecoveryCustody(identity), new if is_written else custody):
        Keyring.open(disk.crashed, opener).close()
