"""The ledger's folder, file by file: checkpoints, tiles, entry bundles, the write-ahead file.

Read as it lies there, without the lock, beside a process that may be writing. It knows nothing of
what records say.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

from freehold.audit._findings import Findings
from freehold.kernel import FreeholdError
from freehold.kernel.ledger import (
    Checkpoint,
    CorruptLogError,
    Cosigned,
    CosignerKey,
    LogReader,
    NoteError,
    VerifierKey,
    bundle_path,
    read_journal,
)
from freehold.kernel.retention import pruned_digest

WIDTH = 256  # entries of a bundle, hashes of a tile: C2SP tlog-tiles, height 8
HASH_BYTES = 32
_TRIES = 5  # of reading what a writer replaces meanwhile
_PRUNING_SECONDS = 1.0  # that a server needs to take out what it has recorded
_TILE = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([0-9]{1,3}))?")
_DRAFT = ".tmp"  # of a file that is being put in place


def own_key(folder: Path) -> VerifierKey | None:
    """The log's key as the log itself tells it, in its first record; unverified."""
    bundles = folder / "tile" / "entries"
    paths = [bundles / "000", *(bundles / "000.p").glob("*"), folder / "kept" / "000"]
    for path in paths:
        try:
            data = path.read_bytes()
            entry = json.loads(data[2 : 2 + int.from_bytes(data[:2])])
            return VerifierKey.parse(entry["facts"]["vkey"])
        except (OSError, ValueError, KeyError, TypeError, NoteError):
            continue
    for _, records in journal_records(folder, Findings()):
        try:
            return VerifierKey.parse(json.loads(records[0])["facts"]["vkey"])
        except (ValueError, KeyError, TypeError, IndexError, NoteError):
            continue
    return None


def origin_of(folder: Path) -> str:
    """The log that the newest checkpoint claims to be of; empty where there is none to read."""
    try:
        return (folder / "checkpoint").read_bytes().decode().partition("\n")[0]
    except (OSError, UnicodeDecodeError):
        return ""


def open_log(folder: Path, key: VerifierKey, findings: Findings) -> LogReader | None:
    """Open the newest checkpoint, or the newest one kept that holds, telling why not the newest."""
    try:
        return LogReader(folder, key.name, keys=[key])
    except FreeholdError as error:
        code = {"ledger.missing": "ledger.missing", "ledger.key": "ledger.unsigned"}.get(
            error.code, "ledger.corrupt"
        )
        findings.add(code, "checkpoint", got=error.message)
    kept = sorted((int(path.name) for path in _kept(folder)), reverse=True)
    for size in kept[:_TRIES]:
        try:
            return LogReader(folder, key.name, keys=[key], size=size)
        except FreeholdError:
            continue
    return None


def check_checkpoints(
    folder: Path, reader: LogReader, key: VerifierKey, *, above: int, findings: Findings
) -> int:
    """Hold every kept checkpoint of at least the size `above` against the newest; count them."""
    count = 0
    for path in sorted(_kept(folder)):
        size = int(path.name)
        if size > reader.checkpoint.size:
            # A crash, or a publication under way: the next one extends it. It must be signed.
            _open_kept(path, key, findings)
            continue
        if size < above:
            continue
        count += 1
        kept = _open_kept(path, key, findings)
        if kept is None:
            continue
        try:
            root = reader.root(size)
        except CorruptLogError:
            continue  # told for the tile itself
        if (kept.size, kept.root) != (size, root):
            findings.add(
                "ledger.fork",
                f"checkpoints/{path.name}",
                expected=f"the tree of {size:,} records that the newest checkpoint contains",
                got=f"another tree, of {kept.size:,}",
            )
    return count


def check_gaps(reader: LogReader, said: str, findings: Findings) -> None:
    """Hold the entries that are out against what the newest act of pruning says is out.

    The act is recorded before the entries go, so that a server may be at it: it is given time.
    """
    for _ in range(_TRIES):
        if pruned_digest(reader.pruned()) == said:
            return
        time.sleep(_PRUNING_SECONDS)
    out = sum(stop - start for start, stop in reader.pruned())
    findings.add("ledger.unexplained", "kept", got=f"{out:,} entries are out")


