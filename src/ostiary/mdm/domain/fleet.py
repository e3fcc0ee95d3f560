"""What Fleet answers. Fleet asks osquery on the device; its word counts as management's where the device is enrolled in its MDM.

Source: Fleet, REST API, "List hosts" and "Get host" (`GET /api/v1/fleet/hosts`, `…/hosts/{id}`): `hardware_serial`, `uuid`, `os_version`, `detail_updated_at`,
`disk_encryption_enabled`, `mdm.enrollment_status`, `device_mapping`.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

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
_ENROLLED: Final = "on"


def first_page() -> str:
    """Return where the first page is."""
    return _page(0)


def read_hosts(body: Any, at: str) -> Page:
    """Return the records on one page.

    Args:
        body: the answer, read as JSON.
        at: where it was.

    Raises:
        UnreadableAnswer: when it is no list of hosts.
    """
    page = read_page(body, "hosts", _host)
    full = len(page.records) + page.skipped >= PAGE_SIZE
    return msgspec.structs.replace(page, more=_page(_number(at) + 1) if full else "")


def detail(there: str) -> str:
    """Return where all that is known of one host is: lists leave the disk's encryption out."""
    return f"/api/v1/fleet/hosts/{quote(there, safe='')}"


def read_detail(body: Any) -> Record | None:
    """Return the record of one host; `None` where the answer has none."""
    return _host(part(body, "host")) if isinstance(body, Mapping) else None


def _page(number: int) -> str:
    return f"/api/v1/fleet/hosts?page={number}&per_page={PAGE_SIZE}&order_key=id&device_mapping=true"


def _number(at: str) -> int:
    return int(at.partition("page=")[2].partition("&")[0])


def _host(entry: Mapping[str, Any]) -> Record | None:
    there = identifier(entry.get("id"))
    if not there:
        return None
    enrolment = text(part(entry, "mdm").get("enrollment_status"))
    return Record(
        there=there,
        name=text(entry.get("display_name")) or text(entry.get("hostname")),
        serial=serial(entry.get("hardware_serial")),
        hardware_uuid=serial(entry.get("uuid")),
        owner=_owner(entry.get("device_mapping")),
        standing=enrolment,
        managed=enrolment.lower().partition(" ")[0] == _ENROLLED,
        synced_at=moment(entry.get("detail_updated_at")),
        facts=known(
            os_version=text(entry.get("os_version")), disk_encrypted=flag(entry.get("disk_encryption_enabled"))
        ),
    )


def _owner(mapping: Any) -> str:
    """Return whose it is, where all that is said of it says the same."""
    found = (
        {address(one.get("email")) for one in mapping if isinstance(one, Mapping)}
        if isinstance(mapping, list)
        else set()
    )
    return found.pop() if len(found) == 1 else ""
