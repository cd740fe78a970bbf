"""Commands that are more than one verb: init, ratify, approve, login, up, demo, rebuild."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from freehold.charter import Charter, check_complete, template
from freehold.cli._audit import audit
from freehold.cli._backup import restore_backup
from freehold.cli._context import (
    Context,
    new_passphrase,
    next_passphrase,
    parse_address,
    read_passphrase,
)
from freehold.cli._doctor import doctor
from freehold.cli._recovery import add_recovery
from freehold.cli._run import run
from freehold.cli._upgrade import upgrade_command
from freehold.cli._witness import add_witness
from freehold.estate import Estate
from freehold.kernel.keys import PassphraseCustody
from freehold.kernel.signatures import sign
from freehold.session import socket_path

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Key = Annotated[
    Path, typer.Option("--key", help="Your SSH Ed25519 key: private, or public of an agent's.")
]


def add_commands(app: typer.Typer, nouns: dict[str, typer.Typer]) -> None:
    """Add them where a user looks for them."""
    app.command("init")(init)
    app.command("up")(up)
    app.command("login")(login)
    app.command("approve")(approve)
    app.command("demo")(demo)
    app.command("doctor")(doctor)
    app.command("audit")(audit)
    app.command("upgrade")(upgrade_command)
    nouns["charter"].command("template")(charter_template)
    nouns["charter"].command("ratify")(ratify)
    nouns["estate"].command("rotate-custody")(rotate_custody)
    add_recovery(nouns["recovery"])
    add_witness(nouns["witness"])
    nouns["backup"].command("restore")(restore_backup)
    catalog = typer.Typer(no_args_is_help=True, help="The queryable picture of the estate.")
    catalog.command("rebuild")(rebuild)
    app.add_typer(catalog, name="catalog")


def init(
    context: typer.Context,
    *,
    charter: Annotated[str, typer.Argument(help="The charter, TOML.")] = "charter.toml",
    trial: Annotated[bool, typer.Option(help="One owner suffices; marked trial for ever.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make an estate from a charter file; where there is none yet, write a template to edit.

    Nothing else is possible until its owners have ratified it.
    """

    def call() -> dict[str, Any]:
        folder = Path(_context(context).where)
        if not Path(charter).exists():
            Path(charter).write_text(template())
            return {
                "written": charter,
                "next": f"replace everything marked REPLACE, then freehold init {charter}",
            }
        text = Path(charter).read_bytes()
        check_complete(Charter.parse(text), trial=trial)  # before a passphrase is asked for
        custody = PassphraseCustody(new_passphrase())
        with Estate.create(folder, text, custody, is_trial=trial) as estate:
            status = estate.charter.status()
            return {
                "estate": estate.pipeline.circumstances.estate.id,
                "folder": str(folder),
                "trial": trial,
                "vkey": str(estate.pipeline.stores.log.key),
                "charter": status.ref,
                "ratifications_missing": status.missing,
                "next": "each owner: freehold charter ratify --as CODE --key ~/.ssh/id_ed25519",
            }

    run(call, as_json=as_json, doing="init")


def up(
    context: typer.Context,
    *,
    listen: Annotated[str, typer.Option(help="HOST:PORT besides the local socket.")] = "",
    tls_certificate: Annotated[Path | None, typer.Option(exists=True)] = None,
    tls_key: Annotated[Path | None, typer.Option(exists=True)] = None,
) -> None:
    """Hold the estate and serve it: verbs for command line and REST, answers of deployments."""

    from freehold.api import Listen, serve  # the web framework takes a second to import

    def call() -> None:
        folder = Path(_context(context).where)
        host, port = parse_address(listen)
        where = Listen(socket_path(folder), host, port, tls_certificate, tls_key)
        where.check()
        with Estate.open(folder, PassphraseCustody(read_passphrase())) as estate:
            typer.echo(f"serving {folder} at {where.socket}" + (f" and {listen}" if listen else ""))
            estate.streams.start()
            estate.asker.start()
            serve(estate, where)

    run(call, as_json=False, doing="up", shows=False)


