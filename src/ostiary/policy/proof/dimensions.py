"""The dimensions in which requests differ, cut into classes, and the request that given values make.

Which values are tried lives in `candidates`; the whole of all dimensions is `space`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from ostiary.policy.conditions import gather
from ostiary.policy.identifiers import AppId, GroupId, PersonId, ServiceId
from ostiary.policy.proof import candidates
from ostiary.policy.proof.formula import Formula, atom
from ostiary.policy.proof.moments import USUAL_MOMENT
from ostiary.policy.proof.questions import Asked, PathPrefix, Question, Scopes, answer, key_of
from ostiary.policy.reads import EVERYTHING
from ostiary.policy.request import (
    AccessRequest,
    ActionClass,
    Authentication,
    AuthStrength,
    Context,
    Device,
    Resource,
    Subject,
)
from ostiary.policy.rules.document import (
    Countries,
    DeviceFact,
    Hours,
    Mfa,
    Networks,
    RiskBelow,
    WhoKind,
)

KIND, PERSON, EMAIL, SERVICE, APP, ACTION = "kind", "person", "email", "service", "app", "action"
PATH, MOMENT, ADDRESS, COUNTRY, RISK = "path", "moment", "address", "country", "risk"
PROOFS: Final = {f"proof {strength}": strength for strength in reversed(AuthStrength) if strength}
"""One dimension for each strength: the freshest proof of exactly that strength. The strongest is the least usual."""

METHODS: Final = {
    AuthStrength.SINGLE: "password",
    AuthStrength.ANY: "recovery_code",
    AuthStrength.OTP: "totp",
    AuthStrength.PHISHING_RESISTANT: "webauthn",
}
GROUP, DEVICE = "group ", "device "

Answers = tuple[bool | None, ...]
replace = msgspec.structs.replace


class Dimension(msgspec.Struct, frozen=True):
    """One respect in which requests differ.

    Args:
        name: unique in the space.
        values: for each class, the value that stands for it; the usual one first.
        questions: what is asked about this dimension.
        answers: for each class, the answer to each of these.
        positions: where among these a question stands, by its key.
    """

    name: str
    values: tuple[Any, ...]
    questions: tuple[Question, ...] = ()
    answers: tuple[Answers, ...] = ((),)
    positions: Mapping[bytes, int] = {}

    def those(self, chosen: Callable[[Any], bool]) -> Formula:
        """Return that the class's value is among the chosen ones."""
        return atom(self.name, (n for n, value in enumerate(self.values) if chosen(value)), len(self.values))

    def answering(self, question: Question, *answers: bool | None) -> Formula:
        """Return that the question has one of these answers."""
        at = self.positions[key_of(question)]
        return atom(self.name, (n for n, one in enumerate(self.answers) if one[at] in answers), len(self.answers))

    def class_of(self, request: AccessRequest, now: float) -> int:
        """Return the class of a request: the one in which every question has the same answer.

        Raises:
            ValueError: when there is none. That would be a mistake in `candidates`.
        """
        if not self.questions:
            return 0
        if strength := PROOFS.get(self.name):
            request = _with_proofs_of(strength, request)
        return self.answers.index(_answers(self.questions, request, now))


def assemble(values: Mapping[str, Any]) -> tuple[AccessRequest, float]:
    """Return the request with these values, by dimension, and its moment. What is left out has its usual value."""
    now = values.get(MOMENT, USUAL_MOMENT)
    is_person = values.get(KIND, WhoKind.PERSON) is WhoKind.PERSON
    device = {name.removeprefix(DEVICE): value for name, value in values.items() if name.startswith(DEVICE)}
    known = {name: value for name, value in device.items() if value is not None}
    given = [(strength, values[name]) for name, strength in PROOFS.items() if values.get(name) is not None]
    request = AccessRequest(
        subject=Subject(
            person=PersonId(values.get(PERSON, "someone")) if is_person else None,
            email=values.get(EMAIL) if is_person else None,
            service=None if is_person else ServiceId(values.get(SERVICE, "other")),
            groups=frozenset(GroupId(n.removeprefix(GROUP)) for n, on in values.items() if n.startswith(GROUP) and on),
            authentications=(
                Authentication(METHODS[AuthStrength.SINGLE], AuthStrength.SINGLE, now),
                *(Authentication(METHODS[strength], strength, now - age) for strength, age in given),
            ),
        ),
        action=values.get(ACTION, ActionClass.VIEW),
        resource=Resource(app=values.get(APP, AppId("")), path=values.get(PATH, "/")),
        device=Device(
            managed=known.get("managed"),
            compliant=known.get("compliant"),
            attributes=tuple((n, value) for n, value in known.items() if n not in candidates.OWN_FACTS),
        )
        if known
        else None,
        context=Context(address=values.get(ADDRESS), country=values.get(COUNTRY), risk=values.get(RISK, 0)),
    )
    return request, now


def dimension_of(question: Question) -> str:
    """Return the dimension that a question is about. Questions about proofs are about several."""
    match question:
        case Scopes() | PathPrefix():
            return PATH
        case Hours():
            return MOMENT
        case Networks():
            return ADDRESS
        case Countries():
            return COUNTRY
        case RiskBelow():
            return RISK
        case DeviceFact(name=name):
            return DEVICE + name
        case Mfa():
            raise TypeError(question)


def dimensions_asked_about(asked: Asked) -> list[Dimension]:
    """Return the dimensions that questions are about; the common ones even when nothing is asked."""
    about: dict[str, list[Question]] = {name: [] for name in (PATH, *PROOFS, MOMENT, ADDRESS, COUNTRY, RISK)}
    for question in asked.questions.values():
        for name in PROOFS if isinstance(question, Mfa) else (dimension_of(question),):
            about.setdefault(name, []).append(question)
    return [_dimension(name, questions) for name, questions in about.items()]


def _dimension(name: str, questions: list[Question]) -> Dimension:
    """Return the dimension with one class for each way in which its questions can be answered."""
    classes: dict[Answers, Any] = {}
    for value in _candidates(name, questions):
        classes.setdefault(_answers(questions, *assemble({name: value})), value)
    positions = {key_of(question): at for at, question in enumerate(questions)}
    return Dimension(name, tuple(classes.values()), tuple(questions), tuple(classes), positions)


def _candidates(name: str, questions: list[Question]) -> list[Any]:
    if name.startswith(DEVICE):
        return list(candidates.facts(name.removeprefix(DEVICE), questions))
    if name in PROOFS:
        return list(candidates.ages(questions))
    if name == RISK:
        return list(candidates.risks())
    source: dict[str, Callable[[Sequence[Question]], list[Any]]] = {
        PATH: candidates.paths,
        MOMENT: candidates.moments,
        ADDRESS: candidates.addresses,
        COUNTRY: candidates.countries,
    }
    return source[name](questions)


def _answers(questions: Iterable[Question], request: AccessRequest, now: float) -> Answers:
    facts = gather(request, EVERYTHING, now)
    return tuple(answer(question, facts) for question in questions)


def _with_proofs_of(strength: AuthStrength, request: AccessRequest) -> AccessRequest:
    subject = request.subject
    only = tuple(proof for proof in subject.authentications if proof.strength == strength)
    return replace(request, subject=replace(subject, authentications=only))
