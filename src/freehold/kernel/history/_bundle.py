"""Writing an evidence bundle: the log as it lies in its folder, receipts, and what is disclosed.

Format: docs/formats/evidence-bundle.md.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import BinaryIO

from freehold.kernel import canonical, format_time
from freehold.kernel.acts import Pipeline, Record, open_body
from freehold.kernel.ledger import PRUNED

BUNDLE_VERSION = 1
SIGNED_ACTS = ("approval.give", "charter.ratify")
_STORED = (1980, 1, 1, 0, 0, 0)  # the zip says nothing about when; bundle.json does


class BundleWriter:
    """Writes one bundle of the log as of its newest published checkpoint."""

    def __init__(self, pipeline: Pipeline, file: BinaryIO) -> None:
        self._pipeline = pipeline
        self._reader = pipeline.stores.log.reader()
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED)

    @property
    def size(self) -> int:
        """Records in the bundle."""
        return self._reader.checkpoint.size

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
                "v": BUNDLE_VERSION,
                "estate": pipeline.circumstances.estate.id,
                "trial": pipeline.circumstances.is_trial,
                "origin": self._reader.checkpoint.origin,
                "size": self.size,
                "made": format_time(pipeline.clock.now()),
                "disclosed": disclosed,
            }
        )

    def _log_files(self) -> None:
        self._add("log/checkpoint", self._reader.note.encode())
        for size, note in self._reader.checkpoints():
            if 0 < size < self.size:
                self._add(f"log/checkpoints/{size:020}", note.encode())
        for path, content in self._reader.files():
            self._add(f"log/{path}", content)

    def _records(self, *, is_full: bool) -> Iterator[str]:
        pipeline = self._pipeline
        for index, entry in enumerate(self._reader.entries()):
            if entry == PRUNED:
                continue
            record = Record.decode(entry)
            is_signed = record.act in SIGNED_ACTS and record.phase == "done"
            if not (is_full or is_signed):
                continue
            plaintext = pipeline.plaintext(record)
            if plaintext is None or record.body is None:
                continue
            self._add(f"bodies/{record.id}.bin", plaintext)
            receipt = self._reader.receipt(index).text()
            self._add(f"receipts/{record.id}.tlog-proof", receipt.encode())
            if is_signed:
                details = open_body(plaintext, record.body.commitment)["details"]
                self._add(f"approvals/{record.id}.json", details["statement"].encode())
                self._add(f"approvals/{record.id}.sig", details["signature"].encode())
            yield record.id

    def _add(self, name: str, data: bytes) -> None:
        self._zip.writestr(zipfile.ZipInfo(name, _STORED), data)
