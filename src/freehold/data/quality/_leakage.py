"""What a test part gives away of the training part, and columns that give away the target.

A measure on a test part is only worth something if the model has not seen its rows, nor the answer
among the features (Kaufman, Rosset and Perlich, 2012, Leakage in Data Mining).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from freehold.data.errors import DataError
from freehold.data.quality._columns import codes, is_numeric, named, numbers
from freehold.data.quality._groups import fold_equal
from freehold.data.quality._limits import DEFAULT_QUALITY_LIMITS, QualityLimits
from freehold.data.quality._near_duplicates import (
    NearDuplicates,
    near_duplicate_rows,
    near_duplicates,
)

Codes = NDArray[np.int64]
Rows = NDArray[np.int64]

_FEATURE_BINS = 256  # of a numeric column; one that tells the target does so in fewer
_TARGET_BINS = 10  # tenths of a numeric target
_TARGET_CLASSES_MAX = 20  # a numeric target of more values is measured, not counted


@dataclass(frozen=True, slots=True)
class Determination:
    """How well one column alone tells the target, on rows that it was not learned from.

    `share` is the share of errors that it saves over always naming the commonest class (lambda of
    Goodman and Kruskal, 1954): 1 tells the target, 0 tells nothing.
    """

    name: str
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class PartLeakage:
    """Rows of the test part, counted from 0 there, that the training part has too.

    `exact` have the same features, `near` nearly the same (or are joined to a training row by a
    chain of near ones); `contradicting` have the same features and another target.
    """

    train_rows: int
    test_rows: int
    exact: Rows
    near: Rows
    contradicting: Rows
    threshold: float

    def as_json(self, *, limits: QualityLimits = DEFAULT_QUALITY_LIMITS) -> dict[str, Any]:
        """Counts, and the first row numbers of each kind."""
        told = limits.rows_told_max
        return {
            "train_rows": self.train_rows,
            "test_rows": self.test_rows,
            "threshold": self.threshold,
            "exact": len(self.exact),
            "near": len(self.near),
            "contradicting": len(self.contradicting),
            "exact_rows": self.exact[:told].tolist(),
            "near_rows": self.near[:told].tolist(),
            "contradicting_rows": self.contradicting[:told].tolist(),
        }


@dataclass(frozen=True, slots=True)
class TargetLeakage:
    """Every feature and how well it alone tells the target, the best first."""

    target: str
    share_min: float
    columns: tuple[Determination, ...]

    @property
    def determining(self) -> tuple[str, ...]:
        """The features that tell the target nearly always; each has to be explained or dropped."""
        return tuple(each.name for each in self.columns if each.share >= self.share_min)

    def as_json(self) -> dict[str, Any]:
        """Shares and column names."""
        return {
            "target": self.target,
            "share_min": self.share_min,
            "determining": list(self.determining),
            "columns": [asdict(each) | {"share": round(each.share, 4)} for each in self.columns],
        }


def part_leakage(
    train: pl.DataFrame,
    test: pl.DataFrame,
    *,
    target: str | None = None,
    text: str | None = None,
    threshold: float = 0.8,
    seed: int = 0,
) -> PartLeakage:
    """Find the rows of `test` that `train` has as well.

    Features are all columns but `target`. Nearness is that of the column `text` if one is named,
    else of whole rows of features; `threshold` and `seed` are those of `near_duplicates`.

    Raises:
        DataError: parts with other columns, a column that they lack, or a `text` without text.
        ValueError: no features, or as `near_duplicates`.
    """
    _check_parts(train, test)
    for name in (target, text):
        if name is not None:
            named(train, [name])
    features = [name for name in train.columns if name != target]
    if not features:
        raise ValueError("a table of the target alone has no features to compare")
    coded = {name: codes(train[name], test[name]) for name in train.columns}
    train_at, test_at = _split_positions(coded, features)
    exact = np.flatnonzero(np.isin(test_at, train_at))
    if text is None:
        near = near_duplicate_rows(
            pl.DataFrame({name: np.concatenate(coded[name]) for name in features}),
            threshold=threshold,
            seed=seed,
        )
    else:
        texts = pl.concat([train[text], test[text]])
        near = near_duplicates(texts, threshold=threshold, seed=seed)
    contradicting = exact[:0]
    if target is not None:
        whole_train, whole_test = _split_positions(coded, train.columns)
        contradicting = exact[~np.isin(whole_test[exact], whole_train)]
    return PartLeakage(
        train_rows=train.height,
        test_rows=test.height,
        exact=exact,
        near=_across(near, train.height),
        contradicting=contradicting,
        threshold=threshold,
    )


def target_leakage(
    train: pl.DataFrame, test: pl.DataFrame, *, target: str, share_min: float = 0.95
) -> TargetLeakage:
    """Measure how well each feature alone tells the target.

    Each value of a column (each of 256 bins of a numeric one) names the class that most of its
    training rows have; the test rows say how often it is right. A number that only names the row
    tells nothing there. A numeric target of over 20 values counts by its tenths.

    Raises:
        DataError: parts with other columns, no such target, or a part without a row that has one.
        ValueError: a share outside 0 to 1.
    """
    if not 0 < share_min <= 1:
        raise ValueError(f"a share lies between 0 and 1, got {share_min}")
    _check_parts(train, test)
    named(train, [target])
    train, test = train.drop_nulls(target), test.drop_nulls(target)
    if not train.height or not test.height:
        raise DataError(
            "data.too_few_rows", "a part has no row with a target", "add rows with a target"
        )
    classes, truth = _binned(
        train[target], test[target], bins=_TARGET_BINS, values_max=_TARGET_CLASSES_MAX
    )
    found = [
        Determination(
            name, _saved(_binned(train[name], test[name], bins=_FEATURE_BINS), classes, truth)
        )
        for name in train.columns
        if name != target
    ]
    return TargetLeakage(target, share_min, tuple(sorted(found, key=lambda each: -each.share)))


def _check_parts(train: pl.DataFrame, test: pl.DataFrame) -> None:
    if set(train.columns) != set(test.columns):
        differing = sorted(set(train.columns) ^ set(test.columns))
        raise DataError(
            "data.column",
            f"{len(differing)} columns are in one part alone, the first is {differing[0]!r:.80}",
            "compare parts of one table",
        )


def _split_positions(coded: dict[str, tuple[Codes, ...]], names: list[str]) -> tuple[Rows, Rows]:
    together = pl.DataFrame({name: np.concatenate(coded[name]) for name in names})
    positions = fold_equal(together)[1]
    train_rows = len(coded[names[0]][0])
    return positions[:train_rows], positions[train_rows:]


def _across(near: NearDuplicates, train_rows: int) -> Rows:
    """The test rows of the groups that also have a training row."""
    found = [
        group.rows[group.rows >= train_rows] - train_rows
        for group in near.groups
        if group.rows[0] < train_rows
    ]
    return np.sort(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)


def _binned(
    train: pl.Series, test: pl.Series, *, bins: int, values_max: int = 0
) -> tuple[Codes, Codes]:
    """Codes of both parts; many-valued numbers by the quantiles of the training part."""
    if not is_numeric(train) or not is_numeric(test) or train.n_unique() <= values_max:
        coded = codes(train, test)
        return coded[0], coded[1]
    learned, judged = numbers(train), numbers(test)
    known = learned[~np.isnan(learned)]
    edges = np.unique(np.quantile(known, np.arange(1, bins) / bins)) if len(known) else known
    return (  # NaN sorts behind all, into a bin of its own
        np.where(np.isnan(learned), len(edges) + 1, np.searchsorted(edges, learned)),
        np.where(np.isnan(judged), len(edges) + 1, np.searchsorted(edges, judged)),
    )


def _saved(feature: tuple[Codes, Codes], classes: Codes, truth: Codes) -> float:
    learned, judged = feature
    majority = np.bincount(classes).argmax()
    values = int(max(learned.max(), judged.max())) + 1
    width = int(classes.max()) + 1
    pairs, counts = np.unique(learned * width + classes, return_counts=True)
    order = np.argsort(counts, kind="stable")  # the commonest class is written last, and stays
    told = np.full(values, majority, dtype=np.int64)
    told[pairs[order] // width] = pairs[order] % width
    errors = np.count_nonzero(truth != majority)
    saved = errors - np.count_nonzero(truth != told[judged])
    return saved / errors if errors else 0.0
