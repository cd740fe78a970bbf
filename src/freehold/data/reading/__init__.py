"""Reading what somebody brings, strictly: a file is what its format promises, or it is refused with
the place where it is not.
"""

from freehold.data.reading._encoding import BOM
from freehold.data.reading._folder import is_packed, pack_folder
from freehold.data.reading._formats import Format, ReadOptions, guess_format
from freehold.data.reading._limits import DEFAULT_DATA_LIMITS, DataLimits
from freehold.data.reading._readers import read_table, telling_panics
from freehold.data.reading._sql import read_sql

__all__ = [
    "BOM",
    "DEFAULT_DATA_LIMITS",
    "DataLimits",
    "Format",
    "ReadOptions",
    "guess_format",
    "is_packed",
    "pack_folder",
    "read_sql",
    "read_table",
    "telling_panics",
]
