"""What every test stands on: shared data, foreign programs, a closed network, no silent skips.

A test that cannot run here says *not run* and why; the summary lists them all. In CI (`CI=true`) it
fails instead, so that a green run means that everything ran. Nothing of the person's own settings
reaches a test.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import sys
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = "FREEHOLD_SHARED_DATA"
IN_CI = os.environ.get("CI", "").lower() == "true"
LOCAL_NAMES = {"", "localhost", "localhost.localdomain", "ip6-localhost"}
NAME_LOOKUPS = {"socket.getaddrinfo", "socket.gethostbyaddr", "socket.gethostbyname"}
SENDING = {"socket.connect", "socket.sendto", "socket.sendmsg"}


def not_run(reason: str) -> NoReturn:
    """Say that a test cannot run here; in CI that is a failure."""
    if IN_CI:
        pytest.fail(f"not run: {reason}", pytrace=False)
    pytest.skip(f"not run: {reason}")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The public test data: `../shared/data` beside the repository, or FREEHOLD_SHARED_DATA."""
    folder = Path(os.environ.get(SHARED_DATA) or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        not_run(f"no shared data at ../shared/data, nor where {SHARED_DATA} says")
    return folder


@pytest.fixture(scope="session")
def program() -> Callable[[str], Path]:
    """Find a foreign program on the PATH: `program("age")`."""
    return find_program


def find_program(name: str) -> Path:
    """Return the path of `name`, or do not run the test."""
    found = shutil.which(name)
    if found is None:
        not_run(f"the program {name} is missing (tools/debian-packages installs it)")
    return Path(found)


def pytest_configure(config: pytest.Config) -> None:
    """Close the network and forget the person's own settings, for this whole process."""
    for name in [n for n in os.environ if n.startswith("FREEHOLD_") and n != SHARED_DATA]:
        del os.environ[name]
    sys.addaudithook(
        refuse_outside_network
    )  # sees connections made from C as well; goes with the process


def refuse_outside_network(event: str, args: tuple[Any, ...]) -> None:
    """Fail the test that looks up or sends to anything but this machine.

    The failure is no `Exception`: code under test must not take it for a network that is down.
    """
    if event in NAME_LOOKUPS:
        host = args[0]
    elif event in SENDING and args[0].family in (socket.AF_INET, socket.AF_INET6):
        address = args[1]
        host = address[0] if isinstance(address, tuple) else None  # None: checked at connect
    else:
        return
    if not is_local(host):
        pytest.fail(f"a test reached for {host!r} ({event}); tests never leave this machine")


def is_local(host: Any) -> bool:
    """Tell whether `host` can only be this machine."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else host
    if name is None or name.lower() in LOCAL_NAMES:
        return True
    try:
        address = ipaddress.ip_address(name.split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Honour `needs_program`."""
    for marker in item.iter_markers("needs_program"):
        for name in marker.args:
            find_program(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn every skip into a failure in CI, whoever asked for it."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = (
            f"{item.nodeid} did not run, and in CI everything must: {skip_reason(report)}"
        )
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole module that skips itself."""
    report = yield
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid}: not run, and in CI all must: {skip_reason(report)}"
    return report


def skip_reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Say why a report was skipped, without pytest's prefix."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ").removeprefix("not run: ")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was not run, and why."""
    reasons = Counter(skip_reason(report) for report in terminalreporter.getreports("skipped"))
    slow = [
        item
        for item in terminalreporter.stats.get("deselected", [])
        if item.get_closest_marker("slow") is not None
    ]
    if slow:
        reasons["slow, run by `make test-slow`"] = len(slow)
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"not run: {count} x {reason}")


# Deadlines measure the machine, not the code. CI repeats the same examples, so that it fails only
# for a change; a person's runs look at new ones. Generating data is slow on a shared machine
# through no fault of the test.
for name, examples in {"quick": 50, "thorough": 500}.items():
    settings.register_profile(
        name,
        deadline=None,
        derandomize=IN_CI,
        max_examples=examples,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("quick")
