"""The agent as a service of macOS and Windows: what launchd and the Task Scheduler are told, read back as they read it."""

import plistlib
import sys
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath
from subprocess import list2cmdline
from xml.etree import ElementTree

import pytest

from ostiary.agent import command
from ostiary.agent.folder import Enrolled, Folder
from ostiary.agent.service import commands, launchd, task
from ostiary.agent.service.tools import NotInstalled, run_tool
from ostiary.agent.system import windows_api
from ostiary.agent.system.programs import Done

SID = "S-1-5-21-1-2-3-1001"
NAME = f"Ostiary agent {SID}"
HOME = PureWindowsPath('C:\\Users\\Ada & "Eve" <Ö>\\Local\\Ostiary')
LOG = Path("/log")


class Told:
    """Notes what a system's program is told, and answers as it is said: by the second word, once or always."""

    def __init__(self, answers: dict[str, list[int]] | None = None) -> None:
        self.words: list[str] = []
        self.files: list[bytes] = []
        self.answers = answers or {}

    def __call__(self, words: Sequence[str]) -> Done:
        self.words.append(" ".join(words))
        self.files += [Path(one).read_bytes() for one in words if one.endswith(".xml")]
        said = self.answers.get(words[1], [0])
        status = said.pop(0) if len(said) > 1 else said[0]
        return Done(status=status, said=b"", errors=b"It is refused." if status else b"")


def test_what_launchd_is_told_is_what_it_reads() -> None:
    folder = Path("/Users/ada & <eve>/Library/Application Support/Ostiary")
    told = plistlib.loads(launchd.plist_text("/opt/ostiary-agent/bin/python3", folder).encode())
    assert told["ProgramArguments"] == [
        "/opt/ostiary-agent/bin/python3", "-P", "-m", "ostiary.agent", "--folder", str(folder),
        "run", "--log", f"{folder}/agent.log", "--end-when-refused",
    ]  # fmt: skip
    assert told["KeepAlive"] == {"SuccessfulExit": False}, "what was refused for good ends with 0"
    assert (told["Label"], told["RunAtLoad"], told["Umask"], told["ThrottleInterval"]) == (
        "ostiary-agent",
        True,
        63,
        60,
    )


def test_launchd_lets_go_of_the_one_before_and_starts_the_new_one(tmp_path: Path) -> None:
    place, paused = tmp_path / "LaunchAgents" / "ostiary-agent.plist", list[float]()
    told = Told({"print": [0, 0, 113]})
    said = launchd.install_plist("text", place, domain="gui/501", log=LOG, run=told, pause=paused.append)
    assert told.words == [
        "launchctl print gui/501/ostiary-agent",
        "launchctl bootout gui/501/ostiary-agent",
        "launchctl print gui/501/ostiary-agent",
        "launchctl print gui/501/ostiary-agent",
        "launchctl enable gui/501/ostiary-agent",
        f"launchctl bootstrap gui/501 {place}",
    ]
    assert len(paused) == 1
    assert (place.read_text(), place.stat().st_mode & 0o777) == ("text", 0o644)
    assert said == (f"{place} is there and started.", "See what it says: /log")
    with pytest.raises(NotInstalled, match="does not end") as refused:
        launchd.install_plist("text", place, domain="system", log=LOG, run=Told(), pause=paused.append)
    assert refused.value.hint == "Try again."
    with pytest.raises(NotInstalled, match=r"is there\. launchctl says: It is refused\.") as refused:
        launchd.install_plist("text", place, domain="gui/501", log=LOG, run=Told({"print": [113], "bootstrap": [125]}))
    assert "sign in at the screen" in refused.value.hint
    with pytest.raises(NotInstalled, match="cannot be used"):
        launchd.install_plist("text", place / "below", domain="system", log=LOG, run=Told())


def test_launchd_is_told_to_end_it_and_a_second_time_there_is_nothing_to_do(tmp_path: Path) -> None:
    place = tmp_path / "ostiary-agent.plist"
    place.touch()
    assert "is removed" in launchd.remove_plist(place, domain="system", run=Told({"print": [0, 113]}))[0]
    assert not place.exists()
    assert launchd.remove_plist(place, domain="system", run=Told({"print": [113]})) == (
        "There is no such service here.",
    )


def parsed(text: str | bytes) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314 - written by the agent a line before


def found(text: str, path: str) -> list[str | None]:
    """Return the texts of the elements at a path of a task."""
    steps = "/".join(f"{{{task.NAMESPACE}}}{one}" for one in path.split("/"))
    return [one.text for one in parsed(text).findall(steps)]


