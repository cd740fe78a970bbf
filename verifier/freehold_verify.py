#!/usr/bin/env python3
"""Check a Freehold evidence bundle with Python alone, believing nothing that its maker says.

    python3 freehold_verify.py BUNDLE --vkey KEY --allowed-signers FILE --pin CHECKPOINT

It recomputes the log from its entries and holds every signature, record, receipt, promise, approval
and disclosed body against it. It does not judge whether what was recorded was right, nor who holds
a key: the keys of the log and of the approvers come from outside the bundle; without the log's key
it can only say *internally consistent only*. One file, standard library, no network, no writing.
Exit status: 0 what was checked holds, 1 something does not hold, 2 not usable input. Formats:
Freehold's docs/formats, and the standards that they and the functions here name.
"""

from __future__ import annotations

import argparse
import base64
import functools
import hashlib
import json
import re
import sys
import zipfile
import zlib
from collections import namedtuple
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

FILE_BYTES_MAX = 256 * 65_537  # a full entry bundle, the largest file of the format
TOTAL_BYTES_MAX, FILES_MAX = 8 << 30, 2_000_000  # of a whole bundle; names are held in memory
NOTE_BYTES_MAX = 65_536  # 64 signatures and more; C2SP asks for at least 16
FILE_NAME = r"(?!.*\.\.)[\w-][\w.-]*(/[\w-][\w.-]*)*"
CLOCK_SECONDS_MAX = 5  # a clock set back by less is not worth a word
FAULTS = (ValueError, OverflowError, RecursionError)  # what reading something broken raises
FAULTS_SHOWN = 5  # on one line of the report; --json has all
NAMESPACE, TOP = "freehold-approval", "log/checkpoint"
HOLDS = "All of it holds, and the log's key was given from outside"
INTERNAL = "internally consistent only: nobody outside the bundle vouches for the log's key"
BROKEN, UNCHECKED = "DOES NOT HOLD", "not checked"

Point = tuple[int, int, int, int]  # extended coordinates X, Y, Z, T
Note = namedtuple("Note", "text signatures")  # with the last newline; (name, key id + signature)s
Checkpoint = namedtuple("Checkpoint", "note origin size root")
LogKey = namedtuple("LogKey", "name id key")


def need(holds: object, otherwise: str) -> None:
    """Raise ValueError, which becomes a line of the report, unless it holds."""
    if not holds:
        raise ValueError(otherwise)


P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = 37095705934669439343138083508754565189542113879843219016388785533085940283555
NEUTRAL: Point = (0, 1, 1, 0)


def add(p: Point, q: Point) -> Point:
    """Add two points of edwards25519; complete, so it doubles too (RFC 8032, 5.1.4)."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * D * p[3] * q[3] % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def decode_point(data: bytes) -> Point:
    """Decode a point that is canonically encoded and on the curve (RFC 8032, 5.1.3)."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == -u % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    is_on_curve = len(data) == 32 and y < P and v * x * x % P == u
    need(is_on_curve and (x or not sign), "the key is not a point of the curve")
    x = x if x & 1 == sign else P - x
    return x, y, 1, x * y % P


class PublicKey:
    """An Ed25519 public key, of a log or a person, that checks signatures."""

    def __init__(self, data: bytes) -> None:
        x, y, z, t = decode_point(data)
        eighth = functools.reduce(lambda p, _: add(p, p), range(3), (x, y, z, t))
        need(eighth[0] or eighth[1] != eighth[2], "anybody can sign for a key of small order")
        self.data = data
        self.sums: list[Point] = [NEUTRAL]  # of 2^(64 j) * base and - 2^(64 j) * key, j under 4
        for point in (decode_point(b"\x58" + b"\x66" * 31), (P - x, y, z, P - t)):
            for _ in range(4):
                self.sums += [add(total, point) for total in self.sums]
                for _ in range(64):
                    point = add(point, point)

    def check(self, message: bytes, signature: bytes) -> None:
        """Raise unless the key signed `message` (RFC 8032, 5.1.7, without the cofactor)."""
        s, total = int.from_bytes(signature[32:], "little"), NEUTRAL
        need(len(signature) == 64 and s < ORDER, "not a signature of 64 bytes with canonical S")
        k = int.from_bytes(hashlib.sha512(signature[:32] + self.data + message).digest(), "little")
        scalars = s | k % ORDER << 256
        for bit in range(63, -1, -1):
            teeth = sum((scalars >> 64 * j + bit & 1) << j for j in range(8))
            total = add(add(total, total), self.sums[teeth])
        inverse = pow(total[2], -1, P)
        x, y = total[0] * inverse % P, total[1] * inverse % P
        point = (y | (x & 1) << 255).to_bytes(32, "little")
        need(point == signature[:32], "the signature does not fit the key and what was signed")


