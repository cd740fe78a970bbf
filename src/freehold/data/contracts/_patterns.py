"""Patterns in RE2's syntax, which are matched in time linear in the value, whoever wrote them.

RE2 has no look-around and no backreferences (https://github.com/google/re2/wiki/Syntax); `\\d`,
`\\w` and `\\s` mean ASCII.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import re2  # type: ignore[import-untyped]

from freehold.data.contracts._limits import DEFAULT_CONTRACT_LIMITS

_BATCH_ROWS = 16_384  # values that Python holds at a time


def pattern_fault(pattern: str) -> str:
    """Say why RE2 refuses a pattern, or nothing."""
    try:
        _compile(pattern)
    except UnicodeEncodeError:
        return "it holds half of a surrogate pair"
    except re2.error as error:
        cause = error.args[0] if error.args else error
        return cause.decode(errors="replace") if isinstance(cause, bytes) else str(cause)
    return ""


def not_matching(values: pl.Series, pattern: str) -> pl.Series:
    """The distinct values (text) of which the whole does not match `pattern`."""
    compiled = _compile(pattern)
    distinct = values.drop_nulls().unique()
    is_bad = [
        compiled.fullmatch(each) is None
        for part in distinct.cast(pl.Binary).to_frame().iter_slices(_BATCH_ROWS)
        for each in part.to_series().to_list()
    ]
    return distinct.filter(pl.Series(is_bad, dtype=pl.Boolean))


def _compile(pattern: str) -> Any:
    options = re2.Options()
    options.max_mem = DEFAULT_CONTRACT_LIMITS.pattern_bytes_max
    options.never_capture = True  # groups are for alternatives; without them RE2 runs its DFA
    options.log_errors = False
    return re2.compile(pattern.encode(), options=options)
