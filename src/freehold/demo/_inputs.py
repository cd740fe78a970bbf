"""What the demonstration learns from: bundled records, made letters, or the user's own file."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from sklearn.datasets import load_breast_cancer

from freehold.data import guess_format, letters, read_table, write_letters_csv
from freehold.demo.errors import DemoError

LETTERS = 600
LETTERS_SEED = 7
TEXT_CHARS_MEAN_MIN = 25  # a text column is one whose values read like sentences


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing to learn: a dataset, its label, the recipe, and a row to ask about."""

    name: str
    source: Path
    label: str
    recipe: str
    data_class: str
    purpose: str
    about: str
    question: Mapping[str, list[Any]]
    answer: str


def breast_cancer(folder: Path) -> Subject:
    """Scikit-learn's bundled records of 569 real people: is a tumour malignant?"""
    bundled = load_breast_cancer()
    names = [str(name).replace(" ", "_") for name in bundled.feature_names]
    path = folder / "breast-cancer.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*names, "diagnosis"])
        for row, target in zip(bundled.data.tolist(), bundled.target, strict=True):
            writer.writerow([*row, str(bundled.target_names[target])])
    return Subject(
        name="tumours",
        source=path,
        label="diagnosis",
        recipe="tabular",
        data_class="health",
        purpose="diagnosis-support",
        about="569 records of real people (Wisconsin, bundled with scikit-learn)",
        question={
            name: [value] for name, value in zip(names, bundled.data[0].tolist(), strict=True)
        },
        answer=str(bundled.target_names[bundled.target[0]]),
    )


def customer_letters(folder: Path) -> Subject:
    """Generated letters with planted personal data: what is each about?"""
    made = letters(LETTERS, LETTERS_SEED)
    planted = sum(len(each.planted) for each in made)
    path = folder / "letters.csv"
    with path.open("wb") as file:
        write_letters_csv(file, made)
    return Subject(
        name="letters",
        source=path,
        label="topic",
        recipe="text",
        data_class="confidential",
        purpose="service-improvement",
        about=f"{LETTERS} generated letters with {planted} planted pieces of personal data",
        question={"text": [made[0].text]},
        answer=made[0].topic,
    )


def own_file(path: Path, label: str) -> Subject:
    """The user's own table or texts.

    Raises:
        DemoError: no label was named, or the file has no such column.
        DataError: the file does not read.
    """
    with path.open("rb") as file:
        table = read_table(file, guess_format(path.name))
    if label not in table.columns:
        raise DemoError(
            "demo.label",
            f"{path.name} has no column {label!r:.80}; it has {', '.join(table.columns)}"[:600],
            "name the column to predict with --label",
        )
    features = [column for column in table.get_columns() if column.name != label]
    is_text = len(features) == 1 and _reads_like_text(features[0])
    first = json.loads(table.head(1).write_json())[0]
    return Subject(
        name="own-data",
        source=path,
        label=label,
        recipe="text" if is_text else "tabular",
        data_class="confidential",
        purpose="research",
        about=f"{path.name}: {table.height} rows, {table.width} columns",
        question={name: [value] for name, value in first.items() if name != label},
        answer=str(first[label]),
    )


def _reads_like_text(column: pl.Series) -> bool:
    if column.dtype != pl.String:
        return False
    mean = column.str.len_chars().mean()
    return isinstance(mean, float) and mean >= TEXT_CHARS_MEAN_MIN


def as_tensors(question: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """A question as inputs of the Open Inference Protocol."""
    kinds: dict[type, str] = {str: "BYTES", bool: "BOOL", int: "INT64", float: "FP64"}
    return [
        {
            "name": name,
            "shape": [len(values)],
            "datatype": kinds.get(type(values[0]), "BYTES"),
            "data": values,
        }
        for name, values in question.items()
    ]
