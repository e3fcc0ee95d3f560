"""What one decision costs in the decision service's process, in microseconds, stage by stage.

`python -m bench.decider`: no network and no data plane; the service is called as Granian calls it. The sum of the stages
is less than the whole, which also holds the event loop's own work. Last line: one JSON object.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from types import SimpleNamespace

from tests.decider_company import ANNA, DOMAIN, Headers, House, Reply, company, open_house

from ostiary.gateway.decider.check import check
from ostiary.gateway.decider.decider import event_of
from ostiary.gateway.decider.incoming import from_data_plane

ROUNDS = 7
REPEATS = 4000
CONCURRENT = 32


class Silent(Reply):
    """Takes an answer without looking at it."""

    def response_empty(self, status: int, headers: list[tuple[str, str]]) -> None:
        """Keep what was answered."""
        self.status, self.headers = status, headers


def headers(house: House) -> Headers:
    return Headers(
        [
            ("host", f"wiki.{DOMAIN}"),
            ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
            ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            ("cookie", f"theme=dark; {house.cookie(ANNA, 'wiki')}; lang=en"),
            ("x-request-id", "1c0f2f5e-6d0d-4a58-9a58-0b8a1a7b7f10"),
            ("x-ostiary-app", "wiki"),
            ("x-ostiary-client", "192.0.2.7"),
            ("x-ostiary-peer", "192.0.2.7:50112"),
            ("x-ostiary-protocol", "HTTP/2"),
        ]
    )


def microseconds(work: Callable[[], object]) -> float:
    rounds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(REPEATS):
            work()
        rounds.append((time.perf_counter() - began) / REPEATS * 1e6)
    return statistics.median(rounds)


def stages(house: House) -> dict[str, float]:
    assert house.parts is not None
    decider = house.parts.decider
    scope = SimpleNamespace(proto="http", method="GET", path="/check/page", query_string="", headers=headers(house))
    incoming = from_data_plane(scope, "/page")
    now = time.time()
    basis = decider.basis()
    verdict = check(incoming, basis, now=now, read_session=decider._read_session, country_of=decider._country_of)
    _, answer = decider._answering.answer(incoming, verdict, reference="7F3K9-2QXAB", now=now)
    assert answer.status == 200
    engine, request, audit = basis.engine, verdict.request, house.parts.audit
    assert engine is not None
    assert request is not None
    event = event_of(incoming, verdict, answer, reference="7F3K9-2QXAB", now=now)
    return {
        "read_us": microseconds(lambda: from_data_plane(scope, "/page")),
        "check_us": microseconds(
            lambda: check(incoming, basis, now=now, read_session=decider._read_session, country_of=decider._country_of)
        ),
        "engine_us": microseconds(lambda: engine.decide(request, now)),
        "answer_us": microseconds(
            lambda: decider._answering.answer(incoming, verdict, reference="7F3K9-2QXAB", now=now)
        ),
        "reference_us": microseconds(decider._references.new),
        "event_us": microseconds(lambda: event_of(incoming, verdict, answer, reference="7F3K9-2QXAB", now=now)),
        "event_bytes": len(event),
        "append_1_us": microseconds(lambda: audit.append([event])),
        "append_16_us": microseconds(lambda: audit.append([event] * 16)) / 16,
        "metrics_us": microseconds(lambda: decider.metrics.count(verdict, 0.0001)),
    }


async def requests(house: House, count: int) -> float:
    scope = SimpleNamespace(proto="http", method="GET", path="/check/page", query_string="", headers=headers(house))
    began = time.perf_counter()
    for _ in range(count // CONCURRENT):
        replies = [Silent() for _ in range(CONCURRENT)]
        await asyncio.gather(*(house.service.__rsgi__(scope, reply) for reply in replies))
        assert all(reply.status == 200 for reply in replies)
    return (time.perf_counter() - began) / (count // CONCURRENT * CONCURRENT) * 1e6


def main() -> None:
    with open_house(company()) as house:
        found = stages(house)
        whole = [house.loop.run_until_complete(requests(house, REPEATS)) for _ in range(ROUNDS)]
        found["whole_us"] = statistics.median(whole)
    for name, value in found.items():
        print(f"{name:14} {value:8.1f}")
    print(json.dumps({name: round(value, 2) for name, value in found.items()}))


if __name__ == "__main__":
    main()
