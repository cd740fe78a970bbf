"""Workbooks: one sheet, one table; what could run, lead outside or explode is refused in words."""

from __future__ import annotations

import io
import random
import zipfile
from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from freehold.data import (
    DEFAULT_DATA_LIMITS,
    DataError,
    DataLimits,
    Format,
    ReadOptions,
    read_table,
)
from tests.data.reading.workbooks import (
    ODS_TYPE,
    ods,
    ods_cell,
    ods_row,
    sheet_xml,
    xlsx,
    xlsx_parts,
    zipped,
)


def read(
    content: bytes,
    format: Format = Format.XLSX,
    limits: DataLimits = DEFAULT_DATA_LIMITS,
    **options: Any,
) -> pl.DataFrame:
    return read_table(io.BytesIO(content), format, ReadOptions(**options), limits=limits)


def test_a_sheet_is_read_with_its_kinds() -> None:
    rows: list[list[Any]] = [
        ["whole", "number", "text", "yes", "day", "moment", "empty", "computed"],
        [1, 1.5, "größe", True, b'<c r="REF" s="1"><v>45000</v></c>', None, None, None],
        [
            *(None, -2, "007", False),
            b'<c r="REF" s="1"><v>45001</v></c>',
            b'<c r="REF" s="2"><v>45000.5</v></c>',
            None,
            b'<c r="REF"><f>1+1</f><v>2</v></c>',
        ],
        [3, None, " x ", None, None, None, None, None],
    ]
    table = read(xlsx(rows))
    assert table.rows() == [
        (1, 1.5, "größe", True, date(2023, 3, 15), None, None, None),
        (None, -2.0, "007", False, date(2023, 3, 16), datetime(2023, 3, 15, 12), None, 2),
        (3, None, " x ", None, None, None, None, None),
    ]
    assert list(table.schema.values()) == [
        *(pl.Int64(), pl.Float64(), pl.String(), pl.Boolean()),
        *(pl.Date(), pl.Datetime("us"), pl.String(), pl.Int64()),
    ]


def test_a_sheet_of_opendocument_is_read() -> None:
    body = (
        ods_row(ods_cell("a"), ods_cell("b"))
        + ods_row(ods_cell(1), ods_cell("x"), attributes='table:number-rows-repeated="2"')
        + ods_row(ods_cell(2.5), ods_cell(None))
        + ods_row(
            ods_cell(None, 'table:number-columns-repeated="16384"'),
            attributes='table:number-rows-repeated="1048000"',
        )
    )
    assert read(ods(body), Format.ODS).rows() == [(1, "x"), (1, "x"), (2.5, None)]


def test_blank_rows_at_the_end_are_no_rows() -> None:
    assert read(xlsx([["a"], [1], [""], [None], [""]])).rows() == [(1,)]


def test_named_texts_mean_missing_values_on_request() -> None:
    assert read(xlsx([["a"], ["NA"], [2]]), missing=("NA",)).rows() == [(None,), (2,)]


def test_more_rows_than_a_batch_are_one_table() -> None:
    rows: list[list[Any]] = [["n", "t"], *([i, f"t{i}"] for i in range(50))]
    limits = DataLimits(batch_rows=7)
    assert read(xlsx(rows), limits=limits).rows() == [tuple(row) for row in rows[1:]]


SHEETS = zipped(xlsx_parts({"Claims": sheet_xml([["a"], [1]]), "Notes": sheet_xml([["b"], [2]])}))


def test_one_of_several_sheets_is_chosen_by_its_name() -> None:
    assert read(SHEETS, sheet="Claims").columns == ["a"]
    assert read(SHEETS, sheet="Notes").columns == ["b"]


