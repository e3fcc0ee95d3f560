"""Whether a firewall is on, by the kernel's own word: rules loaded into a network namespace of their own, and read back by nft."""

import subprocess

import pytest
from tests.agent_computer import MadeUp

from ostiary.agent.posture.finding import look_at
from ostiary.agent.posture.linux import firewall

INPUT = "type filter hook input priority 0;"
DROPS = (
    f"table inet f {{\n chain in {{\n {INPUT} policy drop;\n ct state established accept\n tcp dport 22 accept\n }}\n}}"
)
ONE_FAMILY = f"table ip f {{\n chain in {{\n {INPUT} policy drop;\n }}\n}}"
BOTH_FAMILIES = ONE_FAMILY + "\n" + ONE_FAMILY.replace("table ip f", "table ip6 f")
LIKE_FIREWALLD = f"""table inet firewalld {{
 chain zones {{
  tcp dport 22 accept
 }}
 chain in {{
  {INPUT} policy accept;
  ct state established accept
  jump zones
  ct state invalid drop
  counter reject with icmpx admin-prohibited
 }}
}}"""
LIKE_FAIL2BAN = (
    f"table inet f2b {{\n set bad {{\n type ipv4_addr\n }}\n chain in {{\n {INPUT}\n ip saddr @bad reject\n }}\n}}"
)
OPEN_BEFORE_THE_END = f"table inet f {{\n chain in {{\n {INPUT} policy drop;\n counter accept\n }}\n}}"
ONLY_FORWARDING = "table inet f {\n chain fw {\n type filter hook forward priority 0; policy drop;\n }\n}"


def as_the_kernel_has_it(rules: str) -> str:
    """Load rules where they bind nobody, and return what nft then says."""
    script = f"nft -f /dev/stdin && {' '.join(firewall.ASKED)}"
    words = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", script]
    done = subprocess.run(words, input=rules, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr} (needs nftables, and user namespaces allowed)"
    return done.stdout


@pytest.mark.parametrize(
    ("rules", "ipv6", "on"),
    [
        ("", True, False),
        (DROPS, True, True),
        (ONE_FAMILY, False, True),
        (ONE_FAMILY, True, False),
        (BOTH_FAMILIES, True, True),
        (LIKE_FIREWALLD, True, True),
        (LIKE_FAIL2BAN, False, False),
        (OPEN_BEFORE_THE_END, True, False),
        (ONLY_FORWARDING, False, False),
    ],
    ids=["none", "drops", "only-ipv4", "ipv6-open", "both", "firewalld", "fail2ban", "open", "forwarding"],
)
def test_a_firewall_is_on_when_what_nobody_let_in_is_turned_away(rules: str, ipv6: bool, on: bool) -> None:
    addresses = (
        "fe80000000000000021a4afffe000001 02 40 20 80 eth0\n"
        if ipv6
        else "00000000000000000000000000000001 01 80 10 80 lo\n"
    )
    computer = MadeUp(
        files={"/proc/net/if_inet6": addresses}, programs={" ".join(firewall.ASKED): as_the_kernel_has_it(rules)}
    )
    (fact,) = look_at(firewall.COLLECTOR, computer)
    assert (fact.value, fact.problem) == (on, "")


def test_what_is_in_sets_is_not_asked_for() -> None:
    blocked = DROPS.replace(" chain in {", " set bad {\n type ipv4_addr\n elements = { 192.0.2.77 }\n }\n chain in {")
    said = as_the_kernel_has_it(blocked)
    assert "192.0.2.77" not in said
    assert firewall.parse_nft(said, ipv6=True)


BY_IPTABLES = """{"nftables": [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}},
 {"table": {"family": "ip", "name": "filter", "handle": 1}},
 {"chain": {"family": "ip", "table": "filter", "name": "INPUT", "handle": 1, "type": "filter", "hook": "input", "prio": 0, "policy": "accept"}},
 {"rule": {"family": "ip", "table": "filter", "chain": "INPUT", "handle": 2, "expr": [
  {"xt": {"type": "match", "name": "conntrack"}}, {"counter": {"packets": 0, "bytes": 0}}, {"accept": null}]}},
 {"rule": {"family": "ip", "table": "filter", "chain": "INPUT", "handle": 3, "expr": [
  {"counter": {"packets": 0, "bytes": 0}}, {"xt": {"type": "target", "name": "%s"}}]}}]}"""
"""As nft shows `iptables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT` and `iptables -A INPUT -j …`."""


@pytest.mark.parametrize(("target", "on"), [("REJECT", True), ("DROP", True), ("LOG", False), ("MARK", False)])
def test_what_iptables_writes_counts_where_it_turns_away(target: str, on: bool) -> None:
    assert firewall.parse_nft(BY_IPTABLES % target, ipv6=False) is on


def test_a_jump_in_a_circle_ends() -> None:
    """The kernel takes no such rules, but what is read need not come from it."""
    chain = '{"chain": {"family": "inet", "table": "f", "name": "in", "hook": "input", "type": "filter"}}'
    jump = '{"rule": {"family": "inet", "table": "f", "chain": "in", "expr": [{"jump": {"target": "in"}}]}}'
    assert not firewall.parse_nft(f'{{"nftables": [{chain}, {jump}]}}', ipv6=False)


WHY_NOT = {
    False: "nft is not installed, so the rules that are in force cannot be seen.",
    True: "The firewall is made of rules of the old iptables, which are not looked into.",
}


def test_rules_of_the_old_iptables_are_not_looked_into() -> None:
    computer = MadeUp(files={"/proc/net/ip_tables_names": "filter\nnat\n"}, programs={"nft": '{"nftables": []}'})
    (fact,) = look_at(firewall.COLLECTOR, computer)
    assert fact.value is None
    assert "old iptables" in fact.problem


@pytest.mark.parametrize("nft", [{}, {"nft": '{"nftables": []}'}], ids=["no-nft", "nft-sees-nothing"])
@pytest.mark.parametrize(("enabled", "on"), [("yes", True), ("no", None)])
def test_ufw_on_the_old_iptables_is_told_by_how_it_is_set(nft: dict[str, str], enabled: str, on: bool | None) -> None:
    computer = MadeUp(
        files={"/proc/net/ip_tables_names": "filter\n", "/etc/ufw/ufw.conf": f"ENABLED={enabled}\n"},
        programs={"ufw": "", "systemctl is-active ufw.service": "active\n", **nft},
    )
    (fact,) = look_at(firewall.COLLECTOR, computer)
    assert fact.value is on
    assert fact.problem == ("" if on else WHY_NOT[bool(nft)])


@pytest.mark.parametrize(
    ("programs", "files", "on"),
    [
        ({"ufw": "", "systemctl is-active ufw.service": "active\n"}, {"/etc/ufw/ufw.conf": "# x\nENABLED=yes\n"}, True),
        ({"ufw": "", "systemctl is-active ufw.service": "active\n"}, {"/etc/ufw/ufw.conf": "ENABLED=no\n"}, None),
        ({"firewall-cmd": "", "systemctl is-active firewalld.service": "active\n"}, {}, True),
        ({"firewall-cmd": "", "systemctl is-active firewalld.service": "inactive\n"}, {}, None),
        ({}, {}, None),
    ],
)
def test_without_root_only_a_service_that_runs_shows(
    programs: dict[str, str], files: dict[str, str], on: bool | None
) -> None:
    (fact,) = look_at(firewall.COLLECTOR, MadeUp(programs=programs, files=files, root=False, user=1000))
    assert fact.value is on
    assert bool(fact.problem) is (on is None)
