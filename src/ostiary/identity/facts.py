"""What this pillar tells the policy engine: who exists, and who is signed in."""

import time

from ostiary.identity.models import Group, Membership, Person
from ostiary.identity.session_queries import live_sessions, session_from_row
from ostiary.identity.terms import in_force, seconds_of
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.policy.snapshot import Directory, PersonFact, SessionFact, Sessions


def read_identity() -> Directory:
    """Return everybody, disabled people included, and every group."""
    groups_of: dict[str, dict[GroupId, float | None]] = {}
    rows = Membership.objects.filter(in_force()).order_by("person_id", "group_id")
    for person, group, end in rows.values_list("person_id", "group_id", "ends_at"):
        terms = groups_of.setdefault(person, {})
        terms[GroupId(group)] = _later(terms.get(GroupId(group), 0.0), seconds_of(end))
    people = {
        PersonId(id_): PersonFact(
            id=PersonId(id_),
            email=email,
            name=name,
            active=active,
            groups=tuple(groups_of.get(id_, ())),
            terms={group: end for group, end in groups_of.get(id_, {}).items() if end is not None},
            ends_at=seconds_of(ends_at),
        )
        for id_, email, name, active, ends_at in Person.objects.values_list(
            "id", "email", "name", "is_active", "ends_at"
        )
    }
    return Directory(
        people=people, groups={GroupId(one): name for one, name in Group.objects.values_list("id", "name")}
    )


def _later(one: float | None, other: float | None) -> float | None:
    """Return the later of two ends; `None` is never."""
    return None if one is None or other is None else max(one, other)


def read_sessions() -> Sessions:
    """Return the sessions in which everything that is demanded was proved."""
    return Sessions(
        sessions={
            session.id: SessionFact(
                id=session.id,
                person=session.person_id,
                created_at=session.created_at,
                expires_at=session.expires_at,
                authentications=session.authentications,
            )
            for session in map(session_from_row, live_sessions(time.time()).filter(complete=True))
        }
    )
