"""The queryable picture of the estate: a projection of the ledger, never the truth.

Rooms declare tables (SQLAlchemy `MetaData`) and return `Change` values from their projections; the
catalog applies them with the position they belong to. It decides nothing and checks nothing.
"""

from freehold.kernel.catalog._catalog import REBUILD_RECORDS, Catalog
from freehold.kernel.catalog._changes import DOMAIN, ERASABLE, Amend, Change, Forget, Put, Remove
from freehold.kernel.catalog._compare import Difference, differences
from freehold.kernel.catalog._tables import ACT, CLOCK, LINK
from freehold.kernel.catalog.errors import CatalogError

__all__ = [
    "ACT",
    "CLOCK",
    "DOMAIN",
    "ERASABLE",
    "LINK",
    "REBUILD_RECORDS",
    "Amend",
    "Catalog",
    "CatalogError",
    "Change",
    "Difference",
    "Forget",
    "Put",
    "Remove",
    "differences",
]
