"""What a baseline makes of a device: holding, failing with grace, not known without; until when it stays so."""

import math

import pytest

from ostiary.baselines.domain.document import Baseline, Bound, Check, Demand, Ladder, Stage
from ostiary.baselines.domain.evaluation import Judgement, Outcome, block_at, judge, satisfies, stage_at, together
from ostiary.devices.domain.posture import SLACK_SECONDS, Evidence, Posture, Reported, SourceFacts, combine

NOW, DAY, HOUR = 1_000_000.0, 86400, 3600.0
GRACE = Ladder(notify=0, warn=DAY, block=7 * DAY)
DISK = Check(name="disk", require=(Demand(fact="disk_encrypted", value=True),), on=("linux", "macos"), ladder=GRACE)
WALL = Check(name="wall", require=(Demand(fact="firewall_on", value=True),), on=("windows",))


def posture(at: float = NOW, *, evidence: Evidence = Evidence.SELF_REPORTED, **facts: object) -> Posture:
    said = {name: Reported(name=name, value=value, at=at) for name, value in facts.items()}  # type: ignore[arg-type]
    return combine([SourceFacts(source="agent", evidence=evidence, lasts=HOUR, facts=said)], NOW)


def judged(seen: Posture, *checks: Check, since: float | None = None, excepted: float = 0.0) -> Judgement:
    asked = checks or (DISK, WALL)
    return judge(
        Baseline(name="office", checks=asked),
        seen,
        "linux",
        now=NOW,
        since={} if since is None else {one.name: since for one in asked},
        excepted={one.name: excepted for one in asked} if excepted else {},
    )


def test_what_holds_is_compliant_until_its_fact_is_too_old() -> None:
    found = judged(posture(NOW - 600, disk_encrypted=True))
    assert (found.compliant, found.meets, found.until) == (True, True, NOW - 600 + HOUR)
    assert [(one.check.name, one.outcome) for one in found.findings] == [("disk", Outcome.HOLDS)], (
        "the other is for Windows"
    )


@pytest.mark.parametrize(
    ("days", "stage", "following", "compliant"),
    [
        (0, Stage.NOTIFY, Stage.WARN, True),
        (1, Stage.WARN, Stage.BLOCK, True),
        (6.99, Stage.WARN, Stage.BLOCK, True),
        (7, Stage.BLOCK, None, False),
        (90, Stage.BLOCK, None, False),
    ],
)
def test_a_failing_climbs_the_ladder(days: float, stage: Stage, following: Stage | None, compliant: bool) -> None:
    began = NOW - days * DAY
    found = judged(posture(disk_encrypted=False), since=began)
    (one,) = found.findings
    assert (one.outcome, one.stage, one.next_stage, found.compliant) == (Outcome.FAILS, stage, following, compliant)
    assert not found.meets, "grace is for being compliant, not for meeting"
    assert block_at(one, NOW) == (NOW if stage is Stage.BLOCK else began + 7 * DAY)


def test_grace_ends_a_verdict_before_its_facts_do() -> None:
    began = NOW - 7 * DAY + 60
    assert judged(posture(disk_encrypted=False), since=began).until == NOW + 60


def test_a_failing_that_begins_in_the_future_has_not_begun_before_now() -> None:
    assert judged(posture(disk_encrypted=False), since=NOW + DAY).findings[0].since == NOW


@pytest.mark.parametrize(
    "seen",
    [
        Posture(),
        posture(firewall_on=True),
        posture(NOW - HOUR, disk_encrypted=True),
        posture(NOW + SLACK_SECONDS + 1, disk_encrypted=True),
        posture(disk_encrypted="true"),
        posture(disk_encrypted=1),
        posture(disk_encrypted=None),
    ],
    ids=["nothing", "absent", "stale", "from the future", "text", "number", "cannot tell"],
)
def test_what_is_not_known_satisfies_nothing_and_has_no_grace(seen: Posture) -> None:
    found = judged(seen)
    assert (found.findings[0].outcome, found.findings[0].stage) == (Outcome.UNKNOWN, Stage.BLOCK)
    assert (found.compliant, found.meets) == (False, False)


def test_too_little_evidence_is_not_known() -> None:
    asked = Check(name="disk", require=DISK.require, on=("linux",), evidence=Evidence.MDM_REPORTED)
    assert judged(posture(disk_encrypted=True), asked).findings[0].outcome is Outcome.UNKNOWN
    assert judged(posture(disk_encrypted=True, evidence=Evidence.HARDWARE_ATTESTED), asked).compliant


def test_nothing_asked_is_not_compliant() -> None:
    found = judged(posture(firewall_on=True), WALL)
    assert (found.findings, found.compliant, found.meets) == ((), False, False)
    assert together([]) == (False, math.inf)


def test_every_check_is_asked_of_a_device_whose_platform_is_not_known() -> None:
    found = judge(Baseline(name="a", checks=(DISK, WALL)), Posture(), None, now=NOW, since={}, excepted={})
    assert [one.check.name for one in found.findings] == ["disk", "wall"]


def test_what_never_blocks_never_takes_anything_away_known_or_not() -> None:
    told = Check(name="disk", require=DISK.require, on=("linux",), ladder=Ladder(notify=0, block=None))
    for seen in (posture(disk_encrypted=False), Posture()):
        found = judged(seen, told, since=0.0)
        assert (found.compliant, found.meets) == (True, False)
        assert block_at(found.findings[0], NOW) == math.inf


def test_an_exception_counts_until_its_end() -> None:
    for seen in (posture(disk_encrypted=False), Posture()):
        found = judged(seen, excepted=NOW + 60, since=0.0)
        assert (found.findings[0].outcome, found.compliant, found.meets, found.until) == (
            Outcome.EXCEPTED,
            True,
            True,
            NOW + 60,
        )
        assert not judged(seen, excepted=NOW, since=0.0).compliant


def test_a_device_is_as_all_ask() -> None:
    good, bad = judged(posture(disk_encrypted=True)), judged(Posture())
    assert together([good, bad]) == (False, good.until)
    assert together([good]) == (True, good.until)


@pytest.mark.parametrize(
    ("bound", "asked", "value", "holds"),
    [
        (Bound.AT_MOST, 5, 5, True),
        (Bound.AT_MOST, 5, 6, False),
        (Bound.AT_LEAST, 5, 5, True),
        (Bound.AT_LEAST, 5, 4, False),
        (Bound.EXACTLY, True, True, True),
        (Bound.EXACTLY, True, 1, False),
        (Bound.AT_LEAST, 0, True, False),
        (Bound.EXACTLY, 5, None, False),
        (Bound.AT_MOST, 5, "4", False),
    ],
)
def test_values_are_compared_as_what_they_are(bound: Bound, asked: bool | int, value: object, holds: bool) -> None:
    assert satisfies(Demand(fact="screen_lock_minutes", bound=bound, value=asked), value) is holds  # type: ignore[arg-type]


def test_a_stage_that_is_left_out_is_passed_over() -> None:
    assert stage_at(Ladder(notify=None, warn=10, block=20), 0.0, 5.0) == (Stage.REPORT, Stage.WARN, 10.0)
    assert stage_at(Ladder(notify=0, warn=None, block=None), 0.0, 5.0) == (Stage.NOTIFY, None, math.inf)
