"""The verbs of policy: show, explain, test, simulate over history, propose and activate."""

from __future__ import annotations

import io
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import select

from freehold.charter._acts import ActivatePolicy, ProposePolicy
from freehold.charter._service import POLICY_BYTES_MAX, CharterService, compile_charter
from freehold.charter._tables import POLICY
from freehold.kernel import LimitError, MalformedError, Ref, new_id
from freehold.kernel.acts import Actor, Conflict, NotFound, Output, Pipeline, Record
from freehold.kernel.ledger import PRUNED
from freehold.kernel.policy import Entity, InvalidPolicy, PolicyRequest, PolicySet


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an act was allowed or denied, with the policies that determined it as they read then."""

    act: str
    action: str
    principal: str
    resource: str
    result: str
    policies: tuple[str, ...]
    reasons: tuple[str, ...]
    policy_set: str
    request: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One recorded act that other policies would have decided differently."""

    act: str
    action: str
    principal: str
    resource: str
    was: str
    would_be: str
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Simulation:
    """What other policies would have done to the recorded history."""

    decided: int
    erased: int
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case of a policy test."""

    name: str
    expected: str
    got: str
    policies: tuple[str, ...]
    is_passed: bool


_CODE = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}")
_CaseTable: TypeAlias = Mapping[str, Any]


class PolicyService:
    """Policies in force, proposed and imagined."""

    def __init__(self, pipeline: Pipeline, charter: CharterService) -> None:
        self._pipeline = pipeline
        self._charter = charter

    def show(self, actor: Actor, policy: str = "") -> dict[str, Any]:
        """The policies in force or those proposed as `policy`: digest, text and schema.

        Raises:
            NotFound: no such proposal.
        """
        self._ask(actor, "policy.show")
        policies = self._proposed(Ref.parse(policy)) if policy else self._pipeline.policies
        return {"digest": policies.digest, "text": policies.text, "schema": policies.schema_text}

    def explain(self, actor: Actor, act: str) -> Explanation:
        """Say which policies determined a recorded act, and what each says.

        Raises:
            NotFound: the ledger has no such act.
        """
        self._ask(actor, "policy.explain")
        record = self._pipeline.record(self._pipeline.position(act))
        body = self._pipeline.body(record)
        policies = self._set_of(record.decision.policy_set)
        ids = record.decision.policies
        return Explanation(
            act=record.id,
            action=record.act,
            principal=record.principal,
            resource=record.resource,
            result=record.decision.result,
            policies=ids,
            reasons=tuple(policies.reasons.get(id_, "") for id_ in ids) if policies else (),
            policy_set=record.decision.policy_set,
            request=body["request"] if body else None,
        )

    def test(self, actor: Actor, cases: str, *, policies: str = "") -> tuple[CaseResult, ...]:
        """Decide the cases of a TOML text by the policies in force, or by `policies` beside the
        charter's.

        Each `[[case]]` has `name`, `principal` and `resource` (tables of `type`, `id`,
        `attributes`), `action`, `context`,
        `expect` (allow or deny) and optionally `policy`, an id that must be among the determining
        ones.

        A case that no policy can be asked about, such as an unknown action, never passes.

        Raises:
            MalformedError: not such a text.
        """
        self._ask(actor, "policy.test")
        chosen = self._beside_charter(policies) if policies else self._pipeline.policies
        try:
            tables = tomllib.loads(cases)["case"]
            return tuple(self._judge(chosen, table) for table in tables)
        except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
            raise MalformedError(
                "policy.cases", f"the cases do not read as [[case]] tables: {error!r}"
            ) from error

    def simulate(self, actor: Actor, policies: str) -> Simulation:
        """Decide the whole recorded history again, by `policies` beside the charter's, and list
        what would differ.
        """
        self._ask(actor, "policy.simulate")
        imagined = self._beside_charter(policies)
        decided = erased = 0
        differences = []
        for record in self._history():
            body = self._pipeline.body(record)
            if body is None:
                erased += 1
                continue
            decided += 1
            decision = imagined.decide(PolicyRequest.from_json(body["request"]))
            would_be = "allow" if decision.is_allowed else "deny"
            if would_be != record.decision.result:
                differences.append(
                    Difference(
                        record.id,
                        record.act,
                        record.principal,
                        record.resource,
                        record.decision.result,
                        would_be,
                        decision.policies,
                    )
                )
        return Simulation(decided, erased, tuple(differences))

    def propose(self, actor: Actor, policies: str) -> str:
        """Lay down policies of the organisation's own; returns the reference to approve and
        activate.

        Raises:
            InvalidPolicy: they do not validate beside the charter's.
        """
        proposed = self._beside_charter(policies)
        ref = Ref("policy", new_id())
        pipeline = self._pipeline
        estate = pipeline.circumstances.estate
        proposal = ProposePolicy(evidence=proposed.digest)
        with pipeline.perform(actor, proposal, on=ref, domain=estate.id) as act:
            sealed = pipeline.stores.vault.seal(act.domain, io.BytesIO(proposed.text.encode()))
            act.conclude(
                outputs=[Output(ref=str(ref), sealed=sealed.sealed_digest, digest=sealed.digest)],
                blob=sealed.name,
            )
        return str(ref)

    def activate(self, actor: Actor, policy: str) -> str:
        """Put a proposed policy set in force; returns its digest.

        Raises:
            NotFound: no such proposal.
            Conflict: it was proposed beside a charter that is no longer in force.
        """
        ref = Ref.parse(policy)
        pipeline = self._pipeline
        activated = self._proposed(ref)
        act_type = ActivatePolicy(evidence=self.evidence(ref))
        with pipeline.perform(
            actor, act_type, on=ref, domain=pipeline.circumstances.estate.id
        ) as act:
            if not activated.text.startswith(f"{self._charter_policies()}\n"):
                raise Conflict(
                    "policy.outdated",
                    f"{policy} was proposed beside a charter that is no longer in force",
                    "propose the policies again with `freehold policy propose`",
                )
            act.conclude()
        pipeline.enforce(activated)
        return activated.digest

    def evidence(self, ref: Ref) -> str:
        """What an approver of `policy.activate` signs: the digest of the proposed set."""
        return str(self._row(ref).digest)

    def _ask(self, actor: Actor, query: str) -> None:
        self._pipeline.ask(actor, query, on=self._pipeline.circumstances.estate)

    def _row(self, ref: Ref) -> Any:
        row = self._pipeline.stores.catalog.first(select(POLICY).where(POLICY.c.id == ref.id))
        if row is None or ref.kind != "policy":
            raise NotFound("policy.unknown", f"there is no proposed policy {ref}")
        return row

    def _proposed(self, ref: Ref) -> PolicySet:
        return PolicySet(self._text(self._row(ref).blob), self._pipeline.registry.schema)

    def _history(self) -> Iterator[Record]:
        log = self._pipeline.stores.log
        for entry in log.entries(0, log.size):
            if entry == PRUNED:
                continue
            record = Record.decode(entry)
            if record.phase in ("done", "denied"):
                yield record

    def _beside_charter(self, policies: str) -> PolicySet:
        if len(policies) > POLICY_BYTES_MAX:
            raise LimitError("policy.too_large", f"over {POLICY_BYTES_MAX} characters of policies")
        registry = self._pipeline.registry
        text = compile_charter(self._charter.in_force(), registry.actions, own=policies)
        beside = PolicySet(text, registry.schema)
        for policy in beside.ids:
            if _CODE.fullmatch(policy) is None:
                raise InvalidPolicy(
                    "policy.id",
                    f"the @id {policy!r:.80} is no code, and decisions record it in the ledger",
                    "use lower-case letters, digits, '.', '_' and '-' (at most 128)",
                )
        return beside

    def _charter_policies(self) -> str:
        return compile_charter(self._charter.in_force(), self._pipeline.registry.actions)

    def _set_of(self, digest: str) -> PolicySet | None:
        if digest == self._pipeline.policies.digest:
            return self._pipeline.policies
        row = self._pipeline.stores.catalog.first(select(POLICY).where(POLICY.c.digest == digest))
        return PolicySet(self._text(row.blob), self._pipeline.registry.schema) if row else None

    def _text(self, blob: str) -> str:
        estate = self._pipeline.circumstances.estate
        return self._pipeline.stores.vault.read(estate.id, blob, POLICY_BYTES_MAX).decode()

    def _case_request(self, table: _CaseTable) -> PolicyRequest:
        principal, resource = table["principal"], table["resource"]
        common = {
            "approvals": 0,
            "purpose": "",
            "site": dict(self._pipeline.circumstances.site),
            "trial": self._pipeline.circumstances.is_trial,
        }
        return PolicyRequest(
            Entity(principal["type"], principal["id"], principal.get("attributes", {})),
            table["action"],
            Entity(resource["type"], resource["id"], resource.get("attributes", {})),
            common | table.get("context", {}),
        )

    def _judge(self, policies: PolicySet, table: _CaseTable) -> CaseResult:
        decision = policies.decide_afresh(self._case_request(table))
        expected, wanted = table["expect"], table.get("policy")
        got = "error" if decision.errors else "allow" if decision.is_allowed else "deny"
        is_passed = got == expected and (wanted is None or wanted in decision.policies)
        return CaseResult(table.get("name", ""), expected, got, decision.policies, is_passed)
