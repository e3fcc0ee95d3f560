"""Decides for the control plane whether somebody may sign in to an app now: same engine, same facts, same record.

The decision service is asked, which is the only one that decides on the published facts and writes down what it decided.
"""

import http.client
from typing import Final

import msgspec
from django.conf import settings

from ostiary.errors import OstiaryError
from ostiary.gateway.sign_in_question import QUESTION_PATH, SignInQuestion, SignInReply
from ostiary.unix_http import ask_socket

__all__ = ["DecisionUnavailable", "SignInQuestion", "SignInReply", "decide_sign_in"]

TIMEOUT_SECONDS: Final = 5.0


class DecisionUnavailable(OstiaryError):
    """Nothing could be decided, or what was decided could not be put on record. Nobody may be let in."""


def decide_sign_in(question: SignInQuestion) -> SignInReply:
    """Decide, and put on record, whether somebody may sign in to an app at this moment.

    Args:
        question: who, where to, from where.

    Raises:
        DecisionUnavailable: when there is no decision; it must be taken for a refusal.
    """
    socket = settings.INSTANCE.decider_socket
    try:
        status, body = ask_socket(
            socket, QUESTION_PATH, method="POST", body=msgspec.json.encode(question), seconds=TIMEOUT_SECONDS
        )
        if status == 200:
            return msgspec.json.decode(body, type=SignInReply)
    except (OSError, http.client.HTTPException, msgspec.MsgspecError) as error:
        raise _unavailable(repr(error)) from error
    raise _unavailable(f"status {status}")


def _unavailable(detail: str) -> DecisionUnavailable:
    return DecisionUnavailable(
        "It cannot be decided at the moment who may sign in, so nobody may.", hint="See: ostiary status", detail=detail
    )
