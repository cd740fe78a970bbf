#!/usr/bin/env python3
"""Check a Freehold evidence bundle with Python alone, believing nothing that its maker says.

    python3 freehold_verify.py BUNDLE --vkey KEY --allowed-signers FILE --pin CHECKPOINT
        --witness KEY --witness KEY --quorum 2

It recomputes the log from its entries and holds every signature, record, receipt, promise, approval
and disclosed body against it. It does not judge whether what was recorded was right, nor who holds
a key: the keys of the log, of the approvers and of witnesses come from outside the bundle; without
the log's key it can only say *internally consistent only*. Witnesses saw the log at some time, and
refuse ever after to see another: what enough of them saw cannot be rewritten. One file, standard
library, no network, no writing. Exit status: 0 what was checked holds, 1 something does not hold, 2
not usable input. Formats: Freehold's docs/formats, and the standards that they and the functions
here name.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import re
import sys
import zipfile
import zlib
from base64 import b64decode, b64encode
from collections import namedtuple
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

FILE_BYTES_MAX = 256 * 65_537  # a full entry bundle, the largest file of the format
CLOCK_BACK_MAX = timedelta(seconds=5)  # a clock set back by less is not worth a word
FAULTS_SHOWN = 3  # on one line of the report
SEEN_SHOWN = 3  # checkpoints of one witness
HOLDS = "All of it holds, and the log's key was given from outside"
INTERNAL = "internally consistent only: nobody outside the bundle vouches for the log's key"
BROKEN, UNCHECKED = "DOES NOT HOLD", "not checked"
NAMESPACE, TOP, PRUNE = "freehold-approval", "log/checkpoint", "estate.prune"
FILE_NAME = r"[\w-][\w.-]*(/[\w-][\w.-]*)*"
LOG, WITNESS = b"\1", b"\4"  # kinds of keys (C2SP signed-note)
KEYS = {b"ssh-ed25519": 0, b"sk-ssh-ed25519@openssh.com": 1}  # how much follows the point
SIGNED = (("approval.give", "done"), ("charter.ratify", "done"))  # a person stands behind these
ODD_DATA = (ValueError, TypeError, LookupError, ArithmeticError, RuntimeError)
FAULTS = (*ODD_DATA, OSError, EOFError, zipfile.BadZipFile, zlib.error)  # what broken input raises

Point = tuple[int, int, int, int]  # extended coordinates X, Y, Z, T
Note = namedtuple("Note", "text signatures")  # with the last newline; (name, key id + signature)s
LogKey = namedtuple("LogKey", "name id key")


def need(holds: object, otherwise: str) -> None:
    """Raise ValueError, which becomes a line of the report, unless it holds."""
    if not holds:
        raise ValueError(otherwise)


def sha256(*parts: bytes) -> bytes:
    """Hash the parts as one."""
    return hashlib.sha256(b"".join(parts)).digest()


P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = 37095705934669439343138083508754565189542113879843219016388785533085940283555


def add(p: Point, q: Point) -> Point:
    """Add two points of edwards25519; complete, so it doubles too (RFC 8032, 5.1.4)."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * D * p[3] * q[3] % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def decode_point(data: bytes) -> Point:
    """Decode a point of the curve, of large order and canonically encoded (RFC 8032, 5.1.3)."""
    sign, y = divmod(int.from_bytes(data, "little"), 2**255)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    is_on_curve = y < P and x * x % P == square
    need(is_on_curve and len(data) == 32, "the key is not a point of the curve")
    x = x if x & 1 == sign else P - x
    point = eighth = x, y, 1, x * y % P
    for _ in range(3):
        eighth = add(eighth, eighth)
    need(eighth[0], "anybody can sign for a key of small order")
    return point


