"""Every value of a request has the answers of a value that was thought of: the limits of all questions, and both sides of each."""

import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import product

import pytest
from tests.policy_material import NOON, ask

from ostiary.policy.proof import candidates
from ostiary.policy.proof.dimensions import Dimension, dimensions_asked_about
from ostiary.policy.proof.moments import FIRST_YEAR, LAST_YEAR, USUAL_MOMENT, representative_moments
from ostiary.policy.proof.questions import Asked, PathPrefix, Question, Scopes
from ostiary.policy.request import Authentication, AuthStrength, Device
from ostiary.policy.rules.countries import COUNTRY_CODES
from ostiary.policy.rules.document import Countries, DeviceFact, Mfa, Networks, PathScope, RiskBelow
from ostiary.policy.rules.hours import DAYS, parse_window, state_at


def dimension(name: str, questions: Iterable[Question]) -> Dimension:
    asked = Asked()
    for question in questions:
        asked.holds(question)
    return next(one for one in dimensions_asked_about(asked) if one.name == name)


def assert_all_are_covered(name, questions, requests):
    """A value whose answers no class has would be a request that proofs do not see."""
    found, reached = dimension(name, questions), set()
    for request in requests:
        reached.add(found.class_of(request, NOON))
    assert reached == set(range(len(found.values)))


PATHS = [
    "/",
    "/a",
    "/a/",
    "/a/b",
    "/ab",
    "/abc",
    "/o",
    "/other",
    "/otherx",
    "/b/.",
    "/b/.c",
    "/é",
    "//",
    "relative",
    "/zzz",
]


@pytest.mark.parametrize(
    "questions",
    [
        [],
        [Scopes((PathScope("/a"),))],
        [Scopes((PathScope("/a", below=True),))],
        [Scopes((PathScope("", below=True),)), Scopes((PathScope("/other"),))],
        [Scopes((PathScope("/a", below=True), PathScope("/o")))],
        [PathPrefix("/a"), PathPrefix("/ab"), PathPrefix("/")],
        [Scopes((PathScope("/"),)), Scopes((PathScope("/other"),))],
        [Scopes((PathScope("/"),)), Scopes((PathScope("/other"),)), Scopes((PathScope("/otherx", below=True),))],
        [PathPrefix("/o"), Scopes((PathScope("/"),))],
        [PathPrefix("/oth"), PathPrefix("/o"), PathPrefix("/e"), PathPrefix("/a"), Scopes((PathScope("/"),))],
        [PathPrefix("/b/."), PathPrefix("")],
        [PathPrefix("/a/o"), PathPrefix("/b/e"), Scopes((PathScope("/a", below=True),))],
    ],
)
def test_paths(questions):
    texts = [one.text for one in questions if isinstance(one, PathPrefix)]
    texts += [scope.path for one in questions if isinstance(one, Scopes) for scope in one.scopes]
    further = [text + more for text in texts for more in ("", "/", "z", "/z", "other", "/other")]
    assert_all_are_covered("path", questions, [ask(path=path) for path in [*PATHS, *further]])


@pytest.mark.parametrize(
    "limits", [(), (None,), (1,), (30,), (60, 61), (600, 601, 43200), (None, 30, 59, 60, 90, 86400 * 30)]
)
def test_ages(limits):
    given = [limit for limit in limits if limit]
    ages = [0, -4.9, -5.1, -3600, 10**9, *(limit + step for limit in given for step in (-0.25, 0, 0.25))]
    for strength in (AuthStrength.ANY, AuthStrength.OTP, AuthStrength.PHISHING_RESISTANT):
        questions = [Mfa(strength, limit) for limit in limits]
        proofs = [(Authentication("x", strength, NOON - age),) for age in ages]
        assert_all_are_covered(f"proof {strength}", questions, [ask(proofs=some) for some in [(), *proofs]])


MAPPED = ipaddress.ip_network("::ffff:0:0/96")
BELOW_MAPPED = ipaddress.summarize_address_range(ipaddress.IPv6Address(0), MAPPED[0] - 1)


