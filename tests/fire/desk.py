"""Somebody at a command line, whose calls may fail for want of something.

A call that fails must say so in words: a code, what to do, and nothing of our insides.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.estate.world import PASSPHRASE, ROOT, table
from tests.fire.promises import Promises, check_everything

WANTING = {
    "host.space", "host.read_only", "host.files", "host.memory", "host.io",
    "keys.storage", "keys.reopen", "vault.storage", "vault.reopen",
    "catalog.unreadable", "catalog.apply", "catalog.scrub", "catalog.storage",
    "ledger.sync_failed", "ledger.commit_failed", "ledger.publish_failed",
    "data.machine", "ledger.thread", "ledger.storage",
}  # fmt: skip
"""Codes by which it may be told that the machine did not do its part."""


@dataclass
class Desk:
    """Calls of the command line on the estate in `folder`/estate, as its steward."""

    folder: Path
    secrets: Path  # holds `passphrase` and `token`
    done: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.secrets),
            "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT))),
            "PYTHONDONTWRITEBYTECODE": "1",
            "FREEHOLD_ESTATE": str(self.folder / "estate"),
            "FREEHOLD_PASSPHRASE_FILE": str(self.secrets / "passphrase"),
            "FREEHOLD_TOKEN_FILE": str(self.secrets / "token"),
        }

    def ingest(self, name: str, *, limits: Sequence[str] = ("none", "0"), rows: int = 40) -> bool:
        """Ingest a table; tell whether it was done. What went wrong is told in words, or fails."""
        path = self.secrets / f"{name}.csv"
        path.write_bytes(table(rows))
        words = ["data", "ingest", name, str(path), "--data-class", "internal"]
        words += ["--purpose", "diagnosis-support", "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "tests.fire.limited", *limits, *words],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        if done.returncode == 0:
            assert json.loads(done.stdout)["is_new"], done.stdout
            self.done.append(name)
            return True
        if limits[0] == "memory" and _broke_down(done):
            self.codes.append("aborted")
        else:
            self._check_words(done)
        return False

    def _check_words(self, done: subprocess.CompletedProcess[str]) -> None:
        said = f"{done.returncode}: {done.stdout}{done.stderr}"
        assert done.returncode == 1, said
        assert "Traceback" not in done.stderr, said
        error: dict[str, Any] = json.loads(done.stdout)["error"]
        assert error["code"] in WANTING, said
        assert error["message"], said
        assert error["hint"], said
        self.codes.append(error["code"])

    def check(self) -> None:
        """Hold the estate to everything that was said to be done, the machine being well again."""
        check_everything(self.folder, Promises(is_created=True, is_ratified=True), self._find)

    def _find(self, world) -> None:
        for name in self.done:
            assert world.estate.data.find(name), f"{name} was said to be ingested"


def _broke_down(done: subprocess.CompletedProcess[str]) -> bool:
    """Whether a process that gets no memory was ended by a library, or by an interpreter that could
    not even raise a MemoryError: it is as if it had been killed.
    """
    is_broken = "SystemError: " in done.stderr or "lost sys.stderr" in done.stderr
    return done.returncode == -signal.SIGABRT or (is_broken and not done.stdout)


def write_secrets(folder: Path, token: str) -> None:
    """Put passphrase and token where a desk looks for them."""
    for name, secret in (("passphrase", PASSPHRASE), ("token", token)):
        path = folder / name
        path.write_text(secret + "\n")
        path.chmod(0o600)
