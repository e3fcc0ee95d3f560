"""Compiles one rule to one Cedar policy. The meaning of each condition: `docs/reference/rules.md`.

A fact that may be missing is guarded: with `has … &&` where a missing fact must not help (`allow`, `unless`), with
`if has … else true` where a missing fact must not spare (`when` of `deny`). So no policy can fail for want of a fact.
"""

from cedarpy import format_policies

from ostiary.policy.cedar.text import entity, every, literal, pattern_below, set_of, some
from ostiary.policy.request import AuthStrength
from ostiary.policy.rules.document import (
    Condition,
    Countries,
    DeviceFact,
    Effect,
    Hours,
    Mfa,
    Networks,
    PathScope,
    RiskBelow,
    Rule,
    RulesDocument,
    Target,
    TargetKind,
    Who,
    WhoKind,
)

_WHO_ENTITIES = {
    WhoKind.GROUP: "Group",
    WhoKind.PERSON: "Person",
    WhoKind.EMAIL: "Email",
    WhoKind.SERVICE: "Service",
}
_TARGET_ENTITIES = {TargetKind.APP: "App", TargetKind.LABEL: "Label"}
_NATIVE_DEVICE_FACTS = ("managed", "compliant")


def compile_rule(rule: Rule) -> str:
    """Return the rule as Cedar text, one policy, annotated with the rule's name."""
    permit = rule.effect is Effect.ALLOW
    when = [_paths(rule.paths, missing_counts=not permit)] if rule.paths else []
    when += [_condition(condition, missing_counts=not permit) for condition in rule.when]
    unless = [_condition(condition, missing_counts=False) for condition in rule.unless]
    scope = f"{_principals(rule.who)}, {_actions(rule)}, {_resources(rule.to)}"
    clauses = _several(rule.who, rule.to) + when
    return (
        f"@id({literal(rule.name)})\n"
        f"{'permit' if permit else 'forbid'} ({scope})"
        + (f"\nwhen {{ {every(clauses)} }}" if clauses else "")
        + (f"\nunless {{ {every(unless)} }}" if unless else "")
        + ";\n"
    )


def compile_document(document: RulesDocument) -> str:
    """Return every rule as Cedar text, laid out for people."""
    return format_policies("\n".join(map(compile_rule, document.rules)), line_width=100).rstrip() + "\n"


def named(condition: Condition) -> str | None:
    """Return the name under which `context.holds` carries the condition, or `None` if Cedar reads its value itself."""
    match condition:
        case Mfa(within_seconds=int()):
            return f"mfa {_strength_word(condition.strength)} within {condition.within_seconds}s"
        case Hours():
            return "hours " + ", ".join(map(str, condition.windows))
        case DeviceFact(name=name) if name not in _NATIVE_DEVICE_FACTS:
            value = condition.value
            written = literal(value) if isinstance(value, str) else str(value).lower()
            return f"device {name} {'>=' if condition.at_least else '=='} {written}"
        case _:
            return None


def _condition(condition: Condition, *, missing_counts: bool) -> str:
    if name := named(condition):
        return f"context.holds.contains({literal(name)})"
    match condition:
        case Mfa():
            return f"context.mfa >= {int(condition.strength)}"
        case DeviceFact(name=name):
            holds = f"context.device.{name} == {str(condition.value).lower()}"
            return f"(context has device && context.device has {name} && {holds})"
        case Networks():
            inside = some([f"context.address.isInRange(ip({literal(one)}))" for one in condition.ranges])
            return _guarded("address", inside, missing_counts=missing_counts)
        case Countries():
            inside = f"{set_of(condition.codes)}.contains(context.country)"
            return _guarded("country", inside, missing_counts=missing_counts)
        case RiskBelow():
            return _guarded("risk", f"context.risk < {condition.limit}", missing_counts=missing_counts)
        case Hours():
            raise AssertionError(condition)


def _guarded(attribute: str, test: str, *, missing_counts: bool) -> str:
    if missing_counts:
        return f"(if context has {attribute} then {test} else true)"
    return f"(context has {attribute} && {test})"


def _principals(who: tuple[Who, ...]) -> str:
    if len(who) > 1 or who[0].kind is WhoKind.ANYONE:
        return "principal"
    return f"principal in {_who(who[0])}"


def _resources(to: tuple[Target, ...]) -> str:
    if len(to) > 1 or to[0].kind is TargetKind.ANYTHING:
        return "resource"
    return f"resource in {_target(to[0])}"


def _several(who: tuple[Who, ...], to: tuple[Target, ...]) -> list[str]:
    """What the scope cannot say: any of several subjects, any of several resources."""
    clauses = []
    if len(who) > 1 and all(one.kind is not WhoKind.ANYONE for one in who):
        clauses.append(some([f"principal in [{_list(who, kind)}]" for kind in dict.fromkeys(one.kind for one in who)]))
    if len(to) > 1 and all(one.kind is not TargetKind.ANYTHING for one in to):
        clauses.append(some([f"resource in [{_list(to, kind)}]" for kind in dict.fromkeys(one.kind for one in to)]))
    return clauses


def _list(entities: tuple[Who, ...] | tuple[Target, ...], kind: WhoKind | TargetKind) -> str:
    """Entities of one kind: a set must not mix types."""
    return ", ".join(_who(one) if isinstance(one, Who) else _target(one) for one in entities if one.kind is kind)


def _actions(rule: Rule) -> str:
    if rule.do is None:
        return "action"
    return f"action in [{', '.join(entity('Action', action) for action in rule.do)}]"


def _who(who: Who) -> str:
    return entity(_WHO_ENTITIES[who.kind], who.name)


def _target(target: Target) -> str:
    return entity(_TARGET_ENTITIES[target.kind], target.name)


def _paths(scopes: tuple[PathScope, ...], *, missing_counts: bool) -> str:
    exact = tuple(scope.path for scope in scopes if scope.path)
    tests = [f"{set_of(exact)}.contains(context.path)"] if exact else []
    tests += [f"context.path like {pattern_below(scope.path)}" for scope in scopes if scope.below]
    return _guarded("path", some(tests), missing_counts=missing_counts)


def _strength_word(strength: AuthStrength) -> str:
    return strength.name.lower().replace("_", "-")
