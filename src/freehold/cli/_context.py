"""Where the estate is, who calls, and where secrets come from.

Secrets are never arguments: those show in process lists.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from freehold.cli.errors import UsageError
from freehold.session import Session, connect

PASSPHRASE_FILE = "FREEHOLD_PASSPHRASE_FILE"  # noqa: S105  # a place, not a secret
NEW_PASSPHRASE_FILE = "FREEHOLD_NEW_PASSPHRASE_FILE"  # noqa: S105
PASSPHRASE_FD = "FREEHOLD_PASSPHRASE_FD"  # noqa: S105
TOKEN_FILE = "FREEHOLD_TOKEN_FILE"  # noqa: S105
CREDENTIAL = "freehold-passphrase"
SECRET_BYTES_MAX = 4_096


@dataclass(frozen=True, slots=True)
class Context:
    """What the options before the noun say."""

    where: str
    token_file: Path | None = None

    def session(self) -> Session:
        """Reach the estate."""
        return connect(self.where, token=self.token(), passphrase=read_passphrase)

    def token(self) -> str:
        """The caller's token, or empty: then only what is signed gets through."""
        if self.token_file is not None:
            return read_secret(self.token_file)
        return read_secret(self.stored_token) if self.stored_token.exists() else ""

    @property
    def stored_token(self) -> Path:
        """Where `freehold login` keeps the token for this estate."""
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        place = self.where if "://" in self.where else str(Path(self.where).resolve())
        return base / "freehold" / "tokens" / hashlib.sha256(place.encode()).hexdigest()[:32]

    def keep_token(self, token: str) -> None:
        """Store a token for later calls, readable by this user alone."""
        path = self.stored_token
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(token + "\n")


def read_passphrase(of: str = "estate") -> str:
    """The custody's passphrase: from a descriptor, a 0600 file, a systemd credential, or the
    terminal.

    Raises:
        UsageError: none of these is there, or the file is readable by others.
    """
    given = _given_passphrase()
    if given is not None:
        return given
    if sys.stdin.isatty():
        return getpass.getpass(f"passphrase of the {of}: ")
    raise UsageError(
        "cli.no_passphrase",
        f"the passphrase of the {of} is needed and there is no terminal to ask at",
        f"name a 0600 file that holds it in {PASSPHRASE_FILE}, or a descriptor in {PASSPHRASE_FD}",
    )


def new_passphrase(of: str = "estate") -> str:
    """A passphrase for what is to be made, asked twice at a terminal.

    Raises:
        UsageError: empty, or the two differ.
    """
    given = _given_passphrase()
    first = read_passphrase(of) if given is None else given
    if given is None and getpass.getpass("the same again: ") != first:
        raise UsageError("cli.passphrase", "the two passphrases differ", "try again")
    if not first:
        raise UsageError("cli.passphrase", "an empty passphrase protects nothing")
    return first


def next_passphrase() -> str:
    """The passphrase that is to take the place of the present one.

    Raises:
        UsageError: empty, the two typed ones differ, or there is no terminal to ask at.
    """
    named = os.environ.get(NEW_PASSPHRASE_FILE)
    if named:
        return read_secret(Path(named))
    if not sys.stdin.isatty():
        raise UsageError(
            "cli.no_passphrase",
            "the new passphrase is needed and there is no terminal to ask at",
            f"name a 0600 file that holds it in {NEW_PASSPHRASE_FILE}",
        )
    first = getpass.getpass("new passphrase: ")
    if not first or getpass.getpass("the same again: ") != first:
        raise UsageError("cli.passphrase", "the new passphrases are empty or differ", "try again")
    return first


def parse_address(listen: str) -> tuple[str, int]:
    """HOST:PORT, or neither.

    Raises:
        UsageError: something else.
    """
    host, _, port = listen.rpartition(":")
    if listen and not (host and port.isascii() and port.isdigit() and int(port) < 65_536):
        raise UsageError(
            "cli.listen", f"expected HOST:PORT like 127.0.0.1:8443, got {listen!r:.80}"
        )
    return host.strip("[]"), int(port or 0)


def _given_passphrase() -> str | None:
    """The passphrase from where the environment says, or None where it says nothing."""
    if descriptor := os.environ.get(PASSPHRASE_FD):
        return _read_descriptor(descriptor)
    if named := os.environ.get(PASSPHRASE_FILE):
        return read_secret(Path(named))
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    if credentials and (path := Path(credentials) / CREDENTIAL).exists():
        return read_secret(path)
    return None


def _read_descriptor(number: str) -> str:
    try:
        with os.fdopen(int(number), "rb", closefd=False) as file:
            return _text(file.read(SECRET_BYTES_MAX))
    except (OSError, ValueError) as error:
        raise UsageError(
            "cli.secret", f"the descriptor {number!r:.20} in {PASSPHRASE_FD} cannot be read"
        ) from error


def _text(secret: bytes) -> str:
    return secret.decode().strip("\r\n")


def read_secret(path: Path) -> str:
    """Read a secret from a file that only its owner can read.

    Raises:
        UsageError: others can read it, or it cannot be read as text; none of it is shown.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise UsageError(
                    "cli.secret_mode", f"{path} can be read by others", f"chmod 600 {path}"
                )
            return _text(file.read(SECRET_BYTES_MAX))
    except OSError as error:
        raise UsageError(
            "cli.secret", f"the secret file {path} cannot be read: {error.strerror}"
        ) from error
    except UnicodeDecodeError:  # its text would be part of the secret
        raise UsageError("cli.secret", f"the secret file {path} is not UTF-8") from None
