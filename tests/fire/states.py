"""Enumerates the states that a crash may leave, at every moment of a recording.

A moment is one at which another change has begun, become durable or been acknowledged. For each:
nothing of what is unsure is on the disk; all of it; each change alone missing; each alone present;
random subsets; and unsure writes torn, at several bytes, in several sectors, and as a size without
data, with all and with nothing of the rest. States that are alike are one, at the latest moment at
which it can come about, since then the most has been promised.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.fire.disk import (
    ABSENT,
    SECTOR_BYTES,
    Exceptions,
    Names,
    Part,
    Picture,
    Recording,
    Resize,
    Write,
)

# Made anew by whoever opens: what they hold says nothing.
_FLEETING = ("-shm", "/lock", "/socket")
ALL, NOTHING = EXTREMES = ("all", "nothing")  # of what is unsure
_SINGLES_MAX = 12  # changes of one moment that are tried one by one; above it a sample of them
_RANDOM_SUBSETS = 4
_PARTS = 4  # ways in which one write is torn, drawn from all


@dataclass(frozen=True, slots=True)
class CrashState:
    """What a crash at `moment` leaves if all but `exceptions` reached the disk."""

    moment: int
    exceptions: Exceptions
    kind: str


def crash_states(
    recording: Recording, *, seed: int, moments: int, after: int = 0
) -> list[CrashState]:
    """Every distinct state of so many moments `after` one, in their order.

    The moments right after something was acknowledged are always among them; `seed` draws the rest.
    """
    random = Random(seed)
    found: dict[int, CrashState] = {}
    told = [began for began, _ in recording.marks if began >= after]
    others = [each for each in recording.moments() if each >= after]
    drawn = random.sample(others, min(max(moments - len(told), 0), len(others)))
    for moment in sorted({*told, *drawn}):
        unsure = recording.unsure(moment)
        states = (*_subsets(unsure, random), *_torn(recording, unsure, random))
        for kind, exceptions in states:
            alike = _alike(recording.picture(moment, exceptions))
            if alike in found and found[alike].kind in EXTREMES:
                kind = found[alike].kind
            found[alike] = CrashState(moment, exceptions, kind)
    return sorted(found.values(), key=lambda state: state.moment)


def draw(states: list[CrashState], count: int, random: Random) -> list[CrashState]:
    """Draw so many, in their order: up to half of them extremes, and always the last of these.

    Where a name that everything hangs on is not durable, `nothing` is the same at every moment: one
    state among thousands, and the one that must not be missed.
    """
    extremes = [state for state in states if state.kind in EXTREMES]
    others = [state for state in states if state.kind not in EXTREMES]
    half = min(len(extremes), max(1, count // 2))
    last = [state for state in extremes if state.kind == NOTHING][-1:]
    drawn = [
        *last,
        *random.sample([each for each in extremes if each not in last], half - len(last)),
    ]
    drawn += random.sample(others, min(count - len(drawn), len(others)))
    return sorted(drawn, key=lambda state: state.moment)


def lay_down(picture: Picture, folder: Path) -> None:
    """Make the tree in an empty folder."""
    for name, content in picture.items():
        path = folder / name
        if content is None:
            path.mkdir(mode=0o700)
        elif not name.endswith(_FLEETING):
            path.write_bytes(content)


def tree(folder: Path, name: str) -> dict[str, bytes | None]:
    """The tree `folder/name` as a picture, to compare it with another."""
    paths = [folder / name, *sorted((folder / name).rglob("*"))]
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in paths
        if not path.is_socket()
    }


def lasting(picture: Picture) -> dict[str, bytes | None]:
    """A picture without what is made anew by whoever opens."""
    return {name: data for name, data in picture.items() if not name.endswith(_FLEETING)}


def _subsets(unsure: list[int], random: Random) -> Iterator[tuple[str, Exceptions]]:
    nothing = dict.fromkeys(unsure, ABSENT)
    yield ALL, {}
    yield NOTHING, nothing
    singles = unsure if len(unsure) <= _SINGLES_MAX else random.sample(unsure, _SINGLES_MAX)
    for one in singles:
        yield "without one", {one: ABSENT}
        yield "one alone", {other: ABSENT for other in unsure if other != one}
    if len(unsure) > 2:
        for _ in range(_RANDOM_SUBSETS):
            share = random.random()
            yield "some", {each: ABSENT for each in unsure if random.random() < share}


def _torn(
    recording: Recording, unsure: list[int], random: Random
) -> Iterator[tuple[str, Exceptions]]:
    """The newest write torn, with all and with nothing of the rest; and some older one."""
    writes = [number for number in unsure if isinstance(recording.operations[number].change, Write)]
    for number in writes[-1:]:
        for part in _parts(recording.operations[number].change, random):
            yield "torn, with the rest", {number: part}
            yield "torn, alone", {**dict.fromkeys(unsure, ABSENT), number: part}
    for number in random.sample(writes[:-1], min(1, len(writes) - 1)) if writes else ():
        part = random.choice(_parts(recording.operations[number].change, random))
        yield "torn, with the rest", {number: part}


def _parts(change: Write | Resize | Names, random: Random) -> list[Part]:
    """Some ways to tear a write."""
    assert isinstance(change, Write)
    length = len(change.data)
    prefixes = {1, 4, 8, 9, length // 2, length - 1, SECTOR_BYTES, random.randrange(length)}
    parts = [Part(prefix=each) for each in sorted(prefixes) if 0 < each < length]
    sectors = -(-length // SECTOR_BYTES)
    if sectors > 1:
        parts.append(Part(sectors=random.getrandbits(sectors), grows=True))
        parts.append(Part(sectors=(1 << sectors) - 2))  # the first is missing
    return [*random.sample(parts, min(len(parts), _PARTS)), Part(grows=True)]


def _alike(picture: Picture) -> int:
    """The same number for pictures that are alike; each content is hashed once and remembers it."""
    return hash(frozenset(lasting(picture).items()))
