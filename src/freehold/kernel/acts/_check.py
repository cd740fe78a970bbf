"""Checking records as an auditor does: each against its format, its declaration and its body.

    check, found = RecordCheck(registry, origin), Found()
    for index, record in check.run(first, entries, found):
        ...
    for fault in found.faults:
        print(fault.index, fault.code, fault.what)

Whoever calls has verified that the entries lie under a signed root; here is what they say. Nothing
is raised for what is wrong with a record: each fault is told, and the next one looked at.

Made for millions: what repeats from record to record (references, times to the hour, lists of
policies) is looked at once and remembered. A naive reference of it is in the tests.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeAlias

import msgspec
import numpy as np

from freehold.kernel import ClockState, FreeholdError, parse_time
from freehold.kernel.acts._declare import Act, Registry
from freehold.kernel.acts._facts import CHECKS
from freehold.kernel.acts._record import (
    BODY_PREFIX,
    REQUEST_PREFIX,
    SALT_BYTES,
    Output,
    Record,
    SealedBody,
)
from freehold.kernel.acts.errors import InvalidRecord
from freehold.kernel.keys import DomainErased
from freehold.kernel.vault import BodyScan, MissingBody

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_IS_ID = re.compile(_UUID).fullmatch
_IS_REFERENCE = re.compile(rf"[a-z][a-z_]{{0,31}}:{_UUID}(?:@[1-9][0-9]{{0,8}})?").fullmatch
_IS_PRINCIPAL = re.compile(rf"(?:user|service|job):{_UUID}").fullmatch
_IS_DIGEST = re.compile(r"sha256:[0-9a-f]{64}").fullmatch
_IS_POLICY = re.compile(r"[a-z0-9][a-z0-9._-]{0,159}").fullmatch
_IS_MINUTE_AND_LESS = re.compile(r":[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z").fullmatch
_IS_CODE = CHECKS["code"]
_HOUR_CHARS = 13  # 2026-11-24T06
_SYNCHRONIZED = "synchronized"
_CLOCK_STATES = frozenset((_SYNCHRONIZED, "unsynchronized", "unknown", "behind", "jumped"))
_ENDS = frozenset(("done", "failed"))
_NO_ERROR = frozenset(("started", "done"))
_REQUEST_BEGINS, _REQUEST_AT = b',"request":{"action":', 11
_INTEGER_MAX = 2**53 - 1  # RFC 7493, 2.2
_FLOATS = frozenset(("metrics", "number"))
_REMEMBERED_MAX = 65_536  # strings, some 10 MB; dropped together
_COMMON_MAX = 8_192  # of a dozen strings each, some 15 MB; dropped together
_Check: TypeAlias = Callable[[Any], bool]
# SHA-256 after the prefixes; a copy costs less than joining prefix and content.
_begin_body = hashlib.sha256(BODY_PREFIX).copy
_begin_request = hashlib.sha256(REQUEST_PREFIX).copy


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one record or with its body: a stable code, the record's place in the log,
    and what was found.
    """

    code: str
    index: int
    what: str
    of_body: bool


@dataclass(slots=True)
class Found:
    """What a check found besides sound records."""

    faults: list[Fault] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)  # places of records whose bodies were emptied
    bodies: int = 0  # opened and found to be what was committed to
    erased: int = 0  # bodies whose domain is erased, as it has to be


class _Entity(msgspec.Struct, gc=False):
    id: str


class _Request(msgspec.Struct, gc=False):
    action: str
    principal: _Entity
    resource: _Entity


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    details: msgspec.Raw
    request: msgspec.Raw


@dataclass(frozen=True, slots=True)
class _Facts:
    """What an act's facts have to be: by name, with those that no phase may lack."""

    checks: Mapping[str, _Check]
    asked: frozenset[str]  # that every record of it has, but a refusal
    needed: frozenset[str]  # that a `done` one has besides
    found: frozenset[str]  # that only a `done` one may have
    has_floats: bool


