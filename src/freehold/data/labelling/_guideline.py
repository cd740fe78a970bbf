"""A guideline: what annotators are asked, and the labels that they may give.

It is a TOML file that a person writes; the order of its labels is their order on the scale.

    version = 1
    question = "Is the customer satisfied?"
    scale = "ordinal"              # nominal (default), ordinal, interval or ratio
    allows_several = false         # whether one row may have several labels

    [[label]]
    name = "no"
    description = "They complain, or ask for their money."

    [[label]]
    name = "yes"
    description = "They thank somebody, or say that it works."
    number = 1                     # for interval and ratio alone: the value it stands for
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

from freehold.data.errors import DataError
from freehold.data.labelling._limits import DEFAULT_LABEL_LIMITS, LabelLimits
from freehold.data.labelling._texts import SEPARATOR, is_unicode, problem_of
from freehold.kernel import canonical, digest

_VERSION_MAX = 2**31 - 1  # what every database's integer holds
_KEYS = ("version", "question", "scale", "allows_several", "label")
_LABEL_KEYS = ("name", "description", "number")


class Scale(StrEnum):
    """What the difference of two labels means (Stevens 1946)."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"
    RATIO = "ratio"

    @property
    def has_numbers(self) -> bool:
        """Whether each label stands for a number."""
        return self in (Scale.INTERVAL, Scale.RATIO)


@dataclass(frozen=True, slots=True)
class AllowedLabel:
    """One label that an annotator may give; `number` on an interval or ratio scale alone."""

    name: str
    description: str
    number: float | None = None


@dataclass(frozen=True, slots=True)
class Guideline:
    """One version of a question and of its allowed labels, in their order.

    Raises:
        DataError: `data.guideline`, where the parts do not fit each other or `LabelLimits`.
    """

    version: int
    question: str
    labels: tuple[AllowedLabel, ...]
    scale: Scale = Scale.NOMINAL
    allows_several: bool = False

    def __post_init__(self) -> None:
        _check(self, DEFAULT_LABEL_LIMITS)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the allowed labels, in their order."""
        return tuple(label.name for label in self.labels)

    @property
    def numbers(self) -> tuple[float, ...] | None:
        """What the labels stand for on an interval or ratio scale; None on others."""
        if not self.scale.has_numbers:
            return None
        return tuple(float(label.number or 0) for label in self.labels)

    @property
    def digest(self) -> str:
        """The SHA-256 of the guideline's canonical JSON: the same guideline, the same digest."""
        return digest(canonical(self.as_json()))

    def as_json(self) -> dict[str, Any]:
        """The guideline as plain values, for `canonical`; numbers alone where the scale has them.

        `guideline_of` is its inverse.
        """
        return {
            "version": self.version,
            "question": self.question,
            "scale": str(self.scale),
            "allows_several": self.allows_several,
            "label": [
                {"name": label.name, "description": label.description}
                | ({} if label.number is None else {"number": label.number})
                for label in self.labels
            ],
        }


def read_guideline(data: bytes | str, *, limits: LabelLimits = DEFAULT_LABEL_LIMITS) -> Guideline:
    """Read a guideline from TOML in UTF-8.

    Raises:
        DataError: `data.guideline`, with the key and what was expected there.
    """
    size = len(data)
    if size > limits.guideline_bytes_max:
        _refuse(f"it has {size} bytes; expected at most {limits.guideline_bytes_max}")
    try:
        text = data if isinstance(data, str) else data.decode()
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise DataError(
            "data.guideline", f"expected TOML in UTF-8; {error}", "correct the file there"
        ) from error
    return guideline_of(document)


def guideline_of(document: Mapping[str, Any]) -> Guideline:
    """Make a guideline from parsed TOML or JSON.

    Raises:
        DataError: `data.guideline`, with the key and what was expected there.
    """
    _only(document, _KEYS, "")
    scale = _typed(document, "scale", str, default="nominal")
    if scale not in list(Scale):
        _refuse(f"scale: expected one of {', '.join(Scale)}")
    entries = _typed(document, "label", list)
    return Guideline(
        version=_typed(document, "version", int),
        question=_typed(document, "question", str),
        labels=tuple(_label(entry, number) for number, entry in enumerate(entries, 1)),
        scale=Scale(scale),
        allows_several=_typed(document, "allows_several", bool, default=False),
    )


