"""Would new rules shut out the very person who applies them? Asked before they are applied, and only asks.

Source: lesson 26, lock-out.
"""

from ostiary.applications.facade import CONSOLE_APP, get_app
from ostiary.applications.facts import read_applications
from ostiary.identity.facade import get_session
from ostiary.policy.decision import Deny
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import Generation, PolicyVersion
from ostiary.policy.request import AccessRequest, ActionClass, Context, Resource, Subject
from ostiary.policy.snapshot import Rules
from ostiary.web.console.assertion import Caller


def find_lock_out(caller: Caller, document: str, cedar: str, now: float) -> Deny | None:
    """Return the refusal that the caller would meet in the console under these rules, or `None`.

    Args:
        caller: who is about to apply them.
        document: the new rules, already checked.
        cedar: the Cedar text beside them.
        now: seconds since the epoch.
    """
    rules = Rules(document=document, cedar=cedar, version=PolicyVersion("proposed"))
    engine = PolicyEngine(rules, read_applications(), Generation(0))
    request = AccessRequest(
        subject=Subject(
            person=caller.person.id,
            groups=frozenset(caller.person.groups),
            session=caller.session,
            authentications=get_session(caller.session).authentications,
        ),
        action=ActionClass.EDIT,
        resource=Resource(app=CONSOLE_APP, labels=frozenset(get_app(CONSOLE_APP).labels), path="/rules/edit"),
        context=Context(address=caller.address),
    )
    decision = engine.decide(request, now)
    return decision if isinstance(decision, Deny) else None
