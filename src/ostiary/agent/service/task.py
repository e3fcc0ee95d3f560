"""The agent as a task of Windows, which begins when its person signs in. Built after what Microsoft documents.

Source: Microsoft, Task Scheduler Schema (MS-TSCH, 2.5); schtasks: `/Create /XML`, `/Run`, `/End`, `/Query`, `/Delete`.
"""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath
from typing import Final
from xml.etree import ElementTree

from ostiary.agent.folder import LOG_FILE
from ostiary.agent.service.tools import Run, cannot, require, run_tool

NAMESPACE: Final = "http://schemas.microsoft.com/windows/2004/02/mit/task"
ENCODING: Final = "utf-16"
"""Of the file; Windows reads no other in all its versions."""
_LOOK_AGAIN: Final = "PT10M"
"""How often it is started unless it runs: an end by itself is no failure to Windows, whatever its status."""
_SETTINGS: Final = (
    ("MultipleInstancesPolicy", "IgnoreNew"),
    ("DisallowStartIfOnBatteries", "false"),
    ("StopIfGoingOnBatteries", "false"),
    ("AllowHardTerminate", "true"),
    ("StartWhenAvailable", "true"),
    ("RunOnlyIfNetworkAvailable", "false"),
    ("AllowStartOnDemand", "true"),
    ("Enabled", "true"),
    ("Hidden", "true"),
    ("RunOnlyIfIdle", "false"),
    ("WakeToRun", "false"),
    ("ExecutionTimeLimit", "PT0S"),
    ("Priority", "7"),
)


def task_name(sid: str) -> str:
    """Return what the task is called: tasks of all persons lie in one place."""
    return f"Ostiary agent {sid}"


def task_text(python: str, folder: PureWindowsPath, *, sid: str, account: str) -> str:
    """Return the task, as XML.

    Args:
        python: the interpreter that the agent runs on, the one without a window.
        folder: where it keeps its files.
        sid: whose task it is, as a security identifier.
        account: what that person is called.
    """
    words = ["-P", "-m", "ostiary.agent", "--folder", str(folder), "run", "--log", str(folder / LOG_FILE)]
    task = ElementTree.Element("Task", {"version": "1.2", "xmlns": NAMESPACE})
    about = _below(task, "RegistrationInfo")
    _below(about, "Author", account)
    _below(about, "Description", "Proves which computer this is, and tells how it is kept.")
    trigger = _below(_below(task, "Triggers"), "LogonTrigger")
    again = _below(trigger, "Repetition")
    _below(again, "Interval", _LOOK_AGAIN)
    _below(again, "StopAtDurationEnd", "false")
    _below(trigger, "Enabled", "true")
    _below(trigger, "UserId", sid)
    principal = _below(_below(task, "Principals"), "Principal")
    principal.set("id", "Author")
    _below(principal, "UserId", sid)
    _below(principal, "LogonType", "InteractiveToken")
    _below(principal, "RunLevel", "LeastPrivilege")
    settings = _below(task, "Settings")
    for name, value in _SETTINGS:
        _below(settings, name, value)
    idle = _below(settings, "IdleSettings")
    _below(idle, "StopOnIdleEnd", "false")
    _below(idle, "RestartOnIdle", "false")
    restart = _below(settings, "RestartOnFailure")
    _below(restart, "Interval", "PT1M")
    _below(restart, "Count", "999")
    actions = _below(task, "Actions")
    actions.set("Context", "Author")
    program = _below(actions, "Exec")
    _below(program, "Command", python)
    _below(program, "Arguments", subprocess.list2cmdline([*words, "--end-when-refused"]))
    ElementTree.indent(task)
    return ElementTree.tostring(task, encoding="unicode")


def as_file(text: str) -> bytes:
    """Return a task as Windows takes it from a file."""
    return f'<?xml version="1.0" encoding="UTF-16"?>\n{text}\n'.encode(ENCODING)


def install_task(text: str, *, name: str, log: Path, run: Run = run_tool) -> tuple[str, ...]:
    """Give the task to Windows and start it, in place of one that runs; return what was done, in words.

    Args:
        text: as `task_text` gives it.
        name: as `task_name` gives it.
        log: where the service writes what it says.
        run: runs `schtasks`.

    Raises:
        NotInstalled: when that is not possible; where it says so, the task is there and was not started.
    """
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "task.xml"
            file.write_bytes(as_file(text))
            run(_words("/End", name))
            hint = "See the task: ostiary-agent install-service --print"
            require(run((*_words("/Create", name), "/XML", str(file), "/F")), "schtasks", hint=hint)
    except OSError as error:
        raise cannot(tempfile.gettempdir(), error) from None
    require(run(_words("/Run", name)), f"The task {name} is there. schtasks", hint="It starts when you sign in next.")
    return (f"The task {name} is there and started.", f"See what it says: {log}")


def remove_task(*, name: str, run: Run = run_tool) -> tuple[str, ...]:
    """End the task and remove it; return what was done, in words. Where there is none, nothing is.

    Raises:
        NotInstalled: when that is not possible.
    """
    if run(_words("/Query", name)).status != 0:
        return ("There is no such service here.",)
    run(_words("/End", name))
    require(run((*_words("/Delete", name), "/F")), f"The task {name} is still there. schtasks")
    return (f"The task {name} is ended and removed.",)


def windowless(python: str) -> str:
    """Return the interpreter that opens no window, where it lies beside the other."""
    beside = Path(python).with_name("pythonw.exe")
    return str(beside) if beside.exists() else python


def _words(what: str, name: str) -> Sequence[str]:
    return ("schtasks", what, "/TN", name)


def _below(parent: ElementTree.Element, name: str, text: str | None = None) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, name)
    element.text = text
    return element
