"""All that other rooms use of requests for access. Frozen types in, frozen types out."""

from ostiary.requests.domain import (
    HOUR_SECONDS,
    MOST_NEEDED,
    AlreadyAnswered,
    ApprovalRule,
    CannotAsk,
    NotYours,
    Request,
    State,
    UnknownRequest,
    choices,
)
from ostiary.requests.queries import get_request, list_requests, requests_to_answer
from ostiary.requests.services.answering import approve, refuse, settle_requests
from ostiary.requests.services.approval import get_approval_rule, list_approval_rules, set_approval_rule
from ostiary.requests.services.asking import ask, extend, hand_back, withdraw
from ostiary.requests.services.letters import read_answer_token, send_letters

__all__ = [
    "HOUR_SECONDS",
    "MOST_NEEDED",
    "AlreadyAnswered",
    "ApprovalRule",
    "CannotAsk",
    "NotYours",
    "Request",
    "State",
    "UnknownRequest",
    "approve",
    "ask",
    "choices",
    "extend",
    "get_approval_rule",
    "get_request",
    "hand_back",
    "list_approval_rules",
    "list_requests",
    "read_answer_token",
    "refuse",
    "requests_to_answer",
    "send_letters",
    "set_approval_rule",
    "settle_requests",
    "withdraw",
]
