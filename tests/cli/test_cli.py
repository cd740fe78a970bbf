"""The command line: from a charter file to answers, with exit statuses and secrets kept."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyrage  # type: ignore[import-untyped]
import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from freehold.charter import DEMO_PEOPLE, demo_charter
from freehold.cli import build_app
from freehold.kernel.signatures import new_key_file
from freehold.verbs import VERBS
from tests.estate.world import PASSPHRASE, PURPOSE, copy_world, table, verify_bundle
from tests.session.servers import FREEHOLD, environment, up


class Shell:
    """A user's shell: their home, their estate, their token."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = environment(home) | {"FREEHOLD_ESTATE": str(home / "estate")}
        self.runner = CliRunner()

    def run(self, *words: str, **variables: str | None) -> Result:
        """Run `freehold` with these words, in this process."""
        given: dict[str, str | None] = {**self.environment, **variables}
        cleared = dict.fromkeys(name for name in os.environ if name.startswith("XDG_"))
        return self.runner.invoke(build_app(), words, env={**cleared, **given})

    def json(self, *words: str, **variables: str | None) -> Any:
        """The same with --json, which must succeed."""
        result = self.run(*words, "--json", **variables)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def error(self, *words: str, status: int = 1, **variables: str | None) -> dict[str, str]:
        """The same with --json, which must fail."""
        result = self.run(*words, "--json", **variables)
        assert result.exit_code == status, result.output
        told: dict[str, str] = json.loads(result.stdout)["error"]
        return told


@pytest.fixture
def shell(founded_deployed: Path, tmp_path: Path) -> Shell:
    """A shell beside a deployed estate that nobody holds; `olivia` is logged in."""
    world = copy_world(founded_deployed, tmp_path / "world")
    tokens = {
        person: world.estate.people.token(world.actor("olivia"), person).token
        for person in DEMO_PEOPLE
    }
    world.close()
    (tmp_path / "world" / "estate").rename(tmp_path / "estate")
    (tmp_path / "world" / "people").rename(tmp_path / "people")
    for person, token in tokens.items():
        path = tmp_path / f"token-{person}"
        path.write_text(token + "\n")
        path.chmod(0o600)
    return Shell(tmp_path)


def as_(shell: Shell, person: str) -> dict[str, str | None]:
    return {"FREEHOLD_TOKEN_FILE": str(shell.home / f"token-{person}")}


# ---- from nothing to an answer


def test_from_a_charter_file_to_a_dataset_by_commands_alone(tmp_path):
    shell = Shell(tmp_path)
    (tmp_path / "people").mkdir()
    keys = {person: new_key_file(tmp_path / "people" / person) for person in DEMO_PEOPLE}
    (tmp_path / "charter.toml").write_text(demo_charter(keys))
    (tmp_path / "patients.csv").write_bytes(table())
    made = shell.json("init", str(tmp_path / "charter.toml"))
    assert (made["trial"], made["ratifications_missing"]) == (False, 2)
    assert shell.error("init", str(tmp_path / "charter.toml"))["code"] == "estate.exists"
    assert shell.error("data", "list")["code"] == "party.unauthenticated"
    for owner, missing in (("olivia", 1), ("oscar", 0)):
        key = str(tmp_path / "people" / owner)
        status = shell.json("charter", "ratify", "--as", owner, "--key", key)
        assert status["missing"] == missing
    key = str(tmp_path / "people" / "stella")
    assert shell.json("login", "--as", "stella", "--key", key)["person"] == "stella"
    words = ("patients", str(tmp_path / "patients.csv"), "--data-class", "health")
    ingested = shell.json("data", "ingest", *words, "--purpose", PURPOSE)
    assert (ingested["rows"], ingested["format"], ingested["is_new"]) == (60, "csv", True)
    (listed,) = shell.json("data", "list")
    assert (listed["name"], listed["purposes"]) == ("patients", [PURPOSE])
    assert shell.error("people", "list", status=3)["code"] == "policy.denied"
    kept = list((tmp_path / ".config" / "freehold" / "tokens").iterdir())
    assert [oct(path.stat().st_mode & 0o777) for path in kept] == ["0o600"]


def test_init_without_a_charter_writes_one_that_it_then_refuses_helpfully(tmp_path):
    shell, charter = Shell(tmp_path), tmp_path / "charter.toml"
    assert shell.json("init", str(charter))["written"] == str(charter)
    told = shell.error("init", str(charter))
    assert "REPLACE" in told["message"]
    assert not (tmp_path / "estate").exists()


def test_what_the_machine_does_not_do_is_told_without_a_traceback(tmp_path):
    told = Shell(tmp_path).error("init", str(tmp_path / "nowhere" / "charter.toml"))
    assert told["code"] == "host.io"
    assert "nowhere" in told["message"]
    assert told["hint"]


