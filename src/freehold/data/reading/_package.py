"""Check the archive of a workbook before any parser of workbooks sees it.

Every part that is XML is unpacked once, in constant memory, so that its size and checksum are true.
Nothing is written anywhere.
"""

from __future__ import annotations

import zipfile
import zlib
from typing import BinaryIO

from freehold.data.errors import DataError
from freehold.data.reading._encoding import chunks
from freehold.data.reading._formats import Format
from freehold.data.reading._limits import DataLimits

_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # MS-CFB: an old workbook, or an encrypted one
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_END, _END_64 = b"PK\x05\x06", b"PK\x06\x07"
_END_BYTES, _COMMENT_BYTES = 22, 65_535
_ENTRY_BYTES = 512  # of the directory, for each part; names are far shorter
_XML = (".xml", ".rels", ".vml")
_TYPE_OF_ODS = b"application/vnd.oasis.opendocument.spreadsheet"
_OVERLAP = 64  # no word looked for is longer
_DAMAGED = "the file is cut off or damaged; save it again"
_MACROS_HINT = "save it as a workbook without macros"
_LINKS_HINT = "break the links, which keeps their values, and save it"
_WORDS: dict[bytes, tuple[str, str]] = {
    b"<!DOCTYPE": ("holds a DTD, as no spreadsheet writes", "save it again in a spreadsheet"),
    b"<!ENTITY": ("holds a DTD, as no spreadsheet writes", "save it again in a spreadsheet"),
    b"\0": ("is not UTF-8", "save it again in a spreadsheet"),
    b"macroEnabled": ("tells of macros", _MACROS_HINT),
    b"<table:table-source": ("links to another file", _LINKS_HINT),
    b"<table:database-source": ("links to a database", _LINKS_HINT),
    b"dde-source": ("links to another program", _LINKS_HINT),
    b"encryption-data": ("needs a password", "save it without one"),
}
_PARTS: dict[str, tuple[str, str]] = {  # what the name of a part tells, in lower case
    "vbaproject": ("macros", _MACROS_HINT),
    "macrosheets/": ("macros", _MACROS_HINT),
    "basic/": ("macros", _MACROS_HINT),
    "scripts/": ("macros", _MACROS_HINT),
    "externallinks/": ("links to other files", _LINKS_HINT),
    "xl/connections": ("links to databases", _LINKS_HINT),
    "querytables/": ("links to databases", _LINKS_HINT),
    "xl/workbook.bin": ("a binary workbook (*.xlsb)", "save it as *.xlsx"),
}


def check_workbook(stream: BinaryIO, format: Format, limits: DataLimits) -> None:
    """Check that the stream is a sound archive of a workbook of that format.

    Raises:
        DataError: it is not, or it holds what is refused; the message names the part.
    """
    _check_directory(stream, limits)
    try:
        with zipfile.ZipFile(stream) as archive:
            parts = archive.infolist()
            _check_parts(parts, limits)
            _check_format(archive, format)
            for part in parts:
                if part.filename.lower().endswith(_XML):
                    _check_xml(archive, part, limits)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError) as error:
        raise _refused("the archive is damaged", _DAMAGED) from error


def _check_directory(stream: BinaryIO, limits: DataLimits) -> None:
    """Look at the end of the archive by hand: `zipfile` holds the whole directory, however long."""
    size = stream.seek(0, 2)
    if size == 0:
        raise DataError("data.empty", "the file is empty", "check the export that made it")
    if size > limits.workbook_bytes_max:
        raise _too_large(f"{size} bytes", limits.workbook_bytes_max)
    stream.seek(0)
    if stream.read(len(_COMPOUND)) == _COMPOUND:
        stream.seek(0)
        if _ENCRYPTED in stream.read():
            raise _refused("the workbook needs a password", "save it without one")
        raise _refused("the file is an old workbook (*.xls)", "save it as *.xlsx")
    stream.seek(max(0, size - _END_BYTES - _COMMENT_BYTES))
    tail = stream.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_BYTES:
        raise _refused("the file is no whole zip archive", _DAMAGED)
    directory = int.from_bytes(tail[at + 12 : at + 16], "little")
    is_64 = _END_64 in tail[max(0, at - 20) : at]
    if is_64 or directory > limits.workbook_parts_max * _ENTRY_BYTES:
        raise _too_large("too many parts", limits.workbook_parts_max)


def _check_parts(parts: list[zipfile.ZipInfo], limits: DataLimits) -> None:
    if len(parts) > limits.workbook_parts_max:
        raise _too_large(f"{len(parts)} parts", limits.workbook_parts_max)
    unpacked = sum(part.file_size for part in parts)
    if unpacked > limits.workbook_unpacked_bytes_max:
        raise _too_large(f"{unpacked} bytes unpacked", limits.workbook_unpacked_bytes_max)
    seen: set[str] = set()
    for part in parts:
        name = part.orig_filename.lower()
        is_outside = name.startswith("/") or ".." in name.split("/")
        if is_outside or "\\" in name or not name.isprintable():
            raise _refused(f"the part {name!r:.100} has a name that leaves the archive", _DAMAGED)
        if name in seen:
            raise _refused(f"the part {name!r:.100} stands in the archive twice", _DAMAGED)
        seen.add(name)
        if part.flag_bits & 1:
            raise _refused(f"the part {name!r:.100} needs a password", "save it without one")
        for word, (what, hint) in _PARTS.items():
            if word in name:
                raise _refused(f"the workbook holds {what}, in the part {name!r:.100}", hint)


def _check_format(archive: zipfile.ZipFile, format: Format) -> None:
    names = set(archive.namelist())
    is_xlsx = "xl/workbook.xml" in names
    is_ods = False
    if "mimetype" in names:
        with archive.open("mimetype") as part:
            is_ods = part.read(len(_TYPE_OF_ODS) + 1) == _TYPE_OF_ODS
    if is_xlsx is not (format is Format.XLSX) or is_ods is not (format is Format.ODS):
        raise _refused(
            f"the archive is no workbook of format {format}", "name the format that it has"
        )


def _check_xml(archive: zipfile.ZipFile, part: zipfile.ZipInfo, limits: DataLimits) -> None:
    before = b""
    with archive.open(part) as unpacked:
        for chunk in chunks(unpacked, limits.chunk_bytes):  # type: ignore[arg-type]
            text = before + chunk
            for word, (what, hint) in _WORDS.items():
                if word in text:
                    raise _refused(f"the part {part.filename!r:.100} {what}", hint)
            before = text[-_OVERLAP:]


def _refused(message: str, hint: str) -> DataError:
    return DataError("data.workbook", message, hint)


def _too_large(what: str, limit: int) -> DataError:
    return DataError(
        "data.too_large", f"the workbook has {what}; at most {limit} are read", "split it"
    )
