"""The regulations a charter can list, and how long each makes one keep what.

Titles and retention minima only; what a regulation demands beyond them is the matter of the control
catalogues. Minima are counted in days that are never too few: a year of 366, six months of 184.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from types import MappingProxyType

REGULATIONS = MappingProxyType(
    {
        "eu-ai-act": "Regulation (EU) 2024/1689, Artificial Intelligence Act",
        "gdpr": "Regulation (EU) 2016/679, General Data Protection Regulation",
        "hipaa": "45 CFR Part 164, HIPAA",
        "pci-dss": "PCI DSS 4.0.1",
        "nist-ai-rmf": "NIST AI Risk Management Framework 1.0",
        "iso-42001": "ISO/IEC 42001:2023",
        "eu-csf": "EU Cloud Sovereignty Framework 1.2.1",
        "bsi-c3a": "BSI C3A 1.0",
    }
)

LEGAL_BASES = (  # GDPR, Art. 6(1)(a) to (f)
    "consent",
    "contract",
    "legal-obligation",
    "vital-interests",
    "public-task",
    "legitimate-interests",
)

RETENTION_KINDS = MappingProxyType(
    {
        "logs": "records of the ledger and logs of events",
        "documents": "technical documentation, model cards, evaluations, declarations",
        "decisions": "bodies of answers: prompts, outputs, evidence",
    }
)


@dataclass(frozen=True, slots=True)
class RetentionMinimum:
    """What one regulation demands for one kind: at least `days`, said as `period` in `article`."""

    regulation: str
    kind: str
    days: int
    period: str
    article: str


def days_of_years(years: int) -> int:
    """The most days that so many calendar years can have: 366 for one, 3,653 for ten."""
    return ceil(years * 365.25)


_SIX_MONTHS = 184  # 1 March to 1 September
_ONE_YEAR, _SIX_YEARS, _TEN_YEARS = 366, 2_192, 3_653  # as `days_of_years` counts

RETENTION_MINIMA = (
    RetentionMinimum("eu-ai-act", "logs", _SIX_MONTHS, "6 months", "AI Act, Art. 19(1) and 26(6)"),
    RetentionMinimum("eu-ai-act", "documents", _TEN_YEARS, "10 years", "AI Act, Art. 18(1)"),
    RetentionMinimum("pci-dss", "logs", _ONE_YEAR, "12 months", "PCI DSS, 10.5.1"),
    RetentionMinimum("hipaa", "logs", _SIX_YEARS, "6 years", "45 CFR 164.316(b)(2)(i)"),
    RetentionMinimum("hipaa", "documents", _SIX_YEARS, "6 years", "45 CFR 164.316(b)(2)(i)"),
)
