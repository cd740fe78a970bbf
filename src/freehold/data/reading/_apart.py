"""Run a foreign parser in a process of its own, with bounds on its memory and its time.

A file that makes a parser ask for more than the machine has would end this process: allocators of
native code do not raise, they abort. Apart, it ends the other one, and here it is an error in
words.

A job in its sandbox may start no process. It is confined itself, and reads only what was read apart
when it was brought in; there the parser runs in place.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime
from typing import IO, Any, BinaryIO, TypeAlias

from freehold.data.errors import DataError
from freehold.data.reading import _parsers
from freehold.data.reading._limits import DataLimits

Found: TypeAlias = list[Any] | dict[str, Any] | bytes

_SMALLER_HINT = "the file asks for far more than it shows, or has to be split"
_LINES_IN_FIELDS = 16  # a row is at most so many of the largest fields
_MOMENTS = {"date": date, "moment": datetime}


def parse_apart(
    stream: BinaryIO, parser: str, *, limits: DataLimits, **order: Any
) -> Iterator[Found]:
    """Parse the whole stream; yield what `_parsers` finds, rows as lists.

    Args:
        stream: seekable.
        parser: a name that `_parsers.parse` knows.
        limits: `apart_memory_bytes_max` and `apart_seconds_max` bound the process.
        order: what this parser has to know besides.

    Raises:
        DataError: what the parser refuses, or `data.too_large` where it needs more than its bounds.
    """
    order |= {
        "parser": parser,
        "memory_bytes": limits.apart_memory_bytes_max,
        "seconds": limits.apart_seconds_max,
    }
    stream.seek(0)
    with os.fdopen(os.memfd_create("reading"), "wb+") as file:  # in memory: no copy on a disk
        shutil.copyfileobj(stream, file, limits.chunk_bytes)
        file.seek(0)
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", _parsers.__file__, json.dumps(order)],
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"POLARS_MAX_THREADS": "2"},
                cwd="/",
            )
        except PermissionError:
            yield from _parse_here(file, order)
            return
        except OSError as error:
            raise DataError(
                "data.machine", f"no process can be started: {error.strerror}", "end some others"
            ) from error
        with process:
            try:
                yield from _received(process, parser, limits)
            finally:
                process.kill()


def value(cell: Any) -> Any:
    """Turn a cell of a row into a value; `["time"]`, which no column holds, stays a list."""
    if isinstance(cell, list) and len(cell) == 2:
        return _MOMENTS[cell[0]].fromisoformat(cell[1])
    return cell


def _received(process: subprocess.Popen[bytes], parser: str, limits: DataLimits) -> Iterator[Found]:
    assert process.stdout is not None  # noqa: S101, asked for above
    for found in _messages(process.stdout, limits):
        if found == {"done": True}:
            return
        if isinstance(found, dict) and "refused" in found:
            raise DataError(*found["refused"])
        if isinstance(found, dict) and "memory" in found:
            raise _out_of_memory(limits)
        yield found
    code = process.wait()
    if code == -signal.SIGXCPU:
        raise DataError(
            "data.too_large",
            f"reading takes more than {limits.apart_seconds_max} seconds of processor time",
            "split the file",
        )
    if code >= 0:  # an error that its parser does not tell in words
        raise DataError(
            f"data.{parser}",
            "the file cannot be read; its parser gave up",
            "write it again, with another program if you can",
        )
    raise _out_of_memory(limits)


def _messages(output: IO[bytes], limits: DataLimits) -> Iterator[Found]:
    total = 0
    while line := output.readline(_LINES_IN_FIELDS * limits.field_bytes_max):
        total += len(line)
        if total > limits.table_bytes_max:
            raise DataError(
                "data.too_large", f"there are more than {limits.table_bytes_max} bytes", "split it"
            )
        if not line.endswith(b"\n"):
            return
        found = json.loads(line)
        yield found
        if found == {"arrow": True}:
            yield output.read()
            yield {"done": True}


def _parse_here(file: BinaryIO, order: dict[str, Any]) -> Iterator[Found]:
    try:
        yield from _parsers.parse(file, order)
    except _parsers.Refused as refused:
        raise DataError(*refused.args) from refused


def _out_of_memory(limits: DataLimits) -> DataError:
    return DataError(
        "data.too_large",
        f"the file takes more than {limits.apart_memory_bytes_max} bytes of memory to read",
        _SMALLER_HINT,
    )
