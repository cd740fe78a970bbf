"""What can go wrong with a charter.

    FreeholdError
    └── CharterError                    something about a charter or its ratification is refused
        └── CharterFileError            what its file says; carries the key path
            ├── MalformedCharterError   not TOML, an unknown or missing key, a wrong type or shape
            ├── ContradictionError      its parts do not fit together, or fall short of a regulation
            └── IncompleteCharterError  it reads well, but an estate could not live by it

Codes of the file: `charter.syntax`, `.size`, `.placeholder`, `.unknown_key`, `.missing`, `.value`,
`.empty`, `.secret`, `.undefined`, `.duplicate`, `.retention`, `.act`, `.incomplete`.
"""

from __future__ import annotations

from freehold.kernel import FreeholdError


class CharterError(FreeholdError):
    """Something about a charter or its ratification is refused."""


class CharterFileError(CharterError):
    """What the file of a charter says is refused.

    Args:
        code: stable, `charter.…`.
        path: the key it is about, `classes.health.residency`; empty for the whole file.
        problem: what was expected and what was found.
        hint: the next step, or empty.
    """

    def __init__(self, code: str, path: str, problem: str, hint: str = "") -> None:
        where = f"charter: {path}: " if path else "charter: "
        super().__init__(code, where + problem, hint)
        self.path = path


class MalformedCharterError(CharterFileError):
    """The file does not have the shape of a charter."""


class ContradictionError(CharterFileError):
    """The charter contradicts itself, or promises less than a regulation it lists."""


class IncompleteCharterError(CharterFileError):
    """An estate that lived by this charter could not act, or not change it any more."""
