"""Detection beside presidio-analyzer on the same texts: precision, recall, F1 and rates.

Presidio runs with its pattern recognizers and no named-entity model. Its findings are kept above
the score that suits it best on the development part, and of overlapping ones the surest. The
English texts come from templates: a part of the templates, chosen by their hash, was put aside
before any pattern was written, and only figures on it are worth quoting. The Spanish ones have a
test part of their own. A finding counts where kind, start and end are all right, and only in the
files whose annotators marked its kind. Rates are of processor time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import spacy
from measure import Case, Run
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine

from freehold.data.detection import Detector, Level

Spans = set[tuple[str, int, int]]
Document = tuple[str, Spans, frozenset[str]]  # text, gold spans, the kinds that were annotated

DATA = Path(os.environ.get("FREEHOLD_SHARED_DATA") or "../shared/data")
ENGLISH = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "payment_card",
    "IBAN_CODE": "iban",
    "US_SSN": "us_ssn",
    "IP_ADDRESS": "ip_address",
    "DOMAIN_NAME": "url",
    "ZIP_CODE": "postcode",
    "DATE_TIME": "date",
    "US_DRIVER_LICENSE": "driving_licence",
}
SPANISH = {
    "CORREO_ELECTRONICO": "email",
    "NUMERO_TELEFONO": "phone",
    "NUMERO_FAX": "phone",
    "FECHAS": "date",
    "ID_ASEGURAMIENTO": "es_nass",
    "ID_SUJETO_ASISTENCIA": "medical_record",
    "ID_CONTACTO_ASISTENCIAL": "medical_record",
    "ID_TITULACION_PERSONAL_SANITARIO": "professional_licence",
}
PRESIDIO = ENGLISH | {"URL": "url"}
HELD_OUT_TENTHS = 3  # of the templates
SCORES = (0.0, 0.1, 0.3, 0.4, 0.5, 0.6)
REPEATS = 20  # of the same text in one turn of ours, so that the clock sees it


class Blank(SpacyNlpEngine):
    """Tokens and nothing else, in place of a language model."""

    def __init__(self, language: str) -> None:
        super().__init__(models=[{"lang_code": language, "model_name": "blank"}])
        self.nlp = {language: spacy.blank(language)}

    def load(self) -> None:
        """There is nothing to load."""

    def is_loaded(self) -> bool:
        """It is loaded when it is made."""
        return True


def presidio(language: str) -> AnalyzerEngine:
    """Presidio with the recognizers that it has for a language, but for the model's."""
    registry = RecognizerRegistry(supported_languages=[language])
    registry.load_predefined_recognizers(languages=[language])
    registry.remove_recognizer("SpacyRecognizer")
    return AnalyzerEngine(
        registry=registry, nlp_engine=Blank(language), supported_languages=[language]
    )


def template(record: dict[str, Any]) -> str:
    """What a text was made from: its spans, numbers and spaces made alike."""
    parts, at = [], 0
    for span in sorted(record["spans"], key=lambda each: int(each["start_position"])):
        if span["start_position"] >= at:
            parts.append(record["full_text"][at : span["start_position"]])
            at = span["end_position"]
    text = "{}".join([*parts, record["full_text"][at:]])
    return re.sub(r"\s+", " ", re.sub(r"\d+", "0", text)).strip().lower()


def is_held_out(record: dict[str, Any]) -> bool:
    """Whether the record's template was put aside for the test."""
    return hashlib.sha256(template(record).encode()).digest()[0] % 10 < HELD_OUT_TENTHS


def english(*, held_out: bool) -> Iterator[Document]:
    """The texts of one part, with the spans of structured kinds."""
    for name in ("synth_dataset_v2", "generated_large"):
        records = json.loads((DATA / f"pii-presidio-synth/{name}.json").read_text())
        marked = {span["entity_type"] for record in records for span in record["spans"]}
        kinds = frozenset(ENGLISH[each] for each in marked & ENGLISH.keys())
        for record in records:
            if is_held_out(record) == held_out:
                gold = {
                    (ENGLISH[s["entity_type"]], s["start_position"], s["end_position"])
                    for s in record["spans"]
                    if s["entity_type"] in ENGLISH
                }
                yield record["full_text"], gold, kinds


def spanish(part: str) -> Iterator[Document]:
    """The clinical cases of one part, with the spans of structured kinds."""
    lines = (DATA / f"pii-meddocan-es/{part}.jsonl").read_text().split("\n")
    for record in (json.loads(line) for line in lines if line):
        spans = [each for each in record["spans"] if each["type"] in SPANISH]
        gold = {(SPANISH[each["type"]], each["start"], each["end"]) for each in spans}
        yield record["text"], gold, frozenset(SPANISH.values())


def ours(detector: Detector, levels: Sequence[Level], text: str) -> Spans:
    """What we find, by the names of the corpora."""
    return {
        ("date" if each.kind == "birth_date" else str(each.kind), each.start, each.end)
        for each in detector.scan(text)
        if each.level in levels
    }


def theirs(found: Iterable[Any], score: float) -> Spans:
    """What presidio finds, of overlapping findings the surest and then the longest."""
    kept: list[Any] = []
    for each in sorted(found, key=lambda r: (-r.score, r.start - r.end)):
        if each.score >= score and all(each.end <= k.start or each.start >= k.end for k in kept):
            kept.append(each)
    return {(PRESIDIO.get(each.entity_type, ""), each.start, each.end) for each in kept}


