"""Sources that suddenly give far more rows than they did.

A source is sudden if its share of the rows is at least three times its share in the version before,
and so many rows have a chance of at most 10^-6 after Bonferroni's correction, by the binomial
distribution at the upper end of what the old share may have been.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.stats import beta, binom

from freehold.data.poisoning._traits import Trait

RATIO_MIN = 3.0
SCORE_MIN = 6.0
_SURE = 0.99  # the upper bound of the old share (Clopper and Pearson, 1934)


def sudden_sources(sources: Sequence[str | None], before: Sequence[str | None]) -> Iterator[Trait]:
    """Compare the shares of the sources in a version and in the one before; both have rows."""
    now, then = Counter(sources), Counter(before)
    for source, count in now.items():
        old = then[source]
        bound = float(beta.ppf(_SURE, old + 1, len(before) - old)) if old < len(before) else 1.0
        ratio = count / len(sources) / max(old / len(before), 1 / len(before))
        chance = binom.logsf(count - 1, len(sources), bound) + np.log(len(now))
        score = min(300.0, float(-chance / np.log(10)))
        if ratio >= RATIO_MIN and score >= SCORE_MIN:
            rows = np.flatnonzero([each == source for each in sources])
            known = f"{old / len(before):.2%}" if old else "none"
            yield Trait(
                f"one source gives {count / len(sources):.2%} of the rows, and gave {known} before",
                rows,
                score,
                source,
            )
