"""Measures of data: near duplicates of short texts, equal and near-equal ones, label errors.

All of one core, shingling included. The raw limit of near duplicates is rensa's sketches and flags
of shingles that were hashed beforehand; it compares no pair and forms no group. datasketch, one
text at a time, gets a hundredth of the texts. Label errors stand beside cleanlab's.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import polars as pl
from cleanlab.filter import find_label_issues
from datasketch import MinHash, MinHashLSH
from measure import Case, Run
from rensa import RMinHash, RMinHashLSH

from freehold.data.quality import label_errors, near_duplicates

TEXTS, FULL, AIM = 100_000, 1_000_000, 150_000
LABELLED, CLASSES = 50_000, 10
SLOTS, BANDS, CHARACTERS = 64, 16, 5
RAW = "raw: rensa, shingles hashed before"
RAW_LABELS = "cleanlab"


def main() -> None:
    """Measure and print."""
    run = Run(__doc__)
    count = FULL if run.is_full else TEXTS
    texts = short_texts(count)
    characters = texts.str.len_chars().mean()
    run.compare(
        f"{count:,} texts of {characters:.0f} characters, one in 20 near another",
        documents(RAW, rensa(texts)),
        documents("near duplicates", grouped(texts), beside=RAW, aim=AIM),
        documents("datasketch, of 1 in 100", datasketch(texts[: count // 100]), beside=RAW),
    )
    equal = pl.Series(["my card was not accepted in the shop at the station this morning"])
    invoice = "dear customer, your invoice is ready for you, please pay number {}"
    run.compare(
        f"{count:,} texts that are all alike",
        documents("equal", grouped(equal.new_from_index(0, count))),
        documents("equal but for a number", grouped(pl.Series(map(invoice.format, range(count))))),
    )
    labels, probabilities = judged_labels()
    run.compare(
        f"{LABELLED:,} labels of {CLASSES} classes",
        rows(RAW_LABELS, lambda: find_label_issues(labels, probabilities, n_jobs=1)),
        rows("label errors", lambda: label_errors(labels, probabilities), beside=RAW_LABELS),
    )
    run.finish()


def documents(
    name: str, work: Callable[[], int], *, beside: str = "", aim: float | None = None
) -> Case:
    """A case told in texts per second of one core."""
    return Case(name, work, unit="texts", beside=beside, aim=aim, clock=time.process_time)


def rows(name: str, work: Callable[[], object], *, beside: str = "") -> Case:
    """A case told in labelled rows per second of one core."""

    def counted() -> int:
        work()
        return LABELLED

    return Case(name, counted, unit="rows", beside=beside, clock=time.process_time)


def short_texts(count: int) -> pl.Series:
    """Texts of 6 to 18 words, as frequent as English ones; one in 20 is another with a slip."""
    chance = np.random.default_rng(0)
    letters = list("etaoinshrdlucmfwypvbgk")
    words = np.array(
        ["".join(chance.choice(letters, size)) for size in chance.integers(2, 9, 3_000)]
    )
    frequency = 1 / (np.arange(len(words)) + 2.7)  # Mandelbrot's law
    picks = chance.choice(len(words), (count, 18), p=frequency / frequency.sum())
    lengths = chance.integers(6, 19, count)
    texts = [" ".join(words[pick[:length]]) for pick, length in zip(picks, lengths, strict=True)]
    for row in range(0, count, 20):
        other = texts[int(chance.integers(0, count))]
        at = int(chance.integers(0, len(other)))
        texts[row] = other[:at] + "x" + other[at + 1 :]
    return pl.Series(texts)


def judged_labels() -> tuple[np.ndarray, np.ndarray]:
    """Labels of which a tenth are wrong, and the probabilities of a fair model."""
    chance = np.random.default_rng(1)
    true = chance.integers(0, CLASSES, LABELLED)
    labels = np.where(chance.random(LABELLED) < 0.1, (true + 1) % CLASSES, true)
    weights = np.exp(chance.normal(size=(LABELLED, CLASSES)) + 3 * np.eye(CLASSES)[true])
    return labels, weights / weights.sum(axis=1, keepdims=True)


def grouped(texts: pl.Series) -> Callable[[], int]:
    """What is measured."""

    def work() -> int:
        near_duplicates(texts)
        return len(texts)

    return work


def rensa(texts: pl.Series) -> Callable[[], int]:
    """Sketches and flags from hashes and row offsets that are there already."""
    shingles = [shingle_hashes(text) for text in texts]
    hashes = np.concatenate(shingles)
    offsets = np.cumsum([0, *map(len, shingles)]).astype(np.uint64)

    def work() -> int:
        sketches = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, SLOTS, 0)
        index = RMinHashLSH(threshold=0.8, num_perm=SLOTS, num_bands=BANDS)
        return len(index.query_duplicate_flags_matrix_one_shot(sketches))

    return work


def datasketch(texts: pl.Series) -> Callable[[], int]:
    """Each text shingled, sketched, asked for and added."""

    def work() -> int:
        index = MinHashLSH(threshold=0.8, num_perm=SLOTS)
        for row, text in enumerate(texts):
            sketch = MinHash(num_perm=SLOTS)
            sketch.update_batch(
                [text[at : at + CHARACTERS].encode() for at in range(len(text) - CHARACTERS + 1)]
            )
            index.query(sketch)
            index.insert(row, sketch)
        return len(texts)

    return work


def shingle_hashes(text: str) -> np.ndarray:
    """The hash of each run of characters, by Python's own."""
    runs = range(max(1, len(text) - CHARACTERS + 1))
    return np.array(
        [hash(text[at : at + CHARACTERS]) & 0xFFFFFFFFFFFFFFFF for at in runs], dtype=np.uint64
    )


if __name__ == "__main__":
    main()
