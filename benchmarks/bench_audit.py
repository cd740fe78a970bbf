"""Records checked as an audit checks them: format, facts, body opened, both commitments.

Nine in ten records are answers with 30 numbers; the others are refusals, datasets and clearances.
The raw limit opens the same bodies with the bare cipher and hashes the same bytes, nothing more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from bench_rebuild import fill
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from measure import Case, Run
from trial import Trial, trial

from freehold.kernel.acts import Found, Record, RecordCheck

RECORDS, FULL, AIM = 20_000, 200_000, 50_000
RAW = "raw: cipher and SHA-256 of the same bytes"


def main() -> None:
    """Measure and print."""
    run = Run(__doc__)
    with run.scratch() as folder, trial(folder) as estate:
        fill(estate, FULL if run.is_full else RECORDS)
        log = estate.pipeline.stores.log
        log.publish()
        entries = list(log.entries())
        run.compare(
            f"{len(entries):,} records, {sum(map(len, entries)) // len(entries):,} bytes each",
            Case(RAW, raw(estate, entries, folder)),
            Case("records and bodies checked", checked(estate, entries), beside=RAW, aim=AIM),
            Case("the same, read from the tree", read_and_checked(estate), beside=RAW, aim=AIM),
            Case("records alone", checked(estate, entries, with_bodies=False), beside=RAW),
        )
    run.finish()


def raw(estate: Trial, entries: list[bytes], folder: Path) -> Callable[[], int]:
    """What opens each body and hashes it and its record, with everything found beforehand."""
    segments = {
        int(path.stem): path.read_bytes()
        for path in (folder / "estate" / "vault" / "segments").iterdir()
    }
    frames: list[tuple[ChaCha20Poly1305, bytes]] = []
    for record in map(Record.decode, entries):
        assert record.body is not None  # noqa: S101  # each has one
        keys = estate.pipeline.stores.keyring.domain(record.body.domain)
        number, offset, length = record.body.at
        frame = segments[number][offset : offset + length]
        frames.append((ChaCha20Poly1305(keys.body_key), frame))

    def work() -> int:
        sha256 = hashlib.sha256
        for (cipher, frame), entry in zip(frames, entries, strict=True):
            plaintext = cipher.decrypt(frame[36:48], frame[48:], frame[4:36])
            sha256(plaintext).digest()
            sha256(entry).digest()
        return len(frames)

    return work


def checked(estate: Trial, entries: list[bytes], *, with_bodies: bool = True) -> Callable[[], int]:
    """What checks them with a check that has seen nothing yet."""

    def work() -> int:
        pipeline = estate.pipeline
        with pipeline.stores.vault.scan() as bodies:
            check = RecordCheck(
                pipeline.registry,
                pipeline.stores.log.key.name,
                bodies=bodies if with_bodies else None,
            )
            count, found = 0, Found()
            for start in range(0, len(entries), 256):  # as they come from the tree
                for _ in check.run(start, entries[start : start + 256], found):
                    count += 1
            if found.faults or found.bodies != with_bodies * len(entries):
                raise SystemExit(f"{found.bodies} bodies: {found.faults[:3]}")
        return count

    return work


def read_and_checked(estate: Trial) -> Callable[[], int]:
    """The same with every entry read from its bundle, hashed and held against the tree."""

    def work() -> int:
        pipeline, count, told = estate.pipeline, 0, Found()
        with pipeline.stores.vault.scan() as bodies:
            check = RecordCheck(pipeline.registry, pipeline.stores.log.key.name, bodies=bodies)
            for index, found in pipeline.stores.log.reader().bundles():
                if not isinstance(found, list):
                    raise SystemExit(f"bundle {index}: {found}")
                for _ in check.run(256 * index, found, told):
                    count += 1
            if told.faults:
                raise SystemExit(str(told.faults[:3]))
        return count

    return work


if __name__ == "__main__":
    main()
