"""The application of the command line, built when it is called."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from freehold.cli._commands import add_commands
from freehold.cli._context import TOKEN_FILE, Context
from freehold.cli._generate import add_verbs

ESTATE = "FREEHOLD_ESTATE"


def build_app() -> typer.Typer:
    """Build the commands."""
    app = typer.Typer(
        name="freehold",
        help="Freehold: own your AI outright.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,  # its frames would print local values, secrets among them
    )

    @app.callback()
    def options(
        context: typer.Context,
        estate: Annotated[
            str, typer.Option(help="Folder or URL of the estate.", envvar=ESTATE)
        ] = "estate",
        token_file: Annotated[
            Path | None, typer.Option(help="0600 file with your token.", envvar=TOKEN_FILE)
        ] = None,
    ) -> None:
        context.obj = Context(estate, token_file)

    add_commands(app, add_verbs(app))
    return app


def main() -> None:
    """Run the command line."""
    os.umask(0o077)  # whatever it writes is this user's alone
    build_app()()
