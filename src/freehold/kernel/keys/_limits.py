"""Every bound of the keyring in one place, with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeysLimits:
    """Bounds that keep the keyring's memory and waiting finite."""

    domains_cached_max: int = 8_192  # about 6 MB; a miss costs some 50 µs
    lock_wait_ms_max: int = 10_000  # an erasure in another process takes well under a second
    others_noticed_ms: int = 100  # an estate is held by one process; this guards its tools
    custody_bytes_max: int = 65_536  # custody.json has under 1 KiB, with 32 recipients under 32
    label_chars_max: int = 200  # names of signers and pins
    pin_bytes_max: int = 65_536  # a checkpoint with 16 signatures is under 4 KiB


DEFAULT_KEYS_LIMITS = KeysLimits()
