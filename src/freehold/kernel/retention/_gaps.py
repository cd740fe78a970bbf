"""Which places of the log are empty, as one digest, and whether an act said so.

Pure but for the reader it is given. The stranger's verifier does the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from freehold.kernel import digest
from freehold.kernel.acts import Record
from freehold.kernel.ledger import CorruptLogError, LogReader
from freehold.kernel.retention._acts import PruneEstate

Range = tuple[int, int]

_HEADER = "freehold/pruned/v1\n"
_MARK = f'"act":"{PruneEstate.name}"'.encode()  # as it stands in a canonical record


def pruned_digest(ranges: Iterable[Range]) -> str:
    """Digest of the empty places: a line for each longest range of them, ascending."""
    lines = (f"{start} {stop}\n" for start, stop in joined(ranges))
    return digest("".join([_HEADER, *lines]).encode())


def joined(ranges: Iterable[Range]) -> Iterator[Range]:
    """Sort ranges [start, stop) and join those that touch or overlap."""
    start = stop = -1
    for first, end in sorted(ranges):
        if first > stop:
            if stop > start:
                yield start, stop
            start, stop = first, end
        stop = max(stop, end)
    if stop > start:
        yield start, stop


def verify_pruned(reader: LogReader) -> None:
    """Check that exactly those entries are out that the newest act of pruning names.

    Raises:
        CorruptLogError: others are, or fewer; entries were removed past the record.
    """
    said = pruned_digest(())
    for entry in reader.entries():
        if _MARK in entry:
            record = Record.decode(entry)
            is_told = record.act == PruneEstate.name and record.phase == "done"
            said = record.facts.get("pruned", said) if is_told else said
    if pruned_digest(reader.pruned()) != said:
        raise CorruptLogError(
            "ledger.unexplained",
            "entries are missing that no act of pruning took out, or some that it did are there",
            "opening the estate ends a pruning that was interrupted; else restore from a backup",
        )
