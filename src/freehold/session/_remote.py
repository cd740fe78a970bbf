"""Verbs through a server: over its local socket, or over TLS."""

from __future__ import annotations

import json
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

import httpx

from freehold.kernel import FreeholdError
from freehold.session.errors import SessionError
from freehold.verbs import Download, Verb

SECONDS_MAX = 3_600.0  # training and large files take their time; the server has its own bounds
SPOOL_BYTES = 16_777_216


class RemoteTransport:
    """Calls verbs at `POST /v1/<noun>/<verb>`."""

    def __init__(self, url: str, token: str, *, socket: Path | None = None) -> None:
        """Speak to `url`, through the local `socket` where one is given."""
        carrier = httpx.HTTPTransport(uds=str(socket)) if socket else None
        trust = ssl.create_default_context()  # the machine's own store, or SSL_CERT_FILE
        self._client = httpx.Client(
            base_url=url,
            transport=carrier,
            verify=trust,
            timeout=httpx.Timeout(SECONDS_MAX, connect=5.0),
            headers={"Authorization": f"Bearer {token}"} if token else {},
            trust_env=False,  # no proxy that nobody declared
        )
        self._is_trial = False

    @property
    def is_trial(self) -> bool:
        """Whether the last answer came from a trial estate."""
        return self._is_trial

    def call(self, verb: Verb, arguments: Mapping[str, Any], upload: BinaryIO | None) -> Any:
        """Send the call and read the result, or raise what the estate answered."""
        path = f"/v1/{verb.noun}/{verb.name}"
        try:
            if upload is None:
                request = self._client.build_request("POST", path, json=dict(arguments))
            else:
                request = self._client.build_request(
                    "POST",
                    path,
                    params={"arguments": json.dumps(dict(arguments))},
                    content=iter(lambda: upload.read(1 << 20), b""),
                    headers={"Content-Type": "application/octet-stream"},
                )
            response = self._client.send(request, stream=True)
            self._is_trial = response.headers.get("freehold-trial") == "yes"
            try:
                return self._read(response)
            finally:
                response.close()
        except httpx.HTTPError as error:
            raise SessionError(
                "session.unreachable",
                f"the server at {self._client.base_url} cannot be reached: {error}",
                "is `freehold up` running?",
            ) from error

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    @staticmethod
    def _read(response: httpx.Response) -> Any:
        if response.status_code >= 400:
            response.read()
            raise _problem(response)
        if response.headers.get("content-type", "").startswith("application/json"):
            response.read()
            return response.json()
        file = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES))  # noqa: SIM115
        for chunk in response.iter_bytes():
            file.write(chunk)
        file.seek(0)
        summary = json.loads(response.headers["freehold-summary"])
        return Download(file, response.headers["freehold-name"], summary)


def _problem(response: httpx.Response) -> FreeholdError:
    try:
        told = response.json()
        return FreeholdError(told["code"], told["detail"], told.get("hint", ""))
    except (ValueError, KeyError):
        return SessionError(
            "session.answer", f"the server answered {response.status_code} without saying why"
        )
