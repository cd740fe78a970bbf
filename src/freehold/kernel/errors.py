"""The root of every error that Freehold raises on purpose.

    FreeholdError
    ├── LimitError            a bound of `Limits` was exceeded
    ├── MalformedError        bytes or text that do not follow their format
    ├── HostError             the machine did not do its part: host.space, host.read_only,
    │                         host.files, host.memory, host.access, host.io
    └── … one tree per package, in that package's `errors.py`

Each carries a stable `code` (`ledger.rewind`), a message that says what, expected and got, and a
hint that names the next step. Mistakes of the calling code raise `ValueError` or `TypeError`
instead and are never caught.
"""

from __future__ import annotations

import errno


class FreeholdError(Exception):
    """An expected failure, told in words a person can act on.

    Args:
        code: stable, dotted, lower case; part of the public interface and recorded in the ledger.
        message: what happened, what was expected, what was found. May be shown to the caller, never
            recorded.
        hint: the next step, or empty.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class LimitError(FreeholdError):
    """A bound of `Limits` was exceeded; nothing was changed."""


class MalformedError(FreeholdError):
    """Bytes or text that do not follow the format they claim."""


class HostError(FreeholdError):
    """The machine that Freehold runs on did not do its part."""


_HOST = {
    errno.ENOSPC: ("host.space", "free space on this disk, then try again"),
    errno.EDQUOT: ("host.space", "free space within this user's quota, then try again"),
    errno.EFBIG: ("host.space", "raise the limit of a file's size (ulimit -f), then try again"),
    errno.EROFS: ("host.read_only", "mount the disk writable; a disk error may have made it so"),
    errno.EMFILE: ("host.files", "raise the limit of open files (ulimit -n), then start again"),
    errno.ENFILE: ("host.files", "raise the machine's limit of open files, then start again"),
    errno.ENOMEM: ("host.memory", "give it more memory, then try again"),
    errno.EACCES: ("host.access", "run it as the user whom the estate's folder belongs to"),
    errno.EPERM: ("host.access", "run it as the user whom the estate's folder belongs to"),
}


def host_error(error: OSError | MemoryError) -> HostError:
    """Tell what the operating system said in words a person can act on.

    For the outermost shell: a part that knows more about what failed maps it itself.
    """
    if isinstance(error, MemoryError):
        return HostError("host.memory", "there is no memory left", _HOST[errno.ENOMEM][1])
    code, hint = _HOST.get(error.errno or 0, ("host.io", "check the disk's health, then try again"))
    return HostError(code, str(error), hint)
