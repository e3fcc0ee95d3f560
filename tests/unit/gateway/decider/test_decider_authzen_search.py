"""Who may, what may they open, what may they do: found by the same engine, a page at a time."""

import base64
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.authzen_asking import (
    CONFIGURATION,
    RULES,
    SEARCHER,
    Asking,
    ask,
    ask_together,
    asked_company,
    decide,
    question,
    send,
)
from tests.decider_company import ANNA, BEN, CARA, House, app, open_house, person

from ostiary.gateway.decider.authzen import door, judging, pages, searches, turns
from ostiary.gateway.decider.authzen.judging import Who
from ostiary.gateway.decider.authzen.messages import Action, Page, SubjectSearch
from ostiary.gateway.decider.authzen.pages import wanted
from ostiary.gateway.decider.authzen.reading import UnusableMessage, read_subject_search
from ostiary.gateway.decider.check import Verdict
from ostiary.policy.identifiers import ServiceId
from ostiary.policy.snapshot import AppFact, ServiceFact, Workloads

STAFF = tuple(person(f"s{number:02}", groups=("staff",) if number % 3 else ("guests",)) for number in range(30))
WHO: dict[str, Any] = {
    "subject": {"type": "person"},
    "action": {"name": "view"},
    "resource": {"type": "app", "id": "wiki"},
}


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with open_house(asked_company(people=(ANNA, BEN, CARA, *STAFF)), CONFIGURATION) as opened:
        yield opened


def search(house: House, what: str, content: dict[str, Any]) -> Asking:
    return ask(house, f"/access/v1/search/{what}", content, token=SEARCHER)


def every_page(house: House, what: str, content: dict[str, Any], limit: int) -> list[list[str]]:
    pages, token = [], ""
    while True:
        found = search(house, what, {**content, "page": {"limit": limit, "token": token}}).json
        assert list(found) == ["page", "context", "results"]
        assert found["page"]["count"] == len(found["results"]) <= limit
        pages.append([one.get("id", one.get("name")) for one in found["results"]])
        token = found["page"]["next_token"]
        if not token:
            return pages


def test_exactly_those_are_found_who_are_allowed_when_they_are_asked_about(house: House) -> None:
    (found,) = every_page(house, "subject", WHO, 1000)
    everybody = [ANNA, BEN, CARA, *STAFF]
    allowed = sorted(one.id for one in everybody if decide(house, question(one.id))["decision"])
    assert found == allowed
    assert len(found) == 21
    assert CARA.id not in found


def test_a_result_says_whom_it_is_in_the_words_of_the_question(house: House) -> None:
    found = search(house, "subject", {**WHO, "subject": {"type": "user", "id": 7}}).json
    assert found["results"][0] == {
        "type": "user",
        "id": "p-anna",
        "properties": {"email": "anna@example.test", "name": "Anna"},
    }


def test_services_that_are_on_and_may_are_found_by_type() -> None:
    now = time.time()
    services = [
        ServiceFact(id=ServiceId(name), active=on, ends_at=now + seconds)
        for name, on, seconds in (
            ("backup", True, 60), ("export", True, 60), ("off", False, 60), ("over", True, -1), ("stranger", True, 60),
        )
    ]  # fmt: skip
    rules = RULES + (
        "  - name: robots\n    allow: [service:backup, service:export, service:off, service:over, service:unmade]\n"
        "    to: app:wiki\n    do: [view]\n"
    )
    facts = msgspec.structs.replace(
        asked_company(rules=rules), workloads=Workloads(services={one.id: one for one in services})
    )
    asked = {**WHO, "subject": {"type": "service"}}
    with open_house(facts, CONFIGURATION) as opened:
        assert every_page(opened, "subject", asked, 1) == [["backup"], ["export"]]
        assert search(opened, "subject", asked).json["results"][0] == {"type": "service", "id": "backup"}
        assert not [one for (page,) in [every_page(opened, "subject", WHO, 1000)] for one in page if "backup" in one]
        nowhere = {**asked, "resource": {"type": "app", "id": "nowhere"}}
        assert every_page(opened, "subject", nowhere, 5) == [[]]
        assert search(opened, "subject", {**WHO, "subject": {"type": "robot"}}).status == 400


@pytest.mark.parametrize("limit", [1, 4, 20, 21, 22])
def test_pages_together_are_the_whole(house: House, limit: int) -> None:
    (whole,) = every_page(house, "subject", WHO, 1000)
    pages = every_page(house, "subject", WHO, limit)
    assert [one for page in pages for one in page] == whole
    assert all(len(page) == limit for page in pages[:-1])
    assert pages[-1], "no page is given for nothing"


