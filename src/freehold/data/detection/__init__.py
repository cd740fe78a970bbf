"""Finding structured personal, payment, health and secret data: e-mail addresses, cards, ids, keys.

It tells the kind, the place and how sure it is, and keeps no value. Names, addresses and other free
text are not its work.

    detector = Detector()
    detector.scan("IBAN DE89 3704 0044 0532 0130 00")  # [Finding(iban, 5, 32, valid)]
    detector.scan_column(pl.Series("mail", ["ann@example.org", None])).share(Kind.EMAIL)  # 1.0
"""

from freehold.data.detection._columns import ColumnFindings, KindCount
from freehold.data.detection._detector import Detector
from freehold.data.detection._kinds import CATEGORIES, Category, Finding, Kind, Level
from freehold.data.detection._limits import DEFAULT_DETECTION_LIMITS, DetectionLimits
from freehold.data.detection._rules import RULES_DIGEST, RULES_VERSION

__all__ = [
    "CATEGORIES",
    "DEFAULT_DETECTION_LIMITS",
    "RULES_DIGEST",
    "RULES_VERSION",
    "Category",
    "ColumnFindings",
    "DetectionLimits",
    "Detector",
    "Finding",
    "Kind",
    "KindCount",
    "Level",
]
