"""A strict reader over parsed TOML: values are asked for by key and type, or refused by path.

It knows nothing of charters. Every refusal names the key path, what was expected, what was found
and near matches.
"""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, NoReturn

from freehold.charter.errors import ContradictionError, MalformedCharterError
from freehold.kernel import MalformedError, check_name

_TEXT_CHARS_MAX = 500  # a name or description that a refusal can still quote

_TYPES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a table",
    datetime: "a date",
    date: "a date",
    time: "a time",
}


def near(found: str, options: Iterable[str]) -> str:
    """Say `did you mean …?` for the options that resemble `found`, or nothing."""
    by_lower = {option.lower(): option for option in sorted(options)}
    lower = found.lower()
    matches = (
        [lower] if lower in by_lower else difflib.get_close_matches(lower, by_lower, cutoff=0.7)
    )
    shown = " or ".join(show(by_lower[match]) for match in matches)
    return f"did you mean {shown}?" if shown else ""


def show(value: object) -> str:
    """Show a value as a person wrote it, at most 60 characters."""
    if isinstance(value, (dict, list)) and not value:
        return f"an empty {'table' if isinstance(value, dict) else 'list'}"
    if isinstance(value, (dict, list, datetime, date, time)):
        return _TYPES[type(value)]
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def join(path: str, key: str) -> str:
    """Extend a key path; keys with a dot are quoted as TOML quotes them."""
    shown = json.dumps(key, ensure_ascii=False) if not key or set(key) & set('. \n"') else key
    return f"{path}.{shown}" if path else shown


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the file at its key path."""

    path: str
    values: Mapping[str, Any]

    def only(self, *keys: str) -> None:
        """Refuse every key that is not one of `keys`."""
        for key in self.values:
            if key not in keys:
                raise MalformedCharterError(
                    "charter.unknown_key",
                    join(self.path, key),
                    f"expected one of the keys {', '.join(keys)}; found {show(key)}",
                    near(key, keys),
                )

    def refuse(self, key: str, expected: str, hint: str = "") -> NoReturn:
        """Refuse the value of `key`."""
        found = self._value(key)
        raise MalformedCharterError(
            "charter.value",
            join(self.path, key),
            f"expected {expected}; found {show(found)}",
            hint,
        )

    def has(self, key: str) -> bool:
        """Tell whether the file gives `key`."""
        return key in self.values

    def text(self, key: str) -> str:
        """Read text of at most 500 characters, not blank, without control characters."""
        value = self._typed(key, str)
        if not value.strip():
            self.refuse(key, "text that is not blank")
        if len(value) > _TEXT_CHARS_MAX:
            self.refuse(key, f"at most {_TEXT_CHARS_MAX} characters", f"it has {len(value)}")
        if not all(char.isprintable() or char in "\n\t" for char in value):
            self.refuse(key, "text without control characters")
        return str(value)

    def code(self, key: str) -> str:
        """Read a code: lower-case letters, digits, '.', '_' and '-', at most 64."""
        value = self._typed(key, str)
        check_code(value, join(self.path, key))
        return str(value)

    def choice(self, key: str, options: Iterable[str], expected: str = "") -> str:
        """Read one of the fixed `options`; `expected` describes them where they are many."""
        value = self._typed(key, str)
        _check_choice(value, options, expected, join(self.path, key))
        return str(value)

    def integer(self, key: str, *, least: int, most: int) -> int:
        """Read a whole number within bounds."""
        value = self._typed(key, int)
        if not least <= value <= most:
            self.refuse(key, f"a whole number from {least} to {most}")
        return int(value)

    def number(self, key: str) -> float:
        """Read a finite number."""
        value = self._value(key)
        if type(value) not in (int, float):
            self.refuse(key, "a number")
        if not abs(value) <= sys.float_info.max:
            self.refuse(key, "a finite number")
        return float(value)

    def flag(self, key: str) -> bool:
        """Read true or false."""
        return bool(self._typed(key, bool))

    def codes(self, key: str) -> tuple[str, ...]:
        """Read a list of codes that is not empty and repeats nothing."""
        values = self._list(key)
        for index, value in enumerate(values):
            check_code(value, f"{join(self.path, key)}[{index}]")
        return values

    def choices(self, key: str, options: Iterable[str], expected: str = "") -> tuple[str, ...]:
        """Read a list of the fixed `options` that is not empty and repeats nothing."""
        values, known = self._list(key), tuple(options)
        for index, value in enumerate(values):
            _check_choice(value, known, expected, f"{join(self.path, key)}[{index}]")
        return values

    def defined(self, key: str, known: Iterable[str], table: str) -> tuple[str, ...]:
        """Read a list of codes that `table` of the same file defines."""
        values, options = self._list(key), tuple(known)
        for index, value in enumerate(values):
            check_defined(value, options, table, f"{join(self.path, key)}[{index}]")
        return values

    def texts(self, key: str) -> tuple[str, ...]:
        """Read a list of texts that is not empty and repeats nothing."""
        return self._list(key)

    def table(self, key: str) -> Table:
        """Read a table that is not empty."""
        table = Table(join(self.path, key), self._typed(key, dict))
        if not table.values:
            raise MalformedCharterError(
                "charter.empty",
                table.path,
                "expected at least one entry; found an empty table",
            )
        return table

    def rows(self, key: str) -> tuple[Table, ...]:
        """Read an array of tables (`[[key]]`) that is not empty."""
        values = self._filled(key)
        path = join(self.path, key)
        for index, value in enumerate(values):
            if not isinstance(value, dict):
                raise MalformedCharterError(
                    "charter.value",
                    f"{path}[{index}]",
                    f"expected a table; found {show(value)}",
                    f"begin each with [[{path}]]",
                )
        return tuple(Table(f"{path}[{index}]", value) for index, value in enumerate(values))

    def _value(self, key: str) -> Any:
        if key not in self.values:
            raise MalformedCharterError(
                "charter.missing", join(self.path, key), "expected this key; found nothing"
            )
        return self.values[key]

    def _typed(self, key: str, kind: type) -> Any:
        value = self._value(key)
        if type(value) is not kind:
            self.refuse(key, _TYPES[kind])
        return value

    def _filled(self, key: str) -> list[Any]:
        values: list[Any] = self._typed(key, list)
        if not values:
            raise MalformedCharterError(
                "charter.empty",
                join(self.path, key),
                "expected at least one entry; found an empty list",
                "an empty rule would allow nothing or everything; say what is meant",
            )
        return values

    def _list(self, key: str) -> tuple[str, ...]:
        values, path = self._filled(key), join(self.path, key)
        for index, value in enumerate(values):
            if not isinstance(value, str):
                raise MalformedCharterError(
                    "charter.value", f"{path}[{index}]", f"expected text; found {show(value)}"
                )
            if value in values[:index]:
                raise ContradictionError(
                    "charter.duplicate", f"{path}[{index}]", f"{show(value)} stands there twice"
                )
        return tuple(values)


def check_code(value: str, path: str) -> None:
    """Refuse what may not be a code.

    Raises:
        MalformedCharterError: other characters, or over 64.
    """
    try:
        check_name(value)
    except MalformedError as error:
        raise MalformedCharterError(
            "charter.value",
            path,
            "expected a code of lower-case letters, digits, '.', '_' and '-' (at most 64); "
            f"found {show(value)}",
        ) from error


def check_defined(value: str, known: Iterable[str], table: str, path: str) -> None:
    """Refuse a reference to a code that `table` does not define.

    Raises:
        ContradictionError: naming the table and near matches.
    """
    options = tuple(known)
    if value not in options:
        raise ContradictionError(
            "charter.undefined",
            path,
            f"expected a code that [{table}] defines ({', '.join(options)}); found {show(value)}",
            near(value, options) or f"define [{table}.{value}] or name another",
        )


def _check_choice(value: str, options: Iterable[str], expected: str, path: str) -> None:
    known = tuple(options)
    if value not in known:
        raise MalformedCharterError(
            "charter.value",
            path,
            f"expected {expected or 'one of ' + ', '.join(known)}; found {show(value)}",
            near(value, known),
        )
