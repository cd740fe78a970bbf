"""Upgrading an estate: rehearsed on a copy, compared, carried out, undone.

The upgrade of an estate is two steps, each whole or not at all: its format is pinned, and the act
is recorded. A crash before the first leaves the former version; after it this software opens it,
and upgrading again records what is missing. Nothing that was there is written over: the former
state lies beside until the first act after the upgrade.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from freehold.charter import UpgradeEstate
from freehold.estate import Estate
from freehold.kernel import Ref, new_id
from freehold.kernel.acts import Output
from freehold.kernel.keys import Custody
from freehold.kernel.ledger import WriterLock
from freehold.kernel.upkeep import FORMAT, check_format, format_of, pin_format
from freehold.upgrade._acting import ActingAs
from freehold.upgrade._copying import REHEARSAL, copy_estate
from freehold.upgrade._figures import (
    Compared,
    blobs,
    compare,
    digest_of,
    figures,
    rows,
    rows_of,
    shared,
    tables,
)
from freehold.upgrade._undoing import set_aside
from freehold.upgrade.errors import UpgradeError

CATALOG = "catalog.db"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What an upgrade would do to an estate, seen on a copy."""

    former: int
    format: int
    records: int
    compared: tuple[Compared, ...]
    comparison: str

    @property
    def is_same(self) -> bool:
        """Whether the upgraded copy holds all that the estate holds."""
        return all(each.is_same for each in self.compared)


@dataclass(frozen=True, slots=True)
class Upgraded:
    """An upgrade that was carried out."""

    rehearsal: Rehearsal
    act: str


def rehearse(
    folder: Path, custody: Custody, acting: ActingAs, *, scratch: Path | None = None
) -> Rehearsal:
    """Upgrade a copy of a closed estate, compare the two, and remove the copy.

    The copy goes to a new folder: inside the estate's own, unless `scratch` names another place.

    Raises:
        UpgradeError: there is nothing to upgrade, or nobody can act in it yet.
        FormatError: a later version of Freehold wrote it.
        LedgerError: it is open, or damaged.
        Denied: policy does not let whoever acts upgrade it.
    """
    check_format(folder, is_upgrading=True)
    copy = scratch / f"upgrade-of-{folder.name}" if scratch else folder / REHEARSAL
    shutil.rmtree(copy, ignore_errors=True)  # what an interrupted rehearsal left
    try:
        with _locked(folder):
            copy_estate(folder, copy)
        return _rehearse(copy, custody, acting)
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def upgrade(folder: Path, custody: Custody, acting: ActingAs) -> Upgraded:
    """Rehearse, keep the former state beside, and upgrade the estate itself.

    Raises:
        UpgradeError: as for `rehearse`; the copy differs; or the estate was used meanwhile.
    """
    rehearsal = rehearse(folder, custody, acting)
    if not rehearsal.is_same:
        raise differs(rehearsal)
    with _locked(folder):
        set_aside(folder, rehearsal.records)
    with Estate.open_to_upgrade(folder, custody) as estate:
        if estate.pipeline.stores.log.size != rehearsal.records:
            raise UpgradeError(
                "upgrade.moved",
                f"the estate was used meanwhile: it has {estate.pipeline.stores.log.size} records, "
                f"the copy had {rehearsal.records}",
                "run `freehold upgrade` again while nobody uses the estate",
            )
        act = _carry_out(estate, rehearsal.former, acting, rehearsal.comparison)
    return Upgraded(rehearsal, act)


def differs(rehearsal: Rehearsal) -> UpgradeError:
    """The error of a rehearsal in which something came out otherwise."""
    named = ", ".join(each.what for each in rehearsal.compared if not each.is_same)
    return UpgradeError(
        "upgrade.differs",
        f"the upgraded copy differs in: {named}",
        "the estate itself was not touched; go on with the Freehold that wrote it, and tell us",
    )


def _rehearse(copy: Path, custody: Custody, acting: ActingAs) -> Rehearsal:
    former, kept = format_of(copy), _kept_catalog(copy)
    with Estate.open_to_upgrade(copy, custody) as estate:
        _refuse_needless(estate, former)
        size = estate.pipeline.stores.log.size
        before = figures(estate, copy, size=size)
        columns = shared(tables(kept, size=size), tables(copy / CATALOG, size=size))
        before |= {"blobs": str(len(stored := blobs(copy)))} | rows(kept, columns)
        after = rows(copy / CATALOG, columns)
        comparison = digest_of(compare(before, before))
        _carry_out(estate, former, acting, comparison)
    with Estate.open(copy, custody) as estate:
        after |= figures(estate, copy, size=size)
        left = blobs(copy).items() & stored.items()
        after |= {"blobs": str(len(left))}
        before["the new catalog, rebuilt"] = rows_of(estate)
        estate.pipeline.rebuild()
        after["the new catalog, rebuilt"] = rows_of(estate)
    return Rehearsal(former, FORMAT, size, compare(before, after), comparison)


def _carry_out(estate: Estate, former: int, acting: ActingAs, comparison: str) -> str:
    """Pin the format, then record the act, decided by the policies that it puts in force."""
    pipeline = estate.pipeline
    pin_format(pipeline.stores.keyring, FORMAT)
    policies = estate.charter.compiled_anew()
    pipeline.enforce(policies)
    who = acting(estate, comparison)
    upgrading = UpgradeEstate(
        former=former,
        format=FORMAT,
        records=pipeline.stores.log.size,
        comparison=comparison,
        policies=policies.digest,
    )
    with pipeline.perform(who.actor, upgrading, on=pipeline.circumstances.estate) as act:
        act.describe(**who.shown)
        sealed = pipeline.stores.vault.seal(act.domain, io.BytesIO(policies.text.encode()))
        ref = Ref("policy", new_id())
        act.conclude(
            outputs=[Output(ref=str(ref), sealed=sealed.sealed_digest, digest=sealed.digest)],
            blob=sealed.name,
        )
    return act.recorded.record.id


def _refuse_needless(estate: Estate, former: int) -> None:
    if not estate.charter.is_ratified():
        raise UpgradeError(
            "upgrade.unratified",
            "no charter is in force in this estate, so that nobody can act in it",
            "ratify it with the Freehold that made it, or delete it and run `freehold init`",
        )
    if (
        former == FORMAT
        and estate.charter.compiled_anew().digest == estate.pipeline.policies.digest
    ):
        raise UpgradeError(
            "upgrade.current",
            f"the estate is of format {FORMAT} already, and its policies know every act",
            "there is nothing to do",
        )


def _kept_catalog(copy: Path) -> Path:
    """Put the catalog of the copy beside, as it is: opening makes another of it."""
    kept = copy / "former" / CATALOG
    kept.parent.mkdir()
    for path in copy.glob(f"{CATALOG}*"):
        shutil.copy2(path, kept.parent / path.name)
    return kept


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep everybody from opening the estate."""
    lock = WriterLock(folder / "ledger" / "main")
    try:
        yield
    finally:
        lock.release()
