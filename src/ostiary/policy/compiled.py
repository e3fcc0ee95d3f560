"""A rulebook ready to decide with: indexed by whom and what each rule names, cut to what one request can meet.

A request is decided on the rules that name its subject and its resource, however many others there are.
"""

from functools import lru_cache
from typing import Any, Final

import cedarpy
import msgspec

from ostiary.policy.cedar.compiler import compile_rule, named
from ostiary.policy.cedar.extra import ExtraCedar, read_extra
from ostiary.policy.identifiers import AppId, Label, RuleName
from ostiary.policy.lifetime import TimedRule, timed_rule
from ostiary.policy.memo import Memo
from ostiary.policy.reads import EVERYTHING, NOT_IN_GRANT, Reads, what_it_reads
from ostiary.policy.request import Subject
from ostiary.policy.rules.document import Condition, Rule, RulesDocument, Target, TargetKind, Who, WhoKind
from ostiary.policy.rules.parsed import read_parsed
from ostiary.policy.rules.problems import InvalidRules, Problem
from ostiary.policy.rules.reader import read_rules

MAX_SLICES: Final = 4096
MAX_WHOLE: Final = 16
"""A resource with at most so many rules is parsed once for everybody; with more, once for each kind of subject."""

_PARENTS: Final = {WhoKind.GROUP: "Group", WhoKind.EMAIL: "Email"}
_ANYTHING = Target(TargetKind.ANYTHING)
_ANYONE = Who(WhoKind.ANYONE)
_encode = msgspec.json.Encoder().encode


class Prepared(msgspec.Struct, frozen=True):
    """One rule and what follows from it.

    Args:
        reads: which parts of a request it looks at.
        named: the conditions that Cedar knows by name.
        timed: its view of time, if it has one.
    """

    rule: Rule
    reads: Reads
    named: tuple[tuple[str, Condition], ...]
    timed: TimedRule | None


class Cut(msgspec.Struct, frozen=True):
    """The rules that name one subject and one resource, in the form that Cedar takes.

    Args:
        policies: these rules among others that do not name the subject.
        principal: the subject's entity. Its name is empty when no policy asks for it: who differs in nothing that a
            policy could ask is the same to Cedar.
        entities: the subject with what it belongs to, as far as a policy could ask; the resource with its labels.
        prepared: the rules, in the order of the document.
        reads: what they look at.
    """

    policies: cedarpy.PolicySet
    principal: tuple[str, str]
    entities: cedarpy.Entities
    prepared: tuple[Prepared, ...]
    reads: Reads

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of the document."""
        return tuple([one.rule for one in self.prepared])

    @property
    def named(self) -> dict[str, Condition]:
        """The conditions that Cedar knows by name."""
        return {name: condition for one in self.prepared for name, condition in one.named}

    @property
    def timed(self) -> list[TimedRule]:
        """The rules that ask about time."""
        return [one.timed for one in self.prepared if one.timed]

    @property
    def varying(self) -> list[Rule]:
        """The rules whose match depends on what a grant does not name."""
        return [one.rule for one in self.prepared if one.reads & NOT_IN_GRANT]


class Reach(msgspec.Struct, frozen=True):
    """The rules for one resource, before it is known who asks.

    Args:
        positions: theirs in the document, ascending.
        reads: what they look at.
        by_who: for each way in which they name the resource, their positions by whom they name.
    """

    positions: tuple[int, ...]
    reads: Reads
    by_who: tuple[dict[Who, list[int]], ...]


class CompiledRules:
    """A valid rulebook, indexed. Policies are parsed when first needed and kept.

    Args:
        document: the rules.
        extra: Cedar text beside them; its policies belong to every slice.
    """

    def __init__(self, document: RulesDocument, extra: ExtraCedar) -> None:
        self.extra = extra
        rules = _sharing_conditions(document.rules)
        self.by_name: dict[RuleName, Rule] = {rule.name: rule for rule in rules}
        self.names_people_by_email = "Email" in extra.text or any(
            who.kind is WhoKind.EMAIL for rule in rules for who in rule.who
        )
        self._prepared = [_prepare(rule) for rule in rules]
        self._index: dict[Target, dict[Who, list[int]]] = {}
        for position, rule in enumerate(rules):
            for target in rule.to:
                for who in rule.who:
                    self._index.setdefault(target, {}).setdefault(who, []).append(position)
        self._reaches: Memo[Reach] = Memo(MAX_SLICES)
        self._policies: Memo[cedarpy.PolicySet] = Memo(MAX_SLICES)
        self._entities: Memo[cedarpy.Entities] = Memo(MAX_SLICES)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing that could ever allow or deny."""
        return not self.by_name and not self.extra.names

    def reads(self, app: AppId, labels: frozenset[Label]) -> Reads:
        """Return what the rules for a resource look at, whoever asks."""
        return self._reach(app, labels).reads

    def cut(self, subject: Subject, app: AppId, labels: frozenset[Label]) -> Cut:
        """Return the rules that name this subject and this resource."""
        reach, own = self._reach(app, labels), selectors_of(subject)
        hits = {who: at for who in own for by_who in reach.by_who if (at := by_who.get(who))}
        found = sorted({p for whom in hits for by_who in reach.by_who for p in by_who.get(whom, ())})
        whole = len(reach.positions) <= MAX_WHOLE
        prepared = tuple([self._prepared[position] for position in found])
        asked = own if self.extra.text else list(hits)
        principal = _principal(subject, asked)
        return Cut(
            self._slice(app, labels, reach.positions if whole else tuple(found)),
            principal,
            self._company(principal, asked, app, labels),
            prepared,
            self._reads_of(prepared),
        )

    def _reach(self, app: AppId, labels: frozenset[Label]) -> Reach:
        known = self._reaches.get((app, labels), 0.0)
        if known is None:
            by_who = tuple(self._index[target] for target in targets_of(app, labels) if target in self._index)
            positions = tuple(sorted({p for whom in by_who for found in whom.values() for p in found}))
            known = Reach(positions, self._reads_of(tuple(self._prepared[p] for p in positions)), by_who)
            self._reaches.put((app, labels), known, since=0.0, until=None)
        return known

    def _slice(self, app: AppId, labels: frozenset[Label], positions: tuple[int, ...]) -> cedarpy.PolicySet:
        key = (app, labels, positions)
        known = self._policies.get(key, 0.0)
        if known is None:
            texts = [compile_rule(self._prepared[position].rule) for position in positions]
            known = cedarpy.PolicySet.from_str("\n".join([*texts, self.extra.text]))
            self._policies.put(key, known, since=0.0, until=None)
        return known

    def _company(
        self, principal: tuple[str, str], asked: list[Who], app: AppId, labels: frozenset[Label]
    ) -> cedarpy.Entities:
        """Return the subject and, where it belongs to anything, the resource."""
        belongs = frozenset([who for who in asked if who.kind in _PARENTS])
        key = (principal, belongs, app if labels else None, labels)
        known = self._entities.get(key, 0.0)
        if known is None:
            entities = [_entity(principal, [(_PARENTS[who.kind], who.name) for who in belongs])]
            if labels:
                entities.append(_entity(("App", app), [("Label", label) for label in labels]))
            known = cedarpy.Entities.from_json_str(_encode(entities).decode())
            self._entities.put(key, known, since=0.0, until=None)
        return known

    def _reads_of(self, prepared: tuple[Prepared, ...]) -> Reads:
        if self.extra.reads_context:
            return EVERYTHING
        return frozenset().union(*[one.reads for one in prepared])