def test_a_page_holds_what_was_looked_at_and_the_next_goes_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    (whole,) = every_page(house, "subject", WHO, 1000)
    monkeypatch.setattr(searches, "MAX_EXAMINED", 5)
    pages = every_page(house, "subject", WHO, 1000)
    assert len(pages) > 4
    assert [one for page in pages for one in page] == whole


def test_of_nothing_is_wanted_nothing_is_given_and_the_rest_is_announced(house: House) -> None:
    found = search(house, "subject", {**WHO, "page": {"limit": 0}}).json
    assert found["results"] == []
    assert found["page"]["next_token"]


def test_a_token_goes_on_without_the_limit_said_again(house: House) -> None:
    first = search(house, "subject", {**WHO, "page": {"limit": 2}}).json
    second = search(house, "subject", {**WHO, "page": {"token": first["page"]["next_token"]}}).json
    assert len(second["results"]) == 2
    assert second["results"][0]["id"] > first["results"][-1]["id"]


@pytest.mark.parametrize(
    "changed",
    [
        {"action": {"name": "edit"}},
        {"resource": {"type": "app", "id": "files"}},
        {"subject": {"type": "user"}},
        {"context": {"risk": 1}},
        {"page": {"limit": 3}},
        {"page": {"token": "nonsense"}},
        {"page": {"token": "é"}},
        {"page": {"token": "a" * 4097}},
    ],
)
def test_a_token_of_another_search_is_refused(house: House, changed: dict[str, Any]) -> None:
    first = search(house, "subject", {**WHO, "page": {"limit": 2}}).json
    page = {"limit": 2, "token": first["page"]["next_token"], **changed.get("page", {})}
    assert search(house, "subject", {**WHO, **changed, "page": page}).status == 400


def test_a_token_of_one_kind_of_search_is_none_for_another(house: House) -> None:
    first = search(house, "subject", {**WHO, "page": {"limit": 1}}).json
    asked = {**question(), "page": {"limit": 1, "token": first["page"]["next_token"]}}
    assert search(house, "resource", asked).status == 400


@given(st.text(max_size=80))
@settings(max_examples=60)
def test_whatever_is_sent_as_a_token_is_one_of_ours_or_is_refused(token: str) -> None:
    asked = read_subject_search(
        b'{"subject":{"type":"person"},"action":{"name":"view"},"resource":{"type":"app","id":"a"}}'
    )
    again = SubjectSearch(asked.subject, asked.action, asked.resource, page=Page(token=token))
    if token:
        with pytest.raises(UnusableMessage):
            wanted(again)
    mine = wanted(asked).token_after(token)
    assert wanted(SubjectSearch(asked.subject, asked.action, asked.resource, page=Page(token=mine))).after == token


def test_apps_are_found_that_somebody_may_open(house: House) -> None:
    asked: dict[str, Any] = {**question(), "resource": {"type": "app"}}
    assert every_page(house, "resource", asked, 10) == [["wiki"]]
    asked["resource"]["properties"] = {"path": "/public/x"}
    assert every_page(house, "resource", asked, 10) == [["files", "wiki"]]
    found = search(house, "resource", asked).json
    assert found["results"][0]["properties"] == {"name": "Files", "host": "files.example.test"}


def test_actions_are_found_that_somebody_may_take(house: House) -> None:
    asked = {key: value for key, value in question().items() if key != "action"}
    assert every_page(house, "action", asked, 10) == [["edit", "view"]]


@pytest.mark.parametrize("who", ["nobody", "cara@example.test"])
def test_for_who_may_do_nothing_nothing_is_found(house: House, who: str) -> None:
    asked = question(who)
    assert every_page(house, "resource", {**asked, "resource": {"type": "app"}}, 10) == [[]]
    assert every_page(house, "action", asked, 10) == [[]]


def test_of_what_is_not_known_nothing_is_found(house: House) -> None:
    assert every_page(house, "subject", {**WHO, "resource": {"type": "app", "id": "x"}}, 10) == [[]]
    assert every_page(house, "subject", {**WHO, "resource": {"type": "account", "id": "wiki"}}, 10) == [[]]
    assert every_page(house, "action", question(resource="x"), 10) == [[]]


def test_what_is_listed_nowhere_cannot_be_searched(house: House) -> None:
    assert "`service`" in search(house, "subject", {**WHO, "subject": {"type": "device"}}).text
    assert search(house, "subject", {**WHO, "subject": {"type": "device"}}).status == 400
    assert search(house, "resource", {**question(), "resource": {"type": "account"}}).status == 400


