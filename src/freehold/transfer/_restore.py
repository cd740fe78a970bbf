"""Restoring an estate into a folder that is empty or missing.

All is built in `<folder>.restoring`. What is wrong with a bundle leaves nothing behind; an
interruption, a disk that fails, or something that is still to be told (a loss to be accepted)
leaves what is needed to go on.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from freehold.estate import HEAD, ROOMS, EstateError
from freehold.kernel import FreeholdError, new_id
from freehold.kernel.acts import Registry
from freehold.kernel.backup import (
    Arrival,
    BackupError,
    Bundle,
    Restored,
    Restoring,
    Unlock,
    blob_facts,
    open_erasures,
)
from freehold.kernel.keys import Custody, Keyring, UnknownDomain, WrongCustody
from freehold.kernel.ledger import (
    Checkpoint,
    ForkError,
    LocalDisk,
    LogReader,
    NoteError,
    ProofError,
    VerifierKey,
    verify_consistency,
)
from freehold.kernel.retention import look_again


@dataclass(frozen=True, slots=True, kw_only=True)
class With:
    """What may be given to a restoration beside the bundle and its custody.

    Args:
        identities: age identities, for a bundle that was sealed for recipients.
        key: the log's public key, known from outside.
        pin: a checkpoint that was seen, which must be part of what is restored.
        accepted_loss: how many records may be missing before `pin`; told by the refusal.
        erasures: the signed list of `freehold backup erasures`.
        custody: what holds the keys from now on, instead of the bundle's.
    """

    identities: tuple[str, ...] = field(default=(), repr=False)
    key: VerifierKey | None = None
    pin: str = ""
    accepted_loss: int = 0
    erasures: str = ""
    custody: Custody | None = None


@dataclass(frozen=True, slots=True)
class RestoredEstate:
    """What was restored; `lost` counts records that are known to be missing."""

    folder: str
    vkey: str
    records: int
    blobs: int
    bundles: int
    erasures: int
    lost: int


def restore(
    bundle: Path, folder: Path, custody: Custody, given: With | None = None
) -> RestoredEstate:
    """Restore the chain that ends with `bundle` as an estate in `folder`.

    Raises:
        EstateError: `estate.exists`: the folder holds something.
        BackupError, ChangedBundle: the bundle is not whole, not what was signed, or misses records
            that were seen.
        WrongCustody: the custody is not that of the bundle.
    """
    given = given or With()
    if folder.exists() and any(folder.iterdir()):
        raise EstateError(
            "estate.exists", f"{folder} is not empty", "restore into a folder that does not exist"
        )
    newest = Bundle.read(bundle)
    aside = folder.with_name(folder.name + ".restoring")
    restoring = Restoring(newest, aside, key=given.key, facts=blob_facts(Registry(ROOMS)))
    restored = _restored(restoring, aside, Unlock(given.identities, custody), custody)
    # From here on all of it is whole: what is refused now is asked again without doing it again.
    result = _complete(aside, restored, folder, custody=custody, given=given)
    restoring.finish()
    _put_in_place(aside, folder)
    return result


def _restored(restoring: Restoring, aside: Path, unlock: Unlock, custody: Custody) -> Restored:
    """Run a restoration; what is wrong with a bundle leaves nothing of it."""
    was_begun = aside.exists()
    try:
        return restoring.run(unlock, custody)
    except WrongCustody:
        if not was_begun:  # a passphrase typed wrongly costs nothing of what came before
            shutil.rmtree(aside, ignore_errors=True)
        raise
    except FreeholdError as error:
        if not error.code.endswith(".storage"):  # that is cured, and gone on with
            shutil.rmtree(aside, ignore_errors=True)
        raise


def _complete(
    aside: Path, restored: Restored, folder: Path, *, custody: Custody, given: With
) -> RestoredEstate:
    """Apply what is known from outside, and leave for the first opening what it has to record."""
    log = LogReader(aside / "ledger" / "main", restored.key.name, keys=[restored.key])
    lost = _lost(log, given, restored.key)
    erasures = open_erasures(given.erasures, restored.key) if given.erasures else ()
    with Keyring.open(aside / "keys", custody) as keyring:
        for erasure in erasures:
            try:
                keyring.erase(erasure.domain)
            except UnknownDomain:
                continue  # younger than the bundle: there is nothing to erase
        keyring.pin(HEAD, restored.note.encode())
        look_again(keyring)  # a delta follows on what was not pruned yet
        if given.custody is not None:
            keyring.rotate_custody(given.custody)
    manifest = restored.newest.manifest
    size = restored.checkpoint.size
    arrival = Arrival(
        new_id(), restored.newest.digest, manifest.purpose, size, lost, given.erasures
    )
    arrival.write(aside, LocalDisk())
    return RestoredEstate(
        folder=str(folder),
        vkey=str(restored.key),
        records=size,
        blobs=restored.blobs,
        bundles=restored.bundles,
        erasures=len(erasures),
        lost=lost,
    )


def _lost(log: LogReader, given: With, key: VerifierKey) -> int:
    """How many records are known to be missing.

    Raises:
        BackupError: `backup.loss`: more than was accepted; `backup.signature`: the pin is another
            log's.
        ForkError: the pin is of another history.
    """
    if not given.pin:
        return 0
    try:
        pin = Checkpoint.open(given.pin, [key])
    except NoteError as error:
        raise BackupError(
            "backup.signature",
            f"the pin is not signed by the log of this bundle: {error.message}",
            "give a checkpoint of this estate, as `freehold ledger checkpoint` wrote it",
        ) from error
    newest = log.checkpoint
    lost = pin.size - newest.size
    if lost > 0:
        if given.accepted_loss != lost:
            raise BackupError(
                "backup.loss",
                f"records {newest.size} to {pin.size - 1} were seen and are not in this bundle: "
                f"{lost} are lost",
                f"restore a newer bundle; if there is none, say --accept-loss {lost}: the loss is "
                "then recorded",
            )
        return lost
    try:
        if pin.size:
            proof = log.consistency(pin.size)
            verify_consistency(
                pin.size, newest.size, proof=proof, old_root=pin.root, new_root=newest.root
            )
    except ProofError as error:
        raise ForkError(
            "ledger.fork",
            f"the bundle does not contain the checkpoint of size {pin.size} that was seen",
            "the bundle or the pin is of a rewritten history: keep both, and ask who signed them",
        ) from error
    return 0


def _put_in_place(aside: Path, folder: Path) -> None:
    """Give the estate its name; the commit point."""
    if folder.exists():
        folder.rmdir()  # empty, as was checked
    os.rename(aside, folder)
    LocalDisk().sync_folder(folder.parent)
