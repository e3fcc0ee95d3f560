"""The agent where Windows is: it starts without what only other systems have, shuts its folder, and fails closed where it cannot."""

import json
import os
import stat
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.agent.test_agent_elsewhere import WINDOWS, WINDOWS_SEEN

from ostiary.agent.browsers.policy import CannotWritePolicy, require_policy_files
from ostiary.agent.system import places, privacy, programs, windows_api
from ostiary.agent.system.privacy import shutting
from ostiary.agent.system.sddl import read_access
from ostiary.agent.tpm import UnusableTpm, chosen_tpm

THERE = Path(__file__).parents[2] / "agent_on_windows.py"
ME = "S-1-5-21-1-2-3-1001"
ROOMS = """
import json, os, subprocess, sys
from pathlib import Path
from ostiary.agent.folder import Enrolled, Folder, UnusableFolder
from ostiary.agent.inventory.collect import collect_inventory
from ostiary.agent.life import platform_words
from ostiary.agent.posture.computer import CannotTell, ThisComputer

told = {}
folder = Folder(Path(os.environ["LOCALAPPDATA"]) / "Ostiary")
with folder.held():
    key = folder.make_key()
    folder.write_enrolled(Enrolled(origin="https://id.example.test", device="dev-1", name="Tisch", owner="ada"))
    told["shut"] = [words[2] for words in Popen.asked if words[0].endswith("icacls.exe")]
    told["same"] = folder.key().public_key() == key.public_key()
with folder.held():
    told["again"] = folder.enrolled().name
folder.key_file.chmod(0o644)
try:
    folder.key()
except UnusableFolder as error:
    told["shared"] = error.message
elsewhere = folder.path.with_name("link")
elsewhere.symlink_to(folder.path)
for name, one in (("link", elsewhere), ("refused", folder.path.with_name("fresh"))):
    Popen.answers["icacls"] = "refuses"
    try:
        with Folder(one).held():
            told[name] = "held"
    except UnusableFolder as error:
        told[name] = error.message
Popen.hangs = "whoami.exe"
try:
    ThisComputer(now=0.0).run("whoami", seconds=0.01)
except CannotTell as error:
    told["late"] = [error.why, Popen.asked[-1][1:]]
told["python"] = any(one.name == "msgspec" for one in collect_inventory(Path("/nowhere")).packages)
told["platform"] = platform_words()
print(json.dumps(told))
"""