def unbase64(encoded: str) -> bytes:
    """Decode base64 that is exactly what an encoder writes."""
    data = base64.b64decode(encoded)
    need(base64.b64encode(data).decode() == encoded, "base64 that no encoder writes")
    return data


def number(value: float) -> str:
    """Write a number other than zero as ECMAScript does (RFC 8785, 3.2.2.3)."""
    need(0 < abs(value) < float("inf"), "a number that is not canonical")
    if 1e-6 <= abs(value) < 1e21:
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa}e{int(exponent):+d}"


def encode(value: Any) -> str:
    """Write canonical JSON (RFC 8785)."""
    if isinstance(value, str):
        return json.encoder.encode_basestring(value)
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join([f"{encode(key)}:{encode(value[key])}" for key in keys]) + "}"
    if isinstance(value, list):
        return "[" + ",".join([encode(item) for item in value]) + "]"
    if isinstance(value, float) or (isinstance(value, int) and abs(value) >= 2**53):
        return number(float(value))
    return json.dumps(value)


def parse(data: bytes) -> Any:
    """Read canonical JSON: what `encode` writes and nothing else."""
    value = json.loads(data.decode())
    need(encode(value).encode() == data, "not canonical JSON (RFC 8785)")
    return value


def read_note(data: bytes) -> Note:
    """Read a signed note, without checking a signature (C2SP signed-note)."""
    text, gap, tail = data.decode().rpartition("\n\n")
    need(len(data) <= NOTE_BYTES_MAX, "a note that is too long")
    need(not re.search("[\x00-\x09\x0b-\x1f\x7f]", text + tail), "control characters in a note")
    need(gap and re.fullmatch("(\u2014 [^ +\n]+ [^ \n]+\n)+", tail), "a note that is not signed")
    lines = [line.split(" ") for line in tail[:-1].split("\n")]
    return Note(text + "\n", tuple((name, unbase64(encoded)) for _, name, encoded in lines))


def read_checkpoint(data: bytes) -> Checkpoint:
    """Read a log's word that so many records are under this root (C2SP tlog-checkpoint)."""
    note = read_note(data)
    parts = re.findall("^(\\S+)\n(0|[1-9]\\d{0,17})\n([A-Za-z0-9+/]{43}=)\n", note.text, re.ASCII)
    need(parts, "a checkpoint that does not begin with origin, size and root")
    return Checkpoint(note, parts[0][0], int(parts[0][1]), unbase64(parts[0][2]))


def read_vkey(vkey: str) -> LogKey:
    """Read a log's public key, `name+id+base64(1 || key)`, or the file that holds it."""
    vkey = Path(vkey).read_text() if Path(vkey).is_file() else vkey
    name, key_id, encoded = vkey.strip().split("+", 2)
    key = unbase64(encoded)
    expected = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    need((key_id, len(key), key[:1]) == (expected.hex(), 33, b"\1"), "not a vkey for Ed25519")
    return LogKey(name, expected, PublicKey(key[1:]))


def ssh_strings(data: bytes, count: int) -> list[bytes]:
    """Split `count` SSH strings from the front of `data`; what remains comes last."""
    strings: list[bytes] = []
    for _ in range(count):
        end = 4 + int.from_bytes(data[:4], "big")
        need(len(data) >= end, "an SSH signature that is cut short")
        strings, data = [*strings, data[4:end]], data[end:]
    return [*strings, data]