def _label(entry: object, position: int) -> AllowedLabel:
    where = f"label {position}: "
    if not isinstance(entry, Mapping):
        _refuse(f"{where}expected a table")
    _only(entry, _LABEL_KEYS, where)
    number = entry.get("number")
    if number is not None and (isinstance(number, bool) or not isinstance(number, int | float)):
        _refuse(f"{where}number: expected a number")
    return AllowedLabel(
        name=_typed(entry, "name", str, where=where),
        description=_typed(entry, "description", str, where=where),
        number=None if number is None else _float(number, where),
    )


def _float(number: int | float, where: str) -> float:
    try:
        value = float(number)
    except OverflowError:
        _refuse(f"{where}number: expected a number that a float holds")
    if isinstance(number, int) and int(value) != number:
        _refuse(f"{where}number: expected a number that a float holds exactly")
    return value


def _only(table: Mapping[str, Any], keys: Iterable[str], where: str) -> None:
    unknown = [key for key in table if key not in keys]
    if unknown:
        _refuse(f"{where}unknown key {unknown[0]!r:.80}; expected {', '.join(keys)}")


def _typed(
    table: Mapping[str, Any], key: str, kind: type, *, default: Any = None, where: str = ""
) -> Any:
    value = table.get(key, default)
    if value is None:
        _refuse(f"{where}{key} is missing")
    if type(value) is not kind:
        _refuse(f"{where}{key}: expected {kind.__name__}, got {type(value).__name__}")
    return value


def _check(guideline: Guideline, limits: LabelLimits) -> None:
    if not 1 <= guideline.version <= _VERSION_MAX:
        _refuse(f"version: expected a whole number from 1 to {_VERSION_MAX}")
    _check_prose("question", guideline.question, limits.question_chars_max)
    if not 2 <= len(guideline.labels) <= limits.labels_max:
        _refuse(f"label: expected 2 to {limits.labels_max} labels, got {len(guideline.labels)}")
    seen: dict[str, int] = {}
    for position, label in enumerate(guideline.labels, 1):
        where = f"label {position}: "
        problem = problem_of(label.name, limits.name_chars_max)
        if not problem and SEPARATOR in label.name:
            problem = f"it has {SEPARATOR!r}, which separates labels"
        if problem:
            _refuse(f"{where}the name cannot be used: {problem}")
        if label.name in seen:
            _refuse(f"labels {seen[label.name]} and {position} have the same name")
        seen[label.name] = position
        _check_prose(f"{where}description", label.description, limits.description_chars_max)
    _check_scale(guideline)


def _check_scale(guideline: Guideline) -> None:
    scale, numbers = guideline.scale, [label.number for label in guideline.labels]
    if guideline.allows_several and scale is not Scale.NOMINAL:
        _refuse(f"scale: several labels of one row have no place on a scale that is {scale}")
    for position, number in enumerate(numbers, 1):
        if not scale.has_numbers and number is not None:
            _refuse(f"label {position}: number: a scale that is {scale} has none")
        if scale.has_numbers and (number is None or not math.isfinite(number)):
            _refuse(f"label {position}: number: expected a finite number on the scale {scale}")
        if scale is Scale.RATIO and number is not None and number < 0:
            _refuse(f"label {position}: number: expected none below 0 on the scale {scale}")
    if scale.has_numbers and len(set(numbers)) != len(numbers):
        _refuse("number: expected another one for each label")


def _check_prose(key: str, text: str, chars_max: int) -> None:
    if not text.strip():
        _refuse(f"{key}: expected text that is not blank")
    if len(text) > chars_max:
        _refuse(f"{key}: expected at most {chars_max} characters, got {len(text)}")
    if not is_unicode(text) or any(not char.isprintable() and char not in "\n\t" for char in text):
        _refuse(f"{key}: expected text without control characters")


def _refuse(problem: str) -> NoReturn:
    raise DataError("data.guideline", f"the guideline cannot be used: {problem}", "correct it")
