"""A folder of texts as one stream of bytes, and back: a plain ustar archive (POSIX.1-1988), not
compressed. A single text is a folder of one.

The same folder gives the same bytes on every machine: sorted names, no times, owners or modes. Only
regular UTF-8 files `*.txt` and `*.md` go in or come out; links, other files and names that could
escape or mislead are refused, never skipped.
"""

from __future__ import annotations

import io
import os
import re
import stat
import tarfile
import tempfile
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, cast

import polars as pl

from freehold.data.errors import DataError
from freehold.data.reading._encoding import check_text
from freehold.data.reading._limits import DEFAULT_DATA_LIMITS, DataLimits

_SUFFIXES = (".txt", ".md")
_BLOCK = tarfile.BLOCKSIZE
_MEMORY_BYTES_MAX = 16_777_216  # larger packs go to a temporary file
_PLAIN_HINT = "keep only *.txt and *.md files in the folder, or remove it"
_ODD = re.compile(r'[\\:*?"<>|]')  # not allowed in names on some systems


def pack_folder(path: Path, *, limits: DataLimits = DEFAULT_DATA_LIMITS) -> BinaryIO:
    """Pack a folder of texts, or a single text, into a seekable stream, at its start. The caller
    closes it.

    Raises:
        DataError: no files, or anything in it that is not a plain UTF-8 text with a plain name.
    """
    files = sorted(_listed(path, limits), key=lambda item: item[0])
    if not files:
        raise DataError("data.empty", "the folder has no files", "expected *.txt or *.md")
    for (name, _), (following, _) in pairwise(files):
        if name == following:  # one composed, the other decomposed
            raise DataError("data.folder", f"two files have the same name {name!r:.100}")
    packed = tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES_MAX)  # noqa: SIM115, the caller closes
    try:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for name, file in files:
                content = _read_file(file, name, limits)
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                _add(archive, entry, content)
                if packed.tell() > limits.table_bytes_max:
                    raise _too_large(f"more than {limits.table_bytes_max} bytes")
    except BaseException:
        packed.close()
        raise
    packed.seek(0)
    return cast(BinaryIO, packed)


def is_packed(path: Path) -> bool:
    """Tell whether `path` is for `pack_folder`: a folder, or a name that a text has."""
    return path.is_dir() or path.name.lower().endswith(_SUFFIXES)


def read_folder(stream: BinaryIO, limits: DataLimits) -> pl.DataFrame:
    """Read a packed folder into the columns `path` and `text`; an empty file is a missing text.

    Raises:
        DataError: not such an archive, or anything in it that `pack_folder` would refuse.
    """
    stream.seek(0)
    texts: dict[str, str | None] = {}
    total = 0
    for name, content in _members(stream, limits):
        if name in texts:
            raise DataError("data.folder", f"{name!r:.100} stands in the archive twice")
        texts[name] = _decode(content, name, limits)
        total += len(content)
        if len(texts) > limits.files_max:
            raise _too_large(f"more than {limits.files_max} files")
        if total > limits.table_bytes_max:
            raise _too_large(f"more than {limits.table_bytes_max} bytes")
    if not texts:
        raise DataError("data.empty", "the archive has no files", "pack the folder again")
    columns = {"path": list(texts), "text": list(texts.values())}
    return pl.DataFrame(columns, schema={"path": pl.String, "text": pl.String})


def _listed(path: Path, limits: DataLimits) -> Iterator[tuple[str, Path]]:
    """The names that files have in the archive, and where they lie."""
    if path.is_dir():
        yield from _walk(path, "", limits)
        return
    if not is_packed(path):
        raise DataError(
            "data.folder",
            f"{path.name!r:.100} is not a folder",
            "give a folder of texts, or one *.txt or *.md file",
        )
    name = unicodedata.normalize("NFC", path.name)
    _check_name(name, limits)
    yield name, path


