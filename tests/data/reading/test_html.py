"""HTML: what is shown becomes text, what is there and not shown is kept apart, code is dropped."""

from __future__ import annotations

import io

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.data import DEFAULT_DATA_LIMITS, DataError, DataLimits, Format, read_table


def read(content: str | bytes, limits: DataLimits = DEFAULT_DATA_LIMITS) -> pl.DataFrame:
    data = content.encode() if isinstance(content, str) else content
    return read_table(io.BytesIO(data), Format.HTML, limits=limits)


def test_a_page_is_read_as_a_browser_shows_it() -> None:
    page = """<!doctype html><html><head><title>A &amp; B</title><meta name=x content=meta>
    <style>p { color: red }</style><script>var code = "<p>no</p>";</script></head>
    <body><h1>Heading</h1><p>One <b>bo</b>ld   word,<br>next&nbsp;line</p>
    <ul><li>first<li>second</ul><table><tr><td>a</td><td>b</td></tr></table>
    <script>more()</script>größe</body></html>"""
    assert read(page).rows() == [
        (
            "A & B",
            "Heading\nOne bold word,\nnext line\nfirst\nsecond\na\nb\ngröße",
            None,
        )
    ]


HIDDEN = {
    "a comment": "<!-- planted -->",
    "the attribute hidden": "<p hidden>planted</p>",
    "display none": '<p style="display:none">planted</p>',
    "display none, important": '<p style="color:red; DISPLAY : none !important">planted</p>',
    "display none behind a comment": '<p style="display:/**/none">planted</p>',
    "visibility": '<p style="visibility:hidden">planted</p>',
    "no opacity": '<p style="opacity:0">planted</p>',
    "opacity of nought point nought": '<p style="opacity: 0.0;">planted</p>',
    "no size": '<p style="font-size:0px">planted</p>',
    "beside the screen": '<p style="position:absolute;left:-9999px">planted</p>',
    "an indent": '<p style="text-indent:-5000px">planted</p>',
    "a clip": '<p style="clip:rect(0,0,0,0)">planted</p>',
    "no colour": '<p style="color:transparent">planted</p>',
    "a style sheet": "<style>/* x */ .q, #r {display:none}</style><p class=q>planted</p>",
    "a style sheet in the body": "<p id=r>planted</p><style>#r { opacity:0 }</style>",
    "a parent": '<div style="display:none"><p>pla<b>nted</b></p></div>',
    "noscript": "<noscript>planted</noscript>",
    "a template": "<template><p>planted</p><script>x</script></template>",
    "a template in a template": "<template><template>planted</template></template>",
    "a dialog that is closed": "<dialog>planted</dialog>",
}


@pytest.mark.parametrize("case", HIDDEN)
def test_text_that_is_not_shown_is_kept_apart(case: str) -> None:
    title, text, hidden = read(f"<body><p>shown</p>{HIDDEN[case]}<p>too</p></body>").row(0)
    assert (title, text, hidden) == (None, "shown\ntoo", "planted")


SHOWN = {
    "opacity of a tenth": '<p style="opacity:0.1">seen</p>',
    "a small size": '<p style="font-size:0.9em">seen</p>',
    "a transparent ground": '<p style="background-color:transparent">seen</p>',
    "a small shift": '<p style="left:-9px">seen</p>',
    "a rule for print alone": "<style>@media print {.q{display:none}}</style><p class=q>seen</p>",
    "a rule for pointers": "<style>p:hover{display:none}</style><p>seen</p>",
    "a rule that no browser knows": "<style>p[{display:none} %%{display:none}</style><p>seen</p>",
    "an open dialog": "<dialog open>seen</dialog>",
    "text for readers alone": '<p aria-hidden="true">seen</p>',
}


@pytest.mark.parametrize("case", SHOWN)
def test_text_that_is_shown_is_not_taken_for_hidden(case: str) -> None:
    assert read(f"<body>{SHOWN[case]}</body>").row(0) == (None, "seen", None)


REFUSED: dict[str, tuple[bytes, str, str]] = {
    "no bytes": (b"", "data.empty", "empty"),
    "no text": (b"<html><body><p> </p></body></html>", "data.empty", "shows no text"),
    "scripts alone": (b"<script>document.write('x')</script>", "data.empty", "shows no text"),
    "hidden text alone": (b"<p hidden>x</p>", "data.empty", "shows no text"),
    "Latin-1": (b"<p>M\xfcller</p>", "data.encoding", "0xfc at offset 4"),
    "UTF-16": ("<p>x</p>".encode("utf-16"), "data.encoding", "UTF-16"),
    "a NUL byte": (b"<p>\0</p>", "data.nul", "offset 3"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_page_with_text_is_refused(case: str) -> None:
    content, code, words = REFUSED[case]
    with pytest.raises(DataError, match=words) as caught:
        read(content)
    assert caught.value.code == code


def test_a_page_over_the_bound_is_refused() -> None:
    with pytest.raises(DataError, match="the page has 23 bytes; at most 22") as caught:
        read("<p>" + "x" * 20, DataLimits(field_bytes_max=22))
    assert caught.value.code == "data.too_large"


def test_elements_nested_without_end_are_refused_within_the_time_allowed() -> None:
    with pytest.raises(DataError, match="more than 1 seconds of processor time") as caught:
        read("<div>" * 400_000 + "x", DataLimits(apart_seconds_max=1))
    assert caught.value.code == "data.too_large"


def test_elements_nested_a_thousand_deep_are_read() -> None:
    assert read("<div>" * 1_000 + "x").row(0) == (None, "x", None)


@pytest.mark.slow
@settings(max_examples=30)
@given(st.lists(st.sampled_from(["<p>", "</p>", "<!--", "-->", "<b", ">", "x", "&", "<style>"])))
def test_any_text_is_read_or_refused(parts: list[str]) -> None:
    try:
        assert read("y" + "".join(parts)).height == 1
    except DataError as error:
        if error.code != "data.empty":
            raise