@pytest.mark.parametrize(
    ("sheet", "words"),
    [(None, "2 sheets: 'Claims', 'Notes'"), ("Other", "no sheet 'Other'; there are 'Claims'")],
)
def test_a_sheet_is_never_guessed(sheet: str | None, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read(SHEETS, sheet=sheet)
    assert (caught.value.code, caught.value.hint) == ("data.sheet", "name one with sheet='…'")


TABLES: dict[str, tuple[list[list[Any]], str, str]] = {
    "an empty sheet": ([], "data.empty", "the sheet is empty"),
    "a header alone": ([["a", "b"]], "data.empty", "no rows"),
    "a column without a name": ([["a", None, "c"], [1, 2, 3]], "data.header", "column 2 has an"),
    "a value beside the table": ([["a"], [1, "x"]], "data.header", "column 2 has an empty name"),
    "two columns of one name": ([["a", "a"], [1, 2]], "data.header", "columns 1 and 2"),
    "a number as a name": ([["a", 2024], [1, 2]], "data.header", "row 1, column 2 holds no text"),
    "a title above the table": ([["Title"], [None], ["a", "b"]], "data.header", "column 2 has"),
    "empty rows above": ([[None], ["a"], [1]], "data.header", "begins in row 2, column 1"),
    "empty columns before": ([[None, "a"], [None, 1]], "data.header", "begins in row 1, column 2"),
    "a blank row inside": ([["a"], [1], [None], [2]], "data.ragged", "row 3 is blank and row 4"),
    "mixed kinds": (
        [["a"], [1], ["x"]],
        "data.types",
        "column 'a' holds number in row 2 and text in row 3",
    ),
    "an error": (
        [["a", "b"], [1, b'<c r="REF" t="e"><v>#N/A</v></c>']],
        "data.workbook",
        "cell B2 holds an error",
    ),
    "a formula never computed": (
        [["a"], [1], [b'<c r="REF"><f>A2+1</f></c>']],
        "data.workbook",
        "cell A3 holds a formula without its value",
    ),
    "a time of day": (
        [["a"], [b'<c r="REF" s="3"><v>0.5</v></c>']],
        "data.types",
        "row 2, column 1 holds a time of day",
    ),
    "a text that a spreadsheet would run": (
        [["a", "b"], ["x", "=cmd|'/C calc'!A0"]],
        "data.formula",
        r"row 2, column 2 \('b'\)",
    ),
    "a name that a spreadsheet would run": ([["=1+1"], ["x"]], "data.formula", "row 1, column 1"),
    "more columns than allowed": (
        [[f"c{i}" for i in range(2_001)], [1] * 2_001],
        "data.too_large",
        "2001 columns; at most 2000",
    ),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_sheet_that_is_no_strict_table_is_refused_by_place(case: str) -> None:
    rows, code, words = TABLES[case]
    with pytest.raises(DataError, match=words) as caught:
        read(xlsx(rows))
    assert caught.value.code == code


def test_formulas_can_be_kept_as_text() -> None:
    assert read(xlsx([["a"], ["=1+1"]]), formulas="text").rows() == [("=1+1",)]


def test_merged_cells_are_refused() -> None:
    merged = '<mergeCells count="1"><mergeCell ref="A2:A3"/></mergeCells>'
    sheet = sheet_xml([["a", "b"], [1, 2], [None, 3]], merged)
    with pytest.raises(DataError, match="row 2, column 1 is merged") as caught:
        read(zipped(xlsx_parts({"Sheet1": sheet})))
    assert caught.value.code == "data.workbook"


SOUND_PARTS = xlsx_parts({"Sheet1": sheet_xml([["a"], [1]])})
SOUND = zipped(SOUND_PARTS)
SOUND_ODS = ods(ods_row(ods_cell("a")) + ods_row(ods_cell(1)))
COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1_000)
LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(
        f'<!ENTITY {n} "{f"&{p};" * 10}">' for p, n in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]>"
)


def with_laughs(text: str) -> str:
    return text.replace("?>", "?>" + LAUGHS, 1).replace(">a<", ">&i;<")


