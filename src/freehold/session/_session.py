"""A session: verbs by noun, over whatever carries them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol

from freehold.session._upload import opened_upload
from freehold.session.errors import SessionError
from freehold.verbs import VERBS, Download, Verb


class Transport(Protocol):
    """Carries one call to an estate and its result back, as plain JSON values or a `Download`."""

    @property
    def is_trial(self) -> bool: ...  # known once a call came back

    def call(self, verb: Verb, arguments: Mapping[str, Any], upload: BinaryIO | None) -> Any: ...

    def close(self) -> None: ...


class Session:
    """An estate as its user sees it: `session.data.list()`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def call(self, path: str, *positional: Any, **options: Any) -> Any:
        """Call a verb by its path, `data.ingest`.

        Raises:
            FreeholdError: what the estate answered, with its code, message and hint.
            TypeError: no such verb, or more arguments than it has.
        """
        verb = VERBS.get(path)
        if verb is None:
            raise TypeError(f"there is no verb {path!r}")
        names = [p.name for p in verb.parameters if not p.is_option]
        if verb.upload is not None:
            names.insert(1, verb.upload.name)
        if len(positional) > len(names):
            raise TypeError(f"{path} takes {len(names)} arguments, got {len(positional)}")
        arguments = {**dict(zip(names, positional, strict=False)), **options}
        if verb.upload is None:
            return self._transport.call(verb, arguments, None)
        if verb.upload.name not in arguments:
            raise TypeError(f"{path} needs {verb.upload.name}")
        source: str | Path | BinaryIO = arguments.pop(verb.upload.name)
        is_data = any(parameter.name == "format" for parameter in verb.parameters)
        with opened_upload(source, is_data=is_data) as (stream, format_):
            if format_ is not None:
                arguments.setdefault("format", format_.value)
            return self._transport.call(verb, arguments, stream)

    def download(self, path: str, target: str | Path, *positional: Any, **options: Any) -> Any:
        """Call a verb that hands out a file, write the file to `target`, and return its summary.

        Raises:
            SessionError: `target` exists or cannot be written; nothing was handed out.
        """
        place = Path(target)
        try:  # before the call: what is handed out is recorded, and must have somewhere to go
            file = place.open("xb")
        except OSError as error:
            raise SessionError(
                "session.file", f"{place} cannot be written: {error.strerror}", "name a new file"
            ) from error
        try:
            with file:
                result: Download = self.call(path, *positional, **options)
                with result.file as source:
                    while chunk := source.read(1 << 20):
                        file.write(chunk)
        except BaseException:
            place.unlink()
            raise
        return result.summary

    @property
    def is_trial(self) -> bool:
        """Whether the estate is a trial, whose evidence says nothing of an organisation."""
        return self._transport.is_trial

    def close(self) -> None:
        """Let go of the estate."""
        self._transport.close()

    def __getattr__(self, noun: str) -> _Noun:
        if noun.startswith("_") or not any(path.startswith(f"{noun}.") for path in VERBS):
            raise AttributeError(noun)
        return _Noun(self, noun)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class _Noun:
    def __init__(self, session: Session, noun: str) -> None:
        self._session = session
        self._noun = noun

    def __getattr__(self, verb: str) -> Any:
        path = f"{self._noun}.{verb}"
        if path not in VERBS:
            raise AttributeError(path)

        def call(*positional: Any, **options: Any) -> Any:
            return self._session.call(path, *positional, **options)

        call.__doc__ = VERBS[path].help
        return call
