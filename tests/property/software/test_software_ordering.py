"""Which version is newer: as dpkg itself says, as rpm's and the standards' own examples have it."""

import itertools
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from ostiary.software.domain.ecosystems import Ordering
from ostiary.software.domain.matching import Subject, match
from ostiary.software.domain.ordering import newer, readable
from ostiary.software.domain.osv import Affected, Event

UPSTREAM = st.from_regex(r"\A[0-9][0-9A-Za-z.+~]{0,7}\Z")
DPKG = st.builds(
    lambda epoch, upstream, revision: f"{epoch}{upstream}{revision}",
    st.sampled_from(["", "0:", "1:", "2:"]),
    UPSTREAM,
    st.one_of(st.just(""), st.from_regex(r"\A-[0-9A-Za-z+.~]{1,6}\Z")),
)
ASCENDING = {
    Ordering.DPKG: ["1.0~~", "1.0~rc1-1", "1.0-1~deb12u1", "1.0-1", "1.0-1+b1", "1.0-1+deb12u2", "1.0.1-1", "1.10-1", "1:0.1"],
    Ordering.RPM: ["1.0~rc1-1", "1.0-1.el9", "1.0-1.el9_2", "1.0^git1-1", "1.0.1-1", "1.10-1", "1:0.5-1"],
    Ordering.APK: [
        "1.2.0-r0", "1.2.02-r0", "1.2.1-r0", "1.2.3_alpha1", "1.2.3_beta", "1.2.3_pre2", "1.2.3_pre10", "1.2.3_rc1", "1.2.3_rc1_git20240101",
        "1.2.3", "1.2.3-r0", "1.2.3-r1", "1.2.3-r10", "1.2.3_cvs1-r0", "1.2.3_svn5-r0", "1.2.3_git20240101-r0", "1.2.3_git20240102-r0",
        "1.2.3_hg1-r0", "1.2.3_p1-r0", "1.2.3_p10-r0", "1.2.3a-r0", "1.2.3.1-r0", "1.2.9-r10", "1.2.10-r9", "1.10.0-r0", "10.0-r0",
    ],
    Ordering.PEP440: ["1.0.dev1", "1.0a1", "1.0b2", "1.0rc1", "1.0", "1.0+local", "1.0.post1", "1.1", "2!0.1"],
    Ordering.SEMVER: ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.10.0"],
}  # fmt: skip
"""The last is the newest. RPM: rpm-version(7) and its test suite; apk: its test suite; PEP 440, "Summary"; SemVer 2.0.0, 11."""

RPM_AS_RPM_SAYS = [
    ("1.0", "1.0", 0), ("1.0", "2.0", -1), ("2.0.1a", "2.0.1", 1), ("5.5p1", "5.5p10", -1), ("10xyz", "10.1xyz", -1),
    ("xyz10", "xyz10.1", -1), ("6.0.rc1", "6.0", 1), ("10b2", "10a1", 1), ("1.0aa", "1.0a", 1), ("10.0001", "10.1", 0),
    ("4.999.9", "5.0", -1), ("20101121", "20101122", -1), ("2_0", "2.0", 0), ("a+", "a_", 0), ("1.0~rc1", "1.0", -1),
    ("1.0~rc1~git123", "1.0~rc1", -1), ("1.0^", "1.0", 1), ("1.0^git1", "1.01", -1), ("1.0^20160101", "1.0.1", -1),
    ("1.0~rc1^git1", "1.0~rc1", 1), ("1.0^git1~pre", "1.0^git1", -1),
]  # fmt: skip
"""From rpm's tests/rpmvercmp.at."""


def compared(ordering: Ordering, one: str, other: str) -> int:
    return bool(newer(ordering, one, other)) - bool(newer(ordering, other, one))


@given(DPKG, DPKG)
@settings(max_examples=60)
def test_versions_of_debian_are_ordered_as_dpkg_orders_them(one: str, other: str) -> None:
    said = [
        subprocess.run(["dpkg", "--compare-versions", one, way, other], check=False).returncode == 0
        for way in ("gt", "lt")
    ]
    assert compared(Ordering.DPKG, one, other) == said[0] - said[1]


@pytest.mark.parametrize(("one", "other", "expected"), RPM_AS_RPM_SAYS)
def test_versions_of_rpm_are_ordered_as_rpm_orders_them(one: str, other: str, expected: int) -> None:
    assert compared(Ordering.RPM, one, other) == expected
    assert compared(Ordering.RPM, other, one) == -expected


@pytest.mark.parametrize("ordering", Ordering)
def test_the_examples_of_each_standard_stand_in_their_order(ordering: Ordering) -> None:
    versions = ASCENDING[ordering]
    known = [readable(ordering, one) for one in versions]
    for (at, left), (place, right) in itertools.product(enumerate(known), repeat=2):
        assert left is not None
        assert right is not None
        told = (left < right, left <= right, left == right, left != right, left >= right, left > right)
        assert told == (at < place, at <= place, at == place, at != place, at >= place, at > place), (left, right)
    for older, younger in itertools.pairwise(versions):
        assert newer(ordering, younger, older) is True, (older, younger)
        assert newer(ordering, older, younger) is False, (older, younger)


@pytest.mark.parametrize(
    ("installed", "affected"),
    [("1.36.9-r9", True), ("1.36.10-r0", True), ("1.36.11-r0", False), ("1.36.9_git2-r0", True)],
)
def test_versions_of_alpine_lie_where_an_advisory_says(installed: str, affected: bool) -> None:
    range_ = (Event("introduced", "1.36.9-r1"), Event("last_affected", "1.36.10-r0"))
    about = Affected(ecosystem="Alpine:v3.20", name="busybox", ranges=(range_,))
    subject = Subject(ecosystem="Alpine:v3.20", name="busybox", version=installed)
    assert (match(subject, [about]) is not None) is affected


@given(
    st.lists(st.from_regex(r"\A[0-9]{1,2}(\.[0-9]{1,2}){0,2}((a|b|rc)[0-9])?(\.post[0-9])?\Z"), min_size=2, max_size=2)
)
@settings(max_examples=25)
def test_versions_of_python_are_ordered_as_packaging_orders_them(pair: list[str]) -> None:
    left, right = map(Version, pair)
    assert compared(Ordering.PEP440, *pair) == (left > right) - (left < right)


@given(st.sampled_from(Ordering), st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
@settings(max_examples=80)
def test_whatever_a_version_is_comparing_never_fails_and_contradicts_nothing(
    ordering: Ordering, one: str, two: str, three: str
) -> None:
    known = [version for text in (one, two, three) if (version := readable(ordering, text)) is not None]
    for left, right in itertools.permutations(known, 2):
        assert (left < right) + (left == right) + (left > right) == 1
    if len(known) == 3 and known[0] <= known[1] <= known[2]:
        assert known[0] <= known[2]
    if len(known) < 3:
        assert newer(ordering, one, two) in {None, True, False}
