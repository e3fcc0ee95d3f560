"""Letters to owners: none is lost because it could not be sent at once, and what is not known is told of once a day at most."""

import time

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from tests.baseline_fleet import DAY, HOUR, make_device, says
from tests.identity_people import MACHINE, make_person

from ostiary.baselines.facade import ask_exception, grant_exception, settle_compliance
from ostiary.policy.identifiers import DeviceId

pytestmark = pytest.mark.django_db
MINUTE = 60.0


@pytest.fixture
def laptop() -> DeviceId:
    return make_device(make_person())


class Down:
    """A mail server that takes nothing for now."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tries = 0
        self.error: BaseException = OSError("nobody answers")
        self.mended = monkeypatch.undo
        monkeypatch.setattr(EmailBackend, "send_messages", self.refuse)

    def refuse(self, *_messages: object) -> int:
        self.tries += 1
        raise self.error


@pytest.fixture
def down(monkeypatch: pytest.MonkeyPatch) -> Down:
    return Down(monkeypatch)


def test_a_letter_that_could_not_be_sent_is_sent_later(laptop: DeviceId, down: Down) -> None:
    began = time.time()
    says(laptop, firewall_on=False)
    settle_compliance(now=began)
    settle_compliance(now=began + MINUTE)
    assert down.tries == 1, "not at once again"
    down.mended()
    settle_compliance(now=began + 20 * MINUTE)
    settle_compliance(now=began + 40 * MINUTE)
    assert len(mail.outbox) == 1


def test_it_is_tried_three_times_in_a_day_and_the_next_stage_has_its_own(laptop: DeviceId, down: Down) -> None:
    began = time.time()
    says(laptop, firewall_on=False)
    for hours in range(0, 22, 3):
        says(laptop, now=began + hours * HOUR, firewall_on=False)
        settle_compliance(now=began + hours * HOUR)
    assert down.tries == 3
    down.mended()
    says(laptop, now=began + DAY + HOUR, firewall_on=False)
    settle_compliance(now=began + DAY + HOUR)
    assert len(mail.outbox) == 1, "it is to be warned of now"


def test_what_was_killed_while_it_was_sent_is_sent_later(laptop: DeviceId, down: Down) -> None:
    began = time.time()
    says(laptop, firewall_on=False)
    down.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        settle_compliance(now=began)
    down.mended()
    settle_compliance(now=began + 20 * MINUTE)
    assert len(mail.outbox) == 1


def test_who_is_blocked_because_something_is_not_known_is_told_once_a_day(laptop: DeviceId) -> None:
    began = time.time()
    owner = make_person("ben@example.test")
    switched_off, excepted = make_device(owner, 2), make_device(owner, 3)
    says(switched_off, now=began)
    says(excepted, now=began, firewall_on=None)
    asked = ask_exception(excepted, "firewall", until=began + 3 * DAY, reason="a lab", now=began, actor=MACHINE)
    grant_exception(asked.id, now=began, actor=MACHINE)

    def settle(minutes: float, **facts: object) -> int:
        now = began + minutes * MINUTE
        if facts:
            says(laptop, now=now, **facts)
            says(excepted, now=now, firewall_on=None)
        settle_compliance(now=now)
        return len(mail.outbox)

    says(laptop, now=began)
    assert settle(0) == 0
    assert settle(1, firewall_on=None) == 0, "the next report may tell it"
    assert settle(12, firewall_on=None) == 1
    letter = mail.outbox[0]
    assert "does not tell all" in letter.subject
    assert "Not known: The firewall is on" in str(letter.body)
    assert f"/devices/{laptop}/mend" in str(letter.body)
    assert settle(30, firewall_on=None) == 1
    assert settle(60, firewall_on=True) == 1
    assert settle(70, firewall_on=None) == 1
    assert settle(90, firewall_on=None) == 1, "twice on a day it is not told"
    assert settle(12 + 24 * 60, firewall_on=None) == 2
    assert {one.subject.split(" does")[0] for one in mail.outbox} == {"Laptop 1"}, "one that is switched off is no news"


def test_what_is_not_known_is_told_again_where_the_letter_could_not_be_sent(laptop: DeviceId, down: Down) -> None:
    began = time.time()
    for minutes in (0, 12, 20):
        says(laptop, now=began + minutes * MINUTE, firewall_on=None)
        settle_compliance(now=began + minutes * MINUTE)
    assert down.tries == 1
    down.mended()
    says(laptop, now=began + HOUR, firewall_on=None)
    settle_compliance(now=began + HOUR)
    assert len(mail.outbox) == 1