def ssh_signer(message: bytes, armored: str) -> bytes:
    """Check an SSH signature (OpenSSH PROTOCOL.sshsig and .u2f); return the key that made it."""
    edges = "-----BEGIN SSH SIGNATURE-----\n([^-]+)\n-----END SSH SIGNATURE-----\n?"
    armor = re.fullmatch(edges, armored.replace("\r\n", "\n"))
    blob = unbase64(armor[1].replace("\n", "")) if armor else b""
    need(blob[:10] == b"SSHSIG\0\0\0\1", "not an armored SSH signature of version 1")
    key, namespace, reserved, hashing, signature, rest = ssh_strings(blob[10:], 5)
    is_ours = namespace == NAMESPACE.encode() and hashing in (b"sha512", b"sha256")
    need(is_ours, "an SSH signature for another namespace, or over another hash")
    parts = (namespace, b"", hashing, hashlib.new(hashing.decode(), message).digest())
    signed = b"SSHSIG" + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    kind, point, spare = ssh_strings(key, 2)
    signature_kind, raw, presence = ssh_strings(signature, 2)
    if kind == b"sk-ssh-ed25519@openssh.com":
        application, spare = ssh_strings(spare, 1)
        need(len(presence) == 5 and presence[0] & 1 == 1, "the security key saw no user")
        digests = hashlib.sha256(application).digest(), hashlib.sha256(signed).digest()
        signed = digests[0] + presence + digests[1]
    else:
        need(kind == b"ssh-ed25519" and not presence, "an SSH signature that is not Ed25519")
    need(signature_kind == kind and not reserved + rest + spare, "an SSH signature with odd parts")
    PublicKey(point).check(signed, raw)
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


