"""Bounds that a child puts on itself before it runs anything of the job. Cannot be undone.

Resource limits bound memory, time, files and what is written; a seccomp filter forbids further
processes, which RLIMIT_NPROC cannot do for root and counts wrongly for everybody else.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
from collections.abc import Mapping

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 1, 38, 22  # linux/prctl.h
_SECCOMP_MODE_FILTER = 2
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000  # linux/seccomp.h
_EPERM, _ENOSYS = 1, 38
_CLONE_THREAD = 0x00010000
_CLONE3 = 435
_LOAD, _IS, _AT_LEAST, _HAS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # linux/bpf_common.h
# machine: (AUDIT_ARCH, clone, calls that only ever start a process)
_CALLS = {"x86_64": (0xC000003E, 56, (57, 58)), "aarch64": (0xC00000B7, 220, ())}


def confine(limits: Mapping[str, int | None]) -> None:
    """Bound this process for the rest of its life and tie it to its parent's.

    Args:
        limits: `memory_bytes`, `output_bytes`, `files`, and `cpu_seconds` or None for no bound.
    """
    _set(resource.RLIMIT_AS, limits["memory_bytes"])
    _set(resource.RLIMIT_CPU, limits["cpu_seconds"], grace=1)  # SIGXCPU, then SIGKILL
    _set(resource.RLIMIT_FSIZE, limits["output_bytes"])
    _set(resource.RLIMIT_NOFILE, limits["files"])
    # core(5): a handler behind a pipe ignores the bound 0 but dumps nothing at 1
    _set(resource.RLIMIT_CORE, 1)
    libc = ctypes.CDLL(None, use_errno=True)
    _control(libc, _PR_SET_PDEATHSIG, signal.SIGKILL)
    _control(libc, _PR_SET_NO_NEW_PRIVS, 1)
    _forbid_processes(libc)


def _set(kind: int, wanted: int | None, *, grace: int = 0) -> None:
    if wanted is None:
        return
    _, hard = resource.getrlimit(kind)
    if hard == resource.RLIM_INFINITY:
        hard = wanted + grace
    resource.setrlimit(kind, (min(wanted, hard), min(wanted + grace, hard)))


def _forbid_processes(libc: ctypes.CDLL) -> None:
    """Refuse fork, vfork and every clone that is not a thread; clone3 goes back to clone."""
    calls = _CALLS.get(os.uname().machine)
    if calls is None:
        return  # unknown call numbers; memory and time still bound a fork bomb
    arch, clone, starting = calls
    program = _filter(arch, clone=clone, starting=starting)
    code = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    _control(libc, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.c_char_p(head))


def _filter(arch: int, *, clone: int, starting: tuple[int, ...]) -> bytes:
    """Assemble the filter over struct seccomp_data: nr at 0, arch at 4, first argument at 16."""
    steps = [
        (_LOAD, 0, 0, 4),
        (_IS, 1, 0, arch),
        (_RETURN, 0, 0, _ERRNO | _ENOSYS),  # another machine's call table
        (_LOAD, 0, 0, 0),
        (_AT_LEAST, 0, 1, 0x40000000),  # x86-64's x32 table, another way to the same calls
        (_RETURN, 0, 0, _ERRNO | _ENOSYS),
        (_IS, 0, 1, _CLONE3),  # its flags lie in memory, out of a filter's sight
        (_RETURN, 0, 0, _ERRNO | _ENOSYS),
    ]
    for number in starting:
        steps += [(_IS, 0, 1, number), (_RETURN, 0, 0, _ERRNO | _EPERM)]
    steps += [
        (_IS, 0, 3, clone),
        (_LOAD, 0, 0, 16),
        (_HAS, 1, 0, _CLONE_THREAD),
        (_RETURN, 0, 0, _ERRNO | _EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def _control(libc: ctypes.CDLL, option: int, *arguments: object) -> None:
    values = [*arguments, *[ctypes.c_ulong(0)] * (4 - len(arguments))]
    if libc.prctl(option, *(_word(value) for value in values)) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"prctl({option}): {os.strerror(error)}")


def _word(value: object) -> object:
    return ctypes.c_ulong(value) if isinstance(value, int) else value
