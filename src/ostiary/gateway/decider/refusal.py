"""A refusal as a person or a program receives it: which condition failed, what to do, and the reference.

The words for each reason are in `wording`, those for conditions come with the decision.
Source: RFC 9457 (problem details), RFC 9110 section 15 (status codes).
"""

import time
from collections.abc import Collection
from typing import Any, Final
from urllib.parse import quote, urlencode

from ostiary.gateway.decider.answers import Answer, json_answer
from ostiary.gateway.decider.break_glass import CONSOLE
from ostiary.gateway.decider.links import PROBLEM_PREFIX, Links
from ostiary.gateway.decider.pages import Link, Page, Pages, contact_href
from ostiary.gateway.decider.wording import WORDINGS, heading_of, lead_of, wording_of
from ostiary.policy.decision import Deny, ReasonCode, Remedy, RemedyKind, UnmetCondition
from ostiary.policy.identifiers import GroupId
from ostiary.policy.snapshot import AppFact

RETRY_SECONDS: Final = 10
_ADMINISTRATORS: Final = GroupId("administrators")
_AUDITORS: Final = GroupId("auditors")
_HELPDESK: Final = GroupId("helpdesk")
_ELIGIBLE: Final = GroupId("administrators-eligible")
MAX_UNMET_SHOWN: Final = 12
_ASK: Final = "Ask for access"
NOT_SENT: Final = (
    "The app has not received what you sent, and this page still holds it. Confirm in the tab that opens, come back here, "
    "reload this page, and let the browser send it again."
)
NOT_SENT_SIGN_IN: Final = "This page still holds it. Sign in in the tab that opens, come back here, reload this page, and let the browser send it again."
_WHY: Final = "Why, in the console"
_EMERGENCY: Final = "Emergency access"
_NOBODY: Final[frozenset[GroupId]] = frozenset()


def may_ask_why(groups: Collection[GroupId]) -> bool:
    """Return whether members of these groups may see in the console why a decision was made: its rules and inputs.

    The help desk sees decisions and no rules, and whoever belongs to it is of the help desk before being an auditor.
    """
    return _ADMINISTRATORS in groups or (_AUDITORS in groups and _HELPDESK not in groups)


