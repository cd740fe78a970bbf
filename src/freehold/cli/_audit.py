"""`freehold audit`: an estate looked at from outside, and with `--deep` from within; once or again
and again.

Exit status: 0 nothing found, 1 something was, 2 wrong usage, 3 refused by policy.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from freehold.audit import (
    AuditError,
    Counts,
    Finding,
    FolderAudit,
    Pin,
    Report,
    Result,
    Severity,
    Trust,
    read_key,
    read_memory,
    read_note,
    read_witness,
    write_memory,
)
from freehold.cli._context import Context
from freehold.cli._render import render_error
from freehold.cli._run import DENIED
from freehold.cli.errors import UsageError
from freehold.estate import ROOMS
from freehold.kernel import FreeholdError
from freehold.kernel.acts import Registry

USAGE = 2
PROGRESS_SECONDS = 0.2  # between two words of progress on a terminal
_COLOURS = {Severity.alarm: "bold red", Severity.fault: "red", Severity.notice: "dim"}
_CONCLUSIONS = {
    Result.holds: "[bold green]HOLDS[/]",
    Result.internal: "[bold yellow]INTERNALLY CONSISTENT ONLY[/]: nothing from outside vouches for"
    " this history. Whoever has the log's key could have written it anew; --vkey and --pin tell",
    Result.broken: "[bold red]BROKEN[/]",
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the options say."""

    where: Context
    trust: Trust
    state: Path | None
    is_deep: bool
    as_json: bool


