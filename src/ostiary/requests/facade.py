"""All that other rooms use of requests for access. Frozen types in, frozen types out."""

from ostiary.requests.domain import (
    FRESH_SECONDS,
    HOUR_SECONDS,
    MOST_NEEDED,
    AlreadyAnswered,
    ApprovalRule,
    CannotAsk,
    Kind,
    NotYours,
    ProofNeeded,
    Request,
    Review,
    State,
    UnknownRequest,
    choices,
)
from ostiary.requests.queries import get_request, list_requests, requests_to_answer
from ostiary.requests.review_queries import (
    count_overdue,
    count_owed,
    get_review,
    list_reviews,
    may_review,
    reviews_to_answer,
)
from ostiary.requests.services.answering import approve, refuse, settle_requests
from ostiary.requests.services.approval import get_approval_rule, list_approval_rules, set_approval_rule
from ostiary.requests.services.asking import ask, extend, hand_back, withdraw
from ostiary.requests.services.elevation import (
    AdministratorRow,
    become_administrator,
    list_administrators,
    may_become_administrator,
    turn_into_eligible,
)
from ostiary.requests.services.emergency import emergency_strength, may_use_emergency, use_emergency
from ostiary.requests.services.letters import read_answer_token, send_letters
from ostiary.requests.services.reviewing import answer_review

__all__ = [
    "FRESH_SECONDS",
    "HOUR_SECONDS",
    "MOST_NEEDED",
    "AdministratorRow",
    "AlreadyAnswered",
    "ApprovalRule",
    "CannotAsk",
    "Kind",
    "NotYours",
    "ProofNeeded",
    "Request",
    "Review",
    "State",
    "UnknownRequest",
    "answer_review",
    "approve",
    "ask",
    "become_administrator",
    "choices",
    "count_overdue",
    "count_owed",
    "emergency_strength",
    "extend",
    "get_approval_rule",
    "get_request",
    "get_review",
    "hand_back",
    "list_administrators",
    "list_approval_rules",
    "list_requests",
    "list_reviews",
    "may_become_administrator",
    "may_review",
    "may_use_emergency",
    "read_answer_token",
    "refuse",
    "requests_to_answer",
    "reviews_to_answer",
    "send_letters",
    "set_approval_rule",
    "settle_requests",
    "turn_into_eligible",
    "use_emergency",
    "withdraw",
]
