"""Verbs on an estate that this process holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from freehold.estate import Estate
from freehold.verbs import Download, Verb, to_json


class LocalTransport:
    """Calls the verb's function; what comes back is what a server would have sent."""

    def __init__(self, estate: Estate, token: str) -> None:
        self._estate = estate
        self._token = token

    @property
    def is_trial(self) -> bool:
        """Whether the estate is a trial."""
        return self._estate.pipeline.circumstances.is_trial

    def call(self, verb: Verb, arguments: Mapping[str, Any], upload: BinaryIO | None) -> Any:
        """Authenticate, check the arguments, perform."""
        checked = verb.validate(arguments)
        if verb.upload is not None:
            checked[verb.upload.name] = upload
        if verb.needs_actor:
            checked["actor"] = self._estate.people.authenticate(self._token)
        result = verb.function(self._estate, **checked)
        if isinstance(result, Download):
            return Download(result.file, result.name, to_json(result.summary))
        return to_json(result)

    def close(self) -> None:
        """Close the estate."""
        self._estate.close()
