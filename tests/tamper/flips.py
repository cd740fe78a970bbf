"""Flipping one bit of an estate's files, and finding out whether anybody would notice.

A flip is *detected* when an audit, an opening, an operation or the verifier says so. It is
*harmless* only if everything that can be read back, entries, bodies, blobs, keys, rows, is as
before: that is compared, never assumed. Anything else is a defect of the product.

The deep audit's checks run one by one here, on the part that was flipped, instead of opening the
whole estate each time; `whole` does that, for a sample.
"""

from __future__ import annotations

import contextlib
import gc
import io
import random
import re
import shutil
import time
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import freehold_verify
from freehold.audit import FolderAudit, audit_estate
from freehold.estate import Estate
from freehold.kernel import FreeholdError
from freehold.kernel.acts import Actor, Found, Record, RecordCheck
from freehold.kernel.catalog import Catalog, differences
from freehold.kernel.keys import Keyring, KeyringFiles
from freehold.kernel.ledger import LogReader, VerifierKey, read_journal
from freehold.kernel.vault import BodyScan, Vault
from tests.estate.world import FakeExecutor, World, copy_world, custody
from tests.tamper.sqlite_places import place_in_database, place_in_wal
from tests.tamper.victim import REGISTRY, codes

KINDS = {
    "checkpoint": r"ledger/main/checkpoint",
    "kept checkpoint": r"ledger/main/checkpoints/.*",
    "entries": r"ledger/main/tile/entries/.*",
    "tile": r"ledger/main/tile/\d+/.*",
    "write-ahead file": r"ledger/main/wal/.*",
    "lock": r"ledger/main/lock",
    "blob": r"vault/blobs/.*",
    "segment": r"vault/segments/.*",
    "custody.json": r"keys/custody\.json",
    "keyring.db": r"keys/keyring\.db",
    "keyring.db-wal": r"keys/keyring\.db-wal",
    "catalog.db": r"catalog\.db",
    "catalog.db-wal": r"catalog\.db-wal",
}
SIDE_FILES = re.compile(r".*-shm")  # SQLite's index of its log, made anew by whoever opens it


@dataclass(frozen=True)
class Flip:
    """One bit of one file."""

    name: str
    kind: str
    offset: int
    bit: int


@dataclass(frozen=True)
class Outcome:
    """What came of it: who detected it, or the class of places in which it does no harm."""

    flip: Flip
    detected_by: str = ""
    harmless: str = ""


@dataclass(frozen=True)
class Expected:
    """Everything that can be read back from the estate before any flip."""

    entries: list[bytes]
    bodies: dict[str, bytes]
    blobs: dict[str, tuple[str, bytes]]  # domain and content by name
    secrets: dict[str, str | None]  # age identities by domain; None once erased
    pins: dict[str, bytes]
    rows: list[Any]
    findings: set[str]


