"""Putting the certificates of an answer in the order of DER, before a strict parser reads it.

CMS (RFC 5652, 10.2.3) does not ask for that order, and `openssl ts` sends them as configured. They
are not covered by the signature, and no length changes: only their order does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

_CERTIFICATES = 0xA0  # [0] IMPLICIT CertificateSet, within SignedData
_PATH = (0, 1, 1, 0)  # TimeStampResp, its token, content [0], SignedData


class _Part(NamedTuple):
    tag: int
    start: int  # of the whole
    inner: int  # of its content
    end: int


def in_order(answer: bytes) -> bytes:
    """Give the answer with its certificates in order; as it is, where it is of another shape."""
    try:
        start, end = 0, len(answer)
        for position in _PATH:
            part = list(_parts(answer, start, end))[position]
            start, end = part.inner, part.end
        found = [part for part in _parts(answer, start, end) if part.tag == _CERTIFICATES]
        if len(found) != 1:
            return answer
        inner, end = found[0].inner, found[0].end
        certificates = sorted(answer[part.start : part.end] for part in _parts(answer, inner, end))
    except (IndexError, ValueError):
        return answer
    return answer[:inner] + b"".join(certificates) + answer[end:]


def _parts(data: bytes, start: int, end: int) -> Iterator[_Part]:
    """The values of [start, end), one after the other: tag, length, content.

    Raises:
        ValueError: one has no definite length, or reaches beyond `end`.
    """
    while start < end:
        tag, length, inner = data[start], data[start + 1], start + 2
        if length >= 0x80:
            width = length & 0x7F
            if not 1 <= width <= 4:
                raise ValueError("not a definite length")
            length, inner = int.from_bytes(data[inner : inner + width]), inner + width
        if inner + length > end:
            raise ValueError("a part is cut short")
        yield _Part(tag, start, inner, inner + length)
        start = inner + length
