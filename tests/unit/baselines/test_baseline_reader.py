"""Reading the documents of baselines: what is understood, and what is said of what is not."""

import pytest

from ostiary.baselines.adapters.built_in import built_in, built_in_text
from ostiary.baselines.domain.document import BUILT_IN, Baseline, Bound, Demand, Ladder, Severity, UnknownBaseline
from ostiary.baselines.domain.reader import InvalidBaseline, read_baseline
from ostiary.devices.domain.posture import ALL, FACTS, Evidence

HEAD = "version: 1\nname: office\n"
DAY = 86400


def read(text: str) -> Baseline:
    return read_baseline(text, built_in)


def one(check: str) -> Baseline:
    return read(f"{HEAD}checks:\n  - {check}\n")


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_built_in_baselines_say_why_and_how_on_each_platform_that_they_ask(name: str) -> None:
    found = built_in(name)
    assert found.name == name
    assert found.words
    assert "checks:" in built_in_text(name)
    for check in found.checks:
        assert check.why, check.name
        assert set(check.mend) == set(check.on), check.name
        assert check.ladder.notify == 0, check.name
        assert all(set(check.on) <= set(FACTS[demand.fact].on) for demand in check.require)


def test_a_stricter_baseline_asks_for_no_less() -> None:
    minimum, standard, strict = (built_in(name) for name in BUILT_IN)
    for milder, harder in ((minimum, standard), (standard, strict)):
        asked = {check.name: check for check in harder.checks}
        for check in milder.checks:
            other = asked[check.name]
            assert (other.ladder.block or DAY * 999) <= (check.ladder.block or DAY * 999), check.name
            assert set(other.on) == set(check.on)


def test_no_other_name_is_built_in() -> None:
    with pytest.raises(UnknownBaseline, match="lenient"):
        built_in("lenient")