def test_the_template_on_the_output_is_the_same_and_is_refused_too(tmp_path):
    shell, charter = Shell(tmp_path), tmp_path / "mine.toml"
    charter.write_text(shell.run("charter", "template", "--organisation", "Ours").stdout)
    assert 'name = "Ours"' in charter.read_text()
    assert "REPLACE" in shell.error("init", str(charter))["message"]


# ---- exit statuses


def test_the_exit_status_tells_done_failed_misused_and_refused(shell):
    assert shell.run("data", "list", **as_(shell, "stella")).exit_code == 0
    assert shell.run("data", "show", "none", **as_(shell, "stella")).exit_code == 1
    assert shell.run("data", "shwo").exit_code == 2
    assert shell.run("data", "show").exit_code == 2
    assert shell.run("people", "list", **as_(shell, "dana")).exit_code == 3


def test_errors_go_to_the_error_output_with_the_next_step(shell):
    result = shell.run("data", "show", "none", **as_(shell, "stella"))
    assert result.stdout == ""
    assert "data.unknown" in result.stderr
    assert "freehold data list" in result.stderr


def test_an_estate_that_is_not_there_is_told_so(tmp_path):
    told = Shell(tmp_path).error("estate", "status")
    assert (told["code"], "freehold init" in told["hint"]) == ("estate.missing", True)


@pytest.mark.parametrize(
    "words",
    [
        ("evaluation", "plan", "patients", "--purpose", PURPOSE, "--at-least", "accuracy"),
        ("evaluation", "plan", "patients", "--purpose", PURPOSE, "--at-least", "accuracy=much"),
        ("policy", "propose", "no-such-file.cedar"),
        ("policy", "test", "/"),
    ],
)
def test_what_was_typed_wrongly_is_told_without_a_traceback(shell, words):
    result = shell.run(*words, **as_(shell, "olivia"))
    assert result.exit_code in (1, 2)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output


# ---- tables and JSON


@pytest.mark.parametrize(
    ("words", "person", "shown"),
    [
        (("data", "list"), "stella", "patients"),
        (("data", "show", "patients"), "stella", "pressure"),
        (("models", "show", "triage"), "clara", "live"),
        (("serving", "inputs", "triage"), "dana", "pressure"),
        (("ledger", "acts", "--limit", "3"), "ada", "user:olivia"),
        (("estate", "status"), "ada", "Example Clinic"),
        (("people", "list"), "ada", "Ravi Reviewer"),
        (("ledger", "lineage", "model:triage@1"), "ada", "patients"),
    ],
)
def test_people_get_tables_and_programs_json(shell, words, person, shown):
    result = shell.run(*words, **as_(shell, person))
    assert result.exit_code == 0, result.output
    assert shown in result.stdout
    assert json.dumps(shell.json(*words, **as_(shell, person)))


def test_a_checkpoint_is_written_to_the_byte(shell):
    result = shell.run("ledger", "checkpoint", **as_(shell, "ada"))
    assert result.stdout.endswith("\n")
    assert result.stdout.splitlines()[3] == ""
    assert result.stdout.splitlines()[4].startswith("— ")


# ---- secrets


def test_a_passphrase_comes_from_a_descriptor(shell):
    reading, writing = os.pipe()
    os.write(writing, PASSPHRASE.encode() + b"\n")
    os.close(writing)
    given = {"FREEHOLD_PASSPHRASE_FILE": None, "FREEHOLD_PASSPHRASE_FD": str(reading)}
    try:
        assert shell.json("estate", "status", **as_(shell, "ada"), **given)["is_ratified"]
    finally:
        os.close(reading)


def test_a_passphrase_comes_from_a_systemd_credential(shell):
    folder = shell.home / "credentials"
    folder.mkdir()
    (folder / "freehold-passphrase").write_text(PASSPHRASE)
    (folder / "freehold-passphrase").chmod(0o400)
    given = {"FREEHOLD_PASSPHRASE_FILE": None, "CREDENTIALS_DIRECTORY": str(folder)}
    assert shell.json("estate", "status", **as_(shell, "ada"), **given)["is_ratified"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
@pytest.mark.parametrize("secret", ["passphrase", "token-ada"])
def test_a_secret_that_others_can_read_is_refused(shell, secret, mode):
    (shell.home / secret).chmod(mode)
    told = shell.error("estate", "status", **as_(shell, "ada"))
    assert (told["code"], told["hint"].startswith("chmod 600")) == ("cli.secret_mode", True)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("FREEHOLD_PASSPHRASE_FILE", "/no/such/file"),
        ("FREEHOLD_PASSPHRASE_FD", "999"),
        ("FREEHOLD_PASSPHRASE_FD", "three"),
        ("FREEHOLD_TOKEN_FILE", "/no/such/file"),
    ],
)
def test_a_secret_that_is_not_there_is_told_so(shell, variable, value):
    given = {**as_(shell, "ada"), variable: value}
    assert shell.error("estate", "status", **given)["code"] == "cli.secret"


