"""Lets somebody sign in to an app that asks the sign-in host who they are, or shows what the gateway would show.

For the pages of protocols (OpenID Connect, SAML): the gate has made sure of a complete sign-in, the rules decide here.
"""

import structlog
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from ostiary.applications.facade import App
from ostiary.gateway.sign_in import DecisionUnavailable, SignInQuestion, SignInReply, decide_sign_in
from ostiary.identity.entrance import return_path_or_start
from ostiary.identity.facade import client_of
from ostiary.policy.identifiers import PersonId
from ostiary.web.signin.device import certificate_of
from ostiary.web.signin.failures import problem_page
from ostiary.web.signin.people import signed_in

log = structlog.get_logger(__name__)


def decide_admission(request: HttpRequest, app: App, *, return_path: str = "", page: bool = False) -> SignInReply:
    """Decide, on record, whether the person of this request may sign in to an app now.

    Args:
        request: of somebody whose sign-in is complete.
        app: what they sign in to.
        return_path: where they go on after a step-up, a path on this host; empty takes this very page.
        page: whether they look at the answer.

    Raises:
        DecisionUnavailable: when there is no decision.
    """
    person, session = signed_in(request)
    client = client_of(request)
    question = SignInQuestion(
        app=app.id,
        person=PersonId(person.id),
        session=session.id,
        address=client.address,
        user_agent=client.user_agent,
        request_id=request.headers.get("x-request-id", "")[:64],
        host=request.get_host().partition(":")[0],
        path=request.path,
        return_path=return_path_or_start(return_path or request.get_full_path()),
        page=page,
        certificate=certificate_of(request),
    )
    return decide_sign_in(question)


def refused_admission(request: HttpRequest, app: App, *, return_path: str = "") -> HttpResponse | None:
    """Decide, on record, whether the person of this request may sign in to an app now.

    Args:
        request: of somebody whose sign-in is complete.
        app: what they sign in to.
        return_path: where they go on after a step-up, a path on this host; empty takes this very page.

    Returns:
        `None` where they may. Otherwise the answer to send: the refusal's page, or the way to the step-up that helps,
        which brings them back.
    """
    try:
        reply = decide_admission(request, app, return_path=return_path, page=True)
    except DecisionUnavailable as error:
        log.error("sign_in_undecided", app=app.id, detail=error.detail)
        return problem_page(
            request,
            status=503,
            title=_("%(app)s cannot be opened now") % {"app": app.name},
            words=_("It is not certain who may do what at the moment, so nobody is let in."),
        )
    if reply.allowed:
        return None
    return HttpResponse(reply.body, status=reply.status, headers=dict(reply.headers))
