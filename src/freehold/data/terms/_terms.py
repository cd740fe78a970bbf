"""What a source of data agreed to, as a file that a steward writes.

    supplier = "Example Registry"
    contract = "2026-114, annex B"
    licence = "cc-by-4.0"
    purposes = ["diagnosis-support"]
    supplier_uses = []
    onward = ["EU"]
    legal_basis = "public-task"
    special_basis = "research"
    expires = 2027-12-31

See `docs/formats/terms.md`.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal, TypeAlias

import msgspec

from freehold.charter import LEGAL_BASES
from freehold.data.errors import DataError

SupplierUse: TypeAlias = Literal["improve-products", "train-models", "share", "sell"]
"""What a supplier may do for its own ends with the data, or with what it learns from our use."""
SpecialBasis: TypeAlias = Literal[
    "none",
    "explicit-consent",
    "employment",
    "vital-interests",
    "non-profit",
    "made-public",
    "legal-claims",
    "substantial-public-interest",
    "health-care",
    "public-health",
    "research",
]
"""GDPR, Article 9(2), (a) to (j); `none` where there is no special category."""
_Code: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9._-]{0,63}$")]
_Place: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")]
_Words: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]

TERMS_BYTES_MAX = 65_536  # a page is 3 KB; the contract itself lies elsewhere


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of terms.

    Args:
        supplier: who gave the data; may be the organisation itself.
        contract: where the words of it lie.
        licence: SPDX identifier in lower case, `contract`, or `own`.
        purposes: of the charter; the data may be used for no others.
        supplier_uses: what the supplier may do with it for its own ends; empty for nothing.
        onward: jurisdictions that it may be passed on to; empty for none.
        legal_basis: GDPR, Article 6(1), (a) to (f), by the charter's names; `none` where no person
            is in the data.
        starts, expires: first and last day of use, in UTC; None for no bound.
        keep_until: the day after which it must be erased; None for no bound.
    """

    supplier: _Words
    contract: _Words
    licence: _Code
    purposes: tuple[_Code, ...]
    supplier_uses: tuple[SupplierUse, ...]
    onward: tuple[_Place, ...]
    legal_basis: _Code
    special_basis: SpecialBasis = "none"
    starts: date | None = None
    expires: date | None = None
    keep_until: date | None = None

    @classmethod
    def parse(cls, text: str) -> Terms:
        """Read a file of terms, strictly.

        Raises:
            DataError: `data.terms`: no TOML, an unknown or missing key, a value of another kind, or
                days that contradict each other.
        """
        if len(text.encode()) > TERMS_BYTES_MAX:
            raise _refuse(f"the file has over {TERMS_BYTES_MAX} bytes")
        try:
            terms = msgspec.convert(tomllib.loads(text), cls)
        except tomllib.TOMLDecodeError as error:
            raise _refuse(f"the file is no TOML: {error}") from error
        except msgspec.ValidationError as error:
            raise _refuse(str(error)) from error
        terms._check()
        return terms

    def _check(self) -> None:
        if self.starts and self.expires and self.expires < self.starts:
            raise _refuse("`expires` lies before `starts`")
        if self.expires and self.keep_until and self.keep_until < self.expires:
            raise _refuse("`keep_until` lies before `expires`, the last day of use")
        if self.special_basis != "none" and self.legal_basis == "none":
            raise _refuse("`special_basis` is given without a `legal_basis`")
        if self.legal_basis not in ("none", *LEGAL_BASES):
            raise _refuse(
                f"`legal_basis` is {self.legal_basis!r}, expected one of none, "
                f"{', '.join(LEGAL_BASES)}"
            )
        for key in ("purposes", "supplier_uses", "onward"):
            values = getattr(self, key)
            if len(set(values)) < len(values):
                raise _refuse(f"`{key}` names one twice")


def _refuse(why: str) -> DataError:
    return DataError(
        "data.terms",
        f"the terms cannot be read: {why}",
        "see docs/formats/terms.md for every key and its values",
    )


State: TypeAlias = Literal["coming", "in-force", "expired"]


def midnight(day: date) -> datetime:
    """When a day begins, in UTC."""
    return datetime.combine(day, time(), UTC)


def day_after(day: date) -> datetime:
    """When a day is over, in UTC."""
    return midnight(day + timedelta(days=1))


def state_at(
    now: datetime, *, starts: datetime | None, ends: datetime | None
) -> tuple[State, datetime | None]:
    """How terms stand at a moment, and until when that holds by itself.

    `ends` is the first moment at which they no longer hold.
    """
    if ends is not None and now >= ends:
        return "expired", None
    if starts is not None and now < starts:
        return "coming", starts
    return "in-force", ends