class RecordCheck:
    """Checks the records of one log, from any place on; remembers what a later one may need.

    Args:
        origin: the log that every record must say it was written to.
        bodies: opens them; without it what is sealed stays unlooked at.
    """

    def __init__(self, registry: Registry, origin: str, *, bodies: BodyScan | None = None) -> None:
        self._origin = origin
        self._bodies = bodies
        self._encode = msgspec.json.Encoder(order="deterministic").encode
        self._read_body = msgspec.json.Decoder(_Body).decode
        self._read_request = msgspec.json.Decoder(_Request).decode
        self._queries = frozenset(registry.queries)
        self._facts = {name: self._declared(registry, act) for name, act in registry.acts.items()}
        self._without_floats = {name for name, act in self._facts.items() if not act.has_floats}
        # What was looked at and is right, so that it need not be looked at again.
        self._common: dict[tuple[Any, ...], tuple[_Check, ...]] = {}
        self._good: set[str] = set()  # references
        self._hours: set[str] = set()
        self._ids_of_run: list[str] = []
        self._ids = bytearray()  # 16 bytes of each, as many as records
        self._begun: dict[str, str] = {}  # acts of the started records that nothing ended yet

    def run(
        self, first: int, entries: Sequence[bytes], found: Found
    ) -> Iterator[tuple[int, Record]]:
        """Check consecutive entries, of which the first is at place `first` of the log; an empty
        one stands for what retention took out. Yield each sound record with its place, and look at
        its body when the next one is asked for; take note of all else in `found`.
        """
        opens = self._bodies
        for index, entry in enumerate(entries, first):
            if not entry:
                continue
            try:
                record = self._read(entry)
                self._check(record, index)
                if opens is None or record.body is None:
                    _check_commitments(record)
            except FreeholdError as error:
                found.faults.append(Fault(error.code, index, error.message, of_body=False))
                continue
            yield index, record
            if opens is not None and record.body is not None:
                try:
                    self._look_into(record, record.body, opens)
                    found.bodies += 1
                except DomainErased:
                    found.erased += 1
                except MissingBody:
                    found.missing.append(index)
                except FreeholdError as error:
                    found.faults.append(Fault(error.code, index, error.message, of_body=True))
        self._ids += bytes.fromhex("".join(self._ids_of_run).replace("-", ""))
        self._ids_of_run.clear()

    @property
    def begun(self) -> Mapping[str, str]:
        """Acts by the ids of their `started` records that nothing has ended, as a crash leaves."""
        return self._begun

    def repeated(self) -> list[str]:
        """Ids that more than one record has; each should be one's alone."""
        ids = np.frombuffer(bytes(self._ids), dtype="V16")
        found, counts = np.unique(ids, return_counts=True)
        return [str(uuid.UUID(bytes=each.tobytes())) for each in found[counts > 1]]

    def _read(self, entry: bytes) -> Record:
        record = Record.decode(entry)
        # Without a float, what msgspec encodes of a record is the canonical one.
        is_quick = record.act in self._without_floats and self._encode(record) == entry
        if not is_quick and not _is_canonical(record, entry):
            raise InvalidRecord("record.not_canonical", "its bytes are not the canonical ones")
        return record

    def _check(self, record: Record, index: int) -> None:
        for check, value in zip(self._checks_of(record), record.facts.values(), strict=True):
            if not check(value):
                raise InvalidRecord("record.facts", f"{record.act}: a fact is of another kind")
        time, clock = record.time, record.clock
        if time[:_HOUR_CHARS] not in self._hours or not _IS_MINUTE_AND_LESS(time, _HOUR_CHARS):
            self._learn_hour(time)
        if clock is not None and (clock.state not in _CLOCK_STATES or not _is_bound(clock)):
            raise _wrong("clock", clock)
        for ref in record.inputs:
            if ref not in self._good and not self._is_reference(ref):
                raise _wrong("inputs", ref)
        for output in record.outputs:
            if not _IS_REFERENCE(output.ref) or not (output.sealed is output.digest is None):
                _check_output(output)
        if not _IS_ID(record.id):
            raise _wrong("id", record.id)
        self._ids_of_run.append(record.id)
        if record.phase == "started":
            self._begun[record.id] = record.act
        if record.continues is not None:
            self._end(record)
        if index == 0 and (record.act, record.phase) != ("estate.create", "done"):
            raise InvalidRecord("record.first", f"the log begins with {record.act}")

    def _checks_of(self, record: Record) -> tuple[_Check, ...]:
        """Look at what a record has in common with those of the same act by the same principal on
        the same thing, unless one of them was right; give the checks of its facts' values.
        """
        decision = record.decision
        common = (
            record.act,
            record.phase,
            record.log,
            record.principal,
            record.on_behalf,
            record.resource,
            record.purpose,
            record.error,
            record.body and record.body.domain,
            decision.result,
            decision.policy_set,
            decision.policies,
            *record.facts,
        )
        checks = self._common.get(common)
        if checks is None:
            checks = self._look_at(record)
            if len(self._common) >= _COMMON_MAX:
                self._common.clear()
            self._common[common] = checks
        return checks

    def _look_at(self, record: Record) -> tuple[_Check, ...]:
        if record.log != self._origin:
            raise InvalidRecord("record.other_log", f"it was written to {record.log}")
        for principal in (record.principal, record.on_behalf or record.principal):
            if not _IS_PRINCIPAL(principal):
                raise _wrong("principal", principal)
        if not self._is_reference(record.resource):
            raise _wrong("resource", record.resource)
        phase, error, purpose = record.phase, record.error, record.purpose
        if (error is not None) == (phase in _NO_ERROR) or not (error is None or _IS_CODE(error)):
            raise _wrong("error", error)
        if purpose is not None and (phase == "denied" or not _IS_CODE(purpose)):
            raise _wrong("purpose", purpose)
        if record.body is not None and not _IS_ID(record.body.domain):
            raise _wrong("body", record.body.domain)
        decision = record.decision
        if not (all(map(_IS_POLICY, decision.policies)) and _IS_DIGEST(decision.policy_set)):
            raise _wrong("decision", decision)
        if (decision.result == "deny") != (phase == "denied"):
            raise InvalidRecord(
                "record.decision", f"{phase}, and the decision was to {decision.result}"
            )
        return self._checks_of_facts(record)

    def _end(self, record: Record) -> None:
        begun = self._begun.pop(record.continues or "", None)
        if begun != record.act or record.phase not in _ENDS:
            raise InvalidRecord("record.continues", "it ends no start of this act that came before")

    def _checks_of_facts(self, record: Record) -> tuple[_Check, ...]:
        act, phase, names = record.act, record.phase, record.facts.keys()
        declared = self._facts.get(act)
        if phase == "denied" and (declared or act in self._queries) and names <= {"under"}:
            return (CHECKS["ids"],) * len(names)
        if declared is None:
            raise InvalidRecord("record.unknown_act", f"no act is named {act!r:.80}")
        may = declared.checks.keys() if phase == "done" else declared.checks.keys() - declared.found
        must = declared.asked | declared.needed if phase == "done" else declared.asked
        if not must <= names <= may:
            odd = ", ".join(sorted(names - may)) or f"without {', '.join(sorted(must - names))}"
            raise InvalidRecord("record.facts", f"{act}, {phase}, declares other facts: {odd:.200}")
        return tuple(declared.checks[name] for name in names)

    def _look_into(self, record: Record, body: SealedBody, opens: BodyScan) -> None:
        """Open the body and check it; where that cannot be, what it would be held against."""
        try:
            plaintext = opens.open(body.domain, record.id, body.at)
        except (DomainErased, MissingBody):
            _check_commitments(record)
            raise
        self._check_body(record, body, plaintext)

    def _check_body(self, record: Record, body: SealedBody, plaintext: bytes) -> None:
        """Hold an opened body against both commitments, and the request against the act."""
        hashed = _begin_body()
        hashed.update(plaintext)
        if body.commitment != "sha256:" + hashed.hexdigest():
            raise InvalidRecord("record.body", "its body is not the one that was committed to")
        committed = record.decision.request
        # In canonical JSON the request comes last, and is what was committed to or is not.
        salt, start = plaintext[:SALT_BYTES], plaintext.rfind(_REQUEST_BEGINS) + _REQUEST_AT
        request: bytes | msgspec.Raw = plaintext[start:-1]
        try:
            if committed != _commitment(salt, request):
                request = self._read_body(plaintext[SALT_BYTES:]).request
                if committed != _commitment(salt, request):
                    raise InvalidRecord("record.request", "its request is not the one committed to")
            asked = self._read_request(request)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InvalidRecord("record.body", "its body is not of the format") from error
        if not (
            asked.action == record.act
            and asked.resource.id == record.resource
            and (record.on_behalf or record.principal).endswith(asked.principal.id)
        ):
            raise InvalidRecord(
                "record.request", f"policy was asked about {asked.action}, not about this"
            )

    def _is_reference(self, ref: Any) -> bool:
        if type(ref) is str and ref in self._good:
            return True
        if not (isinstance(ref, str) and _IS_REFERENCE(ref)):
            return False
        _remember(self._good, ref)
        return True

    def _learn_hour(self, time: str) -> None:
        try:
            parse_time(time)
        except FreeholdError as error:
            raise _wrong("time", time) from error
        _remember(self._hours, time[:_HOUR_CHARS])

    def _declared(self, registry: Registry, act: type[Act]) -> _Facts:
        """Compile what the facts of an act have to be.

        A record that was written before a fact was declared lacks it: then it has a default.
        """
        declared = registry.facts[act.name]
        defaults = {each.name: each.default for each in fields(act)}  # type: ignore[arg-type]  # all are
        needed = {
            each.name
            for each in declared
            if not each.is_optional and defaults[each.name] in (MISSING, None)
        }
        quick = {"reference": self._is_reference, "integer": _is_integer}
        checks = {each.name: quick.get(each.kind, CHECKS[each.kind]) for each in declared}
        found = frozenset(each.name for each in declared if each.is_found)
        checks["under"] = CHECKS["ids"]  # the emergencies that gave the principal rights
        if "evidence" in checks:  # what needs approvals names those that it used
            checks["approvals"] = CHECKS["ids"]
        has_floats = any(each.kind in _FLOATS for each in declared)
        return _Facts(
            checks, frozenset(needed - found), frozenset(needed & found), found, has_floats
        )


