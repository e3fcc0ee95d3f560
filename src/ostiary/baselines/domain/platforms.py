"""Which of the platforms that checks are written for a device runs on, from what it says of itself."""

from ostiary.devices.domain.posture import Platform


def platform_of(text: str) -> Platform | None:
    """Return the platform of a device; `None` where the text names none of them, so that every check is asked of it."""
    words = text.casefold()
    if "windows" in words:
        return "windows"
    if any(one in words for one in ("macos", "mac os", "darwin", "os x")):
        return "macos"
    if any(one in words for one in _LINUX):
        return "linux"
    return None


_LINUX = (
    "linux", "ubuntu", "debian", "fedora", "red hat", "rhel", "suse", "arch", "centos", "rocky", "alma", "mint", "manjaro", "nixos", "gentoo", "pop!_os",
)  # fmt: skip
