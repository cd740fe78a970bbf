"""Build what is released, bit for bit the same on every machine: wheel, SBOM, checksums.

    python tools/release.py dist          # of the commit that is checked out; `make dist`

Whoever has the commit and requirements/*.txt builds the same wheel and compares. It publishes and
signs nothing.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCK = "requirements/lock.txt"


def main() -> None:
    """Build into the folder that is named."""
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/release.py FOLDER")
    target = Path(sys.argv[1]).resolve()
    target.mkdir(parents=True, exist_ok=True)
    made = [build_wheel(target), write_sbom(target)]
    sums = "".join(f"{sha256(path)}  {path.name}\n" for path in sorted(made))
    (target / "SHA256SUMS").write_text(sums)
    print(sums, end="")


def build_wheel(target: Path) -> Path:
    """Build the wheel of the commit, from a clean copy, dated as the commit is."""
    before = os.umask(0o022)  # modes are part of the wheel
    try:
        with tempfile.TemporaryDirectory() as folder:
            source, built = Path(folder, "source"), Path(folder, "built")
            export(source)
            command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
            command += ["wheel", "--no-deps", "--no-build-isolation", "--no-index"]
            command += ["--wheel-dir", str(built), str(source)]
            dated = {**os.environ, "SOURCE_DATE_EPOCH": commit_time(), "PYTHONHASHSEED": "0"}
            subprocess.run(command, env=dated, check=True)
            [wheel] = built.iterdir()
            path = target / wheel.name
            path.write_bytes(wheel.read_bytes())
            return path
    finally:
        os.umask(before)


def write_sbom(target: Path) -> Path:
    """Write the CycloneDX bill of what an installation runs: Freehold and what it depends on.

    The environment also holds tools for development; the lock file tells them apart.
    """
    command = [sys.executable, "-m", "cyclonedx_py", "environment", sys.executable]
    command += ["--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible", "--validate"]
    dated = {**os.environ, "SOURCE_DATE_EPOCH": commit_time()}
    done = subprocess.run(command, env=dated, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    bom = only_locked(json.loads(done.stdout), locked())
    bom["metadata"].setdefault("properties", []).append(
        {"name": "freehold:lock-sha256", "value": sha256(ROOT / LOCK)}
    )
    version = bom["metadata"]["component"]["version"]
    path = target / f"freehold-{version}.cdx.json"
    path.write_text(json.dumps(bom, indent=1, sort_keys=True) + "\n")
    return path


def locked() -> dict[str, str]:
    """The version of every package that the lock file names, by its normal name (PEP 503)."""
    pinned = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", (ROOT / LOCK).read_text(), re.MULTILINE)
    return {normal(name): version for name, version in pinned}


def normal(name: str) -> str:
    """The normal form of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def only_locked(bom: dict[str, Any], versions: dict[str, str]) -> dict[str, Any]:
    """Leave out what the lock file does not name, and refuse another version than it pins."""
    components = {normal(each["name"]): each for each in bom["components"]}
    for name, version in versions.items():
        found = components[name]["version"] if name in components else "nothing"
        if found != version:
            sys.exit(f"{LOCK} pins {name} {version}, installed is {found}: run make, then again")
    kept = {components[name]["bom-ref"] for name in versions}
    bom["components"] = [each for each in bom["components"] if each["bom-ref"] in kept]
    root = bom["metadata"]["component"]["bom-ref"]
    bom["dependencies"] = [
        {**each, "dependsOn": [ref for ref in each.get("dependsOn", []) if ref in kept]}
        for each in bom["dependencies"]
        if each["ref"] in kept | {root}
    ]
    return bom


def export(folder: Path) -> None:
    """Put the files of the commit into `folder`: no leftovers, no untracked files."""
    archive = subprocess.run(
        ["git", "archive", "--format=tar", "HEAD"], cwd=ROOT, capture_output=True, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")


def commit_time() -> str:
    """When the commit was made, in seconds since 1970."""
    command = ["git", "log", "-1", "--format=%ct"]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
