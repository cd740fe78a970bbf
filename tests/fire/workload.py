"""What a process does while its disk or its power fails: mixed acts on a trial estate.

    python -m tests.fire.workload <folder> <what> [<passphrase> …]

`what` is `life` (from founding to closing), `open` (opening alone, then one act) or `acts` (what
there is of `life` after founding). Each step is told before it begins and once it is acknowledged,
as a line of JSON in one write: to `<folder>/told`, or to whatever `tell` is given. A step is
acknowledged when the service has returned, with the records that it made: index and leaf.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from freehold.kernel import FreeholdError, host_error, new_id
from freehold.kernel.keys import WrongCustody
from freehold.kernel.ledger import Appended, Log, leaf_hash
from freehold.kernel.policy import Denied
from tests.estate.world import PASSPHRASE, FakeExecutor, World, custody, make_world, table

TOLD = "told"  # the file of marks beside the estate
NEW_PASSPHRASE = "the passphrase after a rotation"
QUESTION: dict[str, Sequence[Any]] = {"age": [40], "pressure": [150], "ward": ["north"]}

Tell = Callable[[dict[str, Any]], None]


class ToldLog:
    """A log that also remembers, for each thread, what it has appended."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._thread = threading.local()

    def append(self, entry: bytes) -> Appended:
        appended = self._log.append(entry)
        self.appended.append([appended.index, appended.leaf.hex()])
        return appended

    @property
    def appended(self) -> list[list[Any]]:
        """What this thread has appended since it last asked for a new list."""
        if not hasattr(self._thread, "appended"):
            self._thread.appended = []
        return self._thread.appended  # type: ignore[no-any-return]

    def forget(self) -> None:
        self._thread.appended = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


def teller(descriptor: int) -> Tell:
    """Tell by whole lines, each in one write, which a kill does not tear on a pipe.

    A fault that was meant for the estate may hit this write instead; then it is made again.
    """

    def tell(what: dict[str, Any]) -> None:
        line = (json.dumps(what) + "\n").encode()
        try:
            os.write(descriptor, line)
        except OSError:
            os.write(descriptor, line)

    return tell