def check_signature(key: bytes, message: bytes, signature: bytes) -> None:
    """Raise unless the Ed25519 key signed `message` (RFC 8032, 5.1.7, without the cofactor)."""
    s = int.from_bytes(signature[32:], "little")
    need(len(signature) == 64 and s < ORDER, "not a signature of 64 bytes with canonical S")
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % ORDER
    base, (x, y, z, t) = decode_point(b"\x58" + b"\x66" * 31), decode_point(key)
    minus, total = (P - x, y, z, P - t), (0, 1, 1, 0)
    sums = (total, base, minus, add(base, minus))
    for bit in range(252, -1, -1):  # s * base - k * key, both at once
        total = add(add(total, total), sums[(s >> bit & 1) + 2 * (k >> bit & 1)])
    x, y = (coordinate * pow(total[2], -1, P) % P for coordinate in total[:2])
    point = (y | (x & 1) << 255).to_bytes(32, "little")
    need(point == signature[:32], "the signature does not fit the key and what was signed")


def unbase64(encoded: str) -> bytes:
    """Decode base64 that is exactly what an encoder writes."""
    data = b64decode(encoded)
    need(b64encode(data).decode() == encoded, "base64 that no encoder writes")
    return data


def encode(value: Any) -> str:
    """Write canonical JSON (RFC 8785)."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join([f"{encode(key)}:{encode(value[key])}" for key in keys]) + "}"
    if isinstance(value, list):
        return "[" + ",".join([encode(item) for item in value]) + "]"
    if isinstance(value, float) or (isinstance(value, int) and abs(value) >= 2**53):
        digits, _, exponent = repr(float(value)).partition("e")
        if 1e-6 <= abs(value) < 1e21:
            return format(Decimal(repr(float(value))), "f").removesuffix(".0")
        return f"{digits}e{int(exponent):+d}"
    return json.encoder.encode_basestring(value) if isinstance(value, str) else json.dumps(value)


def parse(data: bytes) -> Any:
    """Read canonical JSON: what `encode` writes and nothing else."""
    value = json.loads(data.decode())
    need(encode(value).encode() == data, "not canonical JSON (RFC 8785)")
    return value


def read_note(data: bytes) -> Note:
    """Read a signed note, without checking a signature (C2SP signed-note)."""
    text, gap, tail = data.decode().rpartition("\n\n")
    need(not re.search("[\x00-\x09\x0b-\x1f\x7f]", text + tail), "control characters in a note")
    need(gap and re.fullmatch("(\u2014 [^ +\n]+ [^ \n]+\n)+", tail), "a note that is not signed")
    lines = [line.split(" ") for line in tail[:-1].split("\n")]
    return Note(text + "\n", tuple((name, unbase64(encoded)) for _, name, encoded in lines))


def read_vkey(vkey: str, kind: bytes = LOG) -> LogKey:
    """Read a public key, `name+id+base64(kind || key)`, or the file that holds it."""
    vkey = Path(vkey).read_text() if Path(vkey).is_file() else vkey
    name, key_id, encoded = vkey.strip().split("+", 2)
    key = unbase64(encoded)
    expected = sha256(name.encode(), b"\n", key)[:4]
    whose = "a witness" if kind == WITNESS else "a log"
    need((key_id, key[:1]) == (expected.hex(), kind), f"not an Ed25519 vkey of {whose}")
    decode_point(key[1:])
    return LogKey(name, expected, key[1:])


def split(data: bytes, width: int) -> list[bytes]:
    """Split strings, each after its length in `width` bytes, big-endian."""
    strings, at = [], 0
    while at < len(data):
        start, at = at + width, at + width + int.from_bytes(data[at : at + width], "big")
        need(at <= len(data), "the last part is cut short")
        strings.append(data[start:at])
    return strings


def ssh_signer(message: bytes, armored: str) -> bytes:
    """Check an SSH signature (OpenSSH PROTOCOL.sshsig and .u2f); return the key that made it."""
    edges = "-----BEGIN SSH SIGNATURE-----\n([^-]+)\n-----END SSH SIGNATURE-----\n?"
    armor = re.fullmatch(edges, armored.replace("\r\n", "\n"))
    blob = unbase64(armor[1].replace("\n", "")) if armor else b""
    need(blob[:10] == b"SSHSIG\0\0\0\1", "not an armored SSH signature of version 1")
    key, namespace, reserved, hashing, signature = split(blob[10:], 4)
    is_ours = namespace == NAMESPACE.encode() and hashing in (b"sha512", b"sha256")
    need(is_ours, "an SSH signature for another namespace, or over another hash")
    parts = (namespace, reserved, hashing, hashlib.new(hashing.decode(), message).digest())
    signed = b"SSHSIG" + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    kind, point, *application = split(key, 4)
    need(KEYS.get(kind) == len(application), "an SSH signature that is not Ed25519")
    if application:  # of a security key, which signs less, with flags and a counter
        signature, presence = signature[:-5], signature[-5:]
        need(presence and presence[0] & 1, "the security key saw no user")
        signed = sha256(*application) + presence + sha256(signed)
    signature_kind, raw = split(signature, 4)
    need(signature_kind == kind and not reserved, "an SSH signature with odd parts")
    check_signature(point, signed, raw)
    return key


def read_signers(text: str) -> set[tuple[str, bytes]]:
    """Read principals and keys (ssh-keygen(1), ALLOWED SIGNERS); of the options only namespaces."""
    signers: set[tuple[str, bytes]] = set()
    usable = r'([^\s*?!"]+)\s+(namespaces="(\S*)"\s+)?(sk-)?ssh-ed25519\S*\s+(\S+).*|\s*(#.*)?'
    for line in text.splitlines():
        match = re.fullmatch(usable, line)
        if match is None:
            raise ValueError(f"not principals, known options and an Ed25519 key: {line[:60]!r}")
        if match[1] and NAMESPACE in (match[3] or NAMESPACE).split(","):
            signers |= {(name, unbase64(match[5])) for name in match[1].split(",")}
    return signers


def tile_names(level: object, count: int) -> list[str]:
    """Name the tiles of `count` hashes or entries, of up to 256 each (C2SP tlog-tiles)."""
    names = []
    for n in range((count + 255) // 256):
        folders = "".join(f"x{n // 1000**i % 1000:03}/" for i in range(6, 0, -1) if n >= 1000**i)
        partial = f".p/{count % 256}" if count < 256 * (n + 1) else ""
        names.append(f"log/tile/{level}/{folders}{n % 1000:03}{partial}")
    return names


def digest_of_places(places: Iterable[int]) -> str:
    """Digest the places of a log that are empty: the ranges of them, a line for each."""
    at = set(places)
    starts = sorted(place for place in at if place - 1 not in at)
    stops = sorted(place + 1 for place in at if place + 1 not in at)
    lines = "".join(f"{start} {stop}\n" for start, stop in zip(starts, stops, strict=True))
    return "sha256:" + sha256(b"freehold/pruned/v1\n", lines.encode()).hex()


# Regular expressions for canonical JSON: a record without facts, bundle.json, what approvers sign
UUID, COUNT, TEXT = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", r"(0|[1-9]\d*)", r'"[^"\\]+"'
TIME, DIGEST = r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"', '"sha256:[0-9a-f]{64}"'
WHO, CODE, VERSION = f'"(user|service|job):{UUID}"', r'"[\w.:-]{1,128}"', r"(@[1-9]\d*)?"
CLOCK = "(synchronized|unsynchronized|unknown|behind|jumped)"
REF, WORD = rf'"[a-z][a-z_]*:[a-z0-9][a-z0-9._-]*{VERSION}"', "[a-z][a-z0-9_]*"
RECORD = rf"""{{ "act":"{WORD}(\.{WORD})+",
    "body":(null|{{"at":\[{COUNT},{COUNT},{COUNT}\],"commitment":{DIGEST},"domain":"{UUID}"}}),
    ("clock":{{"error_ms":(null|{COUNT}),"state":"{CLOCK}"}},)? "continues":(null|"{UUID}"),
    "decision":{{"policies":\[({TEXT},?)*\],"policy_set":{DIGEST},"request":{DIGEST},
    "result":"(allow|deny)"}}, "error":(null|{CODE}), "facts":{{}},
    "id":"[0-9a-f]{{8}}-[0-9a-f]{{4}}-7[0-9a-f]{{3}}-[89ab][0-9a-f]{{3}}-[0-9a-f]{{12}}",
    "inputs":\[({REF},?)*\], "log":{TEXT}, "on_behalf":(null|{WHO}),
    "outputs":\[({{"digest":(null|{DIGEST}),"ref":{REF},"sealed":(null|{DIGEST})}},?)*\],
    "phase":"(started|done|failed|denied)", "principal":{WHO}, "purpose":(null|{CODE}),
    "resource":"[a-z][a-z_]*:{UUID}{VERSION}", "time":{TIME}, "v":[12] }}"""
ABOUT = rf"""{{ "disclosed":\[("{UUID}",?)*\], "estate":"{UUID}", "made":{TIME}, "origin":{TEXT},
    "size":[1-9]\d*, "trial":(true|false), "v":1 }}"""
STATEMENT = rf"""{{ "act":{CODE}, "approver":{WHO}, "estate":"{UUID}", "evidence":{DIGEST},
    "expires":{TIME}, "nonce":"[0-9a-f]{{32}}", "policy_set":{DIGEST}, "resource":{REF}, "v":1 }}"""


def check_shape(value: Any, shape: str, where: str) -> None:
    """Raise unless the canonical JSON of `value` is as its format says."""
    is_so = re.fullmatch(shape, encode(value), re.VERBOSE | re.ASCII)
    need(is_so, f"not as docs/formats/{where}.md says")


class Bundle:
    """The files of a folder or a zip, read one at a time, none larger than the format allows."""

    def __init__(self, path: Path, held: ExitStack) -> None:
        self.open: Callable[[str], Any] = lambda name: (path / name).open("rb")
        if path.is_dir():
            files = [file for file in path.rglob("*") if file.is_symlink() or not file.is_dir()]
            need(all(f.is_file() and not f.is_symlink() for f in files), "it has links in it")
            names = [file.relative_to(path).as_posix() for file in files]
        else:
            archive = held.enter_context(zipfile.ZipFile(path))
            infos = [info for info in archive.infolist() if not info.is_dir()]
            need(all(info.compress_type in (0, 8) for info in infos), "the zip is packed unusually")
            names, self.open = [info.filename for info in infos], archive.open
        odd = [name for name in names if not re.fullmatch(FILE_NAME, name)]
        need(not odd and len({*names}) == len(names), f"odd or repeated names {odd[:3]}")
        self.names, self.unread = set(names), set(names)

    def read(self, name: str) -> bytes:
        need(name in self.names, f"there is no {name} in the bundle")
        self.unread.discard(name)
        with self.open(name) as file:
            data: bytes = file.read(FILE_BYTES_MAX + 1)
        need(len(data) <= FILE_BYTES_MAX, f"over {FILE_BYTES_MAX} bytes, as no file may be")
        return data

    def ids(self, folder: str, also: Iterable[str] = ()) -> list[str]:
        named = [name.split("/")[1][:36] for name in sorted(self.names) if name.startswith(folder)]
        return list(dict.fromkeys([*also, *named]))


class Witnesses:
    """Who saw the log, of those that are known from outside, and what they saw when."""

    def __init__(self, vkeys: list[str], quorum: int | None = None) -> None:
        keys = [read_vkey(vkey, WITNESS) for vkey in vkeys]
        need(len({key.key for key in keys}) == len(keys), "one witness's key was given twice")
        self.enough = len(keys) if quorum is None else quorum
        is_some = min(len(keys), 1) <= self.enough <= len(keys)
        need(is_some, f"a quorum of {quorum} of {len(keys)} witnesses")
        self.seen: dict[LogKey, dict[int, str]] = {key: {} for key in keys}
        self.heard: set[Note] = set()

    def hear(self, note: Note, size: int) -> None:
        """Take what they say of a checkpoint of `size` (C2SP tlog-cosignature)."""
        for witness, sizes in self.seen.items() if note not in self.heard else ():
            for blob in [blob for name, blob in note.signatures if (name, blob[:4]) == witness[:2]]:
                seconds = int.from_bytes(blob[4:12], "big")
                need(seconds, "a cosignature without its time")
                signed = f"cosignature/v1\ntime {seconds}\n{note.text}"
                check_signature(witness.key, signed.encode(), blob[12:])
                sizes[size] = (
                    f"{datetime(1970, 1, 1) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"
                )
        self.heard.add(note)

    def tell(self, total: int) -> list[str]:
        """Say who saw what and when, and how many of `total` records enough of them saw."""
        lines = []
        for witness, sizes in self.seen.items():
            last = [f"{size} records at {sizes[size]}" for size in sorted(sizes)[-SEEN_SHOWN:]]
            more = [f"{len(sizes) - len(last)} earlier checkpoints"] * (len(sizes) > len(last))
            saw = ", ".join(more + last)
            said = f"holds: it saw {saw}" if sizes else f"{UNCHECKED}: it saw none"
            lines.append(f"witness {witness.name}: {said}")
        most = sorted((max(sizes, default=0) for sizes in self.seen.values()), reverse=True)
        if not most:
            return []
        enough, seen = f"{self.enough} of the {len(most)} witnesses", most[self.enough - 1]
        if not seen:
            return [*lines, f"witnessed history: {BROKEN}: it was not seen by {enough}"]
        saw = f"{enough} saw the first {seen} of {total} records"
        lines.append(
            f"witnessed history: holds: {saw}, and will vouch for no other history of them"
        )
        unseen = f"the last {total - seen} records, which {enough} have not seen yet"
        return lines + [f"{unseen}: {UNCHECKED}"] * (seen < total)


class Verification:
    """One check of one bundle with what is known from outside; `lines` is its report."""

    def __init__(
        self, bundle: Bundle, *, key: Any, signers: Any, pin: Any, witnesses: Any = None
    ) -> None:
        self.bundle, self.key, self.signers, self.pin = bundle, key, signers, pin
        self.witnesses = witnesses or Witnesses([])
        self.about = about = json.loads(bundle.read("bundle.json").decode())
        check_shape(about, ABOUT, "evidence-bundle")
        self.origin, self.size = about["origin"], about["size"]
        self.entries: list[bytes] = []
        self.pruned: dict[int, bytes] = {}  # leaf hashes of entries whose retention was over
        self.root = functools.lru_cache(maxsize=None)(self.subtree)
        self.records: dict[str, Any] = {}  # by id, in the order of the log
        self.spent: set[str] = set()  # nonces, approvals, and started records that were ended
        self.signed: set[Note] = set()  # by the log's key, as far as was checked
        self.latest, self.behind = datetime.min, timedelta()
        self.lines = ["TRIAL ESTATE: made for trying Freehold out"] * about["trial"]
        self.lines += [f"log {self.origin}, {self.size} records, made {about['made']}"]

    def each(self, subject: str, names: Iterable[Any], *, by: Callable[[Any], object]) -> None:
        """Check each of `names` and report on all of them in one line."""
        names, faults, good = list(names), dict[str, str](), 0
        for name in names:
            try:
                by(name)
                good += 1
            except FAULTS as fault:
                faults.setdefault(str(fault), f"{name}: {fault}")  # the first of its kind
        verdict = BROKEN if faults else "holds" if names else UNCHECKED
        total = f"{good} of {len(names)} good" if names else "none given"
        said = "; ".join([*list(faults.values())[:FAULTS_SHOWN], total])
        self.lines.append(f"{subject}: {verdict}: {said}")

    def run(self) -> str:
        """Check everything and return the conclusion."""
        most = min(self.size, 256 * len(self.bundle.names))  # if a lie: it meets a missing file
        self.each("entries of the log", tile_names("entries", most), by=self.take_entries)
        if len(self.entries) == self.size:
            self.check_log()
        closed = sum(bool(r["body"]) for r in self.records.values()) - len(self.about["disclosed"])
        ends = {
            "all the rest, since the log is not whole": len(self.entries) != self.size,
            "whether the log's key signed it, for want of --vkey": not self.key,
            "whose keys signed the approvals, for want of --allowed-signers": self.signers is None,
            f"{closed} bodies, not disclosed": closed > 0,
            f"{len(self.bundle.unread)} files outside the format": self.bundle.unread,
            f"clocks, set back by up to {self.behind}": self.behind > CLOCK_BACK_MAX,
        }
        self.lines += [f"{end}: {UNCHECKED}" for end, is_open in ends.items() if is_open]
        is_broken = any(f": {BROKEN}: " in line for line in self.lines)
        return BROKEN if is_broken else HOLDS if self.key else INTERNAL

    def check_log(self) -> None:
        """Check the rest, once the entries are there."""
        ids, read, records = self.bundle.ids, self.bundle.read, self.records
        tiles = {}
        for level in range(0, self.size.bit_length(), 8):
            hashes = [self.root(n << level, n + 1 << level) for n in range(self.size >> level)]
            for n, name in enumerate(tile_names(level // 8, len(hashes))):
                tiles[name] = b"".join(hashes[256 * n : 256 * n + 256])
        self.each("hash tiles", tiles, by=lambda name: need(read(name) == tiles[name], "altered"))
        points = [TOP, *(name for name in sorted(self.bundle.names) if name.startswith(f"{TOP}s/"))]
        self.each("checkpoints", points, by=self.check_checkpoint)
        pins = ["--pin"] if self.pin else []
        self.each("pinned checkpoint", pins, by=lambda _: self.check_history(self.pin))
        kept = [index for index in range(self.size) if index not in self.pruned]
        self.each("records", kept, by=self.check_record)
        told = [i for i, r in records.items() if r["act"] == PRUNE and r["facts"].get("pruned")]
        if told or self.pruned:
            last = told[-1] if told else "none"
            said = f"{len(self.pruned)} entries pruned, as act {last} says"
            gone, other = digest_of_places(self.pruned), "other entries are missing than it took"
            self.each(
                said, [last], by=lambda i: need(self.record_of(i)["facts"]["pruned"] == gone, other)
            )
        self.each("receipts", ids("receipts/"), by=self.check_receipt)
        self.each("promises", ids("promises/"), by=self.check_promise)
        self.each("disclosed bodies", ids("bodies/", self.about["disclosed"]), by=self.check_body)
        given = [i for i, record in records.items() if (record["act"], record["phase"]) in SIGNED]
        self.each("signed approvals", ids("approvals/", given), by=self.check_approval)
        used = [i for i, record in records.items() if record["facts"].get("approvals")]
        self.each("acts that needed approvals", used, by=self.check_use)
        self.lines += self.witnesses.tell(self.size)

    def take_entries(self, name: str) -> None:
        kept = name.replace("/tile/entries/", "/kept/")
        is_kept = kept in self.bundle.names and name not in self.bundle.names
        entries = split(self.bundle.read(kept if is_kept else name), 2)
        need(len(entries) == int(name.partition(".p/")[2] or 256), f"it has {len(entries)} entries")
        gone = [n for n, entry in enumerate(entries) if not entry]
        need(is_kept or not gone, "an entry is empty")
        leaves = self.bundle.read(name.replace("/entries/", "/0/")) if gone else b""
        self.pruned.update({len(self.entries) + n: leaves[32 * n : 32 * n + 32] for n in gone})
        self.entries += entries

    def subtree(self, start: int, end: int) -> bytes:
        """Hash the entries from `start` up to `end` (RFC 6962, 2.1); `root` also remembers."""
        if end - start == 1 and start in self.pruned:
            return self.pruned[start]
        if end - start < 2:
            return sha256(*(b"\0" + entry for entry in self.entries[start:end]))
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        return sha256(b"\1", self.root(start, middle), self.root(middle, end))

    def signed_lines(self, note: Note) -> list[str]:
        """Split what the log's key, if it was given, signed; receipts often repeat it."""
        if self.key and note not in self.signed:
            own = [blob[4:] for name, blob in note.signatures if (name, blob[:4]) == self.key[:2]]
            need(len(own) == 1, f"not signed, once, by the log's key {self.key.name}")
            check_signature(self.key.key, note.text.encode(), own[0])
            self.signed.add(note)
        return str(note.text).split("\n")

    def check_history(self, note: Note) -> int:
        """Return the size of a checkpoint of this log (C2SP tlog-checkpoint), or raise."""
        origin, size, root, *_ = self.signed_lines(note)
        need(origin == self.origin, f"of another log, {origin}")
        need(0 <= int(size) <= self.size, f"of {size} records: the bundle's log was rewound")
        need(unbase64(root) == self.root(0, int(size)), "another history: not the root of this log")
        self.witnesses.hear(note, int(size))
        return int(size)

    def check_checkpoint(self, name: str) -> None:
        size = self.check_history(read_note(self.bundle.read(name)))
        is_named = name == f"{TOP}s/{size:020}" or (name, size) == (TOP, self.size)
        need(is_named, f"of {size} records, not as many as it should be")

    def check_record(self, index: int) -> None:
        record = parse(self.entries[index])
        act, phase, facts = record["act"], record["phase"], record["facts"]
        emptied = {} if isinstance(facts, dict) else facts
        check_shape({**record, "facts": emptied}, RECORD, "record")
        need(("clock" in record) is (record["v"] > 1), "tells of the clock, or not, out of version")
        need(record["id"] not in self.records, f"the id {record['id']} is used twice")
        self.records[record["id"]] = {**record, "index": index}
        need(record["log"] == self.origin, f"written to another log, {record['log']}")
        is_allowed = record["decision"]["result"] == "allow"
        need(is_allowed or phase in ("denied", "failed"), "done though denied")
        if index == 0:
            need((act, phase) == ("estate.create", "done"), "the log begins without estate.create")
            trial, estate = self.about["trial"], self.about["estate"]
            is_named = self.origin.startswith(f"{'trial' if trial else 'estate'}/{estate}/")
            is_so = is_named and facts.get("trial") is trial
            need(is_so, "bundle.json has another estate, or is wrong on whether it is a trial")
        if record["continues"] is not None:
            begun = self.records.get(record["continues"], record)
            is_start = (begun["phase"], begun["act"]) == ("started", act)
            need(is_start and phase in ("done", "failed"), "continues no earlier start of this act")
            need(begun["id"] not in self.spent, "ends what was ended before")
            self.spent.add(begun["id"])
        moment = datetime.fromisoformat(record["time"][:-1])
        self.behind, self.latest = max(self.behind, self.latest - moment), max(self.latest, moment)

    def record_of(self, record_id: str) -> Any:
        need(record_id in self.records, "belongs to no valid record")
        return self.records[record_id]

    def check_receipt(self, record_id: str) -> None:
        index = self.record_of(record_id)["index"]
        proof, _, note = self.bundle.read(f"receipts/{record_id}.tlog-proof").partition(b"\n\n")
        size = self.check_history(read_note(note))
        need(index < size, "its checkpoint is older than its record")
        starts = [(index >> k ^ 1) << k for k in range((size - 1).bit_length())]
        parts = [(at, min(at + (1 << k), size)) for k, at in enumerate(starts) if at < size]
        path = [b64encode(self.root(*part)).decode() for part in parts]
        lines = [line for line in proof.decode().split("\n") if not line.startswith("extra ")]
        is_proof = lines == ["c2sp.org/tlog-proof@v1", f"index {index}", *path]
        need(is_proof, "not the index and path of its record")

    def check_promise(self, record_id: str) -> None:
        note = read_note(self.bundle.read(f"promises/{record_id}.note"))
        *start, index, leaf, deadline, _ = self.signed_lines(note)
        need(start == ["freehold/promise/v1", self.origin], "not a promise of this log")
        if int(index) >= self.size and deadline > self.about["made"]:
            return  # not due yet when the bundle was made
        at = self.record_of(record_id)["index"]
        is_kept = (index, unbase64(leaf)) == (str(at), self.root(at, at + 1))
        need(is_kept, "not kept: its record is not there in the log")

    def check_body(self, record_id: str) -> None:
        record = self.record_of(record_id)
        need(record_id in self.about["disclosed"] and record["body"], "not listed as disclosed")
        plain = self.bundle.read(f"bodies/{record_id}.bin")
        committed = sha256(b"freehold/body/v1\0", plain).hex()
        need(record["body"]["commitment"] == f"sha256:{committed}", "not the body committed to")
        body = parse(plain[32:])
        need(set(body) == {"details", "request"}, "odd keys")
        asked = sha256(b"freehold/request/v1\0", plain[:32], encode(body["request"]).encode()).hex()
        need(record["decision"]["request"] == f"sha256:{asked}", "not the request that was decided")

    def check_approval(self, record_id: str) -> None:
        """Raise unless what was signed is what the record says, in time and for the first time."""
        record = self.record_of(record_id)
        need((record["act"], record["phase"]) in SIGNED, "its record is no approval")
        facts, who = dict(record["facts"]), record["principal"]
        if record["act"] == "charter.ratify":
            facts.update(for_act="charter.ratify", policy_set=record["decision"]["policy_set"])
        said = {key: facts[key] for key in ("evidence", "policy_set", "nonce", "expires")}
        said.update(v=1, act=facts["for_act"], approver=who)
        said.update(estate=self.about["estate"], resource=record["resource"])
        check_shape(said, STATEMENT, "approval")
        message = self.bundle.read(f"approvals/{record_id}.json")
        need(message == encode(said).encode(), "what was signed is not what its record says")
        key = ssh_signer(message, self.bundle.read(f"approvals/{record_id}.sig").decode())
        need(self.signers is None or (who, key) in self.signers, f"not a key allowed to {who}")
        need(record["time"] <= said["expires"], "it had expired when it was given")
        need(said["nonce"] not in self.spent, "its nonce was used before")
        self.spent.add(said["nonce"])

    def check_use(self, record_id: str) -> None:
        """Raise unless others than the act's own principal had approved it before, and once."""
        record = self.records[record_id]
        begun, facts = self.records.get(record["continues"], record), record["facts"]
        seen, phase = {record["principal"], record["on_behalf"]}, record["phase"]
        for name in facts["approvals"] if phase != "denied" else []:
            given = self.records.get(str(name), begun)
            is_earlier = given["index"] < begun["index"] and given["phase"] == "done"
            need(is_earlier and given["act"] == "approval.give", f"{name} is no earlier approval")
            said, who = given["facts"], given["principal"]
            approved = [said["for_act"], given["resource"], said["evidence"]]
            wanted = [record["act"], record["resource"], facts.get("evidence", said["evidence"])]
            need(approved == wanted, f"{name} approves another act, resource or evidence")
            need(who not in seen, f"{name} is by the act's own principal, or by one person twice")
            need(begun["time"] <= said["expires"], f"{name} had expired")
            need(phase != "done" or name not in self.spent, f"{name} was used before")
            seen.add(who)
        self.spent.update(facts["approvals"] if phase == "done" else [])


