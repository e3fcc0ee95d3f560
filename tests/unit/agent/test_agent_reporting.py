"""When the agent reports, what it keeps while nobody answers, and what it says of itself to the person at the computer."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.agent import reporting
from ostiary.agent.folder import Enrolled, Folder
from ostiary.agent.https import Unreachable
from ostiary.agent.instance import Refused
from ostiary.agent.inventory.keeping import InventoryKeeper
from ostiary.agent.outbox import MAX_WAITING, Looked, Reports, keep_waiting, was_sent
from ostiary.agent.pace import report_moment
from ostiary.agent.posture.finding import Collector
from ostiary.agent.reporting import Reporter, Reporting
from ostiary.agent.tpm import UnusableTpm
from ostiary.agent.wording import as_sent, as_table, check_words, last_words
from ostiary.devices.domain.answers import Code, Failing, Taken
from ostiary.devices.domain.posture import Reported
from ostiary.software.domain.packages import Inventory, Package, make_inventory, unpack_inventory

NOW = 1_795_305_600.0


def looked(at: int, firewall: bool | None = True) -> Looked:
    """Return what was seen of one fact."""
    return Looked(taken_at=at, facts=(Reported(name="firewall_on", value=firewall, at=float(at), problem=""),))


class Instance:
    """Answers reports, or does not."""

    def __init__(self) -> None:
        self.taken: list[tuple[int, bool]] = []
        self.nonces: list[str] = []
        self.digests: list[str] = []
        self.inventories: list[str] = []
        self.fails: Exception | None = None
        self.fails_inventory: Exception | None = None
        self.answer: dict[str, Any] = {"again_in": 300}
        self.ahead_seconds = 40.0

    def send_inventory(self, _key: Any, *, device: str, digest: str, packed: bytes) -> None:
        if self.fails_inventory is not None:
            raise self.fails_inventory
        self.inventories.append(unpack_inventory(packed, digest=digest).packages[0].name)

    def report(
        self, _key: Any, *, device: str, taken_at: int, facts: Any, inventory: str = "", nonce: str = ""
    ) -> Taken:
        assert device == "dev-1"
        self.digests.append(inventory)
        self.nonces.append(nonce)
        if self.fails is not None:
            raise self.fails
        self.taken.append((taken_at, facts[0].value))
        return Taken(next_nonce=f"n{len(self.taken)}", now=NOW, **self.answer)


class Desk:
    """A computer with one fact that changes, at a moment that changes."""

    def __init__(self, folder: Folder, instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.instance, self.now, self.on, self.looks = folder, instance, NOW, True, 0
        self.said: list[str] = []
        monkeypatch.setattr(reporting, "client_of", lambda *_: instance)
        monkeypatch.setattr("time.time", lambda: self.now)
        self.collector = Collector(facts=("firewall_on",), look=self.look, quick=True)
        self.clock: list[float | None] = []
        self.chore = Reporting(self.reporter(), self.said.append)

    def reporter(self) -> Reporter:
        return Reporter(self.folder, collectors=(self.collector,))

    def look(self, computer: Any) -> dict[str, Any]:
        self.looks += 1
        self.clock.append(computer.ahead_seconds)
        return {"firewall_on": self.on}

    def after(self, seconds: float, *, on: bool | None = None) -> None:
        self.now += seconds
        self.on = self.on if on is None else on
        self.chore.act(self.now)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    folder = Folder(tmp_path / "agent")
    with folder.held():
        folder.make_key()
        folder.write_enrolled(
            Enrolled(origin="https://id.example.test", device="dev-1", name="Desk", owner="ada@example.test")
        )
    return Desk(folder, Instance(), monkeypatch)


def test_it_reports_at_once_when_something_changed_and_otherwise_when_it_is_asked_to(desk: Desk) -> None:
    desk.after(0)
    assert desk.instance.taken == [(int(NOW), True)]
    for _ in range(5):
        desk.after(10)
    assert len(desk.instance.taken) == 1, "nothing changed, nothing is due"
    desk.after(10, on=False)
    assert desk.instance.taken[1:] == [(int(NOW) + 60, False)]
    desk.after(299)
    assert len(desk.instance.taken) >= 2
    desk.after(2)
    assert len(desk.instance.taken) == 3
    assert desk.instance.nonces == ["", "n1", "n2"], "each answer brings the number for the next"
    desk.after(700)
    assert desk.instance.nonces[-1] == "", "one that is old is not used"
    assert desk.clock[0] is None
    assert desk.clock[-1] == 40.0, "what the answers say of the clock is seen at the next look"
    assert desk.said == ["Reported. Nothing is required of this computer."]


def test_it_reports_at_once_when_a_mark_of_something_slow_to_look_at_is_another(desk: Desk) -> None:
    at_desktop: set[int] = set()
    desk.collector = Collector(
        facts=("firewall_on",), look=desk.look, mark=lambda _computer: frozenset(at_desktop), quick=False
    )
    desk.chore = Reporting(desk.reporter(), desk.said.append)
    desk.after(0, on=False)
    for _ in range(3):
        desk.after(10)
    assert desk.instance.taken == [(int(NOW), False)]
    assert desk.looks == 1, "only the mark is looked at in between"
    at_desktop.add(1000)
    desk.after(10, on=True)
    assert desk.instance.taken[1:] == [(int(NOW) + 40, True)]
    desk.after(10)
    assert len(desk.instance.taken) == 2, "the same mark is told once"
    desk.instance.fails = Unreachable("No road.")
    at_desktop.clear()
    desk.after(10)
    looks = desk.looks
    desk.after(1)
    assert desk.looks == looks, "while nobody answers as well"


def test_what_is_installed_is_sent_when_it_is_wanted_and_said_soon_after_it_changed(desk: Desk, tmp_path: Path) -> None:
    status = tmp_path / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    status.write_text("libssl3")

    def collect(_root: Path) -> Inventory:
        return make_inventory("Debian:12", [Package(ecosystem="Debian:12", name=status.read_text(), version="1")])

    keeper = InventoryKeeper(tmp_path, collect)
    desk.chore = Reporting(Reporter(desk.folder, collectors=(desk.collector,), inventory=keeper), desk.said.append)
    desk.after(0)
    assert len(desk.instance.digests[0]) == 64
    assert not desk.instance.inventories, "nobody asked for it"
    desk.after(10)
    desk.instance.answer["wants"] = ("inventory",)
    desk.instance.fails_inventory = Unreachable("No road.")
    status.write_text("libssl3-better")
    os.utime(status, ns=(1, 1))
    desk.after(10)
    assert len(desk.instance.digests) == 1, "it may be an upgrade that goes on"
    desk.after(60)
    assert len(set(desk.instance.digests)) == len(desk.instance.digests) == 2
    desk.instance.fails_inventory = None
    desk.after(301)
    assert desk.instance.inventories == ["libssl3-better"], "what could not be sent is wanted again"


def test_packages_that_come_and_go_are_looked_at_once_they_have_settled_or_five_minutes_on(
    desk: Desk, tmp_path: Path
) -> None:
    status = tmp_path / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    status.write_text("")
    keeper = InventoryKeeper(tmp_path, lambda _root: make_inventory("Debian:12", []))
    desk.collector = Collector(facts=("firewall_on",), look=desk.look)
    desk.chore = Reporting(Reporter(desk.folder, collectors=(desk.collector,), inventory=keeper), desk.said.append)
    desk.instance.answer["again_in"] = 3600

    def ticks(count: int, *, stirring: bool) -> list[int]:
        """Return at which of these ticks everything was looked at."""
        looks = []
        for tick in range(count):
            before = desk.looks
            if stirring:
                os.utime(status, ns=(1, int(desk.now)))
            desk.after(10)
            looks += [tick] * (desk.looks - before)
        return looks

    desk.after(0)
    assert ticks(12, stirring=True) == []
    assert ticks(12, stirring=False) == [5], "a minute after the last change"
    assert ticks(40, stirring=True) == [30], "an upgrade that takes an hour is told of before"
    assert ticks(10, stirring=False) == [5]
    desk.instance.fails = Unreachable("No road.")
    desk.chore._failures = 1
    os.utime(status, ns=(1, 7))
    assert ticks(30, stirring=False) == [6], "nobody answers: it is looked at once all the same"
    desk.instance.fails = None
    desk.after(3600)
    assert ticks(10, stirring=False) == []


def test_what_changes_while_nobody_answers_is_kept_and_sent_the_oldest_first(desk: Desk) -> None:
    desk.after(0)
    desk.instance.fails = Unreachable("No road.")
    desk.after(301)
    desk.after(10, on=False)
    desk.after(10)
    desk.after(10, on=True)
    waiting = desk.folder.reports().waiting
    assert [one.taken_at - int(NOW) for one in waiting] == [311, 331], "changes only"
    assert (desk.folder.path / "reports.json").stat().st_mode & 0o777 == 0o600
    assert desk.said[1:] == ["No road."], "said once"
    desk.instance.fails = None
    desk.chore = Reporting(desk.reporter(), desk.said.append)
    desk.after(60)
    assert desk.instance.taken[1:] == [(int(NOW) + 311, False), (int(NOW) + 331, True), (int(NOW) + 391, True)]
    assert desk.folder.reports().waiting == ()


def test_a_tpm_that_cannot_be_used_for_a_while_ends_nothing(desk: Desk) -> None:
    desk.instance.fails = UnusableTpm("The TPM has been busy for too long.")
    desk.after(0)
    desk.after(10, on=False)
    assert desk.said == ["The TPM has been busy for too long."]
    assert [one.facts[0].value for one in desk.folder.reports().waiting] == [True, False]
    desk.instance.fails = None
    desk.after(400)
    assert [value for _at, value in desk.instance.taken] == [True, False, False]


def test_one_that_the_instance_cannot_read_does_not_stand_in_the_way_of_the_rest(desk: Desk) -> None:
    with desk.folder.held():
        desk.folder.write_reports(Reports(waiting=(looked(1), looked(2, firewall=False))))
    real = desk.instance.report

    def picky(*given: Any, **more: Any) -> Taken:
        desk.instance.fails = Refused(Code.INVALID, "The request cannot be read.") if more["taken_at"] == 1 else None
        return real(*given, **more)

    desk.instance.report = picky  # type: ignore[method-assign]
    desk.after(0)
    assert desk.instance.taken == [(2, False), (int(NOW), True)]
    assert desk.folder.reports().waiting == ()


def test_whoever_was_away_is_heard_within_minutes_of_coming_back(desk: Desk) -> None:
    desk.instance.fails = Unreachable("No road.")
    for _ in range(40):
        desk.after(360)
    tried = len(desk.instance.nonces)
    assert tried == 40, "not longer than five minutes and a bit apart"
    assert len(desk.folder.reports().waiting) == 1, "it was never told, so once; then nothing changed"


def test_a_number_that_is_over_is_asked_for_again_and_only_once(desk: Desk) -> None:
    desk.after(0)
    answers = iter([Refused(Code.STALE, "Over."), None])
    real = desk.instance.report

    def once(*given: Any, **more: Any) -> Taken:
        desk.instance.fails = next(answers, None)
        return real(*given, **more)

    desk.instance.report = once  # type: ignore[method-assign]
    desk.after(301)
    assert desk.instance.nonces == ["", "n1", ""]


def test_a_clock_that_was_set_back_does_not_silence_it(desk: Desk) -> None:
    desk.after(0)
    desk.after(-86400)
    assert len(desk.instance.taken) == 2


@pytest.mark.parametrize("code", [Code.ENDED, Code.UNKNOWN])
def test_a_refusal_for_good_ends_it_and_another_is_waited_out(desk: Desk, code: Code) -> None:
    desk.instance.fails = Refused(Code.WAITING, "An administrator has yet to approve it.")
    desk.after(0)
    assert desk.folder.reports().waiting == ()
    desk.instance.fails = Refused(code, "Over.")
    with pytest.raises(Refused, match="Over"):
        desk.after(70)


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 2**40), st.none() | st.booleans()), max_size=70))
def test_what_waits_is_bounded_in_order_and_nothing_goes_uncounted(seen: list[tuple[int, bool | None]]) -> None:
    reports, kept = Reports(), []
    for at, value in seen:
        if not kept or kept[-1][1] is not value:
            kept.append((at, value))
        reports = keep_waiting(reports, looked(at, value), known=None)
    assert [(one.taken_at, one.facts[0].value) for one in reports.waiting] == kept[-MAX_WAITING:]
    assert reports.dropped == max(0, len(kept) - MAX_WAITING)
    for one in reports.waiting:
        reports = was_sent(reports, one)
    assert (reports.waiting, reports.dropped) == ((), 0)


@settings(max_examples=20)
@given(st.floats(allow_nan=False), st.floats(0, 1))
def test_whatever_an_instance_says_it_is_asked_neither_all_the_time_nor_never(again_in: float, chance: float) -> None:
    assert 9.0 <= report_moment(now=0.0, again_in=again_in, chance=chance) <= 3600.0


def test_what_cannot_be_read_is_forgotten_and_stops_nothing(desk: Desk) -> None:
    (desk.folder.path / "reports.json").write_text('{"waiting": 3}')
    desk.after(0)
    assert len(desk.instance.taken) == 1


def test_what_is_shown_is_what_is_sent_and_why_something_is_not_known() -> None:
    one = Looked(
        taken_at=1, facts=(*looked(1).facts, Reported(name="secure_boot", at=1.0, problem="Only root can see it."))
    )
    assert '"problem": "Only root can see it."' in as_sent(one)
    assert "sshd" not in as_sent(one)
    table = as_table(one, "22/tcp sshd")
    assert "The firewall is on" in table
    assert "not known: Only root can see it." in table
    assert "which is not sent: 22/tcp sshd" in table


def test_what_is_not_as_required_is_told_with_when_it_stands_in_the_way_and_where_to_mend_it() -> None:
    failing = (
        Failing(name="firewall", words="The firewall is off.", stage="block"),
        Failing(name="disk", words="The disk is not encrypted.", stage="warn", blocks_at=NOW),
    )
    taken = Taken(
        next_nonce="n", now=NOW, again_in=10, compliant=False, failing=failing, mend="https://id.example.test/devices"
    )
    assert check_words(taken).splitlines() == [
        "Reported. Not as required:",
        "  - The firewall is off. It stands in the way now.",
        "  - The disk is not encrypted. From 2026-11-22 00:00 UTC on it stands in the way.",
        "How to mend it: https://id.example.test/devices",
    ]
    assert (
        check_words(Taken(next_nonce="n", now=NOW, again_in=10, compliant=True))
        == "Reported. This computer is as required."
    )
    assert last_words(Reports()) == "never"
    assert last_words(Reports(waiting=(looked(1),), dropped=2)) == (
        "never; 1 wait to be sent; 2 were given up while the instance could not be reached"
    )
