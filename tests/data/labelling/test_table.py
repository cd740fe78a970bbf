"""Labels go to CSV and come back; what is not known is refused with row and column."""

from __future__ import annotations

import io
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import DataError, Format, read_table
from freehold.data.labelling import (
    AllowedLabel,
    Guideline,
    Label,
    LabelLayer,
    read_labels_csv,
    write_labels_csv,
)
from tests.data.labelling.examples import DATASET, NOW, THREE, label, layer

# Texts that a reader or a spreadsheet takes for something else.
TRAPS = """
    1 01 007 -0 1.50 1.5 1e5 .5 5. True true FALSE 2026-11-24 2026-02-30 '1 '' ' =1+1 -1 +49 @x
    99999999999999999999 9007199254740993 1E5 +1e5 x,y q"r é ＝1 null NA NaN inf 1_0 #x a;b cmd|x
    """.split()
IDENTITIES = st.sampled_from(TRAPS) | st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=4
)
NAMES = [name for name in TRAPS if "|" not in name]
TRAPPED = Guideline(1, "What?", tuple(AllowedLabel(name, "x") for name in NAMES))
SEVERAL = Guideline(
    2, "What?", tuple(AllowedLabel(name, "x") for name in NAMES), allows_several=True
)
KEYS = st.tuples(IDENTITIES, IDENTITIES)
SAID = st.tuples(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True), IDENTITIES)
EMPTY = LabelLayer(DATASET, (TRAPPED, SEVERAL))


def said(row: str, annotator: str, names: list[str], at: str) -> Label:
    return Label(row, tuple(names), annotator, 1 if len(names) == 1 else 2, at)


def refused(code: str, words: str) -> Any:
    return pytest.raises(DataError, match=words, check=lambda error: error.code == code)


def again(one: LabelLayer, *, with_history: bool) -> LabelLayer:
    stream = io.BytesIO()
    write_labels_csv(one, stream, with_history=with_history)
    entries = one.entries()
    return read_labels_csv(
        stream,
        LabelLayer(one.dataset, one.guidelines),
        rows=set(entries["row"]),
        annotators=set(entries["annotator"]),
    )


@given(st.dictionaries(KEYS, st.lists(SAID, min_size=1, max_size=3), min_size=1, max_size=6))
def test_a_layer_comes_back_from_csv(table):
    one = EMPTY.add([said(*key, *history[0]) for key, history in table.items()])
    for place in (1, 2):
        later = [said(*key, *h[place]) for key, h in table.items() if len(h) > place]
        one = one.replace(later)
    assert again(one, with_history=True) == one
    current = EMPTY.add([said(*key, *history[-1]) for key, history in table.items()])
    assert again(one, with_history=False) == current


@pytest.mark.parametrize("trap", TRAPS)
def test_a_column_of_nothing_but_traps_comes_back(trap: str):
    """Nothing else in a column tells the reader that it is text."""
    name = trap if trap in NAMES else NAMES[0]
    one = EMPTY.add([said(trap, trap, [name], trap)])
    assert again(one, with_history=True) == one


@given(st.dictionaries(KEYS, SAID, min_size=1, max_size=6))
def test_no_cell_that_is_written_is_run_by_a_spreadsheet(table):
    stream = io.BytesIO()
    write_labels_csv(EMPTY.add([said(*key, *each) for key, each in table.items()]), stream)
    cells = pl.read_csv(stream.getvalue(), infer_schema=False)
    for column in cells.get_columns():
        assert not column.str.contains(r"^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]").any()
    stream.seek(0)
    read_table(stream, Format.CSV)  # the reader, which refuses formulas, finds none


def test_what_is_written_is_what_a_person_expects():
    stream = io.BytesIO()
    one = layer([label("17", "no"), label("007", "yes", "=1+1")]).replace([label("17", "so")])
    write_labels_csv(one, stream, with_history=True)
    assert stream.getvalue().decode().splitlines() == [
        "row,annotator,guideline,labels,at,revision",
        f"'007,'=1+1,1,yes,{NOW},1",
        f"17,user:1,1,no,{NOW},1",
        f"17,user:1,1,so,{NOW},2",
    ]


def read(text: str, into: LabelLayer | None = None) -> LabelLayer:
    return read_labels_csv(
        io.BytesIO(text.encode()),
        layer() if into is None else into,
        rows={"1", "2", "3"},
        annotators=["user:1", "user:2"],
    )


