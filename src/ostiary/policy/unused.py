"""Which permissions of a rules document nobody used, and what is left of each rule without them. Pure.

A rule counts as used by every request that passed and that it names: by whom, to what and what was done. Paths and conditions
are not looked at, and a request that two rules name counts for both. So a permission is rather kept than taken.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.compat import StringIO

from ostiary.errors import OstiaryError
from ostiary.policy.identifiers import RuleName
from ostiary.policy.past import Act, Asker, email_mark
from ostiary.policy.request import ActionClass
from ostiary.policy.rules.document import Rule, RulesDocument, Target, TargetKind, Who, WhoKind
from ostiary.policy.rules.reader import read_rules

Use = tuple[Asker, Act]
_ONE_LINE: Final = 100_000


class NotNarrowed(OstiaryError):
    """A document cannot be changed without a person."""


class RuleUse(msgspec.Struct, frozen=True, kw_only=True):
    """What of an allow rule was used.

    Args:
        rule: as it is.
        used: it as it would do for every request that passed; `None` when none did.
        unused: each permission nobody used, as `group:staff app:wiki edit`.
    """

    rule: Rule
    used: Rule | None
    unused: tuple[tuple[str, str, str], ...]


def find_use(rule: Rule, uses: Collection[Use]) -> RuleUse:
    """Return what of a rule was used.

    Args:
        rule: an allow rule.
        uses: who did what to which app, of the requests that passed, each once.
    """
    actions = tuple(ActionClass) if rule.do is None else rule.do
    hit = {permission for use in uses for permission in _permissions_hit(rule, actions, use)}
    every = [(who, to, do) for who in rule.who for to in rule.to for do in actions]
    unused = tuple(
        (who_text(who), target_text(to), do.value)
        for who, to, do in every
        if (who, to, do) not in hit and do is not ActionClass.UNKNOWN
    )
    return RuleUse(rule=rule, used=_narrowed(rule, actions, hit) if hit else None, unused=unused)


def without_unused(document: str, uses: Mapping[RuleName, RuleUse]) -> str:
    """Return the document without what nobody used; comments and all else stay as they are.

    Args:
        document: the YAML text, valid.
        uses: the rules to narrow, by name.

    Raises:
        NotNarrowed: when the text that came out does not mean exactly that.
    """
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, _ONE_LINE
    yaml.indent(mapping=2, sequence=4, offset=2)
    root = yaml.load(document)
    for position in reversed(range(len(root["rules"]))):
        use = uses.get(RuleName(str(root["rules"][position]["name"])))
        if use is None:
            continue
        if use.used is None:
            del root["rules"][position]
        else:
            _narrow_entry(root["rules"][position], use.rule, use.used)
    stream = StringIO()
    yaml.dump(root, stream)
    text = stream.getvalue()
    if _meaning(read_rules(text)) != _expected(read_rules(document), uses):
        raise NotNarrowed(
            "The document is written in a way that cannot be changed by itself.",
            hint="Take out what is listed by hand.",
        )
    return text


def who_text(who: Who) -> str:
    """Return a subject as it is written in the document."""
    if who.kind is WhoKind.ANYONE:
        return "anyone"
    return f"{'person' if who.kind is WhoKind.EMAIL else who.kind.value}:{who.name}"


def target_text(target: Target) -> str:
    """Return a resource as it is written in the document."""
    return "anything" if target.kind is TargetKind.ANYTHING else f"{target.kind.value}:{target.name}"


def _permissions_hit(
    rule: Rule, actions: tuple[ActionClass, ...], use: Use
) -> Iterator[tuple[Who, Target, ActionClass]]:
    asker, act = use
    if act.action in actions:
        whom = [who for who in rule.who if _names(who, asker)]
        yield from ((who, to, act.action) for to in rule.to if _reaches(to, act) for who in whom)


def _names(who: Who, asker: Asker) -> bool:
    match who.kind:
        case WhoKind.ANYONE:
            return True
        case WhoKind.GROUP:
            return who.name in asker.groups
        case WhoKind.PERSON:
            return who.name == asker.person
        case WhoKind.SERVICE:
            return who.name == asker.service
        case WhoKind.EMAIL:
            return email_mark(who.name) == asker.email


def _reaches(target: Target, act: Act) -> bool:
    match target.kind:
        case TargetKind.ANYTHING:
            return True
        case TargetKind.APP:
            return target.name == act.app
        case TargetKind.LABEL:
            return target.name in act.labels


def _narrowed(rule: Rule, actions: tuple[ActionClass, ...], hit: set[tuple[Who, Target, ActionClass]]) -> Rule:
    """Keep `do: any` where a request of an unknown kind passed: nothing else allows those."""
    done = tuple(one for one in actions if any(do is one for _, _, do in hit))
    return msgspec.structs.replace(
        rule,
        who=tuple(one for one in rule.who if any(who == one for who, _, _ in hit)),
        to=tuple(one for one in rule.to if any(to == one for _, to, _ in hit)),
        do=None if rule.do is None and ActionClass.UNKNOWN in done else done,
    )


def _narrow_entry(entry: Any, before: Rule, after: Rule) -> None:
    _keep(entry, "allow", [one in after.who for one in before.who])
    _keep(entry, "to", [one in after.to for one in before.to])
    if before.do is None and after.do is not None:
        entry["do"] = CommentedSeq([action.value for action in after.do])
        entry["do"].fa.set_flow_style()
    elif before.do is not None and after.do is not None:
        _keep(entry, "do", [one in after.do for one in before.do])


def _keep(entry: Any, key: str, wanted: list[bool]) -> None:
    values = entry[key]
    if isinstance(values, list) and len(values) == len(wanted):
        for position in reversed(range(len(wanted))):
            if not wanted[position]:
                del values[position]


def _expected(document: RulesDocument, uses: Mapping[RuleName, RuleUse]) -> list[Rule]:
    changed = [uses[rule.name].used if rule.name in uses else rule for rule in document.rules]
    return [msgspec.structs.replace(rule, line=0) for rule in changed if rule is not None]


def _meaning(document: RulesDocument) -> list[Rule]:
    return [msgspec.structs.replace(rule, line=0) for rule in document.rules]
