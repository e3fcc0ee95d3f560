"""The real Envoy's log of requests, taken over while it writes and while its file is put aside."""

from collections.abc import Iterator
from functools import partial

import pytest
from pytest_django import Settings
from tests.gateway_fixtures import GatewayUnderTest, echo_app

from ostiary.config.places import Instance
from ostiary.gateway.decider.answers import REFUSED_AS_UNAVAILABLE
from ostiary.gateway.envoy import ask_admin
from ostiary.visibility.facade import DecisionQuery, get_event, index_new_decisions, search_decisions
from ostiary.visibility.follower import RequestFollower
from ostiary.visibility.models import IndexedDecision

pytestmark = [pytest.mark.e2e, pytest.mark.django_db]


@pytest.fixture
def gateway(settings: Settings) -> Iterator[GatewayUnderTest]:
    with GatewayUnderTest(apps=[echo_app("wiki")], extra="[record]\nmin_free_mib = 1\n") as running:
        settings.INSTANCE = running.instance
        yield running


def reopen_log(instance: Instance) -> None:
    ask_admin(instance, "/reopen_logs", method="POST")


def follower(instance: Instance) -> RequestFollower:
    return RequestFollower(instance, reopen=partial(reopen_log, instance))


def recorded_paths() -> list[str]:
    while index_new_decisions(0.0):
        pass
    rows = search_decisions(DecisionQuery(stream="requests", page_size=500)).items
    return sorted(row.path for row in rows)


def test_requests_on_a_grant_and_those_turned_away_are_on_record_and_no_others(gateway: GatewayUnderTest) -> None:
    gateway.stub.allow()
    cookie = {"cookie": gateway.grant_cookie("wiki")}
    assert gateway.get("wiki", "/on-a-grant", headers=cookie).status_code == 200
    assert gateway.get("wiki", "/decided").status_code == 200
    for status in (403, 503):
        gateway.stub.refuse(status if status != 503 else REFUSED_AS_UNAVAILABLE, body=b"refused, on record already")
        assert gateway.get("wiki", "/refused").status_code == status
    assert gateway.raw_path("wiki", "/turned%2Faway").status == 400
    one = follower(gateway.instance)

    def taken_over() -> bool:
        one.follow()
        return len(recorded_paths()) >= 2

    gateway.eventually(taken_over, "both requests are on record")
    one.close()
    rows = {row.path: row for row in search_decisions(DecisionQuery(stream="requests")).items}
    assert len(rows) == 2
    granted = rows.pop("/on-a-grant")
    assert (granted.outcome, granted.app, granted.method, granted.code) == ("allowed", "wiki", "GET", 200)
    (turned_away,) = rows.values()
    assert (turned_away.outcome, turned_away.code) == ("refused", 400)
    event = get_event("requests", granted.seq)
    assert event["http_request"]["url"]["path"] == "/on-a-grant"
    assert event["metadata"]["correlation_uid"]
    assert event["src_endpoint"]["ip"] == "127.0.0.1"


def test_nothing_is_lost_while_the_file_is_put_aside_under_load(gateway: GatewayUnderTest) -> None:
    cookie = {"cookie": gateway.grant_cookie("wiki")}
    one = follower(gateway.instance)
    aside = gateway.instance.logs / "access.jsonl.1"
    times_aside = 0
    sent: list[str] = []

    def put_aside_twice() -> bool:
        nonlocal times_aside
        for _ in range(10):
            sent.append(f"/page/{len(sent):05d}")
            assert client.get(gateway.url("wiki", sent[-1]), headers=cookie).status_code == 200
        before = aside.exists()
        one.follow(aside_bytes=2000)
        times_aside += aside.exists() and not before
        return times_aside >= 2

    with gateway.client() as client:
        gateway.eventually(put_aside_twice, "the file was put aside twice")

    def taken_over() -> bool:
        one.follow(aside_bytes=10**9)
        recorded_paths()
        return IndexedDecision.objects.filter(stream="requests").count() >= len(sent)

    gateway.eventually(taken_over, "every request is on record")
    one.close()
    found = IndexedDecision.objects.filter(stream="requests").order_by("seq").values_list("path", flat=True)
    assert list(found) == sent, "in order, and each once"
