"""A tagger as bytes: a mark, the length of a JSON head, the head, and two arrays of numbers.

    "freehold tagger 1\\n"   18 bytes
    length of the head      8 bytes, big-endian
    head                    JSON, sorted keys, UTF-8
    weights                 float32, little-endian, features x labels
    transitions             float32, little-endian, labels x labels

There is nothing to execute and nothing to unfold: the sizes follow from the head and must match to
the byte.
"""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from freehold.data.errors import DataError
from freehold.data.tagging._limits import TaggingLimits

_MARK = b"freehold tagger 1\n"
_LENGTH = 8
_WEIGHT_MAX = 1e6  # a sum over all features of a token stays exact enough, and finite
_SHAPE: dict[str, type] = {
    "facts": dict,
    "features": list,
    "kinds": list,
    "many_lines": list,
    "names": dict,
    "places": list,
    "words": dict,
}


def pack(
    head: dict[str, Any], weights: NDArray[np.float32], transitions: NDArray[np.float32]
) -> bytes:
    """Write the parts of a tagger one after the other."""
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    arrays = [array.astype("<f4").tobytes() for array in (weights, transitions)]
    return b"".join([_MARK, len(text).to_bytes(_LENGTH), text, *arrays])


def unpack(
    data: bytes, limits: TaggingLimits
) -> tuple[dict[str, Any], NDArray[np.float32], NDArray[np.float32]]:
    """Read the parts again.

    Raises:
        DataError: it is damaged, too large, or not such a file.
    """
    if len(data) > limits.model_bytes_max:
        raise _damaged(f"it has {len(data)} bytes; expected at most {limits.model_bytes_max}")
    start = len(_MARK) + _LENGTH
    if len(data) < start or not data.startswith(_MARK):
        raise _damaged("it does not begin with the mark of a tagger")
    end = start + int.from_bytes(data[len(_MARK) : start])
    if end > len(data):
        raise _damaged("it ends within its head")
    head = _head(data[start:end], limits)
    count, size = 1 + 2 * len(head["kinds"]), len(head["features"])
    if len(data) - end != 4 * count * (size + count):
        raise _damaged("its arrays do not have the size that its head says")
    numbers = np.frombuffer(data, "<f4", offset=end).astype(np.float32)
    if not np.all(np.abs(numbers) <= _WEIGHT_MAX):
        raise _damaged("a weight is not a number, or beyond every bound")
    return (
        head,
        numbers[: count * size].reshape(-1, count),
        numbers[count * size :].reshape(-1, count),
    )


def _head(text: bytes, limits: TaggingLimits) -> dict[str, Any]:
    try:
        head = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged("its head is not JSON") from error
    if not isinstance(head, dict) or {key: type(value) for key, value in head.items()} != _SHAPE:
        raise _damaged("its head does not have the parts of a tagger")
    strings = chain(
        *(head[key] for key in ("features", "kinds", "many_lines", "places")),
        *(chain(head[key], head[key].values()) for key in ("names", "words")),
    )
    if not all(isinstance(each, str) and each for each in strings):
        raise _damaged("a name in its head is not text, or empty")
    kinds, features = head["kinds"], head["features"]
    if not 0 < len(set(kinds)) == len(kinds) <= limits.kinds_max:
        raise _damaged("its kinds are none, double or too many")
    if not 0 < len(set(features)) == len(features) <= limits.features_max:
        raise _damaged("its features are none, double or too many")
    if not set(head["many_lines"]) <= set(kinds):
        raise _damaged("it names a kind that it does not find")
    if not all(
        len(code) == 2 and code[0] in "0123456" and code[1] in "lmn"
        for code in head["words"].values()
    ):
        raise _damaged("the frequency of a word is not written as it must be")
    return head


def _damaged(problem: str) -> DataError:
    return DataError(
        "data.tagger",
        f"these bytes are no tagger: {problem}",
        "read the whole file that `Tagger.to_bytes` gave, or train again",
    )
