"""Foreign parsers of formats in which a small file can ask for any amount of memory or time.

A program of its own, that imports nothing of Freehold: `_apart` runs it under limits, with the file
as standard input. What it finds goes to standard output, a JSON value a line: a list for each row,
an object `{"refused": [code, message, hint]}`, and `{"done": true}` at the end of sound input. Of
Arrow come the bytes of an Arrow file, not compressed, after a line `{"arrow": true}`.

Where no process can be started, `_apart` calls `parse` in its own, which is then confined itself.
"""

from __future__ import annotations

import io
import json
import logging
import posixpath
import re
import resource
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, BinaryIO, TypeAlias
from xml.parsers import expat

Order: TypeAlias = Mapping[str, Any]
Found: TypeAlias = list[Any] | dict[str, Any] | bytes

_DAMAGED = "the file is cut off or damaged; write it again"
_SHEETS = "name one with sheet='…'"
_VALUELESS = "open the workbook in a spreadsheet, which computes it, and save it"
_SUSPECT = re.compile(rb"""<(?:\w+:)?f[\s/>]|\st\s*=\s*["']e["']""")  # a formula or an error
_DROPPED = frozenset("script style".split())
_UNSEEN = frozenset("dialog noscript template".split())
_BLOCKS = frozenset(
    """
    address article aside blockquote body br caption dd details dialog div dl dt fieldset figcaption
    figure footer form h1 h2 h3 h4 h5 h6 header hr legend li main nav ol option p pre section
    summary table tbody td tfoot th thead title tr ul
    """.split()
)
_ZERO = r"\s*:\s*0*(?:\.0*)?(?:px|pt|em|rem|%)?\s*(?:;|!|$)"
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|clip(?:-path)?\s*:"
    rf"|(?:opacity|font-size){_ZERO}|(?<![-\w])color\s*:\s*transparent"
    r"|(?:text-indent|left|top|right|margin-left|margin-top)\s*:\s*-\d{3,}",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_AT_RULE = re.compile(r"@[^{};]*(?:;|\{(?:[^{}]*\{[^{}]*\})*[^{}]*\})")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_RULES_MAX = 2_000  # of style sheets inside the page; each is a search of it


