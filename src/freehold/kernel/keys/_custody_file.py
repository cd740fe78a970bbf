"""custody.json: the root key, wrapped by the custody (docs/formats/vault.md).

It holds one root key, and for the moment of an erasure two: that of the generation in keyring.db
decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from freehold.kernel import Json, MalformedError, canonical, parse_json
from freehold.kernel.keys._custody import Custody
from freehold.kernel.keys._limits import DEFAULT_KEYS_LIMITS, KeysLimits
from freehold.kernel.keys.errors import KeysError, WrongCustody

_VERSION = 1


@dataclass(frozen=True, slots=True)
class WrappedRoot:
    """The root key of one generation, and what its custody needs to unwrap it."""

    generation: int
    kind: str
    parameters: Mapping[str, Json]
    wrapped: bytes = field(repr=False)

    @classmethod
    def of(cls, root: bytes, *, generation: int, custody: Custody) -> WrappedRoot:
        """Wrap `root` by `custody`."""
        return cls(generation, custody.kind, dict(custody.parameters), custody.wrap(root))

    def unwrap(self, custody: Custody) -> bytes:
        """Give the root key.

        Raises:
            WrongCustody: `custody` is not the one that wrapped it.
        """
        if custody.kind != self.kind:
            raise WrongCustody(f"the keyring is held by a {self.kind}, a {custody.kind} was given")
        return custody.unwrap(self.wrapped, self.parameters)


def encode_roots(roots: Iterable[WrappedRoot]) -> bytes:
    """Write custody.json."""
    entries = [
        {
            "generation": root.generation,
            "kind": root.kind,
            "parameters": dict(root.parameters),
            "wrapped": root.wrapped.hex(),
        }
        for root in roots
    ]
    return canonical({"roots": entries, "v": _VERSION}) + b"\n"


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
        case {"v": 1, "roots": [*entries]} if len(value) == 2 and entries:
            return {root.generation: root for root in map(_read_root, entries)}
        case _:
            raise _corrupt("expected version 1 and its roots")


def _read_root(entry: Any) -> WrappedRoot:
    match entry:
        case {
            "generation": int(generation),
            "kind": str(kind),
            "parameters": dict(parameters),
            "wrapped": str(wrapped),
        } if len(entry) == 4:
            try:
                return WrappedRoot(generation, kind, parameters, bytes.fromhex(wrapped))
            except ValueError as error:
                raise _corrupt("a wrapped key is not hexadecimal") from error
        case _:
            raise _corrupt("expected generation, kind, parameters and wrapped")


def _corrupt(reason: str) -> KeysError:
    return KeysError(
        "keys.corrupt", f"custody.json cannot be read: {reason}", "restore it from a backup"
    )
