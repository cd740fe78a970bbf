"""Reading the ledger's records in rounds: each once with all that it says, and later again as
bytes, with the place of its body.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from itertools import groupby

from freehold.audit._chronicle import Chronicle
from freehold.audit._findings import Findings
from freehold.audit._ledger import WIDTH, bundle_name
from freehold.audit._stores import Extent
from freehold.kernel import FreeholdError
from freehold.kernel.acts import Fault, Found, Record, RecordCheck, Registry
from freehold.kernel.ledger import LogReader
from freehold.kernel.vault import BodyScan, MissingBody

Progress = Callable[[str, int, int], None]
"""Told what is being looked at, how much is done and how much there is."""


class Records:
    """What was read of one log so far. Not thread-safe.

    Args:
        bodies: the scan that looks at bodies' places; with keys it opens them, too.
        opens: whether it has keys.
    """

    def __init__(
        self, registry: Registry, origin: str, *, bodies: BodyScan, opens: bool = False
    ) -> None:
        self.chronicle = Chronicle(registry)
        self.extents: dict[int, Extent] = {}  # by segment
        self.known = 0  # records that were read
        self.bodies = 0  # that were found at their places, or opened
        self._scan = bodies
        self._opens = opens
        self._emptied = array("Q")  # places of bodies that are empty and not explained yet
        self._check = RecordCheck(registry, origin, bodies=bodies if opens else None)

    def read(
        self,
        reader: LogReader,
        findings: Findings,
        progress: Progress,
        each: Callable[[int, Record], None] = lambda index, record: None,
    ) -> None:
        """Read what is new under the reader's checkpoint; `each` is given what is sound."""
        for first, entries in self._new(reader, findings, progress):
            found = Found()
            for index, record in self._check.run(first, entries, found):
                self.chronicle.read(index, record, findings)
                self._look_at_place(index, record, findings, is_new=True)
                each(index, record)
            self.bodies += found.bodies
            self._emptied.extend(found.missing)
            for fault in found.faults:
                tell_fault(fault, findings)
            self.known = first + len(entries)
        for repeated in self._check.repeated():
            findings.add("record.repeated", repeated)
        self._explain(reader, findings)

    def _explain(self, reader: LogReader, findings: Findings) -> None:
        """Tell of bodies that are empty although no act of pruning took them.

        Afterwards only: the act comes after the records that it takes.
        """
        for number, group in groupby(self._emptied, key=lambda index: index // WIDTH):
            for _, found in reader.bundles(number, number + 1):
                entries = found if isinstance(found, list) else []
                for index in group:
                    place = index - number * WIDTH
                    record = decoded(entries[place]) if place < len(entries) else None
                    if record is not None and not self.chronicle.is_emptied(index, record):
                        got = "nothing is left of it, and no act of pruning took it"
                        findings.add("body.misplaced", f"record {index}", got=got, group="emptied")
        del self._emptied[:]

    def read_again(self, reader: LogReader, start: int, stop: int, findings: Findings) -> None:
        """Hash the bundles [start, stop) again, and look at the places of their bodies."""
        for number, found in reader.bundles(start, stop):
            if not isinstance(found, list):
                findings.add(
                    "ledger.corrupt",
                    bundle_name(number, reader.checkpoint.size),
                    got=found.message,
                )
                continue
            for index, entry in enumerate(found, number * WIDTH):
                record = decoded(entry)
                if record is not None and index < self.known:
                    self._look_at_place(index, record, findings, is_new=False)
        self._explain(reader, findings)

    def _new(
        self, reader: LogReader, findings: Findings, progress: Progress
    ) -> Iterator[tuple[int, list[bytes]]]:
        size = reader.checkpoint.size
        for number, found in reader.bundles(self.known // WIDTH):
            start = number * WIDTH
            progress("records", start, size)
            if not isinstance(found, list):
                findings.add("ledger.corrupt", bundle_name(number, size), got=found.message)
                continue
            skip = max(self.known - start, 0)
            if len(found) > skip:
                yield start + skip, found[skip:]

    def _look_at_place(
        self, index: int, record: Record, findings: Findings, *, is_new: bool
    ) -> None:
        if record.body is None:
            return
        number, offset, length = record.body.at
        if is_new:
            known = self.extents.get(number, Extent(0, 0))
            self.extents[number] = Extent(max(known.end, offset + length), known.bytes + length)
        if self._opens:
            return  # the check has opened it
        try:
            self._scan.look(record.body.domain, record.id, record.body.at)
            self.bodies += 1
        except MissingBody:
            self._emptied.append(index)
        except FreeholdError as error:
            findings.add("body.misplaced", f"record {index}", got=error.message)


def decoded(entry: bytes) -> Record | None:
    """A record, or None where it was pruned or cannot be read, which the check tells."""
    try:
        return Record.decode(entry) if entry else None
    except FreeholdError:
        return None


def tell_fault(fault: Fault, findings: Findings) -> None:
    """Take note of what is wrong with a record or its body."""
    code = "body.faulty" if fault.of_body else "record.faulty"
    got = f"{fault.code}: {fault.what}"
    findings.add(code, f"record {fault.index}", got=got, group=fault.code)
