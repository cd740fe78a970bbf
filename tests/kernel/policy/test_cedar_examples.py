"""The published examples of Cedar's authors are decided by our engine as they expect.

They have hierarchies of entities, record types and namespaces, which a `PolicySet` knows nothing
of: its principals and resources have flat attributes. So the engine itself, `cedarpy`, is driven
here as `PolicySet` drives it, but that two examples whose entities do not conform to their own
schema have them read without it. A template that the authors link by a command is
written out for the one request that needs it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import cedarpy
import pytest

from freehold.kernel.policy import InvalidPolicy, PolicySet

CASES = {"document_cloud": 5, "github_example": 7, "hotel_chains/static": 6, "tax_preparer": 5}


NOT_CONFORMING = ("document_cloud", "github_example")
LINKED = {
    "?principal": 'Taxpreparer::Professional::"Alice"',
    "?resource": 'Taxpreparer::Document::"DEF"',
}


@pytest.mark.parametrize("case", CASES)
def test_the_engine_decides_as_cedars_authors_expect(shared_data: Path, case: str):
    folder = shared_data / "policy-cedar" / case
    schema = cedarpy.Schema.from_str((folder / "policies.cedarschema").read_text())
    text = (folder / "policies.cedar").read_text()
    for slot, thing in LINKED.items():
        text = text.replace(slot, thing)
    policies = cedarpy.PolicySet.from_str(text)
    conforming = None if case in NOT_CONFORMING else schema
    entities = cedarpy.Entities.from_json_str((folder / "entities.json").read_text(), conforming)
    decided = 0
    for expected in (cedarpy.Decision.Allow, cedarpy.Decision.Deny):
        for path in sorted((folder / expected.name.upper()).glob("*.json")):
            request = json.loads(path.read_text())
            result = cedarpy.is_authorized(request, policies, entities, schema)
            assert not list(result.diagnostics.errors), path.name
            assert result.decision is expected, path.name
            decided += 1
    assert decided == CASES[case]


@pytest.mark.parametrize("case", CASES)
def test_examples_whose_policies_have_no_ids_are_refused(shared_data: Path, case: str):
    """A decision names its policies; what has no name, and a template, never becomes a set."""
    folder = shared_data / "policy-cedar" / case
    with pytest.raises(InvalidPolicy) as refusal:
        PolicySet(
            (folder / "policies.cedar").read_text(), (folder / "policies.cedarschema").read_text()
        )
    assert re.fullmatch(r"policy\.(no_id|template)", refusal.value.code)


def test_examples_become_a_set_once_their_policies_are_named(shared_data: Path):
    folder = shared_data / "policy-cedar" / "document_cloud"
    text = (folder / "policies.cedar").read_text()
    numbered = iter(range(1_000))
    named = re.sub(
        r"^(permit|forbid)\b",
        lambda match: f'@id("rule-{next(numbered)}")\n{match[0]}',
        text,
        flags=re.MULTILINE,
    )
    policies = PolicySet(named, (folder / "policies.cedarschema").read_text())
    assert len(policies.ids) == len(re.findall(r"^(?:permit|forbid)\b", text, re.MULTILINE))
