"""Reads one check of a baseline."""

import re
from typing import Final

from ostiary.baselines.domain.document import (
    Bound,
    Check,
    Demand,
    Ladder,
    Severity,
    Stage,
)
from ostiary.devices.domain.posture import ALL, FACTS, Evidence, Platform, Value
from ostiary.policy.rules.fields import Problems, choice_of, fields_of, word_of, words_of
from ostiary.policy.rules.problems import did_you_mean, shown
from ostiary.policy.rules.yaml_tree import MapNode, Node, Scalar

MAX_DEMANDS: Final = 20
MAX_NUMBER: Final = 10**9
MAX_SECONDS: Final = 365 * 86400
_KEYS: Final = ("name", "require", "on", "severity", "evidence", "ladder", "why", "mend")
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,58}[a-z0-9])?", re.ASCII)
_SPAN: Final = re.compile(r"(\d{1,9})([smhd])", re.ASCII)
_INTEGER: Final = re.compile(r"-?\d{1,10}", re.ASCII)
_UNIT: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_YES_OR_NO: Final = {"true": True, "yes": True, "false": False, "no": False}
_EVIDENCE: Final = {one.word: one for one in Evidence}
_LADDER: Final = (Stage.NOTIFY, Stage.WARN, Stage.BLOCK)


def read_check(node: Node, problems: Problems) -> Check | None:
    """Read one check; `None` after noting what is wrong with it."""
    before = len(problems.found)
    fields = fields_of(node, _KEYS, problems, what="a check")
    if not isinstance(node, MapNode):
        return None
    name = _read_name(node, fields.get("name"), problems)
    demands = _read_demands(node, fields.get("require"), problems)
    exists = [one for one in ALL if all(one in FACTS[demand.fact].on for demand in demands)]
    on = _read_platforms(node, fields.get("on"), demands, exists, problems)
    severity = choice_of(fields["severity"], _SEVERITIES, problems, what="`severity`") if "severity" in fields else None
    evidence = choice_of(fields["evidence"], _EVIDENCE, problems, what="`evidence`") if "evidence" in fields else None
    ladder = _read_ladder(fields["ladder"], problems) if "ladder" in fields else Ladder()
    why = word_of(fields["why"], problems, what="`why`") if "why" in fields else None
    mend = _read_mend(fields["mend"], problems) if "mend" in fields else {}
    if name is None or len(problems.found) > before:
        return None
    return Check(
        name=name,
        require=demands,
        on=on,
        severity=severity or Severity.MEDIUM,
        evidence=evidence or Evidence.SELF_REPORTED,
        ladder=ladder,
        why=" ".join(why.text.split()) if why else "",
        mend=mend,
        line=node.line,
    )


_SEVERITIES: Final = {one.value: one for one in Severity}


def _read_name(node: Node, name: Node | None, problems: Problems) -> str | None:
    if name is None:
        problems.add(node, "the check has no `name`", "write, for instance, `name: disk-encryption`")
        return None
    word = word_of(name, problems, what="`name`")
    if word is not None and not _NAME.fullmatch(word.text):
        problems.add(name, f"{shown(word.text)} is not a name for a check", "use a-z, 0-9 and `-`, at most 60")
        return None
    return word.text if word else None


def _read_demands(node: Node, require: Node | None, problems: Problems) -> tuple[Demand, ...]:
    example = "write, for instance, `require: {disk_encrypted: true}`"
    if require is None:
        problems.add(node, "the check does not say what it asks: it has no `require`", example)
        return ()
    if not isinstance(require, MapNode) or not require.entries:
        problems.add(require, "`require` must be one fact or more, each with its value", example)
        return ()
    if len(require.entries) > MAX_DEMANDS:
        problems.add(require, f"`require` has more than {MAX_DEMANDS} facts", "make it several checks")
        return ()
    found = (_read_demand(fact, value, problems) for fact, value in require.entries)
    return tuple(demand for demand in found if demand is not None)


def _read_demand(fact: Scalar, value: Node, problems: Problems) -> Demand | None:
    if fact.text not in FACTS:
        problems.add(fact, f"{shown(fact.text)} is no fact that devices report", did_you_mean(fact.text, FACTS))
        return None
    kind = FACTS[fact.text].kind
    if isinstance(value, MapNode):
        return _read_bound(fact, value, kind, problems)
    word = word_of(value, problems, what=shown(fact.text))
    if word is None:
        return None
    read = _value(word, kind)
    if read is None:
        problems.add(value, f"{shown(word.text)} is not a value of {shown(fact.text)}", _EXPECTED[kind])
        return None
    return Demand(fact=fact.text, value=read)