def test_without_a_passphrase_and_a_terminal_it_says_where_one_may_be(shell):
    told = shell.error("estate", "status", FREEHOLD_PASSPHRASE_FILE=None)
    assert told["code"] == "cli.no_passphrase"
    assert "FREEHOLD_PASSPHRASE_FILE" in told["hint"]


def test_a_wrong_passphrase_opens_nothing_and_is_not_told(shell):
    wrong = shell.home / "wrong"
    wrong.write_text("a wrong passphrase")
    wrong.chmod(0o600)
    result = shell.run("estate", "status", FREEHOLD_PASSPHRASE_FILE=str(wrong))
    assert result.exit_code == 1
    assert "a wrong passphrase" not in result.output


def test_an_empty_passphrase_founds_nothing(shell, tmp_path):
    empty = tmp_path / "empty"
    empty.write_text("\n")
    empty.chmod(0o600)
    keys = {person: (tmp_path / "people" / f"{person}.pub").read_text() for person in DEMO_PEOPLE}
    (tmp_path / "charter.toml").write_text(demo_charter(keys))
    told = shell.error(
        "--estate",
        str(tmp_path / "other"),
        "init",
        str(tmp_path / "charter.toml"),
        FREEHOLD_PASSPHRASE_FILE=str(empty),
    )
    assert told["code"] == "cli.passphrase"
    assert not (tmp_path / "other").exists()


def options(command: Any) -> set[str]:
    """The names of all options, of a command and those below it."""
    names = {word for each in command.params for word in getattr(each, "opts", ())}
    return names.union(*(options(each) for each in getattr(command, "commands", {}).values()))


def test_no_command_takes_a_secret_as_an_option():
    for name in options(get_command(build_app())):
        assert "passphrase" not in name.lower()
        assert name not in ("--token", "--password", "--secret")


# ---- approvals and evidence


def test_an_approval_by_command_counts_and_ssh_keygen_accepts_it(shell, program):
    key = str(shell.home / "people" / "ravi")
    words = ("approve", "dataset.erase", "dataset:patients", "--as", "ravi", "--key", key)
    approval = shell.json(*words, **as_(shell, "ravi"))
    assert shell.run("data", "erase", "patients", **as_(shell, "stella")).exit_code == 0
    bundle = shell.home / "evidence.zip"
    assert shell.run("ledger", "export", "--out", str(bundle), **as_(shell, "ada")).exit_code == 0
    signers = shell.home / "allowed_signers"
    signers.write_text(shell.run("people", "signers", **as_(shell, "ada")).stdout)
    vkey = shell.json("estate", "status", **as_(shell, "ada"))["vkey"]
    verify_bundle(bundle.read_bytes(), vkey=vkey, signers=signers.read_text())
    with zipfile.ZipFile(bundle) as evidence:
        name = f"approvals/{approval['approval']}"
        signature = shell.home / "approval.sig"
        signature.write_bytes(evidence.read(f"{name}.sig"))
        statement = evidence.read(f"{name}.json")
    command = [program("ssh-keygen"), "-Y", "verify", "-f", signers, "-I", approval["approver"]]
    command += ["-n", "freehold-approval", "-s", signature]
    for message, is_good in ((statement, True), (statement + b" ", False)):
        done = subprocess.run(command, input=message, capture_output=True, check=False)
        assert (done.returncode == 0) is is_good, done.stderr


def test_an_export_overwrites_nothing(shell):
    bundle = shell.home / "evidence.zip"
    bundle.write_text("mine")
    told = shell.error("ledger", "export", "--out", str(bundle), **as_(shell, "ada"))
    assert told["code"] == "session.file"
    assert bundle.read_text() == "mine"


# ---- upkeep, and beside a server


def test_the_catalog_is_rebuilt_and_says_the_same(shell):
    before = shell.json("data", "list", **as_(shell, "stella"))
    assert shell.json("catalog", "rebuild")["records"] > 30
    (shell.home / "estate" / "catalog.db").unlink()
    assert shell.json("data", "list", **as_(shell, "stella")) == before


@pytest.fixture
def held(shell: Shell) -> Any:
    """The same estate, held by a server."""
    with up(shell.home):
        yield shell


