"""A plan: which transform each column gets, read strictly from TOML and written in one form only.

Format: docs/formats/protection.md. Neither the order of what has none nor a default that is left
out changes the text or its digest.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

import msgspec

from freehold.data.errors import DataError
from freehold.data.protection._coarse import Age, Bins, Bounds, CoarseDate, Groups
from freehold.data.protection._keyed import DateShift, Pseudonym
from freehold.data.protection._kinds import near
from freehold.data.protection._limits import LIMITS
from freehold.data.protection._plain import Drop, Keep, Mask, Prefix, Replace
from freehold.data.protection._transform import Transform, refuse
from freehold.kernel import digest

Others: TypeAlias = Literal["refuse", "keep", "drop"]

TRANSFORMS: Mapping[str, type[Transform]] = {
    each.name: each
    for each in (
        Keep,
        Drop,
        Mask,
        Replace,
        Prefix,
        Bins,
        Bounds,
        Age,
        CoarseDate,
        Groups,
        Pseudonym,
        DateShift,
    )
}
_VERSION = 1
_KEYS = ("version", "others", "column", "small_groups")


@dataclass(frozen=True, slots=True)
class SmallGroups:
    """Remove the rows whose group over the columns `quasi` has fewer than `k` rows."""

    quasi: tuple[str, ...]
    k: int

    def __post_init__(self) -> None:
        """Refuse parameters out of range; the order of the columns tells nothing."""
        object.__setattr__(self, "quasi", tuple(sorted(self.quasi)))
        if not self.quasi or len(set(self.quasi)) != len(self.quasi):
            refuse("quasi", "at least one column, each once", list(self.quasi))
        if self.k < 2:
            refuse("k", "2 or more", self.k)


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens to each column, what to the `others`, and which rows go at the end.

    With `others="refuse"` a table with a column that the plan does not name is refused, so that
    nothing new goes out unseen.
    """

    columns: Mapping[str, Transform] = field(hash=False)
    others: Others = "refuse"
    small_groups: SmallGroups | None = None

    def __post_init__(self) -> None:
        """Refuse small groups over columns that the plan drops."""
        ordered = {name: self.columns[name] for name in sorted(self.columns)}
        object.__setattr__(self, "columns", ordered)
        for name in self.small_groups.quasi if self.small_groups else ():
            if isinstance(ordered.get(name, Drop() if self.others == "drop" else None), Drop):
                refuse("small_groups.quasi", "columns that the plan does not drop", name)

    def dump(self) -> str:
        """Write the plan as TOML: defaults given, keys and columns in order."""
        lines = [f"version = {_VERSION}", f"others = {_toml(self.others)}"]
        for name, transform in self.columns.items():
            lines += ["", f"[column.{_toml(name)}]", f"transform = {_toml(transform.name)}"]
            lines += _pairs(parameters(transform))
        if self.small_groups is not None:
            lines += ["", "[small_groups]", *_pairs(msgspec.to_builtins(self.small_groups))]
        return "\n".join(lines) + "\n"

    def digest(self) -> str:
        """`sha256:` and the digest of what `dump` writes."""
        return digest(self.dump().encode())


def parse_plan(text: bytes | str) -> Plan:
    """Read a plan from TOML.

    Raises:
        DataError: data.plan: not TOML, too long, an unknown key or transform, a value of another
            type or out of range; with the key path and near matches.
    """
    document = _load(text)
    _only("", document, _KEYS)
    if document.get("version") != _VERSION or isinstance(document["version"], bool):
        refuse("version", str(_VERSION), document.get("version"))
    columns = _table("column", document.get("column", {}))
    groups = document.get("small_groups")
    return Plan(
        columns={
            name: _transform(f"column.{name:.80}", _table(f"column.{name:.80}", values))
            for name, values in columns.items()
        },
        others=_convert("others", document.get("others", "refuse"), Others),
        small_groups=None
        if groups is None
        else _convert("small_groups", _table("small_groups", groups), SmallGroups),
    )


def parameters(transform: Transform) -> dict[str, Any]:
    """The parameters of a transform as plain values, without those that are not given."""
    built = msgspec.to_builtins(transform)
    return {name: value for name, value in sorted(built.items()) if value is not None}


def _load(text: bytes | str) -> dict[str, Any]:
    size = len(text if isinstance(text, bytes) else text.encode(errors="surrogatepass"))
    if size > LIMITS.plan_bytes_max:
        raise DataError(
            "data.plan", f"a plan of {size} bytes; expected at most {LIMITS.plan_bytes_max}"
        )
    try:
        return tomllib.loads(text.decode() if isinstance(text, bytes) else text)
    except (ValueError, RecursionError) as error:  # both decode errors are ValueErrors
        where = "" if isinstance(error, UnicodeDecodeError) else f": {error!s:.200}"
        raise DataError("data.plan", f"the plan is not TOML in UTF-8{where}") from error


def _transform(path: str, values: dict[str, Any]) -> Transform:
    name = values.pop("transform", None)
    kind = TRANSFORMS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise DataError(
            "data.plan",
            f"{path}.transform: expected one of {', '.join(TRANSFORMS)}; found {name!r:.60}",
            near(name, TRANSFORMS) if isinstance(name, str) else "",
        )
    transform: Transform = _convert(path, values, kind)
    return transform


def _convert(path: str, value: Any, kind: Any) -> Any:
    """Give `value` as `kind`, with the path in whatever is refused."""
    if isinstance(value, dict):
        _only(path, value, tuple(each.name for each in fields(kind)))
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as error:
        raise DataError("data.plan", f"{path}: {error!s:.200}") from error
    except DataError as error:
        raise DataError(error.code, f"{path}.{error.message}", error.hint) from None


def _only(path: str, values: Iterable[str], keys: tuple[str, ...]) -> None:
    for key in values:
        if key not in keys:
            expected = f"one of the keys {', '.join(keys)}" if keys else "no other key"
            raise DataError(
                "data.plan",
                f"{path or 'the plan'}: expected {expected}; found {key!r:.60}",
                near(key, keys),
            )


def _table(path: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        refuse(path, "a table", type(value).__name__)
    return dict(value)


def _pairs(values: Mapping[str, Any]) -> list[str]:
    return [f"{name} = {_toml(values[name])}" for name in sorted(values)]


def _toml(value: Any) -> str:
    """Write one value on one line; the escapes of JSON are those of TOML's basic strings."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(each)}" for key, each in value.items()) + "}"
    return "[" + ", ".join(map(_toml, value)) + "]"
