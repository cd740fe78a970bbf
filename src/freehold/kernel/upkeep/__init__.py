"""Upkeep of the estate's own stores, as acts: rotate the custody of its keys, collect what nothing
refers to.

Neither changes what is known: rotation re-wraps one key, collection removes blobs that no act ever
named.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass

from freehold.kernel.acts import Act, Actor, Code, Declarations, Digest, Pipeline, found
from freehold.kernel.keys import Custody
from freehold.kernel.upkeep._format import (
    ABOUT,
    ASIDE,
    FORMAT,
    IDENTITY,
    UNDOING,
    check_format,
    drop_aside,
    format_of,
    pin_format,
)
from freehold.kernel.upkeep.errors import FormatError
from freehold.kernel.vault import Collected

__all__ = [
    "ABOUT",
    "ASIDE",
    "DECLARATIONS",
    "FORMAT",
    "IDENTITY",
    "UNDOING",
    "FormatError",
    "Upkeep",
    "check_format",
    "drop_aside",
    "format_of",
    "pin_format",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateCustody(Act, name="custody.rotate", on="Estate"):
    """Put the keyring under another custody; no blob is encrypted again."""

    evidence: Digest
    custody: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectOrphans(Act, name="vault.collect", on="Estate"):
    """Remove blobs that no act refers to: what failed and interrupted acts left."""

    count: int = found(0)
    bytes: int = found(0)


DECLARATIONS = Declarations(acts=(RotateCustody, CollectOrphans))


class Upkeep:
    """Rotation and collection."""

    def __init__(
        self, pipeline: Pipeline, referenced: Callable[[], Set[str]], evidence: Callable[[], str]
    ) -> None:
        """`referenced` gives the names of all blobs that the catalog knows; `evidence` what
        approvers of a rotation sign.
        """
        self._pipeline = pipeline
        self._referenced = referenced
        self._evidence = evidence

    def rotate_custody(self, actor: Actor, custody: Custody) -> None:
        """Wrap the keyring's root key by another custody.

        What the old one opened, it opens no more.
        """
        pipeline = self._pipeline
        rotation = RotateCustody(evidence=self._evidence(), custody=custody.kind)
        with pipeline.perform(actor, rotation, on=pipeline.circumstances.estate) as act:
            pipeline.stores.keyring.rotate_custody(custody)
            act.conclude()

    def collect(self, actor: Actor) -> Collected:
        """Remove unreferenced blobs that are older than the vault's grace period."""
        pipeline = self._pipeline
        with pipeline.perform(actor, CollectOrphans(), on=pipeline.circumstances.estate) as act:
            collected = pipeline.stores.vault.collect(self._referenced())
            act.conclude(count=collected.count, bytes=collected.bytes)
        return collected
