"""Transforms under a key of the caller: pseudonyms, and dates shifted per person.

Both are HMAC-SHA-256 (RFC 2104, FIPS 198-1) of the normalised cell, each in a domain of its own:

    token = kind ‖ "_" ‖ the first `length` hexadecimal digits of
            HMAC(key, "freehold/pseudonym/v1" ‖ 0x00 ‖ kind ‖ 0x00 ‖ UTF-8 of the cell)
    shift = from the first 8 bytes of
            HMAC(key, "freehold/date-shift/v1" ‖ 0x00 ‖ kind ‖ 0x00 ‖ UTF-8 of the person)

Who holds the key can try names until one fits: pseudonymised data are still personal data (GDPR,
recital 26) to them. Without the key nothing can be tried. Other keys give other tokens, so one
estate keeps one key for as long as its pseudonyms have to agree.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

import polars as pl

from freehold.data.errors import DataError
from freehold.data.protection._kinds import DATES, IDENTITIES, as_text, check_kind
from freehold.data.protection._limits import LIMITS
from freehold.data.protection._transform import Given, Transform, refuse

Step: TypeAlias = Literal["nfkc", "case", "spaces"]

STEPS: tuple[Step, ...] = ("nfkc", "case", "spaces")
KIND = re.compile(r"[a-z][a-z0-9_]{0,31}")


@dataclass(frozen=True, slots=True)
class Pseudonym(Transform):
    """Put a token for each cell: the same person, the same kind and key give the same token.

    `normalise` says which differences do not count: `nfkc` (Unicode forms), `case` (full case
    folding), `spaces` (around and doubled within). They are applied until nothing changes, in this
    order. A cell with nothing left becomes missing. `length` is in hexadecimal digits of 4 bits;
    `collision_chance` tells what it means.
    """

    name: ClassVar[str] = "pseudonym"
    takes: ClassVar[tuple[str, ...]] = IDENTITIES
    is_keyed: ClassVar[bool] = True

    kind: str
    normalise: tuple[Step, ...] = STEPS
    length: int = 32

    def __post_init__(self) -> None:
        """Refuse parameters out of range; the order of the steps tells nothing."""
        object.__setattr__(self, "normalise", checked_steps(self.normalise))
        check_token_kind(self.kind)
        check_token_length(self.length)

    def run(self, cells: pl.Series, given: Given) -> pl.Series:
        """Give the tokens."""
        token = tokens(given.key, self.kind, length=self.length)
        return _by_identity(cells, self.normalise, token, pl.String)


@dataclass(frozen=True, slots=True)
class DateShift(Transform):
    """Shift the dates of each person by 1 to `days` days, forwards or backwards.

    All dates of one person under one `kind`, key and `days` shift alike, in every column and
    table, so their intervals stay; seasons and weekdays do not. Never by 0 days: no date stays. The
    shift is even over its 2·`days` values to within 2^-50. A date without a person becomes missing.
    """

    name: ClassVar[str] = "date_shift"
    takes: ClassVar[tuple[str, ...]] = DATES
    is_keyed: ClassVar[bool] = True

    person: str
    days: int
    kind: str = "person"
    normalise: tuple[Step, ...] = STEPS

    def __post_init__(self) -> None:
        """Refuse parameters out of range; the order of the steps tells nothing."""
        object.__setattr__(self, "normalise", checked_steps(self.normalise))
        check_token_kind(self.kind)
        if not 1 <= self.days <= LIMITS.shift_days_max:
            refuse("days", f"1 to {LIMITS.shift_days_max}", self.days)

    @property
    def others(self) -> tuple[str, ...]:
        """The column that tells whose the date is."""
        return (self.person,)

    def run(self, cells: pl.Series, given: Given) -> pl.Series:
        """Give the shifted dates."""
        persons = given.table.get_column(self.person)
        check_kind(persons, IDENTITIES, f"{self.name} by person")
        digest = keyed(given.key, "freehold/date-shift/v1", self.kind)

        def shift(person: bytes) -> int:
            step = int.from_bytes(digest(person)[:8]) % (2 * self.days)
            return step - self.days if step < self.days else step - self.days + 1

        shifts = _by_identity(persons, self.normalise, shift, pl.Int32)
        shifted = pl.col("cell") + pl.duration(days=pl.col("shift"))
        both = pl.DataFrame([cells.alias("cell"), shifts.alias("shift")])
        return both.select(shifted.cast(cells.dtype).alias(cells.name)).to_series()


def collision_chance(identities: int, length: int) -> float:
    """Bound the chance that any two of so many different identities get one token of `length`.

    The birthday bound n(n-1)/2 / 16^length, taking HMAC-SHA-256 for a random function: a million
    identities with 32 digits stay under 2e-27.

    Raises:
        ValueError: a negative number, or a length that no token has.
    """
    if identities < 0 or not 1 <= length <= LIMITS.token_chars_max:
        raise ValueError(f"no tokens of {length} digits for {identities} identities")
    return min(1.0, identities * (identities - 1) / 2 * 0.0625**length)


def normalised(text: str, steps: tuple[Step, ...]) -> str:
    """Apply the steps until nothing changes, so that a normalised text is its own normal form."""
    before = None
    while text != before:
        before = text
        if "nfkc" in steps:
            text = unicodedata.normalize("NFKC", text)
        if "case" in steps:
            text = text.casefold()
        if "spaces" in steps:
            text = " ".join(text.split())
    return text


def keyed(key: bytes | None, domain: str, kind: str) -> Callable[[bytes], bytes]:
    """Give the keyed digest of one domain and kind.

    Raises:
        DataError: data.pseudonym_key: no key, or a short one.
    """
    if key is None or len(key) < LIMITS.key_bytes_min:
        raise DataError(
            "data.pseudonym_key",
            f"a key of at least {LIMITS.key_bytes_min} bytes is needed; "
            f"found {'none' if key is None else len(key)}",
            "pass the estate's key for pseudonyms",
        )
    state = hmac.new(key, f"{domain}\0{kind}\0".encode(), "sha256")

    def digest(cell: bytes) -> bytes:
        own = state.copy()
        own.update(cell)
        return own.digest()

    return digest


def tokens(key: bytes | None, kind: str, *, length: int) -> Callable[[bytes], str]:
    """Give what makes the token of a normalised cell.

    Raises:
        DataError: data.pseudonym_key.
    """
    digest = keyed(key, "freehold/pseudonym/v1", kind)
    prefix = f"{kind}_"
    return lambda cell: prefix + digest(cell).hex()[:length]


def checked_steps(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Give the steps in the order in which they are applied.

    Raises:
        DataError: data.plan: an unknown step, or one twice.
    """
    if len(set(steps)) != len(steps) or set(steps) - set(STEPS):
        refuse("normalise", f"each of {', '.join(STEPS)} at most once", list(steps))
    return tuple(step for step in STEPS if step in steps)


def check_token_kind(kind: str) -> None:
    """Refuse a kind that cannot begin a token.

    Raises:
        DataError: data.plan.
    """
    if not KIND.fullmatch(kind):
        refuse("kind", "a lower-case letter, then letters, digits or _, at most 32", kind)


def check_token_length(length: int) -> None:
    """Refuse a length under which tokens collide, or that SHA-256 does not have.

    Raises:
        DataError: data.plan.
    """
    if not LIMITS.token_chars_min <= length <= LIMITS.token_chars_max:
        refuse("length", f"{LIMITS.token_chars_min} to {LIMITS.token_chars_max}", length)


def _by_identity(
    cells: pl.Series,
    steps: tuple[Step, ...],
    work: Callable[[bytes], str | int],
    dtype: type[pl.DataType],
) -> pl.Series:
    """Give `work` of each normalised cell; each different cell is worked on once."""
    text = as_text(cells)
    different = text.drop_nulls().unique()
    if not len(different):
        return pl.Series(cells.name, [None] * len(cells), dtype=dtype)
    normal = (normalised(each, steps) for each in different)
    results = pl.Series([work(each.encode()) if each else None for each in normal], dtype=dtype)
    return text.replace_strict(different, results, default=None, return_dtype=dtype)
