"""Which versions an advisory is about, whatever it says: as the schema evaluates it, and on the safe side where nobody can tell."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.software_material import debian, entry

from ostiary.software.domain.coverage import Coverage, gaps
from ostiary.software.domain.ecosystems import Ordering, one_name, one_package_name, ordering_of, system_of
from ostiary.software.domain.matching import Subject, match, subjects_of
from ostiary.software.domain.ordering import newer
from ostiary.software.domain.osv import Affected, Event, UnreadableAdvisory, read_advisory
from ostiary.software.domain.packages import Package
from ostiary.software.domain.sets import pack_numbers, unpack_numbers
from ostiary.software.domain.severity import Severity, of_score, score_of
from ostiary.software.domain.stored import pack_affected, unpack_affected

AT = 1_790_000_000.0
NUMBERS = st.integers(0, 9).map(lambda number: f"{number}.0.0")
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def at(version: str, ecosystem: str = "npm") -> Subject:
    return Subject(ecosystem=ecosystem, name="left-pad", version=version)


def about(*events: tuple[str, str], versions: tuple[str, ...] = (), ecosystem: str = "npm") -> Affected:
    range_ = tuple(Event(kind, version) for kind, version in events)  # type: ignore[arg-type]
    return Affected(ecosystem=ecosystem, name="left-pad", ranges=(range_,) if range_ else (), versions=versions)


def rated(urgency: str, ecosystem: str = "Debian:12") -> dict[str, Any]:
    """Return a part of an advisory as Debian rates it."""
    return {
        **entry("DSA-1", "bash", at=AT, ecosystem=ecosystem)["affected"][0],
        "ecosystem_specific": {"urgency": urgency},
    }


@pytest.mark.parametrize(
    ("events", "inside", "outside", "fixed"),
    [
        ([("introduced", "0"), ("fixed", "2.0.0")], "1.9.9", "2.0.0", "2.0.0"),
        ([("introduced", "1.0.0"), ("fixed", "2.0.0")], "1.0.0", "0.9.0", "2.0.0"),
        ([("introduced", "1.0.0"), ("last_affected", "2.0.0")], "2.0.0", "2.0.1", ""),
        (
            [("introduced", "0"), ("fixed", "1.5.0"), ("introduced", "2.0.0"), ("fixed", "2.3.0")],
            "2.1.0",
            "1.7.0",
            "2.3.0",
        ),
        ([("fixed", "1.5.0"), ("introduced", "0")], "1.0.0", "1.5.0", "1.5.0"),
        ([("introduced", "0"), ("limit", "3.0.0")], "2.9.0", "3.0.0", ""),
        ([("introduced", "0"), ("limit", "*")], "99.0.0", "", ""),
        ([("introduced", "1.0.0"), ("fixed", "1.0.0")], "1.0.0", "0.9.0", ""),
    ],
)
def test_events_say_from_when_to_when(events: list[tuple[str, str]], inside: str, outside: str, fixed: str) -> None:
    found = match(at(inside), [about(*events)])
    assert found is not None
    assert found.fixed == fixed
    assert not outside or match(at(outside), [about(*events)]) is None


def test_versions_that_are_named_count_beside_ranges() -> None:
    both = about(("introduced", "5.0.0"), ("fixed", "6.0.0"), versions=("1.0.0",))
    assert match(at("1.0.0"), [both]) is not None
    assert match(at("5.5.0"), [both]) is not None
    assert match(at("2.0.0"), [both]) is None


def test_what_cannot_be_compared_counts_as_affected() -> None:
    assert match(at("not a version"), [about(("introduced", "0"), ("fixed", "1.0.0"))]) is not None
    assert match(at("3.0.0"), [about(("introduced", "0"), ("fixed", "??"))]) is not None
    assert match(at("3.0.0"), [about(("introduced", "??"))]) is not None
    assert match(at("3.0.0"), [about(versions=("1.0.0",))]) is None


@given(NUMBERS, st.lists(st.tuples(st.sampled_from(["introduced", "fixed", "last_affected"]), NUMBERS), max_size=5))
@settings(max_examples=80)
def test_the_order_of_events_does_not_matter_and_a_fix_is_one(version: str, events: list[tuple[str, str]]) -> None:
    events = [("introduced", "0"), *events]
    shuffled = events[:]
    random.Random(len(events)).shuffle(shuffled)
    found = match(at(version), [about(*events)])
    assert found == match(at(version), [about(*shuffled)])
    if found is not None and found.fixed:
        assert newer(Ordering.SEMVER, found.fixed, version)
        assert match(at(found.fixed), [about(*events)]) is None, "the version that mends it is not affected"


def test_distributions_are_matched_by_what_packages_are_built_from() -> None:
    (source,) = subjects_of(debian("libssl3", "3.0.14-1+b1", source="openssl", source_version="3.0.14-1"))
    assert (source.name, source.version) == ("openssl", "3.0.14-1")
    rpm = Package(ecosystem="AlmaLinux:9", name="bind-libs", version="9.16-1", source="bind", source_version="9.16-1")
    assert [one.name for one in subjects_of(rpm)] == ["bind-libs", "bind"], "some name the one, some the other"
    assert subjects_of(Package(ecosystem="Homebrew", name="jq", version="1.7")) == ()
    assert subjects_of(Package(ecosystem="Debian", name="jq", version="1.7")) == (), "of no release"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Ubuntu:22.04:LTS", "Ubuntu:22.04"), ("Ubuntu:Pro:18.04:LTS", "Ubuntu:Pro:18.04"), ("Debian:12", "Debian:12"),
        ("Rocky Linux:9", "Rocky Linux:9"), ("AlmaLinux:8.6", "AlmaLinux:8"), ("PyPI", "PyPI"), ("Alpine:v3.20", "Alpine:v3.20"),
    ],
)  # fmt: skip
def test_an_ecosystem_has_one_name(said: str, kept: str) -> None:
    assert one_name(said) == kept
    assert ordering_of(kept) is not None


@pytest.mark.parametrize(
    ("release", "system"),
    [
        ({"ID": "debian", "VERSION_ID": "12"}, "Debian:12"), ({"ID": "ubuntu", "VERSION_ID": "22.04"}, "Ubuntu:22.04"),
        ({"ID": "rocky", "VERSION_ID": "9.4"}, "Rocky Linux:9"), ({"ID": "alpine", "VERSION_ID": "3.20.1"}, "Alpine:v3.20"),
        ({"ID": "opensuse-leap", "VERSION_ID": "15.6"}, "openSUSE:Leap 15.6"), ({"ID": "debian"}, ""),
        ({"ID": "fedora", "VERSION_ID": "43"}, ""), ({}, ""), ({"ID": "debian", "VERSION_ID": "12\n../x"}, ""),
    ],
)  # fmt: skip
def test_a_system_is_known_by_its_release(release: dict[str, str], system: str) -> None:
    assert system_of(release) == system


def test_names_of_python_packages_are_one() -> None:
    assert one_package_name("PyPI", "Foo.Bar__baz") == "foo-bar-baz"
    assert one_package_name("npm", "Foo.Bar") == "Foo.Bar"


@given(JSON)
@settings(max_examples=80)
def test_whatever_an_entry_is_reading_it_ends_in_words(content: Any) -> None:
    with pytest.raises(UnreadableAdvisory):
        read_advisory(json.dumps(content).encode())


@given(st.sampled_from(["id", "modified", "affected", "severity", "aliases", "references", "database_specific"]), JSON)
@settings(max_examples=80)
def test_whatever_a_field_is_an_entry_is_read_or_refused_in_words(field: str, content: Any) -> None:
    said = {**entry("DSA-1", "openssl", at=AT, fixed="1"), field: content}
    try:
        advisory = read_advisory(json.dumps(said).encode())
    except UnreadableAdvisory:
        return
    for one in advisory.affected:
        assert unpack_affected(pack_affected(one)) == one


@pytest.mark.parametrize(
    ("said", "severity"),
    [
        ({"severity": [{"type": "CVSS_V4", "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}]}, "critical"),
        ({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.0/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"}]}, "low"),
        ({"severity": [{"type": "Ubuntu", "score": "medium"}]}, "medium"),
        ({"severity": [], "database_specific": {"severity": "MODERATE"}}, "medium"),
        ({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/nonsense"}], "database_specific": {"severity": "HIGH"}}, "high"),
        ({"severity": []}, "unknown"),
        ({"id": "ALSA-2025:10140", "severity": [], "summary": "Important: python3.12 security update"}, "high"),
        ({"id": "ALSA-2025:10141", "severity": [], "summary": "Critical: kernel security update"}, "critical"),
        ({"id": "RLSA-2024:0003", "severity": [], "summary": "Moderate: perl security update"}, "medium"),
        ({"id": "RLSA-2026:66203", "summary": "Important: python3.12-lxml security update"}, "critical"),
        ({"id": "ALSA-2025:1", "severity": [], "summary": "python3.12 security update"}, "unknown"),
        ({"id": "ALBA-2022:1032", "severity": [], "summary": "tzdata bug fix and enhancement update"}, "low"),
        ({"id": "ALBA-2025:20841", "severity": [], "summary": "Moderate: open-vm-tools bug fix update"}, "medium"),
        ({"severity": [], "summary": "Critical: so its finder says"}, "unknown"),
        ({"affected": [rated("unimportant")]}, "low"),
        ({"affected": [rated("unimportant"), rated("unimportant", "Debian:11")]}, "low"),
        ({"affected": [rated("unimportant"), rated("not yet assigned", "Debian:11")]}, "critical"),
        ({"affected": [rated("end-of-life")]}, "critical"),
    ],
)  # fmt: skip
def test_how_bad_it_is_comes_from_its_vector_or_its_word(said: dict[str, Any], severity: str) -> None:
    advisory = read_advisory(json.dumps({**entry("DSA-1", "bash", at=AT), **said}).encode())
    assert advisory.severity is Severity[severity.upper()]


@given(st.text(max_size=30), st.floats(0, 10))
@settings(max_examples=60)
def test_no_vector_breaks_anything(rest: str, score: float) -> None:
    for version in ("3.1", "4.0", "2"):
        assert score_of(f"CVSS:{version}/{rest}") is None or 0 <= (score_of(f"CVSS:{version}/{rest}") or 0) <= 10
    assert of_score(score) in Severity


@given(st.sets(st.integers(0, 2**40), max_size=60))
@settings(max_examples=60)
def test_numbers_come_back_as_they_were_kept(numbers: set[int]) -> None:
    assert unpack_numbers(pack_numbers(numbers)) == sorted(numbers)


def test_an_archive_is_whole_only_for_what_every_entry_is_about() -> None:
    def whole(*entries: set[str]) -> set[str]:
        coverage = Coverage()
        for one in entries:
            coverage.see(one)
        return coverage.whole()

    assert whole({"Debian:12"}, {"Debian:12", "Debian:11"}) == {"Debian:12"}, "Debian 11 is only spoken of"
    assert whole({"Debian:12"}, {"Debian:11"}, set()) == {"Debian:12", "Debian:11"}
    assert whole({"npm"}, {"npm", "PyPI"}) == {"npm"}
    assert whole({"npm"}, {"PyPI"}) == set()
    assert whole() == set()


def test_what_nobody_can_tell_has_a_reason() -> None:
    now = AT
    known = {"Debian:12": now - 13 * 86400.0, "PyPI": now - 15 * 86400.0, "npm": None}
    assert gaps(["Debian:12", "Homebrew"], system="Debian:12", known_as_of=known, now=now) == []
    assert "PyPI" in gaps(["Debian:12", "PyPI"], system="Debian:12", known_as_of=known, now=now)[0]
    assert "npm" in gaps(["npm"], system="Debian:12", known_as_of=known, now=now)[0]
    assert gaps([], system="", known_as_of=known, now=now)
    assert gaps([], system="Debian:13", known_as_of=known, now=now), "a system that names no package is no safe one"
