"""Every act in brief, with what it consumed and produced: the projection that all records share,
and how it is taken back when a record is pruned.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

from freehold.kernel import LedgerTime
from freehold.kernel.acts._declare import Act
from freehold.kernel.acts._record import Output, Record
from freehold.kernel.catalog import ACT, LINK, Change, Put, Remove

ACCEPT_CLOCK = "estate.accept_clock"
"""The act by which owners say that times in the ledger are wrong and the host's clock is right."""


def ledger_time(before: LedgerTime, record: Record) -> LedgerTime:
    """Tell the newest time in the ledger once `record` follows what had `before`.

    Times that owners said are wrong count no more.
    """
    if record.act == ACCEPT_CLOCK and record.phase == "done":
        return LedgerTime(record.time, before.accepted + 1)
    return before if record.time <= before.newest else LedgerTime(record.time, before.accepted)


def trace(index: int, record: Record) -> Iterator[Change]:
    """Give the catalog's rows of the record at `index` of the log, whatever its act and phase."""
    yield Put(
        ACT,
        {
            "position": index,
            "id": record.id,
            "time": record.time,
            "principal": record.principal,
            "act": record.act,
            "phase": record.phase,
            "resource": record.resource,
            "purpose": record.purpose,
            "error": record.error,
            "continues": record.continues,
            "policies": " ".join(record.decision.policies),
        },
    )
    for ref in record.inputs:
        yield _link(index, "in", Output(ref=ref))
    for output in record.outputs:
        yield _link(index, "out", output)
    for emergency in record.facts.get("under", ()):
        yield _link(index, "under", Output(ref=emergency))
    if record.phase == "done":
        for approval in record.facts.get("approvals", ()):
            yield _link(index, "by", Output(ref=f"approval:{approval}"))


def retract(index: int, record: Record, act: type[Act]) -> Iterator[Change]:
    """Take back all that the `done` record at `index` put into the catalog.

    Raises:
        ValueError: its act declares no retention, or projects more than rows of its own.
    """
    yield Remove(ACT, {"position": index})
    yield Remove(LINK, {"position": index})
    for change in act.project(record, None):
        if not (act.retention and _is_own(change, record)):
            raise ValueError(
                f"{record.act} projects more than rows of its own: it cannot be pruned"
            )
        yield Remove(change.table, {"id": record.id})


def _is_own(change: Change, record: Record) -> TypeGuard[Put]:
    if not isinstance(change, Put):
        return False
    keys = [column.name for column in change.table.primary_key]
    return keys == ["id"] and change.row["id"] == record.id


def _link(index: int, direction: str, output: Output) -> Put:
    return Put(
        LINK,
        {
            "position": index,
            "direction": direction,
            "ref": output.ref,
            "sealed": output.sealed,
            "digest": output.digest,
        },
    )