class Refusals:
    """Says no for one instance.

    Args:
        pages: renders.
        links: where remedies are.
        contact: whom to ask where an app names nobody.
        requests: whether people may ask for access in the portal.
        emergency_group: whose members may use emergency access; empty for nobody.
        administrator_minutes: for how long somebody who may becomes an administrator.
    """

    def __init__(
        self,
        pages: Pages,
        links: Links,
        *,
        contact: str,
        requests: bool = False,
        emergency_group: str = "",
        administrator_minutes: int = 60,
    ) -> None:
        self._pages = pages
        self._links = links
        self._contact = contact
        self._requests = requests
        self._emergency_group = GroupId(emergency_group)
        self._become = f"Become administrator for {_span(administrator_minutes)}"

    def page(
        self,
        deny: Deny,
        app: AppFact | None,
        *,
        return_path: str,
        reference: str,
        asks_why: bool = False,
        sent: bool = False,
        groups: Collection[GroupId] = _NOBODY,
    ) -> Answer:
        """Return the page for a person.

        Args:
            deny: the decision.
            app: the app they wanted, when it is known.
            return_path: the page in it, to come back to after a remedy.
            reference: of the event on record; empty when there is none.
            asks_why: whether they may look the decision up in the console; the page itself says no more to them.
            sent: whether the request carried what they had typed, which the app has not received.
            groups: what they belong to; some may get in by themselves, and are told how.
        """
        wording = wording_of(deny)
        name = app.name or app.id if app is not None else "This"
        first = deny.unmet[0] if deny.unmet else None
        remedy = first.remedy if first is not None else None
        again = sent and app is not None and remedy is not None and remedy.kind is RemedyKind.STEP_UP
        own = self._own_ways(deny, app, return_path, groups)
        others = self._links_for(deny, app, return_path=return_path, reference=reference, beside=again, more=bool(own))
        links = (*own, *others)
        page = Page(
            title=heading_of(deny, name),
            heading=heading_of(deny, name),
            lead=lead_of(deny, name),
            advice=NOT_SENT if again else _advice(remedy) or wording.advice,
            links=(*links, Link(_WHY, self._links.why(reference))) if asks_why and reference else links,
            more=tuple(dict.fromkeys(unmet.words for unmet in deny.unmet[1:MAX_UNMET_SHOWN])),
            reference=reference,
        )
        return self._pages.render(page, status=wording.status, headers=_retry_after(deny))

    def sign_in_beside(self, app: AppFact, href: str, cookie: str) -> Answer:
        """Return the page for somebody whose sign-in ended while they were typing.

        Args:
            app: what they sent it to.
            href: where they sign in, in another tab.
            cookie: ties that sign-in to this browser.
        """
        wording = WORDINGS[ReasonCode.SESSION_ENDED]
        name = app.name or app.id
        page = Page(
            title=wording.heading,
            heading=wording.heading,
            lead=f"{name} has not received what you sent.",
            advice=NOT_SENT_SIGN_IN,
            links=(Link("Sign in", href, primary=True, beside=True),),
        )
        return self._pages.render(page, status=wording.status, headers=(("set-cookie", cookie),))

    def problem(
        self, deny: Deny, app: AppFact | None, *, return_path: str, reference: str, token: bool = False
    ) -> Answer:
        """Return the same for a program, as `application/problem+json`; arguments as for `page`.

        Args:
            deny: the decision.
            app: the app it wanted, when it is known.
            return_path: the page in it.
            reference: of the event on record.
            token: whether it carried a token, so that nobody is there to sign in or to ask.
        """
        wording = wording_of(deny)
        name = app.name or app.id if app is not None else "This"
        first = deny.unmet[0] if deny.unmet else None
        content: dict[str, Any] = {
            "type": f"{PROBLEM_PREFIX}{deny.reason.value}",
            "title": heading_of(deny, name),
            "status": wording.status,
            "detail": lead_of(deny, name),
            "reason": deny.reason.value,
            "unmet": [self._unmet(unmet, app, return_path) for unmet in deny.unmet[:MAX_UNMET_SHOWN]],
        }
        if deny.because:
            content["because"] = list(deny.because)
        if reference:
            content["reference"] = reference
        if first is not None and first.remedy is not None:
            content["remedy"] = self._remedy(first.remedy, app, return_path)
        elif not token and (request := self._request_href(deny, app, return_path)):
            content["remedy"] = {"kind": RemedyKind.ASK.value, "words": _ASK, "link": request}
        headers = _retry_after(deny)
        if token:
            if wording.advice:
                content["advice"] = wording.advice
            headers = (*headers, *_token_challenge(deny, wording.status, name))
        elif wording.status == 401:
            content["remedy"] = {"kind": RemedyKind.SIGN_IN.value, "words": "Sign in", "link": self._links.portal}
            headers = (
                *headers,
                ("www-authenticate", f'Ostiary realm="{_quoted(name)}", sign_in="{self._links.portal}"'),
            )
        return json_answer(wording.status, content, *headers, media_type="application/problem+json")

    def _own_ways(
        self, deny: Deny, app: AppFact | None, return_path: str, groups: Collection[GroupId]
    ) -> tuple[Link, ...]:
        """Return how somebody gets in without being asked: as an administrator for a while, or in an emergency."""
        if app is None or deny.reason is not ReasonCode.NO_RULE_APPLIES:
            return ()
        if app.id == CONSOLE:
            become = Link(self._become, self._links.become_administrator(return_path), primary=True)
            return (become,) if _ELIGIBLE in groups else ()
        emergency = Link(_EMERGENCY, self._links.emergency(app.id, return_path))
        return (emergency,) if self._emergency_group and self._emergency_group in groups else ()

    def _links_for(
        self,
        deny: Deny,
        app: AppFact | None,
        *,
        return_path: str,
        reference: str,
        beside: bool = False,
        more: bool = False,
    ) -> tuple[Link, ...]:
        wording = wording_of(deny)
        remedy = deny.unmet[0].remedy if deny.unmet else None
        links = []
        if remedy is not None and remedy.path is not None and app is not None:
            way = self._links.beside(remedy.path) if beside else self._links.remedy(remedy.path, app.id, return_path)
            links.append(Link(remedy.words, way, primary=True, beside=beside))
        if wording.status == 401:
            links.append(Link("Sign in", self._links.portal, primary=True))
        asks = wording.ask or (deny.unmet != () and (remedy is None or remedy.kind is RemedyKind.ASK))
        if request := self._request_href(deny, app, return_path):
            links.append(Link(_ASK, request, primary=not links))
        elif asks and (href := self._ask_href(app, reference)):
            links.append(Link(_ASK, href, primary=not links and not more))
        if deny.reason in {ReasonCode.NO_RULE_APPLIES, ReasonCode.DENIED_BY_RULE, ReasonCode.UNKNOWN_RESOURCE}:
            links.append(Link("My apps", self._links.portal))
        return tuple(links)

    def _request_href(self, deny: Deny, app: AppFact | None, return_path: str) -> str:
        """Return where to ask for a group that opens this; empty where no group would, or where it opens the console."""
        if not self._requests or app is None or app.id == CONSOLE or deny.reason is not ReasonCode.NO_RULE_APPLIES:
            return ""
        return self._links.ask(app.id, return_path)

    def _ask_href(self, app: AppFact | None, reference: str) -> str:
        name = app.name or app.id if app is not None else "an app"
        lines = [f"I would like to open {name}."] + ([f"Reference: {reference}"] if reference else [])
        query = urlencode({"subject": f"Access to {name}", "body": "\r\n".join(lines)}, quote_via=quote)
        for contact in (app.contact if app is not None else "", self._contact):
            if href := contact_href(contact, f"?{query}"):
                return href
        return ""

    def _unmet(self, unmet: UnmetCondition, app: AppFact | None, return_path: str) -> dict[str, Any]:
        shown: dict[str, Any] = {"condition": unmet.code, "words": unmet.words, **dict(unmet.facts)}
        if unmet.remedy is not None:
            shown["remedy"] = self._remedy(unmet.remedy, app, return_path)
        return shown

    def _remedy(self, remedy: Remedy, app: AppFact | None, return_path: str) -> dict[str, Any]:
        shown: dict[str, Any] = {"kind": remedy.kind.value, "words": remedy.words}
        if remedy.path is not None and app is not None:
            shown["link"] = self._links.remedy(remedy.path, app.id, return_path)
        if remedy.at is not None:
            shown["at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(remedy.at))
        return shown


def _advice(remedy: Remedy | None) -> str:
    """What to do where there is no button for it."""
    if remedy is None or remedy.path is not None or remedy.kind is RemedyKind.ASK:
        return ""
    return f"{remedy.words}."


def _retry_after(deny: Deny) -> tuple[tuple[str, str], ...]:
    return (("retry-after", str(RETRY_SECONDS)),) if wording_of(deny).status == 503 else ()


def _token_challenge(deny: Deny, status: int, name: str) -> tuple[tuple[str, str], ...]:
    """Tell a program what is wrong with its token, as RFC 6750 does, section 3."""
    errors = {401: "invalid_token", 403: "insufficient_scope"}
    if status not in errors or (status == 403 and deny.reason is not ReasonCode.TOKEN_SCOPE):
        return ()
    return (("www-authenticate", f'Bearer realm="{_quoted(name)}", error="{errors[status]}"'),)


def _quoted(text: str) -> str:
    """A name inside a quoted header value: printable ASCII, nothing that ends the quotes."""
    return "".join(c for c in text if c.isascii() and c.isprintable() and c not in '"\\')


def _span(minutes: int) -> str:
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"
