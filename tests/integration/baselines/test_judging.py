"""Judging: what it reads, whom it tells of which stage, and devices that end meanwhile."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.baseline_fleet import DAY, make_device, says
from tests.identity_people import MACHINE, make_person

from ostiary.agent.wording import check_words
from ostiary.baselines.facade import (
    ExceptionState,
    UnusableBaseline,
    UnusableException,
    ask_exception,
    checks_of,
    grant_exception,
    list_exceptions,
    list_requirements,
    list_verdicts,
    look_at,
    remove_baseline,
    require_baseline,
    set_baseline,
    settle_compliance,
)
from ostiary.devices.facade import Taken, get_device, report_lost, retire_device
from ostiary.identity.facade import add_member
from ostiary.policy.identifiers import DeviceId, GroupId
from ostiary.web.device_standing import with_compliance

pytestmark = pytest.mark.django_db
OURS = "version: 1\nname: ours\nchecks:\n  - name: firewall\n    require: {{firewall_on: true}}\n    ladder: {{notify: 0d{block}}}\n"


@pytest.fixture
def laptop() -> DeviceId:
    return make_device(make_person())


def put(block: str) -> None:
    set_baseline(OURS.format(block=block), now=time.time(), actor=MACHINE)


def memberships_read(device: DeviceId, **facts: object) -> tuple[int, int]:
    """Return with how many statements a device is judged, and how many memberships those return."""
    with CaptureQueriesContext(connection) as caught:
        says(device, **facts)
    rows = 0
    with connection.cursor() as cursor:
        for one in caught.captured_queries:
            if "identity_membership" in one["sql"]:
                cursor.execute(one["sql"])
                rows += len(cursor.fetchall())
    return len(caught.captured_queries), rows


def test_judging_one_device_reads_its_owners_memberships_alone() -> None:
    owner = make_person("ben@example.test", groups=("finance",))
    theirs = make_device(owner, 2)
    require_baseline("standard", group="finance", now=time.time(), actor=MACHINE)
    says(theirs)
    assert list_verdicts()[theirs].required == ("standard",)
    small = memberships_read(theirs, firewall_on=False)
    says(theirs)
    for number in range(12):
        person = make_person(f"more{number}@example.test")
        add_member(group_id=GroupId("finance"), person_id=person, reason="", actor=MACHINE)
    assert memberships_read(theirs, firewall_on=False) == small
    assert small[1] == 1


def test_what_is_not_known_when_the_letter_is_due_is_told_when_it_fails_again(laptop: DeviceId) -> None:
    says(laptop, firewall_on=False)
    says(laptop, firewall_on=None)
    settle_compliance(now=time.time())
    assert mail.outbox == [], "nothing of it can be said now"
    says(laptop, firewall_on=False)
    settle_compliance(now=time.time())
    assert len(mail.outbox) == 1


def test_a_block_that_was_taken_away_and_comes_back_is_told_again(laptop: DeviceId) -> None:
    says(laptop, firewall_on=False)
    put(", block: 0d")
    require_baseline("ours", now=time.time(), actor=MACHINE, blocked=1)
    settle_compliance(now=time.time())
    put("")
    settle_compliance(now=time.time())
    assert list_verdicts()[laptop].compliant
    assert len(mail.outbox) == 1, "what is milder is no news"
    put(", block: 0d")
    settle_compliance(now=time.time())
    assert ["opens nothing" in str(one.subject) for one in mail.outbox] == [True, True]


def test_nothing_is_granted_to_a_device_that_has_ended(laptop: DeviceId) -> None:
    now = time.time()
    first = ask_exception(laptop, "firewall", until=now + DAY, reason="a lab", now=now, actor=MACHINE)
    grant_exception(first.id, now=now, actor=MACHINE)
    second = ask_exception(laptop, "screen-lock", until=now + DAY, reason="a lab", now=now, actor=MACHINE)
    report_lost(laptop, actor=MACHINE, sign_out=False)
    with pytest.raises(UnusableException, match="lost"):
        grant_exception(second.id, now=now, actor=MACHINE)
    settle_compliance(now=now)
    assert {one.state for one in list_exceptions()} == {ExceptionState.ENDED}


def test_nothing_is_required_of_a_device_that_has_ended(laptop: DeviceId) -> None:
    set_baseline(OURS.format(block=""), now=time.time(), actor=MACHINE)
    require_baseline("ours", device=laptop, now=time.time(), actor=MACHINE)
    retire_device(laptop, actor=MACHINE)
    settle_compliance(now=time.time())
    assert list_requirements() == ()
    remove_baseline("ours", now=time.time(), actor=MACHINE)
    with pytest.raises(UnusableBaseline, match="retired"):
        require_baseline("minimum", device=laptop, now=time.time(), actor=MACHINE)


@pytest.mark.parametrize("facts", [{}, {"firewall_on": False}])
def test_a_device_that_was_retired_meanwhile_is_told_that_its_report_was_taken(
    laptop: DeviceId, facts: dict[str, object]
) -> None:
    now = time.time()
    says(laptop, **facts)
    retire_device(laptop, actor=MACHINE)
    taken = Taken(next_nonce="n", now=now, again_in=300)
    assert with_compliance(taken, laptop, now=now) == taken
    assert with_compliance(taken, "dev-000000000000", now=now) == taken


@pytest.mark.parametrize("source", ["agent", "fleet", "osquery"])
def test_nobody_escapes_the_checks_of_their_platform_by_enrolling_as_another(laptop: DeviceId, source: str) -> None:
    set_baseline(
        "version: 1\nname: ours\nchecks:\n"
        "  - {name: screen, require: {screen_lock: true}}\n"
        "  - {name: disk, require: {disk_encrypted: true}, on: [windows], evidence: mdm-reported}\n",
        now=time.time(),
        actor=MACHINE,
    )
    require_baseline("ours", now=time.time(), actor=MACHINE)
    says(laptop, os_version="Ubuntu 24.04")
    assert list_verdicts()[laptop].compliant
    assert "disk" not in checks_of(get_device(laptop), now=time.time())
    says(laptop, source=source, os_version="Windows 11")
    verdict = list_verdicts()[laptop]
    assert (verdict.compliant, verdict.failing, verdict.unknown) == (False, ("disk",), True)
    assert "disk" in checks_of(get_device(laptop), now=time.time())
    later = time.time() + 2 * DAY
    if source != "agent":
        says(laptop, now=later, os_version="Ubuntu 24.04")
    assert look_at(laptop, now=later).platform is None, "what it is does not grow old"


def test_the_guide_shows_what_a_computer_is_answered(laptop: DeviceId) -> None:
    now = datetime(2026, 11, 23, 9, 15, tzinfo=UTC).timestamp()
    guide = (Path(__file__).parents[3] / "docs/how-to/agents-on-a-fleet.md").read_text()
    guide = guide.replace("dev-0a1b2c3d4e5f", laptop).replace("example.com", "example.test")
    for firewall in (False, True):
        says(laptop, now=now, firewall_on=firewall)
        answer = with_compliance(Taken(next_nonce="n", now=now, again_in=300), laptop, now=now)
        assert f"$ ostiary-agent check\n{check_words(answer)}\n" in guide
