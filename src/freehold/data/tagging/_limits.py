"""Every bound of tagging in one place, with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TaggingLimits:
    """Bounds that keep a tagger within the memory of one machine, whoever wrote text or model."""

    kinds_max: int = 16  # decoding is quadratic in them
    texts_max: int = 1_000_000  # of training; each is written several times over
    training_bytes_max: int = 67_108_864  # features take some 300 times the text
    token_chars_max: int = 64  # of a longer one only the start is looked at; it is no name
    piece_tokens_max: int = 256  # decoded at once; a span does not cross the end of a piece
    batch_tokens: int = 65_536  # whose scores are held at a time
    words_max: int = 200_000  # whose frequency a lexicon keeps
    features_max: int = 1_000_000  # of a model; one of this project has 30,000
    feature_chars_max: int = 256  # three forms of words and their marks fit
    model_bytes_max: int = 134_217_728  # a million features with their weights fit


DEFAULT_TAGGING_LIMITS = TaggingLimits()