def there(tmp_path: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the agent as on Windows; see `tests.agent_on_windows`."""
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps(WINDOWS))
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(one for one in sys.path if one),
        "HOME": str(tmp_path),
        "LOCALAPPDATA": str(tmp_path / "Local"),
        "PYTHONIOENCODING": "cp1252",
    }
    return subprocess.run(
        [sys.executable, str(THERE), str(answers), *words],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_it_starts_and_says_what_it_sees(tmp_path: Path) -> None:
    done = there(tmp_path, "facts", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    seen = {one["name"]: one["value"] for one in json.loads(done.stdout)["facts"] if one["value"] is not None}
    of_today = {"os_supported", "os_support_days", "security_update_age_days"}
    known = {name: value for name, value in WINDOWS_SEEN.items() if name != "clock_offset_seconds"}
    assert seen.keys() == known.keys()
    assert {name: seen[name] for name in known if name not in of_today} == {
        name: value for name, value in known.items() if name not in of_today
    }


def test_its_help_says_where_things_lie_there(tmp_path: Path) -> None:
    done = there(tmp_path, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "%LOCALAPPDATA%\\Ostiary" in done.stdout


def test_its_folder_is_its_persons_alone_or_nothing_is_kept_there(tmp_path: Path) -> None:
    done = there(tmp_path, "-c", ROOMS)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["shut"] == ["/reset", "/inheritance:r"]
    assert told["same"] is True
    assert told["again"] == "Tisch"
    assert told["shared"].startswith("Others can read")
    assert told["link"].endswith("is not a folder of your own.")
    assert "icacls refuses: Zugriff verweigert für ä" in told["refused"]
    assert told["late"] == ["whoami did not answer within 0 seconds.", ["/T", "/F", "/PID", "4242"]]
    assert told["python"] is True
    assert told["platform"].startswith("Windows")


def test_what_icacls_is_told() -> None:
    assert shutting("C:\\Users\\Ada Ö\\Ostiary", ME) == (
        ("icacls", "C:\\Users\\Ada Ö\\Ostiary", "/reset", "/Q"),
        ("icacls", "C:\\Users\\Ada Ö\\Ostiary", "/inheritance:r", "/grant:r", f"*{ME}:(OI)(CI)F", "/Q"),
    )


@pytest.mark.parametrize(
    ("sddl", "own", "is_own", "others"),
    [
        (f"O:{ME}G:DUD:PAI(A;OICI;FA;;;{ME})", ME, True, ()),
        (f"O:BAG:SYD:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;FA;;;{ME})", ME, True, ()),
        ("O:LAG:DUD:P(A;;FA;;;LA)", "S-1-5-21-1-2-3-500", True, ()),
        ("O:LAG:DUD:P(A;;FA;;;LA)", ME, False, ("LA",)),
        (f"O:{ME}D:(A;;FA;;;{ME})(A;;0x1200a9;;;BU)(A;;FR;;;WD)", ME, True, ("BU", "WD")),
        (f"O:{ME}D:(D;;FA;;;WD)(A;;FA;;;{ME})", ME, True, ()),
        (f"O:{ME}1D:(A;;FA;;;{ME}1)", ME, False, (f"{ME}1",)),
        (f"O:{ME}D:NO_ACCESS_CONTROL", ME, False, ("everybody",)),
        (f'O:{ME}D:(XA;;FX;;;{ME};(@User.Title=="PM"))', ME, False, ("everybody",)),
        (f"O:{ME}", ME, False, ("everybody",)),
    ],
)  # fmt: skip
def test_who_may_look_into_a_folder(sddl: str, own: str, is_own: bool, others: tuple[str, ...]) -> None:
    access = read_access(sddl, own=own)
    assert (access.is_own, access.others) == (is_own, others)


ENTRIES = st.tuples(st.sampled_from(["A", "OA", "D"]), st.sampled_from([ME, "SY", "BA", "OW", "WD", "BU", f"{ME}1"]))


@settings(max_examples=40)
@given(st.lists(ENTRIES, max_size=6), st.text(alphabet="ODG:SPAIWU()-;125", max_size=40))
def test_everybody_else_who_is_let_in_is_found_and_what_cannot_be_read_is_nobodys(
    entries: list[tuple[str, str]], nonsense: str
) -> None:
    listed = "".join(f"({kind};OICI;FA;;;{who})" for kind, who in entries)
    others = tuple(who for kind, who in entries if kind != "D" and who in {"WD", "BU", f"{ME}1"})
    assert read_access(f"O:{ME}G:DUD:PAI{listed}", own=ME).others == others
    assert not read_access(nonsense, own=ME).is_own


def test_elsewhere_windows_is_not_asked(tmp_path: Path) -> None:
    for ask in (windows_api.own_sid, windows_api.system_folder, lambda: windows_api.sddl_of(tmp_path)):
        with pytest.raises(OSError, match="on this system"):
            ask()


@pytest.mark.parametrize(
    ("platform", "folder"),
    [
        ("linux", ".local/state/ostiary-agent"),
        ("darwin", "Library/Application Support/Ostiary"),
        ("win32", "AppData/Local/Ostiary"),
    ],
)
def test_where_things_lie(platform: str, folder: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("LOCALAPPDATA", "XDG_STATE_HOME", "OSTIARY_AGENT_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert places.default_folder() == tmp_path / folder
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert (
        places.default_folder()
        == {
            "linux": Path("/var/lib/ostiary-agent"),
            "darwin": Path("/Library/Application Support/Ostiary"),
            "win32": Path("/local/Ostiary"),
        }[platform]
    )


def test_programs_of_windows_are_started_from_where_windows_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(windows_api, "system_folder", lambda: "C:\\Windows\\System32")
    monkeypatch.setenv("PATH", "C:\\Users\\eve")
    monkeypatch.setenv("SYSTEMROOT", "C:\\Windows")
    monkeypatch.setenv("LD_PRELOAD_OF_SOMEBODY", "1")
    assert programs.found("schtasks") == "C:\\Windows\\System32\\schtasks.exe"
    assert programs.found("powershell.exe") == "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe"
    assert programs.found("D:\\winget.exe") == "D:\\winget.exe"
    given = programs.plain_environment()
    assert given["PATH"] == "C:\\Windows\\System32;C:\\Windows;C:\\Windows\\System32\\Wbem"
    assert given["SYSTEMROOT"] == "C:\\Windows"
    assert "LD_PRELOAD_OF_SOMEBODY" not in given


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_what_is_for_linux_alone_says_so(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.delenv("OSTIARY_AGENT_TPM", raising=False)
    with pytest.raises(UnusableTpm, match="Linux only"):
        chosen_tpm("auto")
    assert (chosen_tpm(""), chosen_tpm("off"), chosen_tpm("swtpm:port=1")) == ("", "", "swtpm:port=1")
    with pytest.raises(CannotWritePolicy):
        require_policy_files()


@pytest.mark.parametrize(
    ("attributes", "owner", "is_own"),
    [(0x10, ME, True), (0x10 | 0x400, ME, False), (0x10, f"{ME}1", False)],
    ids=["a-folder", "a-junction", "somebody-elses"],
)
def test_a_folder_is_ones_own_where_it_leads_nowhere_else(
    attributes: int, owner: str, is_own: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    status = types.SimpleNamespace(st_mode=stat.S_IFDIR | 0o777, st_file_attributes=attributes)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(Path, "lstat", lambda _path: status)
    monkeypatch.setattr(windows_api, "own_sid", lambda: ME)
    monkeypatch.setattr(windows_api, "sddl_of", lambda _path: f"O:{owner}D:P(A;OICI;FA;;;{ME})")
    assert privacy.is_own_folder(tmp_path) is is_own
    assert privacy.is_shared(tmp_path) is (attributes != 0x10), "what leads elsewhere is nobody's alone"


def test_a_folder_that_cannot_be_shut_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", lambda _path, _mode: None)
    with pytest.raises(OSError, match="cannot be changed"):
        privacy.shut(tmp_path)
