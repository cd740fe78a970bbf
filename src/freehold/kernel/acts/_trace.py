"""Every act in brief, with what it consumed and produced: the projection that all records share."""

from __future__ import annotations

from collections.abc import Iterator

from freehold.kernel.acts._record import Output, Record
from freehold.kernel.catalog import ACT, LINK, Change, Put


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
            "policies": " ".join(record.decision["policies"]),
        },
    )
    for ref in record.inputs:
        yield _link(index, "in", Output(ref))
    for output in record.outputs:
        yield _link(index, "out", output)
    for emergency in record.facts.get("under", ()):
        yield _link(index, "under", Output(emergency))
    if record.phase == "done":
        for approval in record.facts.get("approvals", ()):
            yield _link(index, "by", Output(f"approval:{approval}"))


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