def main(arguments: list[str] | None = None) -> int:
    """Check the bundle that the command line names; return the exit status."""
    parser = argparse.ArgumentParser(description="Check a Freehold evidence bundle.")
    parser.add_argument("bundle", metavar="BUNDLE", type=Path, help="folder or zip")
    parser.add_argument("--vkey", help="the log's public key, or a file that holds it")
    parser.add_argument("--allowed-signers", type=Path, help="the approvers' keys (OpenSSH)")
    parser.add_argument("--pin", type=Path, help="a checkpoint of this log that was seen earlier")
    parser.add_argument("--witness", action="append", default=[], help="a witness's public key")
    parser.add_argument("--quorum", type=int, help="how many of them must have seen it (all)")
    given = parser.parse_args(arguments)
    with ExitStack() as held:
        try:
            witnesses = Witnesses(given.witness, given.quorum)
            key = given.vkey and read_vkey(given.vkey)
            signers = given.allowed_signers and read_signers(given.allowed_signers.read_text())
            pin = given.pin and read_note(given.pin.read_bytes())
            bundle = Bundle(given.bundle, held)
            check = Verification(bundle, key=key, signers=signers, pin=pin, witnesses=witnesses)
        except FAULTS as error:
            parser.error(f"this cannot be checked: {str(error)!a}")
        conclusion = check.run()
    for line in (*check.lines, f"Conclusion: {conclusion}"):
        print(re.sub(r"[^\x20-\x7e]", "?", line))
    return int(conclusion == BROKEN)


if __name__ == "__main__":
    sys.exit(main())
