"""Find rows that were planted in a table of labelled texts, before a model learns from them.

    report = check(table, text="text", label="category")
    for row in quarantine(report, budget=0.01): ...

Floods of near copies, sudden sources, flipped labels, triggers (also with true labels), hidden and
look-alike characters, instructions to a model, and rows written unlike the rest. Thresholds come
from the table's own middle and from clean public tables, never from knowledge of the poison; the
share of clean rows that may be lost is the one choice. It proves nothing about rows that it leaves:
poison that reads and is labelled like the rest is not found.
"""

from freehold.data.poisoning._check import check
from freehold.data.poisoning._report import Finding, Kind, Report, quarantine

__all__ = ["Finding", "Kind", "Report", "check", "quarantine"]
