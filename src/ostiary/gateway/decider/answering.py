"""From a verdict to an answer: the headers for the app, the way to the sign-in, or a refusal.

Deciding is done in `check`, recording in `service`.
"""

import secrets
from typing import Final

import msgspec

from ostiary.gateway.decider import cookies
from ostiary.gateway.decider.answers import Answer, Headers, redirect
from ostiary.gateway.decider.bearers import spoken_of
from ostiary.gateway.decider.check import Verdict
from ostiary.gateway.decider.credentials import Assertion, Credentials
from ostiary.gateway.decider.incoming import Incoming, is_long_lived, is_navigation
from ostiary.gateway.decider.links import Links, wanted_page
from ostiary.gateway.decider.refusal import Refusals, may_ask_why
from ostiary.gateway.decider.stepping_up import Circles, step_up_path
from ostiary.gateway.tokens import bind_of
from ostiary.policy.decision import Allow, Deny, ReasonCode
from ostiary.policy.methods import action_class
from ostiary.policy.request import ActionClass
from ostiary.policy.snapshot import AppFact

SIGN_IN_REASONS: Final = frozenset({ReasonCode.UNAUTHENTICATED, ReasonCode.SESSION_ENDED, ReasonCode.OTHER_DEVICE})
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD"})
GRANTED_METHODS: Final = frozenset({"GET", "HEAD"})
_BEGIN_BYTES: Final = 32
TAKE_TOKEN_AWAY: Final = ("x-envoy-auth-headers-to-remove", "authorization")
"""Tells the data plane which of the request's headers the app does not receive."""

FROM_DEVICE: Final = "x-ostiary-from"
"""Tells the data plane from which enrolled device a request came, for its reports of what is under way."""


class Answering:
    """Answers verdicts for one instance."""

    def __init__(self, credentials: Credentials, refusals: Refusals, links: Links) -> None:
        self._credentials = credentials
        self._refusals = refusals
        self._links = links
        self._circles = Circles()

    def answer(
        self, incoming: Incoming, verdict: Verdict, *, reference: str, now: float, grants: bool = True
    ) -> tuple[Verdict, Answer]:
        """Return the answer, with the verdict it finally rests on.

        Args:
            incoming: the request.
            verdict: what was decided.
            reference: of the event; empty when there will be none.
            now: seconds since the epoch.
            grants: whether the proxy that asks understands grants.
        """
        if isinstance(verdict.decision, Allow):
            headers = self._pass(incoming, verdict, verdict.decision, reference, now, grants=grants)
            if headers is not None:
                return verdict, Answer(200, headers)
            ended = verdict.basis.refuse(ReasonCode.SESSION_ENDED)
            verdict = msgspec.structs.replace(verdict, decision=ended, session=None)
        return verdict, self.refuse(incoming, verdict, reference=reference, now=now)

    def refuse(self, incoming: Incoming, verdict: Verdict, *, reference: str, now: float) -> Answer:
        """Return the answer to a refused request: a page for a person, a problem for a program, or the remedy itself."""
        deny, app = verdict.decision, verdict.app
        if not isinstance(deny, Deny):
            raise TypeError("only a refusal is refused")
        page = wanted_page(incoming)
        if verdict.bearer is not None or not is_navigation(incoming):
            token = verdict.bearer is not None
            return self._refusals.problem(deny, app, return_path=page, reference=reference, token=token)
        sent = incoming.method not in _WITHOUT_BODY
        if app is not None and deny.reason in SIGN_IN_REASONS:
            return self._keep_form(incoming, app) if sent else self._begin_sign_in(incoming, app, page)
        step_up = step_up_path(deny) if incoming.method == "GET" else None
        session = verdict.session
        if step_up and app is not None and session is not None and self._circles.may_send(session.id, app.id, now):
            return redirect(self._links.remedy(step_up, app.id, page))
        groups = verdict.person.groups if session is not None and verdict.person is not None else frozenset()
        return self._refusals.page(
            deny, app, return_path=page, reference=reference, asks_why=may_ask_why(groups), sent=sent, groups=groups
        )

    def _keep_form(self, incoming: Incoming, app: AppFact) -> Answer:
        """Refuse what was typed without losing it: signing in elsewhere would end the page that can send it again."""
        begin = incoming.cookies.begin or secrets.token_urlsafe(_BEGIN_BYTES)
        sign_in = self._links.continue_sign_in(app.id, bind=bind_of(begin), return_path="/")
        return self._refusals.sign_in_beside(app, sign_in, cookies.set_begin(begin))

    def _begin_sign_in(self, incoming: Incoming, app: AppFact, page: str) -> Answer:
        """Send the browser to sign in, tied to a value only it has. One value serves all its tabs."""
        begin = incoming.cookies.begin or secrets.token_urlsafe(_BEGIN_BYTES)
        location = self._links.continue_sign_in(app.id, bind=bind_of(begin), return_path=page)
        return redirect(location, cookies.set_begin(begin))

    def _pass(
        self, incoming: Incoming, verdict: Verdict, allow: Allow, reference: str, now: float, *, grants: bool
    ) -> Headers | None:
        app, person, session, bearer = verdict.app, verdict.person, verdict.session, verdict.bearer
        if bearer is not None and bearer.service is not None:
            person, session = spoken_of(bearer, bearer.service)
        if app is None or person is None or session is None:
            return None
        seen = verdict.request.device if verdict.request is not None else None
        device = seen.id if seen is not None and seen.managed else None
        assertion = self._credentials.assertion(app, person, session, now, device)
        if assertion is None:
            return None
        headers = [*assertion.headers, ("x-ostiary-reference", reference)]
        if device is not None:
            headers.append((FROM_DEVICE, device))
        if bearer is not None:
            return [*headers, TAKE_TOKEN_AWAY]
        if grants and (device is not None or not incoming.certificate) and _may_have_grant(incoming, allow, app):
            proven = incoming.certificate
            cookie = self._grant(verdict, assertion, allow, certificate=proven, reference=reference, now=now)
            if cookie is not None:
                headers.append(("set-cookie", cookie))
        return headers

    def _grant(
        self, verdict: Verdict, assertion: Assertion, allow: Allow, *, certificate: str, reference: str, now: float
    ) -> str | None:
        signer = verdict.basis.grants
        if signer is None:
            return None
        grant = self._credentials.grant(
            assertion=assertion,
            allow=allow,
            signer=signer,
            reference=reference,
            now=now,
            certificate=certificate,
        )
        if grant is None:
            return None
        return cookies.set_grant(grant.token, max(1, int(grant.expires_at - now)))


def _may_have_grant(incoming: Incoming, allow: Allow, app: AppFact) -> bool:
    """A grant says: further views of this app, by this session, on this device, until then. What depends on more gets none."""
    return (
        not allow.per_request
        and not allow.obligations
        and incoming.method in GRANTED_METHODS
        and action_class(incoming.method, app.methods) is ActionClass.VIEW
        and app.idle_seconds is None
        and "x-ostiary-stream" not in incoming.headers
        and not is_long_lived(incoming)
    )