def audit(
    context: typer.Context,
    *,
    deep: Annotated[
        bool, typer.Option(help="Open the estate, or ask its server: every body, key and row.")
    ] = False,
    vkey: Annotated[str, typer.Option(help="The log's vkey that you trust, or its file.")] = "",
    pin: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint that was seen earlier or elsewhere.")
    ] = None,
    promise: Annotated[list[Path] | None, typer.Option(help="A promise of the log.")] = None,
    witness: Annotated[
        list[str] | None, typer.Option(help="A witness's vkey, or its file.")
    ] = None,
    witness_note: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint that a --witness cosigned.")
    ] = None,
    witness_url: Annotated[
        list[str] | None, typer.Option(help="Where a --witness tells what it saw.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="Your own memory of what you saw, apart from the estate.")
    ] = None,
    watch: Annotated[float, typer.Option(help="Again after so many seconds.")] = 0.0,
    rounds: Annotated[int, typer.Option(help="With --watch: end after so many rounds.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON for each round.")] = False,
) -> None:
    """Hold an estate against itself and against what was seen of it; say what is wrong.

    Needs no passphrase, changes nothing, and works beside a server. --deep opens every body, checks
    signatures and keys and compares the catalog with a new one; that is an act and needs a token.
    """
    where: Context = context.obj
    try:
        cosigners = tuple(map(read_witness, witness or ()))
        if (witness_note or witness_url) and not cosigners:
            raise UsageError(
                "cli.witness", "what a witness saw is believed by its key", "give it as --witness"
            )
        trust = Trust(
            key=read_key(vkey) if vkey else None,
            pins=(
                *(Pin(read_note(path), str(path)) for path in pin or ()),
                *(Pin(read_note(path), str(path), cosigners) for path in witness_note or ()),
            ),
            promises=tuple((str(path), read_note(path)) for path in promise or ()),
            witnesses=cosigners,
            urls=tuple(witness_url or ()),
        )
        asked = _Asked(where, trust, _apart(state, where), deep, as_json)
        is_clean = all(_told(asked, watch, rounds))
    except (AuditError, UsageError) as error:
        render_error(Console(stderr=not as_json), error, as_json=as_json)
        raise typer.Exit(USAGE) from None
    except FreeholdError as error:
        render_error(Console(stderr=not as_json), error, as_json=as_json)
        raise typer.Exit(DENIED if error.code == "policy.denied" else 1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    if not is_clean:
        raise typer.Exit(1)


def _apart(state: Path | None, where: Context) -> Path | None:
    """The auditor's memory, which must not lie where the estate's own user writes."""
    if state is not None and state.resolve().is_relative_to(Path(where.where).resolve()):
        raise UsageError(
            "cli.state",
            f"{state} lies within the estate, where it vouches for nothing",
            "keep it on your own machine, or where the estate's user cannot write",
        )
    return state


def _told(asked: _Asked, seconds: float, rounds: int) -> Iterator[bool]:
    """Make each round, tell of it, and yield whether nothing was wrong."""
    is_clean = True
    for report, before in _rounds(asked, seconds, rounds):
        if asked.as_json:
            sys.stdout.write(json.dumps(asdict(report), ensure_ascii=False) + "\n")
            sys.stdout.flush()
        else:
            _print(report, before)
        is_clean = is_clean and report.result is not Result.broken
    yield is_clean


def _rounds(asked: _Asked, seconds: float, rounds: int) -> Iterator[tuple[Report, Report | None]]:
    is_remote = "://" in asked.where.where
    if is_remote and not asked.is_deep:
        raise UsageError("cli.audit", "a folder is audited, or --deep an estate at a URL")
    progress = _Progress(asked.as_json)
    outer = None
    if not is_remote:
        memory = read_memory(asked.state) if asked.state else None
        outer = FolderAudit(
            Path(asked.where.where),
            Registry(ROOMS),
            trust=asked.trust,
            memory=memory,
            progress=progress.tell,
        )
    before: Report | None = None
    for number in range(1, sys.maxsize):
        reports = [outer.round()] if outer else []
        if asked.is_deep:
            progress.tell("the estate from within", 0, 0)
            reports.append(_deep(asked.where, blobs=is_remote))
        progress.end()
        report = _joined(reports)
        if outer is not None and asked.state is not None and outer.memory is not None:
            write_memory(asked.state, outer.memory)
        yield report, before
        if not seconds or number == rounds:
            return
        before = report
        time.sleep(seconds)


def _deep(where: Context, *, blobs: bool) -> Report:
    with where.session() as session:
        return _read_report(session.call("estate.audit", blobs=blobs))


def _read_report(told: dict[str, Any]) -> Report:
    findings = tuple(
        Finding(**{**each, "severity": Severity(each["severity"]), "where": tuple(each["where"])})
        for each in told["findings"]
    )
    return Report(
        **{
            **told,
            "result": Result(told["result"]),
            "trust": tuple(told["trust"]),
            "counts": Counts(**told["counts"]),
            "findings": findings,
            "notes": tuple(told["notes"]),
        }
    )


def _joined(reports: list[Report]) -> Report:
    """One report of what was seen from outside and from within."""
    outer, *inner = reports
    if not inner:
        return outer
    (within,) = inner
    findings = (*outer.findings, *within.findings)
    is_broken = Result.broken in (outer.result, within.result)
    return replace(
        outer,
        depth="deep",
        result=Result.broken if is_broken else outer.result,
        findings=tuple(sorted(findings, key=lambda each: list(Severity).index(each.severity))),
        counts=replace(outer.counts, bodies=within.counts.bodies, domains=within.counts.domains),
    )


class _Progress:
    """What is under way, on a terminal, in one line."""

    def __init__(self, as_json: bool) -> None:
        self._is_shown = sys.stderr.isatty() and not as_json
        self._next = 0.0

    def tell(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if self._is_shown and now >= self._next:
            self._next = now + PROGRESS_SECONDS
            of = f" {done:,} of {total:,}" if total else ""
            sys.stderr.write(f"\r\x1b[Kaudit: {what}{of} …")
            sys.stderr.flush()

    def end(self) -> None:
        if self._is_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _print(report: Report, before: Report | None) -> None:
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    counts = report.counts
    console.print(
        f"{report.log}: {report.size:,} records under the newest checkpoint"
        + (f" ({report.size - before.size:+,})" if before else ""),
        markup=False,
    )
    console.print(
        f"  looked at {counts.records:,} records, {counts.bodies:,} bodies, {counts.blobs:,} blobs,"
        f" {counts.domains:,} key domains, {counts.checkpoints:,} kept checkpoints",
        markup=False,
    )
    for each in report.trust:
        console.print(f"  vouched for by {each}", markup=False)
    for note in report.notes:
        console.print(f"  {note}", markup=False)
    known = {(each.code, each.where) for each in before.findings} if before else set()
    for finding in report.findings:
        _print_finding(console, finding, is_new=(finding.code, finding.where) not in known)
    for gone in before.findings if before else ():
        if (gone.code, gone.where) not in {(f.code, f.where) for f in report.findings}:
            console.print(f"  no longer there: {gone.code} ({', '.join(gone.where)})", markup=False)
    console.print(f"Conclusion: {_CONCLUSIONS[report.result]}")


def _print_finding(console: Console, finding: Finding, *, is_new: bool) -> None:
    say: Callable[..., None] = console.print
    colour = _COLOURS[finding.severity]
    places = ", ".join(finding.where)
    rest = finding.count - len(finding.where)
    say(f"[{colour}]{finding.severity} {finding.code}[/]" + ("" if is_new else " (as before)"))
    say(f"  at {places}" + (f" and {rest:,} more" if rest else ""), markup=False)
    say(f"  expected {finding.expected}", markup=False)
    if finding.got:
        say(f"  got {finding.got}", markup=False)
    say(f"  means: {finding.means}", markup=False)
    say(f"  → {finding.next}", markup=False)
