"""What one bundle covers: bundle.json (docs/formats/backup.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from freehold.kernel import MalformedError, canonical, parse_json
from freehold.kernel.backup.errors import ChangedBundle


@dataclass(frozen=True, slots=True)
class Plan:
    """The checkpoint that a bundle ends at, and what it begins after.

    `segments` gives the length of each body segment in force, by number.
    """

    checkpoint: str
    since: int
    generation: int
    segments: Mapping[int, int]
    part_bytes: int
    base_key: str | None = field(repr=False)

    def encode(self) -> bytes:
        """bundle.json."""
        segments = {f"{number:08}": length for number, length in self.segments.items()}
        value = {
            "v": 1,
            "checkpoint": self.checkpoint,
            "since": self.since,
            "generation": self.generation,
            "segments": segments,
            "part_bytes": self.part_bytes,
            "base_key": self.base_key,
        }
        return canonical(value)

    @classmethod
    def read(cls, text: bytes) -> Plan:
        """Read bundle.json.

        Raises:
            ChangedBundle: it is none of version 1.
        """
        try:
            value = parse_json(text)
        except MalformedError as error:
            raise ChangedBundle("bundle.json", error.message) from error
        match value:
            case {
                "v": 1,
                "checkpoint": str(checkpoint),
                "since": int(since),
                "generation": int(generation),
                "segments": dict(segments),
                "part_bytes": int(part_bytes),
                "base_key": None | str() as base_key,
            } if part_bytes > 0:
                lengths = {int(number): int(length) for number, length in segments.items()}
                return cls(checkpoint, since, generation, lengths, part_bytes, base_key)
            case _:
                raise ChangedBundle("bundle.json", "it is none of version 1")
