"""Errors of Polars become ours here, its Rust panics (a `BaseException`) included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from freehold.data.errors import DataError


@contextmanager
def polars_errors(code: str, message: str, hint: str = "") -> Iterator[None]:
    """Raise `DataError` for whatever Polars raises in the block.

    Raises:
        DataError: with the first line of the cause.
    """
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        cause = str(error).partition("\n")[0][:200]
        raise DataError(code, f"{message}: {cause}", hint) from error