def _commitment(salt: bytes, request: bytes | msgspec.Raw) -> str:
    hashed = _begin_request()
    hashed.update(salt)
    hashed.update(request)
    return "sha256:" + hashed.hexdigest()


def _is_bound(clock: ClockState) -> bool:
    """Whether the bound on a clock's error is one, and only said where the host says it."""
    error = clock.error_ms
    return error is None or (clock.state == _SYNCHRONIZED and 0 <= error <= _INTEGER_MAX)


def _is_canonical(record: Record, entry: bytes) -> bool:
    try:
        return record.encode() == entry
    except ValueError:  # a value that has no canonical form at all
        return False


def _is_integer(value: Any) -> bool:
    return type(value) is int and -_INTEGER_MAX <= value <= _INTEGER_MAX


def _check_commitments(record: Record) -> None:
    """The shape of what a body that was not opened was to be held against."""
    if not _IS_DIGEST(record.decision.request):
        raise _wrong("decision", record.decision.request)
    if record.body is not None and not _IS_DIGEST(record.body.commitment):
        raise _wrong("body", record.body.commitment)


def _check_output(output: Output) -> None:
    if not (
        _IS_REFERENCE(output.ref)
        and (output.sealed is None or _IS_DIGEST(output.sealed))
        and (output.digest is None or _IS_DIGEST(output.digest))
    ):
        raise _wrong("outputs", output.ref)


def _remember(known: set[Any], value: Any) -> None:
    if len(known) >= _REMEMBERED_MAX:
        known.clear()
    known.add(value)


def _wrong(where: str, found: object) -> InvalidRecord:
    return InvalidRecord("record.malformed", f"its {where} is none: {found!r:.80}")