def count(documents: Sequence[Document], found: Sequence[Spans]) -> dict[str, tuple[int, int, int]]:
    """Right, wrong and missed findings by kind."""
    right, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    for (_, gold, marked), every in zip(documents, found, strict=True):
        spans = {span for span in every if span[0] in marked}
        right.update(kind for kind, _, _ in spans & gold)
        wrong.update(kind for kind, _, _ in spans - gold)
        missed.update(kind for kind, _, _ in gold - spans)
    kinds = {kind for _, gold, _ in documents for kind, _, _ in gold}
    counts = {kind: (right[kind], wrong[kind], missed[kind]) for kind in sorted(kinds)}
    total = [sum(each) for each in zip(*counts.values(), strict=True)]
    return counts | {"all": (total[0], total[1], total[2])}


def f1(right: int, wrong: int, missed: int) -> float:
    """The harmonic mean of precision and recall."""
    return 2 * right / max(1, 2 * right + wrong + missed)


def compare(run: Run, title: str, documents: Sequence[Document], theirs_found: list[Spans]) -> None:
    """Print and keep precision, recall and F1 per kind, at both levels, at one, and of presidio."""
    detector = Detector()
    both = partial(ours, detector, tuple(Level))
    valid = partial(ours, detector, (Level.VALID,))
    tables = {
        "both levels": count(documents, [both(text) for text, _, _ in documents]),
        "valid only": count(documents, [valid(text) for text, _, _ in documents]),
        "presidio": count(documents, theirs_found),
    }
    print(f"\n{title}: {len(documents)} texts; precision, recall, F1")
    print(f"  {'':<20} {'spans':>5}  " + "".join(f"{name:<20}" for name in tables))
    for kind in tables["presidio"]:
        right, _, missed = tables["presidio"][kind]
        cells = ""
        for table in tables.values():
            r, w, m = table[kind]
            cells += f"{r / max(1, r + w):.3f} {r / max(1, r + m):.3f} {f1(r, w, m):.3f}   "
        print(f"  {kind:<20} {right + missed:>5}  {cells}", flush=True)
    run.keep({"title": title, "counts": tables})


def accuracy(run: Run) -> None:
    """Both languages; presidio's score is chosen on the development part of each."""
    corpora: dict[str, tuple[list[Document], list[Document]]] = {
        "en": (list(english(held_out=False)), list(english(held_out=True))),
        "es": (list(spanish("train")), list(spanish("test"))),
    }
    for language, (development, test) in corpora.items():
        engine = presidio(language)
        known = development if run.is_full else development[::10]
        raw = [engine.analyze(text, language) for text, _, _ in known]
        score = max(
            SCORES, key=lambda s: f1(*count(known, [theirs(each, s) for each in raw])["all"])
        )
        print(f"\n{language}: presidio's findings count from a score of {score}")
        found = [theirs(each, score) for each in raw]
        compare(run, f"{language}, development part", known, found)
        found = [theirs(engine.analyze(text, language), score) for text, _, _ in test]
        compare(run, f"{language}, TEST part", test, found)


def mixed() -> list[str]:
    """Clinical cases, stories, requests and synthetic sentences: 60 KB, a second of presidio."""
    stories = (DATA / "text-gsm8k-train/train.jsonl").read_text().splitlines()[:60]
    requests = (DATA / "support-banking77/test.csv").read_text().splitlines()[1:181]
    cases = [text for text, _, _ in spanish("dev")][:8]
    synthetic = [text for text, _, _ in english(held_out=False)][:1200:20]
    return [*(json.loads(each)["question"] for each in stories), *requests, *cases, *synthetic]


def dense() -> list[str]:
    """Only texts that hold something structured, of all templates."""
    return [text for text, gold, _ in english(held_out=False) if gold][::2]


def scanning(texts: Sequence[str], scan: Callable[[Sequence[str]], object], repeats: int) -> float:
    """Scan all texts some times; return the megabytes."""
    for _ in range(repeats):
        scan(texts)
    return repeats * sum(len(text.encode()) for text in texts) / 1e6


def throughput(run: Run) -> None:
    """Whole detectors over the same texts, in turns."""
    detector, engine = Detector(), presidio("en")
    for name, texts, aim, ratio in (("mixed", mixed(), 60, 200), ("dense", dense(), 25, 100)):
        found = sum(map(len, detector.scan_many(texts)))
        size = sum(len(text.encode()) for text in texts)
        title = f"{name} text: {len(texts)} texts of {size // len(texts)} bytes, "
        run.compare(
            title + f"one finding in {size // found} bytes",
            Case(
                "presidio",
                partial(scanning, texts, lambda t: [engine.analyze(each, "en") for each in t], 1),
                unit="MB",
                clock=time.process_time,
            ),
            Case(
                "freehold, one by one",
                partial(scanning, texts, lambda t: [detector.scan(each) for each in t], 5),
                unit="MB",
                beside="presidio",
                clock=time.process_time,
            ),
            Case(
                "freehold, many at once",
                partial(scanning, texts * REPEATS, lambda t: list(detector.scan_many(t)), 1),
                unit="MB",
                beside="presidio",
                aim=aim,
                aim_ratio=ratio,
                clock=time.process_time,
            ),
        )


def main() -> None:
    """Accuracy first, then rates."""
    logging.disable(logging.CRITICAL)  # presidio tells of every recognizer that it has not
    run = Run(__doc__, rounds=3)
    accuracy(run)
    throughput(run)
    run.finish()


if __name__ == "__main__":
    main()
