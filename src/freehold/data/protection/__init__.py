"""De-identify tables as declared: a plan says what happens to each column, what was done is told as
facts for the record and for lineage, and reports count how far the rows then hide among each other.

    plan = parse_plan(text)                         # docs/formats/protection.md
    table, applied = apply_plan(plan, table, key=key)
    facet = column_lineage(applied, namespace=…, name=…, producer=…)
    report = k_anonymity(table, ["age", "sex"], k=5)

No plan makes data anonymous by itself: what others know and what is published besides decides that.
Adding noise (differential privacy) and finding names in text are not done here.
"""

from freehold.data.protection._applied import Applied, AppliedColumn, column_lineage
from freehold.data.protection._apply import apply_plan, suppress_small_groups
from freehold.data.protection._coarse import Age, Bins, Bounds, CoarseDate, Groups
from freehold.data.protection._keyed import DateShift, Pseudonym, collision_chance
from freehold.data.protection._limits import ProtectionLimits
from freehold.data.protection._plain import Drop, Keep, Mask, Prefix, Replace
from freehold.data.protection._plan import Plan, SmallGroups, parse_plan
from freehold.data.protection._risk import (
    KAnonymity,
    LDiversity,
    TCloseness,
    Uniqueness,
    k_anonymity,
    l_diversity,
    t_closeness,
    uniqueness,
)
from freehold.data.protection._search import Generalisation, generalise_until
from freehold.data.protection._spans import Span, mask_spans
from freehold.data.protection._transform import Transform

__all__ = [
    "Age",
    "Applied",
    "AppliedColumn",
    "Bins",
    "Bounds",
    "CoarseDate",
    "DateShift",
    "Drop",
    "Generalisation",
    "Groups",
    "KAnonymity",
    "Keep",
    "LDiversity",
    "Mask",
    "Plan",
    "Prefix",
    "ProtectionLimits",
    "Pseudonym",
    "Replace",
    "SmallGroups",
    "Span",
    "TCloseness",
    "Transform",
    "Uniqueness",
    "apply_plan",
    "collision_chance",
    "column_lineage",
    "generalise_until",
    "k_anonymity",
    "l_diversity",
    "mask_spans",
    "parse_plan",
    "suppress_small_groups",
    "t_closeness",
    "uniqueness",
]