class Scene:
    """An estate as it was closed, or as a crash left it: with records that wait in the write-ahead
    file, and logs beside the databases. Its files are flipped in place, and mended again.
    """

    def __init__(self, template: Path, folder: Path, *, is_crashed: bool) -> None:
        self.folder = folder
        self._pin = ""  # that a flip without effect changed
        self.home = folder / "work" / "estate"
        self._make(template, is_crashed=is_crashed)
        self._key, self._origin = self._read_key()
        kept = shutil.copytree(self.home / "keys", folder / "keys")
        self._keyring = Keyring.open(kept, custody())
        self._vault = Vault.open(self.home / "vault", self._keyring)
        self.expected = self._read_everything()
        self._fresh = Catalog(folder / "fresh.db", self._origin, REGISTRY.tables)
        self.files = {
            path.relative_to(self.home).as_posix(): path.read_bytes()
            for path in sorted(self.home.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }
        self.files = {n: d for n, d in self.files.items() if d and not SIDE_FILES.fullmatch(n)}
        for name in self.files:
            self.kind_of(name)  # every file is of a kind that is known here

    def close(self) -> None:
        self._fresh.close()
        self._vault.close()
        self._keyring.close()

    # ---- making

    def _make(self, template: Path, *, is_crashed: bool) -> None:
        world = copy_world(template, self.folder / "living")
        if is_crashed:
            self._copy_living(world)
        self._write_bundle(world)
        world.close()
        if not is_crashed:
            shutil.copytree(world.home, self.home)

    def _copy_living(self, world: World) -> None:
        for _ in range(20):  # until a copy is quicker than the log's publisher
            world.ingest("pending", data_class="internal")
            shutil.rmtree(self.folder / "work", ignore_errors=True)
            shutil.copytree(world.home, self.home, ignore=shutil.ignore_patterns("socket"))
            if self._is_pending():
                break
            time.sleep(0.2)
        else:
            raise AssertionError("the publisher was quicker than each copy")

    def _is_pending(self) -> bool:
        log = self.home / "ledger" / "main"
        size = int((log / "checkpoint").read_bytes().split(b"\n")[1])
        journals = read_journal(log)
        return any(first + len(records) > size for first, records in journals)

    def _write_bundle(self, world: World) -> None:
        exported, ada = io.BytesIO(), world.actor("ada")
        world.estate.history.export(ada, exported, is_full=True)
        self.bundle = self.folder / "bundle.zip"
        self.bundle.write_bytes(exported.getvalue())
        self._signers = self.folder / "signers"
        self._signers.write_text(world.estate.people.allowed_signers(ada))
        self._vkey = str(world.estate.pipeline.stores.log.key)
        self._report = self._verified(self.bundle)

    def _read_key(self) -> tuple[VerifierKey, str]:
        key = VerifierKey.parse(self._vkey)
        return key, key.name

    def _read_everything(self) -> Expected:
        """Read it all, and bring a catalog to what it has to be, in another copy."""
        entries = self._entries()
        records = [Record.decode(entry) for entry in entries]
        other = self.folder / "other"
        shutil.copytree(self.home, other)
        with Estate.open(other, custody(), executor=FakeExecutor()) as estate:
            rows = list(estate.pipeline.stores.catalog.dump())
            position = estate.pipeline.stores.catalog.position
        assert position == len(entries), "opening recorded nothing"
        for path in other.glob("catalog.db*"):
            shutil.copy2(path, self.folder / path.name.replace("catalog", "fresh"))
        domains = {record.body.domain for record in records if record.body}
        blobs = {r.facts["blob"]: r.body.domain for r in records if r.body and _blob(r)}
        living = {name: domain for name, domain in blobs.items() if self._secret(domain)}
        return Expected(
            entries=entries,
            bodies=self._bodies(entries),
            blobs={name: (d, self._vault.read(d, name, 1 << 24)) for name, d in living.items()},
            secrets={domain: self._secret(domain) for domain in sorted(domains)},
            pins=_pins(self.folder / "keys"),
            rows=rows,
            findings=codes(FolderAudit(self.home, REGISTRY).round()),
        )

    # ---- flipping

    def kind_of(self, name: str) -> str:
        return next(kind for kind, pattern in KINDS.items() if re.fullmatch(pattern, name))

    def flips(self, count: int, seed: int) -> Iterator[Flip]:
        """Bits at random, as many of each kind of file, however large those are."""
        chance = random.Random(seed)
        by_kind: dict[str, list[str]] = {}
        for name in self.files:
            by_kind.setdefault(self.kind_of(name), []).append(name)
        kinds = [*sorted(by_kind), "bundle"]
        for number in range(count):
            kind = kinds[number % len(kinds)]
            if kind == "bundle":
                size = self.bundle.stat().st_size
                yield Flip("bundle.zip", kind, chance.randrange(size), chance.randrange(8))
                continue
            names = by_kind[kind]
            sizes = [len(self.files[name]) for name in names]
            (name,) = chance.choices(names, sizes)
            yield Flip(name, kind, chance.randrange(len(self.files[name])), chance.randrange(8))

    def try_flip(self, flip: Flip) -> Outcome:
        """Flip the bit, find out, and flip it back."""
        if flip.kind == "bundle":
            return self._try_bundle(flip)
        path, data = self.home / flip.name, self.files[flip.name]
        path.write_bytes(flipped(data, flip))
        self._pin = ""
        try:
            found = codes(FolderAudit(self.home, REGISTRY).round()) - self.expected.findings
            if found:
                return Outcome(flip, detected_by=f"audit of the folder: {min(found)}")
            by = self._detected_within(flip)
            if by:
                return Outcome(flip, detected_by=by)
        finally:
            path.write_bytes(data)
            for side in self.home.rglob("*-shm"):
                side.unlink()
        return Outcome(flip, harmless=self.place(flip))

    def whole(self, flip: Flip) -> str:
        """Open a copy of the flipped estate and audit it from within: what detects the flip, if
        anything does.
        """
        copy = self.folder / "whole"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.home, copy)
        (copy / flip.name).write_bytes(flipped(self.files[flip.name], flip))
        try:
            with Estate.open(copy, custody(), executor=FakeExecutor()) as estate:
                found = codes(audit_estate(estate, Actor(estate.people.find("ada"))))
        except FreeholdError as error:
            return f"opening: {error.code}"
        return f"audit from within: {min(found)}" if found else ""

    # ---- looking within, part by part

    def _detected_within(self, flip: Flip) -> str:
        try:
            match flip.kind:
                case "segment":
                    return self._look_at_bodies()
                case "blob":
                    return self._look_at_blob(flip)
                case "custody.json" | "keyring.db" | "keyring.db-wal":
                    return self._look_at_keys()
                case "catalog.db" | "catalog.db-wal":
                    return self._look_at_catalog()
        except FreeholdError as error:
            return f"opening: {error.code}"
        assert self._entries() == self.expected.entries, f"{flip}: other entries, unnoticed"
        return ""

    def _look_at_bodies(self) -> str:
        found = Found()
        with BodyScan(self.home / "vault" / "segments", self._keyring.domain) as scan:
            check = RecordCheck(REGISTRY, self._origin, bodies=scan)
            sound = sum(1 for _ in check.run(0, self.expected.entries, found))
        if found.faults:
            return f"audit from within: {found.faults[0].code}"
        assert sound == len(self.expected.entries)
        assert self._bodies(self.expected.entries) == self.expected.bodies
        return ""

    def _look_at_blob(self, flip: Flip) -> str:
        name = Path(flip.name).name
        domain, content = self.expected.blobs[name]  # an erased one is known by its sealed bytes
        assert self._vault.read(domain, name, 1 << 24) == content
        return ""

    def _look_at_keys(self) -> str:
        copy = self.folder / "keys-flipped"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.home / "keys", copy)
        with Keyring.open(copy, custody()) as keyring:
            state = keyring.check()
            if state.faults:
                return f"audit from within: {state.faults[0].code}"
            secrets = {domain: _secret(keyring, domain) for domain in self.expected.secrets}
            signs = keyring.signer("log").public_key == self._key.public_key
        assert (secrets, signs) == (self.expected.secrets, True)
        pins, others = _pins(copy), set[str]()
        for name in pins.keys() | self.expected.pins.keys():
            if pins.get(name) != self.expected.pins.get(name):
                others.add(name)
        assert others <= {"clock", "pruned"}, f"other pins, unnoticed: {others}"
        self._pin = others.pop() if others else ""
        return ""

    def _look_at_catalog(self) -> str:
        copy = self.folder / "catalog-flipped"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for path in self.home.glob("catalog.db*"):
            shutil.copy2(path, copy / path.name)
        catalog = Catalog(copy / "catalog.db", self._origin, REGISTRY.tables)
        try:
            problems = catalog.problems()
            if problems:
                return "audit from within: catalog.damaged"
            if catalog.position < len(self.expected.entries):
                return self._caught_up()
            if any(differences(catalog, self._fresh, lambda position: None)):
                return "audit from within: catalog.differs"
            assert list(catalog.dump()) == self.expected.rows
        finally:
            catalog.close()
        return ""

    def _caught_up(self) -> str:
        """A catalog that lost its newest commits: opening makes good for them."""
        copy = self.folder / "caught-up"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.home, copy)
        with Estate.open(copy, custody(), executor=FakeExecutor()) as estate:
            if list(estate.pipeline.stores.catalog.dump()) == self.expected.rows:
                return ""
            found = codes(audit_estate(estate, Actor(estate.people.find("ada"))))
        assert found, "another catalog, and nobody noticed"
        return f"audit from within: {min(found)}"

    def _try_bundle(self, flip: Flip) -> Outcome:
        data = self.bundle.read_bytes()
        path = self.folder / "flipped.zip"
        path.write_bytes(flipped(data, flip))
        status, report = self._verified(path)
        if status:
            return Outcome(flip, detected_by="verifier")
        if report != self._report[1]:
            return Outcome(flip, detected_by="verifier: it says that something is unchecked")
        assert _members(path) == _members(self.bundle), f"{flip}: another bundle, unnoticed"
        return Outcome(flip, harmless="bundle: metadata of the zip")

    def _verified(self, path: Path) -> tuple[Any, str]:
        """What the verifier says of a bundle, and its exit status."""
        arguments = [str(path), "--vkey", self._vkey, "--allowed-signers", str(self._signers)]
        said = io.StringIO()
        with (
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
            warnings.catch_warnings(action="ignore", category=ResourceWarning),
        ):
            try:
                status: Any = freehold_verify.main(arguments)
            except SystemExit as stopped:  # it is no bundle that could be checked
                status = stopped.code
            gc.collect()  # a process of its own would end here, with its files
        return status, said.getvalue()

    # ---- reading back

    def _entries(self) -> list[bytes]:
        log = self.home / "ledger" / "main"
        journals = read_journal(log)
        reader = LogReader(log, self._origin, keys=[self._key])
        size = reader.checkpoint.size
        waiting = max((r[size - f :] for f, r in journals if f <= size <= f + len(r)), default=[])
        return [*reader.entries(), *waiting]

    def _bodies(self, entries: list[bytes]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        with BodyScan(self.home / "vault" / "segments", self._keyring.domain) as scan:
            for record in map(Record.decode, entries):
                if record.body is not None and self._secret(record.body.domain):
                    place = record.body.domain, record.id, record.body.at
                    found[record.id] = scan.open(*place)
        return found

    def _secret(self, domain: str) -> str | None:
        return _secret(self._keyring, domain)

    # ---- naming places

    def place(self, flip: Flip) -> str:
        """The class of places that a flip without effect lies in."""
        data = self.files[flip.name]
        if self._pin:
            return f"{flip.kind}: pin {self._pin}"
        if flip.kind in ("keyring.db", "catalog.db"):
            log = self.files.get(flip.name + "-wal", b"")
            return f"{flip.kind}: {place_in_database(data, flip.offset, log)}"
        if flip.kind in ("keyring.db-wal", "catalog.db-wal"):
            return f"{flip.kind}: {place_in_wal(data, flip.offset)}"
        return f"{flip.kind}: {self._place_in_text(flip, data)}"

    def _place_in_text(self, flip: Flip, data: bytes) -> str:
        if flip.kind == "lock":
            return "all of it"
        if flip.kind in ("checkpoint", "kept checkpoint") and data[flip.offset + 1 :] == b"=\n":
            return "unused bits of base64"
        if flip.kind == "custody.json" and chr(data[flip.offset]) in "abcdef" and flip.bit == 5:
            return "case of a hexadecimal digit"
        if flip.kind == "segment":
            return self._place_in_segment(flip)
        return f"byte {flip.offset} of {flip.name}"

    def _place_in_segment(self, flip: Flip) -> str:
        number = int(Path(flip.name).stem)
        for record in map(Record.decode, self.expected.entries):
            if record.body is not None:
                segment, offset, length = record.body.at
                if segment == number and offset <= flip.offset < offset + length:
                    is_open = self._secret(record.body.domain)
                    return "a body that can be opened" if is_open else "body of an erased domain"
        return "header" if flip.offset < 19 else "bytes of no record"


def flipped(data: bytes, flip: Flip) -> bytes:
    """The same bytes but for one bit."""
    changed = bytearray(data)
    changed[flip.offset] ^= 1 << flip.bit
    return bytes(changed)


def _blob(record: Record) -> bool:
    return record.phase == "done" and bool(record.facts.get("blob"))


def _secret(keyring: Keyring, domain: str) -> str | None:
    try:
        return keyring.domain(domain).identity
    except FreeholdError as error:
        if error.code == "keys.domain_erased":
            return None
        raise


def _pins(folder: Path) -> dict[str, bytes]:
    with contextlib.closing(KeyringFiles(folder)) as files:
        return files.pins()


def _members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}
