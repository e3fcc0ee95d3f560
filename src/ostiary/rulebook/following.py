"""Rules that come from a git repository: each commit is planned once, and applied when nothing speaks against it.

Where something does, it waits as a proposal for an administrator to look at. Nothing is applied twice: whoever overrules
the repository on purpose is not overruled by it a minute later.
"""

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.db import transaction

from ostiary.config.places import Instance
from ostiary.policy.rules.problems import InvalidRules
from ostiary.rulebook.adapters.git_repository import Revision, fetch_revision
from ostiary.rulebook.applying import carry_out
from ostiary.rulebook.lifecycle import ProposalState
from ostiary.rulebook.models import ProposalRow
from ostiary.rulebook.plan import Plan, plan_change
from ostiary.rulebook.proposals import mark_applied, propose_plan
from ostiary.rulebook.queries import get_current
from ostiary.rulebook.services import take_turns
from ostiary.rulebook.surroundings import Surroundings
from ostiary.visibility.facade import Actor

FOLLOWER: Final = Actor(kind="system", id="rules-follow", label="Ostiary, from the repository")
FOLDER: Final = "rules.git"


def follow_repository(read_surroundings: Callable[[], Surroundings]) -> str:
    """Fetch the followed repository and do what its newest commit asks; return what was done, in a few words.

    Args:
        read_surroundings: returns everybody and everything; only called when there is something new.

    Raises:
        RepositoryUnusable: when it cannot be read.
        InvalidRules: when the rules in it cannot be used; those in force stay.
        ChangeHeld, RulesOvertaken, RecordUnavailable: when they cannot be applied now; it is tried again.
    """
    instance: Instance = settings.INSTANCE
    rules = instance.configuration.rules
    if not rules.follow:
        return ""
    revision = fetch_revision(
        rules.follow,
        branch=rules.follow_branch,
        file=rules.follow_file,
        key=rules.follow_key,
        folder=instance.state / FOLDER,
    )
    known = ProposalRow.objects.filter(origin=revision.commit).first()
    if known is not None:
        return f"{revision.commit[:12]} is {known.state}"
    current = get_current()
    if current.document == revision.document:
        return f"{revision.commit[:12]} is in force"
    plan = plan_change(
        revision.document, current.cedar, actor=FOLLOWER, actor_request=None, surroundings=read_surroundings()
    )
    if not plan.is_valid:
        raise InvalidRules(plan.report.problems)
    return _carry_out(plan, revision)


def what_speaks_against(plan: Plan) -> tuple[str, ...]:
    """Return why a plan is not carried out by itself, in words; nothing when it is."""
    against = []
    if plan.report.failures:
        against.append(f"{len(plan.report.failures)} of its tests fail")
    if plan.refuted:
        against.append(f"{len(plan.refuted)} of its clauses do not hold")
    if plan.hold_reasons:
        against.append("it shuts every administrator out of the console")
    if plan.people_to_name:
        against.append(f"it takes access from {plan.people_to_name} people")
    if plan.needs_approval:
        against.append("an administrator must approve changes")
    return tuple(against)


def _carry_out(plan: Plan, revision: Revision) -> str:
    against = what_speaks_against(plan)
    comment = f"{revision.subject} ({revision.commit[:12]}, {revision.author})"
    with transaction.atomic():
        take_turns()
        for older in ProposalRow.objects.filter(state=ProposalState.OPEN).exclude(origin=""):
            older.state = ProposalState.OVERTAKEN.value
            older.save(update_fields=["state"])
        proposal = propose_plan(plan, comment=comment, origin=revision.commit, waits_for="; ".join(against))
        if against:
            return f"{revision.commit[:12]} waits: {'; '.join(against)}"
        applied = carry_out(plan, comment=comment, people_named=None)
        mark_applied(proposal, actor=FOLLOWER, number=applied.number)
    return f"{revision.commit[:12]} is applied as number {applied.number}"
