"""What the control plane asks the decision service about somebody who signs in to an app, and the answer. Only the words.

Who asks is `sign_in`; who answers, `decider.sign_in_door`. Both are on this machine and meet at the decision service's
socket, which the data plane never leads anybody to under this path.
"""

from typing import Final

import msgspec

from ostiary.policy.decision import Allow, Decision
from ostiary.policy.identifiers import AppId, PersonId, SessionId

QUESTION_PATH: Final = "/sign-in"


class SignInQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """May this person, in this session, sign in to this app at this moment?

    Args:
        app: which app, behind the gateway or not.
        person: who.
        session: their sign-in.
        address: the person's IP address; empty when it is not known.
        user_agent: their browser's, or the program's that asks on their behalf.
        request_id: the gateway's number of the request.
        host: the host that was asked.
        path: the path there, for the record.
        return_path: where to go on after a remedy, a path on the sign-in host.
        method: of the request, for the record.
        page: whether a person looks at the answer.
        certificate: SHA-256 of the certificate that the person's connection proved, as the data plane says; empty for none.
        asked_by: the program that asks while the person is not there; their sign-in counts as unused then.
    """

    app: AppId
    person: PersonId
    session: SessionId
    address: str = ""
    user_agent: str = ""
    request_id: str = ""
    host: str = ""
    method: str = "GET"
    path: str = "/"
    return_path: str = "/"
    page: bool = False
    certificate: str = ""
    asked_by: str = ""


class SignInReply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer, which is on record.

    Args:
        decision: with its reasons and the step-up that would help.
        reference: finds it on record.
        status: of the page or redirect that a refused person gets; 200 where they may sign in.
        headers: of that page.
        body: of that page, HTML; empty where nobody looks at it.
    """

    decision: Decision
    reference: str = ""
    status: int = 200
    headers: list[tuple[str, str]] = []
    body: bytes = b""

    @property
    def allowed(self) -> bool:
        """Whether they may sign in."""
        return isinstance(self.decision, Allow)
