"""Turning what a user names into a stream of bytes: a file as it is, a folder packed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from freehold.data import Format, guess_format, is_packed, pack_folder
from freehold.session.errors import SessionError


@contextmanager
def opened_upload(
    source: str | Path | BinaryIO, *, is_data: bool = True
) -> Iterator[tuple[BinaryIO, Format | None]]:
    """Open a file, or pack a folder of texts; of data, tell the format where the name does.

    Raises:
        SessionError: no such file.
        DataError: a folder with other things than texts, or a file of unknown ending.
    """
    if not isinstance(source, str | Path):
        yield source, None
        return
    path = Path(source)
    if is_data and is_packed(path):
        with pack_folder(path) as packed:
            yield packed, Format.TEXT
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise SessionError(
            "session.file", f"{path} cannot be read: {error.strerror}", "check the path"
        ) from error
    with file:
        yield file, guess_format(path.name) if is_data else None
