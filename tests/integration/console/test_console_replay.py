"""Rules tried in the console on what really happened: who loses, why, and the very decisions; nothing takes effect."""

import re
import threading
import time
from collections.abc import Callable

import pytest
from tests.console_company import RULES, Company
from tests.console_fixtures import Visit, text_of
from tests.replay_material import keep_past

from ostiary.config.places import Instance
from ostiary.policy.identifiers import PersonId
from ostiary.policy.replay_report import ReplayReport
from ostiary.rulebook.facade import get_current
from ostiary.visibility.keeping import PastKeeper
from ostiary.web.console.replaying import MAX_KEPT, REPLAYS, Forgotten, Replaying, Replays

pytestmark = pytest.mark.django_db
WIKI_WITH_A_REASON = RULES.replace("- name: staff-use-wiki\n", "- name: staff-use-wiki\n    require: justify\n")
NO_WIKI_WITHOUT_PASSKEY = RULES.replace("mfa: any", "mfa: phishing-resistant")
PAYROLL_WITH_A_CODE = RULES.replace("mfa: phishing-resistant", "mfa: otp")


@pytest.fixture
def kept(company: Company, console_instance: Instance) -> Company:
    """The company, with what its decisions read kept by the worker."""
    keep_past(console_instance)
    return company


def tried(visit: Visit, document: str, *, days: int = 7, who: str = "ada_admin") -> str:
    """Try a document as a browser does, with CR LF, and return where the result is."""
    answer = visit(who).post("/rules/replay/", {"document": document.replace("\n", "\r\n"), "days": str(days)})
    assert answer.status_code == 302
    address = str(answer["Location"])
    found = REPLAYS.find(address.rpartition("=")[2], answer.wsgi_request.caller.person.id)  # type: ignore[attr-defined]
    assert found is not None
    assert found.ended.wait(60)
    return address


def test_the_page_begins_with_the_rules_in_force(kept: Company, visit: Visit) -> None:
    page = text_of(visit("audrey_audit").get("/rules/replay/"))
    assert "staff-use-wiki" in page
    assert "Nothing takes effect." in page


def test_who_loses_is_seen_at_a_glance_and_opens_up_to_the_decision(kept: Company, visit: Visit) -> None:
    address = tried(visit, NO_WIKI_WITHOUT_PASSKEY)
    page = text_of(visit().get(address))
    assert re.search(r"Alice Meyer</a></th><td class=\"amount\">[1-9]", page)
    assert "Chidi Okafor" in page
    assert "Bruno Costa" not in page
    alice = kept.people["alice_meyer"]
    detail = text_of(visit().get(f"{address}&person={alice.id}"))
    assert "staff-use-wiki" in detail
    assert "This needs a passkey or security key; you gave a one-time code." in detail
    assert "Chidi Okafor" not in detail
    (reference, *_) = re.findall(r"/decisions/([0-9A-Z-]{11})/", detail)
    decision = text_of(visit().get(f"/decisions/{reference}/"))
    assert "Alice Meyer" in decision
    assert "Everybody and every app" in text_of(visit().get(f"{address}&app=wiki"))
    assert get_current().document == RULES


def test_the_text_in_the_editor_is_tried_with_one_button(kept: Company, visit: Visit) -> None:
    assert 'formaction="/rules/replay/"' in text_of(visit().get("/rules/edit"))
    form = {"document": NO_WIKI_WITHOUT_PASSKEY, "based_on": str(get_current().number), "comment": "Passkeys"}
    answer = visit().post("/rules/replay/", form)
    assert answer.status_code == 302
    assert "Try on what happened" in text_of(visit("audrey_audit").get("/rules/"))


def test_the_review_of_a_change_says_what_it_would_have_done(kept: Company, visit: Visit) -> None:
    form = {"document": NO_WIKI_WITHOUT_PASSKEY, "based_on": str(get_current().number), "comment": "Passkeys"}
    page = text_of(visit().post("/rules/edit", form))
    assert "Review the change" in page
    assert "On what happened in the last 30 days" in page
    assert re.search(r"Alice Meyer</a></th><td class=\"amount\">[1-9]", page)
    (address, *_) = re.findall(r"/rules/replay/\?replay=[0-9a-f]{32}&amp;person=[^\"]+", page)
    assert "staff-use-wiki" in text_of(visit().get(address.replace("&amp;", "&")))
    assert get_current().document == RULES


def test_who_gains_is_shown_and_nobody_loses(kept: Company, visit: Visit) -> None:
    page = text_of(visit("audrey_audit").get(tried(visit, PAYROLL_WITH_A_CODE, who="audrey_audit")))
    assert "Alice Meyer" in page
    assert "nobody" in page


def test_the_same_rules_change_nothing(kept: Company, visit: Visit) -> None:
    page = text_of(visit().get(tried(visit, RULES)))
    assert "Nothing would have changed" in page


def test_without_anything_kept_the_page_says_so(company: Company, visit: Visit) -> None:
    assert "Nothing of that time is kept" in text_of(visit().get(tried(visit, RULES)))


def test_what_is_not_kept_yet_is_said_to_be_missing(company: Company, console_instance: Instance, visit: Visit) -> None:
    keeper = PastKeeper(console_instance)
    keeper.keep(time.time(), limit=20)
    keeper.close()
    assert "Not everything is kept yet" in text_of(visit().get(tried(visit, RULES)))
    keep_past(console_instance)
    assert "Not everything is kept yet" not in text_of(visit().get(tried(visit, RULES)))


