"""One bit of an estate, or of a bundle, is flipped: somebody notices, or it does no harm.

Where it does no harm is written down, with the reason, in docs/guides/auditing.md. A flip without
effect in any other place fails: the list is complete, or the product is mended.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.estate.world import ROOT
from tests.tamper.flips import Flip, Outcome, Scene

GUIDE = ROOT / "docs" / "guides" / "auditing.md"
SEED = int(os.environ.get("FREEHOLD_FLIPS_SEED", "20261124"))


@pytest.fixture(scope="module")
def scene(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    scene = Scene(template, tmp_path_factory.mktemp("flips"))
    yield scene
    scene.close()


def documented() -> set[str]:
    """The places of the guide's table, by their first column."""
    text = GUIDE.read_text()
    table = text.partition("## Places where a changed bit does no harm")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE))


def run(scene: Scene, count: int) -> Counter[str]:
    """Flip so many bits; tell how each was dealt with."""
    known, seen = documented(), Counter[str]()
    odd: list[Outcome] = []
    for flip in scene.flips(count, SEED):
        outcome = scene.try_flip(flip)
        seen[f"{flip.kind}: {outcome.detected_by or 'harmless, ' + outcome.harmless}"] += 1
        if not outcome.detected_by and outcome.harmless not in known:
            odd.append(outcome)
    assert not odd, f"{len(odd)} flips do no harm in places that the guide does not name: {odd[:9]}"
    return seen


def test_150_flipped_bits_are_noticed_or_do_no_harm(scene: Scene):
    assert run(scene, 150).total() == 150


@pytest.mark.slow
@pytest.mark.timeout(7_200)
def test_10_000_flipped_bits_are_noticed_or_do_no_harm(scene: Scene):
    seen = run(scene, 10_000)
    print("\n" + "\n".join(f"{count:6} {what}" for what, count in sorted(seen.items())))
    assert seen.total() == 10_000


def sample(scene: Scene, count: int) -> list[Flip]:
    """Flips whose detection depends on looking within."""
    within = ("segment", "custody.json", "keyring.db", "catalog.db")
    found = (flip for flip in scene.flips(40 * count, SEED + 1) if flip.kind in within)
    return [flip for flip, _ in zip(found, range(count), strict=False)]


@pytest.mark.parametrize(
    "count", [4, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(1_800)])]
)
def test_what_the_parts_notice_the_whole_audit_notices(scene: Scene, count: int):
    """The parts of the deep audit, run one by one above, against the estate opened and audited."""
    for flip in sample(scene, count):
        outcome = scene.try_flip(flip)
        if "from within" in outcome.detected_by or outcome.detected_by.startswith("opening"):
            assert scene.whole(flip), f"{flip} is noticed by a part and not by the whole"
