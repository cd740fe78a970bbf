"""Every bound of this package, with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SignatureLimits:
    """Bounds on what is read before anything about it is known."""

    armored_chars_max: int = 4_096  # a security key's signature is under 700
    public_key_chars_max: int = 1_024  # an Ed25519 line is about 80, and a comment
    key_file_bytes_max: int = 16_384  # an encrypted Ed25519 private key is under 600
    message_bytes_max: int = 65_536  # a statement is under 1,000
    signing_seconds_max: int = 120  # a person has to find the security key and touch it


SIGNATURE_LIMITS = SignatureLimits()
