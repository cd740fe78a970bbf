"""Labelling row by row, as a state machine that knows no terminal.

    session = Session.start(layer, guideline, queue, annotator="user:0191…")
    while (row := session.row) is not None:
        ...                                          # show the row and session.keys, read a key
        session = session.answer("2", at=now)        # or session.skip(), or session.undo()
    layer = session.layer()

A session is a value and each step makes another. A skipped row does not come back in this session;
the next one asks for it again. Rows that the annotator has labelled before are not asked at all, so
that a session goes on where another stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import polars as pl

from freehold.data.errors import DataError
from freehold.data.labelling._guideline import Guideline
from freehold.data.labelling._label import Label
from freehold.data.labelling._layer import LabelLayer


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a session is, in rows. `labelled`, `skipped` and `left` add up to `total`."""

    labelled: int
    skipped: int
    left: int
    total: int


@dataclass(frozen=True, slots=True)
class Session:
    """One annotator's way through a queue of rows; `start` makes it.

    `steps` has one element for each row that was passed: its label, or None where it was skipped.
    """

    base: LabelLayer
    guideline: Guideline
    annotator: str
    queue: tuple[str, ...]
    steps: tuple[Label | None, ...] = ()

    @classmethod
    def start(
        cls, layer: LabelLayer, guideline: Guideline, queue: Iterable[str], *, annotator: str
    ) -> Session:
        """Begin with those rows of the queue, each once, that the annotator has not labelled.

        Raises:
            ValueError: a guideline that is not one of the layer's.
        """
        if guideline not in layer.guidelines:
            raise ValueError("the guideline is none of the layer's")
        mine = layer.current().filter(pl.col("annotator") == annotator)
        done = set(mine["row"].to_list())
        rows = tuple(row for row in dict.fromkeys(queue) if row not in done)
        return cls(layer, guideline, annotator, rows)

    @property
    def row(self) -> str | None:
        """The row to label next, or None at the end of the queue."""
        return self.queue[len(self.steps)] if len(self.steps) < len(self.queue) else None

    @property
    def keys(self) -> Mapping[str, str]:
        """What to type for each label: its number, all with as many digits (`1`, or `01`)."""
        names = self.guideline.names
        digits = len(str(len(names)))
        return {f"{n:0{digits}}": name for n, name in enumerate(names, 1)}

    @property
    def progress(self) -> Progress:
        """How far it is."""
        skipped = sum(step is None for step in self.steps)
        passed, total = len(self.steps), len(self.queue)
        return Progress(passed - skipped, skipped, total - passed, total)

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels that were given in this session, in their order."""
        return tuple(step for step in self.steps if step is not None)

    def layer(self) -> LabelLayer:
        """The layer with the labels of this session added."""
        return self.base.add(self.labels)

    def answer(self, *keys: str, at: str) -> Session:
        """Label the row by key, by several keys where the guideline allows several labels.

        Raises:
            DataError: `data.label`, an unknown key, none, one twice, or too many, or an annotator
                or time that cannot be one; nothing was labelled.
            ValueError: the queue is at its end.
        """
        row, known = self._here(), self.keys
        unknown = sum(key not in known for key in keys)
        if unknown or not keys:
            raise DataError(
                "data.label",
                f"{unknown} of {len(keys)} keys are no label's; expected {min(known)} to "
                f"{max(known)}",
                "type the number of a label",
            )
        given = tuple(known[key] for key in keys)
        label = Label(row, given, self.annotator, self.guideline.version, at)
        LabelLayer(self.base.dataset, (self.guideline,), self.base.limits).add([label])  # checks it
        return replace(self, steps=(*self.steps, label))

    def skip(self) -> Session:
        """Pass the row without a label.

        Raises:
            ValueError: the queue is at its end.
        """
        self._here()
        return replace(self, steps=(*self.steps, None))

    def undo(self) -> Session:
        """Take the last answer or skip back; at the start nothing changes."""
        return replace(self, steps=self.steps[:-1])

    def _here(self) -> str:
        if self.row is None:
            raise ValueError("the queue is at its end; there is no row to pass")
        return self.row
