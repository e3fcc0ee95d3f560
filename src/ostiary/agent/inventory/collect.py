"""Looks what is installed on this computer. Nothing is changed, nothing asked of anybody elsewhere; every look has an end."""

import itertools
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from ostiary.agent.inventory.language_packages import (
    BREW_ASKED,
    WINGET_ASKED,
    read_brew,
    read_npm_manifest,
    read_python_metadata,
    read_winget,
)
from ostiary.agent.inventory.system_packages import DPKG_ASKED, RPM_ASKED, read_apk, read_dpkg, read_rpm
from ostiary.agent.posture.computer import only_files
from ostiary.agent.system.packaging import APK_DATABASE, Packaging, packaging_of
from ostiary.agent.system.places import is_root
from ostiary.agent.system.programs import plain_environment, run_program
from ostiary.software.domain.ecosystems import ordering_of, system_of
from ostiary.software.domain.packages import MAX_PACKAGES, Inventory, Package, make_inventory

ASK_SECONDS: Final = 60.0
MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
MAX_METADATA_BYTES: Final = 256 * 1024
_PYTHON_PLACES: Final = (
    "usr/lib/python3*/site-packages",
    "usr/lib64/python3*/site-packages",
    "usr/local/lib/python3*/site-packages",
    "usr/local/lib/python3*/dist-packages",
    "opt/*/lib/python3*/site-packages",
    "opt/homebrew/lib/python3*/site-packages",
    "Library/Frameworks/Python.framework/Versions/*/lib/python3*/site-packages",
)
"""Of the system and of programs in /opt. `/usr/lib/python3/dist-packages` is dpkg's, which speaks for it."""

_BREW_PLACES: Final = ("/opt/homebrew/bin", "/usr/local/bin", "/home/linuxbrew/.linuxbrew/bin")
"""Where Homebrew puts itself; a service has them on no search path."""

_NPM_PLACES: Final = ("usr/lib/node_modules", "usr/local/lib/node_modules", "opt/homebrew/lib/node_modules")
_SYSTEMS_OWN: Final = frozenset({"debian", "rpm", "apk"})
"""Who installed a Python package, where its own system speaks for it (`INSTALLER`)."""


def collect_inventory(root: Path = Path("/")) -> Inventory:
    """Return what is installed here.

    Args:
        root: where the files of the system begin.
    """
    looking = _Looking(root)
    packages = itertools.chain(looking.system(), looking.python(), looking.npm(), looking.brew(), looking.winget())
    found = list(itertools.islice(packages, 2 * MAX_PACKAGES))
    if next(packages, None) is not None:
        looking.problems.append(f"only the first {2 * MAX_PACKAGES} packages were looked at")
    running = platform.release() if sys.platform == "linux" else ""
    return make_inventory(looking.ecosystem, found, looking.problems, running=running)