PARTS: dict[str, tuple[bytes, Format, str, str]] = {
    "no bytes": (b"", Format.XLSX, "data.empty", "empty"),
    "another kind of file": (b"a,b\n1,2\n" * 50, Format.XLSX, "data.workbook", "no whole zip"),
    "a zip of something else": (
        zipped({"a.txt": "x"}),
        Format.XLSX,
        "data.workbook",
        "no workbook",
    ),
    "xlsx named ods": (SOUND, Format.ODS, "data.workbook", "no workbook of format ods"),
    "ods named xlsx": (SOUND_ODS, Format.XLSX, "data.workbook", "no workbook of format xlsx"),
    "both at once": (
        zipped(SOUND_PARTS | {"mimetype": ODS_TYPE, "content.xml": "<x/>"}),
        Format.XLSX,
        "data.workbook",
        "no workbook of format",
    ),
    "macros": (
        zipped(SOUND_PARTS | {"xl/vbaProject.bin": b"x"}),
        Format.XLSX,
        "data.workbook",
        "holds macros, in the part 'xl/vbaproject.bin'",
    ),
    "old macro sheets": (
        zipped(SOUND_PARTS | {"xl/macrosheets/sheet1.xml": "<x/>"}),
        Format.XLSX,
        "data.workbook",
        "holds macros",
    ),
    "a type with macros": (
        zipped(SOUND_PARTS | {"[Content_Types].xml": '<T a="sheet.macroEnabled.main+xml"/>'}),
        Format.XLSX,
        "data.workbook",
        "tells of macros",
    ),
    "Basic in ods": (
        ods("", **{"Basic/Standard/Module1.xml": "<x/>"}),
        Format.ODS,
        "data.workbook",
        "macros",
    ),
    "Python in ods": (
        ods("", **{"Scripts/python/a.py": "x"}),
        Format.ODS,
        "data.workbook",
        "macros",
    ),
    "links to other workbooks": (
        zipped(SOUND_PARTS | {"xl/externalLinks/externalLink1.xml": "<x/>"}),
        Format.XLSX,
        "data.workbook",
        "links to other files",
    ),
    "links to databases": (
        zipped(SOUND_PARTS | {"xl/connections.xml": "<x/>"}),
        Format.XLSX,
        "data.workbook",
        "links to databases",
    ),
    "links in ods": (
        ods('<table:table-source xlink:href="other.ods"/>'),
        Format.ODS,
        "data.workbook",
        "links to another file",
    ),
    "a binary workbook": (
        zipped({"xl/workbook.bin": b"x"}),
        Format.XLSX,
        "data.workbook",
        "binary workbook",
    ),
    "an old workbook": (COMPOUND, Format.XLSX, "data.workbook", r"old workbook \(\*\.xls\)"),
    "a password": (
        COMPOUND + "EncryptedPackage".encode("utf-16-le"),
        Format.XLSX,
        "data.workbook",
        "needs a password",
    ),
    "a password on ods": (
        ods("", **{"META-INF/manifest.xml": "<manifest:encryption-data/>"}),
        Format.ODS,
        "data.workbook",
        "needs a password",
    ),
    "a billion laughs": (
        zipped(xlsx_parts({"Sheet1": with_laughs(sheet_xml([["a"], [1]]))})),
        Format.XLSX,
        "data.workbook",
        "'xl/worksheets/sheet1.xml' holds a DTD",
    ),
    "a billion laughs in ods": (
        ods("", **{"content.xml": '<?xml version="1.0"?>' + LAUGHS + "<x>&i;</x>"}),
        Format.ODS,
        "data.workbook",
        "'content.xml' holds a DTD",
    ),
    "a DTD without entities": (
        zipped(SOUND_PARTS | {"xl/styles.xml": "<!DOCTYPE styleSheet><styleSheet/>"}),
        Format.XLSX,
        "data.workbook",
        "'xl/styles.xml' holds a DTD",
    ),
    "a DTD in another encoding": (
        zipped(
            SOUND_PARTS | {"xl/styles.xml": ('<?xml version="1.0"?>' + LAUGHS).encode("utf-16")}
        ),
        Format.XLSX,
        "data.workbook",
        "is not UTF-8",
    ),
    "a name that climbs": (
        zipped(SOUND_PARTS | {"xl/../../etc/passwd": "x"}),
        Format.XLSX,
        "data.workbook",
        "leaves the archive",
    ),
    "an absolute name": (
        zipped(SOUND_PARTS | {"/etc/passwd": "x"}),
        Format.XLSX,
        "data.workbook",
        "leaves the archive",
    ),
    "a name of another system": (
        zipped(SOUND_PARTS | {"..\\evil.xml": "x"}),
        Format.XLSX,
        "data.workbook",
        "leaves the archive",
    ),
    "a part twice": (
        zipped(SOUND_PARTS | {"XL/WORKBOOK.XML": "<x/>"}),
        Format.XLSX,
        "data.workbook",
        "twice",
    ),
    "sheets that are no XML": (
        zipped(SOUND_PARTS | {"xl/worksheets/sheet1.xml": "a,b\n1,2\n"}),
        Format.XLSX,
        "data.workbook",
        "cannot be read",
    ),
    "a sheet that is missing": (
        zipped({k: v for k, v in SOUND_PARTS.items() if "sheet1" not in k}),
        Format.XLSX,
        "data.workbook",
        "cannot be read",
    ),
    "too many parts": (
        zipped(SOUND_PARTS | {f"{i}.xml": "" for i in range(10_001)}),
        Format.XLSX,
        "data.too_large",
        "parts; at most 10000",
    ),
}


