"""References: `dataset:claims@3` by name, `dataset:0192…@3` by id.

People write names; the ledger holds ids only. Both have one shape, so that one parser serves both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from freehold.kernel._ids import is_id
from freehold.kernel._limits import DEFAULT_LIMITS
from freehold.kernel.errors import MalformedError

_NAME = re.compile(rf"[a-z0-9][a-z0-9._-]{{0,{DEFAULT_LIMITS.name_chars_max - 1}}}")
_REF = re.compile(rf"([a-z][a-z_]{{0,31}}):({_NAME.pattern})(?:@([1-9][0-9]{{0,8}}))?")


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """One thing of the estate: its kind, its name or id, and its version if it has any."""

    kind: str
    id: str
    version: int | None = None

    def __str__(self) -> str:
        return (
            f"{self.kind}:{self.id}"
            if self.version is None
            else f"{self.kind}:{self.id}@{self.version}"
        )

    @classmethod
    def parse(cls, text: str) -> Ref:
        """Read `kind:name` or `kind:name@version`.

        Raises:
            MalformedError: any other shape.
        """
        match = _REF.fullmatch(text)
        if match is None:
            raise MalformedError(
                "kernel.ref",
                f"expected a reference like dataset:claims@3, got {text!r:.80}",
                "names are lower-case letters, digits, '.', '_' and '-', at most 64",
            )
        kind, name, version = match.groups()
        return cls(kind, name, int(version) if version else None)

    @property
    def is_opaque(self) -> bool:
        """True when it names an id and may stand in the ledger."""
        return is_id(self.id)

    def at(self, version: int | None) -> Ref:
        """The same thing in another version."""
        return Ref(self.kind, self.id, version)


def check_name(text: str) -> str:
    """Return `text` if it may name a thing.

    Raises:
        MalformedError: it has other characters than lower-case letters, digits, '.', '_', '-', or
            over 64; or it is a UUID, which could be taken for the id of another thing.
    """
    if is_id(text):
        raise MalformedError(
            "kernel.name", f"expected a name, got {text}, which reads like an id", "choose a word"
        )
    if _NAME.fullmatch(text) is None:
        raise MalformedError(
            "kernel.name",
            "expected a name of lower-case letters, digits, '.', '_' and '-' (at most 64), "
            f"got {text!r:.80}",
        )
    return text
