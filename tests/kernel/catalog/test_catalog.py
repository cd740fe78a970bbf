"""The catalog: changes mean what a dictionary of rows would make of them, all or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Boolean, Column, Integer, MetaData, String, Table, Text, select

from freehold.kernel.catalog import (
    DOMAIN,
    ERASABLE,
    Amend,
    Catalog,
    CatalogError,
    Change,
    Forget,
    Put,
    Remove,
)

LOG = "estate/0192f0c4-0000-7000-8000-000000000000/main"
ROOM = MetaData()
THING = Table(
    "thing",
    ROOM,
    Column("id", Integer, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("home", String, info=DOMAIN),
    Column("status", String),
    Column("name", Text, info=ERASABLE),
    Column("words", Text, info=ERASABLE),
)
NOTE = Table(
    "note",
    ROOM,
    Column("id", Integer, primary_key=True),
    Column("home", String, info=DOMAIN),
    Column("flag", Boolean, nullable=False),
    Column("text", Text, info=ERASABLE),
)
BARE = Table("bare", ROOM, Column("id", Integer, primary_key=True))
KEYS: dict[Table, tuple[str, ...]] = {THING: ("id", "part"), NOTE: ("id",), BARE: ("id",)}
HOMES = ("here", "there")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.db"


@pytest.fixture
def catalog(path: Path) -> Iterator[Catalog]:
    catalog = Catalog(path, LOG, [ROOM])
    yield catalog
    catalog.close()


def put(**row: Any) -> Put:
    """A whole row of `thing`."""
    whole = {"id": 1, "part": 1, "home": "here", "status": "new", "name": "n", "words": "w"}
    return Put(THING, whole | row)


def things(catalog: Catalog) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in catalog.all(select(THING).order_by(THING.c.id, THING.c.part))]


# ---- the model ------------------------------------------------------------------------------


class Model:
    """Tables as dictionaries of rows by primary key."""

    def __init__(self) -> None:
        self.tables: dict[Table, dict[tuple[Any, ...], dict[str, Any]]] = {t: {} for t in KEYS}

    def apply(self, change: Change) -> None:
        if isinstance(change, Put):
            key = tuple(change.row[name] for name in KEYS[change.table])
            blank: dict[str, Any] = dict.fromkeys(change.table.c.keys())
            rows = self.tables[change.table]
            rows[key] = rows.get(key, blank) | dict(change.row)
        elif isinstance(change, Amend):
            for row in self._matching(change.table, change.where):
                row.update(change.row)
        elif isinstance(change, Remove):
            gone = [id(row) for row in self._matching(change.table, change.where)]
            rows = self.tables[change.table]
            self.tables[change.table] = {k: r for k, r in rows.items() if id(r) not in gone}
        else:
            for table, rows in self.tables.items():
                erasable = [c.name for c in table.columns if c.info.get("erasable")]
                for row in rows.values():
                    if erasable and row.get("home") == change.domain:
                        row.update(dict.fromkeys(erasable))

    def _matching(self, table: Table, where: Any) -> list[dict[str, Any]]:
        rows = self.tables[table].values()
        return [row for row in rows if all(row[k] == v for k, v in where.items())]

    def dump(self) -> list[tuple[str, tuple[Any, ...]]]:
        return [
            (table.name, tuple(self.tables[table][key].values()))
            for table in sorted(self.tables, key=lambda table: table.name)
            for key in sorted(self.tables[table])
        ]


IDS = st.integers(1, 3)
TEXTS = st.none() | st.sampled_from(("a", "b"))
STATUS = st.none() | st.sampled_from(("new", "old"))
THING_ROWS = st.fixed_dictionaries(
    {"id": IDS, "part": IDS, "home": st.sampled_from(HOMES), "status": STATUS},
    optional={"name": TEXTS, "words": TEXTS},
)
NOTE_ROWS = st.fixed_dictionaries(
    {"id": IDS, "home": st.sampled_from(HOMES), "flag": st.booleans(), "text": TEXTS}
)
WHERE_THING = st.one_of(
    st.fixed_dictionaries({"id": IDS}),
    st.fixed_dictionaries({"id": IDS, "part": IDS}),
    st.fixed_dictionaries({"status": STATUS}),
    st.fixed_dictionaries({"name": TEXTS, "status": STATUS}),
)
SET_THING = st.one_of(
    st.fixed_dictionaries({"status": STATUS}),
    st.fixed_dictionaries({"name": TEXTS, "words": TEXTS}),
)
CHANGES: st.SearchStrategy[Change] = st.one_of(
    st.builds(Put, st.just(THING), THING_ROWS),
    st.builds(Put, st.just(NOTE), NOTE_ROWS),
    st.builds(Put, st.just(BARE), st.fixed_dictionaries({"id": IDS})),
    st.builds(Amend, st.just(THING), WHERE_THING, SET_THING),
    st.builds(
        Amend,
        st.just(NOTE),
        st.fixed_dictionaries({"flag": st.booleans()}),
        st.fixed_dictionaries({"text": TEXTS}),
    ),
    st.builds(Remove, st.just(THING), WHERE_THING),
    st.builds(Remove, st.just(NOTE), st.fixed_dictionaries({"id": IDS})),
    st.builds(Forget, st.sampled_from(HOMES)),
)


def test_any_sequence_of_changes_gives_what_a_dictionary_gives(catalog: Catalog):
    @given(st.lists(st.lists(CHANGES, max_size=8), max_size=4))
    def check(groups: list[list[Change]]) -> None:
        catalog.clear()
        model = Model()
        for size, group in enumerate(groups, 1):
            catalog.apply(group, size)
            for change in group:
                model.apply(change)
        rooms = [row for row in catalog.dump() if row[0] in ("thing", "note", "bare")]
        assert rooms == model.dump()
        assert catalog.position == len(groups)

    check()


# ---- single meanings ------------------------------------------------------------------------


def test_a_put_replaces_the_columns_it_names_and_keeps_the_others(catalog: Catalog):
    catalog.apply([put(), Put(THING, {"id": 1, "part": 1, "status": "old"})], 1)
    assert things(catalog) == [(1, 1, "here", "old", "n", "w")]


def test_an_amend_finds_rows_by_a_missing_value_too(catalog: Catalog):
    catalog.apply([put(status=None), put(part=2)], 1)
    catalog.apply([Amend(THING, {"status": None}, {"status": "found"})], 2)
    assert [row[3] for row in things(catalog)] == ["found", "new"]


def test_a_remove_finds_rows_by_a_missing_value_too(catalog: Catalog):
    catalog.apply([put(status=None), put(part=2)], 1)
    catalog.apply([Remove(THING, {"status": None})], 2)
    assert [row[1] for row in things(catalog)] == [2]


def test_forgetting_a_domain_blanks_its_erasable_columns_in_every_table_and_no_others(
    catalog: Catalog,
):
    catalog.apply(
        [
            put(),
            put(part=2, home="there"),
            Put(NOTE, {"id": 1, "home": "here", "flag": True, "text": "t"}),
            Forget("here"),
        ],
        1,
    )
    assert things(catalog) == [(1, 1, "here", "new", None, None), (1, 2, "there", "new", "n", "w")]
    assert tuple(catalog.all(select(NOTE))[0]) == (1, "here", True, None)


def test_a_row_that_is_put_after_a_forget_keeps_its_words(catalog: Catalog):
    catalog.apply([put(), Forget("here"), put(part=2)], 1)
    assert [row[4] for row in things(catalog)] == [None, "n"]


def test_a_value_that_looks_like_sql_is_a_value(catalog: Catalog):
    text = "'); DROP TABLE thing; --\x00\U0001f512"
    catalog.apply([put(name=text), Amend(THING, {"name": text}, {"words": text})], 1)
    assert things(catalog) == [(1, 1, "here", "new", text, text)]


# ---- all or nothing -------------------------------------------------------------------------

BROKEN = {
    "a value that may not be null": Put(NOTE, {"id": 1, "home": "here", "flag": None}),
    "a column that does not exist": Amend(THING, {"id": 1}, {"colour": "red"}),
    "an integer that no database holds": put(id=2**70),
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN.keys())
def test_a_group_with_one_bad_change_changes_nothing(catalog: Catalog, change: Change):
    catalog.apply([put()], 3)
    before = list(catalog.dump())
    with pytest.raises(CatalogError) as error:
        catalog.apply([put(part=2), change, put(part=3)], 9)
    assert error.value.code == "catalog.apply"
    assert "record 9" in error.value.message
    assert list(catalog.dump()) == before
    assert catalog.position == 3
    catalog.apply([put(part=2)], 9)
    assert len(things(catalog)) == 2


def test_changes_that_end_in_an_exception_change_nothing(catalog: Catalog):
    def changes() -> Iterator[Change]:
        yield put()
        raise LookupError("a projection that fails")

    with pytest.raises(LookupError):
        catalog.apply(changes(), 1)
    assert (things(catalog), catalog.position) == ([], 0)


# ---- opening --------------------------------------------------------------------------------


def test_a_fresh_catalog_stands_at_position_zero(catalog: Catalog):
    assert catalog.position == 0
    assert list(catalog.dump()) == []


def test_rows_and_position_are_there_after_reopening(catalog: Catalog, path: Path):
    catalog.apply([put()], 5)
    before = list(catalog.dump())
    catalog.close()
    again = Catalog(path, LOG, [ROOM])
    assert (again.position, list(again.dump())) == (5, before)
    again.close()


def test_positions_of_different_logs_do_not_mix(catalog: Catalog, path: Path):
    catalog.apply([], 5)
    other = Catalog(path, "estate/0192f0c4-0000-7000-8000-000000000000/site", [ROOM])
    assert other.position == 0
    other.close()
    assert catalog.position == 5


def test_clearing_empties_everything_and_goes_back_to_the_beginning(catalog: Catalog):
    catalog.apply([put()], 5)
    catalog.clear()
    assert (catalog.position, list(catalog.dump())) == (0, [])


def test_tables_of_another_version_are_dropped_and_made_again_from_the_beginning(
    catalog: Catalog, path: Path
):
    catalog.apply([put()], 5)
    catalog.close()
    changed = MetaData()
    Table(
        "thing",
        changed,
        Column("id", Integer, primary_key=True),
        Column("colour", String, nullable=False),
    )
    other = Catalog(path, LOG, [changed])
    assert (other.position, list(other.dump())) == (0, [])
    other.apply([Put(changed.tables["thing"], {"id": 1, "colour": "red"})], 1)
    other.close()
    back = Catalog(path, LOG, [ROOM])
    assert (back.position, list(back.dump())) == (0, [])
    back.close()


def test_two_catalogs_with_the_same_history_have_equal_dumps(catalog: Catalog, tmp_path: Path):
    """Whatever the groups in which the changes came."""
    other = Catalog(tmp_path / "other.db", LOG, [ROOM])
    changes = [put(part=part, home=HOMES[part % 2]) for part in (3, 1, 2)] + [Forget("here")]
    catalog.apply(changes, 4)
    for size, change in enumerate(changes, 1):
        other.apply([change], size)
    assert list(other.dump()) == list(catalog.dump())
    other.close()


NO_CATALOGS = {
    "text": b"this is no database, " * 100,
    "a database cut short": b"SQLite format 3\0" + bytes(50),
}


@pytest.mark.parametrize("content", NO_CATALOGS.values(), ids=NO_CATALOGS.keys())
def test_a_file_that_is_no_catalog_is_refused_with_a_way_out(path: Path, content: bytes):
    path.write_bytes(content)
    with pytest.raises(CatalogError) as error:
        Catalog(path, LOG, [ROOM])
    assert error.value.code == "catalog.unreadable"
    assert str(path) in error.value.message
    assert "rebuilt from the ledger" in error.value.hint


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path):
    with pytest.raises(CatalogError):
        Catalog(tmp_path / "missing" / "catalog.db", LOG, [ROOM])


def test_readers_see_the_state_before_or_after_a_group_but_nothing_between(
    catalog: Catalog, path: Path
):
    seen: list[int] = []

    def changes() -> Iterator[Change]:
        yield put()
        seen.append(len(things(catalog)))
        yield put(part=2)

    catalog.apply(changes(), 1)
    assert seen == [0]
    assert len(things(catalog)) == 2