@pytest.mark.parametrize("case", PARTS)
def test_an_archive_that_holds_more_than_a_table_is_refused(case: str) -> None:
    content, format, code, words = PARTS[case]
    with pytest.raises(DataError, match=words) as caught:
        read(content, format)
    assert caught.value.code == code


def test_an_entry_with_a_password_is_refused() -> None:
    content = bytearray(SOUND)
    at = content.find(b"PK\x01\x02")
    content[at + 8] |= 1
    with pytest.raises(DataError, match="needs a password"):
        read(bytes(content))


def test_a_directory_that_claims_to_be_endless_is_refused_before_it_is_read() -> None:
    content = bytearray(SOUND)
    content[-10:-6] = (10_000_000).to_bytes(4, "little")
    with pytest.raises(DataError, match="too many parts") as caught:
        read(bytes(content))
    assert caught.value.code == "data.too_large"


def test_what_unpacks_to_too_much_is_refused_before_any_parser_sees_it() -> None:
    content = zipped(SOUND_PARTS | {"xl/media/image1.xml": bytes(3_000_000)})
    assert len(content) < 10_000
    with pytest.raises(DataError, match="bytes unpacked; at most 2000000") as caught:
        read(content, limits=DataLimits(workbook_unpacked_bytes_max=2_000_000))
    assert caught.value.code == "data.too_large"
    with pytest.raises(DataError, match="at most 100 are read"):
        read(SOUND, limits=DataLimits(workbook_bytes_max=100))


def test_a_part_that_claims_less_than_it_unpacks_to_is_refused() -> None:
    content = bytearray(zipped(SOUND_PARTS | {"xl/theme.xml": b"x" * 1_000_000}))
    at = content.rfind(b"PK\x01\x02")
    content[at + 24 : at + 28] = (10).to_bytes(4, "little")
    with pytest.raises(DataError, match="the archive is damaged"):
        read(bytes(content))


FAR = b'<c r="XFD1048576"><v>1</v></c>'


@pytest.mark.parametrize("name", ["xlsx", "ods"])
def test_a_few_cells_that_claim_billions_are_refused_with_memory_bounded(name: str) -> None:
    repeated = 'table:number-columns-repeated="16384"'
    bombs = {
        "xlsx": (xlsx([["a"], [FAR]]), Format.XLSX),
        "ods": (
            ods(
                ods_row(ods_cell("a"))
                + ods_row(ods_cell(1, repeated), attributes='table:number-rows-repeated="1000"')
            ),
            Format.ODS,
        ),
    }
    content, format = bombs[name]
    limits = DataLimits(apart_memory_bytes_max=500_000_000)
    with pytest.raises(DataError, match="bytes of memory to read") as caught:
        read(content, format, limits)
    assert caught.value.code == "data.too_large"


def test_a_file_cut_off_anywhere_is_refused() -> None:
    for end in [*range(0, len(SOUND), 97), len(SOUND) - 1]:
        with pytest.raises(DataError) as caught:
            read(SOUND[:end])
        assert caught.value.code in ("data.workbook", "data.empty")


@pytest.mark.slow
def test_a_damaged_file_is_refused_or_read_and_nothing_else_happens() -> None:
    source = random.Random(7)
    for _ in range(60):
        damaged = bytearray(SOUND)
        damaged[source.randrange(len(damaged))] ^= 1 << source.randrange(8)
        try:
            table = read(bytes(damaged))
        except DataError:
            continue
        assert table.shape == (1, 1)


def test_a_long_text_is_refused_by_place() -> None:
    limits = DataLimits(field_bytes_max=1_000)
    with pytest.raises(DataError, match="row 3, column 2 has 1001 characters") as caught:
        read(xlsx([["a", "b"], [1, "x" * 1_000], [2, "x" * 1_001]]), limits=limits)
    assert caught.value.code == "data.too_large"


def test_the_archives_made_here_are_sound() -> None:
    assert read(SOUND).rows() == read(SOUND_ODS, Format.ODS).rows() == [(1,)]
    with zipfile.ZipFile(io.BytesIO(SOUND)) as archive:
        assert archive.testzip() is None
