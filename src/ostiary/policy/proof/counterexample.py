"""A request that shows something about rules, decided by the engine itself, and in words."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from ostiary.policy.decision import Allow, Decision, Deny, ReasonCode
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import Generation
from ostiary.policy.proof.candidates import UNKNOWN_PATH
from ostiary.policy.proof.dimensions import ADDRESS, COUNTRY, DEVICE, EMAIL, GROUP, MOMENT, PATH, PERSON, PROOFS, RISK
from ostiary.policy.proof.formula import Point
from ostiary.policy.proof.space import Space
from ostiary.policy.request import AccessRequest, ActionClass, AuthStrength
from ostiary.policy.rules.device_words import value_in_words
from ostiary.policy.rules.document import Hours, WhoKind
from ostiary.policy.rules.words import PROOFS as PROOF_WORDS
from ostiary.policy.rules.words import duration_in_words, joined
from ostiary.policy.snapshot import Catalogue, Rules

_VERBS: Final = {ActionClass.CONNECT: "connect to", ActionClass.UNKNOWN: "do something else with"}
_REASONS: Final = {
    ReasonCode.NO_RULES: "there are no rules",
    ReasonCode.NO_RULE_APPLIES: "no rule allows it",
    ReasonCode.CONDITIONS_UNMET: "no rule whose conditions are met allows it",
    ReasonCode.ENGINE_ERROR: "a Cedar policy fails",
}


class Counterexample(msgspec.Struct, frozen=True, kw_only=True):
    """One possible request, as the engine answers it.

    Args:
        at: the moment, seconds since the epoch.
        decision: the engine's own.
        words: the request and the answer, one sentence.
    """

    request: AccessRequest
    at: float
    decision: Decision
    words: str

    @property
    def allowed(self) -> bool:
        """Whether the request may pass."""
        return isinstance(self.decision, Allow)


def decided(
    point: Point, space: Space, rules: Rules, catalogue: Catalogue, *, matters: frozenset[str] | None = None
) -> Counterexample:
    """Return what stands for a point, decided by the engine.

    Args:
        point: the classes of the request.
        space: whose classes they are.
        rules: what it is decided by.
        catalogue: the apps that exist.
        matters: the dimensions that settle the answer; the words say nothing of others. `None` means all.
    """
    request, at = space.request_at(point)
    decision = PolicyEngine(rules, catalogue, Generation(0)).decide(request, at)
    told = frozenset(
        name
        for name, dimension in space.dimensions.items()
        if len(dimension.values) > 1 and (matters is None or name in matters)
    )
    return Counterexample(request=request, at=at, decision=decision, words=_in_words(point, space, decision, told))


def _in_words(point: Point, space: Space, decision: Decision, told: frozenset[str]) -> str:
    request, at = space.request_at(point)
    parts = [_subject(request, space, told), *_circumstances(point, request, space, told)]
    verb = _VERBS.get(request.action, request.action.value)
    may = "can" if isinstance(decision, Allow) else "cannot"
    where = f" at {_path(request.resource.path)}" if PATH in told else ""
    when = _moment(at, space) if MOMENT in told else ""
    sentence = f"{', '.join(parts)}{', ' if len(parts) > 1 else ' '}{may} {verb} {request.resource.app}{where}"
    return f"{sentence}{when}: {_answer(decision)}."


def _subject(request: AccessRequest, space: Space, told: frozenset[str]) -> str:
    subject = request.subject
    kind = "person" if subject.person else "service"
    named = _name_of(request, space)
    groups = sorted(subject.groups)
    inside = f" in {joined(list(groups))}" if groups else ""
    if not inside and not named and any(name.startswith(GROUP) for name in told):
        inside = " in none of the groups that rules name"
    return (f"The {kind} {named}" if named else f"A {kind}") + inside


def _name_of(request: AccessRequest, space: Space) -> str:
    subject = request.subject
    if subject.service:
        return subject.service if subject.service in space.dimensions[WhoKind.SERVICE].values[1:] else ""
    named = [name for name in (subject.person,) if name in space.dimensions[PERSON].values[1:]]
    emails = [one for one in (subject.email,) if one and one in space.dimensions[EMAIL].values[1:]]
    return " with the address ".join(str(one) for one in (*named, *emails))


def _circumstances(point: Point, request: AccessRequest, space: Space, told: frozenset[str]) -> Iterator[str]:
    context = request.context
    if told & set(PROOFS):
        yield _proofs(point, space)
    device = [name for name in space.dimensions if name.startswith(DEVICE) and name in told]
    if device:
        yield _device({name.removeprefix(DEVICE): space.dimensions[name].values[point[name]] for name in device})
    if ADDRESS in told:
        yield f"from the address {context.address}" if context.address else "from an address that is not known"
    if COUNTRY in told:
        yield f"from {context.country}" if context.country else "from a country that is not known"
    if RISK in told:
        yield "with a risk that is not known" if context.risk is None else f"with a risk of {context.risk}"


def _proofs(point: Point, space: Space) -> str:
    given = []
    for name, strength in PROOFS.items():
        age = space.dimensions[name].values[point[name]]
        if age is not None:
            given.append(PROOF_WORDS[AuthStrength(strength)] + _age(age))
    return f"with {joined(given)}" if given else "with a password only"


def _age(seconds: float) -> str:
    if seconds < 0:
        return " dated in the future"
    return f" from {duration_in_words(int(seconds))} ago" if seconds >= 1 else " given just now"


def _device(facts: dict[str, bool | int | str | None]) -> str:
    known = {name: value for name, value in facts.items() if value is not None}
    if not known:
        return "on an unknown device"
    words = []
    for name, value in known.items():
        plain = name.replace("_", " ")
        if isinstance(value, bool) and name in ("managed", "compliant"):
            words.append(f"is {plain}" if value else f"is not {plain}")
        else:
            words.append(f"has {plain} {value_in_words(value)}")
    return f"on a device that {joined(words)}"


def _path(path: str) -> str:
    return "a path that apps could read in more than one way" if path == UNKNOWN_PATH else path


def _moment(at: float, space: Space) -> str:
    questions = space.dimensions[MOMENT].questions
    zones = [window.zone for one in questions if isinstance(one, Hours) for window in one.windows]
    if not zones:
        return ""
    local = datetime.fromtimestamp(at, ZoneInfo(zones[0]))
    return f" on {local:%A}, {local.day} {local:%B %Y} at {local:%H:%M} ({zones[0]})"


def _answer(decision: Decision) -> str:
    names = joined([f"`{name}`" for name in decision.rules])
    if isinstance(decision, Allow):
        return f"allowed by {names}"
    return f"refused by {names}" if names else f"refused, {_refusal(decision)}"


def _refusal(decision: Deny) -> str:
    return _REASONS.get(decision.reason, decision.reason.value.replace("_", " "))
