"""Golden estates: one of every format version, as the software of its time wrote it.

    python tests/golden/estates.py        # from the root of the repository

It makes `estate-v<version>.tar.gz` with `estate-v<version>.json`, which says what must come out of
it, for the version that this software writes. An archive that exists is never made again: what was
once written has to open for ever. Keys and passphrase are test values and protect nothing.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
import tarfile
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent
if __name__ == "__main__":  # run as a script, from a checkout where nothing is installed
    sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from freehold.kernel import Ref  # noqa: E402
from freehold.kernel.acts import Actor  # noqa: E402
from freehold.kernel.keys import new_recovery_identity, recipient_of  # noqa: E402
from freehold.kernel.ledger import LogReader  # noqa: E402
from freehold.kernel.policy import Denied  # noqa: E402
from freehold.kernel.upkeep import FORMAT  # noqa: E402
from freehold.training import Task  # noqa: E402
from freehold.upgrade import by_signature, upgrade  # noqa: E402
from freehold.witness import WitnessFolder  # noqa: E402
from tests.estate.world import PURPOSE, FakeExecutor, World, custody, make_world, table  # noqa: E402
from tests.stamps.authority import Authority  # noqa: E402

QUESTION: dict[str, list[Any]] = {"age": [50, 30], "pressure": [150, 115], "ward": ["north", "x"]}
POLICY = """
@id("house.no-public") @reason("Nothing here is public.")
forbid (principal, action == Action::"dataset.ingest", resource)
when { context.data_class == "public" };
"""


def archive(version: int) -> Path:
    """Where the golden estate of a version lies."""
    return GOLDEN / f"estate-v{version}.tar.gz"


def expected(version: int) -> dict[str, Any]:
    """What must come out of the golden estate of a version."""
    read: dict[str, Any] = json.loads((GOLDEN / f"estate-v{version}.json").read_bytes())
    return read


def versions() -> list[int]:
    """The versions of which there is a golden estate, oldest first."""
    return sorted(int(path.stem.removeprefix("estate-v")) for path in GOLDEN.glob("estate-v*.json"))


def unpack(version: int, folder: Path) -> Path:
    """Unpack a golden estate into a new folder: `estate`, and `people` with their keys."""
    with tarfile.open(archive(version)) as packed:
        packed.extractall(folder, filter="data")
    return folder


def open_golden(version: int, folder: Path) -> World:
    """Unpack a golden estate, upgrade it to the format of this software, and open it."""
    world = World(unpack(version, folder), FakeExecutor(), None)
    if version < FORMAT:
        upgrade(world.home, custody(), by_signature("olivia", world.key("olivia")))
    world.open()
    return world


def fill(world: World) -> None:
    """Do in the estate what an estate does: the whole line, answers, refusals, erasure, upkeep."""
    world.ingest(content=table(), terms="terms of the golden estate")
    world.ingest("letters", table(20, marker="Mrs-Jones"), terms="letters of Mrs Jones")
    _refuse(world)
    world.deploy()
    for subject in ("case-0001", "case-0002"):
        world.estate.serving.answer(world.actor("dana"), "triage", QUESTION, subject=subject)
    world.erase("letters")
    estate = world.estate.pipeline.circumstances.estate
    for passphrase in ("passphrase of an hour", ""):
        world.approve("olivia", "custody.rotate", estate)
        new = custody(passphrase) if passphrase else custody()
        world.estate.upkeep.rotate_custody(world.actor("otto"), new)
    policy = Ref.parse(world.estate.policy.propose(world.actor("olivia"), POLICY))
    world.approve("oscar", "policy.activate", policy)
    world.estate.policy.activate(world.actor("olivia"), str(policy))
    world.estate.upkeep.collect(world.actor("otto"))
    world.estate.refusals.count()
    world.estate.refusals.record()
    world.estate.history.export(world.actor("ada"), io.BytesIO())


def attend(world: World, scratch: Path) -> None:
    """Do what version 2 brought: a witness, a stamp of time, a stream, recovery, an emergency, a
    review of access, a hold, and backups.
    """
    estate = world.estate
    owner, operator = world.actor("olivia"), world.actor("otto")
    WitnessFolder.create(scratch / "witness", "witness.golden.example", custody())
    with WitnessFolder.open(scratch / "witness", custody()) as held:
        held.add_log(estate.pipeline.stores.log.key)
        estate.witnesses.declare(owner, "cellar", str(held.witness.key))
        request = estate.witnesses.request(operator, "cellar")
        answer = held.witness.add_checkpoint(request.encode())
        estate.witnesses.accept(operator, "cellar", answer.note)
    authority = Authority(scratch / "authority")
    estate.stamps.declare(owner, "tsa", authority.root)
    size, asked = estate.stamps.request(operator)
    estate.stamps.accept(operator, "tsa", authority.stamp(asked), size=size)
    estate.streams.declare(owner, "siem", f"file:{scratch / 'events.jsonl'}")
    estate.streams.end(owner, "siem")
    recipients = [recipient_of(new_recovery_identity()) for _ in range(2)]
    world.approve("oscar", "recovery.set_up", estate.pipeline.circumstances.estate)
    estate.recovery.set_up_recipients(owner, recipients)
    emergency = estate.emergency.request(
        operator, "steward", minutes=60, code="outage", reason="the steward is out of reach"
    )
    world.approve("ravi", "access.break_glass", Ref.parse(emergency.ref))
    estate.emergency.break_glass(operator, emergency.ref)
    estate.emergency.end(operator, emergency.ref)
    estate.emergency.review(
        world.actor("ravi"), emergency.ref, outcome="justified", finding="there was an outage"
    )
    review = estate.reviews.open(owner)
    estate.reviews.decide(owner, review.ref, "simon", decision="revoke", reason="left in May")
    estate.reviews.decide(owner, review.ref, "clara", decision="keep", reason="trains the models")
    estate.retention.hold(owner, estate.data.find("patients"), reason="a lawsuit of the example")
    for kind in ("full", "delta"):
        estate.backup.create(operator, scratch / "bundles", kind=kind)


def _refuse(world: World) -> None:
    task = Task(recipe="tabular", label="outcome")
    with suppress(Denied):
        world.estate.training.train(world.actor("simon"), "patients", task, purpose=PURPOSE)


def outcome(world: World, size: int | None = None) -> dict[str, Any]:
    """Say what an open estate holds, as far as every later version must find it there.

    Of its first `size` records, where others followed; then without its tables, which others fill.
    """
    estate, pipeline = world.estate, world.estate.pipeline
    operator, auditor = (Actor(estate.people.find(code)) for code in ("otto", "ada"))
    log = pipeline.stores.log
    log.publish()
    size = log.size if size is None else size
    records = [pipeline.record(index) for index in range(size)]
    reader = LogReader(world.home / "ledger" / "main", log.key.name, keys=[log.key], size=size)
    return {
        "vkey": str(log.key),
        "records": size,
        "root": reader.note.splitlines()[2],
        "versions": sorted({record.v for record in records}),
        "acts": dict(sorted(Counter(f"{each.act} {each.phase}" for each in records).items())),
        "tables": dict(sorted(Counter(n for n, _ in pipeline.stores.catalog.dump()).items()))
        if size == log.size
        else {},
        "details": {str(n): pipeline.details(record) for n, record in enumerate(records)},
        "lineage": [
            [edge.source, edge.act, edge.target]
            for deployment in estate.serving.list(operator)
            for edge in estate.history.lineage(auditor, deployment.ref)
        ],
    }


def make(version: int) -> None:
    """Make the golden estate of a version that has none yet."""
    with tempfile.TemporaryDirectory() as scratch:
        world = make_world(Path(scratch) / "world")
        fill(world)
        attend(world, Path(scratch))
        said = outcome(world)
        world.close()
        archive(version).write_bytes(_packed(world.folder))
    text = json.dumps(said, indent=1, ensure_ascii=False) + "\n"
    (GOLDEN / f"estate-v{version}.json").write_text(text)


def _packed(folder: Path) -> bytes:
    """The folder as a tar, compressed, with nothing in it of whose machine made it."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file,
        tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in sorted(folder.rglob("*")):
            tar.add(path, str(path.relative_to(folder)), recursive=False, filter=_nobodys)
    return packed.getvalue()


def _nobodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = int(entry.mtime)
    return entry


def main() -> None:
    """Make the golden estate of the version that this software writes, if there is none yet."""
    if archive(FORMAT).exists():
        print(f"{archive(FORMAT).name} is there already, and stays as it is")
        return
    make(FORMAT)
    print(f"{archive(FORMAT).name}: {archive(FORMAT).stat().st_size} bytes")


if __name__ == "__main__":
    main()
