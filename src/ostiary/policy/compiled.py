"""A rulebook ready to decide with: indexed by whom and what each rule names, cut to what one request can meet.

A request is decided on the rules that name its subject and its resource, however many others there are.
"""

from functools import lru_cache
from typing import Final

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


class Slice(msgspec.Struct, frozen=True):
    """Rules that name one resource, as Cedar policies, and the resource with its labels."""

    policies: cedarpy.PolicySet
    resource: cedarpy.Entities


class Cut(msgspec.Struct, frozen=True):
    """The rules that name one subject and one resource.

    Args:
        slice: policies with these rules among them; the others do not name the subject.
        prepared: the rules, in the order of the document.
        reads: what they look at.
        parents: what the subject belongs to, as far as a policy could ask.
    """

    slice: Slice
    prepared: tuple[Prepared, ...]
    reads: Reads
    parents: tuple[Who, ...]

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

    def entities(self, subject: Subject) -> cedarpy.Entities:
        """Return the subject with what it belongs to, and the resource with its labels."""
        kind, name = ("Person", subject.person) if subject.person else ("Service", subject.service)
        parents = [{"type": _PARENTS[who.kind], "id": who.name} for who in self.parents if who.kind in _PARENTS]
        entity = {"uid": {"type": kind, "id": name}, "attrs": {}, "parents": parents}
        return self.slice.resource.with_added_json_str(_encode([entity]).decode())


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
        self.by_name: dict[RuleName, Rule] = {rule.name: rule for rule in document.rules}
        self.names_people_by_email = "Email" in extra.text or any(
            who.kind is WhoKind.EMAIL for rule in document.rules for who in rule.who
        )
        self._prepared = [_prepare(rule) for rule in document.rules]
        self._index: dict[Target, dict[Who, list[int]]] = {}
        for position, rule in enumerate(document.rules):
            for target in rule.to:
                for who in rule.who:
                    self._index.setdefault(target, {}).setdefault(who, []).append(position)
        self._reaches: Memo[Reach] = Memo(MAX_SLICES)
        self._slices: Memo[Slice] = Memo(MAX_SLICES)

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
        found = sorted({p for who in hits for by_who in reach.by_who for p in by_who.get(who, ())})
        whole = len(reach.positions) <= MAX_WHOLE
        prepared = tuple([self._prepared[position] for position in found])
        return Cut(
            self._slice(app, labels, reach.positions if whole else tuple(found)),
            prepared,
            self._reads_of(prepared),
            tuple(own if self.extra.text else hits),
        )

    def _reach(self, app: AppId, labels: frozenset[Label]) -> Reach:
        known = self._reaches.get((app, labels), 0.0)
        if known is None:
            targets = [_ANYTHING, Target(TargetKind.APP, app), *(Target(TargetKind.LABEL, label) for label in labels)]
            by_who = tuple(self._index[target] for target in targets if target in self._index)
            positions = tuple(sorted({p for whom in by_who for found in whom.values() for p in found}))
            known = Reach(positions, self._reads_of(tuple(self._prepared[p] for p in positions)), by_who)
            self._reaches.put((app, labels), known, since=0.0, until=None)
        return known

    def _slice(self, app: AppId, labels: frozenset[Label], positions: tuple[int, ...]) -> Slice:
        key = (app, labels, positions)
        known = self._slices.get(key, 0.0)
        if known is None:
            texts = [compile_rule(self._prepared[position].rule) for position in positions]
            parents = [{"type": "Label", "id": label} for label in sorted(labels)]
            resource = [{"uid": {"type": "App", "id": app}, "attrs": {}, "parents": parents}]
            known = Slice(
                cedarpy.PolicySet.from_str("\n".join([*texts, self.extra.text])),
                cedarpy.Entities.from_json_str(_encode(resource).decode()),
            )
            self._slices.put(key, known, since=0.0, until=None)
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


def _prepare(rule: Rule) -> Prepared:
    conditions = [(named(condition), condition) for condition in (*rule.when, *rule.unless)]
    known_by_name = tuple((name, condition) for name, condition in conditions if name is not None)
    return Prepared(rule, what_it_reads(rule), known_by_name, timed_rule(rule))
