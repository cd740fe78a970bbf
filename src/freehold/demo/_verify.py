"""The stranger: the independent verifier, run as its own process on a bare Python."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from freehold.demo.errors import DemoError

VERIFIER = "freehold_verify.py"
SECONDS_MAX = 120


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the verifier said."""

    holds: bool
    lines: tuple[str, ...]

    @property
    def conclusion(self) -> str:
        return self.lines[-1] if self.lines else ""

    @property
    def failures(self) -> tuple[str, ...]:
        """The lines that name what does not hold."""
        return tuple(line for line in self.lines[:-1] if "DOES NOT HOLD" in line)


def verifier_file() -> Path:
    """Where the verifier lies: beside the source, or installed with the package.

    Raises:
        DemoError: in neither place.
    """
    beside = Path(__file__).resolve().parents[3] / "verifier" / VERIFIER
    installed = Path(sys.prefix) / "share" / "freehold" / VERIFIER
    for path in (beside, installed):
        if path.is_file():
            return path
    raise DemoError("demo.verifier", f"{VERIFIER} is neither at {beside} nor at {installed}")


def verify(bundle: Path, *, vkey: str, signers: Path) -> Verdict:
    """Run the verifier on a bundle, with key and signers from outside it."""
    command = [sys.executable, "-I", "-S", str(verifier_file()), str(bundle)]
    command += ["--vkey", vkey, "--allowed-signers", str(signers)]
    done = subprocess.run(  # fixed program, no shell
        command, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
    )
    if done.returncode not in (0, 1):
        raise DemoError(
            "demo.verifier", f"the verifier could not read the bundle: {done.stderr[-500:]}"
        )
    lines = tuple(line for line in done.stdout.splitlines() if line.strip())
    return Verdict(done.returncode == 0, lines)
