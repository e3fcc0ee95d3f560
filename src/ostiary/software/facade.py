"""All that other rooms use of software. Frozen types in, frozen types out."""

from ostiary.software.domain.findings import (
    Affects,
    DeviceSoftware,
    FeedState,
    Finding,
    KnownAdvisory,
    Mended,
    Progress,
    UnknownAdvisory,
    UnusableQuestion,
    read_severity,
)
from ostiary.software.domain.packages import MAX_PACKED_BYTES, Package, UnreadableInventory
from ostiary.software.domain.severity import Severity
from ostiary.software.queries import (
    get_advisory,
    get_device_software,
    get_progress,
    list_advisories,
    list_affected,
    list_feeds,
    list_packages,
    search_findings,
)
from ostiary.software.services.importing import Imported, import_advisories
from ostiary.software.services.reading import UnreadableSource, count_entries
from ostiary.software.services.receiving import note_report, take_inventory
from ostiary.software.services.tending import forget_software, tend_software

__all__ = [
    "MAX_PACKED_BYTES",
    "Affects",
    "DeviceSoftware",
    "FeedState",
    "Finding",
    "Imported",
    "KnownAdvisory",
    "Mended",
    "Package",
    "Progress",
    "Severity",
    "UnknownAdvisory",
    "UnreadableInventory",
    "UnreadableSource",
    "UnusableQuestion",
    "count_entries",
    "forget_software",
    "get_advisory",
    "get_device_software",
    "get_progress",
    "import_advisories",
    "list_advisories",
    "list_affected",
    "list_feeds",
    "list_packages",
    "note_report",
    "read_severity",
    "search_findings",
    "take_inventory",
    "tend_software",
]