class Workload:
    """Performs steps on a world and tells of them."""

    def __init__(self, folder: Path, tell: Tell, passphrases: Sequence[str] = ()) -> None:
        """`passphrases` are those of which one opens the estate."""
        self.world = World(folder, FakeExecutor(), None)
        self.tell = tell
        self.passphrases = list(passphrases) or [PASSPHRASE]
        self.log: ToldLog | None = None
        self._count = -1

    @contextmanager
    def step(self, name: str, **facts: Any) -> Iterator[dict[str, Any]]:
        """Tell that a step begins, and once it is acknowledged; the block may add facts."""
        self.tell({"doing": name, **facts})
        if self.log is not None:
            self.log.forget()
        more: dict[str, Any] = {}
        yield more
        acts = self.log.appended if self.log is not None else []
        self.tell({"done": name, **facts, **more, "acts": acts})

    def found(self) -> None:
        """Make the estate and ratify its charter."""
        with self.step("create"):
            self.world = make_world(self.world.folder, is_ratified=False)
            log = self._listen()
            log.appended.append([0, leaf_hash(log.entry(0)).hex()])
        with self.step("ratify"):
            self.world.ratify()

    def open(self) -> None:
        """Open the estate."""
        with self.step("open"):
            for passphrase in self.passphrases:
                with suppress(WrongCustody):
                    self.world.open(passphrase)
                    break
            else:
                raise AssertionError("none of the passphrases opens it")
            self._listen()

    def close(self) -> None:
        with self.step("close"):
            self.world.close()

    def line(self) -> None:
        """The whole line from data to answers, each part a step."""
        world = self.world
        with self.step("log in"):
            for person in ("stella", "clara", "otto", "dana", "olivia"):
                world.actor(person)
        with self.step("ingest"):
            world.ingest()
        with self.step("ingest another"):
            world.ingest("letters", table(20, marker="erase-me"), data_class="internal")
        with self.step("clear"):
            world.estate.data.clear(
                world.actor("stella"), "patients", purposes=["research", "diagnosis-support"]
            )
        self.refused()
        with self.step("deploy"):
            world.deploy()
        self.publish()
        with self.step("answer"):
            self.answer()
        with self.step("propose"):
            self.propose("first")
        with self.step("count refusals"):
            world.estate.refusals.count()
            world.estate.refusals.record()

    def upkeep(self) -> None:
        """What changes keys and rebuilds."""
        self.erase("letters")
        self.rotate(NEW_PASSPHRASE)
        with self.step("answer about a subject"):
            self.answer(subject="case-7")
        with self.step("rebuild"):
            self.world.estate.pipeline.rebuild()
        with self.step("collect"):
            self.world.estate.upkeep.collect(self.world.actor("otto"))

    def publish(self) -> None:
        """Publish what waits; acknowledged means that a checkpoint of this size was shown."""
        with self.step("publish") as facts:
            log = self.world.estate.pipeline.stores.log
            log.publish()
            facts["published"] = int(log.reader().note.splitlines()[1])

    def refused(self) -> None:
        """Be refused by policy, which is a record too."""
        with self.step("be refused"):
            try:
                self.world.estate.people.list(self.world.actor("dana"))
            except Denied:
                return
            raise AssertionError("a consumer may list people")

    def ingest(self) -> None:
        """Ingest one more dataset."""
        self._count += 1
        with self.step("ingest"):
            self.world.ingest(f"patients-{self._count}", table(9), data_class="internal")

    def propose_one(self) -> None:
        with self.step("propose"):
            self.propose("one")

    def ask(self) -> None:
        with self.step("answer"):
            self.answer(subject="case-1")

    def answer(self, subject: str = "") -> None:
        world = self.world
        world.estate.serving.answer(world.actor("dana"), "triage", QUESTION, subject=subject)

    def propose(self, name: str) -> None:
        text = (
            f'@id("house.{name}")\n@reason("A trial.")\n'
            'forbid (principal, action == Action::"dataset.ingest", resource);'
        )
        self.world.estate.policy.propose(self.world.actor("olivia"), text)

    def erase(self, name: str) -> None:
        """Erase a dataset; once acknowledged, its domain is gone for good."""
        domain = self.world.estate.data.find(name).id
        with self.step("erase", erased=domain):
            self.world.erase(name)

    def rotate(self, passphrase: str) -> None:
        """Put the keys under another passphrase, which alone opens them once acknowledged."""
        world = self.world
        self.passphrases = [passphrase, *self.passphrases]  # either, until it is acknowledged
        with self.step("rotate", passphrase=passphrase):
            world.approve("olivia", "custody.rotate", world.estate.pipeline.circumstances.estate)
            world.estate.upkeep.rotate_custody(world.actor("otto"), custody(passphrase))
        self.passphrases = [passphrase]

    def _listen(self) -> ToldLog:
        pipeline = self.world.estate.pipeline
        log = self.log = ToldLog(pipeline.stores.log)
        pipeline.stores = replace(pipeline.stores, log=log)  # type: ignore[arg-type]
        return log


def live(workload: Workload) -> None:
    """From founding to closing, and once more open."""
    workload.found()
    acts(workload)


def acts(workload: Workload) -> None:
    """All that follows on founding."""
    workload.line()
    workload.upkeep()
    workload.close()
    reopened(workload)


def reopened(workload: Workload) -> None:
    """Open, act, close."""
    workload.open()
    with workload.step("ingest after opening"):
        workload.world.ingest("after", table(9), data_class="internal")
    workload.close()


def resumed(workload: Workload) -> None:
    """Open what another process founded, and act."""
    workload.open()
    acts(workload)


