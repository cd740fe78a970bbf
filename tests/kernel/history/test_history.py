"""Reading the past: acts, receipts, promises, lineage and bundles."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from freehold.kernel import FreeholdError, canonical
from freehold.kernel.acts import NotFound, commit_body
from freehold.kernel.ledger import Promise, ProofError, Receipt
from freehold.kernel.policy import Denied
from tests.estate.world import World, check_everything, verify_bundle

QUESTION: dict[str, list[Any]] = {
    "age": [40, 41],
    "pressure": [151, 116],
    "ward": ["north", "south"],
}
NOTE = "terms that name Mr Smith"


def bundle(world: World, *, is_full: bool = False) -> zipfile.ZipFile:
    file = io.BytesIO()
    world.estate.history.export(world.actor("ada"), file, is_full=is_full)
    file.seek(0)
    return zipfile.ZipFile(file)


def verified(world: World, *, is_full: bool = False) -> str:
    file = io.BytesIO()
    world.estate.history.export(world.actor("ada"), file, is_full=is_full)
    return verify_bundle(
        file.getvalue(),
        vkey=str(world.estate.pipeline.stores.log.key),
        signers=world.estate.people.allowed_signers(world.actor("ada")),
    )


# ---- acts -----------------------------------------------------------------------------------


def test_the_newest_acts_come_first_and_say_who_did_what(world: World):
    version = world.ingest()
    acts = world.estate.history.acts(world.actor("ada"))
    assert acts == tuple(sorted(acts, key=lambda act: -act.index))
    ingest = next(act for act in acts if act.id == version.act)
    assert (ingest.act, ingest.phase, ingest.error) == ("dataset.ingest", "done", None)
    assert ingest.principal == str(world.actor("stella").principal)
    assert ingest.policies == ("charter.role.steward",)
    record = world.estate.history.act(world.actor("ada"), version.act)
    assert record["id"] == version.act
    assert canonical(record) == world.estate.pipeline.stores.log.entry(ingest.index)


def test_acts_on_one_thing_are_found_by_its_id_in_all_its_versions(deployed: World):
    ada = deployed.actor("ada")
    model = deployed.estate.models.find("triage").ref
    for wanted in (model, model.partition("@")[0]):
        found = deployed.estate.history.acts(ada, resource=wanted)
        assert {act.resource for act in found} == {model}
        assert {"model.register", "model.submit", "model.promote"} <= {act.act for act in found}


def test_no_number_asks_for_more_acts_than_are_listed(world: World):
    ada = world.actor("ada")
    assert len(world.estate.history.acts(ada, limit=3)) == 3
    for limit in (-1, 0):
        assert len(world.estate.history.acts(ada, limit=limit)) <= 1


def test_an_act_that_never_was_is_not_found(world: World):
    ada = world.actor("ada")
    for asked in (world.estate.history.act, world.estate.history.receipt):
        with pytest.raises(NotFound):
            asked(ada, "0192f0c4-0000-7000-8000-000000000000")


def test_who_may_not_read_the_ledger_is_refused_and_that_is_recorded(world: World):
    dana, history = world.actor("dana"), world.estate.history
    with pytest.raises(Denied):
        history.acts(dana)
    with pytest.raises(Denied):
        history.export(dana, io.BytesIO(), is_full=True)
    newest = history.acts(world.actor("ada"))
    assert [(act.act, act.phase) for act in newest if act.phase == "denied"] == [
        ("evidence.export", "denied"),
        ("ledger.read", "denied"),
    ]


# ---- receipts and promises ------------------------------------------------------------------


def test_a_receipt_verifies_offline_with_the_logs_key(deployed: World):
    estate, dana = deployed.estate, deployed.actor("dana")
    decision = estate.serving.answer(dana, "triage", QUESTION)
    receipt = Receipt.parse(estate.history.receipt(dana, decision.id))
    entry = estate.pipeline.stores.log.entry(decision.recorded.index)
    checkpoint = receipt.verify(entry, [estate.pipeline.stores.log.key])
    assert checkpoint.size > decision.recorded.index == receipt.index
    assert json.loads(entry)["id"] == decision.id


def test_a_receipt_of_another_act_does_not_verify(deployed: World):
    estate, ada = deployed.estate, deployed.actor("ada")
    log = estate.pipeline.stores.log
    acts = estate.history.acts(ada, limit=2)
    receipt = Receipt.parse(estate.history.receipt(ada, acts[0].id))
    with pytest.raises(ProofError):
        receipt.verify(log.entry(acts[1].index), [log.key])


def test_every_receipt_of_the_ledger_verifies(deployed: World):
    estate, ada = deployed.estate, deployed.actor("ada")
    log = estate.pipeline.stores.log
    for act in estate.history.acts(ada, limit=1_000):
        receipt = Receipt.parse(estate.history.receipt(ada, act.id))
        receipt.verify(log.entry(act.index), [log.key])


def test_a_promise_comes_at_once_and_names_the_record(deployed: World):
    estate = deployed.estate
    decision = estate.serving.answer(deployed.actor("dana"), "triage", QUESTION)
    promise = Promise.open(
        estate.history.promise(decision.recorded), [estate.pipeline.stores.log.key]
    )
    assert (promise.index, promise.leaf) == (decision.recorded.index, decision.recorded.leaf)


def test_a_checkpoint_covers_everything_recorded_so_far(world: World):
    world.ingest()
    note = world.estate.history.checkpoint(world.actor("ada"))
    assert str(world.estate.pipeline.stores.log.size) in note.splitlines()


# ---- lineage --------------------------------------------------------------------------------


def test_lineage_leads_from_a_decision_back_to_the_data(deployed: World):
    estate, ada = deployed.estate, deployed.actor("ada")
    decision = estate.serving.answer(deployed.actor("dana"), "triage", QUESTION)
    model = estate.models.find("triage")
    dataset = estate.data.show(deployed.actor("stella"), "patients")
    edges = estate.history.lineage(ada, f"decision:{decision.id}")
    steps = [(edge.target, edge.act, edge.source) for edge in edges]
    assert steps == [
        (f"decision:{decision.id}", "decision.answer", model.ref),
        (model.ref, "model.register", model.run),
        (model.run, "model.train", dataset.ref),
    ]
    receipts = [estate.history.receipt(ada, edge.id) for edge in edges]
    assert all(receipts), "each step is an act with a proof"


def test_lineage_leads_from_a_deployment_back_to_the_data(deployed: World):
    estate = deployed.estate
    deployment = str(estate.serving.find("triage"))
    edges = estate.history.lineage(deployed.actor("ada"), deployment)
    kinds = [edge.source.partition(":")[0] for edge in edges]
    assert kinds == ["model", "run", "dataset"]


def test_a_source_has_no_lineage_before_it(deployed: World):
    dataset = deployed.estate.data.show(deployed.actor("stella"), "patients")
    assert deployed.estate.history.lineage(deployed.actor("ada"), dataset.ref) == ()


def test_an_act_that_failed_is_in_no_lineage(deployed: World):
    estate, dana = deployed.estate, deployed.actor("dana")
    with pytest.raises(FreeholdError):
        estate.serving.answer(dana, "triage", {"age": [1]})
    failed = json.loads(list(estate.pipeline.stores.log.entries())[-1])
    assert (failed["act"], failed["phase"]) == ("decision.answer", "failed")
    assert estate.history.lineage(deployed.actor("ada"), f"decision:{failed['id']}") == ()


# ---- bundles --------------------------------------------------------------------------------


def test_a_bundle_discloses_signatures_and_no_other_bodies(world: World):
    world.ingest(terms=NOTE)
    with bundle(world) as files:
        manifest = json.loads(files.read("bundle.json"))
        disclosed = {name for name in files.namelist() if name.startswith("bodies/")}
        assert disclosed == {f"bodies/{id_}.bin" for id_ in manifest["disclosed"]}
        content = b"".join(files.read(name) for name in files.namelist())
        acts = {
            json.loads(entry)["act"]
            for entry in world.estate.pipeline.stores.log.entries()
            if json.loads(entry)["id"] in manifest["disclosed"]
        }
    assert acts == {"charter.ratify"}
    assert b"Smith" not in content
    assert b"stella" not in content
    assert manifest["size"] > 0
    assert manifest["trial"] is True


def test_a_full_bundle_holds_every_body_and_each_is_what_its_record_committed_to(world: World):
    world.ingest(terms=NOTE)
    with bundle(world, is_full=True) as files:
        size = json.loads(files.read("bundle.json"))["size"]
        entries = list(world.estate.pipeline.stores.log.entries(0, size))
        for entry in entries:
            record = json.loads(entry)
            plaintext = files.read(f"bodies/{record['id']}.bin")
            assert commit_body(plaintext) == record["body"]["commitment"]
        assert any(b"Smith" in files.read(name) for name in files.namelist())


def test_both_kinds_of_bundle_verify_by_a_stranger(deployed: World):
    deployed.estate.serving.answer(deployed.actor("dana"), "triage", QUESTION, subject="case-7")
    for is_full in (False, True):
        assert "holds" in verified(deployed, is_full=is_full)
    check_everything(deployed.estate)


def test_an_export_says_what_it_holds_and_is_an_act(world: World):
    file = io.BytesIO()
    exported = world.estate.history.export(world.actor("ada"), file, is_full=True)
    record = world.estate.history.act(world.actor("ada"), exported.act)
    assert record["act"] == "evidence.export"
    assert record["facts"] == {
        "disclosed": exported.disclosed,
        "is_full": True,
        "size": exported.size,
    }


def test_a_changed_bundle_does_not_verify(world: World):
    world.ingest()
    changed = io.BytesIO()
    with bundle(world) as files, zipfile.ZipFile(changed, "w") as target:
        for name in files.namelist():
            content = bytearray(files.read(name))
            if name.startswith("log/tile/entries/"):
                content[len(content) // 2] ^= 1
            target.writestr(name, bytes(content))
    said = verify_bundle(
        changed.getvalue(), vkey=str(world.estate.pipeline.stores.log.key), holds=False
    )
    assert "DOES NOT HOLD" in said


def test_a_bundle_of_another_log_does_not_verify_by_this_key(world: World):
    file = io.BytesIO()
    world.estate.history.export(world.actor("ada"), file)
    key = str(world.estate.pipeline.stores.log.key)
    other = key[:-8] + ("AAAA" if key[-8:-4] != "AAAA" else "BBBB") + key[-4:]
    with pytest.raises(AssertionError):
        verify_bundle(file.getvalue(), vkey=other)
