"""Rules that come from a git repository: each commit is planned once, and applied when nothing speaks against it.

Where something does, it waits as a proposal for an administrator to look at. Nothing is applied twice: whoever overrules
the repository on purpose is not overruled by it a minute later, and a branch that is put back waits for somebody.
"""

import time
from collections.abc import Callable
from typing import Final

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from ostiary.config.places import Instance
from ostiary.policy.rules.problems import Problem
from ostiary.rulebook.adapters.git_process import Access, RepositoryUnusable
from ostiary.rulebook.adapters.git_repository import Revision, fetch_revision
from ostiary.rulebook.applying import carry_out
from ostiary.rulebook.domain import AppliedRules
from ostiary.rulebook.followed import note_seen, note_unreadable
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
_LOG = structlog.get_logger(__name__)


def follow_repository(read_surroundings: Callable[[], Surroundings]) -> str:
    """Fetch the followed repository and do what its newest commit asks; return what was done, in a few words.

    Args:
        read_surroundings: returns everybody and everything; only called when there is something new.

    Raises:
        RepositoryUnusable: when it cannot be read.
        ChangeHeld, RulesOvertaken, RecordUnavailable: when its rules cannot be applied now; it is tried again.
    """
    if not settings.INSTANCE.configuration.rules.follow:
        return ""
    try:
        revision = _fetch(settings.INSTANCE)
    except RepositoryUnusable as error:
        note_unreadable(str(error), now=time.time())
        raise
    problems, done = _look_at(revision, read_surroundings)
    if note_seen(revision, problems, now=time.time()) and problems:
        _LOG.warning("followed_rules_invalid", commit=revision.commit, problem=str(problems[0]), problems=len(problems))
    return f"{revision.commit[:12]} {done}"


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


def _fetch(instance: Instance) -> Revision:
    rules = instance.configuration.rules

    def place(path: str) -> str:
        return str(instance.home / path) if path else ""

    return fetch_revision(
        rules.follow,
        branch=rules.follow_branch,
        file=rules.follow_file,
        access=Access(
            key=place(rules.follow_key),
            known_hosts=place(rules.follow_known_hosts),
            token=place(rules.follow_token),
            authority=place(rules.follow_authority),
        ),
        folder=instance.state / FOLDER,
    )


def _look_at(revision: Revision, read_surroundings: Callable[[], Surroundings]) -> tuple[tuple[Problem, ...], str]:
    """Return why the rules of a commit cannot be used, and what was done with it, in words."""
    _overtake(ProposalRow.objects.exclude(origin=revision.commit))
    known = ProposalRow.objects.filter(origin=revision.commit).first()
    current = get_current()
    again = _why_again(known, current) if known is not None else ""
    if known is not None and not again:
        return (), f"is {known.state}"
    if current.document == revision.document:
        _overtake(ProposalRow.objects.all())
        return (), "is in force"
    plan = plan_change(
        revision.document, current.cedar, actor=FOLLOWER, actor_request=None, surroundings=read_surroundings()
    )
    if not plan.is_valid:
        return plan.report.problems, f"cannot be used: {plan.report.problems[0]}"
    return (), _carry_out(plan, revision, (again,) if again else ())


def _why_again(known: ProposalRow, current: AppliedRules) -> str:
    """Return why a commit that was looked at before waits for somebody again; empty when it does not."""
    if known.state == ProposalState.OPEN:
        if known.based_on != current.number:
            return "other rules came into force since it was looked at"
        return "nobody approved it in time" if known.expires_at.timestamp() <= time.time() else ""
    by_another = ProposalRow.objects.filter(number=current.number).exclude(origin__in=("", known.origin)).exists()
    if known.state == ProposalState.OVERTAKEN or (known.state == ProposalState.APPLIED and by_another):
        return "the branch went back to a commit that was looked at before"
    return ""


def _overtake(others: QuerySet[ProposalRow]) -> None:
    """What is not the newest commit any more does not wait any more."""
    stale = others.exclude(origin="").filter(state=ProposalState.OPEN)
    if stale.exists():
        with transaction.atomic():
            take_turns()
            stale.update(state=ProposalState.OVERTAKEN.value)


def _carry_out(plan: Plan, revision: Revision, again: tuple[str, ...]) -> str:
    against = "; ".join((*what_speaks_against(plan), *again))
    comment = f"{revision.subject} ({revision.commit[:12]}, {revision.author})"
    if not against and plan.held is not None:
        return f"waits for the end of the trial of number {plan.held.number}"
    with transaction.atomic():
        take_turns()
        _overtake(ProposalRow.objects.all())
        proposal = propose_plan(plan, comment=comment, origin=revision.commit, waits_for=against, author=revision.email)
        if against:
            return f"waits: {against}"
        applied = carry_out(plan, comment=comment, people_named=None)
        mark_applied(proposal, actor=FOLLOWER, number=applied.number)
    return f"is applied as number {applied.number}"
