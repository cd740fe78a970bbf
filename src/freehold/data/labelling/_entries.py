"""The entries of a layer as a frame: their schema, and the one check that each of them passes.

An entry is one revision of one annotator's label of one row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from freehold.data.errors import DataError
from freehold.data.labelling._guideline import Guideline
from freehold.data.labelling._label import Label
from freehold.data.labelling._limits import LabelLimits
from freehold.data.labelling._texts import SEPARATOR, UNFIT

KEY = ("row", "annotator")
ENTRY_COLUMNS = ("row", "annotator", "revision", "guideline", "labels", "at")

Place = Callable[[int, str], str]  # names the entry at an index, and one of its columns


def entry_schema() -> dict[str, pl.DataType]:
    """The columns of a frame of entries, in their order."""
    return {
        "row": pl.String(),
        "annotator": pl.String(),
        "revision": pl.Int64(),
        "guideline": pl.Int64(),
        "labels": pl.List(pl.String()),
        "at": pl.String(),
    }


def empty_entries() -> pl.DataFrame:
    """A frame of no entries."""
    return pl.DataFrame(schema=entry_schema())


def entries_of(labels: Iterable[Label]) -> pl.DataFrame:
    """Make entries of labels as they were given, all of revision 1.

    Raises:
        DataError: `data.label`, text that is not Unicode.
    """
    given = list(labels)
    return frame_of(
        {
            "row": [label.row for label in given],
            "annotator": [label.annotator for label in given],
            "revision": [1] * len(given),
            "guideline": [label.guideline for label in given],
            "labels": [label.labels for label in given],
            "at": [label.at for label in given],
        },
        place_in_list,
    )


def frame_of(columns: Mapping[str, Sequence[Any]], place: Place) -> pl.DataFrame:
    """Make a frame of entries from one list for each column.

    Raises:
        DataError: `data.label`, text that is not Unicode, or a label that holds a separator.
    """
    joined = [SEPARATOR.join(labels) for labels in columns["labels"]]  # lists of lists are slow
    for index, (text, labels) in enumerate(zip(joined, columns["labels"], strict=True)):
        if text.count(SEPARATOR) > max(0, len(labels) - 1):
            raise _refusal(index, "labels", place, "has a label that the guideline does not allow")
    schema = entry_schema() | {"labels": pl.String()}
    try:
        frame = pl.DataFrame({**columns, "labels": joined}, schema=schema)
    except UnicodeEncodeError as error:
        raise DataError(
            "data.label", "a label has text with a lone surrogate; expected Unicode", "correct it"
        ) from error
    return frame.with_columns(pl.col("labels").str.split(SEPARATOR))


def place_in_list(index: int, column: str) -> str:
    """Name an entry by its place among those given, from 1."""
    return f"label {index + 1} of those given, {column}"


def check_entries(
    entries: pl.DataFrame, guidelines: Sequence[Guideline], limits: LabelLimits, place: Place
) -> pl.DataFrame:
    """Return the entries with the labels of each in the order of their guideline.

    Raises:
        DataError: `data.label`, an identity that cannot be one, an unknown guideline, or labels
            that the guideline does not allow; `data.too_large`. Told by `place`, never by value.
    """
    if entries.height > limits.entries_max:
        raise DataError(
            "data.too_large", f"{entries.height} labels; at most {limits.entries_max} are held"
        )
    for column in ("row", "annotator", "at"):
        text = entries[column]
        _refuse_first(
            text.str.contains(UNFIT),
            column,
            place,
            "has space at an end, is empty or has control characters",
        )
        _refuse_first(
            text.str.len_chars() > limits.identity_chars_max,
            column,
            place,
            f"has more than {limits.identity_chars_max} characters",
        )
    versions = [guideline.version for guideline in guidelines]
    _refuse_first(
        ~entries["guideline"].is_in(versions),
        "guideline",
        place,
        f"is none of the versions {', '.join(map(str, versions))} of the layer",
    )
    return entries.with_columns(_ordered(entries, guidelines, place))


def _ordered(entries: pl.DataFrame, guidelines: Sequence[Guideline], place: Place) -> pl.Series:
    """The labels of each entry in the order of its guideline, each different set looked at once."""
    by_version = {each.version: each for each in guidelines}
    said = entries.select("guideline", pl.col("labels").list.join(SEPARATOR))
    different = said.unique(maintain_order=True)
    ordered = []
    for guideline, text in different.rows():
        labels, problem = text.split(SEPARATOR), ""
        positions = {name: n for n, name in enumerate(by_version[guideline].names)}
        if not all(label in positions for label in labels):
            problem = "has a label that the guideline does not allow"
        elif len(labels) > 1 and not by_version[guideline].allows_several:
            problem = f"has {len(labels)} labels; the guideline allows one"
        elif len(set(labels)) < len(labels):
            problem = "has the same label twice"
        if problem:
            is_wrong = (said["guideline"] == guideline) & (said["labels"] == text)
            raise _refusal(is_wrong.arg_max() or 0, "labels", place, problem)
        ordered.append(SEPARATOR.join(sorted(labels, key=positions.__getitem__)))
    found = said.join(
        different.with_columns(ordered=pl.Series(ordered, dtype=pl.String)),
        on=["guideline", "labels"],
        how="left",
        maintain_order="left",
    )
    return found["ordered"].str.split(SEPARATOR).alias("labels")


def _refuse_first(is_wrong: pl.Series, column: str, place: Place, problem: str) -> None:
    if is_wrong.any():
        raise _refusal(is_wrong.arg_max() or 0, column, place, problem)


def _refusal(index: int, column: str, place: Place, problem: str) -> DataError:
    return DataError("data.label", f"{place(index, column)}: it {problem}", "correct it there")
