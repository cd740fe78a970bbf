"""Replays the calls of a traced process into a `Recording` of what it did to one tree.

It follows every name and descriptor as the kernel did, and refuses calls that it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.fire.disk import Names, Node, Operation, Recording, Resize, Write
from tests.fire.trace import Call

# Refused where they touch the tree, and refused altogether.
_UNKNOWN = {
    "open",
    "creat",
    "sendfile",
    "copy_file_range",
    "truncate",
    "fallocate",
    "symlink",
    "symlinkat",
    "pwritev2",
}
_FORBIDDEN = {"chdir", "io_uring_setup", "fork", "vfork", "sync_file_range"}


@dataclass(slots=True)
class _Descriptor:
    node: Node
    path: str
    appends: bool
    offset: int = 0


class Replay:
    """Follows the calls: which descriptor is which file, which name is which node, live."""

    def __init__(self, folder: Path, tree: str, marks: str) -> None:
        self._folder, self._tree, self._marks = folder, tree, str(folder / marks)
        self.root = Node(None)
        if (folder / tree).exists():
            self.root.entries[tree] = _snapshot(folder / tree)
        self._entries: dict[Node, dict[str, Node]] = {}
        self._sizes: dict[Node, int] = {}
        self._descriptors: dict[int, _Descriptor] = {}
        self._foreign: dict[int, str] = {}  # descriptors of other files, for relative names
        self._pending: dict[Node, list[Operation]] = {}
        self.operations: list[Operation] = []
        self.marks: list[tuple[int, str]] = []
        self.moment = -1  # the last that was followed
        self.failed_at = 0  # when the first sync failed, or 0

    def forget_process(self) -> None:
        """Take note that the process is gone, and with it its descriptors; the calls of another on
        the same folder may follow. What was not synced still is not.
        """
        self._descriptors.clear()
        self._foreign.clear()

    def follow(self, call: Call) -> None:
        self.moment = max(self.moment, call.ended)
        assert call.name not in _FORBIDDEN, f"the model does not know {call.name}"
        if call.name.startswith("clone"):
            assert call.has_failed or "CLONE_THREAD" in str(call.arguments), "a process was started"
        elif call.name in ("fsync", "fdatasync"):
            self._sync(call)
        elif not call.has_failed:
            step = getattr(self, f"on_{call.name}", None)
            if step is not None:
                step(call)
            elif call.name in _UNKNOWN:
                assert not self._touches(call), f"the model does not know {call.name}"

    # -- descriptors ---------------------------------------------------------------------------

    def on_openat(self, call: Call) -> None:
        self._opened(call, self._path(call, 0, 1), call.arguments[2])

    def _opened(self, call: Call, path: str, flags: str) -> None:
        self._descriptors.pop(call.result, None)
        self._foreign[call.result] = path
        if path == self._marks:
            return
        if (place := self._place(path)) is None:
            return
        folder, name = place
        node = self._live(folder).get(name) if name else folder
        if node is None:
            assert "O_CREAT" in flags, f"{path} was opened without having been made"
            node = Node(b"")
            self._change(call, Names(((folder, name, node),)))
        elif "O_TRUNC" in flags and self._size(node):
            self._change(call, Resize(node, 0))
        self._descriptors[call.result] = _Descriptor(node, path, "O_APPEND" in flags)

    def on_close(self, call: Call) -> None:
        self._descriptors.pop(call.number(0), None)
        self._foreign.pop(call.number(0), None)

    def on_dup(self, call: Call) -> None:
        old, new = call.number(0), call.result
        self._forget(new)
        if old in self._descriptors:
            self._descriptors[new] = self._descriptors[old]
        if old in self._foreign:
            self._foreign[new] = self._foreign[old]

    on_dup2 = on_dup3 = on_dup

    def _forget(self, number: int) -> None:
        self._descriptors.pop(number, None)
        self._foreign.pop(number, None)

    def on_fcntl(self, call: Call) -> None:
        if call.arguments[1].startswith("F_DUPFD"):
            self.on_dup(call)

    def on_lseek(self, call: Call) -> None:
        if (descriptor := self._descriptors.get(call.number(0))) is not None:
            descriptor.offset = call.result

    # -- content -------------------------------------------------------------------------------

    def on_write(self, call: Call) -> None:
        if self._foreign.get(call.number(0)) == self._marks:
            self.marks.append((call.began, call.data(1).decode()))
            return
        self._put(call, lambda: call.data(1))

    def on_writev(self, call: Call) -> None:
        self._put(call, lambda: call.vectors(1))

    def on_pwrite64(self, call: Call) -> None:
        self._put(call, lambda: call.data(1), at=3)

    def on_pwritev(self, call: Call) -> None:
        self._put(call, lambda: call.vectors(1), at=3)

    def _put(self, call: Call, data, at: int | None = None) -> None:
        descriptor = self._descriptors.get(call.number(0))
        if descriptor is None:
            return
        node = descriptor.node
        if at is not None:
            offset = call.number(at)
        else:
            offset = self._size(node) if descriptor.appends else descriptor.offset
            descriptor.offset = offset + call.result
        written = data()[: call.result]
        self._change(call, Write(node, offset, written))

    def on_ftruncate(self, call: Call) -> None:
        if (descriptor := self._descriptors.get(call.number(0))) is not None:
            self._change(call, Resize(descriptor.node, call.number(1)))

    def on_mmap(self, call: Call) -> None:
        flags, protection, number = call.arguments[3], call.arguments[2], call.arguments[4]
        if (
            "MAP_SHARED" in flags
            and "PROT_WRITE" in protection
            and int(number) in self._descriptors
        ):
            path = self._descriptors[int(number)].path
            # SQLite's index of its write-ahead file is made anew at the first opening
            assert path.endswith("-shm"), f"{path} is written through memory"

    # -- names ---------------------------------------------------------------------------------

    def on_mkdir(self, call: Call, at: int | None = None, path: int = 0) -> None:
        if (place := self._place(self._path(call, at, path))) is not None:
            folder, name = place
            self._change(call, Names(((folder, name, Node(None)),)))

    def on_mkdirat(self, call: Call) -> None:
        self.on_mkdir(call, 0, 1)

    def on_unlink(self, call: Call, at: int | None = None, path: int = 0) -> None:
        if (place := self._place(self._path(call, at, path))) is not None:
            self._change(call, Names(((*place, None),)))

    on_rmdir = on_unlink

    def on_unlinkat(self, call: Call) -> None:
        self.on_unlink(call, 0, 1)

    def on_rename(self, call: Call, at=(None, None), paths=(0, 1)) -> None:
        self._moved(call, [self._path(call, *each) for each in zip(at, paths, strict=True)], True)

    def on_renameat(self, call: Call) -> None:
        self.on_rename(call, (0, 2), (1, 3))

    on_renameat2 = on_renameat

    def on_link(self, call: Call, at=(None, None), paths=(0, 1)) -> None:
        self._moved(call, [self._path(call, *each) for each in zip(at, paths, strict=True)], False)

    def on_linkat(self, call: Call) -> None:
        self.on_link(call, (0, 2), (1, 3))

    def _moved(self, call: Call, paths: list[str], leaves: bool) -> None:
        old, new = (self._place(path) for path in paths)
        assert (old is None) == (new is None), f"{paths} cross the border of what is watched"
        if old is not None and new is not None:
            node = self._live(old[0])[old[1]]
            changes = [(*old, None)] if leaves else []
            self._change(call, Names((*changes, (*new, node))))

    # -- syncs ---------------------------------------------------------------------------------

    def _sync(self, call: Call) -> None:
        descriptor = self._descriptors.get(call.number(0))
        if descriptor is None:
            return
        waiting = self._pending.get(descriptor.node, [])
        covered = [operation for operation in waiting if operation.ended <= call.began]
        if call.has_failed:
            self.failed_at = self.failed_at or call.ended
            # Names wait for the next sync: see `disk.py` on folders.
            covered = [each for each in covered if not isinstance(each.change, Names)]
        else:
            for operation in covered:
                operation.durable = min(operation.durable, call.ended)
        self._pending[descriptor.node] = [each for each in waiting if each not in covered]

    # -- the live tree -------------------------------------------------------------------------

    def _change(self, call: Call, change: Write | Resize | Names) -> None:
        operation = Operation(change, call.began, call.ended)
        self.operations.append(operation)
        for node in operation.nodes():
            self._pending.setdefault(node, []).append(operation)
        if isinstance(change, Names):
            for folder, name, named in change.changes:
                entries = self._live(folder)
                entries.pop(name, None)
                if named is not None:
                    entries[name] = named
        elif isinstance(change, Resize):
            self._sizes[change.node] = change.size
        else:
            end = change.offset + len(change.data)
            self._sizes[change.node] = max(self._size(change.node), end)

    def _live(self, folder: Node) -> dict[str, Node]:
        if folder not in self._entries:
            self._entries[folder] = dict(folder.entries)
        return self._entries[folder]

    def _size(self, node: Node) -> int:
        return self._sizes.get(node, len(node.content or b""))

    def _path(self, call: Call, at: int | None, index: int) -> str:
        path = call.data(index).decode()
        if path.startswith("/"):
            return path
        base = self._foreign.get(call.number(at), "") if at is not None else ""
        return f"{base}/{path}"

    def _place(self, path: str) -> tuple[Node, str] | None:
        """The folder and name of a path in the tree; None for one that lies elsewhere."""
        inside = path.removeprefix(f"{self._folder}/")
        parts = [part for part in inside.split("/") if part]
        if inside == path or parts[0] != self._tree:
            if path == str(self._folder):
                return self.root, ""  # the folder that holds the tree's own name
            return None
        folder = self.root
        for part in parts[:-1]:
            folder = self._live(folder)[part]
        return folder, parts[-1]

    def _touches(self, call: Call) -> bool:
        numbers = {text for text in call.arguments if text.isdigit()}
        return any(str(number) in numbers for number in self._descriptors) or any(
            str(self._folder / self._tree).encode().hex() in text.replace("\\x", "")
            for text in call.arguments
        )

    def record(self, calls: Iterable[Call]) -> Recording:
        """Turn the calls of a process into a recording of what it did to the tree."""
        for call in calls:
            self.follow(call)
        return Recording(self.root, self.operations, self.marks)


def _snapshot(path: Path) -> Node:
    if path.is_dir():
        return Node(None, {each.name: _snapshot(each) for each in path.iterdir()})
    return Node(path.read_bytes())
