"""Rows become the same numbers in training, evaluation and serving."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import polars as pl

from freehold.models import Feature, FeatureKind, matrix, texts


def test_each_kind_has_its_numbers() -> None:
    frame = pl.DataFrame(
        {
            "n": [1, None, -3],
            "b": [True, False, None],
            "t": [date(1970, 1, 2), None, date(1969, 12, 31)],
            "c": ["x", "never seen", None],
        }
    )
    features = (
        Feature("c", FeatureKind.category, ("w", "x")),
        Feature("n", FeatureKind.number),
        Feature("b", FeatureKind.boolean),
        Feature("t", FeatureKind.time),
    )
    nan = np.nan
    expected = [[1, 1, 1, 1], [2, nan, 0, nan], [nan, -3, nan, -1]]
    np.testing.assert_array_equal(matrix(frame, features), expected)


def test_a_time_of_day_is_a_part_of_its_day() -> None:
    frame = pl.DataFrame({"t": [datetime(1970, 1, 2, 12)]})
    assert matrix(frame, (Feature("t", FeatureKind.time),)).tolist() == [[1.5]]


def test_a_column_of_nothing_fits_every_kind() -> None:
    frame = pl.DataFrame({"x": [None, None]})
    for kind in (FeatureKind.number, FeatureKind.boolean, FeatureKind.time, FeatureKind.category):
        assert np.isnan(matrix(frame, (Feature("x", kind, ("a",)),))).all()


def test_a_missing_text_is_empty() -> None:
    frame = pl.DataFrame({"x": ["a", None]})
    assert texts(frame, Feature("x", FeatureKind.text)) == ["a", ""]