def node(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into one (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """Every complete subtree's hash: `levels[k][i]` covers 2^k leaves from i * 2^k on."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.levels = [leaves]
        while len(self.levels[-1]) > 1:
            below = self.levels[-1]
            self.levels.append([node(*below[i : i + 2]) for i in range(0, len(below) - 1, 2)])

    def root(self, end: int, start: int = 0) -> bytes:
        """Hash the leaves from `start`, where a larger subtree may begin, to `end`."""
        root = b""
        for level in range((end - start).bit_length()):
            if end - start >> level & 1:
                left = self.levels[level][(end >> level) - 1]
                root = node(left, root) if root else left
                end -= 1 << level
        return root or hashlib.sha256().digest()

    def path(self, index: int, end: int, *, start: int = 0) -> list[bytes]:
        """Compute the inclusion path of a leaf among those from `start` to `end`."""
        if end - start == 1:
            return []
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        if index < middle:
            return [*self.path(index, middle, start=start), self.root(end, middle)]
        return [*self.path(index, end, start=middle), self.root(middle, start)]


def split_entries(data: bytes) -> list[bytes]:
    """Read an entry bundle: uint16 BE length and entry, repeated (C2SP tlog-tiles)."""
    entries, at = [], 0
    while at < len(data):
        start, at = at + 2, at + 2 + int.from_bytes(data[at : at + 2], "big")
        need(at <= len(data), "its last entry is cut short")
        entries.append(data[start:at])
    return entries


def tile_name(level: str, n: int, *, width: int) -> str:
    """Name the tile of `width` hashes or entries, up to 256 (C2SP tlog-tiles)."""
    folders = "".join(f"x{n // 1000**i % 1000:03}/" for i in range(6, 0, -1) if n >= 1000**i)
    return f"log/tile/{level}/{folders}{n % 1000:03}" + (f".p/{width}" if width < 256 else "")


# What the canonical JSON of each key looks like (docs/formats/record.md, evidence-bundle.md)
UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
MOMENT, DIGEST = r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"', '"sha256:[0-9a-f]{64}"'
PRINCIPAL, COUNT, CODE = f'"(user|service|job):{UUID}"', r"(0|[1-9]\d*)", r'"[\w.:-]{1,128}"'
REF, STRINGS = r'"[a-z][a-z_]*:[a-z0-9][a-z0-9._-]*(@[1-9]\d*)?"', r'\[("[^"\\]*",?)*\]'
DECISION = f'"policies":{STRINGS},"policy_set":{DIGEST},"request":{DIGEST},"result":"(allow|deny)"'
OUTPUT = f'{{"digest":(null|{DIGEST}),"ref":{REF},"sealed":(null|{DIGEST})}}'
RECORD = {
    "v": "1",
    "id": '"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"',
    "time": MOMENT,
    "log": '".+"',
    "principal": PRINCIPAL,
    "on_behalf": f"null|{PRINCIPAL}",
    "act": r'"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+"',
    "phase": '"(started|done|failed|denied)"',
    "continues": f'null|"{UUID}"',
    "resource": rf'"[a-z][a-z_]*:{UUID}(@[1-9]\d*)?"',
    "inputs": rf"\[({REF},?)*\]",
    "outputs": rf"\[({OUTPUT},?)*\]",
    "purpose": f"null|{CODE}",
    "decision": f"{{{DECISION}}}",
    "facts": r"\{.*\}",
    "error": f"null|{CODE}",
    "body": rf'null|{{"at":\[{COUNT},{COUNT},{COUNT}\],"commitment":{DIGEST},"domain":"{UUID}"}}',
}
ABOUT = {
    **{"v": "1", "estate": f'"{UUID}"', "trial": "true|false", "origin": '".+"', "size": COUNT},
    **{"made": MOMENT, "disclosed": rf'\[("{UUID}",?)*\]'},
}
CHALLENGE = {"nonce": '"[0-9a-f]{32}"', "expires": MOMENT}


def check_shape(value: Any, shape: dict[str, str]) -> None:
    """Raise unless `value` has exactly the keys of `shape`, and each looks as it says."""
    need(isinstance(value, dict), "not an object")
    others = sorted(value.keys() ^ shape.keys())
    need(not others, f"missing or unknown keys: {others}")
    odd = [key for key in shape if not re.fullmatch(shape[key], encode(value[key]), re.ASCII)]
    need(not odd, f"not as the format says: {', '.join(odd)}")


def is_approval(record: dict[str, Any]) -> bool:
    """Tell whether a person's signature stands behind a record."""
    return record["phase"] == "done" and record["act"] in ("approval.give", "charter.ratify")


class Bundle:
    """The files of a folder or a zip, read one at a time, none larger than the format allows."""

    def __init__(self, path: Path) -> None:
        if path.is_dir():
            files = [file for file in path.rglob("*") if file.is_symlink() or not file.is_dir()]
            need(all(f.is_file() and not f.is_symlink() for f in files), "it has links in it")
            sizes = [(file.relative_to(path).as_posix(), file.stat().st_size) for file in files]
            self.open: Callable[[str], Any] = lambda name: (path / name).open("rb")
        else:
            archive = zipfile.ZipFile(path)
            infos = [info for info in archive.infolist() if not info.is_dir()]
            need(all(i.compress_type in (0, 8) for i in infos), "the zip is packed unusually")
            sizes = [(info.filename, info.file_size) for info in infos]
            self.open = archive.open
        self.names, total = {name for name, _ in sizes}, sum(size for _, size in sizes)
        odd = [name for name in self.names if not re.fullmatch(FILE_NAME, name)]
        need(not odd and len(self.names) == len(sizes), f"odd or repeated names {odd[:3]}")
        need(total <= TOTAL_BYTES_MAX and len(sizes) <= FILES_MAX, "more than this will read")
        self.unread = set(self.names)

    def read(self, name: str) -> bytes:
        need(name in self.names, f"there is no {name} in the bundle")
        self.unread.discard(name)
        try:
            with self.open(name) as file:
                data: bytes = file.read(FILE_BYTES_MAX + 1)
        except (OSError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f"cannot be read: {error}") from None
        need(len(data) <= FILE_BYTES_MAX, f"over {FILE_BYTES_MAX} bytes, as no file may be")
        return data

    def under(self, folder: str) -> list[str]:
        return sorted(name for name in self.names if name.startswith(folder))

    def ids(self, folder: str, more: Iterable[str]) -> list[str]:
        return list(dict.fromkeys([*more, *(n[len(folder) :][:36] for n in self.under(folder))]))


class Verification:
    """One check of one bundle with what is known from outside; `lines` is its report."""

    def __init__(self, bundle: Bundle, *, key: Any, signers: Any, pin: Any) -> None:
        self.bundle, self.key, self.signers, self.pin = bundle, key, signers, pin
        self.about = json.loads(bundle.read("bundle.json").decode())
        check_shape(self.about, ABOUT)
        self.head = read_checkpoint(bundle.read("log/checkpoint"))
        self.entries: list[bytes] = []
        self.records: dict[str, Any] = {}  # by id, in the order of the log
        self.spent: set[str] = set()  # nonces, and started records that were ended
        self.signed: set[Note] = set()  # by the log's key, as far as was checked
        self.latest, self.behind = datetime.min, 0.0
        self.lines: list[tuple[str, str, list[str]]] = []  # subject, verdict, details

    def each(self, subject: str, names: Iterable[Any], *, by: Callable[[Any], None]) -> None:
        """Check each of `names` and report on all of them in one line."""
        names, faults = list(names), []
        for name in names:
            try:
                by(name)
            except FAULTS as fault:
                faults.append(f"{name}: {fault}")
        verdict = BROKEN if faults else "holds" if names else UNCHECKED
        self.lines.append((subject, verdict, faults or [f"{len(names) or 'none'} in the bundle"]))

    def run(self) -> str:
        """Check everything and return the conclusion."""
        bundle, under, ids, size = self.bundle, self.bundle.under, self.bundle.ids, self.head.size
        most = min(size, 256 * len(bundle.names))  # a lie about the size meets a missing file
        needed = [tile_name("entries", n // 256, width=size - n) for n in range(0, most, 256)]
        self.each("entries of the log", needed, by=self.take_entries)
        if len(self.entries) == size:
            self.tree = Tree([hashlib.sha256(b"\0" + entry).digest() for entry in self.entries])
            rows = [(str(level), row) for level, row in enumerate(self.tree.levels[::8])]
            parts = [(lv, n, row[n : n + 256]) for lv, row in rows for n in range(0, len(row), 256)]
            tiles = {tile_name(lv, n // 256, width=len(p)): b"".join(p) for lv, n, p in parts}
            self.each("hash tiles", tiles, by=lambda n: need(bundle.read(n) == tiles[n], "altered"))
            self.each("checkpoints", [TOP, *under("log/checkpoints/")], by=self.check_checkpoint)
            if self.pin:
                self.each("pinned checkpoint", ["--pin"], by=lambda _: self.check_history(self.pin))
            self.each("records", range(size), by=self.check_record)
            self.each("bundle.json", ["bundle.json"], by=self.check_about)
            self.each("receipts", under("receipts/"), by=self.check_receipt)
            self.each("promises", under("promises/"), by=self.check_promise)
            bodies = ids("bodies/", self.about["disclosed"])
            self.each("disclosed bodies", bodies, by=self.check_body)
            given = ids("approvals/", [i for i, r in self.records.items() if is_approval(r)])
            self.each("approvals and ratifications", given, by=self.check_approval)
            used = [i for i, record in self.records.items() if record["facts"].get("approvals")]
            self.each("acts that needed approvals", used, by=self.check_use)
        is_broken = any(verdict == BROKEN for _, verdict, _ in self.lines)
        return BROKEN if is_broken else HOLDS if self.key else INTERNAL

    def open_ends(self) -> list[str]:
        """Say what was not checked, and what was only noticed."""
        closed = [i for i, record in self.records.items() if record["body"]]
        ends = {
            "all the rest, since the log is not whole": len(self.entries) != self.head.size,
            "whether the log's key signed it, for want of --vkey": not self.key,
            "whose keys signed the approvals, for want of --allowed-signers": self.signers is None,
            "whether the log was rewound, for want of --pin": not self.pin,
            f"{len(closed) - len(self.about['disclosed'])} bodies, not disclosed": closed,
            f"{len(self.bundle.unread)} files outside the format": self.bundle.unread,
            f"clocks, set back by up to {self.behind:.0f} s": self.behind > CLOCK_SECONDS_MAX,
        }
        return [end for end, is_open in ends.items() if is_open]

    def take_entries(self, name: str) -> None:
        entries = split_entries(self.bundle.read(name))
        expected = tile_name("entries", len(self.entries) // 256, width=len(entries))
        need(name == expected, f"it holds {len(entries)} entries")
        self.entries += entries

    def check_checkpoint(self, name: str) -> None:
        point = read_checkpoint(self.bundle.read(name))
        need(name in (TOP, f"{TOP}s/{point.size:020}"), f"named for another size than {point.size}")
        self.check_history(point)

    def check_note(self, note: Any) -> None:
        """Raise unless the log's key, if it was given, signed `note`; receipts repeat theirs."""
        if self.key and note not in self.signed:
            name, key_id, key = self.key
            own = [blob[4:] for who, blob in note.signatures if (who, blob[:4]) == (name, key_id)]
            need(own, f"not signed by the log's key {name}+{key_id.hex()}")
            for signature in own:
                key.check(note.text.encode(), signature)
            self.signed.add(note)

    def check_history(self, point: Any) -> None:
        """Raise unless the log's key signed `point` and the log begins with what it covers."""
        self.check_note(point.note)
        need(point.origin == self.head.origin, f"of another log, {point.origin}")
        need(point.size <= self.head.size, f"of {point.size} records: the bundle's log was rewound")
        need(self.tree.root(point.size) == point.root, "another history: not the root of this log")

    def check_record(self, index: int) -> None:
        record = parse(self.entries[index])
        check_shape(record, RECORD)
        need(record["id"] not in self.records, f"the id {record['id']} is used twice")
        self.records[record["id"]] = {**record, "index": index}
        need(record["log"] == self.head.origin, f"written to another log, {record['log']}")
        is_allowed = record["decision"]["result"] == "allow"
        need(is_allowed or record["phase"] in ("denied", "failed"), "done though denied")
        begun_id = record["continues"]
        if begun_id is not None:
            begun, ends = self.records.get(begun_id, {}), record["phase"] in ("done", "failed")
            begins = begun.get("phase") == "started" and begun["act"] == record["act"]
            need(ends and begins, "continues no earlier start of this act")
            need(begun_id not in self.spent, "ends what was ended before")
            self.spent.add(begun_id)
        moment = datetime.fromisoformat(record["time"][:-1])
        self.behind = max(self.behind, (self.latest - moment).total_seconds())
        self.latest = max(self.latest, moment)

    def check_about(self, _: str) -> None:
        about, head = self.about, self.head
        need((about["origin"], about["size"]) == head[1:3], f"{TOP} has another origin or size")
        start = f"{'trial' if about['trial'] else 'estate'}/{about['estate']}/"
        need(head.origin.startswith(start), "a log of another estate, or not called a trial")
        first: dict[str, Any] = next(iter(self.records.values()), {"index": None, "facts": {}})
        is_birth = first["index"] == 0 and first["act"] == "estate.create"
        need(is_birth and first["phase"] == "done", "the log does not begin with estate.create")
        need(first["facts"].get("trial") is about["trial"], "trial is not what record 0 says")

    def record_of(self, name: str) -> Any:
        record = self.records.get(name.split("/")[-1][:36])
        need(record, "belongs to no valid record")
        return record

    def check_receipt(self, name: str) -> None:
        index = self.record_of(name)["index"]
        proof, _, note = self.bundle.read(name).partition(b"\n\n")
        point = read_checkpoint(note)
        self.check_history(point)
        need(index < point.size, "its checkpoint is older than its record")
        path = [base64.b64encode(step).decode() for step in self.tree.path(index, point.size)]
        lines = [line for line in proof.decode().split("\n") if not line.startswith("extra ")]
        expected = ["c2sp.org/tlog-proof@v1", f"index {index}", *path]
        need(lines == expected, "not the index and path of its record")

    def check_promise(self, name: str) -> None:
        note = read_note(self.bundle.read(name))
        self.check_note(note)
        *start, index, leaf, deadline, _ = note.text.split("\n")
        need(start == ["freehold/promise/v1", self.head.origin], "not a promise of this log")
        if int(index) >= self.head.size and deadline > self.about["made"]:
            return  # not due yet when the bundle was made
        at = self.record_of(name)["index"]
        expected = (str(at), base64.b64encode(self.tree.levels[0][at]).decode())
        need((index, leaf) == expected, "not kept: its record is not there in the log")

    def check_body(self, record_id: str) -> None:
        record = self.record_of(record_id)
        need(record_id in self.about["disclosed"] and record["body"], "not listed as disclosed")
        plain = self.bundle.read(f"bodies/{record_id}.bin")
        found = "sha256:" + hashlib.sha256(b"freehold/body/v1\0" + plain).hexdigest()
        need(found == record["body"]["commitment"], "not the body committed to")
        body = parse(plain[32:])
        need(isinstance(body, dict) and body.keys() == {"details", "request"}, "odd keys")
        request = b"freehold/request/v1\0" + plain[:32] + encode(body["request"]).encode()
        found = "sha256:" + hashlib.sha256(request).hexdigest()
        need(found == record["decision"]["request"], "not the request that was decided")

    def check_approval(self, record_id: str) -> None:
        """Raise unless what was signed is what the record says, in time and for the first time."""
        record = self.record_of(record_id)
        need(is_approval(record), "its record is no approval")
        facts, who = dict(record["facts"]), record["principal"]
        if record["act"] == "charter.ratify":
            facts.update(for_act="charter.ratify", policy_set=record["decision"]["policy_set"])
        expected = {key: facts.get(key) for key in ("evidence", "policy_set", "nonce", "expires")}
        expected.update(v=1, estate=self.about["estate"], approver=who)
        expected.update(act=facts.get("for_act"), resource=record["resource"])
        message = self.bundle.read(f"approvals/{record_id}.json")
        said = parse(message)
        need(isinstance(said, dict), "not an object")
        odd = [k for k in {**said, **expected} if encode(said.get(k)) != encode(expected.get(k))]
        need(not odd, f"what was signed has another {', '.join(odd)} than its record")
        key = ssh_signer(message, self.bundle.read(f"approvals/{record_id}.sig").decode())
        need(self.signers is None or (who, key) in self.signers, f"not a key allowed to {who}")
        check_shape({k: said[k] for k in CHALLENGE}, CHALLENGE)
        need(record["time"] <= said["expires"], "it had expired when it was given")
        need(said["nonce"] not in self.spent, "its nonce was used before")
        self.spent.add(said["nonce"])

    def check_use(self, record_id: str) -> None:
        """Raise unless others than the act's own principal had approved it before."""
        record = self.records[record_id]
        begun, names = self.records.get(record["continues"], record), record["facts"]["approvals"]
        need(isinstance(names, list), "its approvals are not a list")
        seen = {record["principal"], record["on_behalf"]}
        for name in names if record["phase"] != "denied" else []:
            given: dict[str, Any] = self.records.get(str(name), begun)
            is_earlier = given["index"] < begun["index"] and is_approval(given)
            need(is_earlier and given["act"] == "approval.give", f"{name} is no earlier approval")
            facts, who = given["facts"], given["principal"]
            same = (facts.get("for_act"), given["resource"]) == (record["act"], record["resource"])
            seen_evidence = record["facts"].get("evidence", facts.get("evidence"))
            same = same and facts.get("evidence") == seen_evidence
            need(same, f"{name} approves another act, resource or evidence")
            need(who not in seen, f"{name} is by the act's own principal, or by one person twice")
            need(begun["time"] <= str(facts.get("expires")), f"{name} had expired")
            seen.add(who)


def main(arguments: list[str] | None = None) -> int:
    """Check the bundle that the command line names; return the exit status."""
    parser = argparse.ArgumentParser(description="Check a Freehold evidence bundle.")
    parser.add_argument("bundle", metavar="BUNDLE", type=Path, help="folder or zip")
    parser.add_argument("--vkey", help="the log's public key, or a file that holds it")
    parser.add_argument("--allowed-signers", type=Path, help="the approvers' keys (OpenSSH)")
    parser.add_argument("--pin", type=Path, help="a checkpoint of this log that was seen earlier")
    parser.add_argument("--json", action="store_true", help="report as JSON")
    given = parser.parse_args(arguments)
    try:
        key = given.vkey and read_vkey(given.vkey)
        signers = given.allowed_signers and read_signers(given.allowed_signers.read_text())
        pin = given.pin and read_checkpoint(given.pin.read_bytes())
        check = Verification(Bundle(given.bundle), key=key, signers=signers, pin=pin)
    except (*FAULTS, OSError, RuntimeError, zipfile.BadZipFile) as error:
        parser.error(f"this cannot be checked: {str(error)!a}")
    about, conclusion, open_ends = check.about, check.run(), check.open_ends()
    said = [f"TRIAL ESTATE {about['estate']}: made for trying Freehold out"] * about["trial"]
    said += [f"log {about['origin']}, {about['size']} records, made {about['made']}"]
    for subject, verdict, details in check.lines:
        more = f"; and {len(details) - FAULTS_SHOWN} more" * (len(details) > FAULTS_SHOWN)
        said.append(f"{subject}: {verdict}: {'; '.join(details[:FAULTS_SHOWN])}{more}")
    said += [*(f"{end}: {UNCHECKED}" for end in open_ends), f"Conclusion: {conclusion}"]
    if given.json:
        checks = [{"subject": s, "verdict": v, "details": d} for s, v, d in check.lines]
        found = {"conclusion": conclusion, "checks": checks, "not_checked": open_ends}
        said = [json.dumps({**about, **found})]
    print("\n".join(re.sub(r"[^\x20-\x7e]", "?", line) for line in said))
    return int(conclusion == BROKEN)


if __name__ == "__main__":
    sys.exit(main())
