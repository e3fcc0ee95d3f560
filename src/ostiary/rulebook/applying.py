"""Carries out a plan: one transaction, or nothing. What the plan says must be true of the rules in force at that moment."""

import time

from django.db import transaction

from ostiary.policy.rules.problems import InvalidRules
from ostiary.rulebook.clauses import note_refuted, refuse_refuted
from ostiary.rulebook.domain import AppliedRules
from ostiary.rulebook.failing import note_failing, refuse_failing
from ostiary.rulebook.lifecycle import NeedsApproval, PeopleNotNamed, RulesFollowed, RulesOvertaken
from ostiary.rulebook.plan import Plan
from ostiary.rulebook.queries import get_current
from ostiary.rulebook.services import put_in_force, refuse_while_held, take_turns


def apply_plan(
    plan: Plan,
    *,
    comment: str = "",
    people_named: int | None = None,
    restores: int = 0,
    despite_failing_tests: bool = False,
    despite_follow: bool = False,
) -> AppliedRules:
    """Put the rules of a plan in force: for good, or on trial where a guard says so.

    Args:
        plan: made just now, for whoever applies it.
        comment: why.
        people_named: from how many people access is taken, as somebody said it; only asked for when many are.
        restores: the number of the earlier rules whose text this is, if it is. Those were in force, so they may come
            back although their tests fail by now.
        despite_failing_tests: whether the rules are meant although tests of theirs fail or clauses do not hold, which the
            history then says.
        despite_follow: change the rules here although they come from a repository.

    Returns:
        The rules now in force; those that already were when nothing differs.

    Raises:
        InvalidRules: when they cannot be used.
        TestsFail: when tests of theirs fail, and nobody said that they are meant despite that.
        ClausesRefuted: when a clause of theirs does not hold, and nobody said so either.
        RulesFollowed: when the rules come from a repository.
        NeedsApproval: when a second administrator must approve; propose them instead.
        PeopleNotNamed: when the number of people was not said, or another one.
        ChangeHeld: while another change is held.
        RulesOvertaken: when other rules were put in force since the plan was made.
        RecordUnavailable: when it cannot be put on record.
    """
    refuse_followed(plan.follows, despite_follow=despite_follow)
    if plan.needs_approval:
        raise NeedsApproval(
            "A second administrator must approve changes of the rules here.",
            hint="Propose them: they are applied when somebody else approves them.",
        )
    return carry_out(
        plan,
        comment=comment,
        people_named=people_named,
        restores=restores,
        despite_failing_tests=despite_failing_tests,
    )


def refuse_followed(follows: str, *, despite_follow: bool = False) -> None:
    """Return when rules are made here, or when the repository they come from is overruled on purpose.

    Args:
        follows: the repository; empty when rules are made here.
        despite_follow: whether it is overruled.

    Raises:
        RulesFollowed: otherwise.
    """
    if follows and not despite_follow:
        raise RulesFollowed(
            f"The rules come from {follows}. Nothing was changed: commit and push the change there, and it is looked at.",
            hint="When that cannot wait, on the machine itself: ostiary rules apply FILE --despite-follow",
        )


def carry_out(
    plan: Plan,
    *,
    comment: str,
    people_named: int | None,
    proposed_by: str = "",
    restores: int = 0,
    despite_failing_tests: bool = False,
) -> AppliedRules:
    """Put the rules of a plan in force that everybody has agreed to who must. See `apply_plan`."""
    if not plan.is_valid:
        raise InvalidRules(plan.report.problems)
    refuse_failing(plan.report, despite_failing_tests=despite_failing_tests or bool(restores))
    refuse_refuted(plan.refuted, despite=despite_failing_tests or bool(restores))
    if plan.people_to_name and people_named != plan.people_to_name:
        raise PeopleNotNamed(
            f"This takes access from {plan.people_to_name} people"
            + (f", not {people_named}." if people_named is not None else "."),
            hint=f"Look at who loses what. If it is meant, say the number: {plan.people_to_name}.",
        )
    with transaction.atomic():
        take_turns()
        now, current = time.time(), get_current()
        if current.number and (current.document, current.cedar) == (plan.document, plan.cedar):
            return current
        refuse_while_held()
        if current.number != plan.before.number:
            raise RulesOvertaken(
                f"Rules number {current.number} by {current.applied_by} came into force meanwhile.",
                hint="Nothing was changed. Begin again from those.",
            )
        return put_in_force(
            plan.document,
            plan.cedar,
            actor=plan.actor,
            comment=note_failing(plan.report, note_refuted(plan.refuted, comment)),
            before=current,
            now=now,
            proposed_by=proposed_by,
            restores=restores,
            hold_until=now + plan.confirm_seconds if plan.hold_reasons else 0.0,
            hold_reasons=plan.hold_reasons,
        )
