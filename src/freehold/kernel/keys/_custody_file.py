"""custody.json: the root key, wrapped by the custody and sealed for recovery
(docs/formats/vault.md).

It holds one root key, and for the moment of an erasure two: that of the generation in keyring.db
decides. Version 1 knows no recovery, and is written as long as none is set up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from freehold.kernel import Json, MalformedError, canonical, parse_json
from freehold.kernel.keys._custody import Custody
from freehold.kernel.keys._limits import DEFAULT_KEYS_LIMITS, KeysLimits
from freehold.kernel.keys._recovery import RECOVERY, Recovery, SealedRoot
from freehold.kernel.keys.errors import KeysError, WrongCustody

_VERSION, _VERSION_WITH_RECOVERY = 1, 2


@dataclass(frozen=True, slots=True)
class WrappedRoot:
    """The root key of one generation, and what its custody needs to unwrap it."""

    generation: int
    kind: str
    parameters: Mapping[str, Json]
    wrapped: bytes = field(repr=False)
    recovery: SealedRoot | None = None

    @classmethod
    def of(
        cls, root: bytes, *, generation: int, custody: Custody, ways: Iterable[Recovery] = ()
    ) -> WrappedRoot:
        """Wrap `root` by `custody`, and seal it to the recipients of `ways`."""
        wrapped = custody.wrap(root)
        sealed = SealedRoot.of(root, ways) if (ways := tuple(ways)) else None
        return cls(generation, custody.kind, dict(custody.parameters), wrapped, sealed)

    @property
    def ways(self) -> tuple[Recovery, ...]:
        """The recoveries that give this root key too."""
        return self.recovery.ways if self.recovery else ()

    def unwrap(self, custody: Custody) -> bytes:
        """Give the root key.

        Raises:
            WrongCustody: `custody` is not the one that wrapped it, and no recovery of it.
            KeysError: `keys.corrupt`: the recovery was changed.
        """
        if custody.kind == RECOVERY and self.recovery is not None:
            root = custody.unwrap(self.recovery.sealed, {})
        elif custody.kind == self.kind:
            root = custody.unwrap(self.wrapped, self.parameters)
        else:
            raise WrongCustody(f"the keyring is held by a {self.kind}, a {custody.kind} was given")
        if self.recovery is not None:
            self.recovery.check(root)
        return root


def encode_roots(roots: Iterable[WrappedRoot]) -> bytes:
    """Write custody.json."""
    roots = tuple(roots)
    is_recoverable = any(root.recovery for root in roots)
    version = _VERSION_WITH_RECOVERY if is_recoverable else _VERSION
    return canonical({"roots": [*map(_entry, roots)], "v": version}) + b"\n"


def _entry(root: WrappedRoot) -> dict[str, Json]:
    entry: dict[str, Json] = {
        "generation": root.generation,
        "kind": root.kind,
        "parameters": dict(root.parameters),
        "wrapped": root.wrapped.hex(),
    }
    if root.recovery is not None:
        entry["recovery"] = {
            "mac": root.recovery.mac.hex(),
            "sealed": root.recovery.sealed.hex(),
            "ways": [way.as_json() for way in root.recovery.ways],
        }
    return entry


def read_roots(path: Path, limits: KeysLimits) -> dict[int, WrappedRoot]:
    """Read custody.json: the wrapped root keys by generation.

    Raises:
        KeysError: `keys.corrupt`: not of this format.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return parse_roots(file.read(limits.custody_bytes_max + 1), limits)


def parse_roots(text: bytes, limits: KeysLimits = DEFAULT_KEYS_LIMITS) -> dict[int, WrappedRoot]:
    """Read the text of a custody.json.

    Raises:
        KeysError: `keys.corrupt`: not of this format.
    """
    if len(text) > limits.custody_bytes_max:
        raise _corrupt(f"over {limits.custody_bytes_max} bytes")
    try:
        value = parse_json(text)
    except MalformedError as error:
        raise _corrupt(error.message) from error
    match value:
        case {"v": 1 | 2 as version, "roots": [*entries]} if len(value) == 2 and entries:
            roots = [_read_root(entry, version) for entry in entries]
            return {root.generation: root for root in roots}
        case _:
            raise _corrupt("expected version 1 or 2 and its roots")


def _read_root(entry: Any, version: int) -> WrappedRoot:
    match entry:
        case {
            "generation": int(generation),
            "kind": str(kind),
            "parameters": dict(parameters),
            "wrapped": str(wrapped),
            **more,
        } if not more or (version == _VERSION_WITH_RECOVERY and more.keys() == {"recovery"}):
            try:
                recovery = _read_recovery(more["recovery"]) if more else None
                return WrappedRoot(generation, kind, parameters, bytes.fromhex(wrapped), recovery)
            except ValueError as error:
                raise _corrupt(f"a root key is not of its form: {error}") from error
        case _:
            raise _corrupt("expected generation, kind, parameters and wrapped")


def _read_recovery(value: Any) -> SealedRoot:
    match value:
        case {"mac": str(mac), "sealed": str(sealed), "ways": [*ways]} if len(value) == 3 and ways:
            read = tuple(map(Recovery.from_json, ways))
            return SealedRoot(read, bytes.fromhex(sealed), bytes.fromhex(mac))
        case _:
            raise ValueError("expected mac, sealed and ways of a recovery")


def _corrupt(reason: str) -> KeysError:
    return KeysError(
        "keys.corrupt", f"custody.json cannot be read: {reason}", "restore it from a backup"
    )
