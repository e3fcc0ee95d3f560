"""What Debian and Ubuntu sign for secure boot: built once more, under other names, and advisories speak of what was signed. Pure.

Source: Debian's `linux`, `grub2` and `shim` packages (their templates for signing), Ubuntu's `linux-signed`, `grub2-signed`, `shim-signed`.
"""

from typing import Final

_MACHINES: Final = ("amd64", "arm64", "i386", "ia32")
_SIGNED_LINUX: Final = "linux-signed"
_IN_DEBIAN: Final = {
    **{f"linux-signed-{one}": "linux" for one in _MACHINES},
    **{f"grub-efi-{one}-signed": "grub2" for one in _MACHINES},
    **{f"shim-helpers-{one}-signed": "shim" for one in _MACHINES},
    "shim-signed": "shim",
}
_IN_UBUNTU: Final = {"grub2-signed": "grub2-unsigned", "shim-signed": "shim"}


def signed_from(ecosystem: str, source: str, source_version: str, version: str) -> tuple[str, str] | None:
    """Return of what source, in which version, something is the signed form; `None` where it is none.

    Args:
        ecosystem: where it comes from.
        source: what the signed package was built from.
        source_version: of that.
        version: of the signed package.
    """
    family = ecosystem.partition(":")[0]
    if family == "Debian" and source in _IN_DEBIAN:
        signed = source_version if source.startswith(_SIGNED_LINUX) else _inside(version, source_version)
        return (_IN_DEBIAN[source], signed if "-" in signed else signed.replace("+", "-", 1)) if signed else None
    if family == "Ubuntu" and source in _IN_UBUNTU:
        signed = _inside(version, source_version)
        return (_IN_UBUNTU[source], signed) if signed else None
    if family == "Ubuntu" and (source == _SIGNED_LINUX or source.startswith(f"{_SIGNED_LINUX}-")):
        return f"linux{source.removeprefix(_SIGNED_LINUX)}", source_version
    return None


def signed_forms(ecosystem: str, source: str) -> tuple[str, ...]:
    """Return the names under which a source stands when it is signed: those of which `signed_from` says it."""
    family = ecosystem.partition(":")[0]
    known = {"Debian": _IN_DEBIAN, "Ubuntu": _IN_UBUNTU}.get(family, {})
    forms = tuple(name for name, one in known.items() if one == source)
    if family == "Ubuntu" and (source == "linux" or source.startswith("linux-")):
        forms += (f"{_SIGNED_LINUX}{source.removeprefix('linux')}",)
    return forms


def _inside(version: str, source_version: str) -> str:
    """Return the version that was signed, which stands behind that of the signing: `1.51~1+16.1-2`, `1+2.06+13`."""
    behind = version.removeprefix(f"{source_version}+")
    return behind if behind != version else version.partition("+")[2]
