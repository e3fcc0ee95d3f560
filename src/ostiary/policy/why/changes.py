"""Changes of facts that could change an answer: what each does to a request, and what it asks of a person.

Which changes are worth trying lives in `candidates`; trying them in `least`.
"""

from collections.abc import Iterable

import msgspec

from ostiary.policy.decision import RemedyKind
from ostiary.policy.identifiers import GroupId
from ostiary.policy.remedies import EFFORT, come_back_words, confirm_words
from ostiary.policy.request import AccessRequest, Authentication, AuthStrength, Device
from ostiary.policy.rules.device_words import device_in_words
from ostiary.policy.rules.document import Condition, Countries, DeviceFact, Hours, Mfa, Networks, RiskBelow
from ostiary.policy.rules.words import PROOFS, condition_in_words

_METHODS = {
    AuthStrength.ANY: "recovery_code",
    AuthStrength.OTP: "totp",
    AuthStrength.PHISHING_RESISTANT: "webauthn",
}
_OWN_FACTS = ("managed", "compliant")
replace = msgspec.structs.replace


class Prove(msgspec.Struct, frozen=True, tag="prove"):
    """A proof of this strength, given at the moment of the request.

    Args:
        again: whether one as strong was given before, too long ago.
        set_up: whether the person has to set up such a proof first.
    """

    strength: AuthStrength
    again: bool = False
    set_up: bool = False


class Wait(msgspec.Struct, frozen=True, tag="wait"):
    """The same request, made at `at` (seconds since the epoch); `zone` is the one whose wall clock says it."""

    at: float
    zone: str = "UTC"


class ComeFrom(msgspec.Struct, frozen=True, tag="network"):
    """The request from `address`, which stands for every address inside the ranges, or outside them.

    Args:
        avoiding: ranges that have addresses in common with these, and that it must not be in.
    """

    address: str
    ranges: tuple[str, ...]
    outside: bool = False
    avoiding: tuple[str, ...] = ()


class BeIn(msgspec.Struct, frozen=True, tag="country"):
    """The request from `country`, which stands for each of the countries, or for any other one."""

    country: str
    codes: tuple[str, ...]
    outside: bool = False


class LowerRisk(msgspec.Struct, frozen=True, tag="risk"):
    """A risk just below `limit`."""

    limit: int


class Posture(msgspec.Struct, frozen=True, tag="device"):
    """A device of which this is known."""

    fact: DeviceFact


class Join(msgspec.Struct, frozen=True, tag="join"):
    """Membership in a group."""

    group: GroupId


class Leave(msgspec.Struct, frozen=True, tag="leave"):
    """No membership in a group."""

    group: GroupId


Change = Prove | Wait | ComeFrom | BeIn | LowerRisk | Posture | Join | Leave


class ChangeInWords(msgspec.Struct, frozen=True, kw_only=True):
    """A change as people read it.

    Args:
        change: what it is.
        kind: what kind of act it takes.
        words: the act, an instruction without a full stop.
    """

    change: Change
    kind: RemedyKind
    words: str


def apply_changes(request: AccessRequest, now: float, changes: Iterable[Change]) -> tuple[AccessRequest, float]:
    """Return the request and the moment as they would be; a proof is as fresh as the moment is late.

    Args:
        request: what was asked.
        now: when, seconds since the epoch.
        changes: in any order; of two that set the same fact, either.
    """
    wanted = list(changes)
    moment = max([now, *(change.at for change in wanted if isinstance(change, Wait))])
    for change in wanted:
        request = _changed(request, moment, change)
    return request, moment


def _changed(request: AccessRequest, moment: float, change: Change) -> AccessRequest:
    subject, context = request.subject, request.context
    match change:
        case Prove(strength=strength):
            proof = Authentication(_METHODS[strength], strength, moment)
            return replace(request, subject=replace(subject, authentications=(*subject.authentications, proof)))
        case Wait():
            return request
        case ComeFrom(address=address):
            return replace(request, context=replace(context, address=address))
        case BeIn(country=country):
            return replace(request, context=replace(context, country=country))
        case LowerRisk(limit=limit):
            return replace(request, context=replace(context, risk=limit - 1))
        case Posture(fact=fact):
            return replace(request, device=_with_fact(request.device or Device(), fact))
        case Join(group=group):
            return replace(request, subject=replace(subject, groups=subject.groups | {group}))
        case Leave(group=group):
            return replace(request, subject=replace(subject, groups=subject.groups - {group}))


