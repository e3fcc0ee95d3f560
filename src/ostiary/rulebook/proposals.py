"""Rules that one administrator proposes and another puts in force. Each step is one transaction, on record."""

import time
from datetime import UTC, datetime
from typing import Any, Literal

from django.conf import settings
from django.db import transaction

from ostiary.policy.rules.problems import InvalidRules
from ostiary.rulebook.applying import carry_out, refuse_followed
from ostiary.rulebook.domain import AppliedRules
from ostiary.rulebook.lifecycle import NotYours, Proposal, ProposalState, RulesOvertaken, UnknownProposal
from ostiary.rulebook.models import ProposalRow
from ostiary.rulebook.plan import Plan
from ostiary.rulebook.services import MAX_COMMENT_CHARACTERS, take_turns
from ostiary.visibility.facade import Actor, record_entity_change

HOUR_SECONDS = 3600.0
MAX_NUMBER = 2**62
EntityChange = Literal["create", "update", "delete"]


def list_proposals(*, now: float | None = None) -> tuple[Proposal, ...]:
    """Return what waits to be approved, the last first.

    Args:
        now: seconds since the epoch; what expired before is left out.
    """
    moment = datetime.fromtimestamp(now or time.time(), UTC)
    rows = ProposalRow.objects.filter(state=ProposalState.OPEN, expires_at__gt=moment)
    return tuple(_to_proposal(row, moment.timestamp()) for row in rows)


def get_proposal(proposal_id: int) -> Proposal:
    """Return one proposal, whatever became of it.

    Raises:
        UnknownProposal: when there is none with this number.
    """
    row = ProposalRow.objects.filter(pk=proposal_id).first() if 0 < proposal_id < MAX_NUMBER else None
    if row is None:
        raise UnknownProposal(
            f"There is no proposal number {proposal_id}.", hint="See what waits: ostiary rules proposals"
        )
    return _to_proposal(row, time.time())


def propose_plan(plan: Plan, *, comment: str = "", origin: str = "", waits_for: str = "", author: str = "") -> Proposal:
    """Store the rules of a plan for somebody else to put in force.

    Args:
        plan: what is proposed.
        comment: why.
        origin: the commit of a followed repository, if it comes from one.
        waits_for: why it was not applied by itself.
        author: the mail address of whoever wrote that commit, as it says.

    Raises:
        InvalidRules: when they cannot be used.
        RecordUnavailable: when it cannot be put on record; nothing was stored.
    """
    if not plan.is_valid:
        raise InvalidRules(plan.report.problems)
    now = time.time()
    hours = settings.INSTANCE.configuration.rules.proposal_hours
    with transaction.atomic():
        row = ProposalRow.objects.create(
            document=plan.document,
            cedar=plan.cedar,
            comment=comment.strip()[:MAX_COMMENT_CHARACTERS].replace("\0", ""),
            origin=origin[:254],
            waits_for=waits_for[:1000],
            based_on=plan.before.number,
            proposed_at=datetime.fromtimestamp(now, UTC),
            expires_at=datetime.fromtimestamp(now + hours * HOUR_SECONDS, UTC),
            actor_kind=plan.actor.kind,
            actor_id=plan.actor.id[:254],
            actor_label=plan.actor.label[:254],
            author=author[:254],
        )
        _put_on_record(plan.actor, row, "create", {"version": plan.version}, now, comment=row.comment)
    return _to_proposal(row, now)


def may_approve(proposal: Proposal, actor: Actor) -> bool:
    """Say whether this actor may approve: anybody but whoever proposed it, or wrote the commit.

    Nobody vouches for what a commit says of its author: that keeps the honest from approving what they wrote themselves.
    """
    wrote = bool(proposal.author) and proposal.author.casefold() == actor.label.casefold()
    return not wrote and (proposal.actor_kind, proposal.actor_id) != (actor.kind, actor.id)


