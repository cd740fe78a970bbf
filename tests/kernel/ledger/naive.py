"""A Merkle tree written down from its recursive definition (RFC 9162, 2.1), to be compared with."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256


def _split(entries: Sequence[bytes]) -> int:
    half = 1
    while half * 2 < len(entries):
        half *= 2
    return half


def root(entries: Sequence[bytes]) -> bytes:
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    half = _split(entries)
    return sha256(b"\x01" + root(entries[:half]) + root(entries[half:])).digest()


def inclusion(index: int, entries: Sequence[bytes]) -> list[bytes]:
    if len(entries) == 1:
        return []
    half = _split(entries)
    if index < half:
        return [*inclusion(index, entries[:half]), root(entries[half:])]
    return [*inclusion(index - half, entries[half:]), root(entries[:half])]


def consistency(old_size: int, entries: Sequence[bytes]) -> list[bytes]:
    return _subproof(old_size, entries, is_whole=True)


def _subproof(old_size: int, entries: Sequence[bytes], *, is_whole: bool) -> list[bytes]:
    if old_size == len(entries):
        return [] if is_whole else [root(entries)]
    half = _split(entries)
    if old_size <= half:
        return [*_subproof(old_size, entries[:half], is_whole=is_whole), root(entries[half:])]
    rest = _subproof(old_size - half, entries[half:], is_whole=False)
    return [*rest, root(entries[:half])]
