"""Approvals and ratifications held against their signatures, with the keys that the ledger itself
says their signers had: from enrolments, and from charters for owners who are not enrolled yet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from freehold.audit._findings import Findings
from freehold.kernel import FreeholdError, Ref
from freehold.kernel.acts import Record
from freehold.kernel.signatures import Statement, verify

_GIVING_KEYS = frozenset(("person.enrol", "estate.create", "charter.propose"))
_SIGNED = frozenset(("approval.give", "charter.ratify"))


class Signatures:
    """Keys by person, and nonces that were used; fed with records in the order of the log."""

    def __init__(self, estate: str) -> None:
        self._estate = estate
        self._keys: dict[str, set[str]] = defaultdict(set)
        self._nonces: set[str] = set()
        self.checked = 0

    @staticmethod
    def wants(record: Record) -> bool:
        """Whether the details of this record are needed."""
        return record.phase == "done" and record.act in (_GIVING_KEYS | _SIGNED)

    def read(
        self, index: int, record: Record, details: Mapping[str, Any] | None, findings: Findings
    ) -> None:
        """Take a record in that is wanted; details are None once they are erased."""
        if record.act in _SIGNED:
            self._check(index, record, details, findings)
        elif record.act == "person.enrol":
            self._learn(Ref.parse(record.resource).id, (details or {}).get("ssh_key"))
        else:
            for owner in (details or {}).get("owners", ()):
                self._learn(owner["id"], owner.get("ssh_key"))

    def _learn(self, person: str, key: str | None) -> None:
        if key:
            self._keys[person].add(key)

    def _check(
        self, index: int, record: Record, details: Mapping[str, Any] | None, findings: Findings
    ) -> None:
        where, keys = f"record {index}", self._keys[Ref.parse(record.principal).id]
        if details is None or not keys:
            findings.add("approval.unknown_key", where, got=record.principal)
            return
        self.checked += 1
        try:
            statement, signature = details["statement"], details["signature"]
            self._check_words(Statement.parse(statement.encode()), record)
            for key in sorted(keys):
                if _is_by(key, statement, signature):
                    return
            findings.add("approval.signature", where, got=f"not by a key of {record.principal}")
        except (FreeholdError, KeyError, AttributeError, _OtherWords) as error:
            findings.add("approval.signature", where, got=str(error))

    def _check_words(self, said: Statement, record: Record) -> None:
        facts = record.facts
        expected = {
            "estate": self._estate,
            "approver": record.principal,
            "act": facts.get("for_act", record.act),
            "resource": record.resource,
            "evidence": facts["evidence"],
            "policy_set": facts.get("policy_set", record.decision.policy_set),
            "nonce": facts["nonce"],
            "expires": facts["expires"],
        }
        for name, value in expected.items():
            if getattr(said, name) != value:
                raise _OtherWords(f"the signed {name} is not the one of its record")
        if said.expires < record.time:
            raise _OtherWords(f"it had expired at {said.expires}")
        if said.nonce in self._nonces:
            raise _OtherWords("its nonce was used before")
        self._nonces.add(said.nonce)


class _OtherWords(Exception):
    """What was signed is not what the record says; never leaves this module."""


def _is_by(key: str, statement: str, signature: str) -> bool:
    try:
        verify(statement.encode(), signature, key)
    except FreeholdError:
        return False
    return True
