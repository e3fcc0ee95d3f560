"""Whether the computer itself turns away what nobody let in: the packet filter in force, whoever wrote it (nftables, ufw, firewalld, iptables-nft).

The rules as they are in the kernel count (`nft list ruleset`, without what is in sets), which only root may see. Without root or nft,
and where rules of the old iptables are in force, a firewall that is set to start and has a service that runs is all there is to see: ufw
and firewalld say so, others cannot be told.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from ostiary.agent.posture.computer import CannotTell, Computer, text_of
from ostiary.agent.posture.finding import Collector, Value
from ostiary.agent.posture.linux.system import read_fields

REFUSES: Final = frozenset({"drop", "reject"})
OLD_TARGETS: Final = {"REJECT": "reject", "DROP": "drop"}
"""Targets of iptables that nft has no words for of its own, or not everywhere; others (LOG) decide nothing."""
NO_CONDITION: Final = frozenset({"counter", "log", "comment"})
MAX_JUMPS: Final = 16
ASKED: Final = ("nft", "--json", "--terse", "list", "ruleset")
LEGACY: Final = "/proc/net/ip_tables_names"


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """One chain of nftables, by family, table and name."""

    family: str
    table: str
    name: str
    hook: str = ""
    type: str = ""
    policy: str = "accept"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: where it stands, and its expressions in order."""

    family: str
    table: str
    chain: str
    expr: tuple[dict[str, Any] | None, ...] = ()


class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    chain: Chain | None = None
    rule: Rule | None = None


class _Ruleset(msgspec.Struct, frozen=True, kw_only=True):
    nftables: tuple[_Entry, ...]


def look(computer: Computer) -> Mapping[str, Value]:
    """Return whether a firewall is on."""
    if not computer.root:
        return {"firewall_on": _as_it_is_set(computer, otherwise="Only root can see whether a firewall is on.")}
    if not computer.has(ASKED[0]):
        why = "nft is not installed, so the rules that are in force cannot be seen."
        return {"firewall_on": _as_it_is_set(computer, otherwise=why)}
    reachable_by_6 = has_ipv6(text_of(computer, "/proc/net/if_inet6"))
    if parse_nft(computer.run(*ASKED).said, ipv6=reachable_by_6):
        return {"firewall_on": True}
    if "filter" not in text_of(computer, LEGACY).split():
        return {"firewall_on": False}
    why = "The firewall is made of rules of the old iptables, which are not looked into."
    return {"firewall_on": _as_it_is_set(computer, otherwise=why)}


def parse_nft(text: str, *, ipv6: bool) -> bool:
    """Return whether what comes in is refused unless a rule lets it in.

    Args:
        text: of `nft --json --terse list ruleset`.
        ipv6: whether the computer has IPv6 addresses, so that they have to be filtered too.

    Raises:
        CannotTell: when it cannot be read.
    """
    try:
        entries = msgspec.json.decode(text, type=_Ruleset).nftables
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise CannotTell("What nft says cannot be read.") from None
    chains = [one.chain for one in entries if one.chain is not None]
    rules: dict[tuple[str, str, str], list[Rule]] = {}
    for one in entries:
        if one.rule is not None:
            rules.setdefault((one.rule.family, one.rule.table, one.rule.chain), []).append(one.rule)
    refusing = {
        chain.family
        for chain in chains
        if (chain.hook, chain.type) == ("input", "filter")
        and (_verdict(rules, chain.family, chain.table, chain.name, MAX_JUMPS) or chain.policy) in REFUSES
    }
    return "inet" in refusing or ("ip" in refusing and (not ipv6 or "ip6" in refusing))


def has_ipv6(text: str) -> bool:
    """Return whether any interface but the loopback has an IPv6 address, from `/proc/net/if_inet6`."""
    return any(words[-1] != "lo" for line in text.splitlines() if (words := line.split()))


def parse_ufw(text: str) -> bool:
    """Return whether ufw is set to be on, from `/etc/ufw/ufw.conf`."""
    return read_fields(text).get("ENABLED", "").lower() == "yes"


def _verdict(
    rules: Mapping[tuple[str, str, str], Sequence[Rule]], family: str, table: str, chain: str, left: int
) -> str:
    """Return what becomes of a packet that no condition fits, or nothing where the chain leaves that open."""
    for rule in rules.get((family, table, chain), ()):
        verdict, aim = _unconditional(rule)
        if verdict in {"jump", "goto"} and left > 0:
            deeper = _verdict(rules, family, table, aim, left - 1)
            if deeper or verdict == "goto":
                return deeper
        elif verdict == "return":
            return ""
        elif verdict == "accept" or verdict in REFUSES:
            return verdict
    return ""


def _unconditional(rule: Rule) -> tuple[str, str]:
    """Return the verdict of a rule without conditions, and where it leads; nothing for any other rule."""
    verdict, aim = "", ""
    for expression in rule.expr:
        if not isinstance(expression, dict) or len(expression) != 1:
            return "", ""
        (word, more) = next(iter(expression.items()))
        if word in {"accept", "drop", "reject", "return"}:
            verdict = word
        elif word in {"jump", "goto"}:
            verdict, aim = word, str(more.get("target", "")) if isinstance(more, dict) else ""
        elif word == "xt" and isinstance(more, dict) and more.get("type") == "target":
            verdict = OLD_TARGETS.get(str(more.get("name")), verdict)
        elif word not in NO_CONDITION:
            return "", ""
    return verdict, aim


def _as_it_is_set(computer: Computer, *, otherwise: str) -> bool:
    ufw = computer.has("ufw") and parse_ufw(text_of(computer, "/etc/ufw/ufw.conf"))
    services = [name for name, there in (("ufw", ufw), ("firewalld", computer.has("firewall-cmd"))) if there]
    if any(computer.run("systemctl", "is-active", f"{one}.service").said.strip() == "active" for one in services):
        return True
    raise CannotTell(otherwise)


COLLECTOR = Collector(facts=("firewall_on",), look=look, quick=True)
