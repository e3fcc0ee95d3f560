"""All that other rooms use of the record: writing events, and searching what is recorded."""

from ostiary.visibility.adapters.audit_log import RecordUnavailable
from ostiary.visibility.domain.actor import Actor
from ostiary.visibility.domain.decision_record import DecisionRecord
from ostiary.visibility.domain.events import (
    Event,
    account_change_event,
    entity_change_event,
    group_change_event,
    session_handover_event,
    sign_in_event,
    sign_out_event,
)
from ostiary.visibility.domain.page import Page
from ostiary.visibility.services import new_uid, record

__all__ = [
    "Actor",
    "DecisionRecord",
    "Event",
    "Page",
    "RecordUnavailable",
    "account_change_event",
    "entity_change_event",
    "group_change_event",
    "new_uid",
    "record",
    "session_handover_event",
    "sign_in_event",
    "sign_out_event",
]
