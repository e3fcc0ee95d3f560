"""The agent as a service: units that systemd takes, shut to all but what the agent needs, and what happens without systemd."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from ostiary.agent.command import main
from ostiary.agent.folder import Enrolled, Folder
from ostiary.agent.service.systemd import NAME, install_unit, remove_unit, unit_place, unit_text
from ostiary.agent.service.tools import NotInstalled
from ostiary.agent.system.programs import Done


@pytest.mark.parametrize("of_system", [True, False], ids=["the-systems", "a-persons"])
def test_a_unit_is_one_that_systemd_takes(tmp_path: Path, of_system: bool) -> None:
    unit = tmp_path / NAME
    unit.write_text(unit_text("/usr/bin/python3", Path('/srv/a "b" 100%'), of_system=of_system))
    words = ["systemd-analyze", *([] if of_system else ["--user"]), "verify", str(unit)]
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    assert (done.returncode, done.stderr) == (0, ""), "needs the package systemd"
    lines = unit.read_text().splitlines()
    assert 'ExecStart="/usr/bin/python3" -m ostiary.agent --folder "/srv/a \\"b\\" 100%%" run' in lines
    assert "NoNewPrivileges=yes" in lines
    assert ("ProtectSystem=strict" in lines) == of_system
    assert ('ReadWritePaths="/srv/a \\"b\\" 100%%"' in lines) == of_system


def test_a_persons_unit_is_where_their_systemd_looks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert unit_place(of_system=False) == tmp_path / "systemd/user/ostiary-agent.service"
    assert unit_place(of_system=True) == Path("/etc/systemd/system/ostiary-agent.service")


def test_what_is_not_enrolled_becomes_no_service(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--folder", str(tmp_path / "agent"), "install-service"]) == 1
    assert "ostiary-agent enrol" in capsys.readouterr().err
    assert main(["--folder", str(tmp_path / "agent"), "install-service", "--print"]) == 0
    assert f'--folder "{tmp_path}/agent" run' in capsys.readouterr().out


class Systemctl:
    """Notes what it is told, and may refuse."""

    def __init__(self, *, refuses: str = "nothing") -> None:
        self.told: list[str] = []
        self.refuses = refuses

    def __call__(self, words: Sequence[str]) -> Done:
        self.told.append(" ".join(words))
        refused = self.refuses in words
        return Done(status=int(refused), said=b"", errors=b"Unit is masked.\n" if refused else b"")


def test_it_is_put_there_started_and_removed_and_a_refusal_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit, there = tmp_path / "user" / NAME, Path.is_dir
    monkeypatch.setattr(Path, "is_dir", lambda path: str(path) == "/run/systemd/system" or there(path))
    systemctl = Systemctl()
    said = install_unit("text", unit, of_system=False, run=systemctl)
    assert systemctl.told == [
        "systemctl --user daemon-reload",
        f"systemctl --user enable {NAME}",
        f"systemctl --user restart {NAME}",
    ]
    assert (unit.read_text(), unit.stat().st_mode & 0o777) == ("text", 0o644)
    assert "journalctl --user -u" in said[1]
    with pytest.raises(NotInstalled, match="masked") as refused:
        install_unit("text", unit, of_system=True, run=Systemctl(refuses="enable"))
    assert refused.value.hint == f"See: systemctl status {NAME}"
    with pytest.raises(NotInstalled, match=r"still there\. systemctl says: Unit is masked"):
        remove_unit(unit, of_system=True, run=Systemctl(refuses="disable"))
    assert unit.exists()
    systemctl = Systemctl()
    assert "is removed" in remove_unit(unit, of_system=True, run=systemctl)[0]
    assert systemctl.told == [f"systemctl disable --now {NAME}", "systemctl daemon-reload"]
    assert not unit.exists()
    assert remove_unit(unit, of_system=True, run=Systemctl(refuses="systemctl")) == ("There is no such service here.",)
    monkeypatch.setattr(Path, "is_dir", lambda path: str(path) != "/run/systemd/system" and there(path))
    with pytest.raises(NotInstalled, match="systemd") as refused:
        install_unit("text", tmp_path / "other", of_system=True, run=systemctl)
    assert "--print" in refused.value.hint
    assert not (tmp_path / "other").exists()


def test_an_enrolled_one_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Folder(tmp_path / "agent")
    with folder.held():
        folder.write_enrolled(
            Enrolled(origin="https://id.example.test", device="dev-1", name="Desk", owner="ada@example.test")
        )
    monkeypatch.setattr("ostiary.agent.service.commands.install", lambda *_args, **_more: ("it is there",))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert main(["--folder", str(folder.path), "install-service"]) == 0
    assert capsys.readouterr().out == "it is there\n"


def test_roots_service_may_use_the_computers_tpm_and_a_persons_gets_no_group(tmp_path: Path) -> None:
    """It may not override whose files are whose, and the TPM belongs to a group of its own."""
    tpm, unit = tmp_path / "tpmrm0", tmp_path / "ostiary-agent.service"
    assert "SupplementaryGroups" not in unit_text("/usr/bin/python3", tmp_path, of_system=True, tpm=tpm)
    tpm.touch()
    text = unit_text("/usr/bin/python3", tmp_path, of_system=True, tpm=tpm)
    assert f"SupplementaryGroups={tpm.stat().st_gid}" in text.splitlines()
    unit.write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "SupplementaryGroups" not in unit_text("/usr/bin/python3", tmp_path, of_system=False, tpm=tpm)