class Refused(Exception):
    """Input that is not what it claims: a code of `DataError`, a message and a hint."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(code, message, hint)


def parse(stream: BinaryIO, order: Order) -> Iterator[Found]:
    """Parse the stream as `order["parser"]` says.

    Raises:
        Refused: with the place where it is known.
    """
    parsers: dict[str, Callable[[BinaryIO, Order], Iterator[Found]]] = {
        "arrow": _arrow,
        "workbook": _workbook,
        "html": _html,
        "pdf": _pdf,
    }
    return parsers[order["parser"]](stream, order)


def main() -> None:
    """Bound this process, then parse standard input."""
    order = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for kind, wanted, grace in (
        (resource.RLIMIT_AS, order["memory_bytes"], 0),
        (resource.RLIMIT_CPU, order["seconds"], 1),  # SIGXCPU, then SIGKILL
    ):
        _, hard = resource.getrlimit(kind)
        most = wanted + grace if hard == resource.RLIM_INFINITY else min(hard, wanted + grace)
        resource.setrlimit(kind, (min(wanted, most), most))
    write = sys.stdout.buffer.write
    stream = io.BufferedReader(io.FileIO(0, closefd=False))
    try:
        for found in parse(stream, order):
            write(found if isinstance(found, bytes) else json.dumps(found).encode() + b"\n")
        if order["parser"] != "arrow":
            write(b'{"done": true}\n')
    except Refused as refused:
        write(json.dumps({"refused": refused.args}).encode() + b"\n")
    except MemoryError:
        write(b'{"memory": true}\n')
    sys.stdout.flush()


def _arrow(stream: BinaryIO, order: Order) -> Iterator[Found]:
    import polars as pl

    content = stream.read()
    read = pl.read_ipc if content.startswith(b"ARROW1") else pl.read_ipc_stream
    try:
        table = read(io.BytesIO(content))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        raise Refused("data.arrow", "the Arrow file cannot be read", _DAMAGED) from error
    for count, limit, name in (
        (table.width, order["columns_max"], "columns"),
        (table.height, order["rows_max"], "rows"),
        (table.height * table.width, order["cells_max"], "cells"),
    ):
        if count > limit:
            raise Refused("data.too_large", f"{count} {name}; at most {limit} are read", "split it")
    for series in table.get_columns():
        if series.dtype.is_nested() and _leaves(series) > order["cells_max"]:
            raise Refused(
                "data.too_large",
                f"column {series.name!r:.80} holds more than {order['cells_max']} values in lists",
                "split it",
            )
    unpacked = io.BytesIO()
    table.write_ipc(unpacked, compression="uncompressed")
    yield {"arrow": True}
    yield unpacked.getvalue()


def _leaves(series: Any) -> int:
    """Count the values inside lists and structs, which an Arrow file can claim without bytes."""
    import polars as pl

    kind = series.dtype
    if isinstance(kind, pl.List):
        lengths = series.list.len().sum() or 0
        return max(lengths, _leaves(series.list.explode()) if lengths < 2**32 else lengths)
    if isinstance(kind, pl.Array):
        return max(len(series) * kind.size, 1) * (2**32 if kind.inner == pl.Null else 1)
    if isinstance(kind, pl.Struct):
        return sum((_leaves(series.struct.field(name.name)) for name in kind.fields), len(series))
    return len(series)


def _workbook(stream: BinaryIO, order: Order) -> Iterator[Found]:
    import python_calamine

    try:
        with python_calamine.load_workbook(stream) as book:
            kinds = {
                each.name: each.typ
                for each in book.sheets_metadata
                if each.typ == python_calamine.SheetTypeEnum.WorkSheet
            }
            name = _chosen(list(kinds), order["sheet"])
            sheet = book.get_sheet_by_name(name)
            merged = sheet.merged_cell_ranges or []
            rows = sheet.iter_rows()
    except python_calamine.PasswordError as error:
        raise Refused(
            "data.workbook", "the workbook needs a password", "save it without one"
        ) from error
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise Refused("data.workbook", "the workbook cannot be read", _DAMAGED) from error
    if sheet.start is None:
        raise Refused("data.empty", "the sheet is empty", "choose another with sheet='…'")
    if tuple(sheet.start) != (0, 0):
        raise Refused(
            "data.header",
            f"the sheet begins in row {sheet.start[0] + 1}, column {sheet.start[1] + 1}; "
            "expected the names of the columns in row 1, from column 1 on",
            "delete what is empty above and before the table",
        )
    if merged:
        (row, column), _ = merged[0]
        raise Refused(
            "data.workbook",
            f"row {row + 1}, column {column + 1} is merged with other cells",
            "split the merged cells, and give each its value",
        )
    if sheet.total_width > order["columns_max"]:
        raise Refused(
            "data.too_large",
            f"{sheet.total_width} columns; at most {order['columns_max']} are read",
            "delete what stands beside the table",
        )
    if order["is_xlsx"]:
        _refuse_valueless(stream, name)
    for cells in rows:
        yield [_cell(value) for value in cells]


def _chosen(names: list[str], wanted: str | None) -> str:
    spoken = ", ".join(f"{name!r:.40}" for name in names[:10])
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted is None:
        raise Refused(
            "data.sheet", f"the workbook has {len(names)} sheets: {spoken}; expected one", _SHEETS
        )
    if wanted not in names:
        raise Refused("data.sheet", f"no sheet {wanted!r:.80}; there are {spoken}", _SHEETS)
    return wanted


def _cell(value: Any) -> Any:
    if value == "":
        return None
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, datetime):
        return ["moment", value.isoformat()]
    if isinstance(value, date):
        return ["date", value.isoformat()]
    return ["time"]


def _refuse_valueless(stream: BinaryIO, sheet: str) -> None:
    """Refuse an error, and a formula whose value the file does not hold: both would be read as
    missing values.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            cells = archive.read(_part_of(archive, sheet))
        if _SUSPECT.search(cells):
            _CellScan().scan(cells)
    except (zipfile.BadZipFile, KeyError, expat.ExpatError, EOFError) as error:
        raise Refused("data.workbook", "the sheet cannot be read", _DAMAGED) from error


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str:
    """Find the part that holds a sheet (ECMA-376 part 1, 18.2.19 and part 2, 6.5)."""
    ids = {
        each["name"]: next(v for k, v in each.items() if k.partition(":")[2] == "id")
        for each in _elements(archive.read("xl/workbook.xml"), "sheet")
    }
    links = _elements(archive.read("xl/_rels/workbook.xml.rels"), "Relationship")
    targets = {each["Id"]: each["Target"] for each in links}
    return posixpath.normpath(posixpath.join("/xl", targets[ids[sheet]])).lstrip("/")


