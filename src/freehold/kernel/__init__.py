"""What every room stands on: references, canonical encoding, ids, time, bounds and the root of the
errors.

This door gives the foundations. The kernel's parts have doors of their own:
`freehold.kernel.ledger`, `.keys`, `.vault`,
`.policy`, `.catalog`, `.acts`. Nothing here knows of AI.
"""

from freehold.kernel._canonical import Json, canonical, digest, parse_json
from freehold.kernel._clock import (
    Clock,
    ClockState,
    HostClock,
    format_time,
    parse_time,
    watched,
)
from freehold.kernel._estate_clock import ClockReading, EstateClock, LedgerTime
from freehold.kernel._files import SyncError, make_folder, sync_folder, write_all
from freehold.kernel._host_clock import SystemClock
from freehold.kernel._ids import is_id, new_id
from freehold.kernel._limits import DEFAULT_LIMITS, Limits
from freehold.kernel._refs import Ref, check_name
from freehold.kernel.errors import (
    FreeholdError,
    HostError,
    LimitError,
    MalformedError,
    host_error,
)

__all__ = [
    "DEFAULT_LIMITS",
    "Clock",
    "ClockReading",
    "ClockState",
    "EstateClock",
    "FreeholdError",
    "HostClock",
    "HostError",
    "Json",
    "LedgerTime",
    "LimitError",
    "Limits",
    "MalformedError",
    "Ref",
    "SyncError",
    "SystemClock",
    "canonical",
    "check_name",
    "digest",
    "format_time",
    "host_error",
    "is_id",
    "make_folder",
    "new_id",
    "parse_json",
    "parse_time",
    "sync_folder",
    "watched",
    "write_all",
]
