"""Reads the conditions of `when:` and `unless:`."""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ostiary.policy.request import AuthStrength
from ostiary.policy.rules.countries import COUNTRY_CODES
from ostiary.policy.rules.document import Condition, Countries, DeviceFact, Hours, Mfa, Networks, RiskBelow
from ostiary.policy.rules.fields import Problems, choice_of, fields_of, word_of, words_of
from ostiary.policy.rules.hours import MalformedHours, Window, parse_window
from ostiary.policy.rules.problems import did_you_mean, shown
from ostiary.policy.rules.yaml_tree import MapNode, Node, Scalar

MAX_DEVICE_FACTS: Final = 50
MAX_WITHIN_SECONDS: Final = 366 * 86400
STRENGTHS: Final[Mapping[str, AuthStrength]] = {
    "any": AuthStrength.ANY,
    "otp": AuthStrength.OTP,
    "phishing-resistant": AuthStrength.PHISHING_RESISTANT,
}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
FACT_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,15}", re.ASCII)
_RISK = re.compile(r"below +(\d{1,3})", re.ASCII)
_DURATION = re.compile(r"(\d{1,9}) ?([smhd])", re.ASCII)
_YES_OR_NO = {"true": True, "false": False}


def read_conditions(node: Node, allowed: tuple[str, ...], problems: Problems, *, what: str) -> tuple[Condition, ...]:
    """Read a mapping of conditions.

    Args:
        node: the value of `when:` or `unless:`.
        allowed: the conditions that may stand here.
        problems: where to note what is wrong.
        what: the key, for messages.
    """
    fields = fields_of(node, READERS, problems, what=what)
    if isinstance(node, MapNode) and not node.entries:
        problems.add(node, f"{what} is empty", "remove it or add a condition")
    conditions: list[Condition] = []
    for name, value in fields.items():
        if name in allowed:
            conditions += READERS[name](value, problems)
        else:
            problems.add(value, f"`{name}` cannot stand in the `when` of a deny rule", _UNLESS_HINTS[name])
    return tuple(conditions)


_UNLESS_HINTS = {
    "mfa": "write what lifts the rule: `unless: {mfa: otp}`",
    "device": "write what lifts the rule: `unless: {device: {managed: true}}`",
    "risk": "write what lifts the rule: `unless: {risk: below 60}`",
}


def _read_mfa(node: Node, problems: Problems) -> list[Condition]:
    if isinstance(node, Scalar):
        strength = choice_of(node, STRENGTHS, problems, what="`mfa`")
        return [Mfa(strength)] if strength else []
    fields = fields_of(node, ("method", "within"), problems, what="`mfa`")
    if not isinstance(node, MapNode):
        return []
    if "method" not in fields:
        problems.add(node, "`mfa` does not say which `method`", "write `{method: otp, within: 12h}`")
        return []
    strength = choice_of(fields["method"], STRENGTHS, problems, what="`method`")
    within = read_duration(fields["within"], problems, what="`within`") if "within" in fields else None
    return [Mfa(strength, within)] if strength else []


def read_duration(node: Node, problems: Problems, *, what: str) -> int | None:
    """Read `15m` as seconds, up to `MAX_WITHIN_SECONDS`."""
    word = word_of(node, problems, what=what)
    if word is None:
        return None
    match = _DURATION.fullmatch(word.text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else 0
    if 0 < seconds <= MAX_WITHIN_SECONDS:
        return seconds
    problems.add(
        node, f"{shown(word.text)} is not a duration up to a year", "write, for instance, `15m`, `12h` or `7d`"
    )
    return None


def read_device(node: Node, problems: Problems) -> list[DeviceFact]:
    """Read the posture facts of `device`."""
    if not isinstance(node, MapNode):
        problems.add(node, "`device` must be keys and values", "write `{managed: true, compliant: true}`")
        return []
    if not 0 < len(node.entries) <= MAX_DEVICE_FACTS:
        problems.add(
            node, f"`device` must have 1 to {MAX_DEVICE_FACTS} facts", "write `{managed: true, compliant: true}`"
        )
        return []
    facts: list[DeviceFact] = []
    for key, value in node.entries:
        if not FACT_NAME.fullmatch(key.text):
            problems.add(key, f"{shown(key.text)} cannot name a device fact", "use a-z, 0-9 and `_`, a letter first")
        elif fact := _read_device_fact(key.text, value, problems):
            facts.append(fact)
    return facts


def _read_device_fact(name: str, node: Node, problems: Problems) -> DeviceFact | None:
    word = word_of(node, problems, what=f"`{name}`")
    if word is None:
        return None
    text = word.text
    if not word.quoted and text in _YES_OR_NO:
        return DeviceFact(name, _YES_OR_NO[text])
    if name in ("managed", "compliant"):
        problems.add(node, f"{shown(text)} is not a value of `{name}`", "write `true` or `false`")
        return None
    if not word.quoted and text.startswith("at least "):
        if _INTEGER.fullmatch(text[9:].strip()):
            return DeviceFact(name, int(text[9:]), at_least=True)
        problems.add(node, f"{shown(text)} does not end in a whole number", "write, for instance, `at least 14`")
        return None
    return DeviceFact(name, int(text) if not word.quoted and _INTEGER.fullmatch(text) else text)


def _read_hours(node: Node, problems: Problems) -> list[Condition]:
    windows: list[Window] = []
    for word in words_of(node, problems, what="`hours`"):
        try:
            windows.append(parse_window(word.text))
        except MalformedHours as error:
            problems.add(word, f"{shown(word.text)}: {error.args[0]}", error.args[1])
    return [Hours(tuple(windows))] if windows else []


def _read_networks(node: Node, problems: Problems) -> list[Condition]:
    ranges: list[str] = []
    for word in words_of(node, problems, what="`networks`"):
        try:
            ranges.append(str(ipaddress.ip_network(word.text)))
        except ValueError:
            problems.add(word, f"{shown(word.text)} is not a network", _network_hint(word.text))
    return [Networks(tuple(dict.fromkeys(ranges)))] if ranges else []


def _network_hint(text: str) -> str:
    try:
        return f"did you mean `{ipaddress.ip_network(text, strict=False)}`?"
    except ValueError:
        return "write an address and how many of its bits count, for instance `192.0.2.0/24` or `2001:db8::/32`"


def _read_countries(node: Node, problems: Problems) -> list[Condition]:
    codes: list[str] = []
    for word in words_of(node, problems, what="`countries`"):
        code = word.text.upper()
        if code in COUNTRY_CODES:
            codes.append(code)
        else:
            hint = "did you mean `GB`?" if code == "UK" else "use two letters of ISO 3166-1, for instance `DE`"
            problems.add(word, f"{shown(word.text)} is not a country code", hint)
    return [Countries(tuple(dict.fromkeys(codes)))] if codes else []


def _read_risk(node: Node, problems: Problems) -> list[Condition]:
    word = word_of(node, problems, what="`risk`")
    if word is None:
        return []
    match = _RISK.fullmatch(word.text)
    if match and 1 <= int(match[1]) <= 100:
        return [RiskBelow(int(match[1]))]
    guess = did_you_mean(word.text.split()[0], ["below"])
    hint = guess if guess.startswith("did") and not match else "write `below` and 1 to 100: `below 60`"
    problems.add(node, f"{shown(word.text)} is not a risk condition", hint)
    return []


READERS: Final[Mapping[str, Callable[[Node, Problems], Sequence[Condition]]]] = {
    "mfa": _read_mfa,
    "device": read_device,
    "hours": _read_hours,
    "networks": _read_networks,
    "countries": _read_countries,
    "risk": _read_risk,
}
