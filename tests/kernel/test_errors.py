"""What the operating system says, in words a person can act on."""

from __future__ import annotations

import errno
import os

import pytest

from freehold.kernel import HostError, host_error

TOLD = {
    "no space": (errno.ENOSPC, "host.space"),
    "no quota": (errno.EDQUOT, "host.space"),
    "a file too long": (errno.EFBIG, "host.space"),
    "a read-only disk": (errno.EROFS, "host.read_only"),
    "too many files": (errno.EMFILE, "host.files"),
    "too many files on the machine": (errno.ENFILE, "host.files"),
    "no memory": (errno.ENOMEM, "host.memory"),
    "another user's": (errno.EACCES, "host.access"),
    "a bad disk": (errno.EIO, "host.io"),
}


@pytest.mark.parametrize(("number", "code"), TOLD.values(), ids=TOLD.keys())
def test_each_error_of_the_host_has_a_code_and_a_next_step(number: int, code: str):
    told = host_error(OSError(number, os.strerror(number), "somewhere"))
    assert isinstance(told, HostError)
    assert told.code == code
    assert "somewhere" in told.message
    assert told.hint


def test_no_memory_at_all_is_told_too():
    assert host_error(MemoryError()).code == "host.memory"