def approve_proposal(
    proposal_id: int,
    plan: Plan,
    *,
    people_named: int | None = None,
    despite_failing_tests: bool = False,
    despite_follow: bool = False,
) -> AppliedRules:
    """Put a proposal in force, for good or on trial, as the plan of whoever approves it says.

    Args:
        proposal_id: which.
        plan: of the same texts, made just now for whoever approves.
        people_named: see `apply_plan`.
        despite_failing_tests: see `apply_plan`.
        despite_follow: see `apply_plan`.

    Raises:
        UnknownProposal: when there is no such proposal, or it is no longer open.
        RulesFollowed: when the rules come from a repository and the proposal does not.
        NotYours: when the same person proposed it.
        RulesOvertaken: when other rules came into force since it was proposed, or the plan is of other texts.
        InvalidRules, TestsFail, PeopleNotNamed, ChangeHeld, RecordUnavailable: see `apply_plan`.
    """
    with transaction.atomic():
        take_turns()
        proposal = _open(proposal_id)
        if not proposal.origin:
            refuse_followed(plan.follows, despite_follow=despite_follow)
        if not may_approve(proposal, plan.actor):
            did = "wrote the commit with" if proposal.author else "proposed"
            raise NotYours(f"You {did} these rules; somebody else must approve them.")
        if (plan.document, plan.cedar) != (proposal.document, proposal.cedar):
            raise RulesOvertaken("The plan is of other rules than the proposal.", hint="Look at the proposal again.")
        if proposal.based_on != plan.before.number:
            raise RulesOvertaken(
                f"Rules number {plan.before.number} came into force after these were proposed.",
                hint="Withdraw the proposal and make it again from those.",
            )
        applied = carry_out(
            plan,
            comment=proposal.comment,
            people_named=people_named,
            proposed_by=proposal.actor,
            despite_failing_tests=despite_failing_tests,
        )
        _decide(proposal, ProposalState.APPLIED, plan.actor, number=applied.number)
    return applied


def mark_applied(proposal: Proposal, *, actor: Actor, number: int) -> None:
    """Note that a proposal came into force without anybody's approval, as those of a followed repository do."""
    _decide(proposal, ProposalState.APPLIED, actor, number=number)


def withdraw_proposal(proposal_id: int, *, actor: Actor) -> None:
    """Take a proposal back; whoever made it may, and every administrator.

    Raises:
        UnknownProposal: when there is no such proposal, or it is no longer open.
        RecordUnavailable: when it cannot be put on record; nothing was changed.
    """
    with transaction.atomic():
        take_turns()
        _decide(_open(proposal_id), ProposalState.WITHDRAWN, actor)


def _open(proposal_id: int) -> Proposal:
    proposal = get_proposal(proposal_id)
    if proposal.state is not ProposalState.OPEN:
        raise UnknownProposal(
            f"Proposal number {proposal_id} is {proposal.state}.", hint="See what waits: ostiary rules proposals"
        )
    return proposal


def _decide(proposal: Proposal, state: ProposalState, actor: Actor, *, number: int = 0) -> None:
    now = time.time()
    row = ProposalRow.objects.get(pk=proposal.id)
    row.state, row.number = state.value, number
    row.decided_at, row.decided_by = datetime.fromtimestamp(now, UTC), actor.label[:254]
    row.save(update_fields=["state", "number", "decided_at", "decided_by"])
    withdrawn = state is ProposalState.WITHDRAWN
    facts = {"state": state.value} | ({"number": number} if number else {})
    _put_on_record(actor, row, "delete" if withdrawn else "update", facts, now, comment=state.value)


def _put_on_record(
    actor: Actor, row: ProposalRow, change: EntityChange, facts: dict[str, Any], now: float, *, comment: str
) -> None:
    record_entity_change(
        "proposal",
        str(row.pk),
        change,
        actor=actor,
        name=f"proposal {row.pk} of rules",
        after={"proposed_by": row.actor_label, "origin": row.origin, **facts},
        comment=comment,
        at=now,
    )


def _to_proposal(row: ProposalRow, now: float) -> Proposal:
    expired = row.state == ProposalState.OPEN and row.expires_at.timestamp() <= now
    return Proposal(
        id=row.pk,
        document=row.document,
        cedar=row.cedar,
        comment=row.comment,
        origin=row.origin,
        waits_for=row.waits_for,
        based_on=row.based_on,
        proposed_at=row.proposed_at.timestamp(),
        expires_at=row.expires_at.timestamp(),
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        actor=row.actor_label,
        state=ProposalState.EXPIRED if expired else ProposalState(row.state),
        decided_at=row.decided_at.timestamp() if row.decided_at else 0.0,
        decided_by=row.decided_by,
        number=row.number,
        author=row.author,
    )
