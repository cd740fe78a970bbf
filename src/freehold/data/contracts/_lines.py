"""Find the line of a key in a TOML file, which `tomllib` does not tell.

The file is valid TOML, so a statement is the shortest run of lines that is valid by itself.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from freehold.data.contracts._faults import KeyPath

_READ_CHARS_MAX = 1_048_576  # a list over hundreds of lines is read again at each; then no more


def line_of(text: str, path: KeyPath) -> int | None:
    """Return the line, from 1, where the longest known part of `path` begins; None for no part.

    Behind a list over many hundreds of lines no part is known.
    """
    lines: dict[KeyPath, int] = {}
    for number, found in _statements(text):
        lines.setdefault(found, number)
    parts = (path[:length] for length in range(len(path), 0, -1))
    return next((lines[part] for part in parts if part in lines), None)


def _statements(text: str) -> Iterator[tuple[int, KeyPath]]:
    header: KeyPath = ()
    counts: Counter[KeyPath] = Counter()
    statement, start, read = "", 1, 0
    for number, line in enumerate(text.split("\n"), 1):
        statement += line + "\n"
        read += len(statement)
        if read > _READ_CHARS_MAX:
            return
        try:
            values = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        if statement.lstrip().startswith("["):
            header = _opened(values, counts)
            yield start, header
        else:
            for path in _paths(values):
                yield start, header + path
        statement, start = "", number + 1


def _opened(values: Mapping[str, Any], counts: Counter[KeyPath]) -> KeyPath:
    path: KeyPath = ()
    inner: Any = values
    while inner:
        if isinstance(inner, list):
            counts[path] += 1
            path, inner = (*path, counts[path] - 1), inner[0]
        else:
            name, inner = next(iter(inner.items()))
            path = (*path, name)
    return path


def _paths(value: Any) -> Iterator[KeyPath]:
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in entries:
        yield (key,)
        if isinstance(inner, dict | list):
            yield from ((key, *path) for path in _paths(inner))