def beset(workload: Workload) -> None:
    """Go on whatever fails: where a step does, close, open again, and take the next one.

    What has stopped must refuse until then. Only errors that are told in words may come: our own,
    and what the host said, which the command line and the server put into words.
    """
    world = workload.world
    steps: list[Callable[[], None]] = [
        workload.ingest,
        workload.publish,
        workload.refused,
        workload.propose_one,
        workload.ask,
        lambda: workload.erase("patients-0"),
        lambda: workload.rotate(NEW_PASSPHRASE),
        workload.ingest,
        workload.publish,
        workload.close,
        workload.open,
        workload.ingest,
        workload.close,
    ]
    _insist(workload.open)
    for step in steps:
        try:
            step()
        except (FreeholdError, OSError) as error:
            told = error if isinstance(error, FreeholdError) else host_error(error)
            workload.tell({"failed": told.code, "hint": told.hint})
            _refuse_while_stopped(workload)
            with suppress(FreeholdError, OSError):
                world.close()
            _insist(workload.open)


def _insist(action: Callable[[], None]) -> None:
    """Try a few times: each thread meets the fault once."""
    for _ in range(5):
        try:
            return action()
        except (FreeholdError, OSError) as error:
            last = error
    raise last


def _refuse_while_stopped(workload: Workload) -> None:
    try:
        workload.world.estate.refuse_if_stopped()
    except FreeholdError as stopped:
        workload.tell({"stopped": stopped.code})
        for _ in range(2):
            with suppress(FreeholdError):
                workload.world.ingest(f"never-{new_id()}", table(6), data_class="internal")
                raise AssertionError(f"it acts although it has stopped: {stopped}") from None


WHAT: dict[str, Callable[[Workload], None]] = {"life": live, "open": reopened, "acts": resumed}


def crowd(workload: Workload, kind: str, seed: int) -> None:
    """Open, and take random steps by several threads; then close.

    Made to be killed. The `kind` says what comes besides: `rebuild`, `rotate`, or `close` soon.
    What was deployed has to be there already.
    """
    workload.open()
    if kind == "rebuild":
        with workload.step("rebuild"):
            workload.world.estate.pipeline.rebuild()
    for person in ("stella", "dana", "olivia", "otto"):
        workload.world.actor(person)
    steps = 2 if kind == "close" else 40
    crowd = [
        threading.Thread(target=_steps, args=(workload, Random(seed * 100 + each), steps))
        for each in range(4)
    ]
    for thread in crowd:
        thread.start()
    if kind == "rotate":
        workload.rotate(f"passphrase {seed}")
    for thread in crowd:
        thread.join()
    workload.close()


def _steps(workload: Workload, random: Random, count: int) -> None:
    for number in range(count):
        random_step(workload, random, f"set-{number}-{random.randrange(1 << 40)}")


def random_step(workload: Workload, random: Random, name: str) -> None:
    """One step of any kind, of those that threads may take side by side."""
    kinds = ("ingest", "clear", "refused", "answer", "subject", "propose", "erase", "publish")
    kind = random.choice((*kinds, "assign", "count"))
    if kind == "publish":
        workload.publish()
    elif kind == "refused":
        workload.refused()
    elif kind == "erase":
        with workload.step("ingest"):
            workload.world.ingest(name, table(random.randrange(6, 30)), data_class="internal")
        workload.erase(name)
    else:
        with workload.step(kind):
            _act(workload, kind, name=name, rows=random.randrange(6, 400))


def _act(workload: Workload, kind: str, *, name: str, rows: int) -> None:
    world, estate = workload.world, workload.world.estate
    match kind:
        case "ingest":
            world.ingest(name, table(rows), data_class="internal")
        case "clear":
            purposes = ["research", "diagnosis-support"][rows % 2 :]
            estate.data.clear(world.actor("stella"), "patients", purposes=purposes)
        case "answer":
            workload.answer()
        case "subject":
            workload.answer(subject=f"case-{rows % 50}")
        case "propose":
            workload.propose(name)
        case "count":
            estate.refusals.count()
            estate.refusals.record()
        case "assign":
            estate.people.assign(
                world.actor("olivia"), "simon", roles=["scientist"], clearances=["internal"]
            )


def main() -> None:
    """Run one kind of life in this process."""
    folder, what = Path(sys.argv[1]), sys.argv[2]
    descriptor = os.open(folder / TOLD, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    WHAT[what](Workload(folder, teller(descriptor), sys.argv[3:]))


if __name__ == "__main__":
    main()
