"""What was done to a table, as facts, and as OpenLineage's lineage of columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

_SCHEMA = "https://openlineage.io/spec/facets/1-2-0/ColumnLineageDatasetFacet.json"
_DEFINITION = "#/$defs/ColumnLineageDatasetFacet"


@dataclass(frozen=True, slots=True)
class AppliedColumn:
    """One column: where it came from, what was done with which parameters, whether it masks.

    `sources` is the column itself, then those that it also looked at. `output` is None where it
    was dropped. `parameters` are those of the plan; no key is among them.
    """

    output: str | None
    sources: tuple[str, ...]
    transform: str
    parameters: Mapping[str, Any] = field(hash=False)
    masks: bool


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done to one table: counts and declarations, no cell.

    `filtered_by` names the output columns whose small groups of fewer than `k` rows were removed;
    both are empty where none were asked for.
    """

    columns: tuple[AppliedColumn, ...]
    rows_before: int
    rows_after: int
    plan: str | None = None
    filtered_by: tuple[str, ...] = ()
    k: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The facts as plain values, for `canonical`."""
        return asdict(self)


def column_lineage(applied: Applied, *, namespace: str, name: str, producer: str) -> dict[str, Any]:
    """Give OpenLineage's ColumnLineageDatasetFacet 1-2-0 of the output.

    `namespace` and `name` are those of the input dataset, `producer` the URI of what did it. A
    column comes directly from itself (`IDENTITY` if kept, else `TRANSFORMATION`) and indirectly
    from those that it also looked at (`CONDITIONAL`); removed rows make every column depend on what
    they were grouped by (`FILTER`, for the whole dataset). Dropped columns have no entry.
    """

    def depends(source: str, kind: str, subtype: str, **more: Any) -> dict[str, Any]:
        transformation = {"type": kind, "subtype": subtype, **more}
        origin = {"namespace": namespace, "name": name, "field": source}
        return {**origin, "transformations": [transformation]}

    fields = {}
    for each in applied.columns:
        if each.output is None:
            continue
        told = {"description": each.transform, "masking": each.masks}
        subtype = "IDENTITY" if each.transform == "keep" else "TRANSFORMATION"
        own, *others = each.sources
        inputs = [depends(own, "DIRECT", subtype, **told)]
        inputs += [depends(other, "INDIRECT", "CONDITIONAL", **told) for other in others]
        fields[each.output] = {"inputFields": inputs}
    facet: dict[str, Any] = {
        "_producer": producer,
        "_schemaURL": _SCHEMA + _DEFINITION,
        "fields": fields,
    }
    if applied.filtered_by:
        told = {"description": f"groups of {applied.k} rows or more", "masking": False}
        facet["dataset"] = [
            depends(source, "INDIRECT", "FILTER", **told) for source in applied.filtered_by
        ]
    return facet
