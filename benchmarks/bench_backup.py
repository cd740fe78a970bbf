"""Backup and restore of an estate, beside copying the same bytes with SHA-256, synced.

The raw limit reads every file of keyring, ledger and vault, hashes it, writes it elsewhere and
syncs it. A restoration checks besides what came out: every record, every body's place.
"""

from __future__ import annotations

import hashlib
import io
import os
import resource
from dataclasses import dataclass
from pathlib import Path

from growing import grow
from measure import Case, Run
from trial import PURPOSE, Trial, declared, trial

from freehold.kernel import Ref, new_id
from freehold.kernel.acts import Output
from freehold.kernel.backup import (
    DEFAULT_BACKUP_LIMITS,
    Bundle,
    BundleWriter,
    Restoring,
    Unlock,
    Wanted,
    blob_facts,
)

BLOB_MB, BLOBS, FULL_BLOBS = 64, 6, 20
RECORDS, FULL_RECORDS = (100_000, 1_000), (1_000_000, 10_000)  # and key domains
CHUNK = 1_048_576
RAW = "raw: copy, SHA-256, fsync"


def main() -> None:
    """Measure and print."""
    run = Run(__doc__)
    with run.scratch() as folder, trial(folder) as estate:
        for _ in range(FULL_BLOBS if run.is_full else BLOBS):
            ingest(estate, BLOB_MB * 1_000_000)
        measure(run, estate, folder, of="blobs")
    with run.scratch() as folder, trial(folder) as estate:
        grow(estate, *(FULL_RECORDS if run.is_full else RECORDS))
        measure(run, estate, folder, of=f"{estate.pipeline.stores.log.size:,} records")
    run.finish()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nat most {peak:,.0f} MB of memory, the estate itself included")


def ingest(estate: Trial, size: int) -> None:
    """Bring a dataset of random bytes in, past the reading of its format."""
    pipeline, dataset = estate.pipeline, Ref("dataset", new_id())
    asked = declared(
        pipeline,
        "dataset.ingest",
        data_class="internal",
        purposes=(PURPOSE,),
        residency=("EU",),
        owner=str(estate.people["stella"].principal),
        format="csv",
    )
    with pipeline.perform(estate.people["stella"], asked, on=dataset) as act:
        sealed = pipeline.stores.vault.seal(act.domain, io.BytesIO(os.urandom(size)))
        act.describe(name=dataset.id)
        act.conclude(
            outputs=[Output(ref=f"{dataset}@1", sealed=sealed.sealed_digest)],
            is_new=True,
            version=1,
            bytes=sealed.size,
            blob=sealed.name,
        )


@dataclass(frozen=True, slots=True)
class Work:
    """What is measured of one estate."""

    estate: Trial
    home: Path
    folder: Path

    def files(self) -> list[Path]:
        """Every file of the estate that cannot be made again."""
        places = (self.home / name for name in ("keys", "ledger", "vault"))
        return [path for place in places for path in place.rglob("*") if path.is_file()]

    @property
    def megabytes(self) -> float:
        """How much that is."""
        return sum(path.stat().st_size for path in self.files()) / 1e6

    def copy(self) -> float:
        """Copy it, hash it, sync it."""
        target = fresh(self.folder / "copy")
        target.mkdir()
        for path in self.files():
            place = target / path.relative_to(self.home)
            place.parent.mkdir(parents=True, exist_ok=True)
            sha256 = hashlib.sha256()
            with path.open("rb") as source, place.open("wb") as file:
                while chunk := source.read(CHUNK):
                    sha256.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
        return self.megabytes

    def back_up(self) -> float:
        """Write a full bundle."""
        writer = BundleWriter(self.estate.pipeline, limits=DEFAULT_BACKUP_LIMITS)
        writer.write(fresh(self.folder / "bundle"), Wanted())
        return self.megabytes

    def restore(self) -> float:
        """Restore the newest bundle, all checks included."""
        pipeline = self.estate.pipeline
        custody = pipeline.stores.keyring.custody
        restoring = Restoring(
            Bundle.read(self.folder / "bundle"),
            fresh(self.folder / "restored"),
            key=pipeline.stores.log.key,
            facts=blob_facts(pipeline.registry),
        )
        restoring.run(Unlock(custody=custody), custody)
        return self.megabytes


def measure(run: Run, estate: Trial, folder: Path, *, of: str) -> None:
    """Measure one estate."""
    estate.pipeline.stores.log.publish()
    work = Work(estate, folder / "estate", folder)
    run.compare(
        f"An estate of {work.megabytes:,.0f} MB, most of it {of}",
        Case(RAW, work.copy, "MB"),
        Case("backed up", work.back_up, "MB", beside=RAW),
        Case("restored", work.restore, "MB", beside=RAW),
    )


def fresh(folder: Path) -> Path:
    """A folder that is not there, in place of one; what lay there is removed after measuring."""
    if folder.exists():
        folder.rename(folder.with_name(f"old-{new_id()}"))
    return folder


if __name__ == "__main__":
    main()
