"""Names found in texts of templates that were not trained on, and how fast.

Five parts of the templates, drawn by a hash, are held out in turn; templates that share most of
their words lie in one part. Nothing was measured on the part held out while features and options
were chosen. Both generations of the public set are used, their kinds of spans joined and addresses
made whole.

With --full each part is also measured in small letters, and without what was added to a plain CRF.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from measure import Amount, Case, Run

from freehold.data.tagging import (
    DEFAULT_OPTIONS,
    EMPTY_LEXICON,
    Lexicon,
    Score,
    Span,
    Tagger,
    TaggerOptions,
    evaluate,
    learn_lexicon,
    model_card,
    overall,
    template_of,
    time_zone_places,
    train_tagger,
    whole_addresses,
)

SETS = ("synth_dataset_v2.json", "generated_large.json")
KINDS = {
    "PERSON": "person",
    "STREET_ADDRESS": "address",
    "ADDRESS": "address",
    "ZIP_CODE": "address",  # the older generation calls it ADDRESS
    "GPE": "place",
    "LOCATION": "place",
    "ORGANIZATION": "organisation",
}
TITLES = {"mr", "ms", "mrs", "dr", "miss", "prof", "mx"}  # PERSON in the older generation
PARTS = 5
HELD_OUT = 0
ALIKE = 0.6  # share of common words; "she moved here from" and "we moved here from" have it
PLAIN_LINES = {
    "text-gsm8k-train/train.jsonl": "question",
    "guard-arena-hard/questions.jsonl": "text",
    "guard-awesome-prompts/prompts.jsonl": "text",
    "guard-fabric/system_prompts.jsonl": "text",
    "guard-tasktracker/tasktracker.jsonl": "text",
    "guard-jbb/harmful_requests.jsonl": "text",
    "guard-bipia/email_context_train.jsonl": "context",
    "guard-bipia/email_context_test.jsonl": "context",
    "guard-bipia/table_context_test.jsonl": "context",
}
SPANS = set(KINDS.values())
ATTRIBUTES = ("found", "wrong", "missed")
AIM_F1, AIM_TOKENS = 0.65, 30_000
PLAIN = TaggerOptions(
    copies=10,
    spliced=0,
    lists=0,
    exchanged=0,
    small=0,
    capital=0,
    names_hidden=1,
    support=1,
    l2=0.1,
)


@dataclass(frozen=True, slots=True)
class Row:
    """One text with its spans; texts of one template lie in one part."""

    text: str
    spans: list[Span]
    template: str

    @property
    def part(self) -> int:
        """Which fifth of the templates it belongs to."""
        return hashlib.sha256(self.template.encode()).digest()[0] * 2 * PARTS // 256 // 2


def main() -> None:
    """Train, measure and print."""
    run = Run(__doc__)
    data = Path(
        os.environ.get("FREEHOLD_SHARED_DATA") or Path(__file__).parents[2] / "shared" / "data"
    )
    rows = group_alike(list(read_rows(data)))
    lexicon = learn_lexicon(plain_texts(data), time_zone_places())
    print(f"{len(rows):,} texts, {len({row.template for row in rows})} templates")
    tagger, card = across_parts("all", rows, lexicon, with_small=run.is_full)
    if run.is_full:
        across_parts("a plain CRF with these features", rows, EMPTY_LEXICON, options=PLAIN)
        across_parts("without the lexicon", rows, EMPTY_LEXICON)
    texts = [row.text for row in rows]
    tokens = count_tokens(texts)
    model = tagger.to_bytes()
    run.compare(
        f"{tokens:,} tokens, one core",
        Case(
            "short texts",
            tagged(tagger, texts, tokens),
            unit="tokens",
            aim=AIM_TOKENS,
            clock=time.process_time,
        ),
        Case(
            "one long text",
            tagged(tagger, ["\n".join(texts)], tokens),
            unit="tokens",
            aim=AIM_TOKENS,
            clock=time.process_time,
        ),
        Case("opening the tagger", opened(model), unit="taggers", clock=time.process_time),
    )
    run.tell("stored", Amount("tagger", "MB", len(model) / 1e6, 10))
    print(f"\n{card}")
    run.finish()


def across_parts(
    title: str,
    rows: Sequence[Row],
    lexicon: Lexicon,
    *,
    options: TaggerOptions = DEFAULT_OPTIONS,
    with_small: bool = False,
) -> tuple[Tagger, str]:
    """Hold out each part in turn and print how it goes; return what saw all but `HELD_OUT`."""
    f1: dict[int, float] = {}
    total: Counter[str] = Counter()
    kept: tuple[Tagger, str] | None = None
    new: Counter[str] = Counter()
    print(f"\n{title}: exact F1 on templates that were not trained on")
    for part in reversed(range(PARTS)):
        known = [row for row in rows if row.part != part]
        unknown = [row for row in rows if row.part == part]
        started = time.process_time()
        tagger = train_tagger(
            [row.text for row in known],
            [row.spans for row in known],
            seed=1,
            templates=[row.template for row in known],
            lexicon=lexicon,
            options=options,
        )
        spent = time.process_time() - started
        scores = evaluate(tagger, [row.text for row in unknown], [row.spans for row in unknown])
        f1[part] = overall(scores).f1
        for kind, score in scores.items():
            total.update({f"{kind} {each}": getattr(score, each) for each in ATTRIBUTES})
        new += found_anew(tagger, known, unknown)
        measured = {f"part {part}": scores}
        if with_small:
            small = [row for row in unknown if len(row.text.lower()) == len(row.text)]
            measured["in small letters"] = evaluate(
                tagger, [row.text.lower() for row in small], [row.spans for row in small]
            )
        for name, each in measured.items():
            print(f"  {name:<18} {told(each)}  [{len(unknown)} texts, {spent:.0f} s]", flush=True)
        kept = (tagger, model_card(tagger, measured))
    pooled = {
        kind: Score(*(total[f"{kind} {each}"] for each in ATTRIBUTES)) for kind in sorted(SPANS)
    }
    others = [each for part, each in f1.items() if part != HELD_OUT]
    print(f"  {'all spans':<18} {told(pooled)}")
    print(
        f"  mean of {PARTS} parts {sum(f1.values()) / PARTS:.3f} [aim {AIM_F1}]; of those "
        f"tuned on {sum(others) / len(others):.3f}; of the part held out {f1[HELD_OUT]:.3f}"
    )
    print(
        f"  names never seen in training: {new['found']} of {new['all']} found "
        f"({new['found'] / new['all']:.2f}); others {new['known found'] / new['known']:.2f}"
    )
    assert kept is not None  # noqa: S101  # there is a part
    return kept


def found_anew(tagger: Tagger, known: Sequence[Row], unknown: Sequence[Row]) -> Counter[str]:
    """Count the spans with names that training never met, and those found exactly."""
    met = {row.text[s.start : s.end].lower() for row in known for s in row.spans}
    counts: Counter[str] = Counter()
    for row, found in zip(unknown, tagger.tag([row.text for row in unknown]), strict=True):
        for span in row.spans:
            is_met = row.text[span.start : span.end].lower() in met
            counts["known" if is_met else "all"] += 1
            counts["known found" if is_met else "found"] += span in found
    return counts


def told(scores: dict[str, Score]) -> str:
    """Write scores in one line."""
    together = overall(scores)
    each = ", ".join(f"{kind} {score.f1:.2f}" for kind, score in scores.items())
    return f"{together.f1:.3f} (P {together.precision:.2f}, R {together.recall:.2f}; {each})"


def tagged(tagger: Tagger, texts: list[str], tokens: int) -> Callable[[], int]:
    """What tags all texts in one call."""

    def work() -> int:
        tagger.tag(texts)
        return tokens

    return work


def opened(model: bytes) -> Callable[[], int]:
    """What reads a stored tagger."""

    def work() -> int:
        Tagger.from_bytes(model)
        return 1

    return work


def count_tokens(texts: Sequence[str]) -> int:
    """Count words and signs as the tagger does."""
    return sum(len(re.findall(r"\w+|[^\w\s]", text)) for text in texts)


def read_rows(data: Path) -> Iterator[Row]:
    """Read both generations as one set."""
    for name in SETS:
        for row in json.loads((data / "pii-presidio-synth" / name).read_bytes()):
            text = row["full_text"]
            raw = sorted(row["spans"], key=lambda span: span["start_position"])
            every = [Span("x", each["start_position"], each["end_position"]) for each in raw]
            yield Row(text, read_spans(text, raw), template_of(text, every))


def group_alike(rows: Sequence[Row]) -> list[Row]:
    """Give templates that share most of their words one name, so that they lie in one part."""
    words = {row.template: set(row.template.split()) for row in rows}
    name = {template: template for template in words}
    for one, other in combinations(sorted(words), 2):
        shared = len(words[one] & words[other])
        if shared >= ALIKE * len(words[one] | words[other]) > 0 and name[one] != name[other]:
            kept, lost = sorted((name[one], name[other]))
            name = {each: kept if now == lost else now for each, now in name.items()}
    return [replace(row, template=name[row.template]) for row in rows]


def read_spans(text: str, raw: Sequence[dict[str, Any]]) -> list[Span]:
    """Keep names, addresses and places, without titles and white space, addresses whole."""
    spans: list[Span] = []
    for each in raw:
        kind, start, end = KINDS.get(each["entity_type"]), *positions(text, each)
        value = text[start:end].lower().strip(".")
        is_title = kind == "person" and value in TITLES
        if kind and value and not is_title and (not spans or start >= spans[-1].end):
            spans.append(Span(kind, start, end))
    whole = whole_addresses(text, spans)
    return [span for span in whole if text[span.start : span.end].lower() != "nan"]  # no value


def positions(text: str, raw: dict[str, Any]) -> tuple[int, int]:
    """Give start and end without the white space around a value."""
    start, end = raw["start_position"], raw["end_position"]
    value = text[start:end]
    return start + len(value) - len(value.lstrip()), end - len(value) + len(value.rstrip())


def plain_texts(data: Path) -> Iterator[str]:
    """Read texts without labels, to count words in."""
    yield (data / "text-tinyshakespeare" / "input.txt").read_text()
    yield (data / "catalog-atlas" / "ATLAS.yaml").read_text()
    for name in ("train", "test"):
        with (data / "support-banking77" / f"{name}.csv").open(newline="") as lines:
            yield from (row["text"] for row in csv.DictReader(lines))
    with (data / "guard-xstest" / "xstest_prompts.csv").open(newline="") as lines:
        yield from (row["prompt"] for row in csv.DictReader(lines))
    for path, field in PLAIN_LINES.items():
        for line in (data / path).read_text().strip("\n").split("\n"):
            row = json.loads(line)
            if row.get("lang", "en") in ("en", "und"):
                yield row[field]


if __name__ == "__main__":
    main()
