"""Verbs of the line from data to answers, and of its proof."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from freehold.data import (
    Dataset,
    DatasetGap,
    DatasetVersion,
    Format,
    Provenance,
    ReadOptions,
    StatedTerms,
)
from freehold.estate import Estate
from freehold.evaluation import Plan, Result
from freehold.kernel import MalformedError, parse_json
from freehold.kernel.acts import Actor
from freehold.kernel.history import LineageEdge
from freehold.models import ModelVersion
from freehold.serving import Deployment
from freehold.training import Run, Task
from freehold.verbs._verb import Download, TextFile


@dataclass(frozen=True, slots=True)
class NamedAct:
    """One act as a person reads it; the ledger itself holds ids alone."""

    index: int
    time: str
    act: str
    result: str
    who: str
    what: str
    policies: tuple[str, ...]
    id: str


def data_ingest(
    estate: Estate,
    actor: Actor,
    name: str,
    source: BinaryIO,
    *,
    format: Format,
    data_class: str,
    purpose: tuple[str, ...] = (),
    residency: tuple[str, ...] = (),
    owner: str = "",
    terms: str = "",
    delimiter: str = "",
    formulas: str = "refuse",
    sheet: str = "",
) -> DatasetVersion:
    """Bring a file or a folder of texts under governance as a version of a dataset."""
    about = Provenance(
        data_class=data_class,
        purposes=purpose,
        residency=residency,
        owner=str(estate.people.find(owner)) if owner else "",
        terms=terms,
    )
    options = ReadOptions(
        delimiter=delimiter or None, formulas=_formulas(formulas), sheet=sheet or None
    )
    return estate.data.ingest(actor, name, source, format=format, about=about, options=options)


def data_clear(estate: Estate, actor: Actor, dataset: str, *, purpose: tuple[str, ...]) -> Dataset:
    """Say for which purposes a dataset may be used from now on."""
    return estate.data.clear(actor, dataset, purposes=purpose)


def data_set_terms(estate: Estate, actor: Actor, dataset: str, terms: TextFile) -> StatedTerms:
    """State the terms that a dataset came under: supplier, licence, purposes, days."""
    return estate.data.set_terms(actor, dataset, terms)


def data_terms(estate: Estate, actor: Actor, dataset: str) -> StatedTerms:
    """Show the terms that a dataset came under, and how they stand today."""
    return estate.data.terms(actor, dataset)


def data_gaps(estate: Estate, actor: Actor) -> tuple[DatasetGap, ...]:
    """List what is missing from the terms of datasets, or lets others use them for their ends."""
    return estate.data.gaps(actor)


def data_list(estate: Estate, actor: Actor) -> tuple[Dataset, ...]:
    """List the datasets."""
    found = estate.data.list(actor)
    return tuple(replace(each, owner=estate.name_of(each.owner)) for each in found)


def data_show(estate: Estate, actor: Actor, dataset: str) -> DatasetVersion:
    """Show a dataset version with its columns and counts."""
    return estate.data.show(actor, dataset)


def data_erase(estate: Estate, actor: Actor, dataset: str) -> str:
    """Erase a dataset for ever by destroying its key."""
    return estate.data.erase(actor, dataset)


def training_train(
    estate: Estate,
    actor: Actor,
    dataset: str,
    *,
    label: str,
    purpose: str,
    recipe: str = "tabular",
    seed: int = 20_240_801,
    holdout_percent: int = 20,
) -> Run:
    """Train a model on a dataset for a purpose, in a process of its own without network."""
    task = Task(recipe=recipe, label=label, seed=seed, holdout_percent=holdout_percent)
    return estate.training.train(actor, dataset, task, purpose=purpose)


def training_list(estate: Estate, actor: Actor) -> tuple[Run, ...]:
    """List the finished training runs."""
    return estate.training.list(actor)


def training_show(estate: Estate, actor: Actor, run: str) -> Run:
    """Show one training run: data, code, environment, parameters, what it took."""
    return estate.training.show(actor, run)


def evaluation_plan(
    estate: Estate,
    actor: Actor,
    dataset: str,
    *,
    purpose: str,
    part: str = "holdout",
    at_least: Mapping[str, float] = {},  # never changed
    at_most: Mapping[str, float] = {},
) -> Plan:
    """Fix the data and thresholds that models will be judged by, before they are."""
    return estate.evaluation.plan(
        actor, dataset, purpose=purpose, part=part, at_least=at_least, at_most=at_most
    )


def evaluation_run(estate: Estate, actor: Actor, plan: str, run: str) -> Result:
    """Judge a trained run by a plan."""
    return estate.evaluation.run(actor, plan, run)


def evaluation_show(estate: Estate, actor: Actor, plan: str) -> dict[str, Any]:
    """Show a plan and all results by it."""
    return estate.evaluation.show(actor, plan)


def models_register(estate: Estate, actor: Actor, name: str, run: str) -> ModelVersion:
    """Register the model of a run under a name; a draft."""
    return estate.models.register(actor, name, run)


def models_submit(estate: Estate, actor: Actor, model: str) -> ModelVersion:
    """Submit a draft for promotion with its newest evaluation."""
    return estate.models.submit(actor, model)


def models_promote(estate: Estate, actor: Actor, model: str) -> ModelVersion:
    """Put an approved candidate live."""
    return estate.models.promote(actor, model)


def models_retire(estate: Estate, actor: Actor, model: str) -> ModelVersion:
    """Take a model out of use; its file stays retrievable."""
    return estate.models.retire(actor, model)


def models_fetch(estate: Estate, actor: Actor, model: str) -> Download:
    """Open the sealed file of a model and hand it out."""
    content = io.BytesIO(estate.models.weights(actor, model))
    return Download(content, "model.skops", estate.models.find(model))


def models_list(estate: Estate, actor: Actor) -> tuple[ModelVersion, ...]:
    """List every version of every model."""
    return estate.models.list(actor)


def models_show(estate: Estate, actor: Actor, model: str) -> ModelVersion:
    """Show a model version: its run, gate, approvals and status."""
    return estate.models.show(actor, model)


def serving_start(
    estate: Estate, actor: Actor, name: str, model: str, *, purpose: str
) -> Deployment:
    """Let a live model answer under a name."""
    return estate.serving.start(actor, name, model, purpose=purpose)


def serving_stop(estate: Estate, actor: Actor, name: str) -> Deployment:
    """Stop a deployment."""
    return estate.serving.stop(actor, name)


def serving_list(estate: Estate, actor: Actor) -> tuple[Deployment, ...]:
    """List the deployments."""
    return estate.serving.list(actor)


def serving_inputs(estate: Estate, actor: Actor, name: str) -> dict[str, Any]:
    """Show what a deployment takes: its features with their kinds, and its classes."""
    return estate.serving.inputs(actor, name)


def serving_ask(
    estate: Estate, actor: Actor, name: str, rows: str, *, subject: str = ""
) -> dict[str, Any]:
    """Ask a deployment; ROWS is JSON by column, '{"text": ["…"]}'.

    The answer names its decision.
    """
    decision = estate.serving.answer(actor, name, _columns(rows), subject=subject)
    return {
        "decision": decision.id,
        "labels": decision.labels,
        "probabilities": decision.probabilities,
        "classes": decision.classes,
        "promise": estate.history.promise(decision.recorded),
    }


def serving_decision(estate: Estate, actor: Actor, decision: str) -> dict[str, Any]:
    """Open the question and answer of a past decision; itself an act."""
    return estate.serving.decision(actor, decision)


def ledger_acts(
    estate: Estate, actor: Actor, *, resource: str = "", under: str = "", limit: int = 20
) -> tuple[NamedAct, ...]:
    """List the newest acts, with the names that the catalog knows: all, those on one resource, or
    those done under one emergency.
    """
    ref = str(estate.resolve(resource)) if resource else ""
    return tuple(
        NamedAct(
            index=act.index,
            time=act.time,
            act=act.act,
            result=act.error or act.phase,
            who=estate.name_of(act.principal),
            what=estate.name_of(act.resource),
            policies=act.policies,
            id=act.id,
        )
        for act in estate.history.acts(actor, resource=ref, under=under, limit=limit)
    )


def ledger_show(estate: Estate, actor: Actor, act: str) -> dict[str, Any]:
    """Show one record as it stands in the ledger."""
    return estate.history.act(actor, act)


def ledger_receipt(estate: Estate, actor: Actor, act: str) -> str:
    """Write the receipt of an act: the proof, checkable offline, that it is in the ledger."""
    return estate.history.receipt(actor, act)


def ledger_checkpoint(estate: Estate, actor: Actor) -> str:
    """Write the newest signed checkpoint, to be pinned."""
    return estate.history.checkpoint(actor)


def ledger_lineage(estate: Estate, actor: Actor, thing: str) -> tuple[LineageEdge, ...]:
    """Show everything that a thing was made from, back to its sources."""
    edges = estate.history.lineage(actor, str(estate.resolve(thing)))
    return tuple(
        replace(edge, source=estate.name_of(edge.source), target=estate.name_of(edge.target))
        for edge in edges
    )


def ledger_export(estate: Estate, actor: Actor, *, full: bool = False) -> Download:
    """Hand out an evidence bundle that a stranger verifies with freehold_verify.py."""
    file = _in_memory()
    try:
        exported = estate.history.export(actor, file, is_full=full)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return Download(file, "evidence.zip", exported)


def _in_memory() -> BinaryIO:
    """A file for a download, never on disk, since it is plain; whoever receives it closes it."""
    return os.fdopen(os.memfd_create("download", os.MFD_CLOEXEC), "w+b")


def _formulas(text: str) -> Any:
    if text not in ("refuse", "text"):
        raise MalformedError("verb.arguments", f"formulas is refuse or text, got {text!r:.40}")
    return text


def _columns(rows: str) -> dict[str, list[Any]]:
    value = parse_json(rows)
    if not isinstance(value, dict) or not all(isinstance(v, list) for v in value.values()):
        raise MalformedError(
            "verb.arguments", 'rows are JSON by column: {"age": [57], "job": ["clerk"]}'
        )
    return value
