"""Find cells that a spreadsheet would run when it opens the table (CSV injection, CWE-1236).

What counts, after leading space: `=` and an expression; `@` and a call; `+` or `-` and then, past
plain arithmetic, a call, a DDE link (`cmd|…`), another sheet or a cell. Negative numbers, phone
numbers, list items, handles and underlines do not. Polars' regular expressions take linear time, so
no cell can stall the check.
"""

from __future__ import annotations

import polars as pl

from freehold.data.errors import DataError

# The full-width forms are what spreadsheets in East Asian settings accept too.
_START = r"^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]"
_CALL = r"[A-Za-z_][\w.]*\("
_WHOLE_CALL = r"[A-Za-z_][\w.]*\((?s:.*)\)\s*(?:$|[-+*/^&<>=])"
_DDE = r"[A-Za-z_][\w.]*\|"
_WHOLE_DDE = r"[A-Za-z_][\w.]*\s*\|[^!]*!"
_CELL = r"\$?[A-Za-z]{1,3}\$?[0-9]+"
_SHEET = r"(?:'[^']*'|[A-Za-z_]\w*)!\$?[A-Za-z]"
_OPERAND = rf'(?:[\d.,%]+|"[^"]*"|{_CELL})'
_ARITHMETIC = rf"(?:{_OPERAND}[\s)%]*[-+*/^&<>=][\s(+\-]*)*"
_FORMULA = "|".join(
    (
        r"^\s*[=\uFF1D][-+@\s]*[\w\"'({$.\\\[#]",
        rf"^\s*[@\uFF20](?:{_CALL}|{_DDE})",
        rf"^\s*[+\-\uFF0B\uFF0D][(+\-]*{_ARITHMETIC}"
        rf"(?:{_CALL}|{_DDE}|{_SHEET}|{_CELL}\s*(?:$|[-+*/^&<>=)]))",
        rf"^\s*[+\-\uFF0B\uFF0D][\s(+\-]*{_ARITHMETIC}(?:{_WHOLE_CALL}|{_WHOLE_DDE}|{_SHEET})",
    )
)


def refuse_formulas(cells: pl.Series, *, column: int, first_row: int) -> None:
    """Refuse the first cell that a spreadsheet would run; the series starts at `first_row`.

    Raises:
        DataError: with row and column; the cell itself is data and is not repeated.
    """
    candidates = cells.str.contains(_START).fill_null(False)
    if not candidates.any():  # nearly always: no need to look closer
        return
    found = cells.str.contains(_FORMULA).fill_null(False)
    if found.any():
        row = first_row + (found.arg_max() or 0)
        raise DataError(
            "data.formula",
            f"row {row}, column {column} ({cells.name!r:.80}) is a formula for a spreadsheet",
            "remove it, or keep such cells as text with formulas='text'",
        )
