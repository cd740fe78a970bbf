"""Ratings: who said what about which row, as numbers to compute agreement from.

In the words of the literature a row is a unit or subject, an annotator a rater, coder or observer,
and a value a category. Where a guideline allows several labels, a whole set of labels is one value;
`Ratings.of_label` asks about one label alone instead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from freehold.data.errors import DataError
from freehold.data.labelling._guideline import Guideline, Scale
from freehold.data.labelling._layer import LabelLayer
from freehold.data.labelling._limits import DEFAULT_LABEL_LIMITS
from freehold.data.labelling._texts import SEPARATOR

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ABSENT, PRESENT = "absent", "present"


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """One element of `row_of`, `annotator_of` and `value_of` for each rating; they are indices.

    `values` are in the order of the scale; `numbers` are what they stand for on an interval or
    ratio scale. `weights` say how often each row counts, once where it is None. Where nobody knows
    who gave which rating, `annotators` is empty and `annotator_of` is -1.
    """

    rows: tuple[str, ...]
    annotators: tuple[str, ...]
    values: tuple[str, ...]
    row_of: Integers
    annotator_of: Integers
    value_of: Integers
    scale: Scale = Scale.NOMINAL
    numbers: tuple[float, ...] | None = None
    weights: Floats | None = None

    def __len__(self) -> int:
        """How many ratings there are."""
        return len(self.row_of)

    @classmethod
    def of(cls, layer: LabelLayer, versions: Collection[int] | None = None) -> Ratings:
        """Take what holds in a layer, under these versions of its guideline or under all.

        Values, scale and numbers are those of the newest of them.

        Raises:
            DataError: `data.label`, a label that the newest of them does not allow;
                `data.too_few_rows`, no label.
            ValueError: a version that the layer does not have.
        """
        guideline, entries = _chosen(layer, versions)
        values = guideline.names
        if guideline.allows_several:
            values = tuple(sorted(set(entries["labels"].to_list())))
        known = {value: n for n, value in enumerate(values)}
        value_of = entries["labels"].replace_strict(known, default=None, return_dtype=pl.Int64)
        if value_of.null_count():
            raise DataError(
                "data.label",
                f"{value_of.null_count()} labels are not allowed by version {guideline.version} "
                "of the guideline, which the values are taken from",
                "have these rows labelled anew, or name the versions to compare",
            )
        return _ratings(entries, values, value_of, scale=guideline.scale, numbers=guideline.numbers)

    @classmethod
    def of_label(
        cls, layer: LabelLayer, label: str, versions: Collection[int] | None = None
    ) -> Ratings:
        """Take whether one label was given, where several are allowed: *absent* or *present*.

        Raises:
            DataError: `data.too_few_rows`, no label at all.
            ValueError: a label or version that the layer does not have.
        """
        guideline, entries = _chosen(layer, versions)
        if label not in guideline.names:
            raise ValueError(f"version {guideline.version} of the guideline has no such label")
        is_present = entries["labels"].str.split(SEPARATOR).list.contains(label)
        return _ratings(entries, (ABSENT, PRESENT), is_present.cast(pl.Int64))

    @classmethod
    def from_triples(
        cls,
        triples: Iterable[tuple[str, str, str]],
        values: Sequence[str],
        *,
        scale: Scale = Scale.NOMINAL,
        numbers: Sequence[float] | None = None,
    ) -> Ratings:
        """Take (row, annotator, value) as they are; an annotator may rate a row more than once.

        Raises:
            ValueError: a value that is not one of `values`, or numbers that do not fit the scale.
        """
        _check_scale(scale, values, numbers)
        given = list(triples)
        known = {value: n for n, value in enumerate(values)}
        unknown = sum(value not in known for _, _, value in given)
        if unknown:
            raise ValueError(f"{unknown} ratings are none of the {len(values)} values")
        frame = pl.DataFrame(given, schema=["row", "annotator", "value"], orient="row")
        value_of = pl.Series([known[value] for _, _, value in given], dtype=pl.Int64)
        return _ratings(
            frame,
            tuple(values),
            value_of,
            scale=scale,
            numbers=None if numbers is None else tuple(numbers),
        )

    @classmethod
    def from_counts(
        cls,
        rows: Sequence[str],
        counts: NDArray[np.integer],
        values: Sequence[str],
        *,
        scale: Scale = Scale.NOMINAL,
        numbers: Sequence[float] | None = None,
    ) -> Ratings:
        """Take how often each row got each value, where nobody knows by whom.

        Args:
            rows: as many as `counts` has rows.
            counts: rows x values, none below 0.
            values: as many as `counts` has columns.

        Raises:
            ValueError: shapes or numbers that do not fit.
        """
        if counts.shape != (len(rows), len(values)) or (counts < 0).any():
            raise ValueError(f"{len(rows)} rows, {len(values)} values, counts {counts.shape}")
        _check_scale(scale, values, numbers)
        cells = np.repeat(np.arange(counts.size), counts.ravel())
        return cls(
            rows=tuple(rows),
            annotators=(),
            values=tuple(values),
            row_of=cells // len(values),
            annotator_of=np.full(len(cells), -1),
            value_of=cells % len(values),
            scale=scale,
            numbers=None if numbers is None else tuple(numbers),
        )

    def counts(self) -> Floats:
        """How often each row got each value: rows x values.

        Raises:
            DataError: `data.too_large`, more cells than `LabelLimits.cells_max`.
        """
        size, most = len(self.rows) * len(self.values), DEFAULT_LABEL_LIMITS.cells_max
        if size > most:
            raise DataError(
                "data.too_large",
                f"{len(self.rows)} rows x {len(self.values)} values; at most {most} are counted",
                "take a sample of the rows",
            )
        cells = np.bincount(self.row_of * len(self.values) + self.value_of, minlength=size)
        return cells.reshape(len(self.rows), len(self.values)).astype(np.float64)

    def row_weights(self) -> Floats:
        """How often each row counts."""
        return np.ones(len(self.rows)) if self.weights is None else self.weights

    def annotator(self, name: str) -> int:
        """The index of an annotator.

        Raises:
            ValueError: nobody of that id has rated anything here.
        """
        if name not in self.annotators:
            raise ValueError("no rating here is by that annotator")
        return self.annotators.index(name)

    def without(self, annotator: str) -> Ratings:
        """The ratings of the others; the rows stay, rated or not.

        Raises:
            ValueError: nobody of that id has rated anything here.
        """
        return self._picked(self.annotator_of != self.annotator(annotator))

    def shared(self) -> Ratings:
        """The ratings of rows that have two or more, with these rows alone."""
        ratings = np.bincount(self.row_of, minlength=len(self.rows))
        kept = np.flatnonzero(ratings >= 2)
        number = np.full(len(self.rows), -1)
        number[kept] = np.arange(len(kept))
        picked = self._picked(ratings[self.row_of] >= 2)
        return replace(
            picked,
            rows=tuple(self.rows[n] for n in kept),
            row_of=number[picked.row_of],
            weights=None if self.weights is None else self.weights[kept],
        )

    def _picked(self, chosen: NDArray[np.bool_]) -> Ratings:
        return replace(
            self,
            row_of=self.row_of[chosen],
            annotator_of=self.annotator_of[chosen],
            value_of=self.value_of[chosen],
        )


def _chosen(layer: LabelLayer, versions: Collection[int] | None) -> tuple[Guideline, pl.DataFrame]:
    """The newest of the guidelines, and what holds under them, sets of labels as one text."""
    known = {each.version: each for each in layer.guidelines}
    wanted = set(known) if versions is None else set(versions)
    if not wanted or wanted - set(known):
        raise ValueError(f"expected some of the layer's versions {list(known)}")
    entries = layer.current().filter(pl.col("guideline").is_in(sorted(wanted)))
    if not entries.height:
        raise DataError("data.too_few_rows", "no row has a label to compare", "label some rows")
    return known[max(wanted)], entries.with_columns(pl.col("labels").list.join(SEPARATOR))


def _check_scale(scale: Scale, values: Sequence[str], numbers: Sequence[float] | None) -> None:
    if scale.has_numbers != (numbers is not None) or len(numbers or values) != len(values):
        raise ValueError(f"the scale {scale} has a number for each value, or none at all")


def _ratings(
    frame: pl.DataFrame,
    values: tuple[str, ...],
    value_of: pl.Series,
    *,
    scale: Scale = Scale.NOMINAL,
    numbers: tuple[float, ...] | None = None,
) -> Ratings:
    """Number rows and annotators in the order of their names."""
    rows, row_of = np.unique(frame["row"].to_numpy(), return_inverse=True)
    annotators, annotator_of = np.unique(frame["annotator"].to_numpy(), return_inverse=True)
    return Ratings(
        rows=tuple(map(str, rows)),
        annotators=tuple(map(str, annotators)),
        values=values,
        row_of=row_of.astype(np.int64),
        annotator_of=annotator_of.astype(np.int64),
        value_of=value_of.to_numpy().astype(np.int64),
        scale=scale,
        numbers=numbers,
    )
