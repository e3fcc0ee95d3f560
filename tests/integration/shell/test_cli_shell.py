"""The `ostiary` command as a shell sees it: exit codes, the two outputs, JSON, help."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
import typer
from tests.ports import free_port
from tests.shell_instance import OSTIARY, OwnInstance
from typer.testing import CliRunner

from ostiary.cli.main import app
from ostiary.cli.output import ExitCode, NeedsConfirmation, confirm, exit_code_of, print_json, print_table
from ostiary.config.loader import ConfigurationError
from ostiary.errors import OstiaryError

pytestmark = pytest.mark.xdist_group("shell-own")


@pytest.fixture(scope="module")
def own() -> Iterator[OwnInstance]:
    made = OwnInstance()
    made.init()
    yield made
    made.remove()


@pytest.fixture
def fresh() -> Iterator[OwnInstance]:
    made = OwnInstance()
    yield made
    made.remove()


def commands(group: typer.Typer) -> list[tuple[str, ...]]:
    """Return every command as the words that call it."""
    root = typer.main.get_command(group)
    found: list[tuple[str, ...]] = []

    def walk(command: object, words: tuple[str, ...]) -> None:
        children = getattr(command, "commands", None)
        if children is None:
            found.append(words)
        for name, child in (children or {}).items():
            walk(child, (*words, name))

    walk(root, ())
    return found


EVERY_COMMAND = commands(app)


@pytest.mark.parametrize("words", EVERY_COMMAND, ids=" ".join)
def test_every_command_explains_itself_with_two_examples(words):
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0
    epilog = result.output.partition("Examples")[2]
    assert epilog.count("$ ") >= 2, result.output
    assert all("ostiary" in line for line in epilog.splitlines() if line.strip().startswith("$ "))


def test_the_commands_the_product_promises_are_there():
    promised = ["init", "up", "status", "doctor", "backup", "restore"]
    grouped = ["app add", "user invite", "session list", "session revoke", "rules check", "rules apply"]
    grouped += ["audit verify", "admin recover", "service install", "config check"]
    assert {(name,) for name in promised} | {tuple(words.split()) for words in grouped} <= set(EVERY_COMMAND)


def test_init_makes_an_instance_and_prints_the_first_invitation(fresh):
    ended = fresh.cli(
        *("init", "--domain", "Büro.localhost", "--https-port", str(free_port()), "--http-port", "0"),
        *("--organisation", "Büro & Söhne", "--admin-email", "ada@example.com", "--admin-name", "Ada"),
    )
    assert "https://id.xn--bro-hoa.localhost" in ended.stdout
    assert "/link/" in ended.stdout
    for name, mode in (("secrets", 0o700), ("state", 0o700), ("ostiary.toml", 0o600)):
        assert (fresh.home / name).stat().st_mode & 0o777 == mode
    assert fresh.instance.authority_certificate.exists()
    assert 'organisation = "Büro & Söhne"' in (fresh.home / "ostiary.toml").read_text()


def test_init_repeated_changes_nothing(own):
    secret = (own.home / "secrets" / "session.key").read_bytes()
    configuration = (own.home / "ostiary.toml").read_bytes()
    own.cli("init", "--domain", "localhost")
    own.cli("init")
    assert (own.home / "secrets" / "session.key").read_bytes() == secret
    assert (own.home / "ostiary.toml").read_bytes() == configuration


def test_init_never_moves_an_instance_to_another_domain(own):
    said = own.cli("init", "--domain", "example.org", code=ExitCode.CONFIGURATION).stderr
    assert "There is an instance for localhost" in said


def test_init_without_a_domain_says_what_to_type(fresh):
    said = fresh.cli("init", code=ExitCode.CONFIGURATION).stderr
    assert "ostiary init --domain example.com" in said
    assert not fresh.home.exists()


def test_init_with_a_wrong_domain_makes_nothing(fresh):
    said = fresh.cli("init", "--domain", "https://example.com", code=ExitCode.CONFIGURATION).stderr
    assert "leave out the part before ://" in said
    assert not fresh.home.exists()


def test_missing_secrets_are_made_again_and_no_other(own):
    kept = (own.home / "secrets" / "django.key").read_bytes()
    (own.home / "secrets" / "session.key").unlink()
    said = own.cli("status", code=ExitCode.FINDINGS)
    assert "not running" in said.stderr
    assert json.loads(own.cli("init", "--secrets-only", "--json").stdout)["secrets_created"] == ["session.key"]
    assert (own.home / "secrets" / "django.key").read_bytes() == kept


def test_an_instance_that_is_not_there_is_named_with_the_command_that_makes_it(fresh):
    for words in (("status",), ("up",), ("doctor",), ("backup", "x", "--without-secrets"), ("config", "check")):
        ended = fresh.cli(*words, code=ExitCode.CONFIGURATION)
        assert "init --domain" in ended.stderr
        assert ended.stdout == ""


def test_status_of_a_stopped_instance_is_a_finding_in_both_languages(own):
    assert "ostiary up" in own.cli("status", code=ExitCode.FINDINGS).stderr
    standing = json.loads(own.cli("status", "--json", code=ExitCode.FINDINGS).stdout)
    assert standing["running"] is False
    assert standing["problems"]


def test_a_wrong_key_stops_every_command(own):
    path = own.home / "ostiary.toml"
    before = path.read_text()
    try:
        path.write_text(before + "\n[gatway]\n")
        assert "Did you mean gateway?" in own.cli("config", "check", code=ExitCode.CONFIGURATION).stderr
        assert "Did you mean gateway?" in own.cli("up", code=ExitCode.CONFIGURATION).stderr
    finally:
        path.write_text(before)


def test_config_show_names_each_value_its_source_and_no_password(own):
    own.environment["OSTIARY_GATEWAY__WORKERS"] = "3"
    own.environment["OSTIARY_DATABASE__URL"] = "postgresql://ada:geheim@db.example.com/ostiary"
    try:
        said = own.cli("config", "show", "--json").stdout
    finally:
        del own.environment["OSTIARY_GATEWAY__WORKERS"], own.environment["OSTIARY_DATABASE__URL"]
    shown = json.loads(said)
    assert shown["gateway.workers"] == {"value": 3, "from": "environment"}
    assert shown["domain"] == {"value": "localhost", "from": "ostiary.toml"}
    assert shown["tls.mode"]["from"] == "default"
    assert shown["database.url"]["value"] == "postgresql://ada:***@db.example.com/ostiary"
    assert "geheim" not in said


def test_an_unknown_process_is_named_with_those_there_are(own):
    assert "decider, control, worker, envoy" in own.cli("up", "--only", "engine", code=1).stderr


def test_a_taken_port_is_named_before_anything_starts(own):
    import socket

    with socket.socket() as holder:
        holder.bind(("0.0.0.0", own.instance.configuration.gateway.https_port))
        holder.listen(1)
        ended = own.cli("up", code=1)
    assert "is taken" in ended.stderr
    assert "gateway.https_port" in ended.stderr


def test_errors_are_a_message_and_a_hint_and_a_trace_only_on_request(fresh):
    assert "Traceback" not in fresh.cli("status", code=ExitCode.CONFIGURATION).stderr
    ended = subprocess.run(
        [*OSTIARY, "--debug", "status"], env=fresh.environment, capture_output=True, text=True, check=False
    )
    assert "Traceback" in ended.stderr
    assert ended.returncode == ExitCode.CONFIGURATION


def test_an_unexpected_error_is_a_sentence(own):
    database = own.home / "state" / "ostiary.sqlite3"
    if own.environment.get("OSTIARY_DATABASE_URL"):
        own.environment["OSTIARY_DATABASE_URL"] += "_that_is_not_there"
    else:
        database.rename(database.with_suffix(".away"))
        database.write_bytes(b"this is no database, whatever its name says" * 100)
    try:
        ended = own.cli("user", "list", code=1)
        assert "The database did not answer as it should" in ended.stderr
        assert "ostiary doctor" in ended.stderr
    finally:
        if own.environment.get("OSTIARY_DATABASE_URL"):
            own.environment["OSTIARY_DATABASE_URL"] = own.environment["OSTIARY_DATABASE_URL"].removesuffix(
                "_that_is_not_there"
            )
        else:
            database.with_suffix(".away").replace(database)


def test_a_wrong_command_line_is_usage(own):
    assert "No such option" in own.cli("status", "--jsonn", code=ExitCode.USAGE).stderr


def test_somebody_elses_instance_is_left_alone(own):
    script = (
        "import os, sys\nfrom ostiary.cli import operator, main\nimport ostiary.cli.django\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "from pathlib import Path\nfrom ostiary.cli.operator import WrongUser, become_owner\n"
        "try:\n    become_owner(Path('/root'))\nexcept WrongUser as error:\n    print(error)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=own.environment
    )
    assert "belongs to root" in said.stdout


def test_root_works_as_the_owner_so_that_files_stay_the_services(tmp_path):
    script = (
        "import os\nfrom pathlib import Path\nfrom ostiary.cli.operator import become_owner, operator_name\n"
        f"place = Path({str(tmp_path)!r}); os.chown(place, 65534, 65534)\nbecome_owner(place)\n"
        "print(os.getuid(), os.geteuid(), os.getgid(), os.getgroups(), operator_name())"
    )
    environment = {"SUDO_USER": "ada", "PATH": "/usr/bin:/bin"}
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert ended.stdout.split() == ["65534", "65534", "65534", "[]", "ada"]


def test_nothing_hard_to_take_back_happens_without_a_yes(monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(NeedsConfirmation, match="signs out 12 people"):
        confirm("This signs out 12 people.", yes=False)
    confirm("This signs out 12 people.", yes=True)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OstiaryError("x"), ExitCode.FAILED),
        (NeedsConfirmation("x"), ExitCode.REFUSED),
        (ConfigurationError("x"), ExitCode.CONFIGURATION),
    ],
)
def test_errors_have_the_exit_code_that_is_documented(error, code):
    assert exit_code_of(error) is code


def test_tables_are_plain_when_nobody_looks(capsys):
    print_table(["name", "count"], [("a[b]", 3), (None, 10)], empty="nothing", right=["count"])
    out = capsys.readouterr()
    assert [line.rstrip() for line in out.out.splitlines()] == ["name  count", "a[b]      3", "–        10"]
    print_table(["name"], [], empty="There is nothing yet.")
    out = capsys.readouterr()
    assert out.out == ""
    assert "There is nothing yet." in out.err


def test_json_is_json_whatever_is_in_it(capsys):
    print_json({"path": ExitCode.OK, "text": "ö\n\x1b"})
    assert json.loads(capsys.readouterr().out) == {"path": 0, "text": "ö\n\x1b"}


def test_the_version_is_a_result():
    result = CliRunner().invoke(app, ["--version"])
    assert result.output.startswith("ostiary ")