def check_cosigned(
    folder: Path,
    reader: LogReader,
    key: VerifierKey,
    *,
    witnesses: tuple[CosignerKey, ...],
    findings: Findings,
) -> str:
    """Hold the checkpoints that witnesses cosigned, as they are kept beside the log, against it;
    tell what the newest of these witnesses saw, if any.
    """
    told = ""
    paths = (path for path in (folder / "cosigned").glob("*") if path.name.isdecimal())
    for path in sorted(paths):
        name = f"cosigned/{path.name}"
        try:
            seen = Cosigned.open(path.read_bytes(), [key], witnesses)
            size = seen.checkpoint.size
            root = reader.root(min(size, reader.checkpoint.size))
        except (NoteError, OSError) as error:
            findings.add("ledger.unsigned", name, got=str(error))
            continue
        except CorruptLogError:
            continue  # told for the tile itself
        if size > reader.checkpoint.size:
            findings.add("pin.rewind", name, got=f"{reader.checkpoint.size:,}", group=name)
            continue
        if (f"{size:020}", seen.checkpoint.root) != (path.name, root):
            findings.add("ledger.fork", name, got="another tree")
            continue
        for witness, moment in seen.times.items():
            told = f"{witness} at {moment:%Y-%m-%d %H:%M:%S} UTC: {size:,} records"
    return told


def check_files(folder: Path, reader: LogReader, findings: Findings) -> None:
    """Hold every file below `tile/` against the tree: partial tiles that a larger one superseded
    still serve readers of older checkpoints.
    """
    size, store = reader.checkpoint.size, folder
    for path in sorted(store.glob("tile/**/*")):
        if path.is_dir():
            continue
        name = path.relative_to(store).as_posix()
        match = _TILE.fullmatch(name)
        if match is None:
            findings.add("ledger.stray", name)
            continue
        kind, place, partial = match[1], match[2], match[3]
        index = int(place.replace("/", "").replace("x", ""))
        level = 0 if kind == "entries" else int(kind)
        width = min(WIDTH, (size >> 8 * level) - index * WIDTH)
        if partial is None or width <= 0 or int(partial) == width:
            continue  # read with the tree, or not under the checkpoint yet
        _check_partial(
            path, name, (kind, index, min(width, int(partial))), reader=reader, findings=findings
        )


def check_journal(
    durable: list[tuple[int, list[bytes]]], reader: LogReader, findings: Findings
) -> int:
    """Hold the records of the write-ahead files against the tree; give how many the log has."""
    size = end = reader.checkpoint.size
    for first, records in durable:
        last = first + len(records)
        if first > size:
            findings.add("wal.contradicts", "wal", got=f"it begins at {first:,}, after {size:,}")
            continue
        end = max(end, last)
        try:
            known = list(reader.entries(first, min(size, last)))
        except CorruptLogError:
            continue  # told for the bundle
        for index, (wanted, found) in enumerate(zip(known, records, strict=False), first):
            if wanted and wanted != found:
                findings.add("wal.contradicts", f"record {index}")
    return end


def journal_records(folder: Path, findings: Findings) -> list[tuple[int, list[bytes]]]:
    """The first index and the records of each write-ahead file.

    To be read before the checkpoint: what a publication cuts off meanwhile is in the tree by then.
    """
    for _ in range(_TRIES):
        try:
            found = read_journal(folder)
        except FileNotFoundError:
            continue  # a new one took its place
        except (CorruptLogError, OSError) as error:
            findings.add("wal.damaged", "wal", got=str(error))
            return []
        if not found:
            findings.add("wal.damaged", "wal", got="there is no write-ahead file")
        return found
    return []


def _kept(folder: Path) -> Iterator[Path]:
    for path in (folder / "checkpoints").glob("*"):
        if path.name.isdecimal():
            yield path


def _open_kept(path: Path, key: VerifierKey, findings: Findings) -> Checkpoint | None:
    try:
        return Checkpoint.open(path.read_bytes(), [key])
    except FileNotFoundError:  # thinned by its writer meanwhile
        return None
    except (NoteError, OSError) as error:
        findings.add("ledger.unsigned", f"checkpoints/{path.name}", got=str(error))
        return None


def _check_partial(
    path: Path,
    name: str,
    place: tuple[str, int, int],
    *,
    reader: LogReader,
    findings: Findings,
) -> None:
    kind, index, width = place
    try:
        found = path.read_bytes()
        if kind == "entries":
            entries = reader.entries(index * WIDTH, index * WIDTH + width)
            expected = b"".join(len(entry).to_bytes(2) + entry for entry in entries)
        else:
            expected = reader.hashes(int(kind), index)[: width * HASH_BYTES]
    except (CorruptLogError, FileNotFoundError):
        return  # told for the full one; or the publisher has just removed it
    if not found.startswith(expected):
        findings.add("ledger.partial", name)


def bundle_name(index: int, size: int) -> str:
    """Where a bundle lies, for a reader of a tree of `size`."""
    return bundle_path(index, min(WIDTH, size - index * WIDTH))
