"""One line per step, with its time."""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

TITLE_CHARS = 11
LINE_CHARS = 110


class Lines:
    """Prints steps as they are done."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = sys.stdout if out is None else out
        self._began = time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[list[str]]:
        """Time a step; what its block puts into the list is printed after the title."""
        started = time.monotonic()
        told: list[str] = []
        yield told
        took = time.monotonic() - started
        indent = 10 + TITLE_CHARS
        wrapped = [part for line in told for part in _wrap(line, LINE_CHARS - indent)]
        first, *rest = wrapped or [""]
        self.print(f"{took:6.2f} s  {title:<{TITLE_CHARS}}{first}")
        for line in rest:
            self.print(" " * indent + line)

    def print(self, line: str = "") -> None:
        """Print a line at once."""
        self._out.write(line.rstrip() + "\n")
        self._out.flush()

    @property
    def seconds(self) -> float:
        """Since the first line."""
        return time.monotonic() - self._began


def _wrap(line: str, width: int) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False) or [""]
