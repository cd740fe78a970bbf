"""The model of a disk: small programs whose mistakes and virtues are known."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fire.disk import Recording
from tests.fire.replay import Replay
from tests.fire.states import crash_states, lasting, tree
from tests.fire.trace import read_calls, traced

pytestmark = pytest.mark.needs_program("strace")

BEGIN = """
import os, sqlite3, sys, threading
home = sys.argv[1] + "/estate"
told = os.open(sys.argv[1] + "/told", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def put(name, data, flags=os.O_CREAT, sync=True):
    file = os.open(f"{home}/{name}", os.O_WRONLY | flags)
    os.write(file, data)
    if sync:
        os.fsync(file)
    os.close(file)

def sync_folder(path=home):
    folder = os.open(path, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)

def tell(what="told"):
    os.write(told, what.encode() + b"\\n")
"""


def recorded(folder: Path, program: str, *options: str) -> Recording:
    """What a program does to the folder `home`, which holds the file `old` with the words `old`."""
    (folder / "estate").mkdir()
    (folder / "estate" / "old").write_bytes(b"old")
    replay = Replay(folder, "estate", "told")
    command = [sys.executable, "-S", "-c", BEGIN + program, str(folder)]
    done = subprocess.run(
        traced(folder / "trace", command, options), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    recording = replay.record(read_calls(folder / "trace"))
    assert lasting(recording.picture(sys.maxsize, {})) == lasting(tree(folder, "estate"))
    return recording


def after_telling(recording: Recording) -> list[dict[str, bytes | None]]:
    """Every state that may be found once the program has told."""
    (moment, _) = recording.marks[0]
    states = crash_states(recording, seed=1, moments=10_000)
    found = [each for each in states if each.moment >= moment]
    assert found
    return [recording.picture(each.moment, each.exceptions) for each in found]


def contents(recording: Recording, name: str) -> set[bytes | None]:
    return {each.get(f"estate/{name}") for each in after_telling(recording)}


def test_what_was_not_synced_may_be_missing_whole_or_torn(tmp_path: Path):
    recording = recorded(tmp_path, "put('old', b'new', sync=False); tell()")
    assert contents(recording, "old") >= {b"old", b"new", b"nld"}


def test_what_was_synced_is_there(tmp_path: Path):
    assert contents(recorded(tmp_path, "put('old', b'new'); tell()"), "old") == {b"new"}


def test_a_synced_file_has_no_durable_name_until_its_folder_is_synced(tmp_path: Path):
    recording = recorded(tmp_path, "put('a', b'new'); tell()")
    assert contents(recording, "a") == {None, b"new"}


def test_a_synced_folder_holds_the_name_but_not_the_content(tmp_path: Path):
    recording = recorded(tmp_path, "put('a', b'new', sync=False); sync_folder(); tell()")
    assert contents(recording, "a") >= {b"", b"new", b"\0\0\0"}
    assert None not in contents(recording, "a")


REPLACE = "put('t', b'new', sync={sync}); os.rename(home + '/t', home + '/old'); {more}; tell()"


@pytest.mark.parametrize(
    ("sync", "more", "left"),
    [
        pytest.param(True, "sync_folder()", {b"new"}, id="done right"),
        pytest.param(True, "pass", {b"old", b"new"}, id="without the folder"),
        pytest.param(False, "sync_folder()", {b"", b"\0\0\0", b"n", b"ne", b"new"}, id="unsynced"),
    ],
)
def test_replacing_a_file_takes_two_syncs(tmp_path: Path, sync: bool, more: str, left: set):
    found = contents(recorded(tmp_path, REPLACE.format(sync=sync, more=more)), "old")
    assert found <= left
    assert {b"new"} <= found
    assert (found == {b"new"}) == (sync and more == "sync_folder()")


def test_a_rename_moves_both_names_or_neither(tmp_path: Path):
    recording = recorded(tmp_path, "os.rename(home + '/old', home + '/b'); tell()")
    names = {tuple(sorted(set(each) - {"estate"})) for each in after_telling(recording)}
    assert names == {("estate/b",), ("estate/old",)}


def test_later_writes_may_be_there_without_earlier_ones(tmp_path: Path):
    program = "put('old', b'AB', os.O_APPEND, False); put('old', b'CD', os.O_APPEND, False); tell()"
    assert contents(recorded(tmp_path, program), "old") >= {b"old", b"old\0\0CD", b"oldABCD"}


def test_after_a_failed_sync_a_later_one_makes_nothing_sure(tmp_path: Path):
    program = """
try:
    put("old", b"new")
except OSError:
    sync = os.open(home + "/old", os.O_WRONLY)
    os.fsync(sync)
    tell()
"""
    fails = ("-e", "inject=fsync:error=EIO:when=1")
    assert contents(recorded(tmp_path, program, *fails), "old") >= {b"old", b"new"}


def test_threads_databases_and_folders_are_followed(tmp_path: Path):
    program = """
import shutil
def work(name):
    with sqlite3.connect(f"{home}/{name}.db") as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE t (a)")
        db.executemany("INSERT INTO t VALUES (?)", [(str(n) * 99,) for n in range(200)])
    db.close()
    put(name, b"x" * 10_000)
threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
os.makedirs(home + "/one/two"); shutil.rmtree(home + "/one"); os.makedirs(home + "/one/three")
os.link(home + "/a", home + "/one/a"); os.truncate
with open(home + "/one/a", "r+b") as file:
    file.truncate(5_000); file.seek(7_000); file.write(b"end")
tell()
"""
    recording = recorded(tmp_path, program)
    assert len(recording.operations) > 30
