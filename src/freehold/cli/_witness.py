"""Commands of who is a witness of others' logs; they need no estate.

What an estate does with its own witnesses are verbs, beside these under the same noun.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from freehold.cli._context import new_passphrase, parse_address, read_passphrase
from freehold.cli._run import run
from freehold.cli.errors import UsageError
from freehold.kernel.keys import PassphraseCustody
from freehold.kernel.ledger import VerifierKey

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Folder = Annotated[Path, typer.Argument(help="The witness's folder.")]
REQUEST_BYTES_MAX = 1_048_576  # no request is larger; refuse before parsing

_PANEL = "Be a witness"


def add_witness(noun: typer.Typer) -> None:
    """Add the commands to the noun `witness`."""
    noun.command("init", rich_help_panel=_PANEL)(init)
    noun.command("add-log", rich_help_panel=_PANEL)(add_log)
    noun.command("up", rich_help_panel=_PANEL)(up)
    noun.command("cosign", rich_help_panel=_PANEL)(cosign)
    noun.command("show", rich_help_panel=_PANEL)(show)


def init(
    folder: Folder,
    name: Annotated[str, typer.Argument(help="Its name in cosignatures: witness.example/one.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Make a witness: a folder with a sealed key of its own."""
    from freehold.witness import WitnessFolder

    def call() -> dict[str, Any]:
        try:
            key = WitnessFolder.create(folder, name, PassphraseCustody(new_passphrase("witness")))
        except ValueError as error:
            raise UsageError("cli.witness", str(error), "try witness.example/one") from error
        return {
            "folder": str(folder),
            "vkey": str(key),
            "next": f"hand out the vkey; freehold witness add-log {folder} VKEY of each log",
        }

    run(call, as_json=as_json, doing="witness init")


def add_log(
    folder: Folder,
    vkey: Annotated[str, typer.Argument(help="The log's public key, as its estate tells it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Know a log, from its first checkpoint on. The witness must not be running."""
    from freehold.witness import WitnessFolder

    def call() -> dict[str, Any]:
        key = VerifierKey.parse(vkey)
        with WitnessFolder.open(folder, PassphraseCustody(read_passphrase("witness"))) as held:
            held.add_log(key)
            return {"log": key.name, "witness": str(held.witness.key)}

    run(call, as_json=as_json, doing="witness add-log")


def show(folder: Folder, *, as_json: AsJson = False) -> None:
    """Show the witness's public key, its logs, and what it cosigned of each last."""
    from freehold.witness import WitnessFolder

    def call() -> dict[str, Any]:
        with WitnessFolder.open(folder, PassphraseCustody(read_passphrase("witness"))) as held:
            logs = [
                {"origin": log.origin, "size": log.size, "time": log.time, "vkey": log.vkey}
                for log in held.logs()
            ]
            return {"vkey": str(held.witness.key), "logs": logs}

    run(call, as_json=as_json, doing="witness show")


def up(
    folder: Folder,
    *,
    listen: Annotated[str, typer.Option(help="HOST:PORT.")],
    tls_certificate: Annotated[Path | None, typer.Option(exists=True)] = None,
    tls_key: Annotated[Path | None, typer.Option(exists=True)] = None,
) -> None:
    """Witness over HTTP: cosign what logs ask for, show what was cosigned last."""
    from freehold.listening import Address
    from freehold.witness import WitnessFolder, serve  # the web framework takes a second to import

    def call() -> None:
        address = Address(*parse_address(listen), tls_certificate, tls_key)
        address.check()  # before a passphrase is asked for
        with WitnessFolder.open(folder, PassphraseCustody(read_passphrase("witness"))) as held:
            serve(held, address, lambda url: typer.echo(f"witnessing at {url}"))

    run(call, as_json=False, doing="witness up", shows=False)


def cosign(
    folder: Folder,
    request: Annotated[Path, typer.Argument(exists=True, help="From `freehold witness request`.")],
    answer: Annotated[Path, typer.Argument(help="File to write; must not exist.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Answer a request that came by file, across an air gap."""
    from freehold.witness import WitnessFolder

    def call() -> dict[str, Any]:
        with request.open("rb") as file:
            body = file.read(REQUEST_BYTES_MAX)
        custody = PassphraseCustody(read_passphrase("witness"))
        with WitnessFolder.open(folder, custody) as held, _new_file(answer) as written:
            cosigned = held.witness.add_checkpoint(body)
            written.write(cosigned.note.encode())
        return {"answer": str(answer), "next": "freehold witness accept NAME ANSWER at the estate"}

    run(call, as_json=as_json, doing="witness cosign")


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that must not exist; it is removed again if the block fails."""
    try:
        file = path.open("xb")
    except OSError as error:
        raise UsageError(
            "cli.file", f"{path} cannot be written: {error.strerror}", "name a new file"
        ) from error
    try:
        with file:
            yield file
    except BaseException:
        path.unlink()
        raise
