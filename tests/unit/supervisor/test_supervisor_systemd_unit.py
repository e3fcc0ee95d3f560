"""The systemd unit: systemd itself reads and judges it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ostiary.config.places import Instance
from ostiary.config.schema import Configuration, Gateway
from ostiary.supervisor.systemd_unit import UnitChoices, render_unit, unreachable_folder

MOST_EXPOSURE = 2.5


def unit(home: Path, *, cut_streams: bool = False, https_port: int = 443, http_port: int = 80) -> str:
    gateway = Gateway(https_port=https_port, http_port=http_port)
    instance = Instance(home=home, configuration=Configuration(domain="example.com", gateway=gateway))
    return render_unit(instance, UnitChoices(user="daemon", python=Path("/usr/bin/python3"), cut_streams=cut_streams))


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    assert program, "install it: apt-get install systemd"
    return subprocess.run([program, *words], capture_output=True, text=True, check=False)


def test_systemd_accepts_it(tmp_path):
    path = tmp_path / "ostiary.service"
    path.write_text(unit(tmp_path / 'a folder with "quotes" and 100%'))
    ended = analyze("verify", str(path))
    assert ended.returncode == 0, ended.stderr
    assert "ostiary.service" not in ended.stderr, ended.stderr


def test_systemd_finds_little_exposed(tmp_path):
    path = tmp_path / "ostiary.service"
    path.write_text(unit(Path("/var/lib/ostiary")))
    said = analyze("security", "--offline=true", "--no-pager", str(path)).stdout
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert level, said
    assert float(level[1]) <= MOST_EXPOSURE


@pytest.mark.parametrize(
    ("choices", "granted"),
    [
        ({}, "CAP_NET_BIND_SERVICE"),
        ({"https_port": 8443, "http_port": 0}, ""),
        ({"https_port": 8443, "http_port": 0, "cut_streams": True}, "CAP_NET_ADMIN"),
        ({"cut_streams": True}, "CAP_NET_BIND_SERVICE CAP_NET_ADMIN"),
    ],
)
def test_it_gets_the_capabilities_it_needs_and_no_other(choices, granted):
    text = unit(Path("/var/lib/ostiary"), **choices)
    assert f"\nCapabilityBoundingSet={granted}\n" in text
    assert f"\nAmbientCapabilities={granted}\n" in text


def test_peoples_folders_are_hidden_unless_the_instance_lies_in_one():
    assert "ProtectHome=yes" in unit(Path("/var/lib/ostiary"))
    assert "ProtectHome=read-only" in unit(Path("/home/ada/ostiary"))


def test_a_folder_that_others_cannot_pass_is_named(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    tmp_path.chmod(0o755)
    found = unreachable_folder(closed / "python")
    assert found is not None
    assert not found.stat().st_mode & 0o001
