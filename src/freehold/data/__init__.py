"""The data room: what comes in is read strictly, measured, held to its terms, and erased.

The packages in it that judge data (`detection`, `tagging`, `contracts`, `quality`, `poisoning`),
protect it (`protection`) and label it (`labelling`) are pure: values in, values out.
"""

from freehold.data._acts import DECLARATIONS
from freehold.data._letters import Letter, Planted, letters, write_letters_csv
from freehold.data._profile import ColumnProfile, Profile, profile
from freehold.data._service import (
    DataService,
    Dataset,
    DatasetGap,
    DatasetVersion,
    OpenedDataset,
    Provenance,
    StatedTerms,
)
from freehold.data._split import split_rows
from freehold.data.errors import DataError
from freehold.data.reading import (
    DEFAULT_DATA_LIMITS,
    DataLimits,
    Format,
    ReadOptions,
    guess_format,
    is_packed,
    pack_folder,
    read_table,
)

__all__ = [
    "DECLARATIONS",
    "DEFAULT_DATA_LIMITS",
    "ColumnProfile",
    "DataError",
    "DataLimits",
    "DataService",
    "Dataset",
    "DatasetGap",
    "DatasetVersion",
    "Format",
    "Letter",
    "OpenedDataset",
    "Planted",
    "Profile",
    "Provenance",
    "ReadOptions",
    "StatedTerms",
    "guess_format",
    "is_packed",
    "letters",
    "pack_folder",
    "profile",
    "read_table",
    "split_rows",
    "write_letters_csv",
]
