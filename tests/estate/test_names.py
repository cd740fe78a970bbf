"""Names are given by people, ids by the estate: a name never stands for somebody else's id."""

from __future__ import annotations

import pytest

from freehold.kernel import FreeholdError, Ref
from tests.estate.world import PURPOSE, World, table


def test_a_model_named_like_the_id_of_another_is_not_served_in_its_place(deployed: World):
    """A scientist registers an unapproved model under the id of the one that is live."""
    estate, scientist = deployed.estate, deployed.actor("clara")
    live = estate.models.find("triage")
    other = deployed.train(label="ward")
    with pytest.raises(FreeholdError):
        estate.models.register(scientist, Ref.parse(live.ref).id, other.ref)
    assert estate.models.find(live.ref) == live
    estate.serving.start(deployed.actor("otto"), "triage", "triage", purpose=PURPOSE)
    assert estate.serving.inputs(deployed.actor("dana"), "triage")["label"] == "outcome"


def test_a_dataset_named_like_the_id_of_another_is_not_taken_for_it(world: World):
    patients = world.ingest()
    id_ = Ref.parse(patients.ref).id
    with pytest.raises(FreeholdError):
        world.ingest(id_, table(rows=9), data_class="internal")
    assert world.estate.data.show(world.actor("stella"), f"dataset:{id_}").rows == 60


def test_a_dataset_that_was_erased_leaves_its_name_to_another(world: World):
    first = world.ingest()
    world.erase()
    second = world.ingest()
    assert Ref.parse(first.ref).id != Ref.parse(second.ref).id
    assert second.is_new
    assert len(world.estate.data.list(world.actor("stella"))) == 2
