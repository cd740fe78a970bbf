"""Rotate the custody of the estate's keys, and collect what nothing refers to.

Neither changes what is known: rotation re-wraps one key, collection removes blobs that no act ever
named.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass

from freehold.kernel import FreeholdError
from freehold.kernel.acts import Act, Actor, Code, Digest, Pipeline, found
from freehold.kernel.keys import Custody, KeysError
from freehold.kernel.vault import Collected


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEstate(Act, name="estate.audit", on="Estate", exclusive=False):
    """Open every body and hold ledger, vault, keyring and catalog against each other; what was
    found lies in the body.
    """

    size: int = found(0)
    bodies: int = found(0)
    blobs: int = found(0)
    findings: int = found(0)
    result: Code = found("")


ACTS = (RotateCustody, CollectOrphans, AuditEstate)


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

        Raises:
            KeysError: `keys.unrecorded`: it is done, and only the new one opens the estate, but its
                record failed.
        """
        pipeline, is_done = self._pipeline, False
        rotation = RotateCustody(evidence=self._evidence(), custody=custody.kind)
        try:
            with pipeline.perform(actor, rotation, on=pipeline.circumstances.estate) as act:
                pipeline.stores.keyring.rotate_custody(custody)
                is_done = True
                act.conclude()
        except FreeholdError as error:
            if not is_done:
                raise
            raise KeysError(
                "keys.unrecorded",
                f"the keys are under the new custody, but that could not be recorded: {error}",
                "keep the new passphrase, it alone opens the estate; cure the disk, open the estate"
                " again, and rotate once more for the record",
            ) from error

    def collect(self, actor: Actor) -> Collected:
        """Remove unreferenced blobs that are older than the vault's grace period."""
        pipeline = self._pipeline
        with pipeline.perform(actor, CollectOrphans(), on=pipeline.circumstances.estate) as act:
            collected = pipeline.stores.vault.collect(self._referenced())
            act.conclude(count=collected.count, bytes=collected.bytes)
        return collected
