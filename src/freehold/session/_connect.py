"""Finding the estate: a URL, a server that holds the folder, or the folder itself."""

from __future__ import annotations

import hashlib
import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from freehold.estate import Estate
from freehold.kernel.keys import PassphraseCustody
from freehold.session._local import LocalTransport
from freehold.session._session import Session
from freehold.session.errors import SessionError

SOCKET_PATH_BYTES_MAX = 100  # Linux allows 107; a longer one goes to the runtime folder


def connect(where: str | Path, *, token: str, passphrase: Callable[[], str]) -> Session:
    """Reach the estate at a URL or in a folder.

    A folder that a server holds is reached through the server's local socket; otherwise this
    process opens it, and asks
    `passphrase` for its passphrase.

    Raises:
        FreeholdError: it is not there, or cannot be opened.
    """
    from freehold.session._remote import RemoteTransport  # httpx: not for who opens it here

    if str(where).startswith(("http://", "https://")):
        _refuse_clear_text(str(where))
        return Session(RemoteTransport(str(where), token))
    folder = Path(where)
    path = socket_path(folder)
    if _is_served(path):
        return Session(RemoteTransport("http://estate", token, socket=path))
    return Session(LocalTransport(Estate.open(folder, PassphraseCustody(passphrase())), token))


def _refuse_clear_text(url: str) -> None:
    """Refuse to send a token over a network unencrypted."""
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise SessionError(
            "session.no_tls",
            f"{url} is not on this machine, and http:// would send the token in the clear",
            "use https://",
        )


def socket_path(folder: Path) -> Path:
    """Where the server of an estate in `folder` has its local socket."""
    path = folder.resolve() / "socket"
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    runtime = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(runtime) / f"freehold-{os.getuid()}-{name}.socket"


def _is_served(path: Path) -> bool:
    if not path.exists() or path.stat().st_uid != os.getuid():
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0
