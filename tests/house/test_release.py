"""What is released can be built again by anybody: the same wheel and the same bill of materials."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT, not_run


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commit that is checked out, cloned to another place."""
    if not (ROOT / ".git").exists():
        not_run("this is no git checkout")
    folder = tmp_path_factory.mktemp("clone") / "elsewhere"
    command = ["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def released(source: Path, target: Path, *, umask: int) -> dict[str, str]:
    """Build a release of a clone; gives the checksums by the name of the file."""
    done = subprocess.run(
        [sys.executable, "tools/release.py", str(target)],
        cwd=source,
        env={**os.environ, "TZ": "Asia/Tokyo" if umask else "UTC"},
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    sums = (line.split("  ") for line in (target / "SHA256SUMS").read_text().splitlines())
    return {name: digest for digest, name in sums}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_builds_in_different_places_are_the_same_bit_for_bit(clone: Path, tmp_path: Path):
    first = released(clone, tmp_path / "first", umask=0)
    moved = tmp_path / "a place with another name"
    shutil.copytree(clone, moved)
    second = released(moved, tmp_path / "second", umask=0o077)
    assert first == second
    [wheel] = (tmp_path / "first").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "freehold/__init__.py" in names
    assert not [name for name in names if name.startswith(("tests/", "tools/"))]
    [bill] = (tmp_path / "first").glob("*.cdx.json")
    bom = json.loads(bill.read_text())
    components = {each["name"].lower() for each in bom["components"]}
    assert {"cryptography", "pyrage", "sqlalchemy"} <= components
    assert not {"pytest", "mypy", "hypothesis"} & components
    assert str(ROOT) not in bill.read_text()