@pytest.mark.parametrize(
    "ranges",
    [
        ("10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9"),
        ("0.0.0.0/32", "255.255.255.255/32"),
        ("0.0.0.0/1", "128.0.0.0/1"),
        ("10.1.2.3/32", "10.1.2.4/32", "10.1.2.6/31"),
        ("10.1.2.4/30", "10.1.2.4/32", "10.1.2.6/31"),
        ("::/128", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"),
        ("::/80", "::fffe:0:0/96", "::1:0:0:0/96"),
        ("::/0", "0.0.0.0/0"),
        ("::/0", *map(str, BELOW_MAPPED)),
        ("::ffff:a00:0/104", "2001:db8::/32", "10.0.0.0/8"),
    ],
)
def test_addresses(ranges):
    networks = [ipaddress.ip_network(text) for text in ranges]
    edges = [(type(one.network_address), int(edge)) for one in networks for edge in (one[0], one[-1])]
    edges += [(ipaddress.IPv4Address, 0), (ipaddress.IPv4Address, 2**32 - 1)]
    edges += [(ipaddress.IPv6Address, edge) for edge in (0, 0xFFFF00000000, 0xFFFFFFFFFFFF, 2**128 - 1)]
    near = [(kind, edge + step) for kind, edge in edges for step in (-1, 0, 1)]
    inside = [(kind, at) for kind, at in near if 0 <= at < 2 ** (32 if kind is ipaddress.IPv4Address else 128)]
    requests = [ask(address=None), ask(address="junk"), *(ask(address=str(kind(at))) for kind, at in inside)]
    assert_all_are_covered("address", [Networks((text,)) for text in ranges], requests)


@pytest.mark.parametrize("named", [("DE",), ("AD", "AE"), ("AD", "de"), tuple(sorted(COUNTRY_CODES))])
def test_countries(named):
    seen = [None, *sorted(COUNTRY_CODES), "ZZ", "de"]
    assert_all_are_covered("country", [Countries((code,)) for code in named], [ask(country=one) for one in seen])


def test_risks():
    questions = [RiskBelow(limit) for limit in range(102)]
    assert_all_are_covered("risk", questions, [ask(risk=risk) for risk in (None, *range(101))])
    assert dimension("risk", questions).values[0] == 0


FACT_VALUES = (True, False, -9, -2, -1, 0, 1, 2, 3, 12, 13, 14, 15, 16, 99, "", "a", "other", "otherx", "1", "true")


@pytest.mark.parametrize(
    "wanted",
    [
        [(True, False)],
        [(1, False), (True, False)],
        [(14, True)],
        [(14, False), (14, True)],
        [(14, False), (15, True)],
        [(14, True), (13, True), (15, True), (14, False)],
        [(-1, True), (0, True), (2, True)],
        [("other", False), ("a", False)],
        [(False, False), (0, False), ("", False)],
    ],
)
def test_device_facts(wanted):
    questions = [DeviceFact("version", value, at_least) for value, at_least in wanted]
    elsewhere = [DeviceFact("other_fact", 13)]
    seen = [ask(device=Device(attributes=(("version", value),))) for value in FACT_VALUES]
    assert_all_are_covered("device version", [*questions, *elsewhere], [ask(), *seen])


@pytest.mark.parametrize("name", candidates.OWN_FACTS)
def test_what_ostiary_itself_says_of_a_device(name):
    seen = [ask(device=Device(**{name: value})) for value in (None, True, False)]
    assert_all_are_covered(f"device {name}", [DeviceFact(name, True), DeviceFact(name, False)], seen)
    assert candidates.facts(name, []) == [None, True, False]


@pytest.mark.parametrize(
    "texts",
    [
        ["Mon-Fri 07:00-20:00 Europe/Berlin"],
        ["Sat 22:00-06:00 America/New_York", "Mon-Fri 08:00-17:00 Europe/Berlin", "Sun 00:00-24:00 UTC"],
        ["12:00-13:00 Europe/Volgograd", "08:00-09:00 UTC"],
        ["02:00-03:00 Europe/Berlin", "Sun 01:30-02:30 America/New_York"],
        ["Fri 09:15-10:45 Asia/Kathmandu", "Thu 23:59-00:01 Australia/Lord_Howe"],
        ["Mon 10:00-11:00 Africa/Casablanca", "Mon 10:00-11:00 Europe/Berlin"],
        ["Sat 12:00-13:00 Asia/Jerusalem", "Sat 10:00-11:00 Europe/Berlin"],
    ],
)
def test_moments(texts):
    windows = [parse_window(text) for text in texts]
    found = {_states(windows, moment) for moment in representative_moments(windows)}
    assert representative_moments(windows)[0] == USUAL_MOMENT
    for year in (FIRST_YEAR, 2026, 2030, LAST_YEAR):
        begin, end = (int(datetime(one, 1, 1, tzinfo=UTC).timestamp()) for one in (year, year + 1))
        missing = [now for now in range(begin, end, 900) if _states(windows, now) not in found]
        assert not missing, datetime.fromtimestamp(missing[0], UTC)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"])
def test_each_hour_of_the_week_by_itself(zone):
    windows = [parse_window(f"{day} {hour:02}:00-{hour:02}:30 {zone}") for day in DAYS for hour in (0, 9, 10, 23)]
    opened = [_states(windows, moment) for moment in representative_moments(windows)]
    assert all(any(states[at] for states in opened) for at in range(len(windows)))
    assert not all(map(any, opened))


def test_every_minute_of_a_week_in_which_two_clocks_change():
    """New York changes its clocks a week after Berlin in autumn, at another hour of the day."""
    texts = ("Sun 01:00-01:01 America/New_York", "Sun 02:59-03:00 Europe/Berlin", "Sun 06:30-06:31 UTC")
    windows = [parse_window(text) for text in texts]
    found = {_states(windows, moment) for moment in representative_moments(windows)}
    begin = int(datetime(2026, 10, 24, tzinfo=UTC).timestamp())
    seen = {_states(windows, now) for now in range(begin, begin + 9 * 86400, 30)}
    assert seen <= found
    assert {state for state in product((False, True), repeat=3) if sum(state) == 1} <= seen


def test_the_years_that_are_covered():
    assert (FIRST_YEAR, LAST_YEAR) == (2020, 2049)


def _states(windows, now):
    return tuple(state_at(window, now)[0] for window in windows)
