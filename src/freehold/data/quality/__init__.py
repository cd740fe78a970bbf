"""The measures by which a table or a set of texts is judged: what is missing, odd, repeated,
leaked, wrongly labelled, badly covered, or other than before.

Each is a pure function over Polars columns or NumPy arrays and returns a frozen value. A result
holds counts, measures, column names and row numbers (from 0), never the value of a cell; `as_json`
is small enough for the body of one act and names only the first rows.

    found = near_duplicates(table["complaint"], threshold=0.8)
    found.redundant, found.groups[0].rows, found.as_json()
"""

from freehold.data.quality._balance import (
    ClassBalance,
    Coverage,
    Group,
    GroupCoverage,
    class_balance,
    coverage,
)
from freehold.data.quality._completeness import ColumnCompleteness, Completeness, completeness
from freehold.data.quality._difference import Difference, difference
from freehold.data.quality._exact_duplicates import ExactDuplicates, exact_duplicates
from freehold.data.quality._groups import RowGroup
from freehold.data.quality._label_errors import LabelErrors, label_errors
from freehold.data.quality._leakage import (
    Determination,
    PartLeakage,
    TargetLeakage,
    part_leakage,
    target_leakage,
)
from freehold.data.quality._limits import DEFAULT_QUALITY_LIMITS, QualityLimits
from freehold.data.quality._near_duplicates import (
    NearDuplicates,
    near_duplicate_rows,
    near_duplicates,
)
from freehold.data.quality._outliers import (
    ColumnOutliers,
    Method,
    Outliers,
    RareCategories,
    RareColumn,
    outliers,
    rare_categories,
)
from freehold.data.quality._shift import ColumnShift, Shift, shift

__all__ = [
    "DEFAULT_QUALITY_LIMITS",
    "ClassBalance",
    "ColumnCompleteness",
    "ColumnOutliers",
    "ColumnShift",
    "Completeness",
    "Coverage",
    "Determination",
    "Difference",
    "ExactDuplicates",
    "Group",
    "GroupCoverage",
    "LabelErrors",
    "Method",
    "NearDuplicates",
    "Outliers",
    "PartLeakage",
    "QualityLimits",
    "RareCategories",
    "RareColumn",
    "RowGroup",
    "Shift",
    "TargetLeakage",
    "class_balance",
    "completeness",
    "coverage",
    "difference",
    "exact_duplicates",
    "label_errors",
    "near_duplicate_rows",
    "near_duplicates",
    "outliers",
    "part_leakage",
    "rare_categories",
    "shift",
    "target_leakage",
]
