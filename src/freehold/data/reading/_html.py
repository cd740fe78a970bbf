"""Read the text of an HTML page: one row with the columns `title`, `text` and `hidden`.

`text` is what a browser shows, one line a block, space collapsed; scripts and styles are dropped.
`hidden` is text that the page holds and does not show: comments, `hidden`, `template`, `noscript`,
and what its own style sheets or attributes hide or push out of sight. It is kept so that checks for
planted instructions can see it. Styles are looked at, not computed: rules for some media only,
sheets of other files, colours on like ground and scripts are not followed.

lexbor, a browser's parser, reads it apart.
"""

from __future__ import annotations

from typing import BinaryIO

import polars as pl

from freehold.data.errors import DataError
from freehold.data.reading._apart import parse_apart
from freehold.data.reading._encoding import check_text
from freehold.data.reading._limits import DataLimits

_COLUMNS = ("title", "text", "hidden")


def read_html(stream: BinaryIO, limits: DataLimits) -> pl.DataFrame:
    """Read the page.

    Raises:
        DataError: not UTF-8, over a bound, or without text.
    """
    check_text(stream, limits)
    size = stream.seek(0, 2)
    if size > limits.field_bytes_max:
        raise DataError(
            "data.too_large",
            f"the page has {size} bytes; at most {limits.field_bytes_max} are read",
            "split it",
        )
    (texts,) = parse_apart(stream, "html", limits=limits)
    row = dict(zip(_COLUMNS, texts, strict=True))
    if row["text"] is None:
        raise DataError("data.empty", "the page shows no text", "is it made by a script?")
    return pl.DataFrame([row], schema=dict.fromkeys(_COLUMNS, pl.String))
