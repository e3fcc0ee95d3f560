"""Whether a condition holds for a request at a moment, and when time alone could change that.

Cedar decides; this module gives Cedar the facts it cannot compute (ages, wall clocks, posture by name), and explains
a refusal afterwards. What is not known is `None`, never a guess.
"""

import ipaddress
import re
from functools import lru_cache
from typing import Final

import msgspec

from ostiary.policy.reads import Part, Reads
from ostiary.policy.request import AccessRequest, AuthStrength
from ostiary.policy.rules.document import Condition, Countries, DeviceFact, Hours, Mfa, Networks, PathScope, RiskBelow
from ostiary.policy.rules.hours import state_at

CLOCK_SKEW_SECONDS: Final = 5
"""A proof that lies further in the future than this is not believed where its age matters."""

_PLAIN_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[^/\\;%?#\x00-\x1f\x7f-\x9f]+)*/?")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What conditions read of one request, in the form they compare.

    Args:
        strength: of the strongest proof given in the session, whatever its age.
        path: as the app will read it; `None` when apps could read it in more than one way.
        device: posture facts by name; `managed` and `compliant` among them when they are known.
        now: seconds since the epoch.
        timed: what `holds_until` found, by the condition's identity; the rules outlive the facts.
    """

    request: AccessRequest
    strength: AuthStrength
    path: str | None
    address: Address | None
    device: dict[str, bool | int | str]
    now: float
    timed: dict[int, tuple[bool, float | None]]


def gather(request: AccessRequest, reads: Reads, now: float) -> Facts:
    """Bring the parts of a request that are looked at into the form that conditions compare."""
    return Facts(
        request=request,
        strength=max((proof.strength for proof in request.subject.authentications), default=AuthStrength.SINGLE),
        path=known_path(request.resource.path) if Part.PATH in reads else None,
        address=parse_address(request.context.address) if Part.ADDRESS in reads else None,
        device=_posture(request) if Part.DEVICE in reads else {},
        now=now,
        timed={},
    )


def known_path(path: str) -> str | None:
    """Return `path` if every app reads it alike, else `None`.

    Empty, `.` and `..` parts, backslashes, path parameters (`;`), what is still percent-encoded and control
    characters mean different things to different apps.
    """
    return path if path.startswith("/") and _PLAIN_PATH.fullmatch(path) else None


def covers(scopes: tuple[PathScope, ...], path: str | None) -> bool | None:
    """Whether any of the scopes covers the path; `None` when the path is not known. No scopes cover everything."""
    if not scopes:
        return True
    if path is None:
        return None
    return any(path == s.path or (s.below and path.startswith(s.path + "/")) for s in scopes)


def parse_address(text: str | None) -> Address | None:
    """Return the address, IPv4 in IPv6 clothing as IPv4, or `None` when it is absent or no address."""
    try:
        address = ipaddress.ip_address(text or "")
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        return None if address.scope_id else address.ipv4_mapped or address
    return address


def status(condition: Condition, facts: Facts) -> bool | None:
    """Whether the condition holds; `None` when what it asks about is not known."""
    context = facts.request.context
    match condition:
        case Mfa(within_seconds=None):
            return facts.strength >= condition.strength
        case DeviceFact():
            return _device_status(condition, facts.device.get(condition.name))
        case Mfa() | Hours():
            return holds_until(condition, facts)[0]
        case Networks():
            return None if facts.address is None else any(facts.address in n for n in networks(condition.ranges))
        case Countries():
            return None if context.country is None else context.country in condition.codes
        case RiskBelow():
            return None if context.risk is None else context.risk < condition.limit


def is_timed(condition: Condition) -> bool:
    """Whether time alone can change the condition's status."""
    return isinstance(condition, Hours) or (isinstance(condition, Mfa) and condition.within_seconds is not None)


def holds_until(condition: Condition, facts: Facts) -> tuple[bool, float | None]:
    """Return whether a timed condition holds, and the first moment at which time alone could change that, if any."""
    known = facts.timed.get(id(condition))
    if known is None:
        known = facts.timed[id(condition)] = _holds_until(condition, facts)
    return known


def _holds_until(condition: Condition, facts: Facts) -> tuple[bool, float | None]:
    match condition:
        case Hours():
            states = [state_at(window, facts.now) for window in condition.windows]
        case Mfa():
            spans = _proof_spans(condition, facts)
            states = [(begin <= facts.now < end, edge) for begin, end in spans for edge in (begin, end)]
        case _:
            raise TypeError(condition)
    moments = [moment for _, moment in states if moment is not None and moment > facts.now]
    return any(holds for holds, _ in states), min(moments, default=None)


def opens_at(hours: Hours, now: float) -> float | None:
    """Return when the next of the windows opens, given that none is open now."""
    moments = [moment for _, moment in (state_at(window, now) for window in hours.windows) if moment is not None]
    return min(moments, default=None)


@lru_cache(maxsize=1024)
def networks(ranges: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Return the ranges as networks."""
    return tuple(ipaddress.ip_network(text) for text in ranges)


def _proof_spans(condition: Mfa, facts: Facts) -> list[tuple[float, float]]:
    """When each proof that is strong enough is fresh enough, as half-open spans of time."""
    return [
        (proof.at - CLOCK_SKEW_SECONDS, proof.at + (condition.within_seconds or 0))
        for proof in facts.request.subject.authentications
        if proof.strength >= condition.strength
    ]


def _device_status(condition: DeviceFact, seen: bool | int | str | None) -> bool | None:
    if seen is None:
        return None
    if condition.at_least:
        return type(seen) is int and type(condition.value) is int and seen >= condition.value
    return type(seen) is type(condition.value) and seen == condition.value


def _posture(request: AccessRequest) -> dict[str, bool | int | str]:
    device = request.device
    if device is None:
        return {}
    facts = {name: value for name, value in device.attributes if name not in ("managed", "compliant")}
    known = {"managed": device.managed, "compliant": device.compliant}
    return facts | {name: value for name, value in known.items() if value is not None}
