"""Losing the passphrase, by commands alone; emergencies and reviews as their users type them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_cli import Shell, as_, shell
from tests.session.servers import FREEHOLD, up

__all__ = ["shell"]


def approve(shell: Shell, act: str, resource: str, person: str = "oscar") -> Any:
    key = str(shell.home / "people" / person)
    words = ("approve", act, resource, "--as", person, "--key", key)
    return shell.json(*words, **as_(shell, person))


def secret(path: Path, text: str) -> str:
    path.write_text(text + "\n")
    path.chmod(0o600)
    return str(path)


def shares_of(shell: Shell, name: str = "shares") -> list[str]:
    return sorted(map(str, (shell.home / name).iterdir()))


def set_up(shell: Shell) -> Any:
    approve(shell, "recovery.set_up", "estate")
    words = ("--shares", "5", "--threshold", "3", "--out", str(shell.home / "shares"))
    return shell.json("recovery", "set-up", *words, **as_(shell, "olivia"))


def given(*paths: str) -> list[str]:
    return [word for path in paths for word in ("--share", path)]


def test_a_lost_passphrase_is_replaced_by_three_of_five_holders_and_an_owner(shell):
    made = set_up(shell)
    files = shares_of(shell)
    assert len(files) == 5
    assert {oct(Path(each).stat().st_mode & 0o777) for each in files} == {"0o600"}
    assert oct((shell.home / "shares").stat().st_mode & 0o777) == "0o700"
    owner = as_(shell, "olivia")
    drilled = shell.json("recovery", "drill", *given(*files[:3]), **owner)
    assert (drilled["works"], drilled["recovery"]) == (True, made["recovery"])

    lost = {"FREEHOLD_PASSPHRASE_FILE": None}
    new = secret(shell.home / "new-passphrase", "a new passphrase")
    key = str(shell.home / "people" / "olivia")
    used = shell.json(
        *("recovery", "use", *given(files[4], files[0], files[2]), "--as", "olivia", "--key", key),
        **lost,
        FREEHOLD_NEW_PASSPHRASE_FILE=new,
    )
    assert used["recovery"] == made["recovery"]
    assert shell.error("estate", "status", **owner)["code"] == "keys.wrong_custody"
    status = shell.json("estate", "status", **owner, FREEHOLD_PASSPHRASE_FILE=new)
    assert "recovery.used" in [each["code"] for each in status["concerns"]]


def test_too_few_mixed_spoilt_or_readable_shares_are_told(shell):
    set_up(shell)
    files, owner = shares_of(shell), as_(shell, "olivia")
    drill = ("recovery", "drill")
    few = shell.error(*drill, *given(*files[:2]), **owner)
    assert (few["code"], few["message"]) == (
        "keys.shares_few",
        "2 different shares were given, 3 are needed",
    )
    assert shell.error(*drill, *given(files[0], files[0], files[1]), **owner)["code"] == (
        "keys.shares_few"
    )
    text = Path(files[2]).read_text()
    spoilt = secret(shell.home / "spoilt", text.rpartition(" ")[0])
    assert shell.error(*drill, *given(*files[:2], spoilt), **owner)["code"] == "keys.share"
    other = Path(files[3])
    other.chmod(0o644)
    assert shell.error(*drill, *given(*files[:2], files[3]), **owner)["code"] == "cli.secret_mode"
    assert shell.error(*drill, **owner)["code"] == "cli.recovery"
    both = [*given(files[0]), "--identity", files[1]]
    assert shell.error(*drill, *both, **owner)["code"] == "cli.recovery"


def test_an_identity_of_age_keygen_recovers_alone(shell, tmp_path):
    key = tmp_path / "key.txt"
    done = subprocess.run(["age-keygen", "-o", key], capture_output=True, text=True, check=True)
    recipient = done.stderr.split()[-1]
    approve(shell, "recovery.set_up", "estate")
    owner = as_(shell, "olivia")
    made = shell.json("recovery", "set-up", "--recipient", recipient, **owner)
    drilled = shell.json("recovery", "drill", "--identity", str(key), **owner)
    assert drilled["recovery"] == made["recovery"]
    (shown,) = shell.json("recovery", "show", **as_(shell, "ada"))
    assert (shown["kind"], shown["recipients"]) == ("recipients", [recipient])
    approve(shell, "recovery.revoke", "estate")
    shell.json("recovery", "revoke", made["recovery"], **owner)
    told = shell.error("recovery", "drill", "--identity", str(key), **owner)
    assert told["code"] == "keys.unknown_recovery"


@pytest.mark.parametrize(
    "words",
    [
        ("--shares", "5"),
        ("--shares", "2", "--threshold", "3", "--out", "x"),
        ("--shares", "5", "--threshold", "1", "--out", "x"),
        ("--shares", "17", "--threshold", "3", "--out", "x"),
        ("--shares", "5", "--threshold", "3"),  # and no terminal to show them at
        ("--shares", "5", "--threshold", "3", "--recipient", "age1x"),
        (),
    ],
)
def test_a_set_up_that_makes_no_sense_is_refused_before_anything_is_opened(shell, words):
    told = shell.error("recovery", "set-up", *words, FREEHOLD_PASSPHRASE_FILE="/nowhere")
    assert told["code"] == "cli.recovery"


def test_shares_overwrite_nothing(shell):
    approve(shell, "recovery.set_up", "estate")
    (shell.home / "shares").mkdir()
    words = ("--shares", "3", "--threshold", "2", "--out", str(shell.home / "shares"))
    told = shell.error("recovery", "set-up", *words, **as_(shell, "olivia"))
    assert told["code"] == "cli.file"
    assert shell.json("recovery", "show", **as_(shell, "olivia")) == []


def test_no_command_prints_a_share_or_shows_one_in_its_arguments(shell):
    set_up(shell)
    files = shares_of(shell)
    words = [Path(each).read_text().splitlines()[2] for each in files]
    command = [*FREEHOLD, "recovery", "drill", *given(*files[:2])]
    done = subprocess.run(
        command,
        env={**shell.environment, "FREEHOLD_TOKEN_FILE": str(shell.home / "token-olivia")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "2 different shares" in done.stderr
    assert not any(each in done.stdout + done.stderr for each in words)


def test_an_emergency_by_commands_and_its_alarm_in_the_servers_output(shell):
    with up(shell.home):
        asked = shell.json(
            *("access", "request", "steward", "--minutes", "30", "--code", "outage"),
            *("--reason", "the intake is stuck"),
            **as_(shell, "otto"),
        )
        ref = asked["ref"]
        refused = shell.error("access", "break-glass", ref, status=3, **as_(shell, "otto"))
        assert "charter.approvals.access-break_glass" in refused["message"]
        approve(shell, "access.break_glass", ref, "ravi")
        taken = shell.json("access", "break-glass", ref, **as_(shell, "otto"))
        assert taken["state"] == "open"
        shell.json("data", "show", "patients", **as_(shell, "otto"))
        shell.json("access", "end", ref, **as_(shell, "olivia"))
        finding = ("--outcome", "justified", "--finding", "it was stuck")
        done = shell.json("access", "review-emergency", ref, *finding, **as_(shell, "ravi"))
        assert done["state"] == "reviewed"
    log = (shell.home / "log").read_text()
    (alarm,) = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert (alarm["alarm"], alarm["resource"]) == ("access.break_glass", ref)
    assert "stuck" not in log


def test_a_review_by_commands(shell):
    ravi = as_(shell, "ravi")
    review = shell.json("access", "review-open", "--unit", "it", **ravi)["ref"]
    for item in shell.json("access", "review-show", review, **ravi):
        words = ("--decision", "keep", "--reason", "needs it")
        shell.json("access", "review-decide", review, item["code"], *words, **ravi)
    closed = shell.json("access", "review-close", review, **ravi)
    assert (closed["people"], closed["decided"]) == (2, 2)
    shown = shell.run("access", "review-list", **ravi)
    assert shown.exit_code == 0
    assert review.removeprefix("review:")[:13] in shown.stdout


def test_what_waits_is_shown_with_the_status(shell):
    shown = shell.run("estate", "status", **as_(shell, "olivia"), COLUMNS="200")
    assert "recovery.none" in shown.stdout
    assert os.environ.get("FREEHOLD_ESTATE") is None
