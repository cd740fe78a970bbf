"""Growing a trial estate fast, with genuine records: answers in bulk, as the pipeline writes them.

Every record lies in the ledger with its body in the vault, its tiles, its checkpoint and its rows
in the catalog; only deciding is left out, since every answer is to the same question.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import msgspec
from trial import COLUMNS, REPLY, Trial

from freehold.kernel import canonical, format_time, new_id
from freehold.kernel.acts import Body, Output, Record, SealedBody
from freehold.kernel.keys import Keyring
from freehold.kernel.vault import BodyAt

GROUP, THREADS = 4_096, 256  # records that are made at a time, and threads that append them
DOMAINS = 4_096  # of one transaction


@dataclass(frozen=True, slots=True)
class Made:
    """Identity of a record, and what its entry says of its body."""

    id: str
    domain: str


@dataclass(frozen=True, slots=True)
class Form:
    """The canonical entry of an answer, cut where one differs from the next."""

    body: Body
    parts: tuple[str, ...]

    @classmethod
    def of(cls, record: Record) -> Form:
        """Cut the entry of `record`; all get a body of the same words."""
        body = Body.make(COLUMNS, REPLY)
        sealed = SealedBody(BodyAt(7, 7, 7), body.commitment, "<domain>")
        blank = msgspec.structs.replace(
            record,
            id="<id>",
            time="<time>",
            outputs=(Output(ref="decision:<id>"),),
            decision=msgspec.structs.replace(record.decision, request=body.request),
            body=sealed,
        )
        text = canonical(msgspec.to_builtins(blank)).decode().replace("7,7,7", "<at>")
        return cls(body, tuple(re.split("<(at|domain|id|time)>", text)))

    def fill(self, made: Made, *, at: list[int], time: str) -> bytes:
        """Give the entry of one answer."""
        values = {"at": ",".join(map(str, at)), "domain": made.domain, "id": made.id, "time": time}
        return "".join([values.get(part, part) for part in self.parts]).encode()


def grow(trial: Trial, records: int, domains: int) -> None:
    """Add `domains` key domains and as many answers, spread over them, as make `records`."""
    trial.answer()
    pipeline = trial.pipeline
    log = pipeline.stores.log
    form = Form.of(pipeline.record(log.size - 1))
    made = _spread(max(records - log.size, 0), _new_domains(pipeline.stores.keyring, domains))
    with ThreadPoolExecutor(THREADS) as pool:  # they append together, in large groups
        while group := list(islice(made, GROUP)):
            entries = [_entry(trial, form, each) for each in group]
            deque(pool.map(log.append, entries), maxlen=0)
    log.publish()


def _entry(trial: Trial, form: Form, made: Made) -> bytes:
    pipeline = trial.pipeline
    at = pipeline.stores.vault.put_body(made.domain, made.id, form.body.plaintext)
    return form.fill(made, at=list(at), time=format_time(pipeline.clock.now()))


def _spread(records: int, domains: Iterator[str]) -> Iterator[Made]:
    """Give each domain its share of the records, one domain after another."""
    known = list(domains)
    for number, domain in enumerate(known):
        share = records * (number + 1) // len(known) - records * number // len(known)
        for _ in range(share):
            yield Made(new_id(), domain)


def _new_domains(keyring: Keyring, count: int) -> Iterator[str]:
    """Make key domains, many in one transaction."""
    while count > 0:
        ids = [new_id() for _ in range(min(count, DOMAINS))]
        keyring.new_domains(ids)
        yield from ids
        count -= len(ids)
