"""Asking a witness which checkpoint of a log it cosigned last, which it shows at
`<log id>/checkpoint`, the id being the SHA-256 of the log's origin in hexadecimal.

What it answers is believed only as far as it is signed, so that the connection need not be trusted.
"""

from __future__ import annotations

import hashlib

import httpx

from freehold.kernel import DEFAULT_LIMITS

SECONDS_MAX = 10.0  # an audit waits no longer for a witness; it is told that it was silent


class Silent(Exception):
    """The witness gave no note; the message says why."""


def newest_cosigned(url: str, origin: str) -> bytes:
    """Fetch the newest checkpoint of a log that a witness cosigned; unverified.

    Raises:
        Silent: it does not answer, or knows nothing of the log.
    """
    log_id = hashlib.sha256(origin.encode()).hexdigest()
    try:
        with (
            httpx.Client(timeout=SECONDS_MAX, trust_env=False) as client,
            client.stream("GET", f"{url.rstrip('/')}/{log_id}/checkpoint") as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise Silent(f"it answered {answer.status_code}")
            note = b""
            for chunk in answer.iter_bytes():
                note += chunk
                if len(note) > DEFAULT_LIMITS.note_bytes_max:
                    raise Silent("it answered more than a note can be")
            return note
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Silent(str(error) or type(error).__name__) from error