def test_a_mistake_is_named_and_nothing_is_tried(kept: Company, visit: Visit) -> None:
    answer = visit().post("/rules/replay/", {"document": RULES.replace("app:wiki", "app:wikki"), "days": "7"})
    assert answer.status_code == 422
    assert "wikki" in text_of(answer)
    answer = visit().post("/rules/replay/", {"document": RULES.replace("group:staff", "group:staf"), "days": "7"})
    assert answer.status_code == 422
    assert "there is no group <code>staf</code>" in text_of(answer)
    assert visit().post("/rules/replay/", {"document": RULES, "days": "5000"}).status_code == 422
    assert visit().post("/rules/replay/", {"document": "x" * 500_001}).status_code == 422


def test_who_may_still_but_on_other_terms_is_told_apart(kept: Company, visit: Visit) -> None:
    address = tried(visit, WIKI_WITH_A_REASON)
    page = text_of(visit().get(address))
    assert "Still allowed, on other terms" in page
    assert re.search(
        r"Alice Meyer</a></th><td class=\"amount\">0</td><td class=\"amount\">0</td><td class=\"amount\">[1-9]", page
    )
    detail = text_of(visit().get(f"{address}&person={kept.people['alice_meyer'].id}"))
    assert "Other terms" in detail
    assert "Still allowed, and they must say why." in detail
    form = {"document": WIKI_WITH_A_REASON, "based_on": str(get_current().number), "comment": "Reasons"}
    assert "On other terms, requests" in text_of(visit().post("/rules/edit", form))
    assert "other terms" not in text_of(visit().get(tried(visit, PAYROLL_WITH_A_CODE)))


def test_only_who_asked_sees_the_result(kept: Company, visit: Visit) -> None:
    answer = visit("audrey_audit").get(tried(visit, NO_WIKI_WITHOUT_PASSKEY))
    assert answer.status_code == 410
    assert "Alice Meyer" not in text_of(answer)
    assert visit().get("/rules/replay/?replay=nothing").status_code == 404


def test_after_a_restart_the_page_says_that_the_result_is_gone(
    kept: Company, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = tried(visit, NO_WIKI_WITHOUT_PASSKEY)
    monkeypatch.setattr("ostiary.web.console.replay.REPLAYS", Replays())
    answer = visit().get(address)
    assert answer.status_code == 410
    page = text_of(answer)
    assert "This replay is not kept any more" in page
    assert "or Ostiary was started again. Nothing took effect." in page
    assert 'href="/rules/replay/"' in page
    part = visit().get(address, headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert "This replay is not kept any more" in text_of(part)
    assert "hx-get" not in text_of(part)


def test_a_replay_that_nobody_can_look_at_any_more_stops(kept: Company) -> None:
    replays, begun, go_on = Replays(), threading.Event(), threading.Event()

    def first(progress: Callable[[float], None]) -> ReplayReport:
        begun.set()
        assert go_on.wait(60)
        progress(0.5)
        return ReplayReport(since=0, until=1)

    def started_one(work: Callable[[Callable[[float], None]], ReplayReport]) -> Replaying:
        replaying = Replaying(asked_by=PersonId("p"), in_force=get_current(), days=7)
        replays.start(replaying, work)
        return replaying

    oldest = started_one(first)
    assert begun.wait(60)
    waiting = started_one(lambda _progress: pytest.fail("nobody can look at it"))
    newer = [started_one(lambda _progress: ReplayReport(since=0, until=1)) for _ in range(MAX_KEPT)]
    go_on.set()
    for one in (oldest, waiting, *newer):
        assert one.ended.wait(60)
    assert [one.report for one in (oldest, waiting)] == [None, None]
    assert all(isinstance(one.problem, Forgotten) for one in (oldest, waiting))
    assert all(one.report is not None for one in newer)


def started(company: Company, work: Callable[[Callable[[float], None]], ReplayReport]) -> Replaying:
    replaying = Replaying(asked_by=PersonId(company.people["ada_admin"].id), in_force=get_current(), days=7)
    REPLAYS.start(replaying, work)
    return replaying


def test_a_long_replay_says_how_far_it_is_and_then_what_it_found(kept: Company, visit: Visit) -> None:
    told, go_on = threading.Event(), threading.Event()

    def work(progress: Callable[[float], None]) -> ReplayReport:
        progress(0.42)
        told.set()
        assert go_on.wait(60)
        return ReplayReport(since=0, until=1, requests=3, people=1)

    replaying = started(kept, work)
    assert told.wait(60)
    address = f"/rules/replay/?replay={replaying.id}"
    page = text_of(visit().get(address))
    assert "Deciding again: 42 % done." in page
    assert f'hx-get="{address}"' in page
    part = visit().get(address, headers={"HX-Request": "true"})
    assert "<html" not in text_of(part)
    assert "42 %" in text_of(part)
    go_on.set()
    assert replaying.ended.wait(60)
    part = text_of(visit().get(address, headers={"HX-Request": "true"}))
    assert "hx-get" not in part
    assert "Nothing would have changed" in part


def test_a_replay_that_fails_says_why(kept: Company, visit: Visit) -> None:
    def work(_progress: Callable[[float], None]) -> ReplayReport:
        raise PermissionError(13, "Permission denied", "/state/replay")

    replaying = started(kept, work)
    assert replaying.ended.wait(60)
    page = text_of(visit().get(f"/rules/replay/?replay={replaying.id}"))
    assert "/state/replay cannot be read (Permission denied)." in page
