"""A model of what a file system may show after the power went, made from a trace.

A `Recording` (made by `replay.py`) holds each change to a file or folder, when it began, and from
when on it is surely durable. `Recording.picture` gives the tree that a crash leaves if some of the
changes that were not durable yet did not reach the disk, or only in part.

What is taken for sure, as POSIX and the manuals of ext4, XFS and btrfs give it:

- fsync and fdatasync of a file make durable what was written to it before they began, and its size;
  they say nothing about any name.
- fsync of a folder makes durable the names that were changed in it before it began.
- A rename is one step: both names have changed, or neither.
- Bytes that a file never held do not appear in it; where nothing was written yet it reads as zeros.

Everything else may be lost, in any combination and whatever came before or after it: names without
content and content without names; a rename without the data of the file it moved; a later write
without an earlier one; a write cut at any byte, or of which any sectors are missing; a size without
its data. That is more than any one of those file systems shows: ext4 also makes the name of a
synced new file durable, for example, and journals names in order.

After a sync of a file that failed, what was written before it is never sure any more, whatever
later syncs say: the kernel may have marked the pages clean (Rebello et al., ATC 2020). After one of
a folder, the next that succeeds covers its names, or there is none: a file system that cannot
write its names stops (docs/guides/durability.md, "What is assumed of the disk").
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

SECTOR_BYTES = 512

Picture: TypeAlias = Mapping[str, bytes | None]
"""A tree: the content of each file, None for each folder, by its path under the root."""


@dataclass(eq=False, slots=True)
class Node:
    """A file, or a folder where `content` is None; with what it held before the trace."""

    content: bytes | None
    entries: dict[str, Node] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes put into a file."""

    node: Node
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Resize:
    """A file cut, or grown by zeros."""

    node: Node
    size: int


@dataclass(frozen=True, slots=True)
class Names:
    """Names given to nodes or taken away, in one step."""

    changes: tuple[tuple[Node, str, Node | None], ...]


@dataclass(eq=False, slots=True)
class Operation:
    """A change, when it began and ended, and the moment from which on it is durable."""

    change: Write | Resize | Names
    began: int
    ended: int
    durable: float = math.inf

    def nodes(self) -> Iterable[Node]:
        if isinstance(self.change, Names):
            return {folder for folder, _, _ in self.change.changes}
        return (self.change.node,)