def _with_fact(device: Device, fact: DeviceFact) -> Device:
    if fact.name in _OWN_FACTS:
        return replace(device, **{fact.name: fact.value})
    others = tuple((name, value) for name, value in device.attributes if name != fact.name)
    return replace(device, attributes=(*others, (fact.name, fact.value)))


def touched_by(change: Change) -> str:
    """Return the one fact that a change changes, in the terms of `touching`."""
    match change:
        case Prove():
            return "mfa"
        case Wait():
            return "time"
        case ComeFrom():
            return "network"
        case BeIn():
            return "country"
        case LowerRisk():
            return "risk"
        case Posture(fact=fact):
            return f"device.{fact.name}"
        case Join() | Leave():
            return "group"


def touching(condition: Condition) -> frozenset[str]:
    """Return the facts whose change could change a condition's status."""
    match condition:
        case Mfa(within_seconds=within):
            return frozenset({"mfa"} if within is None else {"mfa", "time"})
        case DeviceFact(name=name):
            return frozenset({f"device.{name}"})
        case Hours():
            return frozenset({"time"})
        case Networks():
            return frozenset({"network"})
        case Countries():
            return frozenset({"country"})
        case RiskBelow():
            return frozenset({"risk"})


def in_words(change: Change) -> ChangeInWords:
    """Return a change as people read it."""
    kind = _kind(change)
    return ChangeInWords(change=change, kind=kind, words=_words(change))


def effort(change: Change) -> tuple[int, int]:
    """Return what a change asks of people, to compare: the kind of act first, then how much of it."""
    return EFFORT[_kind(change)], _how_much(change)


def asks_no_less(change: Change, other: Change) -> bool:
    """Whether a change asks of people what another does, or more of the same: whoever can do it can do the other."""
    if isinstance(change, Prove | Wait | LowerRisk) and type(change) is type(other):
        return _how_much(change) >= _how_much(other)
    return change == other


def _how_much(change: Change) -> int:
    match change:
        case Prove(strength=strength):
            return int(strength)
        case Wait(at=at):
            return int(at)
        case LowerRisk(limit=limit):
            return -limit
        case Leave():
            return 1
        case _:
            return 0


def _kind(change: Change) -> RemedyKind:
    match change:
        case Prove(set_up=set_up):
            return RemedyKind.SET_UP if set_up else RemedyKind.STEP_UP
        case Wait():
            return RemedyKind.WAIT
        case ComeFrom() | BeIn():
            return RemedyKind.CHANGE_NETWORK
        case Posture():
            return RemedyKind.USE_DEVICE
        case LowerRisk() | Join() | Leave():
            return RemedyKind.ASK


def _words(change: Change) -> str:
    match change:
        case Prove(strength=strength, set_up=True):
            return f"Set up {PROOFS[strength]}, and confirm with it"
        case Prove(strength=strength, again=again):
            return confirm_words(strength, again=again)
        case Wait(at=at, zone=zone):
            return come_back_words(at, zone)
        case ComeFrom(ranges=ranges, outside=outside, avoiding=avoiding):
            but = f", and {_outside(Networks(avoiding))}" if avoiding else ""
            return _come(Networks(ranges), outside=outside) + but
        case BeIn(codes=codes, outside=outside):
            return _come(Countries(codes), outside=outside)
        case LowerRisk(limit=limit):
            return f"Bring the risk below {limit}"
        case Posture(fact=fact):
            return f"Work {device_in_words(fact)}"
        case Join(group=group):
            return f"Join the group {group}"
        case Leave(group=group):
            return f"Leave the group {group}"


def _come(place: Networks | Countries, *, outside: bool) -> str:
    return f"Come {_outside(place) if outside else condition_in_words(place)}"


def _outside(place: Networks | Countries) -> str:
    return condition_in_words(place).replace("from", "from outside", 1)
