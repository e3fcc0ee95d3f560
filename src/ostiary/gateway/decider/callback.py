"""The end of a sign-in on an app's host: a code, good once, in the browser that asked for it, becomes a session. Where
the connection proves an enrolled device, the session is bound to it.

Whoever did not begin has no matching begin cookie and gets nothing, whoever's code it is. Codes from before this
process began are refused, because it cannot know which of them were used.
Source: RFC 6749 section 10.12 and RFC 9700 section 4.7 (binding to the user agent), RFC 9700 section 4.5 (one use).
"""

import hmac
from typing import Final
from urllib.parse import parse_qs

import structlog

from ostiary.gateway.decider import cookies
from ostiary.gateway.decider.answers import Answer, redirect
from ostiary.gateway.decider.basis import Basis
from ostiary.gateway.decider.break_glass import may_be_emergency
from ostiary.gateway.decider.incoming import Incoming
from ostiary.gateway.decider.links import Links
from ostiary.gateway.decider.pages import Link, Page, Pages
from ostiary.gateway.decider.paths import local_path
from ostiary.gateway.decider.proven_device import active_device
from ostiary.gateway.decider.signed_in import ReadSession, authenticate
from ostiary.gateway.tokens import (
    HandoverClaims,
    InvalidToken,
    SessionClaims,
    bind_of,
    read_handover,
    sign_session,
)
from ostiary.policy.snapshot import AppFact
from ostiary.policy.terms import person_at

PATH: Final = "/.ostiary/callback"
_MAX_QUERY_CHARACTERS: Final = 8192

log = structlog.get_logger(__name__)


class UsedCodes:
    """Which codes were used, until they expire anyway. Only codes with our signature get in, so it stays small."""

    def __init__(self) -> None:
        self._expiry: dict[str, float] = {}

    def use(self, jti: str, *, expires_at: float, now: float) -> bool:
        """Return whether this is the first use, and remember it."""
        if jti in self._expiry:
            return False
        self._expiry = {known: end for known, end in self._expiry.items() if end > now}
        self._expiry[jti] = expires_at
        return True


class Callback:
    """Turns codes into sessions.

    Args:
        handover_key: the content of `secrets/handover.key`.
        session_key: the content of `secrets/session.key`.
        started_at: when this process began (seconds since the epoch); older codes are refused.
    """

    def __init__(
        self,
        *,
        pages: Pages,
        links: Links,
        handover_key: bytes,
        session_key: bytes,
        read_session: ReadSession,
        started_at: float,
    ) -> None:
        self._pages = pages
        self._links = links
        self._handover_key = handover_key
        self._session_key = session_key
        self._read_session = read_session
        self._started_at = started_at
        self._used = UsedCodes()

    def answer(self, incoming: Incoming, basis: Basis, now: float) -> Answer:
        """Set the session and go on to the page that was wanted, or explain and set nothing."""
        app = basis.apps.get(incoming.host)
        if app is None:
            return self._explain("nowhere", 404, None)
        if incoming.method != "GET":
            return self._explain("method", 405, app)
        if basis.trouble is not None and not may_be_emergency(app, basis):
            return self._explain("no_facts", 503, app)
        try:
            claims = self._claims(incoming, app, now)
        except InvalidToken as error:
            return self._explain("code", 400, app, detail=error.detail or error.message)
        begin = incoming.cookies.begin
        if begin is None or not hmac.compare_digest(bind_of(begin), claims.bind):
            if self._is_signed_in_as(claims, incoming, basis, app, now):
                return redirect(self._wanted(claims, app), status=303)
            return self._explain("other_browser", 400, app)
        refusal = self._refusal(claims, basis, now)
        if refusal:
            return self._explain(refusal, 403, app)
        if not self._used.use(claims.jti, expires_at=claims.expires_at, now=now):
            return self._explain("used", 400, app)
        device = active_device(incoming.certificate, basis.certificates, now)
        bound = device.fact.id if device is not None else None
        session = SessionClaims(app=app.id, person=claims.person, session=claims.session, device=bound)
        token = sign_session(self._session_key, session, now=now)
        log.info("session_begun", app=app.id, person=claims.person, session=claims.session, device=bound or "")
        return redirect(
            self._wanted(claims, app),
            cookies.set_session(token),
            cookies.clear(cookies.BEGIN),
            cookies.clear(cookies.GRANT),
            status=303,
        )

    def _claims(self, incoming: Incoming, app: AppFact, now: float) -> HandoverClaims:
        if len(incoming.query) > _MAX_QUERY_CHARACTERS:
            raise InvalidToken("The query is too long.")
        try:
            codes = parse_qs(incoming.query, max_num_fields=8).get("code", [])
        except ValueError:
            codes = []
        if len(codes) != 1:
            raise InvalidToken("There is not exactly one code.")
        claims = read_handover(self._handover_key, codes[0], app=app.id, now=now)
        if claims.issued_at < self._started_at:
            raise InvalidToken("The code was issued before this process began.")
        return claims

    def _refusal(self, claims: HandoverClaims, basis: Basis, now: float) -> str:
        """Return why the facts do not bear the code out; empty when they do."""
        session = basis.sessions.get(claims.session)
        person = basis.people.get(claims.person)
        person = person and person_at(person, now)
        if person is not None and not person.active:
            return "disabled"
        if session is None or person is None or session.person != person.id or now >= session.expires_at:
            return "ended"
        return ""

    def _is_signed_in_as(
        self, claims: HandoverClaims, incoming: Incoming, basis: Basis, app: AppFact, now: float
    ) -> bool:
        """Another tab was first: it took the begin cookie with it, and this browser has the very session."""
        session, _, _ = authenticate(incoming, basis, app, now=now, read_session=self._read_session)
        return session is not None and session.id == claims.session

    def _wanted(self, claims: HandoverClaims, app: AppFact) -> str:
        return self._links.app_origin(app.host) + local_path(claims.return_path)

    def _explain(self, problem: str, status: int, app: AppFact | None, *, detail: str = "") -> Answer:
        log.warning("callback_refused", problem=problem, app=app.id if app else "", detail=detail)
        heading, lead = _EXPLANATIONS[problem]
        links = (Link("Open the app again", "/", primary=True),) if app is not None and problem != "disabled" else ()
        page = Page(title=heading, heading=heading, lead=lead, links=(*links, Link("My apps", self._links.portal)))
        return self._pages.render(page, status=status)


_NOT_FINISHED: Final = "The sign-in was not finished"
_EXPLANATIONS: Final = {
    "nowhere": ("There is nothing at this address", "The address leads to no app."),
    "method": (_NOT_FINISHED, "This address only finishes a sign-in that was begun in this browser."),
    "no_facts": (_NOT_FINISHED, "It is not certain who may do what at the moment. Try again in a minute."),
    "code": (_NOT_FINISHED, "The link was no longer good: it works once, for half a minute. Nothing was changed."),
    "other_browser": (
        _NOT_FINISHED,
        "It was not begun in this browser, or the browser does not keep cookies. Nothing was changed.",
    ),
    "used": (_NOT_FINISHED, "The link was used before: it works once. Nothing was changed."),
    "ended": (_NOT_FINISHED, "The sign-in ended meanwhile. Nothing was changed."),
    "disabled": ("Your account is switched off", "It cannot open anything until somebody switches it on again."),
}
