"""The sample applications as processes that the supervisor keeps, and the files they begin with."""

import sys
from pathlib import Path

from ostiary.config.places import Instance
from ostiary.demo.company import APPS, SampleApp
from ostiary.demo.notes import Notes
from ostiary.supervisor.probes import TcpProbe
from ostiary.supervisor.process import ProcessSpec

FIRST_FILES = {
    "files": {
        "offers/2031-cooling-loop.txt": "Offer 2031: flow meters for a cooling loop, eight pieces, four weeks.\n",
        "minutes/works-council.txt": "Minutes: the new shift plan starts in spring. Agreed without a vote.\n",
        "drawings/LH-200-housing.svg": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 60">'
        '<rect x="10" y="15" width="100" height="30" rx="6" fill="none" stroke="#345"/><circle cx="60" cy="30" r="9"/></svg>\n',
        "archive/2019-annual-report.txt": "Annual report 2019. Kept unchanged for ten years.\n",
    },
    "payroll": {
        "salaries/2026-11.csv": "name,gross\nMuster A,4100.00\nMuster B,3875.50\n",
        "payments/2026-11-salaries.xml": '<?xml version="1.0"?>\n<payments month="2026-11" total="7975.50"/>\n',
    },
}
_RADICALE = """\
[server]
hosts = 127.0.0.1:{port}
max_connections = 64
[auth]
type = http_x_remote_user
[rights]
type = owner_only
[storage]
filesystem_folder = {folder}
[web]
type = internal
[logging]
level = warning
"""


def write_first_files(instance: Instance, notes: Notes) -> None:
    """Give each application its folder and what lies in it at the first start; write Radicale's settings."""
    for app in APPS:
        folder = data_folder(instance, app.id)
        if not folder.exists():
            folder.mkdir(parents=True, mode=0o700)
            for name, content in FIRST_FILES.get(app.id, {}).items():
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, encoding="utf-8")
        if app.kind == "radicale":
            settings = _RADICALE.format(port=notes.ports[app.id], folder=folder)
            _radicale_settings(instance).write_text(settings, encoding="utf-8")


def data_folder(instance: Instance, app_id: str) -> Path:
    """Return where a sample application keeps its data."""
    return instance.home / "apps" / app_id


def _radicale_settings(instance: Instance) -> Path:
    return instance.home / "apps" / "radicale.ini"


def sample_processes(instance: Instance, notes: Notes) -> list[ProcessSpec]:
    """Return a process for each sample application."""
    return [
        ProcessSpec(
            name=app.id,
            purpose=app.name,
            command=_command(instance, app, notes.ports[app.id]),
            probe=TcpProbe(notes.ports[app.id]),
            stop_seconds=5,
        )
        for app in APPS
    ]


def _command(instance: Instance, app: SampleApp, port: int) -> tuple[str, ...]:
    if app.kind == "radicale":
        return (sys.executable, "-m", "radicale", "--config", str(_radicale_settings(instance)))
    folder = str(data_folder(instance, app.id))
    return (sys.executable, "-m", "ostiary.demo.applications.serve", app.kind, str(port), folder)
