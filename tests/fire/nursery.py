"""A process that has everything imported and forks a child for each life, to be killed at will.

Forking from here, and not from a test, starts no child with the threads of a test runner, and costs
milliseconds where starting an interpreter costs a second. The child's promises come through a pipe.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.estate.world import ROOT
from tests.fire.trace import traced
from tests.fire.workload import TOLD, Workload, beset, crowd, teller

_LIFE_SECONDS_MAX = 30.0


@dataclass(frozen=True, slots=True)
class Death:
    """When a child is killed: `delay` seconds after it told `word` so many times.

    `kind` is what it does with its life (`crowd`).
    """

    kind: str
    word: bytes
    count: int
    delay: float


@dataclass(slots=True)
class Life:
    """A child that was killed, or ended by itself: what it told, its status and its last words."""

    told: list[str] = field(default_factory=list)
    status: int = 0
    errors: str = ""

    @property
    def was_killed(self) -> bool:
        return self.status == -signal.SIGKILL


class Nursery:
    """Starts lives one after another."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control

    def live(self, folder: Path, passphrases: list[str], *, seed: int, death: Death) -> Life:
        """Let a child act on the estate in `folder`, and kill it as `death` says."""
        with self._child(folder, [death.kind, str(seed), *passphrases]) as (pid, reading, gate):
            os.write(gate, b"go")
            return self._end(_listen(reading, pid, death))

    def live_with(self, folder: Path, trace: Path, fault: str) -> Life:
        """Let a child act whose calls meet `fault` (strace's words); write the calls to `trace`."""
        with self._child(folder, ["beset", "0"]) as (pid, reading, gate):
            command = traced(trace, ["-p", str(pid)], ["-e", f"inject={fault}"])
            with subprocess.Popen(command, stderr=subprocess.PIPE) as strace:
                assert strace.stderr is not None
                line = strace.stderr.readline()
                assert line.endswith(b" attached\n"), line
                os.write(gate, b"go")
                life = self._end(_listen(reading, pid, Death("beset", b"\2", 1, 0)))
        return life

    @contextmanager
    def _child(self, folder: Path, words: list[str]) -> Iterator[tuple[int, int, int]]:
        """A child, the pipe that it tells to, and the gate at which it waits for a word."""
        (reading, writing), (waiting, gate) = os.pipe(), os.pipe()
        message = "\0".join([str(folder), *words]).encode()
        socket.send_fds(self._control, [message], [writing, waiting])
        os.close(writing)
        os.close(waiting)
        try:
            yield int(self._control.recv(32)), reading, gate
        finally:
            os.close(reading)
            os.close(gate)

    def _end(self, text: bytes) -> Life:
        status = int(self._control.recv(32))
        whole, _, errors = text.partition(b"\1")
        return Life(whole.decode().splitlines(), status, errors.decode())


def _listen(reading: int, pid: int, death: Death) -> bytes:
    """Read what a child tells until it is gone; kill it in time."""
    text, last = b"", time.monotonic() + _LIFE_SECONDS_MAX
    kill_at = last
    while True:
        if kill_at == last and text.count(death.word) >= death.count:
            kill_at = time.monotonic() + death.delay
        now = time.monotonic()
        if now >= kill_at:
            os.kill(pid, signal.SIGKILL)
            kill_at = float("inf")  # what is in the pipe was told before
        assert now < last + 10, "the child neither ended nor could be killed"
        ready, _, _ = select.select([reading], [], [], max(0.0, min(kill_at, now + 1.0) - now))
        if ready:
            piece = os.read(reading, 65_536)
            if not piece:
                return text
            text += piece


@contextmanager
def nursery() -> Iterator[Nursery]:
    """Start a nursery; it ends with the block."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    with ours, theirs:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.fire.nursery", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={**os.environ, "PYTHONPATH": path},
        )
        theirs.close()
        try:
            yield Nursery(ours)
        finally:
            ours.close()
            process.wait(30)


def _serve(control: socket.socket) -> None:
    """Fork a child for each request; answer with its process and, once it is gone, its status."""
    while True:
        words, (*descriptors,), _, _ = socket.recv_fds(control, 65_536, 2)
        if not words:
            return
        pid = os.fork()
        if pid == 0:
            control.close()
            _live(words.decode().split("\0"), *descriptors)
        for each in descriptors:
            os.close(each)
        control.send(str(pid).encode())
        _, status = os.waitpid(pid, 0)
        control.send(str(os.waitstatus_to_exitcode(status)).encode())


def _live(words: list[str], telling: int, gate: int) -> None:
    """Be the child: act until killed or done; never return."""
    folder, kind, seed, *passphrases = words
    status = 1
    try:
        os.read(gate, 2)
        if kind == "beset":
            beset(Workload(Path(folder), teller(_opened(Path(folder) / TOLD))))
        else:
            crowd(Workload(Path(folder), teller(telling), passphrases), kind, int(seed))
        status = 0
    except BaseException:
        os.write(telling, b"\1" + traceback.format_exc().encode()[-20_000:])
        raise
    finally:
        os._exit(status)


def _opened(path: Path) -> int:
    """Open what is told to; again if that met a fault which was meant for the estate."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    try:
        return os.open(path, flags)
    except OSError:
        return os.open(path, flags)


if __name__ == "__main__":
    import cryptography.hazmat.backends.openssl.backend  # noqa: F401  # what reading a key needs
    from sklearn import ensemble, linear_model  # noqa: F401  # what answering needs

    with socket.socket(fileno=int(sys.argv[1])) as control:
        _serve(control)
