"""Decisions and events in words: each row of a list reads as a sentence. What was decided is `policy`'s, not changed here."""

from typing import Final

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ostiary.policy.decision import ReasonCode
from ostiary.visibility.facade import EventKind

OUTCOME_NAMES: Final[dict[str, Promise]] = {
    "allowed": gettext_lazy("Allowed"),
    "held": gettext_lazy("Held"),
    "refused": gettext_lazy("Refused"),
}
REASON_NAMES: Final[dict[str, Promise]] = {
    ReasonCode.NO_RULES: gettext_lazy("no rules are in force"),
    ReasonCode.NO_RULE_APPLIES: gettext_lazy("no rule allows it"),
    ReasonCode.CONDITIONS_UNMET: gettext_lazy("a condition was not met"),
    ReasonCode.DENIED_BY_RULE: gettext_lazy("a rule denies it"),
    ReasonCode.ENGINE_ERROR: gettext_lazy("the rules could not be evaluated"),
    ReasonCode.UNKNOWN_RESOURCE: gettext_lazy("there is no such app"),
    ReasonCode.UNKNOWN_SUBJECT: gettext_lazy("nobody with this identity is known"),
    ReasonCode.INPUT_TOO_LONG: gettext_lazy("the request was too long"),
    ReasonCode.MALFORMED_REQUEST: gettext_lazy("the request was malformed"),
    ReasonCode.UNAUTHENTICATED: gettext_lazy("not signed in"),
    ReasonCode.SESSION_ENDED: gettext_lazy("the session had ended"),
    ReasonCode.OTHER_DEVICE: gettext_lazy("the session belongs to another device"),
    ReasonCode.SESSION_IDLE: gettext_lazy("the app had not been used for too long"),
    ReasonCode.PROOF_TOO_OLD: gettext_lazy("the last proof was too long ago for the app"),
    ReasonCode.PERSON_DISABLED: gettext_lazy("the account is disabled"),
    ReasonCode.SERVICE_DISABLED: gettext_lazy("the service is disabled or over"),
    ReasonCode.TOKEN_REFUSED: gettext_lazy("the token is not accepted"),
    ReasonCode.TOKEN_SCOPE: gettext_lazy("the token does not cover it"),
    ReasonCode.STALE_FACTS: gettext_lazy("the facts were out of date"),
    ReasonCode.RECORD_UNAVAILABLE: gettext_lazy("the record could not be written"),
}
DATA_PLANE_REASON_NAMES: Final[dict[str, Promise]] = {
    "direct_response": gettext_lazy("no app has this name"),
    "ext_authz_error": gettext_lazy("the decision service did not answer"),
    "path_normalization_failed": gettext_lazy("the path was written in disguise"),
    "route_not_found": gettext_lazy("there is no such app"),
}
METHOD_NAMES: Final[dict[str, Promise]] = {
    "password": gettext_lazy("password"),
    "totp": gettext_lazy("one-time code"),
    "webauthn": gettext_lazy("passkey"),
    "recovery_code": gettext_lazy("recovery code"),
    "recovery_codes": gettext_lazy("recovery codes"),
    "email": gettext_lazy("link by e-mail"),
    "break_glass": gettext_lazy("emergency link"),
    "recovery": gettext_lazy("recovery link"),
    "directory": gettext_lazy("another directory"),
    "directory_otp": gettext_lazy("another directory, with a second factor"),
    "directory_phishing_resistant": gettext_lazy("another directory, with a passkey"),
    "token": gettext_lazy("personal access token"),
    "stated": gettext_lazy("in the word of the program that asked"),
}
EVENT_KIND_NAMES: Final[dict[EventKind, Promise]] = {
    "sign_in": gettext_lazy("Sign-ins"),
    "session": gettext_lazy("Sessions at apps"),
    "account": gettext_lazy("Accounts"),
    "group": gettext_lazy("Groups"),
    "entity": gettext_lazy("Apps, rules, settings"),
    "log": gettext_lazy("The record itself"),
}
URGENT_REASONS: Final = frozenset(
    {ReasonCode.ENGINE_ERROR, ReasonCode.STALE_FACTS, ReasonCode.RECORD_UNAVAILABLE, ReasonCode.NO_RULES}
)


def name_reason(code: str) -> str:
    """Return a reason code in words; one that is not known keeps its own."""
    return str(REASON_NAMES.get(code) or DATA_PLANE_REASON_NAMES.get(code) or code.replace("_", " "))


def name_method(method: str) -> str:
    """Return an authentication method in words; one that is not known stays as it is."""
    return str(METHOD_NAMES.get(method, method))


def name_event_kind(kind: EventKind) -> str:
    """Return a kind of event in words."""
    return str(EVENT_KIND_NAMES[kind])


def tell_decision(*, outcome: str, who: str, app: str, reason: str, why: str) -> SafeString:
    """Return a decision as a sentence, the names emphasised.

    Args:
        outcome: `allowed`, `held` or `refused`.
        who: a name or an address; empty when nobody was signed in.
        app: the app's name; empty when the host belongs to none.
        reason: the reason code; empty when allowed.
        why: what the person was told; empty takes the reason.
    """
    words = {
        "who": format_html("<b>{}</b>", who or _("Somebody not signed in")),
        "app": format_html("<b>{}</b>", app or _("an unknown app")),
        "why": _("“%(words)s”") % {"words": why} if why else f"{name_reason(reason)}.",
    }
    if outcome == "allowed":
        return format_html(_("{who} was let into {app}."), **words)
    if outcome == "held":
        return format_html(_("{who} was held at {app}: {why}"), **words)
    return format_html(_("{who} was refused {app}: {why}"), **words)
