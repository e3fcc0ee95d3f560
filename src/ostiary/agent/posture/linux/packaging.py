"""Which package manager speaks for this computer."""

from ostiary.agent.posture.computer import Computer, text_of
from ostiary.agent.posture.linux.system import read_fields
from ostiary.agent.system.packaging import Packaging, packaging_of


def release_of(computer: Computer) -> dict[str, str]:
    """Return what os-release says (os-release(5)); nothing where it is not there."""
    return read_fields(text_of(computer, "/etc/os-release") or text_of(computer, "/usr/lib/os-release"))


def packaging_here(computer: Computer) -> Packaging | None:
    """Return what installs packages here, `None` where that is nothing known."""
    return packaging_of(release_of(computer), lambda path: bool(text_of(computer, path)))
