"""What tells a browser to show the device's certificate without asking: a managed policy. Its content is pure.

Source: Chromium's policy list, `AutoSelectCertificateForUrls`: patterns as for content settings, filters by the issuer's name.
"""

import json
import sys
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from ostiary.errors import OstiaryError

FILE_NAME: Final = "ostiary.json"
ALWAYS: Final = (Path("/etc/chromium/policies/managed"), Path("/etc/opt/chrome/policies/managed"))
WHERE_THERE: Final = (
    Path("/etc/chromium-browser/policies/managed"),
    Path("/etc/opt/edge/policies/managed"),
    Path("/etc/brave/policies/managed"),
)
"""Only where the browser's own folder in `/etc` is there."""


class CannotWritePolicy(OstiaryError):
    """The policy cannot be written as things are."""


def policy_for(origin: str, certificate: x509.Certificate) -> str:
    """Return the policy for one instance, as JSON.

    Args:
        origin: of its sign-in host; the policy is for everything beside that host, and nothing else.
        certificate: a device's; its issuer is whose certificates are shown. The organisation in it stays when keys change.
    """
    host = origin.partition("://")[2].partition(":")[0]
    domain = host.partition(".")[2]
    names = {"O": NameOID.ORGANIZATION_NAME, "CN": NameOID.COMMON_NAME}
    issuer = {
        short: str(found[0].value)
        for short, kind in names.items()
        if (found := certificate.issuer.get_attributes_for_oid(kind))
    }
    lasting = {"O": issuer["O"]} if "O" in issuer else issuer
    chosen = {"pattern": f"https://[*.]{domain or host}", "filter": {"ISSUER": lasting}}
    return json.dumps({"AutoSelectCertificateForUrls": [json.dumps(chosen)]}, indent=2) + "\n"


def require_policy_files() -> None:
    """Return where browsers read policies from files. Raises `CannotWritePolicy` on macOS and Windows, which hand them out themselves."""
    if sys.platform in {"darwin", "win32"}:
        raise CannotWritePolicy(
            "On macOS and Windows browsers read policies from the system, not from files.",
            hint="Set AutoSelectCertificateForUrls by what manages your computers, or by group policy.",
        )


def policy_folders(root: Path = Path("/")) -> tuple[Path, ...]:
    """Return the folders that browsers on this computer read managed policies from."""
    there = tuple(one for one in WHERE_THERE if (root / one.relative_to("/")).parents[1].is_dir())
    return tuple(root / one.relative_to("/") for one in (*ALWAYS, *there))


def write_policy(content: str, folders: tuple[Path, ...]) -> tuple[Path, ...]:
    """Write a policy into each of the folders, readable by everybody, in one step each; return the files.

    Raises:
        CannotWritePolicy: when one cannot be written.
    """
    written = []
    for folder in folders:
        try:
            _make_readable(folder)
            temporary = folder / f".{FILE_NAME}.tmp"
            temporary.write_text(content)
            temporary.chmod(0o644)
            written.append(temporary.replace(folder / FILE_NAME))
        except OSError as error:
            raise _cannot(folder, error) from None
    return tuple(written)


def remove_policy(folders: tuple[Path, ...]) -> tuple[Path, ...]:
    """Remove the policy from each of the folders; return the files that were there. Raises `CannotWritePolicy`."""
    there = tuple(path for folder in folders if (path := folder / FILE_NAME).exists())
    for path in there:
        try:
            path.unlink()
        except OSError as error:
            raise _cannot(path.parent, error) from None
    return there


def _make_readable(folder: Path) -> None:
    """Make a folder that every browser can look into, whatever the umask is; those that are there stay as they are."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in missing:
        one.chmod(0o755)


def _cannot(folder: Path, error: OSError) -> CannotWritePolicy:
    return CannotWritePolicy(
        f"{folder} cannot be changed ({error.strerror}).",
        hint="Policies are for the whole computer: run it with sudo, and say whose device it is: --folder FOLDER",
    )
