"""Questions about people: the request that the decision service would make of them, with what is assumed where nothing is said."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from ostiary.applications.facts import read_applications
from ostiary.gateway.known_names import known_names
from ostiary.gateway.surroundings import place_of
from ostiary.identity.facade import (
    Person,
    UnknownPerson,
    UnknownSession,
    find_person,
    get_person,
    get_session,
    strongest_proof,
)
from ostiary.policy.identifiers import PersonId, SessionId
from ostiary.policy.request import AccessRequest, Authentication, AuthStrength, Context, Resource, Subject
from ostiary.policy.snapshot import Catalogue
from ostiary.policy.why.question import NO_SECOND_FACTOR, Question, read_question

_MFA_WORDS: Final = {
    AuthStrength.SINGLE: NO_SECOND_FACTOR,
    AuthStrength.OTP: "otp",
    AuthStrength.PHISHING_RESISTANT: "phishing-resistant",
}


class AssumedFact(StrEnum):
    """A fact that was assumed because nothing was said of it."""

    PROOF = "proof"
    DO = "do"
    PATH = "path"
    DEVICE = "device"
    ADDRESS = "address"
    COUNTRY = "country"
    RISK = "risk"
    TIME = "time"


class Assumed(msgspec.Struct, frozen=True):
    """One assumption; an empty value means not known, for the time that it is now."""

    fact: AssumedFact
    value: str = ""


class Inquiry(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's request, ready to be decided.

    Args:
        person: who asks.
        request: what they ask, with every fact.
        at: when, seconds since the epoch.
        can_prove: the strongest second factor that they have set up.
        assumed: what nobody said.
    """

    person: Person
    request: AccessRequest
    at: float
    can_prove: AuthStrength
    assumed: tuple[Assumed, ...]


def pose(*, who: str, written: Mapping[str, str], session: str = "", now: float) -> Inquiry:
    """Return the request that somebody would make.

    Without a session and without a word on proofs, they gave the strongest that they have set up, just now.

    Args:
        who: an e-mail address or an identifier.
        written: what is said, by the keys of `policy.why.question`.
        session: a sign-in whose proofs count.
        now: seconds since the epoch.

    Raises:
        InvalidQuestion: when what is said cannot be read.
        UnknownPerson: when there is no such person.
        UnknownSession: when the sign-in has ended, or is somebody else's.
    """
    person = find_person(who) if "@" in who else _by_identifier(who.strip())
    can_prove = strongest_proof(person)
    catalogue = read_applications()
    said = {key: text for key, text in written.items() if text.strip()}
    assumed: tuple[Assumed, ...] = ()
    if not session and "mfa" not in said:
        said["mfa"] = _MFA_WORDS[can_prove]
        assumed = (Assumed(AssumedFact.PROOF, said["mfa"]),)
    question = read_question(said, known_names(), now)
    request = msgspec.structs.replace(
        question.request,
        subject=Subject(
            person=person.id,
            email=person.email,
            groups=frozenset(person.groups),
            session=SessionId(session) if session else None,
            authentications=_proofs(question, person, session, said),
        ),
        resource=_labelled(question.request.resource, catalogue),
        context=_placed(question.request.context),
    )
    return Inquiry(
        person=person,
        request=request,
        at=question.at,
        can_prove=can_prove,
        assumed=(*assumed, *_assumed(said, request.context)),
    )


def _by_identifier(text: str) -> Person:
    try:
        return get_person(PersonId(text))
    except UnknownPerson:
        raise UnknownPerson(
            f"There is nobody with the identifier {text[:100]}.", hint="Give their e-mail address instead."
        ) from None


def _proofs(question: Question, person: Person, session: str, said: Mapping[str, str]) -> tuple[Authentication, ...]:
    """Return what was proved in the session, if one is named, and what is said besides."""
    proofs = question.request.subject.authentications
    if not session:
        return proofs
    found = get_session(SessionId(session))
    if found.person_id != person.id:
        raise UnknownSession(f"This sign-in is not {person.email}'s.", hint="See theirs: ostiary session list -p EMAIL")
    return (*found.authentications, *(proofs if "mfa" in said else ()))


def _labelled(resource: Resource, catalogue: Catalogue) -> Resource:
    labels = resource.labels | frozenset(catalogue.apps[resource.app].labels)
    return msgspec.structs.replace(resource, labels=labels)


def _placed(context: Context) -> Context:
    """Return the context with the country that the decision service would find for the address."""
    country = context.country or place_of(context.address).country
    return msgspec.structs.replace(context, country=country)


def _assumed(said: Mapping[str, str], context: Context) -> Iterator[Assumed]:
    for key, fact, value in (
        ("do", AssumedFact.DO, "view"),
        ("path", AssumedFact.PATH, "/"),
        ("device", AssumedFact.DEVICE, ""),
        ("from", AssumedFact.ADDRESS, ""),
        ("country", AssumedFact.COUNTRY, context.country or ""),
        ("risk", AssumedFact.RISK, str(context.risk or 0)),
        ("at", AssumedFact.TIME, ""),
    ):
        if key not in said:
            yield Assumed(fact, value)
