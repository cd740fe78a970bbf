"""The key of one bundle: an age identity, given to recipients, to the estate, or to its custody.

pyrage seals that for whoever may open it. Parts, which are large, go through the vault's own age,
which is several times as fast (docs/decisions/0010).
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyrage  # type: ignore[import-untyped]  # it has no types

from freehold.kernel import MalformedError
from freehold.kernel.backup.errors import BackupError, ChangedBundle
from freehold.kernel.keys import Custody, KeysError, age_private_key, unlock
from freehold.kernel.vault import AgeError, open_age, seal_age

_BLOCK_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class Unlock:
    """What opens a bundle: age identities, or the custody of the estate; the first that fits."""

    identities: tuple[str, ...] = field(default=(), repr=False)
    custody: Custody | None = None


def new_key() -> str:
    """Make the identity of a bundle."""
    return str(pyrage.x25519.Identity.generate())


def locked_name(bundle: str) -> str:
    """The name under which a custody holds the key of a bundle."""
    return f"bundle:{bundle}"


def check_recipients(recipients: Sequence[str]) -> None:
    """Refuse what is no age X25519 recipient.

    Raises:
        MalformedError.
    """
    for each in recipients:
        try:
            pyrage.x25519.Recipient.from_str(each)
        except pyrage.RecipientError as error:
            raise MalformedError(
                "backup.recipient",
                f"{each!r:.80} is no age recipient",
                "give the line `age1…` that age-keygen printed",
            ) from error


def seal_key(identity: str, recipients: Sequence[str]) -> bytes:
    """Seal the identity of a bundle for whoever may open it: the content of key.age."""
    known = list(map(pyrage.x25519.Recipient.from_str, recipients))
    sealed: bytes = pyrage.encrypt(identity.encode() + b"\n", known)
    return sealed


def seal_part(pieces: Iterable[bytes | memoryview], key: str) -> Iterator[bytes | memoryview]:
    """Seal what `pieces` hold together under the key of a bundle (age, binary); yield it in blocks,
    each good until the next.
    """
    yield from seal_age(pieces, age_private_key(key).public_key())


def open_part(sealed: bytes, key: str, what: str) -> Iterator[bytes | memoryview]:
    """Open a part; yield its content in blocks, each good until the next.

    Raises:
        ChangedBundle: the key does not open it.
    """
    try:
        identity = age_private_key(key)
        yield from open_age(io.BytesIO(sealed), identity, block_bytes=_BLOCK_BYTES)
    except AgeError as error:
        raise ChangedBundle(what, str(error)) from None


def unseal(sealed: bytes, identities: Sequence[str], what: str) -> bytes:
    """Open a small file.

    Raises:
        ChangedBundle: none of the identities opens it.
    """
    known = [pyrage.x25519.Identity.from_str(each) for each in identities]
    try:
        content: bytes = pyrage.decrypt(sealed, known)
    except pyrage.DecryptError as error:
        raise ChangedBundle(what, str(error).partition("\n")[0]) from None
    return content


def open_key(bundle: str, sealed: bytes, locked: bytes | None, by: Unlock) -> str:
    """Give the identity of a bundle from its key files.

    Raises:
        WrongCustody: another custody held the estate when the bundle was made.
        BackupError: `backup.key`: nothing that was given opens it.
    """
    if by.identities:
        try:
            return unseal(sealed, by.identities, "key.age").decode().strip()
        except ChangedBundle as error:
            if by.custody is None or locked is None:
                raise _refused("none of the age identities opens it") from error
    if by.custody is None or locked is None:
        raise _refused("it was sealed for age recipients, and no identity was given")
    try:
        return unlock(locked, locked_name(bundle), by.custody).decode().strip()
    except KeysError as error:
        if error.code != "keys.corrupt":
            raise
        raise ChangedBundle("key.json", error.message) from error


def _refused(reason: str) -> BackupError:
    return BackupError(
        "backup.key",
        f"the bundle cannot be opened: {reason}",
        "give the file of an age identity that it was sealed for",
    )
