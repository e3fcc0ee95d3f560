"""Checking, comparing and applying rules. Applying is one transaction, on record, and told to the gateway."""

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
from ostiary.rulebook.domain import AppliedRules, CheckReport, RulesDifference, check, compare, version_of
from ostiary.rulebook.models import AppliedRulesRow
from ostiary.rulebook.queries import get_current, to_applied
from ostiary.visibility.facade import Actor, entity_change_event, new_uid, record

MAX_COMMENT_CHARACTERS = 500


def check_rules(document: str, cedar: str = "", *, known: Known | None = None) -> CheckReport:
    """Say what is wrong with rules, or what they mean; change nothing.

    Args:
        document: the YAML text.
        cedar: Cedar text beside it.
        known: names that exist, to find misspelt ones; by default names are not checked.
    """
    database = settings.INSTANCE.configuration.decisions.country_database
    return check(document, cedar, known, countries_known=bool(database))


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
    """Put rules in force.

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
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    report = check_rules(document, cedar, known=known)
    if not report.is_valid:
        raise InvalidRules(report.problems)
    parsed = write_parsed(document, read_rules(document))
    now = time.time()
    with transaction.atomic():
        before = get_current()
        if before.number and (before.document, before.cedar) == (document, cedar):
            return before
        row = AppliedRulesRow.objects.create(
            version=version_of(document, cedar),
            document=document,
            cedar=cedar,
            parsed=parsed,
            comment=comment.strip()[:MAX_COMMENT_CHARACTERS].replace("\0", ""),
            applied_at=datetime.fromtimestamp(now, UTC),
            applied_by=actor.label[:254],
            actor_kind=actor.kind,
            actor_id=actor.id[:254],
        )
        applied = to_applied(row)
        announce_change("rulebook", takes_away=True)
        _put_on_record(actor, before, applied, now)
    return applied


def _put_on_record(actor: Actor, before: AppliedRules, after: AppliedRules, now: float) -> None:
    """Write the last step of the transaction: a change that cannot be recorded does not happen."""
    difference = compare_rules(before.document, after.document, old_cedar=before.cedar, new_cedar=after.cedar)
    record(
        entity_change_event(
            at=now,
            uid=new_uid(),
            actor=actor,
            change="update" if before.number else "create",
            entity_type="rules",
            entity_id="rules",
            entity_name=f"rules {after.number}",
            version=after.version,
            before={"number": before.number, "version": before.version} if before.number else None,
            after={"number": after.number, "version": after.version, "difference": _plain(difference)},
            comment=after.comment,
        )
    )


def _plain(difference: RulesDifference) -> dict[str, Any]:
    return {
        "added": {one.name: one.words for one in difference.added},
        "removed": {one.name: one.words for one in difference.removed},
        "changed": {one.name: {"before": one.before, "after": one.after} for one in difference.changed},
        "cedar_changed": difference.cedar_changed,
    }