def test_every_part_of_a_check_is_read() -> None:
    found = one(
        "{name: updates, require: {security_update_age_days: {at_most: 14}, os_supported: yes}, on: [macos, linux],"
        " severity: high, evidence: mdm-reported, ladder: {notify: 0d, warn: 12h, block: 7d}, why: Old, mend: {linux: apt}}"
    ).checks[0]
    assert found.require == (
        Demand(fact="security_update_age_days", bound=Bound.AT_MOST, value=14),
        Demand(fact="os_supported", value=True),
    )
    assert found.on == ("linux", "macos")
    assert (found.severity, found.evidence) == (Severity.HIGH, Evidence.MDM_REPORTED)
    assert found.ladder == Ladder(notify=0, warn=DAY // 2, block=7 * DAY)
    assert (found.why, found.mend, found.line) == ("Old", {"linux": "apt"}, 4)


def test_what_is_left_out_blocks_at_once_wherever_the_fact_exists() -> None:
    found = one("{name: disk, require: {disk_encrypted: true}}").checks[0]
    assert (found.on, found.ladder, found.evidence) == (ALL, Ladder(notify=0, block=0), Evidence.SELF_REPORTED)


def test_a_ladder_without_block_never_blocks() -> None:
    assert one("{name: disk, require: {disk_encrypted: true}, ladder: {notify: 0d}}").checks[0].ladder.block is None


def test_it_takes_the_checks_of_the_one_it_is_based_on_but_those_it_drops_or_writes_itself() -> None:
    found = read(
        HEAD + "based on: standard\ndrop: [malware-protection]\nchecks:\n"
        "  - {name: disk-encryption, require: {disk_encrypted: true}, ladder: {notify: 0d, block: 30d}}\n"
    )
    checks = {check.name: check for check in found.checks}
    assert set(checks) == {check.name for check in built_in("standard").checks} - {"malware-protection"}
    assert checks["disk-encryption"].ladder.block == 30 * DAY
    assert checks["firewall"].line == 0
    assert (found.based_on, found.dropped) == ("standard", ("malware-protection",))


WRONG = [
    ("", 1, "the document is empty"),
    ("- 1", 1, "a baseline must be keys and values"),
    ("name: office\nchecks: [{name: a, require: {os_supported: true}}]", 1, "does not say its `version`"),
    ("version: 2\nname: a", 1, "`2` is not a version"),
    ("version: 1\nchecks: [{name: a, require: {os_supported: true}}]", 1, "has no `name`"),
    ("version: 1\nname: Büro", 2, "is not a name for a baseline"),
    (HEAD + "bassed on: standard", 3, "did you mean `based on`?"),
    (HEAD + "based on: standart", 3, "did you mean `standard`?"),
    (HEAD + "checks: []", 3, "`checks` is an empty list"),
    (HEAD + "drop: [firewall]\nchecks: [{name: a, require: {os_supported: true}}]", 3, "this is based on none"),
    (HEAD + "based on: minimum\ndrop: [firewal]", 4, "did you mean `firewall`?"),
    (
        HEAD + "based on: minimum\ndrop: [firewall, screen-lock, security-updates, supported-system]",
        1,
        "no check is left",
    ),
    (
        HEAD + "based on: minimum\ndrop: [firewall]\nchecks: [{name: firewall, require: {firewall_on: true}}]",
        4,
        "as well",
    ),
    (HEAD + "checks:\n  - {require: {os_supported: true}}", 4, "has no `name`"),
    (HEAD + "checks:\n  - {name: a}", 4, "it has no `require`"),
    (HEAD + "checks:\n  - {name: a, require: {}}", 4, "one fact or more"),
    (HEAD + "checks:\n  - {name: A_b, require: {os_supported: true}}", 4, "is not a name for a check"),
    (HEAD + "checks:\n  - {name: a, require: {disc_encrypted: true}}", 4, "did you mean `disk_encrypted`?"),
    (HEAD + "checks:\n  - {name: a, require: {disk_encrypted: 1}}", 4, "write `true` or `false`"),
    (HEAD + "checks:\n  - {name: a, require: {disk_encrypted: 'true'}}", 4, "write `true` or `false`"),
    (HEAD + "checks:\n  - {name: a, require: {disk_encrypted: {at_least: 1}}}", 4, "is no number"),
    (HEAD + "checks:\n  - {name: a, require: {screen_lock_minutes: {at_mots: 5}}}", 4, "needs one bound"),
    (HEAD + "checks:\n  - {name: a, require: {screen_lock_minutes: {at_most: 5, at_least: 1}}}", 4, "needs one bound"),
    (HEAD + "checks:\n  - {name: a, require: {screen_lock_minutes: {at_most: five}}}", 4, "not a whole number"),
    (HEAD + "checks:\n  - {name: a, require: {os_supported: true}, on: [beos]}", 4, "`beos` is not a value of `on`"),
    (HEAD + "checks:\n  - {name: a, require: {os_supported: true}, evidence: hearsay}", 4, "`self-reported`"),
    (
        HEAD + "checks:\n  - {name: a, require: {os_supported: true}, ladder: {block: 1d, warn: 2d}}",
        4,
        "begins before `warn`",
    ),
    (HEAD + "checks:\n  - {name: a, require: {os_supported: true}, ladder: {block: soon}}", 4, "no time up to a year"),
    (HEAD + "checks:\n  - {name: a, require: {os_supported: true}, ladder: {block: 366d}}", 4, "no time up to a year"),
    (HEAD + "checks:\n  - {name: a, require: {os_supported: true}, ladder: {}}", 4, "`ladder` has no stage"),
    (HEAD + "checks:\n  - {name: a, require: {os_supported: true}, mend: {amiga: x}}", 4, "`amiga` is not a key"),
    (
        HEAD + "checks:\n  - {name: a, require: {os_supported: true}}\n  - {name: a, require: {firewall_on: true}}",
        5,
        "twice",
    ),
    (HEAD + "checks: *x", 3, "alias"),
]


@pytest.mark.parametrize(("text", "line", "said"), WRONG)
def test_what_is_wrong_is_said_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(InvalidBaseline) as refused:
        read(text)
    assert any(problem.line == line and said in str(problem) for problem in refused.value.problems), str(refused.value)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidBaseline) as refused:
        read("version: 1\nname: Ä\nchecks:\n  - {name: a, require: {nonsense: 1}}\n  - {name: b}\n")
    assert [problem.line for problem in refused.value.problems] == [2, 4, 5]
