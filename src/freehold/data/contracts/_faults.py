"""Where a contract is wrong, as a path of keys, and what its writer may have meant."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import TypeAlias

from freehold.data.errors import DataError

KeyPath: TypeAlias = tuple[str | int, ...]

_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_SHOWN_CHARS_MAX = 60  # what a refusal quotes of one value of the contract


class Misfit(DataError):
    """A contract that cannot be meant: code `data.contract`, and the path of the wrong key."""

    def __init__(self, path: KeyPath, problem: str, hint: str = "") -> None:
        where = show_path(path)
        super().__init__("data.contract", f"{where}: {problem}" if where else problem, hint)
        self.path = path


def show_path(path: KeyPath) -> str:
    """Write a path as TOML writes keys: `columns."due date".minimum`, `keys[0].columns`."""
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part}]"
        else:
            shown += f".{toml_key(part)}" if shown else toml_key(part)
    return shown


def toml_key(name: str) -> str:
    """Write a key of TOML, in quotes where they are needed."""
    return name if name and set(name) <= _BARE else toml_text(name)


def toml_text(text: str) -> str:
    """Write text as TOML: in single quotes where that spares backslashes, else as JSON does, with
    DEL escaped as well.
    """
    if "\\" in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def show(value: object) -> str:
    """Show a value of the contract as it is written, at most 60 characters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list | tuple):
        return "a table" if isinstance(value, dict) else "a list"
    text = toml_text(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN_CHARS_MAX else text[: _SHOWN_CHARS_MAX - 1] + "…"


def one_of(options: Iterable[str]) -> str:
    """Say `one of a, b, c`, the first twenty."""
    names = list(options)
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return f"one of {', '.join(names[:20])}{more}"


def near(found: str, options: Iterable[str]) -> str:
    """Say `did you mean …?` for the options that resemble `found`, or nothing."""
    by_lower = {option.lower(): option for option in sorted(options)}
    lower = found.lower()
    matches = (
        [lower] if lower in by_lower else difflib.get_close_matches(lower, by_lower, cutoff=0.7)
    )
    shown = " or ".join(show(by_lower[match]) for match in matches)
    return f"did you mean {shown}?" if shown else ""
