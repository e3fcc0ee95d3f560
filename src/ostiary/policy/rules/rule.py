"""A rule and its parts as types. Reading the text lives in `rule_reader`, the meaning in `policy.conditions` and `policy.cedar`."""

from enum import StrEnum

import msgspec

from ostiary.policy.decision import Obligation
from ostiary.policy.identifiers import RuleName
from ostiary.policy.request import ActionClass, AuthStrength
from ostiary.policy.rules.hours import Window


class Effect(StrEnum):
    """What a matching rule does. A matching `deny` outweighs every `allow`."""

    ALLOW = "allow"
    DENY = "deny"


class WhoKind(StrEnum):
    """How a rule names subjects. `EMAIL` and `PERSON` are both written `person:`."""

    GROUP = "group"
    PERSON = "person"
    EMAIL = "email"
    SERVICE = "service"
    ANYONE = "anyone"


class Who(msgspec.Struct, frozen=True):
    """One way to be meant by a rule; `name` is empty for `anyone`."""

    kind: WhoKind
    name: str = ""


class TargetKind(StrEnum):
    """How a rule names resources."""

    APP = "app"
    LABEL = "label"
    ANYTHING = "anything"


class Target(msgspec.Struct, frozen=True):
    """One way for a resource to be meant by a rule; `name` is empty for `anything`."""

    kind: TargetKind
    name: str = ""


class PathScope(msgspec.Struct, frozen=True):
    """A path, or the path and everything below it.

    `/admin/*` is written with `below` true and covers `/admin`, `/admin/` and `/admin/x`, never `/administrator`.
    """

    path: str
    below: bool = False


class Mfa(msgspec.Struct, frozen=True, tag="mfa"):
    """A proof of at least this strength, no older than `within_seconds` when that is set."""

    strength: AuthStrength
    within_seconds: int | None = None


class DeviceFact(msgspec.Struct, frozen=True, tag="device"):
    """A posture fact equals `value`, or is at least `value`."""

    name: str
    value: bool | int | str
    at_least: bool = False


class Hours(msgspec.Struct, frozen=True, tag="hours"):
    """The moment lies in one of the windows."""

    windows: tuple[Window, ...]


class Networks(msgspec.Struct, frozen=True, tag="networks"):
    """The client's address lies in one of these CIDR ranges (canonical text)."""

    ranges: tuple[str, ...]


class Countries(msgspec.Struct, frozen=True, tag="countries"):
    """The client's address belongs to one of these countries (ISO 3166-1 alpha-2, upper case)."""

    codes: tuple[str, ...]


class RiskBelow(msgspec.Struct, frozen=True, tag="risk"):
    """The risk is known and lower than `limit` (1 to 100)."""

    limit: int


Condition = Mfa | DeviceFact | Hours | Networks | Countries | RiskBelow


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule.

    Args:
        name: unique in the document.
        who: any of these subjects.
        to: any of these resources.
        do: any of these actions; `None` means every action.
        paths: any of these paths; empty means every path.
        when: all of these must hold. In a deny rule what is not known counts as holding.
        unless: deny rules only: all of these together lift the rule; what is not known does not hold.
        require: obligations that come with the permission.
        line: where the rule begins in the text; 0 when there is no text.
    """

    name: RuleName
    effect: Effect
    who: tuple[Who, ...]
    to: tuple[Target, ...]
    do: tuple[ActionClass, ...] | None = None
    paths: tuple[PathScope, ...] = ()
    when: tuple[Condition, ...] = ()
    unless: tuple[Condition, ...] = ()
    require: tuple[Obligation, ...] = ()
    describe: str = ""
    line: int = 0
