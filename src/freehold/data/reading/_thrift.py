"""Read Thrift compact structures (the headers of Parquet) into plain dictionaries.

It knows no schema: fields come by number, for the caller to check. Work and memory are bounded by
the bytes given, since every value takes at least one of them.
"""

from __future__ import annotations

import struct
from typing import Any, TypeAlias

Fields: TypeAlias = dict[int, Any]

_DEPTH_MAX = 16  # Parquet's own structures are 6 deep
_STOP, _TRUE, _FALSE, _BYTE, _I16, _I32, _I64 = range(7)
_DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(7, 13)


class ThriftReader:
    """A position in some bytes.

    Every method raises `ValueError` for bytes that are no such structure, their early end included.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def read_struct(self, depth: int = 0) -> Fields:
        """Read fields up to the stop byte."""
        if depth > _DEPTH_MAX:
            raise ValueError("nested too deep")
        fields: Fields = {}
        number = 0
        while head := self._byte():
            delta, kind = head >> 4, head & 0x0F
            number = number + delta if delta else self._zigzag()
            fields[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (_TRUE, _FALSE, _BYTE):
            return self._byte()
        if kind in (_I16, _I32, _I64):
            return self._zigzag()
        if kind == _DOUBLE:
            return struct.unpack("<d", self._take(8))[0]
        if kind == _BINARY:
            return self._take(self._varint())
        if kind in (_LIST, _SET):
            head = self._byte()
            count = head >> 4 if head >> 4 != 0x0F else self._varint()
            return [self._value(head & 0x0F, depth + 1) for _ in range(count)]
        if kind == _MAP:
            return self._map(depth)
        if kind == _STRUCT:
            return self.read_struct(depth + 1)
        raise ValueError(f"unknown type {kind}")

    def _map(self, depth: int) -> list[tuple[Any, Any]]:
        count = self._varint()
        kinds = self._byte() if count else 0
        return [
            (self._value(kinds >> 4, depth + 1), self._value(kinds & 0x0F, depth + 1))
            for _ in range(count)
        ]

    def _byte(self) -> int:
        return self._take(1)[0]

    def _take(self, size: int) -> bytes:
        end = self.position + size
        if end > len(self._data):
            raise ValueError("the structure goes on past its end")
        taken = self._data[self.position : end]
        self.position = end
        return taken

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise ValueError("a number of more than 64 bits")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
