"""Reading bodies one after another, as an audit does: each segment in large pieces, keys once.

Looks at what lies in the segments' files and nothing else, so that it works beside the process that
appends to them. It changes nothing, takes no lock, and needs keys only to `open`.

    scan = BodyScan(folder / "segments", keyring.domain)
    plaintext = scan.open(domain_id, record_id, at)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from freehold.kernel.keys import DomainKeys
from freehold.kernel.vault._frames import FRAME_OVERHEAD, IDS_END, NONCE_END, SEGMENT_HEADER
from freehold.kernel.vault._limits import DEFAULT_VAULT_LIMITS, VaultLimits
from freehold.kernel.vault.errors import MissingBody, corrupt, storage_errors

_WINDOW_BYTES = 262_144  # of a segment, read at once; a MiB is 3 % slower: it leaves the cache
_CIPHERS_MAX = 65_536  # domains whose cipher is kept, some 200 bytes each; dropped together


class BodyScan:
    """Bodies by their places. Not thread-safe; `close` it.

    Args:
        folder: where the segments lie.
        keys: gives the keys of a domain; without it nothing can be opened, only looked at.
    """

    def __init__(
        self,
        folder: Path,
        keys: Callable[[str], DomainKeys] | None = None,
        *,
        limits: VaultLimits = DEFAULT_VAULT_LIMITS,
    ) -> None:
        self._folder = folder
        self._keys = keys
        self._limits = limits
        self._ciphers: dict[str, tuple[bytes, ChaCha20Poly1305]] = {}
        self._number, self._descriptor = 0, -1  # of the segment that is open
        self._start, self._window = 0, b""  # what of it was read last

    def __enter__(self) -> BodyScan:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the segment's file. Closing twice is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._number, self._descriptor, self._window = 0, -1, b""

    def look(self, domain_id: str, record_id: str, at: Sequence[int]) -> None:
        """Look whether what lies sealed at `at` says that it is this record's frame.

        Raises:
            MissingBody: it was emptied, or there is no such segment.
            VaultError: `vault.corrupt`: nothing lies there, or the frame of another record or
                domain; `vault.storage`.
        """
        self._find(at, bytes.fromhex((domain_id + record_id).replace("-", "")))

    def open(self, domain_id: str, record_id: str, at: Sequence[int]) -> bytes:
        """Give the body of a record, checked.

        Raises:
            DomainErased, UnknownDomain: the domain has no key.
            MissingBody: it was emptied, or there is no such segment.
            VaultError: `vault.corrupt`: it is not there, not this record's, or was changed;
                `vault.storage`.
        """
        domain, cipher = self._ciphers.get(domain_id) or self._cipher(domain_id)
        ids = domain + bytes.fromhex(record_id.replace("-", ""))
        start = self._find(at, ids)
        window, sealed = self._window, start + NONCE_END
        try:
            return cipher.decrypt(
                window[start + IDS_END : sealed], window[sealed : start + at[2]], ids
            )
        except InvalidTag:
            raise corrupt(f"the body of record {record_id}", "its frame was changed") from None

    def _cipher(self, domain_id: str) -> tuple[bytes, ChaCha20Poly1305]:
        if self._keys is None:
            raise ValueError("bodies are opened with keys, and this scan was given none")
        keys = self._keys(domain_id)
        if len(self._ciphers) >= _CIPHERS_MAX:
            self._ciphers.clear()
        domain = bytes.fromhex(domain_id.replace("-", ""))
        known = self._ciphers[domain_id] = domain, ChaCha20Poly1305(keys.body_key)
        return known

    def _find(self, at: Sequence[int], ids: bytes) -> int:
        """Where in the window the frame at `[segment, offset, length]` begins, if it begins with
        its own length and `ids`; the window is mostly the piece that was read last.
        """
        number, offset, length = at
        start = offset - self._start
        if number != self._number or start < 0 or start + length > len(self._window):
            self._move(number, offset, length)
            start = 0
        if length < FRAME_OVERHEAD or not self._window.startswith(
            (length - 4).to_bytes(4) + ids, start
        ):
            self._refuse(at, self._window[start : start + length])
        if start + length > len(self._window):
            raise corrupt(f"the body at {list(at)}", "the segment ends before")
        return start

    @staticmethod
    def _refuse(at: Sequence[int], found: bytes) -> None:
        """Tell why what was found is not the frame that was looked for."""
        if len(found) == at[2] and not any(found):
            raise MissingBody(at)
        raise corrupt(
            f"the body at {list(at)}",
            "what lies there is not the frame of its record, but another one or none",
        )

    def _move(self, number: int, offset: int, length: int) -> None:
        what = f"the body at {[number, offset, length]}"
        longest = self._limits.body_bytes_max + FRAME_OVERHEAD
        if offset < len(SEGMENT_HEADER) or not FRAME_OVERHEAD <= length <= longest:
            raise corrupt(what, "no frame can lie there")
        with storage_errors(what):
            if number != self._number:
                self.close()
                try:
                    self._descriptor = os.open(
                        self._folder / f"{number:08d}.seg", os.O_RDONLY | os.O_CLOEXEC
                    )
                except FileNotFoundError:
                    raise MissingBody((number, offset, length)) from None
                self._number = number
                if os.pread(self._descriptor, len(SEGMENT_HEADER), 0) != SEGMENT_HEADER:
                    self.close()
                    raise corrupt(f"the body segment {number}", "it does not begin as one")
            wanted = max(length, _WINDOW_BYTES)
            self._start, self._window = offset, os.pread(self._descriptor, wanted, offset)
