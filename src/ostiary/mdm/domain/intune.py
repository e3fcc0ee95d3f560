"""What Microsoft Graph answers for Intune.

Devices it merely knows, of Exchange or of another management, are listed with its own; only for these its word is management's.
Source: Microsoft Graph v1.0, resource type `managedDevice`, "List managedDevices" and `managementAgentType`; paging by `@odata.nextLink`.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.mdm.domain.records import Page, Record, address, flag, identifier, known, moment, read_page, serial, text

FIELDS: Final = (
    "id", "deviceName", "serialNumber", "userPrincipalName", "emailAddress", "operatingSystem", "osVersion", "isEncrypted",
    "complianceState", "lastSyncDateTime", "managementAgent",
)  # fmt: skip
PAGE_SIZE: Final = 100
_MANAGED_BY: Final = frozenset(
    {
        "mdm",
        "easmdm",
        "intuneclient",
        "easintuneclient",
        "configurationmanagerclientmdm",
        "configurationmanagerclientmdmeas",
        "googleclouddevicepolicycontroller",
    }
)
"""What of `managementAgentType` is Intune itself: not `eas`, `configurationManagerClient`, `jamf` or `unknown`."""


def first_page() -> str:
    """Return where the first page is."""
    return f"/v1.0/deviceManagement/managedDevices?$top={PAGE_SIZE}&$select={','.join(FIELDS)}"


def read_devices(body: Any, _at: str) -> Page:
    """Return the records on one page. Arguments and errors as for `fleet.read_hosts`."""
    page = read_page(body, "value", _device)
    more = body.get("@odata.nextLink")
    return msgspec.structs.replace(page, more=more if isinstance(more, str) else "")


def _device(entry: Mapping[str, Any]) -> Record | None:
    there = identifier(entry.get("id"))
    if not there:
        return None
    system, version = text(entry.get("operatingSystem"), 60), text(entry.get("osVersion"), 60)
    return Record(
        there=there,
        name=text(entry.get("deviceName")),
        serial=serial(entry.get("serialNumber")),
        owner=address(entry.get("emailAddress")) or address(entry.get("userPrincipalName")),
        standing=text(entry.get("complianceState")),
        managed=text(entry.get("managementAgent")).lower() in _MANAGED_BY,
        synced_at=moment(entry.get("lastSyncDateTime")),
        facts=known(
            os_version=f"{system} {version}" if system and version else "",
            disk_encrypted=flag(entry.get("isEncrypted")),
        ),
    )
