"""What this pillar tells the policy engine: who exists, and who is signed in."""

import time

from ostiary.identity.models import Group, Membership, Person
from ostiary.identity.session_queries import live_sessions, session_from_row
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.policy.snapshot import Directory, PersonFact, SessionFact, Sessions


def read_identity() -> Directory:
    """Return everybody, disabled people included, and every group."""
    groups_of: dict[str, list[GroupId]] = {}
    for person, group in Membership.objects.order_by("person_id", "group_id").values_list("person_id", "group_id"):
        groups_of.setdefault(person, []).append(GroupId(group))
    people = {
        PersonId(id_): PersonFact(
            id=PersonId(id_), email=email, name=name, active=active, groups=tuple(groups_of.get(id_, ()))
        )
        for id_, email, name, active in Person.objects.values_list("id", "email", "name", "is_active")
    }
    return Directory(
        people=people, groups={GroupId(one): name for one, name in Group.objects.values_list("id", "name")}
    )


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
