"""Writing an evidence bundle: the log as it lies in its folder, receipts, and what is disclosed (evidence-bundle.md)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import BinaryIO

from freehold.kernel import canonical, format_time
from freehold.kernel.acts import SCHEMA_VERSION, Pipeline, Record, open_body
from freehold.kernel.ledger import Checkpoint, bundle_path, open_note, tile_path

WIDTH = 256  # hashes of a full tile, entries of a full bundle (C2SP tlog-tiles)
SIGNED_ACTS = ("approval.give", "charter.ratify")
_STORED = (1980, 1, 1, 0, 0, 0)  # the zip says nothing about when; bundle.json does


class BundleWriter:
    """Writes one bundle of the log as of one checkpoint."""

    def __init__(self, pipeline: Pipeline, file: BinaryIO, checkpoint: str) -> None:
        log = pipeline.stores.log
        self._pipeline = pipeline
        self._note = checkpoint
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED)
        self.size = Checkpoint.parse(open_note(checkpoint, [log.key])).size

    def write(self, *, is_full: bool) -> int:
        """Write everything and close the zip; returns how many bodies were disclosed."""
        with self._zip:
            self._log_files()
            disclosed = list(self._records(is_full=is_full))
            self._add("bundle.json", self._manifest(disclosed))
        return len(disclosed)

    def _manifest(self, disclosed: list[str]) -> bytes:
        pipeline = self._pipeline
        return canonical(
            {
                "v": SCHEMA_VERSION,
                "estate": pipeline.circumstances.estate.id,
                "trial": pipeline.circumstances.is_trial,
                "origin": pipeline.stores.log.key.name,
                "size": self.size,
                "made": format_time(pipeline.clock.now()),
                "disclosed": disclosed,
            }
        )

    def _log_files(self) -> None:
        log = self._pipeline.stores.log
        self._add("log/checkpoint", self._note.encode())
        for size, note in log.checkpoints():
            if 0 < size < self.size:
                self._add(f"log/checkpoints/{size:020}", note.encode())
        for path in _tree_files(self.size):
            self._add(f"log/{path}", log.tile(path))

    def _records(self, *, is_full: bool) -> Iterator[str]:
        pipeline = self._pipeline
        log = pipeline.stores.log
        for index, entry in enumerate(log.entries(0, self.size)):
            record = Record.decode(entry)
            is_signed = record.act in SIGNED_ACTS and record.phase == "done"
            if not (is_full or is_signed):
                continue
            plaintext = pipeline.plaintext(record)
            if plaintext is None or record.body is None:
                continue
            self._add(f"bodies/{record.id}.bin", plaintext)
            self._add(f"receipts/{record.id}.tlog-proof", log.receipt(index).text().encode())
            if is_signed:
                details = open_body(plaintext, record.body["commitment"])["details"]
                self._add(f"approvals/{record.id}.json", details["statement"].encode())
                self._add(f"approvals/{record.id}.sig", details["signature"].encode())
            yield record.id

    def _add(self, name: str, data: bytes) -> None:
        self._zip.writestr(zipfile.ZipInfo(name, _STORED), data)


def _tree_files(size: int) -> Iterator[str]:
    """Every entry bundle and hash tile of a tree of `size` leaves."""
    yield from _row(size, bundle_path)
    level, width = 0, size
    while width:
        yield from _row(width, lambda index, count, at=level: tile_path(at, index, count))
        level, width = level + 1, width // WIDTH


def _row(count: int, path: object) -> Iterator[str]:
    for index in range(count // WIDTH):
        yield path(index, WIDTH)  # type: ignore[operator]
    if count % WIDTH:
        yield path(count // WIDTH, count % WIDTH)  # type: ignore[operator]
