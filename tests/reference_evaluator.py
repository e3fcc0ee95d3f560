"""What a rules document means, written a second time from its grammar and nothing else.

It reads plain values (as any YAML or JSON library gives them), knows no Cedar, no index and no memory, and shares no
code with the engine. Where both disagree, one of them is wrong.
"""

import math
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any
from zoneinfo import ZoneInfo

from ostiary.policy.request import AccessRequest, Device, Subject

Plain = dict[str, Any]
Held = bool | None

DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
STRENGTHS = {"any": 1, "otp": 2, "phishing-resistant": 3}
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def evaluate(
    document: Plain, labels_of_apps: dict[str, list[str]], request: AccessRequest, now: float
) -> tuple[bool, set[str]]:
    """Return whether the request is allowed, and the names of the rules that decided it."""
    subject = request.subject
    rules = document.get("rules") or []
    if bool(subject.person) == bool(subject.service) or request.resource.app not in labels_of_apps:
        return False, set()
    selectors = [word for rule in rules for word in as_list(rule.get("allow", rule.get("deny")))]
    if subject.person and not subject.email and any(w.startswith("person:") and "@" in w for w in selectors):
        return False, set()
    labels = set(labels_of_apps[request.resource.app]) | set(request.resource.labels)
    denying: set[str] = set()
    allowing: set[str] = set()
    for rule in rules:
        if means(rule, request, labels):
            if "deny" in rule and deny_applies(rule, request, now):
                denying.add(rule["name"])
            if "allow" in rule and allow_applies(rule, request, now):
                allowing.add(rule["name"])
    if denying:
        return False, denying
    return bool(allowing), allowing


def means(rule: Plain, request: AccessRequest, labels: set[str]) -> bool:
    who = as_list(rule.get("allow", rule.get("deny")))
    to = as_list(rule["to"])
    do = as_list(rule.get("do", "any"))
    return (
        any(names_subject(word, request.subject) for word in who)
        and any(
            word in ("anything", f"app:{request.resource.app}") or word in {f"label:{label}" for label in labels}
            for word in to
        )
        and ("any" in do or request.action.value in do)
    )


def names_subject(word: str, subject: Subject) -> bool:
    if word == "anyone":
        return True
    kind, _, name = word.partition(":")
    if kind == "group":
        return name in subject.groups
    if kind == "service":
        return subject.service == name
    if "@" in name:
        return bool(subject.person) and subject.email is not None and subject.email.lower() == name.lower()
    return bool(subject.person) and subject.person == name


def allow_applies(rule: Plain, request: AccessRequest, now: float) -> bool:
    """Everything must be known to hold."""
    held = [path_held(rule, request), *conditions_held(rule.get("when", {}), request, now)]
    return all(one is True for one in held)


def deny_applies(rule: Plain, request: AccessRequest, now: float) -> bool:
    """Nothing of the `when` may be known not to hold, and the `unless` may not be known to hold."""
    held = [path_held(rule, request), *conditions_held(rule.get("when", {}), request, now)]
    if any(one is False for one in held):
        return False
    if "unless" not in rule:
        return True
    return not all(one is True for one in conditions_held(rule["unless"], request, now))


def path_held(rule: Plain, request: AccessRequest) -> Held:
    scopes = as_list(rule.get("paths", []))
    path = request.resource.path
    if not scopes:
        return True
    parts = path.split("/")
    unclear = not path.startswith("/") or "" in parts[1:-1] or "." in parts or ".." in parts
    if unclear or any(c in path for c in "\\;%?#") or any(ord(c) < 32 or 127 <= ord(c) < 160 for c in path):
        return None
    return any(path == s if not s.endswith("/*") else path == s[:-2] or path.startswith(s[:-1]) for s in scopes)


def conditions_held(conditions: Plain, request: AccessRequest, now: float) -> list[Held]:
    held: list[Held] = []
    for key, value in conditions.items():
        if key == "device":
            held += [device_held(name, wanted, request.device) for name, wanted in value.items()]
        else:
            held.append(CONDITIONS[key](value, request, now))
    return held


def mfa_held(value: Any, request: AccessRequest, now: float) -> Held:
    method, within = (value, None) if isinstance(value, str) else (value["method"], value.get("within"))
    for proof in request.subject.authentications:
        if proof.strength < STRENGTHS[method]:
            continue
        if within is None:
            return True
        if proof.at - 5 <= now < proof.at + int(within[:-1]) * SECONDS[within[-1]]:
            return True
    return False


def device_held(name: str, wanted: Any, device: Device | None) -> Held:
    if device is None:
        return None
    known: dict[str, object] = {n: v for n, v in device.attributes if n not in ("managed", "compliant")}
    for own in ("managed", "compliant"):
        if getattr(device, own) is not None:
            known[own] = getattr(device, own)
    if name not in known:
        return None
    seen = known[name]
    if isinstance(wanted, str) and wanted.startswith("at least "):
        return isinstance(seen, int) and not isinstance(seen, bool) and seen >= int(wanted[9:])
    return type(seen) is type(wanted) and seen == wanted


def hours_held(value: Any, request: AccessRequest, now: float) -> Held:
    return any(window_open(text, now) for text in as_list(value))


def window_open(text: str, now: float) -> bool:
    words = text.split()
    zone, span, days = words[-1], words[-2], words[0] if len(words) == 3 else "Mon-Sun"
    begin, end = (int(t[:-3]) * 60 + int(t[-2:]) for t in span.split("-"))
    end = end or 1440
    local = datetime.fromtimestamp(math.floor(now), ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    begun_today = DAYS[local.weekday()] in day_names(days)
    begun_yesterday = DAYS[(local - timedelta(days=1)).weekday()] in day_names(days)
    if begin < end:
        return begun_today and begin <= minute < end
    return (begun_today and minute >= begin) or (begun_yesterday and minute < end)


def day_names(text: str) -> set[str]:
    names = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        at = DAYS.index(first)
        names.add(first)
        while last and DAYS[at % 7] != last:
            at += 1
            names.add(DAYS[at % 7])
    return names


def networks_held(value: Any, request: AccessRequest, now: float) -> Held:
    try:
        address = ip_address(request.context.address or "")
    except ValueError:
        return None
    if "%" in str(address):
        return None
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in ip_network(text) for text in as_list(value))


def countries_held(value: Any, request: AccessRequest, now: float) -> Held:
    if request.context.country is None:
        return None
    return request.context.country in [code.upper() for code in as_list(value)]


def risk_held(value: str, request: AccessRequest, now: float) -> Held:
    return None if request.context.risk is None else request.context.risk < int(value.split()[1])


CONDITIONS = {
    "mfa": mfa_held,
    "hours": hours_held,
    "networks": networks_held,
    "countries": countries_held,
    "risk": risk_held,
}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
