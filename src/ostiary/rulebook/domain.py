"""The rulebook's types, what a check says, and the difference between two documents. What is stored lives in `models`."""

import hashlib

import msgspec

from ostiary.policy.cedar.extra import read_extra
from ostiary.policy.compiled import compile_rules
from ostiary.policy.identifiers import AppId, Label, PolicyVersion, RuleName
from ostiary.policy.rules.document import Countries, Effect, RulesDocument, Target, TargetKind
from ostiary.policy.rules.problems import InvalidRules, Problem
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.rules.selector_reader import Known
from ostiary.policy.rules.words import parts_in_words, rule_in_words
from ostiary.policy.snapshot import Catalogue, Rules
from ostiary.policy.testing import TestResult, run_tests
from ostiary.rulebook.lifecycle import Hold

CONSOLE = AppId("console")
VERSION_DIGITS = 12


class AppliedRules(msgspec.Struct, frozen=True, kw_only=True):
    """Rules that are, or were, in force.

    Args:
        number: counts up with each change; 0 when no rules were ever applied.
        version: SHA-256 of both texts, first 12 hexadecimal digits; empty when no rules were ever applied.
        document: the YAML text.
        cedar: the Cedar text beside it.
        applied_at: seconds since the epoch.
        applied_by: whom people know as the one who applied them.
        comment: why, in their words.
        approved_by: the second person, where one was needed.
        restores: the number whose text came back with it; 0 when it is no such thing.
        hold: the trial they are or were on, if any.
    """

    number: int = 0
    version: PolicyVersion = PolicyVersion("")
    document: str = ""
    cedar: str = ""
    applied_at: float = 0.0
    applied_by: str = ""
    comment: str = ""
    approved_by: str = ""
    restores: int = 0
    hold: Hold | None = None


class RuleSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One rule of a valid document, in words. `line` is where it begins."""

    name: RuleName
    effect: Effect
    line: int
    words: str
    describe: str = ""


class CheckReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of rules found.

    Args:
        problems: what must be mended before the rules can be applied; empty means they can.
        warnings: what may not be meant, as sentences.
        rules: every rule in words; empty when there are problems.
        tests: what came of each test; empty when there are problems, or nobody said which apps exist.
    """

    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    rules: tuple[RuleSummary, ...] = ()
    tests: tuple[TestResult, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether the rules can be used at all."""
        return not self.problems

    @property
    def failures(self) -> tuple[TestResult, ...]:
        """The tests that did not pass."""
        return tuple(test for test in self.tests if not test.passed)


class PartChange(msgspec.Struct, frozen=True):
    """One part of a rule that reads differently; an empty text means that the part is absent."""

    part: str
    before: str
    after: str


class RuleChange(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that stands in both documents and differs."""

    name: RuleName
    before: str
    after: str
    parts: tuple[PartChange, ...]


class RulesDifference(msgspec.Struct, frozen=True, kw_only=True):
    """What a change of rules changes."""

    added: tuple[RuleSummary, ...] = ()
    removed: tuple[RuleSummary, ...] = ()
    changed: tuple[RuleChange, ...] = ()
    cedar_changed: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether the rules mean the same."""
        return not (self.added or self.removed or self.changed or self.cedar_changed)


def version_of(document: str, cedar: str) -> PolicyVersion:
    """Return the version of a pair of texts."""
    digest = hashlib.sha256()
    for text in (document, cedar):
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return PolicyVersion(digest.hexdigest()[:VERSION_DIGITS])


def check(
    document: str, cedar: str, known: Known | None, *, countries_known: bool, catalogue: Catalogue | None = None
) -> CheckReport:
    """Say everything that is wrong with rules, or what they mean.

    Args:
        document: the YAML text.
        cedar: the Cedar text beside it.
        known: names that exist, to find misspelt ones.
        countries_known: whether this instance can tell which country an address belongs to.
        catalogue: the apps that exist, to run the tests with; without it, they are not run.
    """
    problems: list[Problem] = []
    read = RulesDocument()
    try:
        read = read_rules(document, known)
    except InvalidRules as error:
        problems += error.problems
    try:
        read_extra(cedar)
        if not problems:
            compile_rules(document, cedar)
    except InvalidRules as error:
        problems += error.problems
    if problems:
        return CheckReport(problems=tuple(problems))
    return CheckReport(
        warnings=tuple(_warnings(read, cedar, countries_known=countries_known)),
        rules=_summaries(read),
        tests=run_tests(read, Rules(document=document, cedar=cedar), catalogue) if catalogue is not None else (),
    )


def compare(old: RulesDocument, new: RulesDocument, *, cedar_changed: bool) -> RulesDifference:
    """Return what differs in meaning; the order of rules and the layout of the text do not matter."""
    before, after = {rule.name: rule for rule in old.rules}, {rule.name: rule for rule in new.rules}
    changed = []
    for name in sorted(before.keys() & after.keys()):
        was, now = parts_in_words(before[name]), parts_in_words(after[name])
        keys = [key for key in dict.fromkeys([*was, *now]) if was.get(key, "") != now.get(key, "")]
        if keys:
            parts = tuple(PartChange(key, was.get(key, ""), now.get(key, "")) for key in keys)
            words = rule_in_words(before[name]), rule_in_words(after[name])
            changed.append(RuleChange(name=name, before=words[0], after=words[1], parts=parts))
    return RulesDifference(
        added=tuple(one for one in _summaries(new) if one.name not in before),
        removed=tuple(one for one in _summaries(old) if one.name not in after),
        changed=tuple(changed),
        cedar_changed=cedar_changed,
    )


def _summaries(document: RulesDocument) -> tuple[RuleSummary, ...]:
    return tuple(
        RuleSummary(
            name=rule.name, effect=rule.effect, line=rule.line, words=rule_in_words(rule), describe=rule.describe
        )
        for rule in document.rules
    )


def _warnings(document: RulesDocument, cedar: str, *, countries_known: bool) -> list[str]:
    warnings = []
    targets = {target for rule in document.rules if rule.effect is Effect.ALLOW for target in rule.to}
    to_console = {Target(TargetKind.APP, CONSOLE), Target(TargetKind.ANYTHING)}
    if not targets & to_console and not cedar.strip() and not _labels(targets):
        warnings.append("No rule allows anybody to reach app:console: the console will be closed to everyone.")
    if not countries_known:
        warnings += [
            f"`{rule.name}` asks for the country, and no country database is configured: "
            + ("it will apply from everywhere." if rule.effect is Effect.DENY else "its condition will never hold.")
            for rule in document.rules
            if any(isinstance(condition, Countries) for condition in (*rule.when, *rule.unless))
        ]
    return warnings


def _labels(targets: set[Target]) -> set[Label]:
    return {Label(target.name) for target in targets if target.kind is TargetKind.LABEL}