def ratify(
    context: typer.Context,
    *,
    owner: Annotated[str, typer.Option("--as", help="Your code in the charter.")],
    key: Key,
    as_json: AsJson = False,
) -> None:
    """Ratify the newest charter with your own key; the last owner needed puts it in force."""

    def call() -> Any:
        with _context(context).session() as session:
            statement = session.call("charter.statement", owner)
            return session.call("charter.ratify", statement, sign(statement.encode(), key))

    run(call, as_json=as_json, doing="charter ratify")


def login(
    context: typer.Context,
    *,
    person: Annotated[str, typer.Option("--as", help="Your code in the estate.")],
    key: Key,
    as_json: AsJson = False,
) -> None:
    """Get a token by signing with your own key, and keep it for later commands."""

    def call() -> dict[str, Any]:
        with _context(context).session() as session:
            statement = session.call("people.challenge", person)
            issued = session.call("people.login", statement, sign(statement.encode(), key))
        _context(context).keep_token(issued["token"])
        return {"person": person, "expires": issued["expires"], "kept": "for later commands"}

    run(call, as_json=as_json, doing="login")


def approve(
    context: typer.Context,
    *,
    act: Annotated[str, typer.Argument(help="The act to approve, model.promote.")],
    resource: Annotated[str, typer.Argument(help="Its resource, model:triage@1.")],
    person: Annotated[str, typer.Option("--as", help="Your code in the estate.")],
    key: Key,
    as_json: AsJson = False,
) -> None:
    """Approve another person's act, signed with your own key over what the thing is now."""

    def call() -> dict[str, Any]:
        with _context(context).session() as session:
            statement = session.call("people.statement", person, act, resource=resource)
            recorded = session.call("people.approve", statement, sign(statement.encode(), key))
        return {"approval": recorded, **json.loads(statement)}

    run(call, as_json=as_json, doing="approve")


def charter_template(
    organisation: Annotated[
        str, typer.Option(help="The organisation's name.")
    ] = "Our Organisation",
) -> None:
    """Print a commented charter to start from."""
    typer.echo(template(organisation), nl=False)


def rebuild(context: typer.Context, as_json: AsJson = False) -> None:
    """Throw the catalog away and project the whole ledger again. Always safe."""

    def call() -> dict[str, Any]:
        folder = Path(_context(context).where)
        with Estate.open(folder, PassphraseCustody(read_passphrase())) as estate:
            return {"records": estate.pipeline.rebuild()}

    run(call, as_json=as_json, doing="catalog rebuild")


def rotate_custody(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Put the estate's keys under a new passphrase; no blob is encrypted again.

    The new one comes from the file that FREEHOLD_NEW_PASSPHRASE_FILE names, or is asked for twice.
    """

    def call() -> dict[str, Any]:
        where = _context(context)
        with Estate.open(Path(where.where), PassphraseCustody(read_passphrase())) as estate:
            actor = estate.people.authenticate(where.token())
            estate.upkeep.rotate_custody(actor, PassphraseCustody(next_passphrase()))
        return {"rotated": True, "next": "keep the new passphrase where the old one was"}

    run(call, as_json=as_json, doing="estate rotate-custody")


def demo(
    data: Annotated[Path | None, typer.Option(exists=True, help="Your own table or texts.")] = None,
    label: Annotated[str, typer.Option(help="The column to predict in --data.")] = "",
    folder: Annotated[str, typer.Option(help="Where the demo's estate goes.")] = "demo-estate",
) -> None:
    """Run the whole line once on real input, and let a stranger prove it."""
    from freehold.demo import run_demo  # brings scikit-learn, as `up` brings the web framework

    def call() -> None:
        run_demo(Path(folder), data=data, label=label)

    run(call, as_json=False, doing="demo", shows=False)


def _context(context: typer.Context) -> Context:
    found: Context = context.obj
    return found