def _elements(text: bytes, name: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    reader = expat.ParserCreate()
    reader.StartElementHandler = lambda tag, attributes: (
        found.append(attributes) if tag.rpartition(":")[2] == name else None
    )
    reader.Parse(text, True)
    return found


class _CellScan:
    """Walks the cells of one sheet of xlsx by what they hold, not by their values."""

    def __init__(self) -> None:
        self._reference = ""
        self._inside: set[str] = set()

    def scan(self, text: bytes) -> None:
        reader = expat.ParserCreate()
        reader.StartElementHandler = self._start
        reader.EndElementHandler = self._end
        reader.Parse(text, True)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name != "c":
            self._inside.add(name)
            return
        self._reference = attributes.get("r", "")
        self._inside = set()
        if attributes.get("t") == "e":
            raise Refused(
                "data.workbook",
                f"{self._place()} holds an error such as #N/A",
                "correct it, or leave the cell empty",
            )

    def _end(self, tag: str) -> None:
        if tag.rpartition(":")[2] == "c" and "f" in self._inside and "v" not in self._inside:
            raise Refused(
                "data.workbook", f"{self._place()} holds a formula without its value", _VALUELESS
            )

    def _place(self) -> str:
        return f"cell {self._reference:.20}" if self._reference else "a cell"


def _html(stream: BinaryIO, order: Order) -> Iterator[Found]:
    from selectolax.lexbor import LexborHTMLParser

    root = LexborHTMLParser(stream.read().decode()).root
    if root is None:
        raise Refused("data.html", "the page has no elements", "is it HTML?")
    yield list(_page_texts(root))


def _page_texts(root: Any) -> tuple[str | None, str | None, str | None]:
    """Return the title, what is shown and what is there and not shown."""
    parts: dict[str, list[str]] = {"title": [], "shown": [], "hidden": []}
    unseen = _hidden_by_style_sheets(root)
    kinds = ["shown"]  # of the elements that are open
    for node, is_entered in _walk(root):
        if node.is_text_node:
            if is_entered and kinds[-1] in parts:
                parts[kinds[-1]].append(node.text_content or "")
        elif node.is_comment_node:
            if is_entered:
                parts["hidden"].append(f"\n{node.comment_content or ''}\n")
        elif is_entered:
            kinds.append(_kind(node, kinds[-1], unseen))
            if node.tag in _BLOCKS and kinds[-1] in parts:
                parts[kinds[-1]].append("\n")
            if node.tag == "template":  # its content is no child of it
                parts["hidden"].append(f"\n{_template_text(node)}\n")
        else:
            if node.tag in _BLOCKS and kinds[-1] in parts:
                parts[kinds[-1]].append("\n")
            kinds.pop()
    title, shown, hidden = (_tidy("".join(each)) for each in parts.values())
    return title, shown, hidden


def _walk(root: Any) -> Iterator[tuple[Any, bool]]:
    """Enter and leave every node, without recursion: pages nest as deep as they like."""
    node = root
    while True:
        yield node, True
        if (child := node.first_child) is not None:
            node = child
            continue
        while True:
            yield node, False
            if node.mem_id == root.mem_id:
                return
            if (following := node.next) is not None:
                node = following
                break
            node = node.parent


def _kind(node: Any, outer: str, unseen: set[int]) -> str:
    if outer == "dropped" or node.tag in _DROPPED:
        return "dropped"
    if node.tag == "title" and node.parent.tag == "head":
        return "title"
    attributes = node.attributes
    is_hidden = (
        outer == "hidden"
        or (node.tag in _UNSEEN and "open" not in attributes)
        or "hidden" in attributes
        or node.mem_id in unseen
        or _HIDING.search(_COMMENT.sub("", attributes.get("style") or ""))
    )
    return "hidden" if is_hidden else "shown"


def _hidden_by_style_sheets(root: Any) -> set[int]:
    """Find what the page's own rules hide, those for some media only left out."""
    from selectolax.lexbor import SelectolaxError

    unseen: set[int] = set()
    sheets = "\n".join(each.text(deep=True) for each in root.css("style"))
    rules = _RULE.findall(_AT_RULE.sub("", _COMMENT.sub("", sheets)))
    for selector, body in rules[:_RULES_MAX]:
        if _HIDING.search(body) and ":" not in selector:
            try:
                unseen.update(node.mem_id for node in root.css(selector.strip()))
            except SelectolaxError:
                continue  # a selector that no browser understands either
    return unseen


def _template_text(node: Any) -> str:
    from selectolax.lexbor import LexborHTMLParser

    opened = (node.html or "").replace("<template", "<div")  # text holds no bare "<"
    page = LexborHTMLParser(opened)
    page.strip_tags(list(_DROPPED))
    return "" if page.body is None else str(page.body.text(separator=" "))


def _tidy(text: str) -> str | None:
    """Collapse space inside lines and drop blank ones."""
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line) or None


