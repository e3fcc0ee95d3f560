"""All that other rooms use of the record: writing events, and searching what is recorded."""

from ostiary.visibility.activity import get_activity, get_refusals
from ostiary.visibility.adapters.audit_log import RecordUnavailable
from ostiary.visibility.adapters.log_reader import LineGone
from ostiary.visibility.adapters.verification import NothingToVerify, find_streams, verify_files
from ostiary.visibility.domain.actor import Actor
from ostiary.visibility.domain.decision_record import DecisionRecord
from ostiary.visibility.domain.event import Event
from ostiary.visibility.domain.events import account_change_event, group_change_event
from ostiary.visibility.domain.page import Page
from ostiary.visibility.domain.search import (
    Activity,
    ActivityBucket,
    AppActivity,
    DecisionQuery,
    DecisionRow,
    EventKind,
    EventQuery,
    EventRow,
    LogStatus,
    StreamStatus,
)
from ostiary.visibility.domain.sign_in_events import session_handover_event, sign_in_event, sign_out_event
from ostiary.visibility.domain.unknown_devices import SeenBrowser
from ostiary.visibility.domain.verification import StreamReport
from ostiary.visibility.indexing import index_new_decisions, index_new_events, prune_index
from ostiary.visibility.last_use import LastUse
from ostiary.visibility.queries import (
    UnknownDecision,
    get_decision,
    get_event,
    latest_decisions,
    list_events,
    read_told_words,
    search_decisions,
)
from ostiary.visibility.seen import list_seen_browsers
from ostiary.visibility.services import new_uid, record, record_all, record_entity_change
from ostiary.visibility.status import get_log_status
from ostiary.visibility.use import UseCount, count_uses, recorded_since

__all__ = [
    "Activity",
    "ActivityBucket",
    "Actor",
    "AppActivity",
    "DecisionQuery",
    "DecisionRecord",
    "DecisionRow",
    "Event",
    "EventKind",
    "EventQuery",
    "EventRow",
    "LastUse",
    "LineGone",
    "LogStatus",
    "NothingToVerify",
    "Page",
    "RecordUnavailable",
    "SeenBrowser",
    "StreamReport",
    "StreamStatus",
    "UnknownDecision",
    "UseCount",
    "account_change_event",
    "count_uses",
    "find_streams",
    "get_activity",
    "get_decision",
    "get_event",
    "get_log_status",
    "get_refusals",
    "group_change_event",
    "index_new_decisions",
    "index_new_events",
    "latest_decisions",
    "list_events",
    "list_seen_browsers",
    "new_uid",
    "prune_index",
    "read_told_words",
    "record",
    "record_all",
    "record_entity_change",
    "recorded_since",
    "search_decisions",
    "session_handover_event",
    "sign_in_event",
    "sign_out_event",
    "verify_files",
]
