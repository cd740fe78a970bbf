"""The lineage of columns follows OpenLineage's own schema and says what masks."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest
from referencing import Registry, Resource

from freehold.data.protection import (
    Age,
    DateShift,
    Drop,
    Keep,
    Plan,
    Pseudonym,
    SmallGroups,
    apply_plan,
    column_lineage,
    suppress_small_groups,
)

TABLE = pl.DataFrame(
    {"name": ["Ann", "Bob"], "age": [33, 34], "on": 2 * [date(2020, 1, 1)], "sex": ["F", "F"]}
)
PLAN = Plan(
    {"name": Pseudonym("person"), "age": Age(), "on": DateShift("name", 9), "sex": Drop()},
    small_groups=SmallGroups(("age",), 2),
)
PRODUCER = "https://freehold.example/protection"


@pytest.fixture(scope="module")
def validator(shared_data: Path) -> Any:
    """What checks a facet by the published schemas."""
    folder = shared_data / "schema-openlineage" / "spec"
    facet = json.loads((folder / "facets" / "ColumnLineageDatasetFacet.json").read_text())
    core = json.loads((folder / "OpenLineage.json").read_text())
    resources = [(each["$id"], Resource.from_contents(each)) for each in (facet, core)]
    return jsonschema.Draft202012Validator(
        facet,
        registry=Registry().with_resources(resources),
        format_checker=jsonschema.FormatChecker(),
    )


def lineage(plan: Plan = PLAN) -> dict[str, Any]:
    _, applied = apply_plan(plan, TABLE, key=bytes(32))
    return column_lineage(applied, namespace="freehold", name="claims", producer=PRODUCER)


def test_the_facet_is_valid(validator):
    validator.validate({"columnLineage": lineage()})
    _, applied = suppress_small_groups(TABLE, ["sex"], 2)
    facet = column_lineage(applied, namespace="n", name="d", producer=PRODUCER)
    validator.validate({"columnLineage": facet})


def test_the_schema_refuses_a_facet_without_a_producer_or_with_a_bare_field(validator):
    facet = lineage()
    for broken in (
        {name: value for name, value in facet.items() if name != "_producer"},
        {**facet, "fields": {"age": {"inputFields": [{"field": "age"}]}}},
        {**facet, "fields": {"age": {}}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate({"columnLineage": broken})


def transformations(facet: dict[str, Any], output: str) -> list[tuple]:
    return [
        (each["field"], one["type"], one["subtype"], one["masking"])
        for each in facet["fields"][output]["inputFields"]
        for one in each["transformations"]
    ]


def test_each_output_names_what_it_comes_from_and_whether_that_is_masked():
    facet = lineage()
    assert list(facet["fields"]) == ["name", "age", "on"]
    assert transformations(facet, "name") == [("name", "DIRECT", "TRANSFORMATION", True)]
    assert transformations(facet, "on") == [
        ("on", "DIRECT", "TRANSFORMATION", True),
        ("name", "INDIRECT", "CONDITIONAL", True),
    ]
    origin = facet["fields"]["age"]["inputFields"][0]
    assert (origin["namespace"], origin["name"]) == ("freehold", "claims")


def test_a_kept_column_is_the_same_and_masks_nothing():
    facet = lineage(Plan({"age": Keep()}, others="drop"))
    assert transformations(facet, "age") == [("age", "DIRECT", "IDENTITY", False)]
    assert "dataset" not in facet


def test_removed_rows_make_every_column_depend_on_what_they_were_grouped_by():
    (filtered,) = lineage()["dataset"]
    assert filtered["field"] == "age"
    assert [each["subtype"] for each in filtered["transformations"]] == ["FILTER"]