HEADER = "row,annotator,guideline,labels,at\n"
FIRST = "1,user:1,1,no,t\n"
REFUSED = {
    "an unknown row": (
        HEADER + FIRST + "4,user:1,1,no,t\n",
        "data.label",
        r"row 3, column 1 \(row\)",
    ),
    "an unknown annotator": (
        HEADER + FIRST + "2,user:3,1,no,t\n",
        "data.label",
        r"row 3, column 2 \(annotator\)",
    ),
    "an unknown guideline": (HEADER + FIRST + "2,user:1,2,no,t\n", "data.label", "row 3, column 3"),
    "an unknown label": (
        HEADER + FIRST + "2,user:1,1,secret,t\n",
        "data.label",
        r"row 3, column 4 \(labels\): it has a label that",
    ),
    "two labels": (HEADER + "1,user:1,1,no|yes,t\n", "data.label", "row 2, column 4 .* allows one"),
    "an empty cell": (HEADER + FIRST + "2,user:1,1,,t\n", "data.label", "row 3, column 4 .* empty"),
    "space at an end": (HEADER + "1,user:1,1,no,t \n", "data.label", r"row 2, column 5 \(at\)"),
    "a row twice": (HEADER + FIRST + FIRST, "data.label_conflict", "row 2, column 1 .* twice"),
    "a guideline that is text": (HEADER + "1,user:1,one,no,t\n", "data.types", "column 3 .* whole"),
    "a column too few": (
        "row,annotator,guideline,labels\n1,user:1,1,no\n",
        "data.header",
        "expected row",
    ),
    "an unknown column": (
        "row,annotator,guideline,labels,at,name\n1,user:1,1,no,t,x\n",
        "data.header",
        "for the history, revision",
    ),
    "a formula": (HEADER + "1,user:1,1,no,=1+1\n", "data.formula", "row 2, column 5"),
    "a revision that is missing": (
        "revision," + HEADER + "2," + FIRST,
        "data.label_conflict",
        r"row 2, column 2 \(row\)",
    ),
    "numbers that lost their spelling": (HEADER + "1,user:1,1,no,1.50\n", "data.types", "column 5"),
    "no rows": (HEADER, "data.empty", "no rows"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_known_is_refused_with_row_and_column(case):
    text, code, words = REFUSED[case]
    with refused(code, words) as caught:
        read(text)
    assert "secret" not in str(caught.value)
    assert "user:3" not in str(caught.value)


def test_columns_come_in_any_order():
    found = read("at,labels,row,guideline,annotator\nt,no,1,1,user:1\n")
    assert found == LabelLayer(DATASET, (THREE,)).add([Label("1", ("no",), "user:1", 1, "t")])


def test_labels_that_a_reader_takes_for_other_kinds_are_known_again():
    def guideline(*names: str) -> LabelLayer:
        return LabelLayer(
            DATASET, (Guideline(1, "x", tuple(AllowedLabel(name, "x") for name in names)),)
        )

    def labels(text: str, into: LabelLayer) -> list[str]:
        return read(HEADER + text, into).current()["labels"].list.join("|").to_list()

    rows = "1,user:1,1,{},t\n2,user:1,1,{},t\n"
    assert labels(rows.format("true", "FALSE"), guideline("True", "False")) == ["True", "False"]
    assert labels(rows.format("0.5", "1"), guideline("0.50", "1", "1_0")) == ["0.50", "1"]
    assert labels(rows.format("3", "4"), guideline("3", "4")) == ["3", "4"]
    with refused("data.types", r"row 2, column 4 \(labels\).* 2 known texts"):
        labels(rows.format("1.5", "2"), guideline("1.5", "1.50", "2"))
    with refused("data.types", "0 known texts"):
        labels(rows.format("1.5", "2"), guideline("1", "2"))


def test_what_is_read_merges_with_what_was_there():
    before = layer([label("1", "yes", "user:2")])
    assert len(before.merge(read(HEADER + FIRST, before))) == 2
    with refused("data.label_conflict", "differ between the layers"):
        before.merge(read(HEADER + FIRST.replace("user:1", "user:2"), before))


def test_a_layer_without_labels_is_not_written():
    with refused("data.too_few_rows", "no labels to write"):
        write_labels_csv(layer(), io.BytesIO())
