"""The audit within an open estate, as an act of it: every body opened and held against its record,
signatures, keys, documents, and the catalog against one that is projected afresh.

What was found lies in the act's body; its record has counts and a result. It cures nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace

from freehold.audit._findings import Counts, Findings, Report, conclude
from freehold.audit._ledger import check_gaps
from freehold.audit._records import Progress, Records
from freehold.audit._signed import Signatures
from freehold.estate import Estate
from freehold.kernel import FreeholdError, digest
from freehold.kernel.acts import Actor, Pipeline, Record, shadow
from freehold.kernel.catalog import Catalog, differences
from freehold.kernel.keys import DomainErased, UnknownDomain
from freehold.kernel.ledger import LogReader
from freehold.kernel.upkeep import AuditEstate
from freehold.kernel.vault import MissingBlob

DOCUMENT_BYTES_MAX = 4_194_304  # of a policy set; what is larger is no document
_SCRATCH = "audit.db"


def audit_estate(
    estate: Estate,
    actor: Actor,
    *,
    blobs: bool = True,
    progress: Progress = lambda what, done, total: None,
) -> Report:
    """Audit an estate from within; recorded.

    Args:
        blobs: whether blobs are hashed; one who audits the folder as well has done that.

    Raises:
        Denied: policy refuses; recorded.
    """
    pipeline = estate.pipeline
    with pipeline.perform(actor, AuditEstate(), on=pipeline.circumstances.estate) as act:
        report = _Deep(estate, progress).run(hashes_blobs=blobs)
        act.describe(findings=[asdict(finding) for finding in report.findings])
        act.conclude(
            size=report.size,
            bodies=report.counts.bodies,
            blobs=report.counts.blobs,
            findings=sum(finding.count for finding in report.findings),
            result=report.result.value,
        )
    return report


class _Deep:
    """One audit of an open estate."""

    def __init__(self, estate: Estate, progress: Progress) -> None:
        self._estate = estate
        self._pipeline: Pipeline = estate.pipeline
        self._stores = estate.pipeline.stores
        self._progress = progress
        self._findings = Findings()
        self._signatures = Signatures(estate.pipeline.circumstances.estate.id)
        self._documents: dict[str, str] = {}  # digest of a policy set by the name of its blob

    def run(self, *, hashes_blobs: bool) -> Report:
        self._stores.log.publish()
        reader, findings = self._stores.log.reader(), self._findings
        with self._stores.vault.scan() as scan:
            origin = self._stores.log.key.name
            records = Records(self._pipeline.registry, origin, bodies=scan, opens=True)
            records.read(reader, findings, self._progress, self._look_at)
        check_gaps(reader, records.chronicle.pruned, findings)
        for index in records.chronicle.unfinished():
            findings.add("record.unfinished", f"record {index}")
        counts = Counts(records=records.known, bodies=records.bodies)
        if hashes_blobs:
            counts = replace(counts, blobs=self._hash_blobs(records))
        self._read_documents()
        self._progress("keys", 0, 0)
        counts = replace(counts, domains=self._check_keys(records))
        self._progress("catalog", 0, 0)
        self._compare_catalog()
        return self._report(reader, counts)

    def _look_at(self, index: int, record: Record) -> None:
        """What takes the words of a body, once it is known to be its record's."""
        if record.phase == "done" and record.act in ("charter.ratify", "policy.propose"):
            name = record.facts.get("blob")
            if name is not None:
                wanted = record.facts.get("policies") or record.facts["evidence"]
                self._documents[name] = wanted
        if not self._signatures.wants(record):
            return
        try:
            details = self._pipeline.details(record)
        except FreeholdError:
            return  # told by the check of its body
        self._signatures.read(index, record, details, self._findings)

    def _hash_blobs(self, records: Records) -> int:
        count, known = 0, records.chronicle.blobs
        for number, (name, blob) in enumerate(known.items()):
            self._progress("blobs", number, len(known))
            try:
                found = self._stores.vault.sealed_digest(name)
            except MissingBlob:
                if blob.domain not in records.chronicle.erased:
                    self._findings.add("blob.missing", name)
                continue
            except FreeholdError as error:
                self._findings.add("blob.missing", name, got=error.message)
                continue
            count += 1
            if blob.sealed and found not in blob.sealed:
                self._findings.add("blob.changed", name, expected=min(blob.sealed), got=found)
        return count

    def _read_documents(self) -> None:
        """Open the policy sets: their digests stand in the ledger, not those of their sealed
        bytes.
        """
        estate = self._pipeline.circumstances.estate.id
        for name, wanted in self._documents.items():
            try:
                text = self._stores.vault.read(estate, name, DOCUMENT_BYTES_MAX)
            except FreeholdError as error:
                self._findings.add("blob.changed", name, expected=wanted, got=error.message)
                continue
            if digest(text) != wanted:
                self._findings.add("blob.changed", name, expected=wanted, got=digest(text))

    def _check_keys(self, records: Records) -> int:
        keyring, chronicle = self._stores.keyring, records.chronicle
        try:
            state = keyring.check()
        except FreeholdError as error:
            self._findings.add("keyring.faulty", "keyring.db", got=error.message)
            return 0
        for fault in state.faults:
            self._findings.add("keyring.faulty", "keyring.db", got=fault.message)
        for domain in sorted(chronicle.domains | chronicle.erased):
            try:
                keyring.domain(domain)
            except DomainErased:
                if domain not in chronicle.erased:
                    self._findings.add("domain.destroyed", domain)
            except UnknownDomain:
                if domain in chronicle.domains:
                    self._findings.add("domain.missing", domain)
            except FreeholdError:
                continue  # told by the keyring's own check
            else:
                if domain in chronicle.erased:
                    self._findings.add("domain.not_erased", domain)
        return state.domains

    def _compare_catalog(self) -> None:
        """Project the ledger again, into a file without a name, and compare row by row."""
        pipeline, used = self._pipeline, self._stores.catalog
        for problem in used.problems():
            self._findings.add("catalog.damaged", "catalog.db", got=problem)
        path = used.path.with_name(_SCRATCH)
        tables = pipeline.registry.tables
        fresh = Catalog(path, self._stores.log.key.name, tables, is_scratch=True)
        try:
            follows = shadow(pipeline, fresh)
            for found in differences(used, fresh, _advance(follows)):
                got = "a row that no act made" if found.is_extra else "no such row"
                if found.columns:
                    got = f"other values in {', '.join(found.columns)}"
                key = ", ".join(map(str, found.key))
                self._findings.add(
                    "catalog.differs", f"{found.table}: {key}", got=got, group=found.table
                )
        except FreeholdError as error:
            self._findings.add("catalog.damaged", "catalog.db", got=error.message)
        finally:
            fresh.close()

    def _report(self, reader: LogReader, counts: Counts) -> Report:
        found = self._findings.all()
        return Report(
            depth="deep",
            log=reader.checkpoint.origin,
            size=reader.checkpoint.size,
            checkpoint=reader.note,
            result=conclude(found, ()),
            trust=(),  # what opens the estate could have signed another history
            counts=counts,
            findings=found,
        )


def _advance(follows: Pipeline) -> Callable[[int], None]:
    def advance(position: int) -> None:
        follows.catch_up(position)

    return advance
