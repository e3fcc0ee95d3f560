"""Signing in with another directory: to it, back from it, and what is said when it does not work."""

from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ostiary.identity.entrance import (
    DIRECTORY,
    Assertion,
    Coming,
    DirectoryRefused,
    Origin,
    PersonRow,
    Reason,
    admit,
    ask_directory,
    go_on_after_directory,
    proof,
    read_arrival,
    record_refused_sign_in,
    return_path_or_start,
    sign_browser_in,
)
from ostiary.identity.facade import Provider, UnknownProvider, client_of, get_provider
from ostiary.web.signin.failures import problem_page
from ostiary.web.signin.gate import sign_in_session
from ostiary.web.signin.link_offer import offer_link

FLOW_SECONDS: Final = 3600


@require_safe
def to_directory(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send the browser to the directory."""
    target = return_path_or_start(request.GET.get("next", "") or "/")
    if sign_in_session(request) is not None:
        return HttpResponseRedirect(target)
    try:
        provider = get_provider(provider_id)
    except UnknownProvider:
        return _unknown(request)
    try:
        url = ask_directory(request, provider, target=target, purpose="sign_in")
    except DirectoryRefused as refused:
        return refused_page(request, provider, refused)
    request.session.set_expiry(FLOW_SECONDS)
    return HttpResponseRedirect(url)


@require_safe
def from_directory(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take the directory's answer: sign in, go on to the second step, or offer to link."""
    try:
        provider = get_provider(provider_id)
    except UnknownProvider:
        return _unknown(request)
    try:
        coming, assertion = read_arrival(request, provider, request.GET.dict())
        return _arrived(request, provider, coming, assertion)
    except DirectoryRefused as refused:
        return refused_page(request, provider, refused)


def refused_page(request: HttpRequest, provider: Provider, refused: DirectoryRefused) -> HttpResponse:
    """Put a refusal on record and say what happened and what to do."""
    person = PersonRow.objects.filter(pk=refused.person_id).first() if refused.person_id else None
    record_refused_sign_in(
        email=refused.email,
        client=client_of(request),
        reason=f"{provider.via}: {refused.reason}" + (f" ({refused.detail})" if refused.detail else ""),
        person=person,
        methods=(DIRECTORY,),
    )
    if refused.reason is Reason.PERSON_DISABLED:
        return HttpResponseRedirect(reverse("account_inactive"))
    title, words = _words(refused.reason, provider)
    status = 503 if refused.reason is Reason.UNREACHABLE else 403
    return problem_page(request, status=status, title=title, words=words)


def _arrived(request: HttpRequest, provider: Provider, coming: Coming, assertion: Assertion) -> HttpResponse:
    session = sign_in_session(request)
    if coming.purpose == "link":
        if session is None or not session.complete or session.person_id != coming.person:
            raise DirectoryRefused(Reason.NOT_THIS_BROWSER, detail="somebody else is signed in")
        return offer_link(request, provider, assertion)
    if session is not None:
        return HttpResponseRedirect(coming.target)
    person = admit(provider=provider, assertion=assertion, now=coming.at)
    origin = Origin(provider=provider.id, subject=assertion.subject, sid=assertion.sid, at=coming.at)
    if assertion.method == DIRECTORY:
        return go_on_after_directory(request, person, origin=origin, target=coming.target)
    sign_browser_in(request, person, proofs=(proof(assertion.method, at=assertion.at),), origin=origin)
    return HttpResponseRedirect(coming.target)


def _unknown(request: HttpRequest) -> HttpResponse:
    return problem_page(
        request,
        status=404,
        title=_("There is no such way to sign in"),
        words=_("It may have been removed. Go back to the sign-in page and choose another one."),
    )


def _words(reason: Reason, provider: Provider) -> tuple[str, str]:
    """Return the heading and the sentence for a refusal."""
    name = {"name": provider.name, "organisation": settings.INSTANCE.display_name}
    texts = {
        Reason.CANCELLED: (
            _("You did not sign in at %(name)s"),
            _("Nothing has changed. Go back to the sign-in page to try again, or choose another way in."),
        ),
        Reason.REFUSED_THERE: (
            _("%(name)s did not let you in"),
            _("Your account there may not be allowed to use this. Ask whoever looks after %(name)s."),
        ),
        Reason.NOT_THIS_BROWSER: (
            _("This sign-in was not begun here"),
            _("It was begun in another browser, too long ago, or used already. Begin again at the sign-in page."),
        ),
        Reason.UNREACHABLE: (
            _("%(name)s does not answer"),
            _(
                "Try again in a few minutes, or sign in another way. Your administrators find the cause in the audit log."
            ),
        ),
        Reason.TOKEN_REFUSED: (
            _("The answer from %(name)s was not accepted"),
            _("Try again. If it goes on, tell your administrators; the audit log says why."),
        ),
        Reason.WRONG_TENANT: (
            _("This account is not from %(organisation)s"),
            _(
                "You signed in at %(name)s with an account of another organisation, or a private one. Use your work account."
            ),
        ),
        Reason.ADDRESS_NOT_VERIFIED: (
            _("%(name)s does not confirm your address"),
            _("An account is made only for an address that is confirmed there. Ask your administrators to invite you."),
        ),
        Reason.NOT_INVITED: (
            _("You have no account here yet"),
            _("%(name)s knows you, but nobody has invited you here. Ask your administrators for an invitation."),
        ),
        Reason.NOT_IN_GROUP: (
            _("Your group may not sign in here"),
            _("%(name)s knows you, but you are in none of the groups that may come in. Ask your administrators."),
        ),
        Reason.ACCOUNT_EXISTS: (
            _("Link your account first"),
            _(
                "There is an account with your address. Sign in to it as you do usually, then link %(name)s under My authenticators."
            ),
        ),
        Reason.GROUPS_LEFT_OUT: (
            _("%(name)s left your groups out"),
            _(
                "You are in too many groups for it to name. Ask your administrators to have it send only the groups for this."
            ),
        ),
        Reason.LINKED_ELSEWHERE: (
            _("That account is linked to somebody else"),
            _("Choose another account at %(name)s, or ask your administrators."),
        ),
    }
    title, words = texts[reason]
    return title % name, words % name
