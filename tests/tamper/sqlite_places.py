"""Where a byte of a SQLite file lies: in content, or in what holds no content.

Follows "Database File Format" of SQLite's documentation: pages of b-trees, the list of free pages,
and the frames of a write-ahead log.
"""

from __future__ import annotations

HEADER = {
    range(18, 20): "format versions",
    range(24, 28): "change counter",
    range(28, 32): "size in pages",
    range(40, 44): "schema cookie",
    range(48, 52): "suggested cache size",
    range(68, 72): "application id",
    range(72, 92): "reserved zeros",
    range(92, 96): "change counter of the size",
    range(96, 100): "version of SQLite that wrote last",
}
_LEAF_OR_INTERIOR = {2: 12, 5: 12, 10: 8, 13: 8}  # type of page: bytes of its header


def place_in_database(data: bytes, offset: int, log: bytes = b"") -> str:
    """Name the place of a byte in a database file with this write-ahead log beside it."""
    size = int.from_bytes(data[16:18]) or 512
    size = 65_536 if size == 1 else size
    page, at = divmod(offset, size)
    if page + 1 in _logged_pages(log, size):
        return "page that the log beside it holds anew"
    if page == 0 and at < 100:
        named = (name for spot, name in HEADER.items() if at in spot)
        return f"header: {next(named, 'other fields')}"
    if page + 1 in _free_pages(data, size):
        return "free page"
    return _place_in_page(data[page * size : (page + 1) * size], at, 100 if page == 0 else 0)


def place_in_wal(data: bytes, offset: int) -> str:
    """Name the place of a byte in a write-ahead log."""
    if offset < 32:
        return "log header"
    size = int.from_bytes(data[8:12])
    frame, at = divmod(offset - 32, size + 24)
    kind = "frame header" if at < 24 else "frame"
    is_old = data[32 + frame * (size + 24) :][8:16] != data[16:24]  # of another round of the log
    return f"old {kind}" if is_old else kind


def _place_in_page(page: bytes, at: int, start: int) -> str:
    header = _LEAF_OR_INTERIOR.get(page[start])
    if header is None:
        return "overflow page"
    cells = int.from_bytes(page[start + 3 : start + 5])
    content = int.from_bytes(page[start + 5 : start + 7]) or 65_536
    if at < start + header:
        return "page header"
    if at < start + header + 2 * cells:
        return "cell pointer"
    if at < content:
        return "unused space of a page"
    block = int.from_bytes(page[start + 1 : start + 3])
    while block:
        length = int.from_bytes(page[block + 2 : block + 4])
        if block <= at < block + length:
            return "unused space of a page"
        block = int.from_bytes(page[block : block + 2])
    return "cell"


def _logged_pages(log: bytes, size: int) -> set[int]:
    """Pages in the frames of the log's present round."""
    frames = (log[at : at + 24] for at in range(32, len(log), size + 24))
    return {int.from_bytes(frame[:4]) for frame in frames if frame[8:16] == log[16:24]}


def _free_pages(data: bytes, size: int) -> set[int]:
    found: set[int] = set()
    trunk = int.from_bytes(data[32:36])
    while trunk and trunk not in found:
        found.add(trunk)
        page = data[(trunk - 1) * size : trunk * size]
        count = int.from_bytes(page[4:8])
        found |= {int.from_bytes(page[8 + 4 * n : 12 + 4 * n]) for n in range(count)}
        trunk = int.from_bytes(page[:4])
    return found
