"""PDF: a page is a row; what is cut off, locked or explodes is refused, time and memory bounded."""

from __future__ import annotations

import io
import random
import zlib
from collections.abc import Sequence

import polars as pl
import pypdf
import pytest

from freehold.data import DEFAULT_DATA_LIMITS, DataError, DataLimits, Format, read_table


def document(contents: Sequence[bytes], filter: str = "") -> bytes:
    """A PDF by hand: one page for each content stream, with Helvetica as /F."""
    count = len(contents)
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(count))
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>".encode(),
        font.encode(),
    ]
    for i, content in enumerate(contents):
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * i} 0 R "
            "/Resources << /Font << /F 3 0 R >> >> >>".encode(),
            f"<< /Length {len(content)} {filter} >>\nstream\n".encode() + content + b"\nendstream",
        ]
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    start = len(out)
    size = len(objects) + 1
    out += f"xref\n0 {size}\n0000000000 65535 f \n{table}".encode()
    out += f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


def shown(text: str) -> bytes:
    return b"BT /F 12 Tf 72 720 Td (" + text.encode("cp1252") + b") Tj ET" if text else b""


def read(content: bytes, limits: DataLimits = DEFAULT_DATA_LIMITS) -> pl.DataFrame:
    return read_table(io.BytesIO(content), Format.PDF, limits=limits)


SOUND = document([shown("One"), shown(""), shown("größe")])


def test_each_page_is_a_row_and_an_empty_one_a_missing_text() -> None:
    table = read(SOUND)
    assert table.schema == {"page": pl.Int64, "text": pl.String}
    assert table.rows() == [(1, "One"), (2, None), (3, "größe")]


def test_a_pdf_written_by_a_library_is_read() -> None:
    writer = pypdf.PdfWriter(io.BytesIO(SOUND))
    for page in writer.pages:
        page.compress_content_streams()
    stream = io.BytesIO()
    writer.write(stream)
    assert read(stream.getvalue()).rows() == read(SOUND).rows()


def test_packed_pages_are_read() -> None:
    packed = zlib.compress(shown("packed"))
    assert read(document([packed], "/Filter /FlateDecode")).rows() == [(1, "packed")]


def encrypted(password: str) -> bytes:
    writer = pypdf.PdfWriter(io.BytesIO(SOUND))
    writer.encrypt(password, owner_password="owner", algorithm="AES-256")
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


REFUSED: dict[str, tuple[bytes, str, str]] = {
    "no bytes": (b"", "data.empty", "empty"),
    "another kind of file": (b"a,b\n1,2\n", "data.pdf", "does not begin with %PDF-"),
    "bytes before the start": (b"x" + SOUND, "data.pdf", "does not begin with %PDF-"),
    "its end missing": (SOUND[:-8], "data.pdf", "does not end with %%EOF"),
    "a head and an end": (b"%PDF-1.7\n%%EOF\n", "data.pdf", "cannot be read: its structure"),
    "a table in the wrong place": (
        SOUND.replace(b"startxref\n", b"startxref\n9"),
        "data.pdf",
        "cannot be read: its structure",
    ),
    "a page without its stream": (
        SOUND.replace(b"endstream", b"xndstream"),
        "data.pdf",
        "cannot be read",
    ),
    "no text at all": (document([b"", b""]), "data.empty", "none of the 2 pages has text"),
    "a password": (encrypted("secret"), "data.pdf", "encrypted"),
    "an empty password": (encrypted(""), "data.pdf", "encrypted"),
    "a stream that is not packed": (
        document([b"not packed at all"], "/Filter /FlateDecode"),
        "data.pdf",
        "cannot be read: page 1",
    ),
    "a second page that is damaged": (
        document([shown("One"), b"BT /F 12 Tf (x) Tj (never closed"]),
        "data.pdf",
        "cannot be read: page 2",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_sound_pdf_with_text_is_refused(case: str) -> None:
    content, code, words = REFUSED[case]
    with pytest.raises(DataError, match=words) as caught:
        read(content)
    assert caught.value.code == code


def test_a_file_cut_off_is_refused() -> None:
    for end in range(0, len(SOUND) - 6, 61):
        with pytest.raises(DataError) as caught:
            read(SOUND[:end])
        assert caught.value.code in ("data.pdf", "data.empty")


def test_a_file_cut_off_and_ended_again_is_refused() -> None:
    for end in range(100, len(SOUND) - 40, 200):
        with pytest.raises(DataError) as caught:
            read(SOUND[:end] + b"\n%%EOF\n")
        assert caught.value.code in ("data.pdf", "data.empty")


@pytest.mark.slow
def test_a_damaged_file_is_refused_or_read_and_nothing_else_happens() -> None:
    source = random.Random(5)
    for _ in range(40):
        damaged = bytearray(SOUND)
        for _ in range(3):
            damaged[source.randrange(len(damaged))] = source.randrange(256)
        try:
            read(bytes(damaged))
        except DataError:
            continue


def bomb(times: int) -> bytes:
    content = b"BT /F 12 Tf (x) Tj ET " + b" " * 20_000_000
    for _ in range(times):
        content = zlib.compress(content, 9)
    return document([content], f"/Filter [{' /FlateDecode' * times}]")


@pytest.mark.parametrize("times", [1, 2])
def test_a_stream_that_unpacks_to_too_much_is_refused(times: int) -> None:
    content = bomb(times)
    assert len(content) < 200_000
    with pytest.raises(DataError) as caught:
        read(content, DataLimits(pdf_stream_bytes_max=1_000_000))
    assert caught.value.code == "data.too_large"


def test_more_pages_than_allowed_are_refused() -> None:
    with pytest.raises(DataError, match="3 pages; at most 2") as caught:
        read(SOUND, DataLimits(pdf_pages_max=2))
    assert caught.value.code == "data.too_large"
    with pytest.raises(DataError, match="at most 10 are read"):
        read(SOUND, DataLimits(pdf_bytes_max=10))


def test_a_page_that_takes_too_long_is_refused_within_the_time_allowed() -> None:
    content = document([b"BT /F 12 Tf " + b"(x) Tj 1 0 0 1 0 0 Tm " * 300_000 + b"ET"])
    with pytest.raises(
        DataError, match=r"seconds of processor time|more than the bounds"
    ) as caught:
        read(content, DataLimits(apart_seconds_max=1))
    assert caught.value.code == "data.too_large"


def test_pages_that_contain_each_other_are_refused() -> None:
    loop = SOUND.replace(b"/Kids [4 0 R 6 0 R 8 0 R]", b"/Kids [2 0 R 2 0 R 2 0 R]")
    with pytest.raises(DataError) as caught:
        read(loop)
    assert caught.value.code in ("data.pdf", "data.too_large", "data.empty")
