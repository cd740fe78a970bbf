"""Every bound of the kernel in one place, with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that keep one estate, one act and one input finite."""

    record_bytes_max: int = 65_535  # the uint16 length of a C2SP entry bundle
    body_bytes_max: int = 4_194_304  # one act's details; anything larger is a blob
    json_depth_max: int = 64  # deeper input is a bomb, and the parser's stack is finite
    json_bytes_max: int = 16_777_216  # refuse before parsing
    note_bytes_max: int = 65_536  # a checkpoint with 16 signatures is under 4 KiB
    note_signatures_max: int = 64  # C2SP asks for at least 16
    publish_records_max: int = 1_000  # records that may wait for a checkpoint
    publish_delay_ms_max: int = 1_000  # time that a record may wait for a checkpoint
    group_records_max: int = 4_096  # records of one group commit; bounds its memory and latency
    segment_bytes_max: int = 268_435_456  # one body segment; retention drops whole segments
    approval_days_max: int = 90  # an approval older than this says little about today
    name_chars_max: int = 64  # names in references


DEFAULT_LIMITS = Limits()