def _read_bound(fact: Scalar, node: MapNode, kind: type, problems: Problems) -> Demand | None:
    choices = {Bound.AT_LEAST.value: Bound.AT_LEAST, Bound.AT_MOST.value: Bound.AT_MOST}
    if kind is not int:
        problems.add(node, f"{shown(fact.text)} is no number, so it has no bound", _EXPECTED[kind])
        return None
    if len(node.entries) != 1 or node.entries[0][0].text not in choices:
        problems.add(node, f"{shown(fact.text)} needs one bound", "write `{at_most: 5}` or `{at_least: 5}`")
        return None
    (key, value) = node.entries[0]
    word = word_of(value, problems, what=f"`{key.text}`")
    number = _value(word, int) if word else None
    if number is None:
        if word is not None:
            problems.add(value, f"{shown(word.text)} is not a whole number", "write, for instance, `{at_most: 5}`")
        return None
    return Demand(fact=fact.text, bound=choices[key.text], value=number)


_EXPECTED: Final[dict[type, str]] = {
    bool: "write `true` or `false`",
    int: "write a whole number, or a bound: `{at_most: 5}`",
    str: "write a word",
}


def _value(word: Scalar, kind: type) -> Value | None:
    if kind is str:
        return word.text
    if word.quoted:
        return None
    if kind is bool:
        return _YES_OR_NO.get(word.text)
    number = int(word.text) if _INTEGER.fullmatch(word.text) else None
    return number if number is not None and abs(number) <= MAX_NUMBER else None


def _read_platforms(
    node: Node, on: Node | None, demands: tuple[Demand, ...], exists: list[Platform], problems: Problems
) -> tuple[Platform, ...]:
    if on is None:
        if demands and not exists:
            problems.add(node, "no platform has all of these facts", "make it several checks")
        return tuple(exists)
    choices: dict[str, Platform] = {one: one for one in ALL}
    found: list[Platform] = []
    for word in words_of(on, problems, what="`on`"):
        platform = choice_of(word, choices, problems, what="`on`")
        if platform is not None and demands and platform not in exists:
            missing = next(one.fact for one in demands if platform not in FACTS[one.fact].on)
            problems.add(word, f"{shown(missing)} is not reported on {platform}", "take it off the list")
        elif platform is not None:
            found.append(platform)
    return tuple(one for one in ALL if one in found)


def _read_ladder(node: Node, problems: Problems) -> Ladder:
    fields = fields_of(node, tuple(_LADDER), problems, what="`ladder`")
    spans = {stage: _read_span(fields[stage], stage, problems) for stage in _LADDER if stage in fields}
    last: tuple[Stage, int] | None = None
    for stage, span in spans.items():
        if span is not None and last is not None and span < last[1]:
            problems.add(
                fields[stage],
                f"`{stage}` begins before `{last[0]}`",
                "let each stage begin at the one before it, or later",
            )
        last = (stage, span) if span is not None else last
    if isinstance(node, MapNode) and not node.entries:
        problems.add(node, "`ladder` has no stage", "write, for instance, `{notify: 0d, warn: 1d, block: 7d}`")
    return Ladder(notify=spans.get(Stage.NOTIFY), warn=spans.get(Stage.WARN), block=spans.get(Stage.BLOCK))


def _read_span(node: Node, stage: Stage, problems: Problems) -> int | None:
    word = word_of(node, problems, what=f"`{stage}`")
    match = _SPAN.fullmatch(word.text) if word else None
    seconds = int(match[1]) * _UNIT[match[2]] if match else None
    if seconds is None or seconds > MAX_SECONDS:
        if word is not None:
            problems.add(
                node, f"{shown(word.text)} is no time up to a year", "write, for instance, `7d`, `12h` or `30m`"
            )
        return None
    return seconds


def _read_mend(node: Node, problems: Problems) -> dict[Platform, str]:
    fields = fields_of(node, ALL, problems, what="`mend`")
    steps: dict[Platform, str] = {}
    for platform in ALL:
        word = word_of(fields[platform], problems, what=f"`mend` for {platform}") if platform in fields else None
        if word is not None:
            steps[platform] = word.text.strip()
    return steps
