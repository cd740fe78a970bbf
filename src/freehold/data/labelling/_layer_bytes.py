"""Read the canonical bytes of a layer; `LabelLayer.to_bytes` writes them.

Only what would be written is read: any other spelling of the same layer is refused, so that one
layer has one digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

import msgspec

from freehold.data.errors import DataError
from freehold.data.labelling._entries import ENTRY_COLUMNS, check_entries, frame_of
from freehold.data.labelling._guideline import guideline_of
from freehold.data.labelling._layer import LAYER_VERSION, LabelLayer, layer_of
from freehold.data.labelling._limits import DEFAULT_LABEL_LIMITS, LabelLimits
from freehold.kernel import FreeholdError, Limits, parse_json

_NONE: Mapping[str, tuple[Any, ...]] = dict.fromkeys(ENTRY_COLUMNS, ())
_HEADER_KEYS = {"v", "dataset", "guidelines", "entries"}
_HEADER_LIMITS = Limits(json_bytes_max=268_435_456)  # many long guidelines

_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
_Entry: TypeAlias = tuple[str, str, _Count, _Count, list[str], str]
_ENTRY = msgspec.json.Decoder(_Entry)


def read_label_layer(data: bytes, *, limits: LabelLimits = DEFAULT_LABEL_LIMITS) -> LabelLayer:
    """Read a layer back.

    Raises:
        DataError: `data.label_layer`, bytes that no layer has, with the line; the codes of
            `LabelLayer` and of its guidelines.
    """
    lines = data.split(b"\n")
    if lines.pop():
        raise _refusal(len(lines) + 1, "the last line has no end; the file may be cut off")
    header = _header(lines)
    if len(lines) - 1 > limits.entries_max:
        raise DataError(
            "data.too_large", f"{len(lines) - 1} labels; at most {limits.entries_max} are held"
        )
    rows = [_entry(line, number) for number, line in enumerate(lines[1:], 2)]
    guidelines = tuple(map(guideline_of, header["guidelines"]))
    columns = dict(zip(ENTRY_COLUMNS, zip(*rows, strict=True), strict=True)) if rows else _NONE
    entries = check_entries(frame_of(columns, _place), guidelines, limits, _place)
    layer = layer_of(header["dataset"], guidelines, entries, limits)
    if layer.to_bytes() != data:
        raise _refusal(1, "the lines are not in the order or spelling that a layer has")
    return layer


def _place(index: int, column: str) -> str:
    return f"line {index + 2}, {column}"


def _header(lines: list[bytes]) -> Mapping[str, Any]:
    try:
        header = parse_json(lines[0] if lines else b"", _HEADER_LIMITS)
    except FreeholdError as error:
        raise _refusal(1, error.message) from error
    if not isinstance(header, dict) or set(header) != _HEADER_KEYS:
        raise _refusal(1, f"expected an object of {', '.join(sorted(_HEADER_KEYS))}")
    if header["v"] != LAYER_VERSION:
        raise _refusal(1, f"expected version {LAYER_VERSION}; a newer Freehold may read it")
    guidelines = header["guidelines"]
    if not isinstance(header["dataset"], str) or not isinstance(guidelines, list):
        raise _refusal(1, "expected a text as dataset and a list of guidelines")
    if not all(isinstance(each, dict) for each in guidelines):
        raise _refusal(1, "expected an object for each guideline")
    if header["entries"] != len(lines) - 1:
        raise _refusal(1, f"it has {len(lines) - 1} entries and promises another number")
    return header


def _entry(line: bytes, number: int) -> _Entry:
    try:
        entry: _Entry = _ENTRY.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:  # neither repeats a value
        expected = "expected [row, annotator, revision, guideline, [label, …], at]"
        raise _refusal(number, f"{expected}; {error}") from error
    return entry


def _refusal(line: int, problem: str) -> DataError:
    return DataError(
        "data.label_layer",
        f"line {line} of the label layer: {problem}",
        "restore it from where it was written",
    )
