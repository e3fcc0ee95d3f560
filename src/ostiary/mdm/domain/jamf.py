"""What Jamf Pro answers. It counts as management's word where the computer is managed there.

Source: Jamf Pro API, `GET /api/v1/computers-inventory`, sections GENERAL, HARDWARE, OPERATING_SYSTEM, SECURITY, DISK_ENCRYPTION and
USER_AND_LOCATION; paging by `page`, `page-size` and `totalCount`.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.mdm.domain.records import (
    Page,
    Record,
    address,
    flag,
    identifier,
    known,
    moment,
    part,
    read_page,
    serial,
    text,
)

PAGE_SIZE: Final = 100
SECTIONS: Final = ("GENERAL", "HARDWARE", "OPERATING_SYSTEM", "SECURITY", "DISK_ENCRYPTION", "USER_AND_LOCATION")
_ENCRYPTED: Final = {
    "ENCRYPTED": True,
    "OPTIMIZING": True,
    "UNENCRYPTED": False,
    "DECRYPTED": False,
    "DECRYPTING": False,
    "DECRYPTING_PAUSED": False,
    "ENCRYPTING": False,
    "ENCRYPTING_PAUSED": False,
    "RESTART_NEEDED": False,
    "INELIGIBLE": False,
}
"""What FileVault's state on the start volume means; what is still on its way is not there."""

_SECURE_BOOT: Final = {"FULL_SECURITY": True, "MEDIUM_SECURITY": False, "NO_SECURITY": False}


def first_page() -> str:
    """Return where the first page is."""
    return _page(0)


def read_computers(body: Any, at: str) -> Page:
    """Return the records on one page. Arguments and errors as for `fleet.read_hosts`."""
    page = read_page(body, "results", _computer)
    full = len(page.records) + page.skipped >= PAGE_SIZE
    return msgspec.structs.replace(page, more=_page(_number(at) + 1) if full else "")


def _page(number: int) -> str:
    sections = "&".join(f"section={one}" for one in SECTIONS)
    return f"/api/v1/computers-inventory?page={number}&page-size={PAGE_SIZE}&sort=id:asc&{sections}"


def _number(at: str) -> int:
    return int(at.partition("page=")[2].partition("&")[0])


def _computer(entry: Mapping[str, Any]) -> Record | None:
    there = identifier(entry.get("id"))
    if not there:
        return None
    general, system, security = part(entry, "general"), part(entry, "operatingSystem"), part(entry, "security")
    managed = part(general, "remoteManagement").get("managed") is True
    state = part(entry, "diskEncryption", "bootPartitionEncryptionDetails").get("partitionFileVault2State")
    name, version = text(system.get("name"), 60), text(system.get("version"), 60)
    return Record(
        there=there,
        name=text(general.get("name")),
        serial=serial(part(entry, "hardware").get("serialNumber")),
        hardware_uuid=serial(entry.get("udid")),
        owner=address(part(entry, "userAndLocation").get("email")),
        standing="managed" if managed else "not managed",
        managed=managed,
        synced_at=moment(general.get("reportDate")),
        facts=known(
            os_version=f"{name} {version}" if name and version else "",
            disk_encrypted=_ENCRYPTED.get(state) if isinstance(state, str) else None,
            firewall_on=flag(security.get("firewallEnabled")),
            secure_boot=_SECURE_BOOT.get(text(security.get("secureBootLevel"))),
        ),
    )
