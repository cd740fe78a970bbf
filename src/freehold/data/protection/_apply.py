"""Do to a table what a plan says, and tell what was done."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from freehold.data.errors import DataError
from freehold.data.protection._applied import Applied, AppliedColumn
from freehold.data.protection._kinds import check_columns, check_kind, near, without_nan
from freehold.data.protection._plain import Drop, Keep
from freehold.data.protection._plan import Plan, SmallGroups, parameters
from freehold.data.protection._transform import Given, Transform


def apply_plan(
    plan: Plan, table: pl.DataFrame, *, key: bytes | None = None
) -> tuple[pl.DataFrame, Applied]:
    """Transform each column as the plan says, then remove small groups if it says so.

    Columns keep their order and names. Every transform sees the table as it came. But for small
    groups, which are counted over the whole table, a table may be given batch by batch.

    Raises:
        DataError: data.column: a column that is not there, not named by a plan that refuses others,
            or of another kind; data.value: a cell that its transform has no answer for;
            data.pseudonym_key: no key where one is needed, or a short one.
    """
    transforms = _chosen(plan, table)
    given = Given(table, key)
    outputs = []
    for name, transform in transforms.items():
        cells = table.get_column(name)
        check_kind(cells, transform.takes, transform.name)
        if not isinstance(transform, Drop):
            outputs.append(transform.run(cells, given))
    done = pl.DataFrame(outputs)
    kept = done if plan.small_groups is None else without_small_groups(done, plan.small_groups)
    return kept, Applied(
        columns=tuple(_told(*each) for each in transforms.items()),
        rows_before=table.height,
        rows_after=kept.height,
        plan=plan.digest(),
        filtered_by=() if plan.small_groups is None else plan.small_groups.quasi,
        k=None if plan.small_groups is None else plan.small_groups.k,
    )


def suppress_small_groups(
    table: pl.DataFrame, quasi: Sequence[str], k: int
) -> tuple[pl.DataFrame, Applied]:
    """Remove the rows that share their values of `quasi` with fewer than `k` - 1 others.

    A missing value, NaN included, is a value like others: missing ones match each other. The order
    of the rest stays.

    Raises:
        DataError: data.column: a column that is not there; data.plan: no columns, or k under 2.
    """
    return apply_plan(Plan({}, others="keep", small_groups=SmallGroups(tuple(quasi), k)), table)


def without_small_groups(table: pl.DataFrame, groups: SmallGroups) -> pl.DataFrame:
    """Keep the rows of groups of `k` rows or more, in their order."""
    quasi = without_nan(table.select(groups.quasi))
    return table.filter(quasi.select(pl.len().over(groups.quasi) >= groups.k).to_series())


def _chosen(plan: Plan, table: pl.DataFrame) -> dict[str, Transform]:
    """The transform of each column, in the table's order."""
    check_columns(table, plan.columns)
    check_columns(table, plan.small_groups.quasi if plan.small_groups else ())
    for transform in plan.columns.values():
        check_columns(table, transform.others)
    unnamed = [name for name in table.columns if name not in plan.columns]
    if unnamed and plan.others == "refuse":
        raise DataError(
            "data.column",
            f"the plan says nothing of {len(unnamed)} columns, first {unnamed[0]!r:.80}",
            near(unnamed[0], plan.columns)
            or 'name them in the plan, or say others = "keep" or "drop"',
        )
    fallback = Drop() if plan.others == "drop" else Keep()
    return {name: plan.columns.get(name, fallback) for name in table.columns}


def _told(name: str, transform: Transform) -> AppliedColumn:
    return AppliedColumn(
        output=None if isinstance(transform, Drop) else name,
        sources=(name, *transform.others),
        transform=transform.name,
        parameters=parameters(transform),
        masks=transform.masks,
    )
