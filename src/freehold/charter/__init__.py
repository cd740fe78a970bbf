"""Requirements before tools: read a charter, and compile it to the rules that enforce it.

    charter = Charter.parse(path.read_bytes())
    check_complete(charter, trial=False)
    policies = compile_policies(charter, {"dataset.read": "Dataset", …})

Until a charter is ratified only `bootstrap_policies()` is in force.
"""

from freehold.charter._acts import DECLARATIONS, UpgradeEstate
from freehold.charter._charter import Charter, check_complete
from freehold.charter._compile import bootstrap_policies, compile_policies
from freehold.charter._jurisdictions import COUNTRIES, EU_MEMBERS, expand
from freehold.charter._model import (
    BREAK_GLASS,
    CONNECTIVITIES,
    ISOLATION_LEVELS,
    OWN,
    OWNER,
    TENANCIES,
    Approval,
    DataClass,
    EmergencyRules,
    Organisation,
    Person,
    Purpose,
    Role,
    Site,
    Threshold,
)
from freehold.charter._policies import (
    CaseResult,
    Difference,
    Explanation,
    PolicyService,
    Simulation,
)
from freehold.charter._regulations import (
    LEGAL_BASES,
    REGULATIONS,
    RETENTION_KINDS,
    days_of_years,
)
from freehold.charter._service import CharterService, CharterStatus, founding_role
from freehold.charter._template import DEMO_PEOPLE, demo_charter, template
from freehold.charter.errors import (
    CharterError,
    CharterFileError,
    ContradictionError,
    IncompleteCharterError,
    MalformedCharterError,
)

__all__ = [
    "BREAK_GLASS",
    "CONNECTIVITIES",
    "COUNTRIES",
    "DECLARATIONS",
    "DEMO_PEOPLE",
    "EU_MEMBERS",
    "ISOLATION_LEVELS",
    "LEGAL_BASES",
    "OWN",
    "OWNER",
    "REGULATIONS",
    "RETENTION_KINDS",
    "TENANCIES",
    "Approval",
    "CaseResult",
    "Charter",
    "CharterError",
    "CharterFileError",
    "CharterService",
    "CharterStatus",
    "ContradictionError",
    "DataClass",
    "Difference",
    "EmergencyRules",
    "Explanation",
    "IncompleteCharterError",
    "MalformedCharterError",
    "Organisation",
    "Person",
    "PolicyService",
    "Purpose",
    "Role",
    "Simulation",
    "Site",
    "Threshold",
    "UpgradeEstate",
    "bootstrap_policies",
    "check_complete",
    "compile_policies",
    "days_of_years",
    "demo_charter",
    "expand",
    "founding_role",
    "template",
]