def test_what_windows_is_told_is_what_it_reads() -> None:
    text = task.task_text("C:\\Program Files\\a&b\\pythonw.exe", HOME, sid=SID, account='DESK\\Ada & "Eve" <Ö>')
    assert found(text, "RegistrationInfo/Author") == ['DESK\\Ada & "Eve" <Ö>']
    assert found(text, "Triggers/LogonTrigger/UserId") == found(text, "Principals/Principal/UserId") == [SID]
    assert found(text, "Triggers/LogonTrigger/Repetition/Interval") == ["PT10M"]
    assert found(text, "Principals/Principal/LogonType") == ["InteractiveToken"]
    assert found(text, "Principals/Principal/RunLevel") == ["LeastPrivilege"]
    for name, value in (
        ("Hidden", "true"), ("ExecutionTimeLimit", "PT0S"), ("DisallowStartIfOnBatteries", "false"),
        ("StopIfGoingOnBatteries", "false"), ("MultipleInstancesPolicy", "IgnoreNew"),
        ("RestartOnFailure/Interval", "PT1M"), ("IdleSettings/StopOnIdleEnd", "false"),
    ):  # fmt: skip
        assert found(text, f"Settings/{name}") == [value]
    assert found(text, "Actions/Exec/Command") == ["C:\\Program Files\\a&b\\pythonw.exe"]
    words = ["-P", "-m", "ostiary.agent", "--folder", str(HOME), "run", "--log", str(HOME / "agent.log")]
    assert found(text, "Actions/Exec/Arguments") == [list2cmdline([*words, "--end-when-refused"])]
    principal = parsed(text).find(f"{{{task.NAMESPACE}}}Principals/*")
    actions = parsed(text).find(f"{{{task.NAMESPACE}}}Actions")
    assert principal is not None
    assert actions is not None
    assert principal.get("id") == actions.get("Context")


def test_windows_gets_the_task_as_a_file_and_starts_it() -> None:
    text, told = task.task_text("python.exe", HOME, sid=SID, account="ada"), Told()
    said = task.install_task(text, name=NAME, log=LOG, run=told)
    assert [one for one in told.words if "/Create" not in one] == [
        f"schtasks /End /TN {NAME}",
        f"schtasks /Run /TN {NAME}",
    ]
    assert told.words[1].startswith(f"schtasks /Create /TN {NAME} /XML ")
    assert told.words[1].endswith("task.xml /F")
    assert told.files[0][:2] in {b"\xff\xfe", b"\xfe\xff"}, "with its mark, or Windows takes it for another encoding"
    assert ElementTree.tostring(parsed(told.files[0])) == ElementTree.tostring(parsed(text))
    assert said[0] == f"The task {NAME} is there and started."
    with pytest.raises(NotInstalled, match=r"schtasks says: It is refused\."):
        task.install_task(text, name=NAME, log=LOG, run=Told({"/Create": [1]}))
    with pytest.raises(NotInstalled, match="is there") as refused:
        task.install_task(text, name=NAME, log=LOG, run=Told({"/Run": [1]}))
    assert "sign in" in refused.value.hint


def test_the_task_is_ended_and_removed_and_a_second_time_there_is_nothing_to_do() -> None:
    told = Told()
    assert task.remove_task(name=NAME, run=told) == (f"The task {NAME} is ended and removed.",)
    assert [one.split()[1] for one in told.words] == ["/Query", "/End", "/Delete"]
    assert task.remove_task(name=NAME, run=Told({"/Query": [1]})) == ("There is no such service here.",)
    with pytest.raises(NotInstalled, match="still there"):
        task.remove_task(name=NAME, run=Told({"/Delete": [1]}))


def test_the_interpreter_without_a_window_is_taken_where_it_is(tmp_path: Path) -> None:
    python = tmp_path / "python.exe"
    assert task.windowless(str(python)) == str(python)
    (tmp_path / "pythonw.exe").touch()
    assert task.windowless(str(python)) == str(tmp_path / "pythonw.exe")


@pytest.mark.parametrize(("platform", "tool"), [("darwin", "launchctl"), ("win32", "schtasks")])
def test_each_system_is_told_in_its_own_way(
    platform: str, tool: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, told = Folder(tmp_path / "agent"), Told({"print": [113]})
    with folder.held():
        folder.write_enrolled(Enrolled(origin="https://id.example.test", device="dev-1", name="x", owner="ada"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 501)
    monkeypatch.setattr("os.getuid", lambda: 501)
    monkeypatch.setattr(windows_api, "own_sid", lambda: SID)
    monkeypatch.setattr(sys, "platform", platform)
    text = commands.service_text(folder.path, "/usr/bin/python3")
    commands.install(text, log=LOG, run=told)
    commands.remove(told)
    assert {one.split()[0] for one in told.words} == {tool}
    assert command.main(["--folder", str(folder.path), "install-service", "--print"]) == 0
    assert capsys.readouterr().out.rstrip() == text.rstrip().replace("/usr/bin/python3", sys.executable)


def test_a_system_without_its_own_program_is_told_of() -> None:
    with pytest.raises(NotInstalled, match="launchctl is not there"):
        run_tool(["launchctl", "print", "system"])
