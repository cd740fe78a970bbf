"""Guidelines, layers and tables of the literature that the tests of labels share."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from freehold.data.labelling import AllowedLabel, Guideline, Label, LabelLayer, Ratings, Scale

DATASET = "dataset:01900000-0000-7000-8000-000000000001@3"
NOW = "2026-11-24T20:00:00Z"
THREE = Guideline(
    1, "Is it good?", tuple(AllowedLabel(name, f"It is {name}.") for name in ("no", "so", "yes"))
)
TOPICS = Guideline(
    2,
    "What is it about?",
    tuple(AllowedLabel(name, f"About {name}.") for name in ("card", "loan", "fee")),
    allows_several=True,
)


def label(row: str, name: str, annotator: str = "user:1", guideline: int = 1) -> Label:
    """A label; several names are separated by `+`."""
    return Label(row, tuple(name.split("+")), annotator, guideline, NOW)


def layer(labels: Iterable[Label] = (), *guidelines: Guideline) -> LabelLayer:
    """A layer over `DATASET`, under `THREE` where no guideline is given."""
    return LabelLayer(DATASET, guidelines or (THREE,)).add(labels)


# Fleiss (1971), Table 1: 30 patients, 6 psychiatrists each; depression, personality disorder,
# schizophrenia, neurosis, other.
FLEISS = np.array(
    [
        [int(digit) for digit in row]
        for row in """
        00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
        00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006
        """.split()
    ]
)
# Krippendorff (2011), section E: 12 units, 4 observers, missing values.
KRIPPENDORFF = "11-1 2232 3333 3333 2222 1234 4444 1121 2222 -555 --11 --3-".split()
# Cohen (1960), Table 1, as counts of 200: what judge A (rows) and judge B (columns) said.
COHEN = ((88, 14, 18), (10, 40, 10), (2, 6, 12))
# Dawid and Skene (1979), Table 1: 45 patients; observer 1 said it three times, 2 to 5 once.
DAWID_SKENE = """
    111/1/1/1/1 333/4/3/3/4 112/2/1/2/2 222/3/1/2/1 222/3/2/2/2 222/3/3/2/2 122/2/1/1/1 333/3/4/3/3
    222/2/2/2/3 232/2/2/2/3 444/4/4/4/4 222/3/3/4/3 111/1/1/1/1 222/3/2/1/2 121/1/1/1/1 111/2/1/1/1
    111/1/1/1/1 111/1/1/1/1 222/2/2/2/1 222/1/3/2/2 222/2/2/2/2 222/2/2/2/1 222/3/2/2/2 221/2/2/2/2
    111/1/1/1/1 111/1/1/1/1 232/2/2/2/2 111/1/1/1/1 111/1/1/1/1 112/1/1/2/1 111/1/1/1/1 333/3/2/3/3
    111/1/1/1/1 222/2/2/2/2 222/3/2/3/2 433/4/3/4/3 221/2/2/3/2 232/3/2/3/3 333/3/4/3/2 111/1/1/1/1
    111/1/1/1/1 121/2/1/1/1 232/2/2/2/2 121/1/1/1/1 222/2/2/2/2
    """.split()


def krippendorff(scale: Scale) -> Ratings:
    """The table of Krippendorff (2011) on a scale; the values are the numbers 1 to 5."""
    triples = [
        (f"unit {number:02}", f"observer {n}", value)
        for number, unit in enumerate(KRIPPENDORFF)
        for n, value in enumerate(unit)
        if value != "-"
    ]
    numbers = [1, 2, 3, 4, 5] if scale.has_numbers else None
    return Ratings.from_triples(triples, "12345", scale=scale, numbers=numbers)


def fleiss() -> Ratings:
    """The table of Fleiss (1971)."""
    rows = [f"patient {n:02}" for n in range(len(FLEISS))]
    return Ratings.from_counts(rows, FLEISS, ("DEP", "PER", "SCH", "NEU", "OTH"))


def cohen() -> Ratings:
    """The table of Cohen (1960)."""
    pairs = [
        (first, second)
        for first, counts in enumerate(COHEN)
        for second, count in enumerate(counts)
        for _ in range(count)
    ]
    triples = [
        (f"{number:03}", judge, "xyz"[value])
        for number, pair in enumerate(pairs)
        for judge, value in zip("AB", pair, strict=True)
    ]
    return Ratings.from_triples(triples, "xyz")


def dawid_skene_triples() -> list[tuple[str, str, str]]:
    """The table of Dawid and Skene (1979)."""
    return [
        (f"{number:02}", f"observer {n}", value)
        for number, patient in enumerate(DAWID_SKENE, 1)
        for n, said in enumerate(patient.split("/"), 1)
        for value in said
    ]
