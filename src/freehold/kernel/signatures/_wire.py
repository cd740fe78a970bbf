"""The SSH wire encoding of strings (RFC 4251, 5) and strict base64, as keys and signatures need it.

Bytes of another shape raise `ValueError`; those who know what the bytes should have been turn it
into their own error.
"""

from __future__ import annotations

import base64


def pack(*strings: bytes) -> bytes:
    """Write SSH strings: a uint32 BE length before each."""
    return b"".join(len(string).to_bytes(4) + string for string in strings)


def unpack(data: bytes, count: int) -> tuple[list[bytes], bytes]:
    """Read `count` SSH strings; return them and the bytes that remain.

    Raises:
        ValueError: the data end before the last string does.
    """
    strings = []
    for _ in range(count):
        end = 4 + int.from_bytes(data[:4])
        if len(data) < end:
            raise ValueError("it is cut short")
        strings.append(data[4:end])
        data = data[end:]
    return strings, data


def decode_base64(text: str) -> bytes:
    """Decode base64 that is exactly what an encoder writes.

    Raises:
        ValueError: other characters, missing padding or stray bits.
    """
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("it is not well-formed base64")
    return data
