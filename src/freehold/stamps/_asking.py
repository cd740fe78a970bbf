"""Asking an authority over HTTP (RFC 3161, 3.4): an address that was declared, and no other."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

from freehold.stamps._protocol import RESPONSE_BYTES_MAX
from freehold.stamps.errors import StampError

_SECONDS_MAX = 20.0
_LOOPBACK = ("localhost", "127.0.0.1")


def check_url(url: str) -> str:
    """Return the host of an address; empty where there is none.

    Plain HTTP is allowed, as authorities offer it: request and answer are public, and the answer is
    signed.

    Raises:
        StampError: no such address.
    """
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https") or parts.username or parts.fragment:
        raise StampError(
            "stamp.url", f"expected https://HOST/PATH, got {url!r:.100}", "or leave it out"
        )
    return host


def ask(url: str, request: bytes) -> bytes:
    """Send a request and give the answer back, unverified.

    Raises:
        StampError: `stamp.unreachable`.
    """
    import httpx  # for who asks an authority; opening an estate must not wait for it

    try:
        with (
            httpx.Client(
                verify=ssl.create_default_context(),
                follow_redirects=False,
                trust_env=False,  # no proxy that nobody declared
                timeout=_SECONDS_MAX,
            ) as client,
            client.stream(
                "POST",
                url,
                content=request,
                headers={"Content-Type": "application/timestamp-query"},
            ) as response,
        ):
            answer = bytearray()
            for chunk in response.iter_raw():
                answer += chunk
                if len(answer) > RESPONSE_BYTES_MAX:
                    break
    except httpx.HTTPError as error:
        raise _unreachable(url, str(error) or type(error).__name__) from error
    if response.status_code != 200:
        raise _unreachable(url, f"it answered {response.status_code}")
    return bytes(answer)


def _unreachable(url: str, why: str) -> StampError:
    return StampError(
        "stamp.unreachable",
        f"the authority at {url} cannot be asked: {why}",
        "try later, or carry the request there: freehold stamp request, freehold stamp accept",
    )
