"""Who takes part: fictional people, each with a key and a token of their own, kept in the demo's
folder.
"""

from __future__ import annotations

import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from freehold.charter import DEMO_PEOPLE
from freehold.demo.errors import DemoError
from freehold.estate import Estate
from freehold.kernel import Ref
from freehold.kernel.acts import Actor
from freehold.kernel.signatures import new_key_file, sign

MARK = "this-is-a-demonstration"


@dataclass(frozen=True, slots=True)
class Stage:
    """The demo's folder."""

    folder: Path

    @property
    def estate(self) -> Path:
        return self.folder / "estate"

    @property
    def inputs(self) -> Path:
        return self.folder / "inputs"

    @property
    def passphrase(self) -> Path:
        return self.folder / "passphrase"

    def key(self, person: str) -> Path:
        return self.folder / "keys" / person

    def token(self, person: str) -> Path:
        return self.folder / "tokens" / person

    @classmethod
    def prepare(cls, folder: Path) -> Stage:
        """Make the folder, or clear it if an earlier demonstration made it.

        Raises:
            DemoError: it holds something else.
        """
        if folder.exists():
            if not (folder / MARK).exists() and any(folder.iterdir()):
                raise DemoError(
                    "demo.folder",
                    f"{folder} exists and is no demonstration's",
                    "name another with --folder",
                )
            shutil.rmtree(folder)
        for part in ("inputs", "keys", "tokens"):
            (folder / part).mkdir(mode=0o700, parents=True)
        (folder / MARK).touch()
        return cls(folder)

    def new_passphrase(self) -> str:
        """A random passphrase, kept for the commands to try afterwards."""
        passphrase = secrets.token_urlsafe(24)
        _write_secret(self.passphrase, passphrase)
        return passphrase

    def new_keys(self) -> dict[str, str]:
        """A key pair for each person; the public keys by code."""
        return {person: new_key_file(self.key(person), person) for person in DEMO_PEOPLE}

    def write_environment(self) -> None:
        """A file to source, so that the next commands find estate, passphrase and the auditor's
        token.
        """
        here = self.folder.resolve()
        lines = (
            f"export FREEHOLD_ESTATE={here / 'estate'}",
            f"export FREEHOLD_PASSPHRASE_FILE={here / 'passphrase'}",
            f"export FREEHOLD_TOKEN_FILE={here / 'tokens' / 'ada'}",
        )
        (self.folder / "env").write_text("\n".join(lines) + "\n")


def ratify(estate: Estate, stage: Stage, owner: str) -> None:
    """Ratify as an owner, with the owner's key; the last one's ratification enrols everybody."""
    statement = estate.charter.statement(owner).message()
    status = estate.charter.ratify(statement, sign(statement, stage.key(owner)))
    if status.is_ratified:
        estate.adopt_charter()
        estate.people.enrol_charter(Actor(estate.charter.signer(statement)))


def log_in(estate: Estate, stage: Stage, person: str) -> Actor:
    """Get a token by signature, keep it, and become that person by it."""
    statement = estate.people.statement(person, "token.login").message()
    issued = estate.people.login(statement, sign(statement, stage.key(person)))
    _write_secret(stage.token(person), issued.token)
    return estate.people.authenticate(issued.token)


def approve(estate: Estate, stage: Stage, person: str, *, act: str, resource: Ref) -> str:
    """Approve an act by signature."""
    statement = estate.people.statement(person, act, resource).message()
    return estate.people.approve(statement, sign(statement, stage.key(person)))


def _write_secret(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
