"""`freehold upgrade`: rehearsed, carried out and undone from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.kernel.upkeep import FORMAT
from tests.cli.test_cli import Shell
from tests.golden.estates import expected, unpack


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A shell beside an estate of format 1 that nobody holds."""
    unpack(1, tmp_path / "old")
    return Shell(tmp_path / "old")


def test_an_older_estate_is_rehearsed_upgraded_and_put_back(shell: Shell):
    signing = ("--as", "olivia", "--key", str(shell.home / "people" / "olivia"))
    told = shell.error("estate", "status")
    assert told["code"] == "estate.older"
    assert "freehold upgrade" in told["hint"]
    rehearsed = shell.json("upgrade", "--rehearse", *signing)
    assert (rehearsed["former_format"], rehearsed["format"]) == (1, FORMAT)
    assert rehearsed["all_the_same"] is True
    assert rehearsed["records"] == expected(1)["records"]
    upgraded = shell.json("upgrade", *signing)
    assert upgraded["comparison"] == rehearsed["comparison"]
    assert shell.json("upgrade", "--undo") == {
        "undone": True,
        "format": 1,
        "records": expected(1)["records"],
    }
    shell.json("upgrade", *signing)
    shell.json("login", *signing)
    assert shell.json("estate", "clock")["state"]
    assert shell.error("upgrade", "--undo")["code"] == "upgrade.no_return"


def test_signing_takes_a_person_and_a_key(shell: Shell):
    assert shell.error("upgrade", "--as", "olivia")["code"] == "cli.sign"
    assert shell.error("upgrade", "--rehearse")["code"] == "party.unauthenticated"
