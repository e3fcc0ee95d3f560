"""All that other rooms use of access reviews. Frozen types in, frozen types out."""

from ostiary.reviews.domain.campaign import (
    AlreadyAnswered,
    Answer,
    Campaign,
    CannotClose,
    CannotStart,
    Item,
    ItemState,
    NotYours,
    UnknownReview,
    UnusableAnswer,
)
from ostiary.reviews.domain.report import NotSigned, Report, digest_of, key_name, read_signed
from ostiary.reviews.domain.rubber_stamp import Alarm
from ostiary.reviews.domain.scope import Scope, ScopeKind, UnreadableScope, parse_scope
from ostiary.reviews.queries import (
    alarms_of,
    count_to_answer,
    get_campaign,
    get_item,
    items_answered,
    items_chosen,
    items_to_answer,
    list_campaigns,
    list_items,
)
from ostiary.reviews.reach import World
from ostiary.reviews.register import Right, list_rights
from ostiary.reviews.services.answering import answer_item, confirm_suggested, has_seat
from ostiary.reviews.services.carrying_out import carry_out_answers, close_vanished
from ostiary.reviews.services.closing import close_campaign, write_report
from ostiary.reviews.services.handing_on import delegate_item
from ostiary.reviews.services.letters import send_review_letters
from ostiary.reviews.services.reading_back import read_back_removals
from ostiary.reviews.services.reminding import remind, remind_due
from ostiary.reviews.services.starting import start_campaign, start_due
from ostiary.reviews.signing import read_public_key, signing_key
from ostiary.reviews.standing import OpenReview, Standing, read_standing

__all__ = [
    "Alarm",
    "AlreadyAnswered",
    "Answer",
    "Campaign",
    "CannotClose",
    "CannotStart",
    "Item",
    "ItemState",
    "NotSigned",
    "NotYours",
    "OpenReview",
    "Report",
    "Right",
    "Scope",
    "ScopeKind",
    "Standing",
    "UnknownReview",
    "UnreadableScope",
    "UnusableAnswer",
    "World",
    "alarms_of",
    "answer_item",
    "carry_out_answers",
    "close_campaign",
    "close_vanished",
    "confirm_suggested",
    "count_to_answer",
    "delegate_item",
    "digest_of",
    "get_campaign",
    "get_item",
    "has_seat",
    "items_answered",
    "items_chosen",
    "items_to_answer",
    "key_name",
    "list_campaigns",
    "list_items",
    "list_rights",
    "parse_scope",
    "read_back_removals",
    "read_public_key",
    "read_signed",
    "read_standing",
    "remind",
    "remind_due",
    "send_review_letters",
    "signing_key",
    "start_campaign",
    "start_due",
    "write_report",
]
