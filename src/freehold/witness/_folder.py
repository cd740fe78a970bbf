"""The folder of a witness: its sealed key, its lock, and what it remembers."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from freehold.kernel import DEFAULT_LIMITS, Clock, Limits, SystemClock, format_time
from freehold.kernel.keys import Custody, Keyring
from freehold.kernel.ledger import (
    Cosigned,
    CosignerKey,
    Disk,
    LocalDisk,
    VerifierKey,
    Witness,
    WriterLock,
)
from freehold.witness._memory import FolderMemory, Remembered
from freehold.witness.errors import WitnessError

_SIGNER = "witness"  # in the keyring
_NAME = "witness-name"  # the pin; without it the making was interrupted


@dataclass(frozen=True, slots=True)
class KnownLog:
    """A log that a witness knows, and what it cosigned of it last."""

    origin: str
    size: int | None
    time: str | None
    vkey: str


class WitnessFolder:
    """An open witness, with its lock. Made by `create` and `open`; a context manager."""

    def __init__(self, witness: Witness, memory: FolderMemory, lock: WriterLock) -> None:
        self.witness = witness
        self._memory = memory
        self._lock = lock

    @classmethod
    def create(cls, folder: Path, name: str, custody: Custody) -> CosignerKey:
        """Make a witness in a folder that is empty or missing; returns its public key.

        Args:
            name: of its key, and so in every cosignature: best an address without scheme,
                `witness.example/one`.

        Raises:
            WitnessError: the folder holds something.
            ValueError: a name that no key can have.
        """
        CosignerKey(name, bytes(32))  # before anything is made
        if folder.exists() and any(folder.iterdir()):
            raise WitnessError(
                "witness.exists", f"{folder} is not empty", "choose a folder that does not exist"
            )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "logs").mkdir(mode=0o700)
        with Keyring.create(folder / "keys", custody) as keyring:
            signer = keyring.new_signer(_SIGNER)
            keyring.pin(_NAME, name.encode())
        return CosignerKey(name, signer.public_key)

    @classmethod
    def open(
        cls,
        folder: Path,
        custody: Custody,
        *,
        clock: Clock | None = None,
        disk: Disk | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> WitnessFolder:
        """Open a witness; one process at a time.

        Raises:
            WitnessError: there is none, or what it kept was changed.
            KeysError: the custody is not the one of its key.
            LogRefusedError: another process holds it.
        """
        if not (folder / "keys").is_dir():
            raise _missing(folder)
        with Keyring.open(folder / "keys", custody) as keyring:
            pinned = keyring.pinned(_NAME)
            if pinned is None:
                raise _missing(folder)
            name, signer = pinned.decode(), keyring.signer(_SIGNER)
        with ExitStack() as opened:  # let go of again if anything after it fails
            lock = WriterLock(folder)
            opened.callback(lock.release)
            own = CosignerKey(name, signer.public_key)
            memory = FolderMemory(folder / "logs", disk or LocalDisk(), own)
            witness = Witness(name, signer, memory, clock=clock or SystemClock(), limits=limits)
            opened.pop_all()
        return cls(witness, memory, lock)

    def add_log(self, key: VerifierKey) -> None:
        """Know another log, from its first checkpoint on.

        Raises:
            WitnessError: it is known already.
        """
        self._memory.add(key)

    def logs(self) -> tuple[KnownLog, ...]:
        """All logs, with what was cosigned of each last."""
        return tuple(map(self._known, self._memory.logs))

    def published(self, name: str) -> str | None:
        """The newest cosigned checkpoint of a log, by the SHA-256 of its origin in hexadecimal."""
        return self._memory.published(name)

    def close(self) -> None:
        """Give the lock back; closing twice is harmless."""
        self._lock.release()

    def __enter__(self) -> WitnessFolder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _known(self, log: Remembered) -> KnownLog:
        if log.note is None:
            return KnownLog(log.key.name, None, None, str(log.key))
        cosigned = Cosigned.open(log.note, [log.key], [self.witness.key])
        time = format_time(cosigned.times[self.witness.key.name])
        return KnownLog(log.key.name, cosigned.checkpoint.size, time, str(log.key))


def _missing(folder: Path) -> WitnessError:
    return WitnessError(
        "witness.missing",
        f"there is no witness in {folder}",
        "`freehold witness init` makes one",
    )
