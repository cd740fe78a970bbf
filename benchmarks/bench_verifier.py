"""The stranger's verifier on an evidence bundle, as a process of its own on a bare Python.

The raw limit is a process that starts Python and does nothing but hash and parse every entry.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from measure import Case, Run, in_threads
from trial import Trial, trial

VERIFIER = Path(__file__).resolve().parent.parent / "verifier" / "freehold_verify.py"
RECORDS, FULL, THREADS = 10_000, 100_000, 64
RAW = """
import hashlib, json, pathlib, sys
for path in pathlib.Path(sys.argv[1], "log/tile/entries").rglob("*"):
    data, position = path.read_bytes() if path.is_file() else b"", 0
    while position < len(data):
        end = position + 2 + int.from_bytes(data[position:position + 2], "big")
        entry = data[position + 2:end]
        hashlib.sha256(entry).digest(), json.loads(entry)
        position = end
"""


def main() -> None:
    """Measure and print."""
    run = Run(__doc__)
    with run.scratch() as folder, trial(folder) as estate:
        records = FULL if run.is_full else RECORDS
        in_threads(THREADS, lambda _: answer(estate, records // THREADS))
        vkey = str(estate.pipeline.stores.log.key)
        signers = folder / "allowed_signers"
        signers.write_text(estate.estate.people.allowed_signers(estate.people["ada"]))
        bare, full = export(estate, folder / "bare"), export(estate, folder / "full", is_full=True)
        size = estate.pipeline.stores.log.size

        def verify(bundle: Path) -> int:
            python("-S", VERIFIER, bundle, "--vkey", vkey, "--allowed-signers", signers)
            return size

        def raw() -> int:
            python("-S", "-c", RAW, bare)
            return size

        run.compare(
            f"An evidence bundle of {size:,} records",
            Case("raw: hash and parse each entry", raw),
            Case(
                "verified, approvals disclosed",
                lambda: verify(bare),
                beside="raw: hash and parse each entry",
            ),
            Case(
                "verified, every body disclosed",
                lambda: verify(full),
                beside="raw: hash and parse each entry",
            ),
        )
    run.finish()


def answer(estate: Trial, count: int) -> None:
    """Record answers."""
    for _ in range(count):
        estate.answer()


def export(estate: Trial, folder: Path, *, is_full: bool = False) -> Path:
    """Write a bundle and unpack it."""
    packed = folder.with_suffix(".zip")
    with packed.open("xb") as file:
        estate.estate.history.export(estate.people["ada"], file, is_full=is_full)
    with zipfile.ZipFile(packed) as bundle:
        bundle.extractall(folder)
    return folder


def python(*arguments: str | Path) -> None:
    """Run a bare Python; what it refuses ends the measurement."""
    subprocess.run([sys.executable, "-I", *arguments], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
