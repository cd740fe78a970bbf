"""A folder of texts: the same bytes for the same folder, and nothing but plain texts in it."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.data import (
    DEFAULT_DATA_LIMITS,
    DataError,
    DataLimits,
    Format,
    pack_folder,
    read_table,
)
from freehold.data.reading import is_packed


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def read(content: bytes, limits: DataLimits = DEFAULT_DATA_LIMITS) -> list[tuple[str, str | None]]:
    table = read_table(io.BytesIO(content), Format.TEXT, limits=limits)
    assert table.columns == ["path", "text"]
    return table.rows()


def archive(
    entries: list[tuple[str, bytes]],
    change: Callable[[tarfile.TarInfo], None] = lambda entry: None,
    format: int = tarfile.USTAR_FORMAT,
) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=format) as tar:
        for name, content in entries:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            change(entry)
            tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


FILES = {
    "b.txt": "zweite\r\nZeile ü".encode(),
    "a.md": b"# first\n",
    "deep/er/c.txt": b"\xef\xbb\xbfwith a mark",
    "deep/empty.txt": b"",
    "A.TXT": b"capitals",
}


def test_a_folder_is_packed_and_read_back_in_the_order_of_names(tmp_path: Path) -> None:
    with pack_folder(fill(tmp_path, FILES)) as packed:
        assert packed.tell() == 0
        assert read(packed.read()) == [
            ("A.TXT", "capitals"),
            ("a.md", "# first\n"),
            ("b.txt", "zweite\r\nZeile ü"),
            ("deep/empty.txt", None),
            ("deep/er/c.txt", "with a mark"),
        ]


def test_the_same_texts_give_the_same_bytes_whenever_and_however_they_were_made(
    tmp_path: Path,
) -> None:
    one = fill(tmp_path / "one", FILES)
    two = fill(tmp_path / "two", dict(reversed(FILES.items())))
    for path in two.rglob("*.*"):
        os.utime(path, (1, 1))
        path.chmod(0o600)
    with pack_folder(one) as first, pack_folder(two) as second:
        content = first.read()
        assert content == second.read()
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        for entry in tar:
            assert (entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname) == (
                0,
                0,
                0,
                "",
                "",
            )


def test_decomposed_names_are_packed_as_composed_ones(tmp_path: Path) -> None:
    with pack_folder(fill(tmp_path, {"u\u0308ber.txt": b"x"})) as packed:
        assert read(packed.read()) == [("\u00fcber.txt", "x")]


def test_a_long_path_survives(tmp_path: Path) -> None:
    name = "folder " * 12 + "x/" + "file " * 15 + "y.txt"
    with pack_folder(fill(tmp_path, {name: b"x"})) as packed:
        assert read(packed.read()) == [(name, "x")]


REFUSED_FILES: dict[str, tuple[dict[str, bytes], str, str]] = {
    "nothing in it": ({}, "data.empty", "no files"),
    "another kind of file": ({"a.txt": b"x", "b.png": b"x"}, "data.folder", "b.png"),
    "a hidden file": ({".DS_Store": b"x"}, "data.folder", "DS_Store"),
    "a backslash in a name": ({"a\\b.txt": b"x"}, "data.folder", "not allowed"),
    "a line end in a name": ({"a\nb.txt": b"x"}, "data.folder", "not allowed"),
    "a name that turns the reading direction": (
        {"a\u202eb.txt": b"x"},
        "data.folder",
        "not allowed",
    ),
    "space at the end of a folder's name": ({"a /b.txt": b"x"}, "data.folder", "space at an end"),
    "two names that are one": (
        {"\u00fc.txt": b"x", "u\u0308.txt": b"y"},
        "data.folder",
        "same name",
    ),
    "a path over the limit": ({"d/" * 30 + "n" * 200 + ".txt": b"x"}, "data.folder", "longer"),
    "a name that no archive holds": ({"n" * 120 + ".txt": b"x"}, "data.folder", "too long"),
    "folders without end": ({"d/" * 40 + "a.txt": b"x"}, "data.too_large", "deeper than 32"),
    "Latin-1": ({"a.txt": b"M\xfcller"}, "data.encoding", "'a.txt' is not UTF-8: .* offset 1"),
    "UTF-16": ({"a.txt": "text".encode("utf-16")}, "data.encoding", "'a.txt' is UTF-16"),
    "a NUL byte": ({"a.txt": b"x\0"}, "data.nul", "'a.txt' has a NUL byte at offset 1"),
}


@pytest.mark.parametrize("case", REFUSED_FILES)
def test_a_folder_with_anything_but_plain_texts_is_refused(tmp_path: Path, case: str) -> None:
    files, code, words = REFUSED_FILES[case]
    with pytest.raises(DataError, match=words) as caught:
        pack_folder(fill(tmp_path, files))
    assert caught.value.code == code


@pytest.mark.parametrize("name", ["a.txt", "A.MD", "u\u0308ber.md"])
def test_a_single_text_is_a_folder_of_one(tmp_path: Path, name: str) -> None:
    fill(tmp_path / "folder", {name: b"# x"})
    file = tmp_path / "folder" / name
    assert is_packed(file)
    with pack_folder(file) as one, pack_folder(tmp_path / "folder") as folder:
        content = one.read()
        assert content == folder.read()
    assert len(read(content)) == 1


def test_another_file_is_no_folder(tmp_path: Path) -> None:
    fill(tmp_path, {"a.csv": b"x"})
    assert not is_packed(tmp_path / "a.csv")
    with pytest.raises(DataError, match="not a folder"):
        pack_folder(tmp_path / "a.csv")


def test_a_single_text_that_is_missing_or_a_link_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'a.txt' cannot be opened") as caught:
        pack_folder(tmp_path / "a.txt")
    assert caught.value.code == "data.folder"
    (tmp_path / "link.txt").symlink_to("/etc/hostname")
    with pytest.raises(DataError, match=r"'link.txt' cannot be opened"):
        pack_folder(tmp_path / "link.txt")


@pytest.mark.parametrize("target", ["/etc/hostname", "a.txt", "missing", "."])
def test_a_symbolic_link_is_refused_wherever_it_leads(tmp_path: Path, target: str) -> None:
    fill(tmp_path, {"a.txt": b"x"})
    (tmp_path / "link.txt").symlink_to(target)
    with pytest.raises(DataError, match=r"'link.txt' is a symbolic link"):
        pack_folder(tmp_path)


def test_a_pipe_is_refused_and_never_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(DataError, match="not a regular file"):
        pack_folder(tmp_path)


@pytest.mark.parametrize(
    "limits",
    [DataLimits(field_bytes_max=5), DataLimits(files_max=1), DataLimits(table_bytes_max=9)],
)
def test_each_bound_holds_for_packing_and_for_reading(tmp_path: Path, limits: DataLimits) -> None:
    files = {"a.txt": b"12345", "b.txt": b"123456"}
    with pytest.raises(DataError) as caught:
        pack_folder(fill(tmp_path, files), limits=limits)
    assert caught.value.code == "data.too_large"
    with pytest.raises(DataError) as caught:
        read(archive(list(files.items())), limits)
    assert caught.value.code == "data.too_large"


def a_link(entry: tarfile.TarInfo) -> None:
    entry.type, entry.linkname, entry.size = tarfile.SYMTYPE, "/etc/passwd", 0


def a_folder(entry: tarfile.TarInfo) -> None:
    entry.type, entry.size = tarfile.DIRTYPE, 0


def a_device(entry: tarfile.TarInfo) -> None:
    entry.type, entry.size = tarfile.CHRTYPE, 0


ENTRY = [("a.txt", b"text")]
SOUND = archive(ENTRY)
REFUSED_ARCHIVES: dict[str, tuple[bytes, str, str]] = {
    "no bytes": (b"", "data.folder", "no end mark"),
    "no files": (archive([]), "data.empty", "no files"),
    "a path that climbs": (archive([("../a.txt", b"x")]), "data.folder", "'..'"),
    "a path that climbs in the middle": (archive([("a/../b.txt", b"x")]), "data.folder", "'..'"),
    "an absolute path": (archive([("/a.txt", b"x")]), "data.folder", "empty part"),
    "the same path twice": (archive(ENTRY * 2), "data.folder", "twice"),
    "another kind of file": (archive([("a.sh", b"x")]), "data.folder", "neither"),
    "a symbolic link": (archive(ENTRY, a_link), "data.folder", "not a regular file"),
    "a folder": (archive(ENTRY, a_folder), "data.folder", "not a regular file"),
    "a device": (archive(ENTRY, a_device), "data.folder", "not a regular file"),
    "extension headers": (
        archive([("ü" * 90 + ".txt", b"x")], format=tarfile.PAX_FORMAT),
        "data.folder",
        "not a regular file",
    ),
    "a file cut off": (SOUND[:700], "data.folder", "ends within 'a.txt'"),
    "no end mark": (SOUND[:1_024], "data.folder", "cut off"),
    "a header cut off": (SOUND[:300], "data.folder", "not a tar archive"),
    "bytes after the end": (SOUND + b"x", "data.folder", "after its end"),
    "another format": (b"a,b\n1,2\n" * 100, "data.folder", "not a tar archive"),
    "compressed": (b"\x1f\x8b\x08" + bytes(600), "data.folder", "not a tar archive"),
    "text that is not UTF-8": (archive([("a.txt", b"\xff")]), "data.encoding", "'a.txt'"),
}


@pytest.mark.parametrize("case", REFUSED_ARCHIVES)
def test_an_archive_that_we_would_not_write_is_refused(case: str) -> None:
    content, code, words = REFUSED_ARCHIVES[case]
    with pytest.raises(DataError, match=words) as caught:
        read(content)
    assert caught.value.code == code


def test_a_size_that_lies_is_refused_before_anything_is_read() -> None:
    header = bytearray(SOUND[:512])
    header[124:136] = b"\x80" + (2**62).to_bytes(11)
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + sum(header[156:]) + 8 * 32)
    with pytest.raises(DataError, match=r"more than 16777216 bytes in 'a\.txt'"):
        read(bytes(header) + SOUND[512:])


@given(st.integers(0, len(SOUND) - 1), st.binary(min_size=1, max_size=8))
def test_a_damaged_archive_is_refused_or_read(at: int, damage: bytes) -> None:
    content = SOUND[:at] + damage + SOUND[at + len(damage) :]
    try:
        rows = read(content)
    except DataError:
        return
    assert len(rows) == 1
