"""How a service and a token stand, in words for the console."""

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ostiary.workloads.facade import Closed, Kind, PersonalToken, Service, State

STATE_WORDS: Final[dict[State, Promise]] = {
    State.WORKS: _("Works"),
    State.DISABLED: _("Switched off"),
    State.OVER: _("Over"),
}
STATE_MEANINGS: Final = {State.WORKS: "allowed", State.DISABLED: "refused", State.OVER: "held"}
CLOSED_WORDS: Final[dict[Closed, Promise]] = {
    Closed.BY_HAND: _("Somebody switched it off."),
    Closed.UNUSED: _("Nobody used it for long, and its owner was told before."),
    Closed.OWNER_LEFT: _("Whoever answered for it left, and nobody took over."),
    Closed.RESTORED: _("A backup was restored: look at its keys, then switch it on."),
}
KIND_WORDS: Final[dict[Kind, str | Promise]] = {
    Kind.GITHUB: "GitHub Actions",
    Kind.GITLAB: "GitLab",
    Kind.KUBERNETES: "Kubernetes",
    Kind.OTHER: _("Another"),
}
"""Names of products are the same in every language."""


@dataclass(frozen=True, slots=True)
class ShownService:
    """A line of the list."""

    service: Service
    state: Promise
    meaning: str


def shown(service: Service, now: float) -> ShownService:
    """Return a service as it stands at `now` (seconds since the epoch)."""
    state = service.state(now)
    return ShownService(service, STATE_WORDS[state], STATE_MEANINGS[state])


@dataclass(frozen=True, slots=True)
class ShownToken:
    """A line of a list of tokens."""

    token: PersonalToken
    works: bool
    state: Promise
    meaning: str


def shown_token(token: PersonalToken, now: float) -> ShownToken:
    """Return a token as it stands at `now` (seconds since the epoch)."""
    if token.revoked_at is not None:
        return ShownToken(token, False, _("Revoked"), "refused")
    works = token.works(now)
    return ShownToken(token, works, _("Works") if works else _("Over"), "allowed" if works else "held")
