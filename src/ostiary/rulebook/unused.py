"""Least privilege from use: what the rules in force allow and nobody used, and the document without it. Changes nothing."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from itertools import compress

import msgspec

from ostiary.policy.identifiers import RuleName
from ostiary.policy.past import ALLOWED, Act, Asker, from_ticks, to_ticks
from ostiary.policy.rules.document import Effect, Rule, Target, TargetKind
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.unused import RuleUse, Use, find_use, without_unused
from ostiary.policy.unused_parts import without_parts
from ostiary.rulebook.domain import CONSOLE, AppliedRules
from ostiary.rulebook.lifecycle import RulesOvertaken
from ostiary.rulebook.models import AppliedRulesRow
from ostiary.rulebook.queries import get_current
from ostiary.visibility.past import read_past_requests

_TO_CONSOLE = Target(TargetKind.APP, CONSOLE)


class UnusedPermissions(msgspec.Struct, frozen=True, kw_only=True):
    """What nobody used.

    Args:
        since: from when requests were looked at, seconds since the epoch.
        first_at: the first request that is kept of that time; 0 when there is none.
        rules: those of which something was not used, in the order of the document.
        young: rules that did not stand like this at the beginning of that time; they are left alone.
        document: the rules in force without what can be taken out; empty when nothing can.
        number: of the rules in force.
        looked_at: how many rules were not left alone.
    """

    number: int
    since: float
    first_at: float
    rules: tuple[RuleUse, ...]
    young: tuple[RuleName, ...]
    document: str = ""
    looked_at: int = 0


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The rules in force, and what those at the beginning of a time named.

    Args:
        current: the rules in force.
        since: the beginning, seconds since the epoch.
        then: the shapes of the rules in force at that moment, by their names.
    """

    current: AppliedRules
    since: float
    then: dict[RuleName, object]


def standing_since(since: float) -> Standing:
    """Return everything that `find_unused` asks the database, so that it can look elsewhere than where the database is.

    Raises:
        InvalidRules: when the rules of that moment cannot be read.
    """
    return Standing(current=get_current(), since=since, then=_rules_at(since))


def find_unused(
    *,
    since: float,
    until: float,
    standing: Standing | None = None,
    progress: Callable[[float], None] = lambda _done: None,
) -> UnusedPermissions:
    """Return what of the rules in force nobody used.

    Rules that open the console are left alone, and so are those that were not in force all the time.

    Args:
        since: seconds since the epoch.
        until: later requests are left out, this moment among them.
        standing: of the same time. Given, the database is not asked.
        progress: is told how much is done, 0 to 1.

    Raises:
        InvalidRules: when the rules in force cannot be read.
        NotNarrowed: when their document is written so that it cannot be changed by itself.
        OSError: when what is kept cannot be read.
    """
    stood = standing or standing_since(since)
    current = stood.current
    uses, first_at = _uses(since, until, progress)
    permitting = [
        rule
        for rule in read_rules(current.document).rules
        if rule.effect is Effect.ALLOW and _TO_CONSOLE not in rule.to
    ]
    old = [rule for rule in permitting if stood.then.get(rule.name) == _shape(rule)]
    found = tuple(use for use in (find_use(rule, uses) for rule in old) if use.unused) if first_at else ()
    changed = {use.rule.name: use for use in found if use.used is None or _shape(use.used) != _shape(use.rule)}
    return UnusedPermissions(
        number=current.number,
        since=since,
        first_at=first_at,
        rules=found,
        young=tuple(rule.name for rule in permitting if rule not in old),
        document=without_unused(current.document, changed) if changed else "",
        looked_at=len(old),
    )


def write_without(found: UnusedPermissions, chosen: Collection[str]) -> str:
    """Return the rules in force without chosen parts of what nobody used.

    Args:
        found: what nobody used.
        chosen: keys of the parts, see `policy.unused_parts`; others are ignored.

    Raises:
        RulesOvertaken: when other rules came into force since it was found.
        NotNarrowed: when the document is written so that it cannot be changed by itself.
    """
    current = get_current()
    if current.number != found.number:
        raise RulesOvertaken(
            f"Rules number {current.number} by {current.applied_by} came into force meanwhile.",
            hint="Nothing was changed. Look at what nobody used of those.",
        )
    return without_unused(current.document, without_parts(found.rules, chosen))


def _uses(since: float, until: float, progress: Callable[[float], None]) -> tuple[set[Use], float]:
    """Return who did what to which app, each once, and when the first request was made."""
    first, last = to_ticks(since), to_ticks(until)
    found: set[tuple[Asker, Act]] = set()
    earliest = 0
    for done, batch in read_past_requests(since=since):
        inside = [first <= tick < last for tick in batch.ticks]
        earliest = min([earliest or last, *compress(batch.ticks, inside)]) if any(inside) else earliest
        passed = [was and outcome == ALLOWED for was, outcome in zip(inside, batch.outcome, strict=True)]
        pairs = set(compress(zip(batch.asker, batch.act, strict=True), passed))
        found |= {(batch.askers[asker], batch.acts[act]) for asker, act in pairs}
        progress(done)
    return found, from_ticks(earliest)


def _rules_at(moment: float) -> dict[RuleName, object]:
    """Return what the rules in force at a moment named, by their names; nothing when there were none."""
    rows = AppliedRulesRow.objects.defer("parsed").filter(applied_at__lte=datetime.fromtimestamp(moment, UTC))
    row = rows.first()
    return {rule.name: _shape(rule) for rule in read_rules(row.document).rules} if row is not None else {}


def _shape(rule: Rule) -> object:
    return rule.effect, rule.who, rule.to, rule.do
