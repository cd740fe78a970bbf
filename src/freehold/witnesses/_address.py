"""Where a witness is reached: an address that is declared once, and nothing else."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from freehold.witnesses.errors import WitnessTrouble

_HOST = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")  # as it stands in the record
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*/?")
_LOOPBACK = ("localhost", "127.0.0.1")


def check_url(url: str) -> tuple[str, str]:
    """Return the submission prefix as it is used, and its host.

    Raises:
        WitnessTrouble: no https address, or one with more than host, port and path in it.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _refused(url) from error
    is_plain = parts.scheme == "http" and host in _LOOPBACK
    is_bare = parts.username is None and not parts.query and not parts.fragment
    is_known = _HOST.fullmatch(host) is not None and _PATH.fullmatch(parts.path) is not None
    if not (is_plain or parts.scheme == "https") or not is_bare or not is_known:
        raise _refused(url)
    place = host if port is None else f"{host}:{port}"
    return f"{parts.scheme}://{place}{parts.path.rstrip('/')}", host


def _refused(url: str) -> WitnessTrouble:
    return WitnessTrouble(
        "witness.url",
        f"expected an address like https://witness.example/prefix, got {url!r:.100}",
        "http:// is for this machine alone; a host is a name or an IPv4 address",
    )
