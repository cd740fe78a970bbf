"""A file that is refused leaves nothing behind but its refusal, by a code."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import polars as pl
import pytest

from freehold.data import DataError, Format, Provenance, pack_folder
from freehold.estate import Estate
from tests.estate.world import PURPOSE, World, check_everything

ABOUT = Provenance("health", (PURPOSE,))


def parquet() -> bytes:
    file = io.BytesIO()
    pl.DataFrame({"age": list(range(1000)), "ward": ["north", "south"] * 500}).write_parquet(file)
    return file.getvalue()


def link_in_a_tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        link = tarfile.TarInfo("notes.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return file.getvalue()


def escape_in_a_tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo("../notes.txt")
        entry.size = 4
        archive.addfile(entry, io.BytesIO(b"text"))
    return file.getvalue()


MALFORMED = {
    "nothing at all": (Format.CSV, b"", "data.empty"),
    "a header and no row": (Format.CSV, b"a,b\n", "data.empty"),
    "a row with a field too many": (Format.CSV, b"a,b\n1,2\n1,2,3\n", "data.ragged"),
    "a row with a field too few": (Format.CSV, b"a,b\n1,2\n1\n", "data.ragged"),
    "a quote that never ends": (Format.CSV, b'a,b\n1,"2\n', "data.quote"),
    "the same column twice": (Format.CSV, b"a,a\n1,2\n", "data.header"),
    "a column without a name": (Format.CSV, b"a,\n1,2\n", "data.header"),
    "semicolons where commas belong": (Format.CSV, b"a;b\n1;2\n", "data.header"),
    "UTF-16": (Format.CSV, "a,b\n1,2\n".encode("utf-16"), "data.encoding"),
    "Latin-1": (Format.CSV, "a,b\n1,é\n".encode("latin-1"), "data.encoding"),
    "a NUL": (Format.CSV, b"a,b\n1,\x002\n", "data.nul"),
    "a formula": (Format.CSV, b"a,b\n1,=cmd|' /C calc'!A0\n", "data.formula"),
    "a formula in a column's name": (Format.CSV, b"=1+1,b\n1,2\n", "data.formula"),
    "tabs that end too early": (Format.TSV, b"a\tb\n1\n", "data.ragged"),
    "JSON as an array": (Format.JSONL, b"[1, 2]\n", "data.json"),
    "JSON nested without end": (Format.JSONL, b'{"a":' + b"[" * 100_000, "data.json"),
    "JSON with the same key twice": (Format.JSONL, b'{"a": 1, "a": 2}\n', "data.json"),
    "JSON that stops": (Format.JSONL, b'{"a": 1}\n{"a": ', "data.json"),
    "JSON with NaN": (Format.JSONL, b'{"a": NaN}\n', "data.json"),
    "JSON of mixed kinds": (Format.JSONL, b'{"a": 1}\n{"a": "x"}\n', "data.types"),
    "Parquet that was cut off": (Format.PARQUET, parquet()[:-100], "data.parquet"),
    "Parquet that has lost its middle": (
        Format.PARQUET,
        parquet()[:50] + b"\0" * 200 + parquet()[250:],
        "data.parquet",
    ),
    "CSV that calls itself Parquet": (Format.PARQUET, b"a,b\n1,2\n", "data.parquet"),
    "a gzip": (Format.CSV, gzip.compress(b"a,b\n1,2\n"), None),
    "a link in a packed folder": (Format.TEXT, link_in_a_tar(), "data.folder"),
    "a path that leaves its folder": (Format.TEXT, escape_in_a_tar(), "data.folder"),
    "no archive": (Format.TEXT, b"text", "data.folder"),
}


def ingest(world: World, content: bytes, format: Format = Format.CSV, name: str = "broken"):
    return world.estate.data.ingest(
        world.actor("stella"), name, io.BytesIO(content), format=format, about=ABOUT
    )


def blobs(estate: Estate, home: Path) -> set[str]:
    return {path.name for path in (home / "vault" / "blobs").rglob("*") if path.is_file()}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_file_leaves_a_code_in_the_ledger_and_nothing_else(world, case):
    format, content, code = MALFORMED[case]
    pipeline, catalog = world.estate.pipeline, world.estate.pipeline.stores.catalog
    steward = world.actor("stella")
    before, sealed = tables(world), blobs(world.estate, world.home)
    with pytest.raises(DataError) as refused:
        ingest(world, content, format)
    record = pipeline.record(pipeline.stores.log.size - 1)
    assert (record.act, record.phase, record.error) == (
        "dataset.ingest",
        "failed",
        refused.value.code,
    )
    assert code in (None, refused.value.code)
    assert record.outputs == ()
    assert (pipeline.details(record) or {}) == {}
    assert tables(world) == before
    assert blobs(world.estate, world.home) == sealed
    assert not list((world.home / "vault" / "staging").iterdir())
    assert world.estate.data.list(steward) == ()
    made = ingest(world, b"a,b\n1,2\n")  # the name is free
    assert (made.is_new, made.rows) == (True, 1)
    assert catalog.position == pipeline.stores.log.size


def tables(world: World) -> list[object]:
    """The catalog without its list of acts."""
    catalog = world.estate.pipeline.stores.catalog
    return [row for row in catalog.dump() if row[0] not in ("act", "clock", "link", "position")]


def test_a_malformed_second_version_leaves_the_first_as_it_was(world):
    first = ingest(world, b"a,b\n1,2\n", name="good")
    with pytest.raises(DataError):
        ingest(world, b"a,b\n1,2,3\n", name="good")
    assert world.estate.data.show(world.actor("stella"), "good").ref == first.ref
    assert world.estate.data.find("good").version == 1
    check_everything(world.estate)


def test_a_folder_with_a_link_is_refused_before_anything_is_sent(world, tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text("text")
    (folder / "b.txt").symlink_to("/etc/passwd")
    size = world.estate.pipeline.stores.log.size
    with pytest.raises(DataError) as refused:
        pack_folder(folder)
    assert refused.value.code == "data.folder"
    assert world.estate.pipeline.stores.log.size == size


def test_no_reason_of_a_refusal_lies_in_the_ledger(world):
    with pytest.raises(DataError) as refused:
        ingest(world, b"name,b\nsecret-cell,2,3\n")
    log = world.estate.pipeline.stores.log
    entry = json.loads(log.entry(log.size - 1))
    assert refused.value.message not in json.dumps(entry)
    assert "secret-cell" not in json.dumps(entry)
