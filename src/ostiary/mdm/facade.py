"""All that web, the command line and the worker use of this room."""

from ostiary.mdm.domain.connections import (
    Connection,
    ConnectionExists,
    Described,
    Kind,
    UnknownConnection,
    UnknownRecord,
    UnusableConnection,
    UnusableLink,
    describe,
)
from ostiary.mdm.domain.records import Record, UnreadableAnswer
from ostiary.mdm.queries import (
    Kept,
    find_record,
    get_connection,
    get_record,
    list_connections,
    list_records,
)
from ostiary.mdm.services.connections import Tried, ask_for_import, connect, remove_connection, try_connection
from ostiary.mdm.services.importing import import_due, import_records
from ostiary.mdm.services.linking import link_record, unlink_record
from ostiary.mdm.services.suggesting import Suggestion, link_suggested, list_suggestions

__all__ = [
    "Connection",
    "ConnectionExists",
    "Described",
    "Kept",
    "Kind",
    "Record",
    "Suggestion",
    "Tried",
    "UnknownConnection",
    "UnknownRecord",
    "UnreadableAnswer",
    "UnusableConnection",
    "UnusableLink",
    "ask_for_import",
    "connect",
    "describe",
    "find_record",
    "get_connection",
    "get_record",
    "import_due",
    "import_records",
    "link_record",
    "link_suggested",
    "list_connections",
    "list_records",
    "list_suggestions",
    "remove_connection",
    "try_connection",
    "unlink_record",
]
