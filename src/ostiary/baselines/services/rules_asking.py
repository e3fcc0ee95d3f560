"""What the rules in force ask of devices by way of baselines: which apps that concerns, and which rules name one."""

import re

from ostiary.applications.facts import read_applications
from ostiary.baselines.domain.document import Baseline, fact_of
from ostiary.devices.facade import spec_of
from ostiary.policy.rules.document import DeviceFact, RulesDocument, Target, TargetKind
from ostiary.policy.rules.problems import InvalidRules
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.snapshot import AppFact
from ostiary.rulebook.facade import get_current


def apps_that_ask(baseline: Baseline | None) -> dict[str, str]:
    """Return the apps whose rules in force ask whether a device is compliant, or for what a baseline asks: names by identifier."""
    asked = {"compliant"}
    if baseline is not None:
        asked |= {fact_of(baseline.name)} | {demand.fact for check in baseline.checks for demand in check.require}
    try:
        rules = read_rules(get_current().document)
    except InvalidRules:
        return {}
    apps = read_applications().apps
    targets = _targets(rules, asked)
    return {app: fact.name for app, fact in apps.items() if any(_reaches(one, fact) for one in targets)}


def rules_that_name(baseline: str) -> tuple[str, ...]:
    """Return the rules in force that ask for `meets_NAME`, whichever way: names, and `Cedar` where that text does.

    Rules that cannot be read let nobody in, so nothing is lost by them.
    """
    current, fact = get_current(), fact_of(baseline)
    try:
        rules = read_rules(current.document).rules
    except InvalidRules:
        rules = ()
    named = [
        rule.name
        for rule in rules
        if any(isinstance(one, DeviceFact) and one.name == fact for one in (*rule.when, *rule.unless))
    ]
    return (*named, "Cedar") if re.search(rf"\b{re.escape(fact)}\b", current.cedar) else tuple(named)


def _targets(rules: RulesDocument, asked: set[str]) -> list[Target]:
    return [
        target
        for rule in rules.rules
        if any(isinstance(one, DeviceFact) and _plain(one.name) in asked for one in (*rule.when, *rule.unless))
        for target in rule.to
    ]


def _plain(name: str) -> str:
    """The fact behind a name that asks for better evidence."""
    spec = spec_of(name)
    return name if spec is None else spec.name


def _reaches(target: Target, app: AppFact) -> bool:
    match target.kind:
        case TargetKind.APP:
            return target.name == app.id
        case TargetKind.LABEL:
            return target.name in app.labels
    return True
