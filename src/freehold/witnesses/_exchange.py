"""One exchange with a witness (C2SP tlog-witness): show it the newest checkpoint, and bring back
its cosignature.

Knows no catalog and records nothing. How bytes travel is the caller's `Send`.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from freehold.kernel.ledger import AddCheckpoint, Checkpoint, LogReader
from freehold.witnesses._limits import AskingLimits
from freehold.witnesses.errors import WitnessTrouble

_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")
_SIZE_TYPE = "text/x.tlog.size"
_TRIES = 3  # the first may start from a wrong size; a second loss is somebody else's asking


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    content_type: str
    body: bytes


Send = Callable[[str], Reply]


def request_since(reader: LogReader, old_size: int) -> AddCheckpoint:
    """Ask for the checkpoint of `reader`, starting from what the witness has."""
    return AddCheckpoint(old_size, tuple(reader.consistency(old_size)), reader.note)


def exchange(newest: Callable[[], LogReader], old_size: int, send: Send) -> tuple[Checkpoint, str]:
    """Ask for the newest checkpoint; where the witness has another size, from that one.

    Returns the checkpoint and what the witness answered, unverified.

    Raises:
        WitnessTrouble: it did not cosign.
    """
    known_size = old_size
    for _ in range(_TRIES):
        reader = newest()
        if old_size > reader.checkpoint.size:
            raise _ahead(old_size, reader.checkpoint.size)
        reply = send(request_since(reader, old_size).text())
        if reply.status == 200:
            return reader.checkpoint, reply.body.decode(errors="replace")  # then no key signed it
        if reply.status != 409:
            _refused(reply)
        old_size = _size(reply)
        if old_size < known_size:
            raise WitnessTrouble(
                "witness.forgot",
                f"the witness cosigned {known_size} records, and now says that it saw {old_size}",
                "it was rolled back and could cosign a fork: withdraw it, and declare a new one",
            )
    raise WitnessTrouble(
        "witness.conflict",
        "the witness is asked for this log by others at the same time",
        "two estates with one log? otherwise try again",
    )


def send_over_http(url: str, limits: AskingLimits) -> Send:
    """Speak to the witness at the submission prefix `url`: over TLS that is verified, to that
    address alone.
    """

    def send(body: str) -> Reply:
        import httpx  # for who asks a witness; opening an estate must not wait for it

        trust = ssl.create_default_context()  # the machine's own store, or SSL_CERT_FILE
        try:
            with (
                httpx.Client(
                    verify=trust,
                    follow_redirects=False,
                    trust_env=False,  # no proxy that nobody declared
                    timeout=httpx.Timeout(
                        limits.exchange_seconds_max, connect=limits.connect_seconds_max
                    ),
                ) as client,
                client.stream(
                    "POST",
                    f"{url}/add-checkpoint",
                    content=body.encode(),
                    headers={
                        "Content-Type": "text/plain; charset=utf-8",
                        "Accept-Encoding": "identity",
                    },
                ) as response,
            ):
                answer = _bounded(response.iter_raw(), limits)
        except httpx.HTTPError as error:
            raise WitnessTrouble(
                "witness.unreachable",
                f"the witness at {url} cannot be asked: {error or type(error).__name__}",
                "is it running, and does this machine trust its certificate (SSL_CERT_FILE)?",
            ) from error
        return Reply(response.status_code, response.headers.get("content-type", ""), answer)

    return send


def _bounded(chunks: Iterator[bytes], limits: AskingLimits) -> bytes:
    """Read an answer that is neither too long nor too slow."""
    deadline = time.monotonic() + limits.exchange_seconds_max
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > limits.answer_bytes_max or time.monotonic() > deadline:
            raise WitnessTrouble("witness.answer", "the answer is too long, or too slow")
    return bytes(body)


def _size(reply: Reply) -> int:
    """The size that the witness has."""
    size = _SIZE.fullmatch(reply.body)
    if reply.content_type != _SIZE_TYPE or size is None:
        raise WitnessTrouble("witness.answer", f"409 without a size: {reply.body[:60]!r}")
    return int(size[1])


def _ahead(size: int, own: int) -> WitnessTrouble:
    return WitnessTrouble(
        "witness.ahead",
        f"the witness has cosigned {size} records of this log, which has {own}",
        "this estate was rolled back, or a copy of it is running: keep everything as it is, find "
        "the newest backup, and compare with `GET <witness>/<sha256 of the origin>/checkpoint`",
    )


_REFUSALS = {
    403: ("witness.signature", "it knows this log by another key"),
    404: ("witness.unknown_log", "it does not know this log"),
    422: ("witness.inconsistent", "it has cosigned another history of this log"),
}
_HINTS = {
    "witness.signature": "give its operator the vkey that `freehold estate status` shows",
    "witness.unknown_log": "give its operator the vkey that `freehold estate status` shows",
    "witness.inconsistent": "the log was forked: keep both histories and investigate",
}


def _refused(reply: Reply) -> NoReturn:
    code, message = _REFUSALS.get(reply.status, ("witness.answer", f"it answered {reply.status}"))
    said = reply.body[:200].decode(errors="replace").strip()
    raise WitnessTrouble(
        code,
        f"the witness did not cosign: {message} ({said!r})",
        _HINTS.get(code, "is this the address of a witness?"),
    )
