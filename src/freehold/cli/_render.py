"""Results for people: tables and pairs; errors with their next step.

For programs there is --json.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from freehold.kernel import FreeholdError

NOTHING = "\N{EN DASH}"
CELL_CHARS_MAX = 60  # a longer value is shown whole by the verb that shows one thing


def render(console: Console, result: Any, *, as_json: bool) -> None:
    """Print a verb's result."""
    if as_json:
        console.file.write(json.dumps(result, ensure_ascii=False) + "\n")
    elif result is None:
        console.print("done")
    elif isinstance(result, str):
        console.file.write(result.rstrip("\n") + "\n")  # a receipt or statement: to the byte
    elif isinstance(result, Mapping):
        console.print(_pairs(result))
    elif result and isinstance(result, list) and isinstance(result[0], Mapping):
        console.print(_table(result))
    elif not result:
        console.print("nothing yet")
    else:
        for each in result:
            console.print(_cell(each))


def render_error(console: Console, error: FreeholdError, *, as_json: bool) -> None:
    """Print an error: what happened, and the next step."""
    if as_json:
        told = {"code": error.code, "message": error.message, "hint": error.hint}
        console.file.write(json.dumps({"error": told}, ensure_ascii=False) + "\n")
        return
    console.print(f"[bold red]{error.code}[/]", highlight=False)
    console.print(f"  {error.message}", markup=False, highlight=False)
    if error.hint:
        console.print(f"  → {error.hint}", markup=False, highlight=False)


def _pairs(result: Mapping[str, Any]) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in result.items():
        title = name.replace("_", " ")
        if isinstance(value, Mapping) and value:
            table.add_row(title, _pairs(value))
        elif isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value):
            table.add_row(title, _table(value))
        else:
            table.add_row(title, Text(_long(value)))  # Text: no markup from data
    return table


def _table(rows: list[Mapping[str, Any]]) -> Table:
    names = [name for name in rows[0] if _is_shown(name, rows)]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        if name == "time":
            table.add_column("time (UTC)", no_wrap=True)
            continue
        is_number = all(isinstance(row.get(name), int | float) for row in rows)
        table.add_column(
            name.replace("_", " "), justify="right" if is_number else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(
            *(_second(row[name]) if name == "time" else _cell(_value(row, name)) for name in names)
        )
    return table


def _is_shown(name: str, rows: list[Mapping[str, Any]]) -> bool:
    """Tell whether a column says anything that the others do not, in the width of a line."""
    if name == "name":
        return True
    if (name, "index") == ("id", next(iter(rows[0]))) or (name == "ref" and "name" in rows[0]):
        return False  # the shorter of the two names the thing as well
    values = [row.get(name) for row in rows]
    is_told = any(value not in (None, "", [], {}) for value in values)
    return is_told and not any(isinstance(value, dict) for value in values)


def _value(row: Mapping[str, Any], name: str) -> Any:
    """A value of a row; a thing's name with its version, or its reference once that is erased."""
    if name != "name" or "ref" not in row:
        return row.get(name)
    thing, at, version = row["ref"].partition("@")
    return (row["name"] or thing) + at + version


def _second(moment: str) -> str:
    """A moment to the second; --json has all of it."""
    return moment[:19].replace("T", " ")


def _cell(value: Any) -> Text:
    text = _long(value)
    return Text(text if len(text) <= CELL_CHARS_MAX else text[: CELL_CHARS_MAX - 1] + "…")


def _long(value: Any) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list) and all(not isinstance(each, list | dict) for each in value):
        return ", ".join(map(str, value)) or NOTHING
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, indent=1)
    return str(value)
