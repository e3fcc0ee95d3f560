"""Checking, comparing and applying rules. Applying is one transaction, on record, and told to the gateway.

What a change is judged by before it is applied lives in `plan`; what becomes of a held one in `holds`.
"""

import time
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from ostiary.changes import announce_change
from ostiary.policy.cedar.compiler import compile_document
from ostiary.policy.rules.document import RulesDocument
from ostiary.policy.rules.parsed import write_parsed
from ostiary.policy.rules.problems import InvalidRules
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.rules.selector_reader import Known
from ostiary.policy.snapshot import Catalogue
from ostiary.rulebook.domain import AppliedRules, CheckReport, RulesDifference, check, compare, version_of
from ostiary.rulebook.lifecycle import ChangeHeld, Hold, HoldReason
from ostiary.rulebook.models import AppliedRulesRow, HoldRow
from ostiary.rulebook.queries import get_current, get_hold, to_applied
from ostiary.visibility.facade import Actor, record_entity_change

MAX_COMMENT_CHARACTERS = 500


def check_rules(
    document: str, cedar: str = "", *, known: Known | None = None, catalogue: Catalogue | None = None
) -> CheckReport:
    """Say what is wrong with rules, or what they mean; change nothing.

    Args:
        document: the YAML text.
        cedar: Cedar text beside it.
        known: names that exist, to find misspelt ones; by default names are not checked.
        catalogue: the apps that exist, to run the document's tests with; by default they are not run.
    """
    database = settings.INSTANCE.configuration.decisions.country_database
    return check(document, cedar, known, countries_known=bool(database), catalogue=catalogue)


def show_cedar(document: str, cedar: str = "") -> str:
    """Return the Cedar policies that a document compiles to, and the Cedar text beside it.

    Raises:
        InvalidRules: when the document has a problem.
    """
    return "\n".join(part for part in (compile_document(read_rules(document)), cedar) if part.strip())


def compare_rules(old: str, new: str, *, old_cedar: str = "", new_cedar: str = "") -> RulesDifference:
    """Return what the new document changes, in words.

    Args:
        old: the document before; one that cannot be read any more counts as empty.
        new: the document after.
        old_cedar: the Cedar text before.
        new_cedar: the Cedar text after.

    Raises:
        InvalidRules: when the new document has a problem.
    """
    try:
        before = read_rules(old)
    except InvalidRules:
        before = RulesDocument()
    return compare(before, read_rules(new), cedar_changed=old_cedar.strip() != new_cedar.strip())


