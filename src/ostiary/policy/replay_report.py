"""What a replay found, as types: who would have gained and who would have lost. Deciding again lives in `replay`."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from ostiary.policy.decision import Obligation


class Effect(StrEnum):
    """What the candidate does to a request, compared with the rules in force now.

    `TERMS` means that either rules allow it, and that other obligations come with the permission.
    `LOST_ALREADY` and `GAINED_ALREADY` are no effect of the candidate: the rules in force now answer otherwise than was
    answered then, and the candidate answers as they do.
    """

    LOSES = "loses"
    GAINS = "gains"
    TERMS = "terms"
    LOST_ALREADY = "lost_already"
    GAINED_ALREADY = "gained_already"


class Unreplayed(StrEnum):
    """Why a request of the record cannot be decided again."""

    NO_INPUTS = "no_inputs"
    NOT_BY_RULES = "not_by_rules"
    EMERGENCY = "emergency"
    NO_GRANT = "no_grant"
    APP_GONE = "app_gone"


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One request of the record.

    Args:
        at: when it was decided, seconds since the epoch.
        stream: of the record.
        segment: the file that holds it.
        offset: where its line begins there, in bytes.
        path: what was asked for.
        reference: what `ostiary audit show` opens; empty while it was not looked up, or when the line is gone.
    """

    at: float
    stream: str
    segment: int
    offset: int
    path: str = "/"
    reference: str = ""


class Reason(msgspec.Struct, frozen=True):
    """Why the candidate answers as it does, for most of the requests.

    Args:
        code: a condition (`mfa`, `hours` …) or a reason code of a refusal; `allowed` for a permission, `terms` for one
            on other terms.
        rule: the rule that allows, denies, or comes closest; empty for none.
        words: one sentence.
    """

    code: str
    rule: str
    words: str


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What changes for one person (or service) at one app in one kind of action.

    Args:
        person: the person's id; empty for a service.
        service: the service's id; empty for a person.
        count: how many requests.
        held: how many of them the person could lift alone and at once, by signing in or proving more.
        allowed_then: how many of them passed when they were made.
        first_at: the first of them, seconds since the epoch.
        last_at: the last of them.
        terms_added: obligations that come with the permission from now on, for any of them.
        terms_dropped: obligations that do not any more.
        examples: a few of them.
    """

    person: str
    service: str
    app: str
    action: str
    effect: Effect
    count: int
    held: int
    allowed_then: int
    first_at: float
    last_at: float
    reason: Reason
    terms_added: tuple[Obligation, ...] = ()
    terms_dropped: tuple[Obligation, ...] = ()
    examples: tuple[Example, ...]

    @property
    def subject(self) -> str:
        """The id of whoever asks."""
        return self.person or self.service


class ReplayReport(msgspec.Struct, frozen=True, kw_only=True):
    """What these rules would have done to what really happened.

    Args:
        since: from when requests were looked at, seconds since the epoch.
        until: up to when.
        first_at: the first request that was replayed; 0 when there was none.
        last_at: the last.
        requests: how many were replayed.
        situations: how many different ones they were; each was decided once by either rules.
        people: by how many people and services they were made.
        changes: who loses first, then who gains, then who gets other terms, then what had changed already; the most requests first.
        unreplayed: how many could not be replayed, by why.
        missing_from: requests from then on are on record and not kept yet, so they are missing; `None` when none are.
    """

    since: float
    until: float
    first_at: float = 0.0
    last_at: float = 0.0
    requests: int = 0
    situations: int = 0
    people: int = 0
    changes: tuple[Change, ...] = ()
    unreplayed: dict[Unreplayed, int] = {}
    missing_from: float | None = None

    def of(self, effect: Effect) -> tuple[Change, ...]:
        """Return the changes of one effect."""
        return tuple(change for change in self.changes if change.effect is effect)

    def count(self, effect: Effect) -> int:
        """Return how many requests have the effect."""
        return sum(change.count for change in self.of(effect))

    def subjects(self, effect: Effect) -> int:
        """Return for how many people and services the effect holds."""
        return len({(change.person, change.service) for change in self.of(effect)})

    @property
    def unchanged(self) -> int:
        """How many requests the candidate answers as the rules in force do."""
        return self.requests - sum(map(self.count, (Effect.LOSES, Effect.GAINS, Effect.TERMS)))

    @property
    def loses(self) -> bool:
        """Whether anybody loses anything."""
        return any(change.effect is Effect.LOSES for change in self.changes)

    def narrowed(self, *, subjects: Iterable[str] = (), apps: Iterable[str] = ()) -> "ReplayReport":
        """Return the report with the changes of some people and apps alone; none named means all."""
        who, where = frozenset(subjects), frozenset(apps)
        return msgspec.structs.replace(
            self,
            changes=tuple(
                change
                for change in self.changes
                if (not who or change.subject in who) and (not where or change.app in where)
            ),
        )
