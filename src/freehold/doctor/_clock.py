"""What the kernel knows of its clock: adjtimex(2)."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClockState:
    """What the kernel says: a code, and the greatest error in ms."""

    code: str
    error_ms: int


class _Timex(ctypes.Structure):
    _fields_ = [
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("padding", ctypes.c_char * 200),
    ]


def clock_state() -> ClockState:
    """Ask the kernel."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "adjtimex") or os.name != "posix":
        return ClockState("unknown", 0)
    timex = _Timex()
    if libc.adjtimex(ctypes.byref(timex)) < 0:
        return ClockState("unknown", 0)
    is_synchronized = not timex.status & 0x40
    return ClockState(
        "synchronized" if is_synchronized else "unsynchronized", timex.maxerror // 1000
    )
