"""A layer of labels over the rows of one dataset version.

The data itself is never touched: a layer names rows by identity and says who gave them which label,
under which version of the guideline, and what they had said before. It is a value; adding to it
makes another. It knows no clock, and it does not know whether its rows exist: who reads labels from
outside says which do (`read_labels_csv`).

    layer = LabelLayer("dataset:0190…@3", (guideline,))
    layer = layer.add([Label("17", ("yes",), "user:0191…", 1, "2026-11-24T20:00:00Z")])
    layer.current()        # what holds, one entry for each row and annotator
    layer.digest           # the same for the same labels, in whichever order they came

The order in which labels of different rows or annotators came is not part of a layer, so that two
people who label apart can merge their layers either way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import polars as pl

from freehold.data.errors import DataError
from freehold.data.labelling._entries import (
    ENTRY_COLUMNS,
    KEY,
    check_entries,
    empty_entries,
    entries_of,
    place_in_list,
)
from freehold.data.labelling._guideline import Guideline
from freehold.data.labelling._label import Label
from freehold.data.labelling._limits import DEFAULT_LABEL_LIMITS, LabelLimits
from freehold.data.labelling._texts import problem_of
from freehold.kernel import canonical, digest

LAYER_VERSION = 1


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LabelLayer:
    """Labels of one dataset version, all revisions kept.

    Args:
        dataset: the dataset version that the rows are of, as the caller names it.
        guidelines: every version of the guideline that a label may follow; at least one.

    Raises:
        DataError: `data.guideline`, no guideline or two of the same version; `data.label`, a
            dataset that cannot be named so.
    """

    dataset: str
    guidelines: tuple[Guideline, ...]
    limits: LabelLimits = DEFAULT_LABEL_LIMITS
    _entries: pl.DataFrame = field(default_factory=empty_entries)  # checked, and in order

    def __post_init__(self) -> None:
        problem = problem_of(self.dataset, self.limits.identity_chars_max)
        if problem:
            raise DataError("data.label", f"the layer's dataset cannot be named so: {problem}")
        ordered = sorted(self.guidelines, key=lambda each: each.version)
        versions = [each.version for each in ordered]
        if not versions or len(set(versions)) != len(versions):
            raise DataError(
                "data.guideline",
                f"a layer has versions {versions} of its guideline; expected at least one, and "
                "each once",
                "give a changed guideline another version",
            )
        object.__setattr__(self, "guidelines", tuple(ordered))

    def __len__(self) -> int:
        """How many entries there are, superseded ones included."""
        return self._entries.height

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LabelLayer):
            return NotImplemented
        return (self.dataset, self.guidelines) == (
            other.dataset,
            other.guidelines,
        ) and self._entries.equals(other._entries)

    def __hash__(self) -> int:
        return hash((self.dataset, self.guidelines, len(self)))

    def __repr__(self) -> str:
        versions = [each.version for each in self.guidelines]
        return f"LabelLayer({self.dataset!r}, guidelines {versions}, {len(self)} entries)"

    @property
    def newest(self) -> Guideline:
        """The guideline with the highest version."""
        return self.guidelines[-1]

    @property
    def digest(self) -> str:
        """The SHA-256 of the layer's canonical bytes."""
        return digest(self.to_bytes())

    def add(self, labels: Iterable[Label]) -> LabelLayer:
        """Add labels where their annotator has given none; all of them or none.

        Raises:
            DataError: `data.label`, a label that cannot be one; `data.label_conflict`, a row that
                this annotator has labelled; `data.too_large`.
        """
        return self._extended(labels, is_replacing=False)

    def replace(self, labels: Iterable[Label]) -> LabelLayer:
        """Give labels anew where their annotator has given one; what they said before is kept.

        Raises:
            DataError: `data.label`, a label that cannot be one; `data.label_conflict`, a row that
                this annotator has not labelled; `data.too_large`.
        """
        return self._extended(labels, is_replacing=True)

    def with_guideline(self, guideline: Guideline) -> LabelLayer:
        """Let labels follow another version of the guideline too.

        Raises:
            DataError: `data.guideline`, the layer has this version.
        """
        return replace(self, guidelines=(*self.guidelines, guideline))

    def merge(self, other: LabelLayer) -> LabelLayer:
        """Join two layers of one dataset version; the result does not depend on their order.

        Where both have revisions of a row by one annotator, those of the one have to continue those
        of the other.

        Raises:
            DataError: `data.label_conflict`, layers of other datasets, guidelines of one version
                that differ, or revisions that went apart; `data.too_large`.
        """
        if self.dataset != other.dataset:
            raise _conflict("the layers are of two dataset versions", "merge layers of one")
        guidelines = {each.version: each for each in self.guidelines}
        for each in other.guidelines:
            if guidelines.setdefault(each.version, each) != each:
                raise _conflict(
                    f"the layers have different guidelines of version {each.version}",
                    "give the changed one another version, and its labels too",
                )
        entries = pl.concat([self._entries, other._entries]).unique().sort(*KEY, "revision")
        apart = entries.select(*KEY, "revision").is_duplicated()
        if apart.any():
            rows = entries.filter(apart).select(*KEY).n_unique()
            raise _conflict(
                f"{rows} rows have labels by one annotator that differ between the layers",
                "let the annotator replace one of them, then merge",
            )
        return replace(
            self,
            guidelines=tuple(guidelines.values()),
            _entries=self._bounded(entries),
        )

    def entries(self) -> pl.DataFrame:
        """All revisions, by row, annotator and revision.

        Columns: `row`, `annotator`, `at` (text), `revision` (from 1), `guideline` (integers) and
        `labels` (a list of text, in the guideline's order).
        """
        return self._entries.clone()

    def current(self) -> pl.DataFrame:
        """The last revision of each row and annotator, as `entries` has them."""
        return self._entries.unique(subset=KEY, keep="last", maintain_order=True)

    def history(self, row: str, annotator: str) -> tuple[Label, ...]:
        """What one annotator said about one row, the last being what holds."""
        found = self._entries.filter(pl.col("row") == row, pl.col("annotator") == annotator)
        return tuple(
            Label(each["row"], tuple(each["labels"]), annotator, each["guideline"], each["at"])
            for each in found.iter_rows(named=True)
        )

    def counts_by_row(self) -> pl.DataFrame:
        """How many annotators have labelled each row that has a label: `row`, `labels`."""
        return self._entries.group_by("row").agg(labels=pl.col("annotator").n_unique()).sort("row")

    def counts_by_annotator(self) -> pl.DataFrame:
        """Who labelled how much: `annotator`, `guideline`, `rows` that hold, `revisions` in all.

        A row that was labelled again under a later guideline counts under that one; its earlier
        revisions count where they were given.
        """
        by = ("annotator", "guideline")
        revisions = self._entries.group_by(by).agg(revisions=pl.len().cast(pl.Int64))
        rows = self.current().group_by(by).agg(rows=pl.len().cast(pl.Int64))
        counts = revisions.join(rows, on=by, how="left").with_columns(pl.col("rows").fill_null(0))
        return counts.select(*by, "rows", "revisions").sort(by)

    def to_bytes(self) -> bytes:
        """The canonical bytes (docs/formats/label-layer.md): equal layers have equal bytes."""
        header = {
            "v": LAYER_VERSION,
            "dataset": self.dataset,
            "guidelines": [each.as_json() for each in self.guidelines],
            "entries": len(self),
        }
        lines = [canonical(header), *map(canonical, self._entries.select(ENTRY_COLUMNS).rows())]
        return b"\n".join(lines) + b"\n"

    def _extended(self, labels: Iterable[Label], *, is_replacing: bool) -> LabelLayer:
        new = check_entries(entries_of(labels), self.guidelines, self.limits, place_in_list)
        twice = new.select(KEY).is_duplicated()
        if twice.any():
            raise _conflict(
                f"{place_in_list(twice.arg_max() or 0, 'row')}: the annotator labels this row "
                "twice among them",
                "give each row and annotator once",
            )
        last = self._entries.group_by(KEY).agg(last=pl.col("revision").max())
        new = new.join(last, on=KEY, how="left", maintain_order="left")
        is_wrong = new["last"].is_null() == is_replacing
        if is_wrong.any():
            said = "not labelled this row" if is_replacing else "labelled this row already"
            raise _conflict(
                f"{place_in_list(is_wrong.arg_max() or 0, 'row')}: the annotator has {said}",
                "add it" if is_replacing else "replace it",
            )
        new = new.with_columns(revision=pl.col("last").fill_null(0) + 1).select(ENTRY_COLUMNS)
        entries = pl.concat([self._entries, new]).sort(*KEY, "revision")
        return replace(self, _entries=self._bounded(entries))

    def _bounded(self, entries: pl.DataFrame) -> pl.DataFrame:
        if entries.height > self.limits.entries_max:
            raise DataError(
                "data.too_large",
                f"{entries.height} labels; a layer holds at most {self.limits.entries_max}",
            )
        return entries


def layer_of(
    dataset: str, guidelines: tuple[Guideline, ...], entries: pl.DataFrame, limits: LabelLimits
) -> LabelLayer:
    """Make a layer of entries that `check_entries` has passed, in any order.

    Raises:
        DataError: `data.label_conflict`, a row and annotator whose revisions are not 1, 2, 3 ….
    """
    ordered = entries.select(ENTRY_COLUMNS).sort(*KEY, "revision")
    expected = ordered.select(pl.int_range(1, pl.len() + 1).over(KEY)).to_series()
    if (ordered["revision"] != expected).any():
        raise _conflict(
            "the revisions of a row by one annotator are not 1, 2, 3 …, each once",
            "give each row and annotator once, or number what they said",
        )
    return LabelLayer(dataset, guidelines, limits, ordered)


def _conflict(message: str, hint: str) -> DataError:
    return DataError("data.label_conflict", message, hint)