def _walk(folder: Path, prefix: str, limits: DataLimits) -> Iterator[tuple[str, Path]]:
    if prefix.count("/") > limits.folder_depth_max:
        raise _too_large(f"folders nested deeper than {limits.folder_depth_max}")
    found = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            name = prefix + unicodedata.normalize("NFC", entry.name)
            if entry.is_symlink():
                raise DataError("data.folder", f"{name!r:.100} is a symbolic link", _PLAIN_HINT)
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(folder / entry.name, name + "/", limits)
                continue
            if not entry.is_file(follow_symlinks=False):
                raise DataError("data.folder", f"{name!r:.100} is not a regular file", _PLAIN_HINT)
            _check_name(name, limits)
            found += 1
            if found > limits.files_max:
                raise _too_large(f"more than {limits.files_max} files")
            yield name, folder / entry.name


def _add(archive: tarfile.TarFile, entry: tarfile.TarInfo, content: bytes) -> None:
    try:
        archive.addfile(entry, io.BytesIO(content))
    except ValueError as error:  # a name over 100 bytes that has no '/' in the right place
        raise DataError(
            "data.folder",
            f"the file name {entry.name!r:.300} is too long for an archive",
            "shorten it",
        ) from error


def _check_name(name: str, limits: DataLimits) -> None:
    parts = name.split("/")
    if not name.lower().endswith(_SUFFIXES):
        problem = "is neither *.txt nor *.md"
    elif any(part.strip(" ") in ("", ".", "..") or part != part.strip() for part in parts):
        problem = "has an empty part, '.', '..' or space at an end"
    elif not name.replace("/", "").isprintable() or _ODD.search(name):
        problem = "has characters that are not allowed in names"
    elif len(name.encode(errors="surrogatepass")) > limits.path_bytes_max:
        problem = f"is longer than {limits.path_bytes_max} bytes"
    else:
        return
    raise DataError("data.folder", f"the file name {name!r:.300} {problem}", _PLAIN_HINT)


def _read_file(path: Path, name: str, limits: DataLimits) -> bytes:
    # Between listing and opening the file may have become a link: O_NOFOLLOW refuses it.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise DataError(
            "data.folder", f"{name!r:.100} cannot be opened: {error.strerror}"
        ) from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise DataError("data.folder", f"{name!r:.100} is not a regular file", _PLAIN_HINT)
        content = file.read(limits.field_bytes_max + 1)
    _decode(content, name, limits)
    return content


def _decode(content: bytes, name: str, limits: DataLimits) -> str | None:
    if len(content) > limits.field_bytes_max:
        raise _too_large(f"more than {limits.field_bytes_max} bytes in {name!r:.100}")
    if not content:
        return None
    start = check_text(io.BytesIO(content), limits, where=f"{name!r:.100}")
    return content[start:].decode()


def _members(stream: BinaryIO, limits: DataLimits) -> Iterator[tuple[str, bytes]]:
    """Read the archive by hand: `tarfile` would follow extensions that we never write."""
    while any(header := stream.read(_BLOCK)):
        try:
            entry = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
        except (tarfile.HeaderError, UnicodeDecodeError) as error:
            raise DataError(
                "data.folder", f"not a tar archive: {error}", "pack the folder again"
            ) from error
        if entry.type != tarfile.REGTYPE or entry.size < 0:
            raise DataError(
                "data.folder", f"{entry.name!r:.100} is not a regular file", _PLAIN_HINT
            )
        _check_name(entry.name, limits)
        if entry.size > limits.field_bytes_max:
            raise _too_large(f"more than {limits.field_bytes_max} bytes in {entry.name!r:.100}")
        padded = -(-entry.size // _BLOCK) * _BLOCK
        content = stream.read(padded)
        if len(content) < padded:
            raise DataError("data.folder", f"the archive ends within {entry.name!r:.100}")
        yield entry.name, content[: entry.size]
    if len(header) < _BLOCK:
        raise DataError(
            "data.folder", "the archive has no end mark; it is cut off", "pack it again"
        )
    while rest := stream.read(_BLOCK):
        if any(rest):
            raise DataError("data.folder", "the archive goes on after its end", "pack it again")


def _too_large(what: str) -> DataError:
    return DataError("data.too_large", f"the folder has {what}", "split it")