def apply_rules(
    document: str, cedar: str = "", *, actor: Actor, comment: str = "", known: Known | None = None
) -> AppliedRules:
    """Put rules in force, whatever they do to anybody. What people do goes through `plan` instead.

    Args:
        document: the YAML text. An empty one lets nobody in.
        cedar: Cedar text beside it.
        actor: who applies them.
        comment: why, for those who read the history.
        known: names that exist, to refuse misspelt ones; by default names are not checked.

    Returns:
        The rules now in force; those that already were when nothing differs.

    Raises:
        InvalidRules: when they cannot be used; nothing was changed.
        ChangeHeld: while another change is held; nothing was changed.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    report = check_rules(document, cedar, known=known)
    if not report.is_valid:
        raise InvalidRules(report.problems)
    with transaction.atomic():
        take_turns()
        before = get_current()
        if before.number and (before.document, before.cedar) == (document, cedar):
            return before
        refuse_while_held()
        return put_in_force(document, cedar, actor=actor, comment=comment, before=before, now=time.time())


def take_turns() -> None:
    """Wait for whoever else changes the rules; inside a transaction, which it then lasts for.

    The first row is a lock that every change takes. On SQLite a transaction that writes is alone anyway.
    """
    AppliedRulesRow.objects.select_for_update().only("number").order_by("number").first()


def refuse_while_held() -> None:
    """Return when no change is held.

    Raises:
        ChangeHeld: otherwise, with what to do.
    """
    hold = get_hold()
    if hold is not None:
        raise ChangeHeld(
            f"Rules number {hold.number} by {hold.actor} are held: they roll back by themselves at "
            f"{datetime.fromtimestamp(hold.until, UTC):%H:%M:%S} UTC unless they are confirmed.",
            hint="Confirm them or roll them back first: ostiary rules confirm, ostiary rules roll-back.",
        )


def put_in_force(
    document: str,
    cedar: str,
    *,
    actor: Actor,
    comment: str,
    before: AppliedRules,
    now: float,
    proposed_by: str = "",
    restores: int = 0,
    hold_until: float = 0.0,
    hold_reasons: tuple[HoldReason, ...] = (),
) -> AppliedRules:
    """Add rules to the history as the last, on record; inside a transaction that took its turn.

    Args:
        document: the YAML text.
        cedar: the Cedar text beside it.
        actor: who does it.
        comment: why.
        before: the rules in force until now.
        now: seconds since the epoch.
        proposed_by: whose rules they are, when somebody else than the actor proposed them; the actor then approves.
        restores: the number whose text this is, when it brings an earlier one back.
        hold_until: when they roll back by themselves; 0 for rules that stay.
        hold_reasons: why they do.
    """
    row = AppliedRulesRow.objects.create(
        version=version_of(document, cedar),
        document=document,
        cedar=cedar,
        parsed=_parsed(document),
        comment=comment.strip()[:MAX_COMMENT_CHARACTERS].replace("\0", ""),
        applied_at=datetime.fromtimestamp(now, UTC),
        applied_by=(proposed_by or actor.label)[:254],
        actor_kind=actor.kind,
        actor_id=actor.id[:254],
        approved_by=actor.label[:254] if proposed_by else "",
        restores=restores,
    )
    if hold_until:
        HoldRow.objects.create(
            rules=row,
            restores=before.number,
            reasons=[reason.value for reason in hold_reasons],
            held_at=datetime.fromtimestamp(now, UTC),
            until=datetime.fromtimestamp(hold_until, UTC),
        )
    applied = to_applied(row)
    announce_change("rulebook", takes_away=True)
    _put_on_record(actor, before, applied, now)
    return applied


def _parsed(document: str) -> bytes:
    """Return the document ready to load; nothing for one that cannot be read, which then lets nobody in."""
    try:
        return write_parsed(document, read_rules(document))
    except InvalidRules:
        return b""


def _put_on_record(actor: Actor, before: AppliedRules, after: AppliedRules, now: float) -> None:
    """Write the last step of the transaction: a change that cannot be recorded does not happen."""
    facts: dict[str, Any] = {
        "number": after.number,
        "version": after.version,
        "difference": _plain_difference(before, after),
        "proposed_by": after.applied_by if after.approved_by else None,
        "restores": after.restores or None,
        "held": _plain_hold(after.hold) if after.hold else None,
    }
    record_entity_change(
        "rules",
        "rules",
        "update" if before.number else "create",
        actor=actor,
        name=f"rules {after.number}",
        version=after.version,
        before={"number": before.number, "version": before.version} if before.number else None,
        after={name: value for name, value in facts.items() if value is not None},
        comment=after.comment,
        at=now,
    )


def _plain_hold(hold: Hold) -> dict[str, Any]:
    return {"until": int(hold.until * 1000), "reasons": [str(reason) for reason in hold.reasons]}


def _plain_difference(before: AppliedRules, after: AppliedRules) -> dict[str, Any]:
    try:
        difference = compare_rules(before.document, after.document, old_cedar=before.cedar, new_cedar=after.cedar)
    except InvalidRules:
        return {"unreadable": True}
    return {
        "added": {one.name: one.words for one in difference.added},
        "removed": {one.name: one.words for one in difference.removed},
        "changed": {one.name: {"before": one.before, "after": one.after} for one in difference.changed},
        "cedar_changed": difference.cedar_changed,
    }