def _pdf(stream: BinaryIO, order: Order) -> Iterator[Found]:
    import pypdf
    from pypdf.errors import LimitReachedError

    most = order["stream_bytes_max"]
    bounds = dict.fromkeys(
        """maximum_declared_stream_length array_based_stream_maximum_output_length
        lzw_maximum_output_length run_length_maximum_output_length zlib_maximum_output_length
        brotli_maximum_output_length jbig2_maximum_output_length""".split(),
        most,
    )
    number = 0
    try:
        with pypdf.apply_configuration(**bounds), _complaints("pypdf") as complaints:
            reader = pypdf.PdfReader(stream, strict=True)
            if reader.is_encrypted:
                raise Refused("data.pdf", "the PDF is encrypted", "save it without a password")
            pages = len(reader.pages)
            if pages > order["pages_max"]:
                raise Refused(
                    "data.too_large",
                    f"{pages} pages; at most {order['pages_max']} are read",
                    "split it",
                )
            for number, page in enumerate(reader.pages, 1):
                text = _sound(page.extract_text())
                if complaints:  # it goes on without what it could not read
                    raise ValueError("a part of the page is lost")
                yield [number, text or None]
    except LimitReachedError as error:
        raise Refused(
            "data.too_large",
            f"{_page(number)} asks for more than the bounds of reading allow",
            "print it to PDF again, or split it",
        ) from error
    except (Refused, MemoryError):
        raise
    except Exception as error:  # pypdf trusts what it reads, and fails in any way
        raise Refused(
            "data.pdf", f"the PDF cannot be read: {_page(number)}", "print it to PDF again"
        ) from error


class _Kept(logging.Handler):
    """Keeps what a library has to say."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def _complaints(library: str) -> Iterator[list[logging.LogRecord]]:
    """Give the list of what the library warns of in the block."""
    kept, logger = _Kept(), logging.getLogger(library)
    logger.addHandler(kept)
    try:
        yield kept.records
    finally:
        logger.removeHandler(kept)


def _sound(text: str) -> str:
    """Put U+FFFD for what a broken font table gives and no text holds."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd").strip()


def _page(number: int) -> str:
    return f"page {number}" if number else "its structure"


if __name__ == "__main__":
    main()
