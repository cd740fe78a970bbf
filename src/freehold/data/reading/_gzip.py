"""Unpack gzip (RFC 1952) within bounds: so many bytes, and so many times the packed ones.

A bomb is refused while it unpacks, after `gzip_free_bytes` at the earliest. A file cut off, with a
wrong checksum or with other bytes after its end is refused too. Several members in a row are one
file, as `gzip` and `bgzip` write them; the name inside a member is never looked at.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from freehold.data.errors import DataError
from freehold.data.reading._encoding import chunks
from freehold.data.reading._limits import DataLimits

_MAGIC = b"\x1f\x8b"
_WINDOW = 16 + zlib.MAX_WBITS  # a gzip header and trailer, checked by zlib
_MEMORY_BYTES_MAX = 16_777_216  # larger ones go to a temporary file
_HINT = "the file is cut off or damaged; pack it again"


@contextmanager
def unpacked(stream: BinaryIO, limits: DataLimits) -> Iterator[BinaryIO]:
    """Give the unpacked bytes as a seekable stream, at its start; it is gone after the block.

    Raises:
        DataError: not gzip, cut off, damaged, or over a bound.
    """
    with tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES_MAX) as plain:
        for chunk in _unpack(stream, limits):
            plain.write(chunk)
        plain.seek(0)
        if plain.read(2) == _MAGIC:
            raise DataError("data.gzip", "the file is packed twice", "unpack it once")
        plain.seek(0)
        yield cast(BinaryIO, plain)


def _unpack(stream: BinaryIO, limits: DataLimits) -> Iterator[bytes]:
    stream.seek(0)
    member = zlib.decompressobj(_WINDOW)
    packed = plain = 0
    is_between = True  # no byte of a member has been read since the last one ended
    for rest in chunks(stream, limits.chunk_bytes):
        while rest:
            try:
                out = member.decompress(rest, limits.chunk_bytes)
            except zlib.error as error:
                raise DataError("data.gzip", "the bytes are not gzip", _HINT) from error
            left = member.unused_data if member.eof else member.unconsumed_tail
            packed += len(rest) - len(left)
            plain += len(out)
            _check_size(packed, plain, limits)
            yield out
            rest, is_between = left, member.eof
            if member.eof:
                member = zlib.decompressobj(_WINDOW)
    if not packed:
        raise DataError("data.empty", "the file is empty", "check the export that made it")
    if not is_between:
        raise DataError("data.gzip", "the gzip file ends too early", _HINT)


def _check_size(packed: int, plain: int, limits: DataLimits) -> None:
    if plain > limits.table_bytes_max:
        raise DataError(
            "data.too_large",
            f"the file unpacks to more than {limits.table_bytes_max} bytes",
            "split it into several datasets",
        )
    if plain > limits.gzip_free_bytes and plain > packed * limits.gzip_ratio_max:
        raise DataError(
            "data.too_large",
            f"the first {packed} bytes unpack to more than {limits.gzip_ratio_max} times as many",
            "unpack it first if it is meant to be so",
        )
