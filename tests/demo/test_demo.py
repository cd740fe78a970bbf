"""The demonstration does what its README says, line for line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from freehold.demo import DemoError, run_demo

README = Path(__file__).resolve().parents[2] / "README.md"
VARYING = (
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
    (r"sha256:[0-9a-f]+", "DIGEST"),
    (r"\b[A-Za-z0-9+/]{43}=", "HASH"),
    (r"\d{4}-\d\d-\d\dT\S+", "TIME"),
    (r"bubblewrap|namespaces|process\)", "LEVEL"),  # what this machine offers
    (r"&& \S*freehold ", "&& freehold "),
    (r"\d+(\.\d+)?", "N"),
    (r"\s+", " "),  # a longer number wraps a line elsewhere
)


def without_chance(text: str) -> str:
    for pattern, name in VARYING:
        text = re.sub(pattern, name, text)
    return text.strip()


def shown_in_the_readme() -> str:
    found = re.search(r"```text\n(Freehold: the line.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_readme_shows_the_demonstrations_real_output(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run_demo(Path("demo-estate"))
    assert without_chance(capsys.readouterr().out) == without_chance(shown_in_the_readme())


def test_the_users_own_table_goes_the_same_way(tmp_path, capsys):
    rows = [
        f"{i % 50},{'red' if i % 3 else 'blue'},{'yes' if i % 50 > 24 else 'no'}"
        for i in range(200)
    ]
    table = tmp_path / "own.csv"
    table.write_text("\n".join(["amount,colour,paid", *rows]) + "\n")
    run_demo(tmp_path / "demo", data=table, label="paid")
    told = capsys.readouterr().out
    assert "own.csv: 200 rows, 3 columns" in told
    assert "All of it holds" in told


def test_a_label_that_the_file_does_not_have_is_named_with_those_it_has(tmp_path):
    table = tmp_path / "own.csv"
    table.write_text("amount,paid\n1,yes\n2,no\n")
    with pytest.raises(DemoError, match="no column 'payed'; it has amount, paid"):
        run_demo(tmp_path / "demo", data=table, label="payed")


def test_a_folder_that_is_no_demonstrations_is_left_alone(tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "mine.txt").write_text("keep me")
    with pytest.raises(DemoError, match="is no demonstration's"):
        run_demo(tmp_path / "letters")
    assert (tmp_path / "letters" / "mine.txt").read_text() == "keep me"
