"""What records say of one another: blobs and their sealed bytes, erasures, what retention took,
approvals and their use, the policy sets in force. Fed with every record in the order of the log.

It opens nothing: what needs a body is told to `_signed`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from freehold.audit._findings import Findings
from freehold.kernel import Ref
from freehold.kernel.acts import Record, Registry
from freehold.kernel.retention import LOGS, Rule, pruned_digest

# Acts that destroy the key domain that their resource names.
ERASING = frozenset(("dataset.erase", "erasure.apply"))


@dataclass(frozen=True, slots=True)
class RecordedBlob:
    """A blob that an act recorded: its domain, and the SHA-256 that its sealed bytes may have."""

    domain: str
    sealed: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Approval:
    """What an `approval.give` said, as far as its use depends on it."""

    index: int
    approver: str
    act: str
    resource: str
    evidence: str
    expires: str


class Chronicle:
    """Everything that later records, or what lies in the stores, will be held against."""

    def __init__(self, registry: Registry) -> None:
        self.blobs: dict[str, RecordedBlob] = {}
        self.domains: set[str] = set()  # that bodies lie in
        self.erased: set[str] = set()  # domains, by the ledger
        self.prunings: list[Rule] = []
        self.pruned = pruned_digest(())  # of all places of the log that are empty, as acts say
        self._kinds = {act.name: act.retention for act in registry.acts.values() if act.retention}
        self._held: set[str] = set()  # things under a legal hold at this place of the log
        self._approvals: dict[str, _Approval] = {}
        self._used: dict[str, str] = {}  # approval by the act that it went into
        self._in_force: set[str] = set()  # policy sets, from the first ratification on
        self._begun: dict[str, tuple[int, str]] = {}  # index and time of started records

    def read(self, index: int, record: Record, findings: Findings) -> None:
        """Take a record in."""
        if record.body is not None:
            self.domains.add(record.body.domain)
        self._check_policies(index, record, findings)
        if record.phase == "denied":
            return
        if record.phase == "started":
            self._begun[record.id] = (index, record.time)
        if record.facts.get("approvals"):
            self._check_use(index, record, findings)
        if record.continues is not None:
            self._begun.pop(record.continues, None)
        if record.phase == "done":
            self._read_done(index, record)

    def unfinished(self) -> Iterator[int]:
        """Places of the records that began what nothing has ended."""
        for index, _ in self._begun.values():
            yield index

    def _read_done(self, index: int, record: Record) -> None:
        facts = record.facts
        name = facts.get("blob")
        if name is not None and record.body is not None:
            sealed = frozenset(output.sealed for output in record.outputs if output.sealed)
            known = self.blobs.get(name)
            if known is not None:
                sealed |= known.sealed
            self.blobs[name] = RecordedBlob(record.body.domain, sealed)
        match record.act:
            case "approval.give":
                self._approvals[record.id] = _Approval(
                    index,
                    record.principal,
                    facts["for_act"],
                    record.resource,
                    facts["evidence"],
                    facts["expires"],
                )
            case "charter.ratify" if facts["is_complete"]:
                self._in_force.add(facts["policies"])
            case "policy.activate":
                self._in_force.add(facts["evidence"])
            case "estate.hold":
                self._held.add(facts["thing"])
            case "estate.release":
                self._held.discard(facts["thing"])
            case "estate.prune":
                self._read_pruning(index, record)
            case act if act in ERASING:
                self.erased.add(Ref.parse(record.resource).id)

    def _read_pruning(self, index: int, record: Record) -> None:
        facts = record.facts
        kind = facts["kind"]
        acts = (act for act, retention in self._kinds.items() if kind in (LOGS, retention))
        self.prunings.append(
            Rule(
                index,
                kind,
                facts["cutoff"],
                facts["after"],
                facts["before"],
                frozenset(acts),
                frozenset(self._held),
            )
        )
        self.pruned = facts.get("pruned") or self.pruned

    def is_emptied(self, index: int, record: Record) -> bool:
        """Whether an act of pruning took the body of this record."""
        return any(rule.takes(index, record) for rule in self.prunings)

    def _check_policies(self, index: int, record: Record, findings: Findings) -> None:
        """Before the first ratification the software's own policies decide, whatever its version.

        Any set that was in force before may decide: an act is recorded after it was decided.
        """
        if self._in_force and record.decision.policy_set not in self._in_force:
            findings.add("policy.unknown", f"record {index}", got=str(record.decision.policy_set))

    def _check_use(self, index: int, record: Record, findings: Findings) -> None:
        begun, moment = self._begun.get(record.continues or "", (index, record.time))
        seen = {record.principal, record.on_behalf}
        for name in record.facts["approvals"]:
            given = self._approvals.get(name)
            wrong = ""
            if given is None or given.index >= begun:
                wrong = "no earlier approval"
            elif given.approver in seen:
                wrong = "by the act's own principal, or by one person twice"
            elif (given.act, given.resource) != (record.act, record.resource):
                wrong = f"of {given.act} on {given.resource}"
            elif given.evidence != record.facts.get("evidence", given.evidence):
                wrong = "of another evidence"
            elif given.expires < moment:
                wrong = f"expired at {given.expires}"
            elif record.phase == "done" and name in self._used:
                wrong = f"already used by record {self._used[name]}"
            if wrong:
                findings.add("approval.use", f"record {index}: approval {name}", got=wrong)
            else:
                seen.add(given.approver if given else None)
            if record.phase == "done":
                self._used.setdefault(name, str(index))
