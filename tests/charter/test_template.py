"""The template is for a person to edit, and refuses to be used unedited."""

from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.charter import (
    DEMO_PEOPLE,
    ISOLATION_LEVELS,
    Charter,
    MalformedCharterError,
    check_complete,
    compile_policies,
    demo_charter,
    template,
)
from tests.charter.world import ACTIONS, World, demo, public_key


def filled_in(organisation: str = "Mill & Sons") -> str:
    """Do what a person does with the template."""
    text = template(organisation).replace('jurisdiction = "REPLACE"', 'jurisdiction = "DE"')
    for code in ("anna", "boris", "carla"):
        text = text.replace('id = "REPLACE"', f'id = "{code}"', 1)
        text = text.replace('"REPLACE with ssh-ed25519 AAAA..."', f'"{public_key(code)}"', 1)
        text = re.sub('"REPLACE with [^"]*name"', f'"{code.title()}"', text, count=1)
    return text


def test_the_template_is_refused_with_every_place_to_edit() -> None:
    with pytest.raises(MalformedCharterError, match="found REPLACE") as caught:
        Charter.parse(template())
    assert caught.value.code == "charter.placeholder"
    for path in ("organisation.name", "site.jurisdiction", "people[0].ssh_key", "people[2].id"):
        assert path in caught.value.message
    assert caught.value.hint == "11 places to edit"


def test_the_template_filled_in_is_complete_and_compiles() -> None:
    charter = Charter.parse(filled_in())
    check_complete(charter, trial=False)
    World(compile_policies(charter, ACTIONS))
    assert set(charter.roles) == {
        "owner",
        "steward",
        "scientist",
        "reviewer",
        "operator",
        "developer",
        "auditor",
    }


def test_every_key_of_the_template_is_explained() -> None:
    text = template()
    comments = "\n".join(line.partition("#")[2] for line in text.splitlines())
    document = tomllib.loads(text)
    keys = {
        *document["organisation"],
        *document["site"],
        *document["classes"]["public"],
        *document["roles"]["owner"],
        *document["approvals"]["model.promote"],
        *document["retention"],
        *document["people"][0],
        *(key for purpose in document["purposes"].values() for key in purpose),
    } - {"name", "description"}  # which explain themselves
    beside = {key for key in keys if re.search(rf"(?m)^{key} = .*#", text)}
    above = {
        key for key in keys if re.search(rf"(?m)^{key} = ", text) and above_is_comment(text, key)
    }
    unexplained = {key for key in keys - beside - above if not re.search(rf"\b{key}\b", comments)}
    assert not unexplained


def above_is_comment(text: str, key: str) -> bool:
    """Tell whether the first line of `key` has a comment right above."""
    lines = text.splitlines()
    index = next(i for i, line in enumerate(lines) if line.startswith(f"{key} = "))
    return lines[index - 1].startswith("#")


def test_lines_of_the_template_fit_a_screen() -> None:
    assert max(len(line) for line in template().splitlines()) <= 100


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_name_of_an_organisation_stays_a_name(name: str) -> None:
    assert tomllib.loads(template(name))["organisation"]["name"] == name


def test_the_demonstration_has_somebody_for_every_role() -> None:
    charter = demo()
    assert {code: person.roles[0] for code, person in charter.people.items()} == DEMO_PEOPLE
    assert "health" in charter.clearances("clara")
    assert "health" not in charter.clearances("simon")
    assert len(charter.owners) == 2


@pytest.mark.parametrize("level", ISOLATION_LEVELS)
def test_the_demonstration_takes_its_floor_of_isolation(level: str) -> None:
    assert demo(isolation=level).classes["health"].isolation == level


def test_the_demonstration_takes_its_threshold() -> None:
    assert demo(accuracy=0.5).thresholds["accuracy"].at_least == 0.5


def test_only_owners_and_approvers_need_a_key_in_the_demonstration() -> None:
    keys = {code: public_key(code) for code in ("olivia", "oscar", "ravi")}
    check_complete(Charter.parse(demo_charter(keys)), trial=False)


def test_a_key_for_nobody_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no such person in the demonstration: mallory"):
        demo_charter({"mallory": public_key("mallory")})
