"""Train a tagger: a linear-chain conditional random field (Lafferty, McCallum, Pereira 2001).

python-crfsuite finds the weights; they are taken out of its model as text, so that no file of its
format is ever stored or opened again.
"""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pycrfsuite  # type: ignore[import-untyped]  # published without types
from numpy.typing import NDArray

from freehold.data.errors import DataError
from freehold.data.tagging._augment import Dice, Example, TaggerOptions, write_examples
from freehold.data.tagging._features import WordFeatures, Words, is_one_case, text_features
from freehold.data.tagging._lexicon import EMPTY_LEXICON, Lexicon
from freehold.data.tagging._limits import DEFAULT_TAGGING_LIMITS, TaggingLimits
from freehold.data.tagging._spans import Span, check_spans, template_of
from freehold.data.tagging._tagger import Tagger
from freehold.data.tagging._tokens import labels, to_labels, tokenize, words_of

DEFAULT_OPTIONS = TaggerOptions()
_NAME_SHARE = 0.25  # of the names with a word, from which it tells of a kind
_LINES_SHARE = 0.01  # of a kind's spans, from which it may go on over the end of a line


def train_tagger(
    texts: Sequence[str],
    spans: Sequence[Sequence[Span]],
    *,
    seed: int,
    templates: Sequence[str] | None = None,
    lexicon: Lexicon = EMPTY_LEXICON,
    options: TaggerOptions = DEFAULT_OPTIONS,
) -> Tagger:
    """Learn from texts whose names are marked. The same call gives the same tagger, on one machine.

    Texts of one of `templates` count as one sentence with other names; without them `template_of`
    tells. Some hundred templates are the least that teaches anything.

    Raises:
        DataError: spans that do not fit, nothing to learn, or too much of it.
        ValueError: a seed that is no unsigned 64-bit integer, or templates of another number.
    """
    limits = DEFAULT_TAGGING_LIMITS
    if not 0 <= seed < 2**64:
        raise ValueError(f"a seed is an unsigned 64-bit integer, got {seed}")
    _check(texts, spans, limits)
    if templates is None:
        templates = [template_of(text, found) for text, found in zip(texts, spans, strict=True)]
    examples = [
        Example(text, tuple(found), (template,))
        for text, found, template in zip(texts, spans, templates, strict=True)
    ]
    kinds = sorted({kind for found in spans for kind, _, _ in found})
    dice = Dice(seed)
    names = _known_names(examples, kinds)
    written = write_examples(examples, lexicon.common_words(), dice, options)
    size = sum(len(each.text) for each in written)
    if size > limits.training_bytes_max:
        raise DataError(
            "data.too_large",
            f"{size} characters would be trained on; expected at most {limits.training_bytes_max}",
            "give fewer texts, or make `copies` of the options smaller",
        )
    material = _describe(written, Words(lexicon, names), lexicon, dice=dice, options=options)
    features = _supported(material, options.support)
    weights, transitions = _fit(material, features, labels(kinds), options)
    return Tagger(
        kinds=tuple(kinds),
        many_lines=frozenset(_many_lines(examples, kinds)),
        features=features,
        weights=weights,
        transitions=transitions,
        names=names,
        lexicon=lexicon,
        facts={
            "seed": str(seed),
            "texts": len(texts),
            "templates": len(set(templates)),
            "spans": dict(Counter(kind for found in spans for kind, _, _ in found)),
        },
    )


def _check(texts: Sequence[str], spans: Sequence[Sequence[Span]], limits: TaggingLimits) -> None:
    check_spans(texts, spans)
    if not any(spans):
        raise DataError(
            "data.spans",
            f"{len(texts)} texts have no span at all",
            "mark the names in them; a tagger learns from nothing else",
        )
    kinds = {kind for found in spans for kind, _, _ in found}
    if len(texts) > limits.texts_max or len(kinds) > limits.kinds_max:
        raise DataError(
            "data.too_large",
            f"{len(texts)} texts with {len(kinds)} kinds of spans; expected at most "
            f"{limits.texts_max} and {limits.kinds_max}",
            "train on a part of the texts, or join kinds",
        )


def _known_names(examples: Sequence[Example], kinds: Sequence[str]) -> dict[str, str]:
    """Tell for each word of a name the kinds of names that it is often part of."""
    seen = {
        (kind, example.text[start:end].lower())
        for example in examples
        for kind, start, end in example.spans
    }
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for kind, value in seen:
        counts_of_value = {word for word in words_of(value) if len(word) > 1}
        for word in counts_of_value:
            counts[word][kind] += 1
    return {
        word: "+".join(kind for kind in kinds if count[kind] >= max(1, _NAME_SHARE * count.total()))
        for word, count in sorted(counts.items())
    }


def _many_lines(examples: Sequence[Example], kinds: Sequence[str]) -> list[str]:
    total: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    for example in examples:
        for kind, start, end in example.spans:
            total[kind] += 1
            broken[kind] += "\n" in example.text[start:end]
    return [kind for kind in kinds if broken[kind] > _LINES_SHARE * total[kind]]


class _Sequence(NamedTuple):
    features: list[list[str]]
    labels: list[str]
    templates: tuple[str, ...]


def _describe(
    written: Sequence[Example],
    words: Words,
    lexicon: Lexicon,
    *,
    dice: Dice,
    options: TaggerOptions,
) -> list[_Sequence]:
    known: dict[tuple[str, bool], WordFeatures] = {}
    material = []
    for text, spans, templates in written:
        tokens = tokenize(text)
        one_case = is_one_case(text)
        described = []
        for token in tokens:
            key = (token.text, one_case)
            if key not in known:
                known[key] = words.features(token.text, one_case=one_case)
            described.append(known[key])
        shown = [not (word.names and dice.happens(options.names_hidden)) for word in described]
        features = text_features(text, tokens, described, lexicon, with_names=shown)
        material.append(_Sequence(features, to_labels(tokens, spans), templates))
    return material


def _supported(material: Sequence[_Sequence], support: int) -> dict[str, int]:
    """Number the features that occur in enough templates, in the order of their names."""
    seen: dict[str, set[str]] = defaultdict(set)
    for sequence in material:
        for feature in {each for token in sequence.features for each in token}:
            if len(seen[feature]) < support:
                seen[feature].update(sequence.templates)
    kept = sorted(feature for feature, within in seen.items() if len(within) >= support)
    return {feature: row for row, feature in enumerate(kept)}


def _fit(
    material: Sequence[_Sequence],
    features: Mapping[str, int],
    names: Sequence[str],
    options: TaggerOptions,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    numbers = {feature: str(row) for feature, row in features.items()}
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params(
        {
            "c1": 0.0,
            "c2": options.l2,
            "max_iterations": options.iterations,
            "feature.possible_transitions": True,
        }
    )
    for sequence in material:
        rows = [[numbers[each] for each in token if each in numbers] for token in sequence.features]
        trainer.append(rows, sequence.labels)
    with tempfile.TemporaryDirectory(prefix="freehold-tagger-") as folder:
        path = str(Path(folder) / "model")
        trainer.train(path)
        tagger = pycrfsuite.Tagger()
        tagger.open(path)
        info = tagger.info()
        tagger.close()
    column = {name: number for number, name in enumerate(names)}
    weights = np.zeros((len(features), len(names)), np.float32)
    for (row, label), weight in info.state_features.items():
        weights[int(row), column[label]] = weight
    transitions = np.zeros((len(names), len(names)), np.float32)
    for (before, after), weight in info.transitions.items():
        transitions[column[before], column[after]] = weight
    return weights, transitions