def test_a_search_counts_for_what_it_looks_at() -> None:
    with open_house(asked_company(people=STAFF), CONFIGURATION.replace("100000", "1")) as house:
        assert search(house, "subject", WHO).status == 200
        assert search(house, "subject", WHO).status == 429


def test_searches_at_once_count_as_searches_one_after_the_other() -> None:
    with open_house(asked_company(people=STAFF), CONFIGURATION.replace("100000", "1")) as house:
        asked = [send(house, "/access/v1/search/subject", WHO, token=SEARCHER) for _ in range(8)]
        assert [one.status for one in ask_together(house, *asked)] == [200, *[429] * 7]


def test_a_search_keeps_nobody_waiting(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "TURN_SECONDS", 0)
    judged: list[str] = []

    def judge_app(who: Who, app: AppFact, action: Action, *args: Any, **more: Any) -> Verdict:
        judged.append(action.name)
        return judging.judge_app(who, app, action, *args, **more)

    def judge(*args: Any, **more: Any) -> Verdict:
        judged.append("one")
        return judging.judge(*args, **more)

    monkeypatch.setattr(searches, "judge_app", judge_app)
    monkeypatch.setattr(door, "judge", judge)
    ask_together(
        house,
        send(house, "/access/v1/search/subject", WHO, token=SEARCHER),
        send(house, "/access/v1/evaluation", question()),
    )
    assert judged.index("one") < 10
    assert judged.count("view") == len(STAFF) + 2


def test_a_path_is_read_once_for_all_candidates(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def read_path(path: str) -> judging.Paths:
        read.append(path)
        return judging.read_path(path)

    monkeypatch.setattr(searches, "read_path", read_path)
    on_path = {**WHO, "resource": {**WHO["resource"], "properties": {"path": "/%41"}}}
    assert len(search(house, "subject", on_path).json["results"]) == 21
    assert read == ["/%41"]
    on_path["resource"]["properties"] = {"path": "/%2e%2e/x"}
    assert search(house, "subject", on_path).json["results"] == []


def test_a_token_revoked_while_it_searches_is_given_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_house(asked_company(people=STAFF), CONFIGURATION) as house:

        def judge_app(*args: Any, **more: Any) -> Verdict:
            if house.parts is not None and house.parts.decider.follower.basis.generation == 1:
                house.publish(asked_company(2, clients=()))
            return judging.judge_app(*args, **more)

        monkeypatch.setattr(searches, "judge_app", judge_app)
        answer = search(house, "subject", WHO)
        assert answer.status == 401
        assert b"results" not in answer.body


def test_a_forged_token_does_not_lift_the_limit(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    first = search(house, "subject", {**WHO, "page": {"limit": 2}}).json["page"]["next_token"]
    _, _, mark = msgspec.msgpack.decode(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))

    def forged(limit: int) -> Asking:
        token = base64.urlsafe_b64encode(msgspec.msgpack.encode(["", limit, mark])).decode()
        return search(house, "subject", {**WHO, "page": {"token": token}})

    monkeypatch.setattr(pages, "MAX_LIMIT", 5)
    assert forged(-1).status == 400
    assert len(forged(2).json["results"]) == 2
    assert len(forged(10**9).json["results"]) == 5


def test_a_search_is_on_record_once(house: House) -> None:
    found = search(house, "subject", WHO).json
    lines = b"".join(path.read_bytes() for path in (house.instance.audit / "decisions").glob("*.jsonl")).decode()
    (line,) = [one for one in lines.splitlines() if found["context"]["reference"] in one]
    assert "searcher took a copy of list of people who may view wiki" in line
    assert '"log_name":"decisions"' in line
    assert "authzen:searcher" in line


def test_a_new_app_and_a_new_person_are_found_at_once() -> None:
    with open_house(asked_company(), CONFIGURATION) as house:
        asked: dict[str, Any] = {**question(), "resource": {"type": "app"}}
        assert every_page(house, "resource", asked, 10) == [["wiki"]]
        everything = RULES + "  - {name: all, allow: anyone, to: app:news, do: [view]}\n"
        apps = (app("wiki"), app("news"))
        house.publish(asked_company(2, rules=everything, apps=apps, people=(ANNA, person("dora"))))
        assert every_page(house, "resource", asked, 10) == [["news", "wiki"]]
        assert every_page(house, "subject", WHO, 10) == [["p-anna", "p-dora"]]
        assert decide(house, question("dora@example.test"))["decision"] is True
