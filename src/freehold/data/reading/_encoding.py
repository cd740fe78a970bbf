"""Text is UTF-8 or it is refused, with the byte where it stops being UTF-8.

One pass in constant memory. It does not guess or convert other encodings: a wrong guess spoils
names silently.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from freehold.data.errors import DataError
from freehold.data.reading._limits import DataLimits

BOM = codecs.BOM_UTF8

_UTF_32 = {b"\xff\xfe\0\0": "UTF-32 (little endian)", b"\0\0\xfe\xff": "UTF-32 (big endian)"}
_UTF_16 = {b"\xff\xfe": "UTF-16 (little endian)", b"\xfe\xff": "UTF-16 (big endian)"}


def check_text(stream: BinaryIO, limits: DataLimits, *, where: str = "the file") -> int:
    """Check that the whole stream is UTF-8 without NUL; return where the text starts, after a BOM.

    The stream is left at that position. `where` names the stream in messages.

    Raises:
        DataError: empty, too large, another encoding, or a NUL byte, with its offset.
    """
    stream.seek(0)
    head = stream.read(256)
    _refuse_wide(head, where)
    start = len(BOM) if head.startswith(BOM) else 0
    stream.seek(0)
    total = 0
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    for chunk in chunks(stream, limits.chunk_bytes):
        pending = len(decoder.getstate()[0])
        _refuse_nul(chunk, total, where)
        if pending or not chunk.isascii():
            _decode(decoder, chunk, offset=total - pending, where=where)
        total += len(chunk)
        if total > limits.table_bytes_max:
            raise DataError(
                "data.too_large",
                f"{where} has more than {limits.table_bytes_max} bytes",
                "split it into several datasets",
            )
    if total == start:
        raise DataError("data.empty", f"{where} is empty", "check the export that made it")
    undecoded = len(decoder.getstate()[0])
    _decode(decoder, b"", offset=total - undecoded, where=where, final=True)
    stream.seek(start)
    return start


def chunks(stream: BinaryIO, size: int) -> Iterator[bytes]:
    """Read the stream from where it stands, at most `size` bytes at a time."""
    while chunk := stream.read(size):
        yield chunk


def _decode(
    decoder: codecs.IncrementalDecoder,
    chunk: bytes,
    *,
    offset: int,
    where: str,
    final: bool = False,
) -> None:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        at = offset + error.start
        raise DataError(
            "data.encoding",
            f"{where} is not UTF-8: byte {error.object[error.start]:#04x} at offset {at}",
            "save it as UTF-8; exports of older programs are often Windows-1252",
        ) from error


def _refuse_wide(head: bytes, where: str) -> None:
    name = _UTF_32.get(head[:4]) or _UTF_16.get(head[:2]) or _wide_without_bom(head)
    if name:
        raise DataError(
            "data.encoding",
            f"{where} is {name} from byte 0 on; expected UTF-8",
            f"convert it: iconv -f {name.split()[0]} -t UTF-8",
        )


def _wide_without_bom(head: bytes) -> str | None:
    """Recognise UTF-16 of mostly Latin text: every second byte is zero."""
    pairs = len(head) // 2
    if pairs < 2:
        return None
    if head[1::2].count(0) > 0.7 * pairs and head[0::2].count(0) == 0:
        return "UTF-16 (little endian)"
    if head[0::2].count(0) > 0.7 * pairs and head[1::2].count(0) == 0:
        return "UTF-16 (big endian)"
    return None


def _refuse_nul(chunk: bytes, offset: int, where: str) -> None:
    at = chunk.find(b"\0")
    if at >= 0:
        raise DataError(
            "data.nul",
            f"{where} has a NUL byte at offset {offset + at}; text has none",
            "the file is binary or damaged; export it again",
        )
