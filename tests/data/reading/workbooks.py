"""Workbooks by hand, part by part, so that a test can make what no spreadsheet would write."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OASIS = "urn:oasis:names:tc:opendocument:xmlns"
ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


def column(index: int) -> str:
    """The letters of a column, from 0: A, B, …, Z, AA."""
    letters = ""
    while index >= 0:
        index, last = divmod(index, 26)
        letters = chr(65 + last) + letters
        index -= 1
    return letters


def cell(value: Any, reference: str) -> str:
    """One cell: text, a number, a boolean, None, or XML that is put in as it stands."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode().replace("REF", reference)
    if isinstance(value, bool):
        return f'<c r="{reference}" t="b"><v>{value:d}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{reference}"><v>{value!r}</v></c>'
    text = f'<t xml:space="preserve">{escape(value)}</t>'
    return f'<c r="{reference}" t="inlineStr"><is>{text}</is></c>'


def sheet_xml(rows: Sequence[Sequence[Any]], after: str = "") -> str:
    body = "".join(
        f'<row r="{y}">'
        + "".join(cell(value, f"{column(x)}{y}") for x, value in enumerate(row))
        + "</row>"
        for y, row in enumerate(rows, 1)
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="{MAIN}">'
        f"<sheetData>{body}</sheetData>{after}</worksheet>"
    )


def xlsx_parts(sheets: Mapping[str, str]) -> dict[str, str | bytes]:
    """Name of sheet → its XML. Style 1 is a date, 2 a moment, 3 a time of day."""
    numbers = range(1, len(sheets) + 1)
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"/>'
        for n, name in zip(numbers, sheets, strict=True)
    )
    linked = "".join(
        f'<Relationship Id="rId{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    return {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1"'
        f' Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">'
        f"<sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{linked}'
        f'<Relationship Id="rIdS" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><cellXfs count="4"><xf numFmtId="0"/>'
        '<xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="21"/></cellXfs></styleSheet>',
        **{
            f"xl/worksheets/sheet{n}.xml": text
            for n, text in zip(numbers, sheets.values(), strict=True)
        },
    }


def xlsx(rows: Sequence[Sequence[Any]], **more: str | bytes) -> bytes:
    return zipped(xlsx_parts({"Sheet1": sheet_xml(rows)}) | more)


def ods_content(body: str) -> str:
    return (
        f'<?xml version="1.0"?><office:document-content xmlns:office="{OASIS}:office:1.0"'
        f' xmlns:table="{OASIS}:table:1.0" xmlns:text="{OASIS}:text:1.0">'
        f'<office:body><office:spreadsheet><table:table table:name="Sheet1">{body}'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )


def ods_cell(value: Any, attributes: str = "") -> str:
    if value is None:
        return f"<table:table-cell {attributes}/>"
    kind, name = ("float", "value") if isinstance(value, int | float) else ("string", "")
    given = f'office:{name}="{value}"' if name else ""
    return (
        f'<table:table-cell office:value-type="{kind}" {given} {attributes}>'
        f"<text:p>{escape(str(value))}</text:p></table:table-cell>"
    )


def ods_row(*cells: str, attributes: str = "") -> str:
    return f"<table:table-row {attributes}>{''.join(cells)}</table:table-row>"


def ods(body: str, **more: str | bytes) -> bytes:
    manifest = f'<manifest:manifest xmlns:manifest="{OASIS}:manifest:1.0"/>'
    return zipped(
        {
            "mimetype": ODS_TYPE,
            "META-INF/manifest.xml": manifest,
            "content.xml": ods_content(body),
        }
        | more
    )
