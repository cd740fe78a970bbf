"""The one shape that all codes of a column have, as a pattern: `C-0041` and `C-9937` are
`[A-Z]-[0-9]{4}`.
"""

from __future__ import annotations

import polars as pl

_CLASSES = {"0": "[0-9]", "A": "[A-Z]", "a": "[a-z]"}
_SPECIAL = frozenset("\\.+*?()|[]{}^$")
_PARTS_MAX = 16  # runs of letters or digits; what has more is no code


def common_pattern(codes: pl.Series) -> str | None:
    """Return the pattern of runs of digits, upper and lower case that every value has, or None.

    A value without a digit is a word, and gives none. Marks between the runs are kept as they are;
    a run has its length where all have the same.
    """
    shapes = codes
    for name, letters in _CLASSES.items():
        shapes = shapes.str.replace_all(f"{letters}+", name)
    found = shapes.unique()
    if len(found) != 1 or "0" not in found[0] or sum(map(found[0].count, _CLASSES)) > _PARTS_MAX:
        return None
    parts = [_CLASSES.get(mark, _escaped(mark)) for mark in found[0]]
    is_run = [mark in _CLASSES for mark in found[0]]
    groups = "".join(f"({part}+)" if run else part for part, run in zip(parts, is_run, strict=True))
    runs = iter(codes.str.extract_groups(f"^{groups}$").struct.unnest().get_columns())
    return "".join(
        part + _counted(next(runs)) if run else part
        for part, run in zip(parts, is_run, strict=True)
    )


def _escaped(mark: str) -> str:
    return f"\\{mark}" if mark in _SPECIAL else mark


def _counted(runs: pl.Series) -> str:
    lengths = runs.str.len_chars().unique()
    if len(lengths) > 1:
        return "+"
    return "" if lengths[0] == 1 else f"{{{lengths[0]}}}"
