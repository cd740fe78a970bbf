"""Who may import whom: our layers hold, and the contracts that guard them see what breaks them."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = """
    reference cli api demo session verbs upgrade estate serving evaluation training models data compute
    parties charter kernel
""".split()
PARTS = "history upkeep acts catalog policy vault keys ledger signatures".split()
FOUNDATIONS = "_canonical _clock _estate_clock _host_clock _ids _limits _refs errors".split()


def lint_imports(source: Path) -> subprocess.CompletedProcess[str]:
    """Check the package `freehold` under `source` against the contracts of pyproject.toml."""
    return subprocess.run(
        [
            Path(sys.executable).parent / "lint-imports",
            "--no-cache",
            "--config",
            ROOT / "pyproject.toml",
        ],
        cwd=source,
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """An empty house: every room and every part of the kernel, with nothing inside."""
    kernel = tmp_path / "freehold" / "kernel"
    for room in [*(kernel.parent / each for each in ROOMS), *(kernel / each for each in PARTS)]:
        room.mkdir(parents=True)
        (room / "__init__.py").touch()
    (kernel.parent / "__init__.py").touch()
    for foundation in FOUNDATIONS:
        (kernel / f"{foundation}.py").touch()
    return tmp_path


def test_our_rooms_import_only_from_below():
    result = lint_imports(ROOT / "src")
    assert result.returncode == 0, result.stdout


def test_an_empty_house_keeps_its_contracts(house):
    result = lint_imports(house)
    assert result.returncode == 0, result.stdout


BROKEN = {
    "a room that imports from above": ("models/__init__.py", "import freehold.serving"),
    "siblings that know each other": ("session/__init__.py", "import freehold.api"),
    "a lazy import from above": ("charter/__init__.py", "def f():\n    import freehold.estate"),
    "a kernel that knows a room": ("kernel/catalog/__init__.py", "import freehold.data"),
    "a ledger that knows the acts": ("kernel/ledger/__init__.py", "import freehold.kernel.acts"),
    "a vault that knows the policy": ("kernel/vault/__init__.py", "import freehold.kernel.policy"),
    "a foundation that knows a part": ("kernel/_refs.py", "import freehold.kernel.keys"),
    "a room without a place": ("helpers/__init__.py", ""),
    "a part of the kernel without a place": ("kernel/cache.py", ""),
}


@pytest.mark.parametrize(("name", "source"), BROKEN.values(), ids=BROKEN.keys())
def test_the_contracts_refuse(house, name, source):
    path = house / "freehold" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(source)
    result = lint_imports(house)
    assert result.returncode == 1
    assert "1 broken" in result.stdout


def test_the_verifier_imports_nothing_of_freehold():
    imported = set()
    for path in sorted((ROOT / "verifier").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "freehold").split(".")[0])
    foreign = imported - sys.stdlib_module_names - {"__future__"}
    assert foreign <= {"cryptography"}, foreign
