"""Jobs run isolated and bounded, and tell the truth about it."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.compute import (
    Isolation,
    IsolationError,
    Job,
    JobFailed,
    JobLimits,
    LocalExecutor,
    probe,
)
from freehold.kernel import LimitError

ENTRIES = Path(__file__).parent / "entries"
SANDBOXES = (Isolation.namespaces, Isolation.bubblewrap)


def executor_at(level: Isolation) -> LocalExecutor:
    try:
        return LocalExecutor(level, code=[ENTRIES])
    except IsolationError as error:
        pytest.skip(f"not run: {error.message}")


@pytest.fixture(params=list(Isolation), ids=lambda level: level.name)
def executor(request: pytest.FixtureRequest) -> LocalExecutor:
    return executor_at(request.param)


@pytest.fixture(params=SANDBOXES, ids=lambda level: level.name)
def sandbox(request: pytest.FixtureRequest) -> LocalExecutor:
    return executor_at(request.param)


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[dict[str, object]]:
    """A place with a secret, and listeners of every kind, that no job may reach."""
    (tmp_path / "secret").write_text("secret")
    abstract = f"freehold-test-{os.getpid()}"
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as by_path,
        socket.socket(socket.AF_UNIX) as by_name,
    ):
        by_path.bind(str(tmp_path / "socket"))
        by_name.bind("\0" + abstract)
        by_path.listen()
        by_name.listen()
        yield {
            "folder": str(tmp_path),
            "port": tcp.getsockname()[1],
            "abstract": abstract,
        }


def job(function: str, **more: object) -> Job:
    return Job(f"sample_entries:{function}", **more)  # type: ignore[arg-type]


def test_inputs_go_in_and_outputs_and_a_report_come_out(executor: LocalExecutor) -> None:
    result = executor.run(
        job("echo", parameters={"a": [1, "é"]}, inputs={"data": b"abc"}, outputs=("copy", "digest"))
    )
    assert result.report == {"parameters": {"a": [1, "é"]}, "length": 3}
    assert result.outputs["copy"] == b"abc"
    assert len(result.outputs["digest"]) == 32
    assert result.isolation is executor.isolation
    assert result.usage.peak_bytes > 1_000_000
    assert 0 < result.usage.cpu_seconds < 30
    assert 0 < result.usage.wall_seconds < 60


def test_an_input_may_be_a_file(executor: LocalExecutor) -> None:
    data = os.urandom(3_000_000)
    result = executor.run(
        job("echo", inputs={"data": io.BytesIO(data)}, outputs=("copy", "digest"))
    )
    assert result.outputs["copy"] == data


def test_no_way_leads_out_of_a_sandbox(sandbox: LocalExecutor, outside: dict[str, object]) -> None:
    result = sandbox.run(job("tries", parameters=outside, inputs={"data": b"abc"}))
    assert [name for name, outcome in result.report.items() if outcome == "through"] == []
    assert not (Path(str(outside["folder"])) / "written").exists()


def test_a_mere_process_is_not_said_to_be_isolated(outside: dict[str, object]) -> None:
    result = executor_at(Isolation.process).run(
        job("tries", parameters=outside, inputs={"data": b"abc"})
    )
    assert result.isolation is Isolation.process
    assert result.report["loopback"] == result.report["unix"] == result.report["read"] == "through"
    assert result.report["write_input"] != "through"
    (ENTRIES / "written").unlink()


def test_the_probe_finds_what_this_machine_offers() -> None:
    level = probe()
    assert LocalExecutor().isolation is level
    for higher in SANDBOXES:
        if higher > level:
            with pytest.raises(IsolationError, match=higher.name):
                LocalExecutor(higher)


def test_a_level_whose_program_is_missing_is_refused() -> None:
    script = (
        "import shutil; from freehold.compute import *\n"
        "shutil.which = lambda name, **more: None\n"
        "assert probe() is Isolation.process\n"
        "try: LocalExecutor(Isolation.bubblewrap)\n"
        "except IsolationError as error: assert 'bwrap' in str(error)\n"
        "else: raise SystemExit('not refused')"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)


def test_nothing_of_the_surroundings_reaches_a_job(
    executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FREEHOLD_SECRET", "hidden")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.chdir(tmp_path)
    with open(tmp_path / "open", "w") as stream:
        os.set_inheritable(stream.fileno(), True)
        parameters = {"secret": "a parameter"}
        reports = [
            executor.run(job("surroundings", parameters=parameters)).report for _ in range(2)
        ]
    reports[0]["environment"].pop("PWD", None)  # bubblewrap tells it: "/"
    assert reports[0]["environment"] == {
        "LC_ALL": "C.UTF-8",
        "MKL_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_CORETYPE": "Haswell",
        "OPENBLAS_NUM_THREADS": "1",
        "POLARS_MAX_THREADS": "1",
        "PYTHONHASHSEED": "0",
    }
    assert reports[0]["folder"] == "/"
    assert len(reports[0]["files"]) <= 5  # the standard three, the report, the listing itself
    assert "a parameter" not in str(reports[0]["arguments"])
    assert "freehold.estate" not in reports[0]["modules"]
    assert reports[0]["hash"] == reports[1]["hash"]


@pytest.mark.parametrize("shared", [False, True], ids=["private", "shared"])
def test_a_job_that_eats_memory_is_stopped(executor: LocalExecutor, shared: bool) -> None:
    limits = JobLimits(memory_bytes=400_000_000, wall_seconds=30)
    with pytest.raises(JobFailed) as caught:
        executor.run(job("eats_memory", parameters={"shared": shared}, limits=limits))
    assert caught.value.code == "compute.memory"


def test_a_job_starts_no_further_process_but_may_have_threads(executor: LocalExecutor) -> None:
    result = executor.run(job("forks", limits=JobLimits(wall_seconds=30)))
    assert result.report == {"started": 0, "refused": "PermissionError"}


def test_an_endless_job_is_stopped_by_the_clock(executor: LocalExecutor) -> None:
    started = time.monotonic()
    for function in ("spins", "sleeps"):
        with pytest.raises(JobFailed) as caught:
            executor.run(job(function, limits=JobLimits(wall_seconds=0.7)))
        assert caught.value.code == "compute.timeout"
    assert time.monotonic() - started < 20


def test_an_endless_job_is_stopped_by_its_share_of_the_processor(executor: LocalExecutor) -> None:
    with pytest.raises(JobFailed, match="1 seconds of CPU") as caught:
        executor.run(job("spins", limits=JobLimits(cpu_seconds=1, wall_seconds=60)))
    assert caught.value.code == "compute.timeout"


def test_an_output_beyond_its_bound_is_refused(executor: LocalExecutor) -> None:
    limits = JobLimits(output_bytes=5_000_000)
    with pytest.raises(JobFailed) as caught:
        executor.run(job("writes_much", outputs=("much",), limits=limits))
    assert caught.value.code == "compute.output"


def test_an_input_beyond_its_bound_is_refused(executor: LocalExecutor) -> None:
    with pytest.raises(LimitError):
        executor.run(job("echo", inputs={"data": b"abc"}, limits=JobLimits(input_bytes=2)))


def test_code_may_lie_anywhere_below_tmp_too(sandbox: LocalExecutor) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        (Path(folder) / "elsewhere.py").write_text("def run(child): return {'here': __file__}")
        executor = LocalExecutor(sandbox.isolation, code=[Path(folder)])
        assert executor.run(Job("elsewhere:run")).report["here"].startswith(folder)


def test_an_expected_error_arrives_with_its_code(executor: LocalExecutor) -> None:
    with pytest.raises(JobFailed) as caught:
        executor.run(job("refuses"))
    assert caught.value.code == "sample.refused"
    assert caught.value.message == "the data is not to my liking"
    assert caught.value.hint == "bring other data"


def test_an_unexpected_error_tells_the_place_but_neither_data_nor_parameters(
    executor: LocalExecutor,
) -> None:
    with pytest.raises(JobFailed) as caught:
        executor.run(
            job(
                "stumbles",
                parameters={"secret": "Ada Lovelace"},
                inputs={"data": b"ada@example.org"},
            )
        )
    assert caught.value.code == "compute.crashed"
    assert "sample_entries.py" in caught.value.stderr_tail
    assert "builtins.ValueError" in caught.value.stderr_tail
    for told in (caught.value.stderr_tail, str(caught.value)):
        assert "Lovelace" not in told
        assert "ada@example.org" not in told


@pytest.mark.parametrize("function", ["dies", "reports_nonsense", "missing"])
def test_a_job_without_a_proper_report_has_crashed(sandbox: LocalExecutor, function: str) -> None:
    with pytest.raises(JobFailed) as caught:
        sandbox.run(job(function))
    assert caught.value.code == "compute.crashed"


def test_a_report_beyond_its_bound_is_refused(executor: LocalExecutor) -> None:
    with pytest.raises(JobFailed) as caught:
        executor.run(job("reports_much"))
    assert caught.value.code == "compute.output"


def test_nothing_stays_open_behind_a_job(executor: LocalExecutor) -> None:
    executor.run(job("echo", inputs={"data": b""}, outputs=("copy", "digest")))
    before = len(os.listdir("/proc/self/fd"))
    executor.run(job("echo", inputs={"data": b""}, outputs=("copy", "digest")))
    with pytest.raises(JobFailed):
        executor.run(job("refuses"))
    assert len(os.listdir("/proc/self/fd")) == before
