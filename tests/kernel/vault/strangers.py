"""A vault over age files from elsewhere: an identity that is given, one file for every name."""

from __future__ import annotations

import hmac
import io
from pathlib import Path
from typing import BinaryIO

from freehold.kernel import new_id
from freehold.kernel.keys import DomainKeys, Keyring
from freehold.kernel.vault import Vault, VaultLimits
from tests.kernel.vault.stores import MemoryStore

NAMING_KEY = bytes(range(32))


class OneIdentity(Keyring):
    """A keyring that knows one age identity for all domains."""

    def __init__(self, identity: str) -> None:
        self._identity = identity

    def domain(self, domain_id: str) -> DomainKeys:
        return DomainKeys(domain_id, self._identity, naming_key=NAMING_KEY, body_key=bytes(32))


class OneFile(MemoryStore):
    """A store in which every name has the same file, given in pieces of `piece_bytes`."""

    def __init__(self, file: bytes, piece_bytes: int) -> None:
        super().__init__()
        self.file = file
        self._piece_bytes = piece_bytes

    def get(self, name: str) -> BinaryIO:
        self.opened = Watched(self.file, self._piece_bytes)
        return self.opened


class Watched(io.BytesIO):
    """A stream that gives at most so many bytes at once, as a socket does, and knows its place."""

    def __init__(self, content: bytes, piece_bytes: int) -> None:
        super().__init__(content)
        self._piece_bytes = piece_bytes
        self.bytes_read = 0

    def readline(self, size: int | None = -1) -> bytes:
        line = super().readline(size)
        self.bytes_read += len(line)
        return line

    def read(self, size: int | None = -1) -> bytes:
        asked = self._piece_bytes if size is None or size < 0 else min(size, self._piece_bytes)
        piece = super().read(asked)
        self.bytes_read += len(piece)
        return piece


def name_of(content: bytes) -> str:
    """The name that this content has in every such vault."""
    return hmac.digest(NAMING_KEY, content, "sha256").hex()


class Strangers:
    """Opens and seals with one identity, through a real vault in `folder`."""

    def __init__(self, folder: Path, identity: str, *, chunk_bytes: int = 65_536) -> None:
        self._folder = folder
        self._keyring = OneIdentity(identity)
        self._limits = VaultLimits(chunk_bytes=chunk_bytes)
        if not folder.exists():
            Vault.create(folder, self._keyring).close()

    def open(self, file: bytes, content: bytes, *, piece_bytes: int = 1_000_000) -> bytes:
        """Open `file`, which is expected to hold `content`."""
        self.store = OneFile(file, piece_bytes)
        with (
            Vault.open(self._folder, self._keyring, store=self.store, limits=self._limits) as vault,
            vault.unseal(new_id(), name_of(content)) as stream,
        ):
            return stream.read()

    def seal(self, content: bytes, *, piece_bytes: int = 1_000_000) -> bytes:
        """Seal `content`, and give the file as it lies there."""
        store = MemoryStore()
        with Vault.open(self._folder, self._keyring, store=store, limits=self._limits) as vault:
            sealed = vault.seal(new_id(), Watched(content, piece_bytes))
        return store.get(sealed.name).read()