@lru_cache(maxsize=4)
def compile_rules(document: str, cedar: str, parsed: bytes = b"") -> CompiledRules:
    """Read and index a rulebook. The same text is read once.

    Args:
        document: the YAML text.
        cedar: Cedar text beside it.
        parsed: the document as `write_parsed` made it, to spare reading the text; ignored when it does not fit.

    Raises:
        InvalidRules: when either text has a problem, or both use the same name.
    """
    read, extra = read_parsed(document, parsed) or read_rules(document), read_extra(cedar)
    both = {rule.name for rule in read.rules} & set(extra.names)
    if both:
        raise InvalidRules(
            Problem(line=0, column=0, message=f"a rule of the document is named `{name}` too", file="cedar")
            for name in sorted(both)
        )
    return CompiledRules(read, extra)


def selectors_of(subject: Subject) -> list[Who]:
    """Return every way in which a rule could name the subject."""
    selectors = [_ANYONE]
    selectors += [Who(WhoKind.GROUP, group) for group in subject.groups]
    if subject.person:
        selectors.append(Who(WhoKind.PERSON, subject.person))
        if subject.email:
            selectors.append(Who(WhoKind.EMAIL, subject.email.lower()))
    if subject.service:
        selectors.append(Who(WhoKind.SERVICE, subject.service))
    return selectors


def targets_of(app: AppId, labels: frozenset[Label]) -> list[Target]:
    """Return every way in which a rule could name the resource."""
    return [_ANYTHING, Target(TargetKind.APP, app), *(Target(TargetKind.LABEL, label) for label in labels)]


def _principal(subject: Subject, asked: list[Who]) -> tuple[str, str]:
    """Return the subject's entity, without its name unless a policy in reach could ask for it."""
    kind, who = ("Person", WhoKind.PERSON) if subject.person else ("Service", WhoKind.SERVICE)
    return kind, next((one.name for one in asked if one.kind is who), "")


def _entity(uid: tuple[str, str], parents: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "uid": {"type": uid[0], "id": uid[1]},
        "attrs": {},
        "parents": [{"type": kind, "id": name} for kind, name in parents],
    }


def _sharing_conditions(rules: tuple[Rule, ...]) -> list[Rule]:
    """Return the rules with equal conditions as one object, so that a request looks at each of them once.

    To Python a device fact that is `1` equals one that is `true`; to a rule it does not.
    """
    shared: dict[tuple[Condition, type | None], Condition] = {}

    def once(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
        return tuple([shared.setdefault((one, type(getattr(one, "value", None))), one) for one in conditions])

    return [msgspec.structs.replace(rule, when=once(rule.when), unless=once(rule.unless)) for rule in rules]


def _prepare(rule: Rule) -> Prepared:
    conditions = [(named(condition), condition) for condition in (*rule.when, *rule.unless)]
    known_by_name = tuple((name, condition) for name, condition in conditions if name is not None)
    return Prepared(rule, what_it_reads(rule), known_by_name, timed_rule(rule))