@dataclass(frozen=True, slots=True)
class Part:
    """How much of a change reached the disk: the first `prefix` bytes of a write, or the sectors
    whose bits are set; where `grows`, the file has its new size besides.
    """

    prefix: int = 0
    sectors: int | None = None
    grows: bool = False

    def of(self, write: Write) -> list[tuple[int, bytes]]:
        """The pieces of a write that reached the disk."""
        if self.sectors is None:
            pieces = [(write.offset, write.data[: self.prefix])]
        else:
            pieces = [
                (write.offset + start, write.data[start : start + SECTOR_BYTES])
                for start in range(0, len(write.data), SECTOR_BYTES)
                if self.sectors >> (start // SECTOR_BYTES) & 1
            ]
        if self.grows:
            pieces.append((write.offset + len(write.data), b""))
        return pieces


ABSENT = Part()
_Own: TypeAlias = frozenset[tuple[int, Part]]
_Tree: TypeAlias = dict[str, bytes | None]
Exceptions: TypeAlias = Mapping[int, Part]
"""What did not reach the disk whole, by the number of its operation."""


class Recording:
    """What a traced process did under one root folder, and the marks that it set."""

    def __init__(self, root: Node, operations: list[Operation], marks: list[tuple[int, str]]):
        self.operations = sorted(operations, key=lambda operation: operation.began)
        self.marks = marks
        self._root = root
        self._by_node: dict[Node, list[int]] = {}
        for number, operation in enumerate(self.operations):
            for node in operation.nodes():
                self._by_node.setdefault(node, []).append(number)
        self._began = [operation.began for operation in self.operations]
        self._number_sets = {node: set(numbers) for node, numbers in self._by_node.items()}
        self._known: dict[Node, tuple[int, dict[_Own, Any]]] = {}
        self._untouched: dict[Node, dict[_Own, Any]] = {}
        self._prefixes: dict[Node, tuple[int, bytes]] = {}

    def moments(self) -> list[int]:
        """Every moment after which something else may be on the disk, or be promised."""
        moments = {operation.began for operation in self.operations}
        moments |= {int(each.durable) for each in self.operations if each.durable < math.inf}
        return sorted(moments | {began for began, _ in self.marks})

    def marked(self, moment: int) -> list[str]:
        """The marks that were set by then."""
        return [text for began, text in self.marks if began <= moment]

    def unsure(self, moment: int) -> list[int]:
        """The operations that have begun by `moment` and are not durable."""
        count = bisect_right(self._began, moment)
        return [number for number in range(count) if self.operations[number].durable > moment]

    def picture(self, moment: int, exceptions: Exceptions) -> _Tree:
        """The tree after a crash at `moment`: all that has begun by then, but for `exceptions`."""
        count = bisect_right(self._began, moment)
        found: _Tree = {}
        self._walk(self._root, "", count, exceptions, found)
        return found

    def _walk(
        self, folder: Node, path: str, count: int, exceptions: Exceptions, found: _Tree
    ) -> None:
        for name, node in self._entries(folder, count, exceptions).items():
            if node.content is None:
                found[path + name] = None
                self._walk(node, f"{path}{name}/", count, exceptions, found)
            else:
                found[path + name] = self._content(node, count, exceptions)

    def _entries(self, folder: Node, count: int, exceptions: Exceptions) -> dict[str, Node]:
        recent, numbers, own = self._recent(folder, count, exceptions)
        if own not in recent:
            entries = dict(folder.entries)
            for number in numbers:
                change = self.operations[number].change
                if number in exceptions or not isinstance(change, Names):
                    continue
                for place, name, node in change.changes:
                    if place is folder:
                        entries.pop(name, None)
                        if node is not None:
                            entries[name] = node
            recent[own] = entries
        known: dict[str, Node] = recent[own]
        return known

    def _content(self, file: Node, count: int, exceptions: Exceptions) -> bytes:
        recent, numbers, own = self._recent(file, count, exceptions)
        if own not in recent:
            first = min((number for number, _ in own), default=count)
            start = bisect_right(numbers, first - 1)  # what comes before is there whole
            before = self._before(file, numbers[:start])
            if start == len(numbers):
                recent[own] = before
            else:
                content = bytearray(before)
                for number in numbers[start:]:
                    _apply(self.operations[number].change, content, exceptions.get(number))
                recent[own] = bytes(content)
        known: bytes = recent[own]
        return known

    def _before(self, file: Node, numbers: list[int]) -> bytes:
        """What a file holds after these operations; the answer of last time is often right."""
        known, content = self._prefixes.get(file, (0, file.content or b""))
        if known > len(numbers):
            known, content = 0, file.content or b""
        if known < len(numbers):
            grown = bytearray(content)
            for number in numbers[known:]:
                _apply(self.operations[number].change, grown, None)
            content = bytes(grown)
            self._prefixes[file] = (len(numbers), content)
        return content

    def _recent(
        self, node: Node, count: int, exceptions: Exceptions
    ) -> tuple[dict[_Own, Any], list[int], _Own]:
        """What is known of a node at this count of operations, the numbers of those that touch it,
        and the exceptions among them. Only the newest count is remembered.
        """
        all_numbers = self._by_node.get(node)
        if all_numbers is None:
            return self._untouched.setdefault(node, {}), [], frozenset()
        end = bisect_right(all_numbers, count - 1)
        end_known, recent = self._known.get(node, (-1, {}))
        if end_known != end:
            recent = {}
            self._known[node] = (end, recent)
        numbers = all_numbers[:end]
        if not exceptions:
            return recent, numbers, frozenset()
        touched = exceptions.keys() & self._number_sets[node]
        own = frozenset((number, exceptions[number]) for number in touched if number < count)
        return recent, numbers, own


def _apply(change: Write | Resize | Names, content: bytearray, part: Part | None) -> None:
    if isinstance(change, Write):
        pieces = [(change.offset, change.data)] if part is None else part.of(change)
        for offset, data in pieces:
            if not data and part is not None and not part.grows:
                continue
            content.extend(bytes(max(0, offset - len(content))))
            content[offset : offset + len(data)] = data
    elif isinstance(change, Resize) and part is None:
        del content[change.size :]
        content.extend(bytes(change.size - len(content)))
