"""Emptying a part of a file: its bytes read as zeros, and their space is free where the file system
can do that.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable

_KEEP_SIZE, _PUNCH_HOLE = 0x01, 0x02  # linux/falloc.h
_ZEROS = bytes(1_048_576)
_UNABLE = (errno.EOPNOTSUPP, errno.ENOSYS)


def empty_range(descriptor: int, start: int, length: int) -> None:
    """Empty the bytes from `start`; the file keeps its size.

    Raises:
        OSError: the file system failed; how much is empty is not known.
    """
    if not _punch(descriptor, start, length):
        end = start + length
        while start < end:
            start += os.pwrite(descriptor, _ZEROS[: end - start], start)


def is_empty_from(descriptor: int, start: int) -> bool:
    """Tell whether nothing but holes and zeros lies from `start` on; reads what is no hole."""
    end = os.fstat(descriptor).st_size
    while start < end:
        try:
            start = max(start, os.lseek(descriptor, start, os.SEEK_DATA))
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            return True  # a hole up to the end
        piece = os.pread(descriptor, len(_ZEROS), start)
        if any(piece):
            return False
        start += len(piece)
    return True


def _punch(descriptor: int, start: int, length: int) -> bool:
    """Make a hole, as fallocate(2) does; False where there is no such thing."""
    fallocate = _fallocate()
    if fallocate is None:
        return False
    while fallocate(descriptor, _KEEP_SIZE | _PUNCH_HOLE, start, length) != 0:
        code = ctypes.get_errno()
        if code in _UNABLE:
            return False
        if code != errno.EINTR:
            raise OSError(code, os.strerror(code))
    return True


def _fallocate() -> Callable[..., int] | None:
    try:
        function = ctypes.CDLL(None, use_errno=True).fallocate64
    except (AttributeError, OSError):  # not Linux with glibc
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    function.restype = ctypes.c_int
    return function
