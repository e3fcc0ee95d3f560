"""All that other rooms use of requests for access. Frozen types in, frozen types out."""

from ostiary.requests.domain import (
    HOUR_SECONDS,
    AlreadyAnswered,
    CannotAsk,
    NotYours,
    Request,
    State,
    UnknownRequest,
    choices,
)
from ostiary.requests.queries import get_request, list_requests, requests_to_answer
from ostiary.requests.services.answering import approve, refuse, settle_requests
from ostiary.requests.services.asking import ask, extend, hand_back, withdraw
from ostiary.requests.services.letters import read_answer_token, send_letters

__all__ = [
    "HOUR_SECONDS",
    "AlreadyAnswered",
    "CannotAsk",
    "NotYours",
    "Request",
    "State",
    "UnknownRequest",
    "approve",
    "ask",
    "choices",
    "extend",
    "get_request",
    "hand_back",
    "list_requests",
    "read_answer_token",
    "refuse",
    "requests_to_answer",
    "send_letters",
    "settle_requests",
    "withdraw",
]
