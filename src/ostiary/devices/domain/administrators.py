"""By what a person may become administrator of their computer, whoever looks. Pure; the agent uses it too."""

from typing import Final

POWERFUL_GROUPS: Final = frozenset({"root", "sudo", "wheel", "admin", "docker", "lxd", "libvirt", "disk"})
"""On Linux and macOS. Of these `docker`, `lxd`, `libvirt` and `disk` give as much as `sudo` does, and ask for no password."""

WINDOWS_ADMINISTRATORS: Final = "S-1-5-32-544"
"""The group that Windows calls Administrators in English and otherwise elsewhere (well-known SIDs)."""
