"""The folder in which the bundles of one estate lie side by side: which comes next, and where."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from freehold.kernel import make_folder
from freehold.kernel.backup._limits import BackupLimits
from freehold.kernel.backup._parts import PROGRESS, Begun, read_begun
from freehold.kernel.backup._reading import MANIFEST, Bundle, bundles_in
from freehold.kernel.backup._writing import remove
from freehold.kernel.backup.errors import BackupError
from freehold.kernel.ledger import VerifierKey

KINDS = ("auto", "full", "delta")


class Place:
    """Bundles of the estate whose log has `key`."""

    def __init__(self, folder: Path, key: VerifierKey, limits: BackupLimits) -> None:
        self._folder = folder
        self._key = key
        self._limits = limits

    def bundles(self) -> list[Bundle]:
        """The finished bundles here, newest last, each signed by the log.

        Raises:
            BackupError: `backup.estate`, `backup.signature`.
        """
        found = bundles_in(self._folder, self._limits)
        for bundle in found:
            bundle.check(self._key)
        return sorted(found, key=lambda bundle: bundle.manifest.begun)

    def next(self, kind: str, purpose: str, now: datetime) -> tuple[Path, Bundle | None]:
        """The folder of the next bundle, and the one that it follows.

        That is an unfinished one, if it was to be what is wanted; others are removed.

        Raises:
            BackupError: `backup.base`: there is none that a delta could follow.
            OSError: the folder cannot be made or read.
        """
        make_folder(self._folder)
        bundles = self.bundles()
        for folder, begun in self._unfinished():
            base = next((each for each in bundles if each.digest == begun.base), None)
            is_wanted = begun.purpose == purpose and kind in ("auto", begun.kind)
            if is_wanted and (base is None) == (begun.base is None):
                return folder, base
            remove(folder)
        base = None if kind == "full" else self._base(bundles, kind)
        name = "full" if base is None else "delta"
        return self._folder / f"{_stamp(now)}-{name}", base

    def _base(self, bundles: list[Bundle], kind: str) -> Bundle | None:
        """What a delta follows: the newest bundle, unless another full one is due."""
        if not bundles:
            if kind == "delta":
                raise BackupError(
                    "backup.base",
                    f"there is no bundle in {self._folder} that a delta could follow",
                    "make a full one first",
                )
            return None
        newest = bundles[-1]
        is_due = len(newest.bases()) >= self._limits.deltas_max
        return None if is_due and kind == "auto" else newest

    def _unfinished(self) -> list[tuple[Path, Begun]]:
        """What was begun here and not finished, newest first."""
        found = []
        for path in sorted(self._folder.iterdir(), reverse=True):
            if (path / PROGRESS).is_file() and not (path / MANIFEST).exists():
                begun = read_begun(path)
                if begun is None:
                    remove(path)
                else:
                    found.append((path, begun))
        return found


def _stamp(moment: datetime) -> str:
    """`20261124T060249.123Z`: names sort by time."""
    return f"{moment:%Y%m%dT%H%M%S}.{moment.microsecond // 1000:03}Z"
