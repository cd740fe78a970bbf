"""Golden records: one of every act type and of every phase, in a file for each schema version.

    python tests/golden/regenerate.py        # from the root of the repository

It adds what the declarations have come to write since, and never removes a line: what was once
written has to be readable for ever.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":  # run as a script, from a checkout where nothing is installed
    sys.path.insert(0, str(ROOT / "src"))

from freehold.estate import ROOMS  # noqa: E402
from freehold.kernel import ClockState  # noqa: E402
from freehold.kernel.acts import (  # noqa: E402
    ANY,
    SCHEMA_VERSION,
    FactField,
    Output,
    Phase,
    Record,
    RecordedDecision,
    Registry,
    SealedBody,
)
from freehold.kernel.vault import BodyAt  # noqa: E402

GOLDEN = Path(__file__).with_name(f"records-v{SCHEMA_VERSION}.jsonl")

DIGEST = "sha256:" + 32 * "5a"
MOMENT = "2026-11-24T06:02:49.123456Z"
EXAMPLES: Mapping[str, Any] = {
    "code": "example",
    "codes": ["example", "other"],
    "digest": DIGEST,
    "id": "0192f0c4-1111-7000-8000-000000000001",
    "ids": ["0192f0c4-1111-7000-8000-000000000001", "0192f0c4-1111-7000-8000-000000000002"],
    "reference": "model:0192f0c4-1111-7000-8000-000000000003@4",
    "moment": MOMENT,
    "nonce": 16 * "0f",
    "vkey": "estate/0192f0c4-1111-7000-8000-000000000004/main+01234567+" + 43 * "A" + "=",
    "blob": 32 * "c3",
    "metrics": {"accuracy": 0.875, "rows": 114},
    "integer": 7,
    "number": 0.5,
    "flag": True,
}
CLOCKS = {
    "done": ClockState(12, "synchronized"),
    "started": ClockState(None, "unsynchronized"),
    "failed": ClockState(None, "behind"),
    "denied": ClockState(None, "jumped"),
}


def current_records() -> list[bytes]:
    """Give an example of every act, encoded, and of the phases that are not `done`."""
    registry = Registry(ROOMS)
    kinds = {kind.name: kind.kind for kind in registry.resources.values()}
    kinds[ANY] = kinds["Dataset"]
    records = [
        _record(name, kinds[act.on], _facts(registry.facts[name]), phase="done")
        for name, act in sorted(registry.acts.items())
    ]
    asked = _facts(tuple(f for f in registry.facts["model.train"] if not f.is_found))
    records.append(_record("model.train", "run", asked, phase="started"))
    records.append(_record("model.train", "run", asked, phase="failed"))
    records.append(_record("dataset.read", "dataset", {}, phase="denied"))
    return [record.encode() for record in records]


def _facts(declared: tuple[FactField, ...]) -> dict[str, Any]:
    return {each.name: EXAMPLES[each.kind] for each in declared}


def _id(group: int, name: str) -> str:
    """An id that no other declaration changes."""
    return f"0192f0c4-{group:04}-7000-8000-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _record(act: str, kind: str, facts: Mapping[str, Any], *, phase: Phase) -> Record:
    is_refused, is_done = phase == "denied", phase == "done"
    resource = f"{kind}:{_id(2222, act)}" + ("@1" if kind in ("charter", "model") else "")
    made = f"charter:{_id(2222, 'charter')}@1" if act == "estate.create" else resource
    errors = {"denied": "policy.denied", "failed": "compute.memory"}
    return Record(
        id=_id(3333, f"{act} {phase}"),
        time=MOMENT,
        clock=CLOCKS[phase],
        log="estate/0192f0c4-1111-7000-8000-000000000004/main",
        principal="user:0192f0c4-1111-7000-8000-000000000005",
        on_behalf="user:0192f0c4-1111-7000-8000-000000000006" if phase == "failed" else None,
        act=act,
        phase=phase,
        continues=_id(3333, f"{act} started") if phase == "failed" else None,
        resource=resource,
        inputs=() if is_refused else ("dataset:0192f0c4-1111-7000-8000-000000000007@2",),
        outputs=(Output(ref=made, sealed=DIGEST, digest=DIGEST), Output(ref=made))
        if is_done
        else (),
        purpose=None if is_refused else "research",
        decision=RecordedDecision(
            ("charter.purpose" if is_refused else "charter.role.steward",),
            DIGEST,
            DIGEST,
            "deny" if is_refused else "allow",
        ),
        facts=dict(facts),
        error=errors.get(phase),
        body=SealedBody(BodyAt(1, 19, 400), DIGEST, "0192f0c4-1111-7000-8000-000000000008"),
    )


def main() -> None:
    """Add to the golden file the records that it does not have yet."""
    known = GOLDEN.read_bytes().splitlines() if GOLDEN.exists() else []
    added = [record for record in current_records() if record not in known]
    with GOLDEN.open("ab") as file:
        file.writelines(record + b"\n" for record in added)
    print(f"{len(added)} records added to {GOLDEN.name}, which has {len(known) + len(added)}")


if __name__ == "__main__":
    main()
