"""A command for each verb, with arguments, options and help from its signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer

from freehold.cli._run import run
from freehold.cli.errors import UsageError
from freehold.verbs import TEXT_FILE, VERBS, Parameter, Verb

SIGNED = frozenset(
    (
        "charter.statement",
        "charter.ratify",
        "people.challenge",
        "people.statement",
        "people.login",
        "people.approve",
    )
)
"""Verbs that carry signatures; commands of their own sign and call them in one step."""

TRIAL = "TRIAL estate: its evidence says nothing of an organisation"

DOWNLOADS = frozenset(("ledger.export", "models.fetch", "stamp.fetch", "stamp.request"))


def add_verbs(app: typer.Typer) -> dict[str, typer.Typer]:
    """Add every verb under its noun; returns the nouns for commands of one's own."""
    nouns: dict[str, typer.Typer] = {}
    for path, verb in VERBS.items():
        if verb.noun not in nouns:
            nouns[verb.noun] = typer.Typer(no_args_is_help=True, help=_NOUN_HELP[verb.noun])
            app.add_typer(nouns[verb.noun], name=verb.noun)
        if path not in SIGNED:
            nouns[verb.noun].command(verb.name.replace("_", "-"), help=verb.help)(_command(verb))
    return nouns


_NOUN_HELP = {
    "estate": "The estate as a whole.",
    "charter": "The organisation's ratified requirements.",
    "people": "People, their roles, tokens and approvals.",
    "access": "Roles taken in an emergency, and reviews of who may what.",
    "recovery": "The keys when their passphrase is lost.",
    "policy": "Policies: shown, explained, tested, simulated, changed.",
    "data": "Datasets: ingested, cleared, shown, erased.",
    "training": "Training runs.",
    "evaluation": "Evaluation by plans fixed beforehand.",
    "models": "The model registry.",
    "serving": "Deployments and their answers.",
    "ledger": "Acts, receipts, lineage, evidence.",
    "stamp": "Time stamps of checkpoints by authorities outside (RFC 3161).",
    "stream": "Audit streams to a SIEM.",
    "witness": "Witnesses of the log: the estate's own, and being one of others' logs.",
    "backup": "Bundles: made, checked, restored.",
}


def _command(verb: Verb) -> Callable[..., None]:
    parameters = [_parameter(p) for p in verb.parameters]
    if verb.upload is not None:
        source = Annotated[Path, typer.Argument(exists=True, help="File, or folder of texts.")]
        parameters.insert(1, _inspected(verb.upload.name, source, inspect.Parameter.empty))
    if verb.path in DOWNLOADS:
        target = Annotated[Path, typer.Option("--out", help="File to write; must not exist.")]
        parameters.append(_inspected("out", target, inspect.Parameter.empty))
    as_json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
    parameters.append(_inspected("as_json", as_json, False))
    parameters.insert(0, _inspected("context", typer.Context, inspect.Parameter.empty))

    def command(**given: Any) -> None:
        context: typer.Context = given.pop("context")
        is_json: bool = given.pop("as_json")
        target: Path | None = given.pop("out", None)

        def call() -> Any:
            arguments = {k: _plain(verb, k, v) for k, v in given.items() if v is not None}
            with context.obj.session() as session:
                if target is not None:
                    result = session.download(verb.path, target, **arguments)
                else:
                    result = session.call(verb.path, **arguments)
                if session.is_trial and not is_json:
                    typer.secho(TRIAL, fg="yellow", err=True)
                return result

        run(call, as_json=is_json, doing=f"{verb.noun} {verb.name}")

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return command


def _inspected(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=annotation)


def _parameter(p: Parameter) -> inspect.Parameter:
    """A verb's parameter as Typer wants it; required ones without a natural value stay required."""
    kind, empty = _cli_type(p), inspect.Parameter.empty
    if not p.is_option:
        default = empty if p.is_required else p.default
        return _inspected(p.name, Annotated[kind, typer.Argument()], default)
    flag = "--" + p.name.replace("_", "-")
    if p.name == "format":  # the name of the file tells it
        return _inspected(p.name, Annotated[kind | None, typer.Option(flag)], None)
    if get_origin(p.type) is not None and kind == list[str]:
        default = empty if p.is_required else []
        return _inspected(p.name, Annotated[kind, typer.Option(flag)], default)
    default = empty if p.is_required else (None if kind is Path else p.default)
    return _inspected(
        p.name, Annotated[kind | None if default is None else kind, typer.Option(flag)], default
    )


def _cli_type(p: Parameter) -> Any:
    if getattr(p.type, "__metadata__", ())[:1] == (TEXT_FILE,):
        return Path
    if get_origin(p.type) in (tuple, Mapping) or get_origin(p.type) is dict:
        return list[str]
    return p.type


def _plain(verb: Verb, name: str, value: Any) -> Any:
    """What was typed, as the verb's plain argument."""
    declared = next((p for p in verb.parameters if p.name == name), None)
    if declared is None:
        return value
    if isinstance(value, Path):
        return _read_text(value)
    if isinstance(value, StrEnum):
        return value.value
    origin = get_origin(declared.type)
    if origin is not None and issubclass(origin, Mapping) and len(get_args(declared.type)) == 2:
        return dict(_pair(name, each) for each in value)
    return value


def _pair(name: str, text: str) -> tuple[str, float]:
    key, equals, number = text.partition("=")
    try:
        if equals:
            return key, float(number)
    except ValueError:
        pass
    raise UsageError(
        "cli.pair", f"--{name} takes metric=number like accuracy=0.9, got {text!r:.60}"
    )


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("cli.file", f"{path} cannot be read as text: {error}") from error
