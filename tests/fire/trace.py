"""What a process asked of the operating system, as `strace` wrote it down.

`traced` gives the command; `read_calls` gives the calls, each with the moments at which it began
and ended: the numbers of its lines. It knows no files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

# All that changes files, names or descriptors, and whatever would change them unseen.
CALLS = (
    "open,openat,creat,close,dup,dup2,dup3,fcntl,lseek,mkdir,mkdirat,rmdir,unlink,unlinkat,"
    "rename,renameat,renameat2,link,linkat,symlink,symlinkat,truncate,ftruncate,fallocate,"
    "write,pwrite64,writev,pwritev,pwritev2,sendfile,copy_file_range,mmap,chdir,io_uring_setup,"
    "fsync,fdatasync,sync_file_range,msync,clone,clone3,fork,vfork"
)
_WRITE_BYTES_MAX = 64 << 20  # strace shortens what is longer; no write of a test comes near

_LINE = re.compile(r"(?P<thread>\d+) +(?P<text>.*)")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>,? ?")
_UNFINISHED = " <unfinished ...>"
_CALL = re.compile(
    r"(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\w+|\?)(?: (?P<error>E\w+))?"
)
_TOKEN = re.compile(r'"[^"]*"(?:\.\.\.)?|[\[{(]|[\]})]|, |[^"\[\]{}(),]+|.')


@dataclass(frozen=True, slots=True)
class Call:
    """One system call that returned. `error` is empty, or the name of the error: `ENOSPC`."""

    began: int
    ended: int
    name: str
    arguments: tuple[str, ...]
    result: int
    error: str

    @property
    def has_failed(self) -> bool:
        return bool(self.error)

    def number(self, index: int) -> int:
        """An argument that is a number, a descriptor or an offset."""
        text = self.arguments[index]
        return -100 if text == "AT_FDCWD" else int(text, 0)

    def data(self, index: int) -> bytes:
        """An argument that is a string."""
        text = self.arguments[index]
        assert not text.endswith("..."), f"strace shortened what was given to {self.name}"
        return _bytes(text)

    def vectors(self, index: int) -> bytes:
        """An argument that is a list of buffers, joined."""
        found = re.findall(r'iov_base=("[^"]*"(?:\.\.\.)?)', self.arguments[index])
        assert not any(text.endswith("...") for text in found)
        return b"".join(map(_bytes, found))


def traced(trace: Path, command: Sequence[str], more: Sequence[str] = ()) -> list[str]:
    """The command that runs another and writes its calls, and those of its threads, to `trace`.

    `more` are further options of strace.
    """
    # The kernel's filter makes it quick. Not with it: signals that strace is told to inject, and
    # processes that run already.
    is_plain = "-p" in command or any("signal=" in each for each in more)
    quick = [] if is_plain else ["--seccomp-bpf"]
    options = ["-f", *quick, "-xx", "-s", str(_WRITE_BYTES_MAX), "-e", f"trace={CALLS}"]
    return ["strace", *options, "-e", "signal=none", "-o", str(trace), *more, *command]


def read_calls(trace: Path, start: int = 0) -> Iterator[Call]:
    """Give the calls in the order in which they ended; moments are counted from `start`."""
    begun: dict[str, tuple[int, str]] = {}
    with trace.open() as lines:
        for moment, line in enumerate(lines, start):
            found = _LINE.match(line.rstrip("\n"))
            assert found is not None, line[:200]
            thread, text = found["thread"], found["text"]
            if text.startswith(("+++", "---")):
                continue
            if text.endswith(_UNFINISHED):
                begun[thread] = (moment, text.removesuffix(_UNFINISHED))
                if text.startswith("close("):
                    # Before it returns, another thread may be given the same number already.
                    number = text[len("close(") :].removesuffix(_UNFINISHED).rstrip(")")
                    yield Call(moment, moment, "close", (number,), 0, "")
                continue
            began = moment
            if text.startswith("<..."):
                began, first = begun.pop(thread)
                if first.startswith("close("):
                    continue
                text = first + _RESUMED.sub("", text, count=1)
            if (call := _parse(text, began, moment)) is not None:
                yield call


def _parse(text: str, began: int, ended: int) -> Call | None:
    found = _CALL.match(text)
    if found is None:
        assert " = ?" in text or text.endswith("<detached ...>"), text[:300]
        return None  # ended with its process
    if found["result"] == "?":
        return None
    return Call(
        began,
        ended,
        found["name"],
        tuple(_arguments(found["arguments"])),
        int(found["result"], 0),
        found["error"] or "",
    )


def _arguments(text: str) -> Iterator[str]:
    depth, parts = 0, list[str]()
    for token in _TOKEN.findall(text):
        if token == ", " and depth == 0:
            yield "".join(parts)
            parts = []
            continue
        depth += (token in "[{(") - (token in "]})")
        parts.append(token)
    yield "".join(parts)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.strip('"').replace("\\x", ""))
