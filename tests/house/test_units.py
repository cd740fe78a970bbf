"""The units for systemd are well-formed and keep what they promise."""

from __future__ import annotations

import configparser
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

UNITS = sorted((ROOT / "tools" / "systemd").iterdir())
EXPOSURE_MAX = 5.0  # systemd-analyze security: "medium" begins at 5


def service(path: Path) -> dict[str, str]:
    """The section of a unit that says how it runs; of a key given twice the last one."""
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # as documented
    unit.read(path)
    return dict(unit["Service"])


@pytest.mark.needs_program("systemd-analyze")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_finds_nothing_wrong(path: Path, tmp_path: Path):
    for unit in UNITS:  # beside those that it names, with a program that exists here
        text = unit.read_text().replace("/opt/freehold/bin/freehold", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / path.name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert path.name not in done.stderr, done.stderr


@pytest.mark.needs_program("systemd-analyze")
def test_the_server_is_little_exposed():
    command = ["systemd-analyze", "security", "--offline=true"]
    command += [f"--threshold={EXPOSURE_MAX * 10:.0f}", str(UNITS[0].with_name("freehold.service"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-300:]


def test_the_server_comes_back_keeps_its_memory_and_gets_its_passphrase_sealed():
    unit = service(ROOT / "tools" / "systemd" / "freehold.service")
    assert (unit["Type"], unit["Restart"]) == ("notify", "on-failure")
    assert (unit["LimitCORE"], unit["MemorySwapMax"]) == ("0", "0")
    assert unit["LoadCredentialEncrypted"].startswith("freehold-passphrase:")
