"""Verifying a whole log in a process of its own, beside what else is done with it.

    with VerifyingApart(folder, key) as apart:
        ...                                 # write the log's files
        with apart.beside(checkpoint):      # its end raises where anything of the log was changed
            ...                             # use `LogReader.unverified_entries`

The other process saves time and decides nothing: unless it says that it verified the very tree that
is asked for, that tree is verified here. So it does not matter whether it could be started, was
killed, or met a fault, which is then met again and told.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from freehold.kernel import FreeholdError
from freehold.kernel.ledger._note import VerifierKey
from freehold.kernel.ledger._reader import LogReader
from freehold.kernel.ledger._statements import Checkpoint
from freehold.kernel.ledger.errors import CorruptLogError

# -P: the current folder is not searched for modules.
_COMMAND = (sys.executable, "-P", "-c", f"from {__name__} import main; main()")


class VerifyingApart:
    """One verification of the newest checkpoint of a log. A context manager; not thread-safe."""

    def __init__(self, folder: Path, key: VerifierKey, *, is_worthwhile: bool = True) -> None:
        """Start the process, which waits for `beside`, unless it is not worth it: starting takes as
        long as verifying 30,000 entries.
        """
        self._folder = folder
        self._key = key
        self._process: subprocess.Popen[bytes] | None = None
        if is_worthwhile:
            with contextlib.suppress(OSError):  # too many processes, or no memory
                self._process = subprocess.Popen(
                    [*_COMMAND, str(folder), str(key)],
                    bufsize=0,  # nothing is left to be written to a process that has ended
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,  # what it has to tell is told here
                )

    def __enter__(self) -> VerifyingApart:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            with self._process:
                self._process.kill()

    @contextlib.contextmanager
    def beside(self, checkpoint: Checkpoint) -> Iterator[None]:
        """Verify what is under `checkpoint` beside what is done in this context; all of it is
        verified where the context ends without an error.

        Raises:
            CorruptLogError: something was changed or is missing, or `checkpoint` is not the newest
                one; rather than what this led to.
            LogRefusedError: there is no checkpoint of the log that this key signed.
        """
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it has ended
                self._process.stdin.write(b"\n")
        try:
            yield
        except FreeholdError:
            self._finish(checkpoint)
            raise
        self._finish(checkpoint)

    def _finish(self, checkpoint: Checkpoint) -> None:
        said = b"" if self._process is None else self._process.communicate()[0]
        if said == _verdict(checkpoint):
            return
        if (found := _verify(self._folder, self._key)) != checkpoint:
            raise CorruptLogError(
                "ledger.corrupt",
                f"the newest checkpoint in {self._folder} has size {found.size}, "
                f"expected the one of size {checkpoint.size} with its root",
                "something writes to this log while it is verified; stop it and verify again",
            )


def main() -> None:
    """What the other process does: verify when it is told to, and say what was verified."""
    folder, key = sys.argv[1:]
    if sys.stdin.buffer.read(1):  # nothing where whoever started it is gone
        checkpoint = _verify(Path(folder), VerifierKey.parse(key))
        sys.stdout.buffer.write(_verdict(checkpoint))


def _verify(folder: Path, key: VerifierKey) -> Checkpoint:
    return LogReader(folder, key.name, keys=[key]).verify_all()


def _verdict(verified: Checkpoint) -> bytes:
    return b"verified\n" + verified.text().encode()
