"""Who can do something, and what somebody can do, over every possible request.

People can prove whatever they can be asked to. For what they have to set up a proof first is said besides.
"""

from collections.abc import Iterable, Mapping

import msgspec

from ostiary.policy.identifiers import AppId, PersonId, RuleName, ServiceId
from ostiary.policy.proof.counterexample import Counterexample
from ostiary.policy.proof.encoding import Part
from ostiary.policy.proof.formula import TRUE, negation
from ostiary.policy.proof.inquiry import Inquiry, kinds_of_people
from ostiary.policy.request import ActionClass, AuthStrength, Subject
from ostiary.policy.rules.document import Effect, Target
from ostiary.policy.snapshot import Catalogue, Directory, Rules

ACTIONS = tuple(action for action in ActionClass if action is not ActionClass.UNKNOWN)


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """A rule by which something can be allowed, or that can refuse it.

    Args:
        line: where the rule begins in the text; 0 for a Cedar policy.
        words: what the rule says.
        example: of a rule that allows, a request that it allows.
    """

    rule: RuleName
    line: int
    words: str
    example: Counterexample | None = None


class WhoCan(msgspec.Struct, frozen=True, kw_only=True):
    """Who can do something.

    Args:
        apps: what was asked about.
        ways: the rules that can allow it; nobody can where there is none.
        limits: the rules that refuse some of what these would allow.
        people: those of the directory who can, under some circumstances.
        services: those of the services that exist which can, under some circumstances.
        set_up_first: those of these who cannot before they have set up a stronger proof than they have.
    """

    apps: tuple[AppId, ...]
    ways: tuple[Way, ...]
    limits: tuple[Way, ...]
    people: tuple[PersonId, ...]
    set_up_first: tuple[PersonId, ...] = ()
    services: tuple[ServiceId, ...] = ()


class AppReach(msgspec.Struct, frozen=True, kw_only=True):
    """What a subject can do with one app, under some circumstances.

    Args:
        rules: those that can allow it.
        set_up_first: those of the actions that take setting up a stronger proof first.
    """

    app: AppId
    actions: tuple[ActionClass, ...]
    rules: tuple[Way, ...]
    set_up_first: tuple[ActionClass, ...] = ()


def who_can(
    rules: Rules,
    catalogue: Catalogue,
    action: ActionClass | None,
    target: Target,
    *,
    directory: Directory | None = None,
    services: Iterable[ServiceId] = (),
    can_prove: Mapping[PersonId, AuthStrength] | None = None,
    seconds_each: float,
) -> WhoCan:
    """Return by which rules, and in a directory who, can do something to any app of a target.

    Args:
        rules: the rulebook.
        catalogue: the apps that exist.
        action: what is done; `None` for any action.
        target: an app, a label, or anything.
        directory: who exists.
        services: which services exist and may get tokens.
        can_prove: the strongest proof that each of them has set up; who is not in it has set up the strongest.
        seconds_each: how long the solver may work on one question.

    Raises:
        InvalidRules: when the rules cannot be used.
        CannotProve: when Cedar beside the document uses what is not understood.
        Undecided: when the time was too short.
    """
    asked = Inquiry(rules, catalogue, seconds_each=seconds_each)
    meant = asked.claim(asked.means([target]), asked.space.action((action,)) if action else TRUE)
    passes, allowed = asked.claim(asked.not_denied()), asked.claim(asked.encoded.allowed())
    allowing = [(part, asked.claim(part.matches)) for part in asked.allows]
    denying = [(part, asked.claim(part.matches)) for part in asked.denies]
    refused = asked.claim(negation(asked.encoded.allowed()))
    permitted = asked.claim(asked.encoded.some_match(Effect.ALLOW))
    kinds = [
        (asked.claim(kind), people) for kind, people in kinds_of_people(directory or Directory(), asked.space).items()
    ]
    programs = [
        (asked.claim(asked.space.is_subject(Subject(service=names[0]))), names)
        for names in _kinds_of_services(services, asked)
    ]
    at_most = {one: asked.claim(asked.space.proves_at_most(one)) for one in sorted({*(can_prove or {}).values()})}
    found = [(part, asked.example(refused, meant, passes, claim)) for part, claim in allowing]
    ways = tuple(_way(asked, part, example) for part, example in found if example)
    can = [(kind, people) for kind, people in kinds if asked.is_possible(meant, allowed, kind)]
    too_weak = {
        (kind, strength)
        for kind, _ in can
        for strength, limit in at_most.items()
        if not asked.is_possible(meant, allowed, kind, limit)
    }
    return WhoCan(
        apps=tuple(asked.apps_of([target])),
        ways=ways,
        limits=tuple(
            _way(asked, part) for part, claim in denying if ways and asked.is_possible(meant, permitted, claim)
        ),
        people=tuple(one.id for _, people in can for one in people),
        set_up_first=tuple(
            one.id for kind, people in can for one in people if (kind, (can_prove or {}).get(one.id)) in too_weak
        ),
        services=tuple(
            sorted(name for kind, names in programs if asked.is_possible(meant, allowed, kind) for name in names)
        ),
    )


def _kinds_of_services(services: Iterable[ServiceId], asked: Inquiry) -> list[list[ServiceId]]:
    """Return services, those together that no rule tells apart: each that a rule names by itself, and all others."""
    named = frozenset(asked.space.services)
    kinds: dict[ServiceId | None, list[ServiceId]] = {}
    for one in services:
        kinds.setdefault(one if one in named else None, []).append(one)
    return list(kinds.values())


def what_can(
    rules: Rules,
    catalogue: Catalogue,
    subject: Subject,
    *,
    can_prove: AuthStrength = AuthStrength.PHISHING_RESISTANT,
    seconds_each: float,
) -> tuple[AppReach, ...]:
    """Return what a subject can do with which apps, under some circumstances; apps it cannot reach are left out.

    Args:
        rules: the rulebook.
        catalogue: the apps that exist.
        subject: a person or a service, with the groups it is in. Its proofs are not looked at.
        can_prove: the strongest proof that it has set up.
        seconds_each: how long the solver may work on one question.

    Raises:
        InvalidRules: when the rules cannot be used.
        CannotProve: when Cedar beside the document uses what is not understood.
        Undecided: when the time was too short.
    """
    asked = Inquiry(rules, catalogue, seconds_each=seconds_each)
    who, passes = asked.space.is_subject(subject), asked.not_denied()
    meant = [(app, asked.claim(who, asked.is_app(app), passes)) for app in catalogue.apps]
    actions = [(action, asked.claim(asked.space.action((action,)))) for action in ACTIONS]
    permitted = asked.claim(asked.encoded.some_match(Effect.ALLOW))
    has_set_up = asked.claim(asked.space.proves_at_most(can_prove))
    parts = [(part, asked.claim(part.matches)) for part in asked.allows]
    found = (
        AppReach(
            app=app,
            actions=tuple(action for action, claim in actions if asked.is_possible(here, permitted, claim)),
            rules=tuple(_way(asked, part) for part, claim in parts if asked.is_possible(here, claim)),
            set_up_first=tuple(
                action
                for action, claim in actions
                if asked.is_possible(here, permitted, claim)
                and not asked.is_possible(here, permitted, claim, has_set_up)
            ),
        )
        for app, here in meant
        if asked.is_possible(here, permitted)
    )
    return tuple(found)


def _way(asked: Inquiry, part: Part, example: Counterexample | None = None) -> Way:
    rule = asked.rule(part.name)
    return Way(rule=part.name, line=rule.line if rule else 0, words=asked.words(part.name), example=example)
