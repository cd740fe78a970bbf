"""Erasure: the key is gone, the words are gone, and the chain still verifies."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
import zipfile
from typing import Any

import pytest
from sqlalchemy import select

from freehold.kernel import FreeholdError, Ref
from freehold.kernel.acts import Record
from freehold.kernel.keys import INSECURE_TEST_COST, DomainErased, Keyring, PassphraseCustody
from freehold.kernel.policy import Denied
from freehold.training import Task
from tests.estate.world import (
    PASSPHRASE,
    PURPOSE,
    World,
    check_everything,
    dump,
    table,
    verify_bundle,
)

MARKER = "Mrs-Jones"


def records(world: World, id_: str) -> list[Record]:
    """Every record on the thing of this id."""
    found = [Record.decode(entry) for entry in world.estate.pipeline.stores.log.entries()]
    return [record for record in found if Ref.parse(record.resource).id == id_]


def rows(world: World, name: str) -> list[dict[str, Any]]:
    """A table of the catalog, by its name."""
    registry = world.estate.pipeline.registry
    table_ = next(
        t for metadata in registry.tables for t in metadata.sorted_tables if t.name == name
    )
    return [dict(row._mapping) for row in world.estate.pipeline.stores.catalog.all(select(table_))]


def test_an_erased_dataset_is_blank_in_the_catalog_and_its_numbers_stay(world: World):
    version = world.ingest(MARKER.lower(), table(marker=MARKER), terms=f"terms of {MARKER}")
    act = world.erase(MARKER.lower())
    (dataset,) = rows(world, "dataset")
    assert (dataset["name"], dataset["terms"]) == (None, None)
    assert (dataset["erased_by"], dataset["data_class"]) == (act, "health")
    (blank,) = rows(world, "dataset_version")
    assert (blank["profile"], blank["options"]) == (None, None)
    assert (blank["rows"], blank["bytes"]) == (version.rows, version.bytes)
    (listed,) = world.estate.data.list(world.actor("stella"))
    assert (listed.name, listed.erased_by) == (None, act)
    check_everything(world.estate)


def test_the_rebuilt_catalog_is_identical_also_when_acts_followed(world: World):
    world.ingest()
    world.ingest("others", table(30), data_class="internal")
    world.train()
    world.erase()
    world.ingest("patients", table(20))
    world.estate.data.clear(world.actor("stella"), "others", purposes=["research"])
    with pytest.raises(FreeholdError):
        world.estate.training.train(
            world.actor("simon"),
            "patients",
            Task(recipe="tabular", label="outcome"),
            purpose=PURPOSE,
        )
    before = dump(world.estate)
    world.estate.pipeline.rebuild()
    assert dump(world.estate) == before
    world.reopen()
    assert dump(world.estate) == before
    check_everything(world.estate)


def test_what_was_erased_cannot_be_read_by_any_door(world: World):
    version = world.ingest(content=table(marker=MARKER))
    ref = Ref.parse(version.ref)
    (stored,) = rows(world, "dataset_version")
    world.erase()
    with (
        pytest.raises(FreeholdError),
        world.estate.data.opened(world.actor("clara"), ref, purpose=PURPOSE, isolation=0),
    ):
        pass
    with pytest.raises(DomainErased):
        world.estate.pipeline.stores.vault.read(ref.id, stored["blob"], 1_000_000)
    with pytest.raises(DomainErased):
        world.estate.pipeline.stores.keyring.domain(ref.id)
    with pytest.raises(FreeholdError):
        world.train(version.ref)
    with pytest.raises(FreeholdError):
        world.estate.data.find("patients")


def test_the_refusal_to_use_it_is_recorded_with_its_policy(world: World):
    version = world.ingest()
    world.erase()
    with pytest.raises(Denied) as denied:
        world.estate.data.clear(world.actor("stella"), version.ref, purposes=["research"])
    assert "charter.not-erased" in denied.value.policies
    check_everything(world.estate)


def test_bodies_of_its_acts_are_unreadable_and_the_erasure_itself_is_not(world: World):
    version = world.ingest(terms=f"terms of {MARKER}")
    world.train()
    ref = Ref.parse(version.ref)
    world.erase()
    for record in records(world, ref.id):
        assert record.body is not None
        is_kept = record.act in ("approval.give", "dataset.erase")
        assert (record.body.domain != ref.id) == is_kept, record.act
        assert (world.estate.pipeline.body(record) is not None) == is_kept, record.act
    acts = {record.act for record in records(world, ref.id)}
    assert {"dataset.ingest", "dataset.read", "dataset.erase", "approval.give"} == acts


def test_no_byte_of_it_is_left_in_the_clear(world: World):
    version = world.ingest(MARKER.lower(), table(marker=MARKER), terms=f"terms of {MARKER}")
    assert version.profile is not None
    world.erase(MARKER.lower())
    world.close()
    for path in world.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert MARKER.encode() not in content, path
            assert MARKER.lower().encode() not in content, path
    world.open()


def test_other_datasets_are_as_before(world: World):
    world.ingest()
    other = world.ingest("others", table(30))
    world.erase("patients")
    shown = world.estate.data.show(world.actor("stella"), "others")
    assert (shown.rows, shown.name, shown.profile) == (30, "others", other.profile)
    assert world.train("others").rows > 0
    check_everything(world.estate)


def test_a_model_that_learned_from_it_stays_with_its_lineage(deployed: World):
    estate = deployed.estate
    model = estate.models.find("triage")
    dataset = estate.data.find("patients")
    deployed.erase()
    edges = estate.history.lineage(deployed.actor("ada"), model.ref)
    assert edges[-1].source == str(dataset)
    answer = estate.serving.answer(
        deployed.actor("dana"), "triage", {"age": [40], "pressure": [150], "ward": ["north"]}
    )
    assert answer.labels == ("ill",)
    deployed.reopen()
    check_everything(deployed.estate)


def test_the_ledger_verifies_for_a_stranger_before_and_after(world: World):
    world.ingest()
    ada = world.actor("ada")
    for erase in (False, True):
        if erase:
            world.erase()
        file = io.BytesIO()
        world.estate.history.export(ada, file)
        signers = world.estate.people.allowed_signers(ada)
        vkey = str(world.estate.pipeline.stores.log.key)
        assert "holds" in verify_bundle(file.getvalue(), vkey=vkey, signers=signers)


def test_a_full_bundle_after_erasure_lacks_the_erased_bodies_and_verifies(world: World):
    version = world.ingest(terms=f"terms of {MARKER}")
    world.erase()
    file = io.BytesIO()
    world.estate.history.export(world.actor("ada"), file, is_full=True)
    assert MARKER.encode() not in file.getvalue()
    check_everything(world.estate)
    erased = {r.id for r in records(world, Ref.parse(version.ref).id) if r.act == "dataset.ingest"}
    with zipfile.ZipFile(file) as files:
        names = set(files.namelist())
        disclosed = set(json.loads(files.read("bundle.json"))["disclosed"])
    assert not erased & disclosed
    assert not {f"bodies/{id_}.bin" for id_ in erased} & names


def test_erasing_needs_another_persons_approval_of_exactly_these_versions(world: World):
    version = world.ingest()
    resource = Ref.parse(version.ref).at(None)
    stella = world.actor("stella")
    with pytest.raises(Denied) as denied:
        world.estate.data.erase(stella, "patients")
    assert "charter.approvals.dataset-erase" in denied.value.policies
    world.approve("ravi", "dataset.erase", resource)
    world.ingest("patients", table(61))
    with pytest.raises(Denied):
        world.estate.data.erase(stella, "patients")
    world.approve("ravi", "dataset.erase", resource)
    world.estate.data.erase(stella, "patients")
    check_everything(world.estate)


# ---- crashes --------------------------------------------------------------------------------


def test_a_crash_between_the_record_and_the_keys_destruction_is_finished_at_opening(world: World):
    """The keys folder is put back as it was before: what a crash right after the record leaves."""
    version = world.ingest()
    domain = Ref.parse(version.ref).id
    stella = world.actor("stella")
    world.approve("ravi", "dataset.erase", Ref.parse(version.ref).at(None))
    world.close()
    shutil.copytree(world.home / "keys", world.folder / "keys-before")
    world.open()
    world.estate.data.erase(stella, "patients")
    expected = dump(world.estate)
    world.close()
    shutil.rmtree(world.home / "keys")
    shutil.copytree(world.folder / "keys-before", world.home / "keys")
    custody = PassphraseCustody(PASSPHRASE, cost=INSECURE_TEST_COST)
    with Keyring.open(world.home / "keys", custody) as keyring:
        assert keyring.domain(domain), "as it lies there, nothing is destroyed yet"
    world.open()
    with pytest.raises(DomainErased):
        world.estate.pipeline.stores.keyring.domain(domain)
    assert dump(world.estate) == expected
    check_everything(world.estate)


class StubbornKeyring:
    """The real keyring, whose disk fails the first time that a domain is to be destroyed."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._has_failed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._keyring, name)

    def erase(self, domain_id: str) -> None:
        if not self._has_failed:
            self._has_failed = True
            raise OSError("the disk does not answer")
        self._keyring.erase(domain_id)


def test_an_erasure_whose_key_could_not_be_destroyed_is_told_and_finished_later(world: World):
    version = world.ingest()
    domain = Ref.parse(version.ref).id
    pipeline = world.estate.pipeline
    stubborn: Any = StubbornKeyring(pipeline.stores.keyring)
    pipeline.stores = dataclasses.replace(pipeline.stores, keyring=stubborn)
    with pytest.raises(OSError, match="does not answer"):
        world.erase()
    assert records(world, domain)[-1].phase == "done", "it is erased as far as the ledger goes"
    assert world.estate.data.finish_erasures() == 1
    assert world.estate.data.finish_erasures() == 0
    with pytest.raises(DomainErased):
        pipeline.stores.keyring.domain(domain)
    world.reopen()
    check_everything(world.estate)
