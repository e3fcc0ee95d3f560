"""Small parts of the decision service: countries, the budget, circles, what the process imports, answers' words."""

import subprocess
import sys
from pathlib import Path

import maxminddb
import pytest

from ostiary.gateway.decider.budget import Budget
from ostiary.gateway.decider.cookies import read_cookies
from ostiary.gateway.decider.country import Countries, CountryDatabaseUnusable
from ostiary.gateway.decider.stepping_up import Circles, step_up_path
from ostiary.gateway.decider.wording import WORDINGS, heading_of
from ostiary.policy.decision import Deny, ReasonCode, Remedy, RemedyKind, UnmetCondition
from ostiary.policy.identifiers import AppId, Generation, PolicyVersion, RuleName, SessionId

FORBIDDEN = ("django", "ostiary.identity", "ostiary.applications", "ostiary.rulebook", "ostiary.web", "ostiary.cli")


class FakeDatabase:
    """Answers as the library does; the library itself needs a file nobody may give away."""

    def __init__(self, answers: dict[str, object]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def get(self, address: object) -> object:
        self.asked.append(str(address))
        return self.answers.get(str(address))


@pytest.mark.parametrize(
    ("answer", "country"),
    [
        ({"country": {"iso_code": "DE"}}, "DE"),
        ({"country": {"iso_code": "de"}}, "DE"),
        ({"country": {"iso_code": "DEU"}}, None),
        ({"country": {"iso_code": 7}}, None),
        ({"country": "DE"}, None),
        ({"registered_country": {"iso_code": "DE"}}, None),
        ({}, None),
        ("DE", None),
        (None, None),
    ],
)
def test_a_country_is_known_or_it_is_not(monkeypatch: pytest.MonkeyPatch, answer: object, country: str | None) -> None:
    database = FakeDatabase({"192.0.2.7": answer})
    monkeypatch.setattr(maxminddb, "open_database", lambda _: database)
    countries = Countries(Path("countries.mmdb"))
    assert countries.of("192.0.2.7") == country
    assert countries.of("192.0.2.7") == country
    assert database.asked == ["192.0.2.7"]
    assert countries.of("no address") is None
    assert countries.of(None) is None


def test_a_database_that_is_none_stops_nothing_but_is_said(tmp_path: Path) -> None:
    file = tmp_path / "countries.mmdb"
    file.write_bytes(b"no database")
    for path in (file, tmp_path / "nowhere"):
        with pytest.raises(CountryDatabaseUnusable):
            Countries(path)
    assert Countries(None).of("192.0.2.7") is None


def test_a_budget_is_spent_and_fills_again() -> None:
    budget = Budget(per_second=2, burst=3)
    assert [budget.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert [budget.take(11.0) for _ in range(3)] == [True, True, False]
    assert not budget.take(5.0)
    assert [budget.take(1000.0) for _ in range(4)] == [True, True, True, False]


def test_circles_are_counted_for_each_session_and_app() -> None:
    circles = Circles()
    anna, wiki, payroll = SessionId("s1"), AppId("wiki"), AppId("payroll")
    assert [circles.may_send(anna, wiki, 100.0 + second) for second in range(3)] == [True, True, False]
    assert circles.may_send(anna, payroll, 102.0)
    assert circles.may_send(SessionId("s2"), wiki, 102.0)
    assert circles.may_send(anna, wiki, 131.0)


def deny(*unmet: UnmetCondition, reason: ReasonCode = ReasonCode.CONDITIONS_UNMET) -> Deny:
    return Deny(reason=reason, unmet=unmet, policy_version=PolicyVersion("v"), generation=Generation(1))


def condition(rule: str, kind: RemedyKind | None, path: str | None = None) -> UnmetCondition:
    remedy = Remedy(kind=kind, words="Do it", path=path) if kind is not None else None
    return UnmetCondition(rule=RuleName(rule), code="c", words="Something.", remedy=remedy)


STEP = condition("a", RemedyKind.STEP_UP, "/step-up?need=otp")
OTHER_STEP = condition("b", RemedyKind.STEP_UP, "/step-up?need=phishing-resistant")
WAIT = condition("a", RemedyKind.WAIT)
LATER = condition("b", RemedyKind.WAIT)


@pytest.mark.parametrize(
    ("decision", "path"),
    [
        (deny(STEP), "/step-up?need=otp"),
        (deny(STEP, LATER), "/step-up?need=otp"),
        (deny(STEP, WAIT), None),
        (deny(WAIT, STEP), None),
        (deny(LATER, STEP), None),
        (deny(), None),
        (deny(condition("a", None)), None),
        (deny(STEP, reason=ReasonCode.DENIED_BY_RULE), "/step-up?need=otp"),
        (deny(STEP, LATER, reason=ReasonCode.DENIED_BY_RULE), None),
        (deny(STEP, OTHER_STEP, reason=ReasonCode.DENIED_BY_RULE), None),
        (deny(STEP, reason=ReasonCode.ENGINE_ERROR), None),
    ],
)
def test_one_step_up_is_taken_at_once_only_where_it_is_enough(decision: Deny, path: str | None) -> None:
    assert step_up_path(decision) == path


@pytest.mark.parametrize("reason", ReasonCode)
def test_every_reason_has_its_words(reason: ReasonCode) -> None:
    wording = WORDINGS[reason]
    assert wording.status in {400, 401, 403, 404, 414, 503}
    said = " ".join((heading_of(deny(reason=reason), "Wiki"), wording.lead.format(app="Wiki"), wording.advice))
    assert "{" not in said
    for banned in ("!", "please", "Please", "Oops", "sorry", "error occurred"):
        assert banned not in said


def test_cookies_are_told_apart() -> None:
    found = read_cookies("a=1; __Host-ostiary-session=t; b=2;__Host-ostiary-begin=" + "x" * 43 + "; c")
    assert (found.session, found.begin, found.others) == ("t", "x" * 43, "a=1; b=2; c")
    assert read_cookies("a=1; b=2").others == "a=1; b=2"
    assert read_cookies("").others == ""


def test_the_process_imports_no_control_plane() -> None:
    code = f"import sys, ostiary.gateway.decider.service; print([n for n in {FORBIDDEN!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
