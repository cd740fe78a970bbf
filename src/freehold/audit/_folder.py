"""The audit of an estate's folder, without any key, beside a process that may be writing to it.

    audit = FolderAudit(folder, registry, trust=Trust(key=read_key(vkey)))
    report = audit.round()          # everything
    report = audit.round()          # what is new since, and a part of the old

It trusts nothing in the folder but what the log's key signed, and that key only as far as it was
given from outside. It changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from freehold.audit import _ledger as ledger
from freehold.audit import _stores as stores
from freehold.audit._chronicle import ERASING
from freehold.audit._findings import Counts, Findings, Report, conclude
from freehold.audit._meanings import Severity
from freehold.audit._memory import Memory
from freehold.audit._pins import Pin, Trust, ask_witnesses, check_pins, check_promises
from freehold.audit._records import Progress, Records, decoded
from freehold.audit.errors import AuditError
from freehold.kernel import Clock, Ref, SystemClock, format_time
from freehold.kernel.acts import Registry
from freehold.kernel.ledger import LogReader, VerifierKey
from freehold.kernel.vault import BodyScan

PARTS = 12  # of the old: each later round looks at one of them again, so that twelve see all
_CLOCKS_APART = timedelta(minutes=5)  # of the auditor's machine and the estate's
_ESTATE = "the estate's own pin"
_OF_HISTORY = ("ledger.", "pin.", "wal.")


class FolderAudit:
    """Audits one folder, round by round. Not thread-safe.

    Args:
        registry: what acts this software knows.
        memory: what this auditor saw before; held against the log like a pin.
    """

    def __init__(
        self,
        folder: Path,
        registry: Registry,
        *,
        trust: Trust | None = None,
        memory: Memory | None = None,
        clock: Clock | None = None,
        progress: Progress = lambda what, done, total: None,
    ) -> None:
        """Take up an audit.

        Raises:
            AuditError: `audit.missing`: there is no estate.
        """
        self._log = folder / "ledger" / "main"
        if not self._log.is_dir():
            raise AuditError(
                "audit.missing",
                f"there is no estate in {folder}",
                "name its folder with --estate, or its URL with --deep",
            )
        self._folder = folder
        self._registry = registry
        self._trust = trust or Trust()
        self._memory = memory
        self._clock = clock or SystemClock()
        self._progress = progress
        self._records: Records | None = None
        self._hashed = 0  # blobs that were hashed at least once
        self._kept = 0  # size of the newest kept checkpoint that was looked at
        self._rounds = 0

    @property
    def memory(self) -> Memory | None:
        """What is to be remembered: the newest checkpoint of a round in which nothing was wrong
        with the history.
        """
        return self._memory

    def round(self) -> Report:
        """Look at everything the first time, then at what is new and at a part of the old."""
        findings, part = Findings(), self._rounds % PARTS
        is_turn = part == 0  # of what is looked at as a whole or not at all
        origin = ledger.origin_of(self._log)
        seen = ask_witnesses(self._trust, origin, findings)
        self._progress("databases", 0, 0)
        now = format_time(self._clock.now() + _CLOCKS_APART)
        outside = stores.look_outside(
            self._folder, origin, now=now, is_whole=is_turn, findings=findings
        )
        key, trusted = self._key()
        reader = None
        if key is None:
            findings.add("ledger.unsigned", "checkpoint", got="no key to check it with is known")
        else:
            durable = ledger.journal_records(self._log, findings)
            reader = ledger.open_log(self._log, key, findings)
        if key is None or reader is None:
            return self._report(None, (), Counts(), findings)
        pins = [*self._trust.pins, *seen, *self._own_pins(outside.head)]
        vouching = check_pins(pins, reader, key, findings)
        if findings.has("pin.rewind", "pin.fork"):
            self._records = None  # what was read before is of another history
        size = ledger.check_journal(durable, reader, findings)
        if outside.position > size:
            findings.add(
                "catalog.ahead",
                "catalog.db",
                expected=f"at most {size:,} records, as the ledger holds",
                got=f"{outside.position:,}",
            )
        records = self._read(reader, key, part, findings)
        erased = records.chronicle.erased | _erased(durable)
        for domain in sorted(outside.tombstones - erased):
            findings.add("domain.destroyed", domain)
        counts = Counts(
            records=records.known,
            bodies=records.bodies,
            domains=stores.check_domains(
                self._folder, records.chronicle.domains, records.chronicle.erased, findings
            ),
            blobs=self._hash_blobs(records, erased, part, findings),
            checkpoints=ledger.check_checkpoints(
                self._log, reader, key, above=0 if is_turn else self._kept, findings=findings
            ),
        )
        if is_turn:
            self._progress("files", 0, 0)
            ledger.check_files(self._log, reader, findings)
            stores.check_segments(self._folder, records.extents, findings)
            stores.check_extra_blobs(self._folder, records.chronicle.blobs, findings)
        for index in records.chronicle.unfinished():
            findings.add("record.unfinished", f"record {index}")
        self._kept, self._rounds = reader.checkpoint.size, self._rounds + 1
        ledger.check_gaps(reader, records.chronicle.pruned, findings)
        cosigned = ledger.check_cosigned(
            self._log, reader, key, witnesses=self._trust.witnesses, findings=findings
        )
        vouching += [cosigned] if cosigned else []
        counts = replace(counts, pins=len(pins))
        trusted += tuple(each for each in vouching if not each.startswith(_ESTATE))
        return self._finish(reader, key, counts, trust=trusted, findings=findings)

    def _read(self, reader: LogReader, key: VerifierKey, part: int, findings: Findings) -> Records:
        with BodyScan(self._folder / "vault" / "segments") as scan:
            if self._records is None:
                self._records = Records(self._registry, key.name, bodies=scan)
            records, before = self._records, self._records.known
            records.read(reader, findings, self._progress)
            total = -(-before // ledger.WIDTH)
            start, stop = total * part // PARTS, total * (part + 1) // PARTS
            records.read_again(reader, start, stop, findings)
        return records

    def _hash_blobs(self, records: Records, erased: set[str], part: int, findings: Findings) -> int:
        """Hash the blobs whose turn it is: all the first time, then new ones and a part."""
        known = records.chronicle.blobs
        chosen = {
            name: blob
            for number, (name, blob) in enumerate(known.items())
            if number >= self._hashed or number % PARTS == part
        }
        self._hashed = len(known)
        self._progress("blobs", 0, len(chosen))
        return stores.check_blobs(self._folder, chosen, erased, findings)

    def _finish(
        self,
        reader: LogReader,
        key: VerifierKey,
        counts: Counts,
        *,
        trust: tuple[str, ...],
        findings: Findings,
    ) -> Report:
        """Hold the log to its promises, conclude, and remember."""
        notes = check_promises(
            self._trust.promises, reader, key, now=self._clock.now(), findings=findings
        )
        report = self._report(reader, trust, counts, findings, notes=notes)
        is_right = not any(
            each.code.startswith(_OF_HISTORY) and each.severity is Severity.alarm
            for each in report.findings
        )
        if is_right:
            now = format_time(self._clock.now())
            since = self._memory.since if self._memory else now
            self._memory = Memory(str(key), since, report.checkpoint, now)
        return report

    def _key(self) -> tuple[VerifierKey | None, tuple[str, ...]]:
        """The key that the log is checked with, and what vouches for it."""
        if self._trust.key is not None:
            return self._trust.key, ("the log's key, as it was given",)
        if self._memory is not None:
            key = VerifierKey.parse(self._memory.vkey)
            return key, (f"the log's key, as this auditor has known it since {self._memory.since}",)
        return ledger.own_key(self._log), ()

    def _own_pins(self, head: bytes | None) -> Iterator[Pin]:
        """What the auditor remembers, and what the estate itself pinned when it was closed."""
        if self._memory is not None:
            yield Pin(self._memory.checkpoint.encode(), f"this auditor at {self._memory.seen}")
        if head is not None:
            yield Pin(head, _ESTATE)

    def _report(
        self,
        reader: LogReader | None,
        trust: tuple[str, ...],
        counts: Counts,
        findings: Findings,
        *,
        notes: list[str] | None = None,
    ) -> Report:
        found = findings.all()
        return Report(
            depth="folder",
            log=reader.checkpoint.origin if reader else ledger.origin_of(self._log),
            size=reader.checkpoint.size if reader else 0,
            checkpoint=reader.note if reader else "",
            result=conclude(found, trust),
            trust=trust,
            counts=counts,
            findings=found,
            notes=tuple(notes or ()),
        )


def _erased(durable: list[tuple[int, list[bytes]]]) -> set[str]:
    """Domains that records beside the tree, durable and not yet in it, say are erased."""
    found = [decoded(entry) for _, entries in durable for entry in entries]
    return {
        Ref.parse(record.resource).id
        for record in found
        if record is not None and record.act in ERASING and record.phase == "done"
    }
