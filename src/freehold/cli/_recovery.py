"""Commands for the keys when their passphrase is lost, and for being ready for it.

They open the estate themselves: what recovers it goes over no socket, is no argument, and is
written to no place but the files that somebody asked for.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from freehold.cli._context import Context, next_passphrase, read_passphrase, read_secret
from freehold.cli._run import run
from freehold.cli.errors import UsageError
from freehold.estate import Estate
from freehold.kernel.acts import Actor
from freehold.kernel.keys import PassphraseCustody, RecoveryCustody, combine_shares
from freehold.kernel.signatures import sign

SHARES_MAX = 16

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Shares = Annotated[
    list[Path], typer.Option("--share", help="0600 file with a share; as often as needed.")
]
Identity = Annotated[
    Path | None, typer.Option("--identity", help="0600 file with an age identity, instead.")
]


def add_recovery(noun: typer.Typer) -> None:
    """Add them beside the verbs of recovery."""
    noun.command("set-up")(set_up)
    noun.command("drill")(drill)
    noun.command("use")(use)


def set_up(
    context: typer.Context,
    *,
    shares: Annotated[int, typer.Option(help="Into how many shares, up to 16.")] = 0,
    threshold: Annotated[int, typer.Option(help="How many of them it takes, 2 or more.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="New folder for the shares, one file for each holder.")
    ] = None,
    recipient: Annotated[
        list[str], typer.Option(help="An age public key that recovers alone, instead of shares.")
    ] = [],  # noqa: B006  # Typer reads it and never changes it
    as_json: AsJson = False,
) -> None:
    """Make the keys recoverable when their passphrase is lost; another owner approves it first.

    Shares are shown this once. Hand each to another person, then delete the files.
    """

    def call() -> dict[str, Any]:
        _check_way(shares, threshold, recipient)
        if not recipient and out is None and (as_json or not sys.stdout.isatty()):
            raise UsageError(
                "cli.recovery",
                "shares are shown at a terminal or written to files, and nowhere else",
                "name a new folder with --out",
            )
        where = _context(context)
        with _opened(where, PassphraseCustody(read_passphrase())) as (estate, actor):
            if recipient:
                made = estate.recovery.set_up_recipients(actor, recipient)
            else:
                made = estate.recovery.set_up_shares(
                    actor,
                    shares=shares,
                    threshold=threshold,
                    hand_out=_hand_out(out, threshold),
                )
        told = {"recovery": made, "next": "freehold recovery drill, before it is needed"}
        return told | ({"shares_in": str(out)} if out else {})

    run(call, as_json=as_json, doing="recovery set-up")


def drill(
    context: typer.Context,
    *,
    share: Shares = [],  # noqa: B006  # as above
    identity: Identity = None,
    as_json: AsJson = False,
) -> None:
    """Prove that what people hold opens the keys as they are now; nothing is changed."""

    def call() -> dict[str, Any]:
        where = _context(context)
        with _opened(where, PassphraseCustody(read_passphrase())) as (estate, actor):
            custody = _custody(share, identity)
            done = estate.recovery.drill(actor, custody, shares=len(share))
        return {"works": True, "recovery": done.recovery, "milliseconds": done.milliseconds}

    run(call, as_json=as_json, doing="recovery drill")


def use(
    context: typer.Context,
    *,
    share: Shares = [],  # noqa: B006  # as above
    identity: Identity = None,
    person: Annotated[
        str, typer.Option("--as", help="Your code, to sign as yourself instead of by token.")
    ] = "",
    key: Annotated[Path | None, typer.Option(help="Your SSH Ed25519 key, with --as.")] = None,
    as_json: AsJson = False,
) -> None:
    """Open the keys by shares or an age identity, and set a new passphrase.

    The new one comes from the file that FREEHOLD_NEW_PASSPHRASE_FILE names, or is asked for twice.
    """

    def call() -> dict[str, Any]:
        where = _context(context)
        custody = _custody(share, identity)
        with _opened(where, custody, person=person, key=key) as (estate, actor):
            recovery = estate.recovery.use(actor, custody, PassphraseCustody(next_passphrase()))
        return {
            "recovery": recovery,
            "next": "set up another recovery and revoke this one: its shares were together",
        }

    run(call, as_json=as_json, doing="recovery use")


@contextmanager
def _opened(
    where: Context,
    custody: PassphraseCustody | RecoveryCustody,
    *,
    person: str = "",
    key: Path | None = None,
) -> Iterator[tuple[Estate, Actor]]:
    """Open the estate in this process, and find out who calls: by signature, else by token."""
    if bool(person) is (key is None):
        raise UsageError("cli.person", "--as and --key go together")
    with Estate.open(Path(where.where), custody) as estate:
        token = where.token()
        if key is not None:
            said = estate.people.statement(person, "token.login").message()
            token = estate.people.login(said, sign(said, key)).token
        yield estate, estate.people.authenticate(token)


def _check_way(shares: int, threshold: int, recipients: Sequence[str]) -> None:
    """Refuse what is neither shares nor recipients, before the estate is opened."""
    if recipients and (shares or threshold):
        raise UsageError("cli.recovery", "shares or recipients, not both", "set up two recoveries")
    if not recipients and not 2 <= threshold <= shares <= SHARES_MAX:
        raise UsageError(
            "cli.recovery",
            f"expected --shares up to {SHARES_MAX} with a --threshold of 2 or more among them, "
            f"got {shares} and {threshold}",
            "for five holders of whom any three suffice: --shares 5 --threshold 3",
        )


def _hand_out(out: Path | None, threshold: int) -> Callable[[str, Sequence[str]], None]:
    """Write each share to a file of its own that nobody else can read, or show it at a terminal."""

    def write(recovery: str, words: Sequence[str]) -> None:
        texts = [
            _share_text(recovery, n, total=len(words), of=threshold, words=each)
            for n, each in enumerate(words, 1)
        ]
        if out is None:
            for text in texts:
                typer.echo(text)
            return
        try:
            out.mkdir(mode=0o700)
            for number, text in enumerate(texts, 1):
                path = out / f"share-{number}-of-{len(texts)}.txt"
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "w") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as error:
            raise UsageError(
                "cli.file", f"{out} cannot be written: {error.strerror}", "name a new folder"
            ) from error

    return write


def _share_text(recovery: str, number: int, *, total: int, of: int, words: str) -> str:
    listed = words.split()
    lines = [" ".join(listed[start : start + 11]) for start in range(0, len(listed), 11)]
    return (
        f"# Freehold: share {number} of {total}; {of} of them recover the keys of an estate.\n"
        f"# recovery {recovery}\n" + "\n".join(lines) + "\n"
    )


def _custody(shares: Sequence[Path], identity: Path | None) -> RecoveryCustody:
    """Read what recovers: from files, or asked for at the terminal without being shown."""
    if identity is not None:
        if shares:
            raise UsageError("cli.recovery", "shares or an identity, not both")
        return RecoveryCustody(_without_comments(read_secret(identity)))
    if shares:
        return RecoveryCustody(combine_shares([_without_comments(read_secret(p)) for p in shares]))
    if not sys.stdin.isatty():
        raise UsageError(
            "cli.recovery",
            "shares are needed and there is no terminal to ask at",
            "name a 0600 file for each with --share, or one identity with --identity",
        )
    typed: list[str] = []
    while text := getpass.getpass(f"share {len(typed) + 1} (empty: that was all): ").strip():
        typed.append(text)
    return RecoveryCustody(combine_shares(typed))


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("#"))


def _context(context: typer.Context) -> Context:
    found: Context = context.obj
    return found
