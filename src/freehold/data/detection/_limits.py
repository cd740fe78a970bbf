"""Every bound of detection in one place, with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DetectionLimits:
    """Bounds that keep the time linear in the text, whoever wrote it."""

    before_bytes: int = 64  # about ten words before a hit may tell what it is
    after_bytes: int = 12  # "555 0100 mobile": what follows tells less, from nearer
    local_part_bytes_max: int = 64  # before the @ (RFC 5321, 4.5.3.1.1)
    url_bytes_max: int = 2_048  # longer ones are data, and are cut here
    key_bytes_max: int = 16_384  # a private key of 16,384 bits takes 13,000
    number_bytes_max: int = 512  # a longer run of digits is a dump; only its start is read
    matcher_bytes_max: int = 134_217_728  # the automaton keeps its states within this
    block_chars: int = 1_048_576  # of many texts or values, joined and read at a time


DEFAULT_DETECTION_LIMITS = DetectionLimits()
