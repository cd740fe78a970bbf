"""Write the reference pages, or check them."""

from __future__ import annotations

import sys
from pathlib import Path

from freehold.reference import pages


def main(arguments: list[str]) -> int:
    """Run; returns the exit status."""
    folder = Path(__file__).resolve().parents[3] / "docs" / "reference"
    stale = []
    for name, text in pages().items():
        path = folder / name
        if path.exists() and path.read_text() == text:
            continue
        stale.append(name)
        if "--check" not in arguments:
            path.write_text(text)
    if stale and "--check" in arguments:
        sys.stderr.write(f"not current: {', '.join(stale)}; run python -m freehold.reference\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