class _Looking:
    """One look, and what went wrong with it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[str] = []
        release = _release(root)
        self.ecosystem = system_of(release)
        self.packaging = packaging_of(release, lambda path: _holds(root / path.removeprefix("/")))

    def system(self) -> Iterator[Package]:
        """Yield what the system's own package manager has installed."""
        if sys.platform in {"darwin", "win32"}:
            return
        ecosystem = self.ecosystem or platform.system()
        rpm = self.packaging in {Packaging.DNF, Packaging.ZYPPER}
        apk = self.root / APK_DATABASE.removeprefix("/")
        if self.packaging is Packaging.APK and apk.is_file():
            yield from self._all(read_apk(self._file(apk), ecosystem), "apk")
        elif self.packaging is Packaging.DEB and shutil.which(DPKG_ASKED[0]):
            yield from self._all(read_dpkg(self._ask(*DPKG_ASKED), ecosystem), "dpkg")
        elif rpm and shutil.which(RPM_ASKED[0]):
            yield from self._all(read_rpm(self._ask(*RPM_ASKED), ecosystem), "rpm")
        elif ordering_of(ecosystem) is not None:
            self.problems.append("the system's package manager is not there")

    def python(self) -> Iterator[Package]:
        """Yield the packages of interpreters: the system's, those in /opt, and the agent's own."""
        places = {path for pattern in _PYTHON_PLACES for path in self.root.glob(pattern)}
        places |= {Path(one) for one in sys.path if one.endswith(("site-packages", "dist-packages"))}
        places.discard(self.root / "usr/lib/python3/dist-packages")
        for place in sorted({one.resolve() for one in places if one.is_dir()}):
            for info in self._entries(place):
                if info.suffix not in {".dist-info", ".egg-info"}:
                    continue
                metadata = info / ("METADATA" if info.suffix == ".dist-info" else "PKG-INFO")
                if self._head(info / "INSTALLER").strip() in _SYSTEMS_OWN:
                    continue
                if (package := read_python_metadata(self._head(metadata))) is not None:
                    yield package

    def npm(self) -> Iterator[Package]:
        """Yield the packages that were installed for everybody with npm, and those they brought."""
        for place in _NPM_PLACES:
            waiting = [self.root / place]
            while waiting:
                for folder in self._modules(waiting.pop()):
                    content = self._head(folder / "package.json").encode()
                    if (package := read_npm_manifest(content)) is not None:
                        yield package
                    waiting.append(folder / "node_modules")

    def brew(self) -> Iterator[Package]:
        """Yield what Homebrew has installed. It is a person's own: root does not run what somebody else can change."""
        if sys.platform == "win32" or is_root():
            return
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_BREW_PLACES])
        if (brew := shutil.which(BREW_ASKED[0], path=path)) is not None:
            yield from self._all(read_brew(self._ask(brew, *BREW_ASKED[1:])), "brew")

    def winget(self) -> Iterator[Package]:
        """Yield what winget has installed. It writes a file."""
        winget = _winget()
        if winget is None:
            return
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "packages.json"
            self._ask(str(winget), *WINGET_ASKED[1:], str(file))
            yield from self._all(read_winget(self._head(file, MAX_ANSWER_BYTES).encode()), "winget")

    def _all(self, packages: Iterable[Package], manager: str) -> Iterator[Package]:
        """A package manager that names nothing could not be read: there is no such system."""
        empty = True
        for package in packages:
            empty = False
            yield package
        if empty:
            self.problems.append(f"{manager} names no package")

    def _modules(self, place: Path) -> Iterator[Path]:
        for folder in self._entries(place):
            if folder.is_symlink() or not folder.is_dir():
                continue
            if folder.name.startswith("@"):
                yield from (one for one in self._entries(folder) if one.is_dir() and not one.is_symlink())
            elif not folder.name.startswith("."):
                yield folder

    def _entries(self, place: Path) -> list[Path]:
        try:
            return sorted(place.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            self.problems.append(f"{place} cannot be read ({error.strerror})")
            return []

    def _head(self, path: Path, size: int = MAX_METADATA_BYTES) -> str:
        try:
            with open(path, "rb", opener=only_files) as file:
                return file.read(size).decode(errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return ""
        except OSError as error:
            self.problems.append(f"{path} cannot be read ({error.strerror})")
            return ""

    def _file(self, path: Path) -> str:
        return self._head(path, MAX_ANSWER_BYTES)

    def _ask(self, *command: str) -> str:
        environment = {**plain_environment(), "HOMEBREW_NO_AUTO_UPDATE": "1"}
        if sys.platform != "win32":
            environment["PATH"] = os.environ.get("PATH", os.defpath)
            environment |= {name: os.environ[name] for name in ("HOME",) if name in os.environ}
        try:
            done = run_program(command, seconds=ASK_SECONDS, environment=environment)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            self.problems.append(f"{command[0]} cannot be asked ({type(error).__name__})")
            return ""
        if done.status != 0:
            self.problems.append(f"{command[0]} ended with {done.status}")
        if len(done.said) > MAX_ANSWER_BYTES:
            self.problems.append(f"{command[0]} says more than {MAX_ANSWER_BYTES // 2**20} MiB")
        return done.said[:MAX_ANSWER_BYTES].decode(errors="replace")


def _winget() -> Path | None:
    """Return where a person's winget lies; `None` where they have none."""
    if sys.platform == "win32":
        place = Path(os.environ.get("LOCALAPPDATA", "")) / "Microsoft" / "WindowsApps" / WINGET_ASKED[0]
        program = place.with_suffix(".exe")
        return program if program.is_absolute() and os.path.lexists(program) else None
    return None


def _holds(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _release(root: Path) -> dict[str, str]:
    """Return what the system says of its release (os-release(5))."""
    for name in ("etc/os-release", "usr/lib/os-release"):
        try:
            lines = (root / name).read_text(errors="replace").splitlines()
        except OSError:
            continue
        pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
        return {field.strip(): value.strip().strip("\"'") for field, _equals, value in pairs}
    return {}