def test_beside_a_server_commands_go_through_it_with_equal_results(held):
    nowhere: dict[str, str | None] = {"FREEHOLD_PASSPHRASE_FILE": None}  # and need no passphrase
    for words in (("data", "show", "patients"), ("models", "list"), ("ledger", "acts")):
        result = held.run(*words, **as_(held, "olivia"), **nowhere)
        assert result.exit_code == 0, result.output
    assert held.error("data", "show", "none", **as_(held, "olivia"), **nowhere)["code"] == (
        "data.unknown"
    )
    told = held.error("catalog", "rebuild")
    assert told["code"].startswith("ledger."), told
    assert held.json("estate", "status", **as_(held, "ada"), **nowhere)["records"] > 30


def test_an_estate_is_backed_up_checked_and_restored_through_a_server(held, tmp_path):
    otto = {"FREEHOLD_PASSPHRASE_FILE": None, **as_(held, "otto")}
    place = tmp_path / "backups"
    full = held.json("backup", "create", str(place), **otto)
    delta = held.json("backup", "create", str(place), **otto)
    assert (full["kind"], delta["kind"]) == ("full", "delta")
    checked = held.json("backup", "check", str(place), **otto)
    assert checked["digest"] == delta["digest"]
    (tmp_path / "erasures").write_text(held.run("backup", "erasures", **otto).stdout)
    (tmp_path / "pin").write_text(held.run("ledger", "checkpoint", **as_(held, "ada")).stdout)
    assert held.error("backup", "create", "here", **otto)["code"] == "backup.place"
    again = str(tmp_path / "again")
    words = ("--estate", again, "backup", "restore", delta["bundle"])
    given = ("--pin", str(tmp_path / "pin"), "--erasures", str(tmp_path / "erasures"))
    lost = held.error(*words, *given)
    assert lost["code"] == "backup.loss"
    number = lost["hint"].partition("--accept-loss ")[2].partition(":")[0]
    restored = held.json(*words, *given, "--accept-loss", number)
    assert restored["records"] == delta["records"]
    status = held.json("--estate", again, "estate", "status", **as_(held, "olivia"))
    assert status["vkey"] == restored["vkey"]
    assert status["records"] == delta["records"] + 1


def test_a_bundle_for_recipients_is_restored_by_an_identity_and_a_new_passphrase(shell, tmp_path):
    mine = pyrage.x25519.Identity.generate()
    to = ("--recipient", str(mine.to_public()))
    otto = as_(shell, "otto")
    made = shell.json("backup", "create", str(tmp_path / "b"), *to, **otto)
    (tmp_path / "identity").write_text(f"# created by age-keygen\n{mine}\n")
    (tmp_path / "identity").chmod(0o600)
    (tmp_path / "fresh").write_text("a fresh passphrase\n")
    (tmp_path / "fresh").chmod(0o600)
    again = str(tmp_path / "again")
    words = ("--estate", again, "backup", "restore", made["bundle"], "--new-custody")
    fresh = {"FREEHOLD_NEW_PASSPHRASE_FILE": str(tmp_path / "fresh")}
    assert shell.error(*words, **fresh)["code"] == "backup.key"
    shell.json(*words, "--identity", str(tmp_path / "identity"), **fresh)
    opening = {"FREEHOLD_PASSPHRASE_FILE": str(tmp_path / "fresh"), **as_(shell, "olivia")}
    assert shell.json("--estate", again, "estate", "status", **opening)["is_ratified"]


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1", "127.0.0.1:", "127.0.0.1:port", ":1"])
def test_an_address_that_is_none_is_told_so(shell, listen):
    result = shell.run("up", "--listen", listen)
    assert result.exit_code == 1
    assert "cli.listen" in result.stderr


def test_a_server_does_not_listen_on_the_network_without_tls(shell):
    result = shell.run("up", "--listen", "0.0.0.0:18443")
    assert result.exit_code == 1
    assert "api.no_tls" in result.stderr
    assert not (shell.home / "estate" / "socket").exists()


def test_the_console_script_prints_no_secret_and_shows_none_in_its_arguments(shell):
    words = ["--estate", str(shell.home / "estate"), "estate", "status"]
    secrets = {**shell.environment, **as_(shell, "ada")}
    done = subprocess.run(
        [*FREEHOLD, *words], env=secrets, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    token = (shell.home / "token-ada").read_text().strip()
    for secret in (PASSPHRASE, token):
        assert secret not in done.stdout + done.stderr
        assert secret not in " ".join(words)


def test_every_verb_that_carries_no_signature_is_a_command(shell):
    signed = {"charter.statement", "charter.ratify", "people.challenge", "people.statement"}
    signed |= {"people.login", "people.approve"}
    run: Callable[..., Result] = shell.run
    missing = [
        path
        for path, verb in VERBS.items()
        if path not in signed
        and run(verb.noun, verb.name.replace("_", "-"), "--help").exit_code != 0
    ]
    assert not missing
