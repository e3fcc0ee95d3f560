"""Finds out whom a signal means here: the one person its transmitter may speak of, or nobody."""

from ostiary.identity.facade import Person, UnknownPerson, find_linked, find_person, get_person
from ostiary.policy.identifiers import PersonId
from ostiary.signals.domain.subjects import Subject
from ostiary.signals.domain.trust import Transmitter
from ostiary.signals.queries.receivers import issuer


def find_meant(transmitter: Transmitter, subject: Subject) -> Person | None:
    """Return the one person a subject means here; nobody when it means none, several, or somebody it may not speak of."""
    found: set[PersonId] = set()
    for account in subject.accounts:
        if account.issuer.rstrip("/") not in transmitter.subject_issuers:
            continue
        if account.issuer.rstrip("/") == issuer():
            found |= _by_identifier(account.subject)
        elif (linked := find_linked(account.issuer, account.subject)) is not None:
            found.add(linked)
    for email in subject.emails:
        if email.rpartition("@")[2] in transmitter.email_domains:
            found |= _by_address(email)
    return get_person(found.pop()) if len(found) == 1 else None


def _by_identifier(person_id: str) -> set[PersonId]:
    try:
        return {get_person(PersonId(person_id)).id}
    except UnknownPerson:
        return set()


def _by_address(email: str) -> set[PersonId]:
    """Return whose confirmed address it is: one that nobody has shown to be theirs names nobody."""
    try:
        person = find_person(email)
    except UnknownPerson:
        return set()
    return {person.id} if person.email_confirmed else set()
