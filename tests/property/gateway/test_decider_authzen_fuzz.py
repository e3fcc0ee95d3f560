"""Whatever a program sends: never an error of ours, never a permission that the rules do not give."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.authzen_asking import CONFIGURATION, SEARCHER, ask, asked_company, question
from tests.decider_company import House, open_house

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=12), inner, max_size=4)),
    max_leaves=12,
)
NAMES = [
    "subject",
    "action",
    "resource",
    "context",
    "evaluations",
    "options",
    "page",
    "properties",
    "type",
    "id",
    "name",
]
SHAPED = st.recursive(
    st.one_of(JSON, st.sampled_from(["person", "app", "view", "wiki", "p-anna", "/"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, min_size=1, max_size=6)
    ),
    max_leaves=16,
)
WORDS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["p-anna", "anna@example.test", "p-cara", "wiki", "payroll", "files", "view", "edit", "delete", "GET"]
    ),
)
PATHS = st.one_of(st.text(max_size=30), st.text(max_size=30).map(lambda text: "/" + text), st.just("/public/x"))
CONTEXTS = st.fixed_dictionaries(
    {},
    optional={
        "authentications": st.one_of(
            JSON, st.lists(st.fixed_dictionaries({"strength": WORDS, "age_seconds": JSON}), max_size=2)
        ),
        "address": st.one_of(WORDS, st.ip_addresses().map(str)),
        "country": WORDS,
        "device": st.dictionaries(st.sampled_from(["managed", "compliant", "os"]), JSON, max_size=3),
        "risk": JSON,
    },
)
ENDPOINTS = ["evaluation", "evaluations", "search/subject", "search/resource", "search/action"]
SUBJECTS = "/access/v1/search/subject"
RELAXED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with open_house(asked_company(), CONFIGURATION) as opened:
        yield opened


def permissions(answer: Any) -> list[bool]:
    """Every decision in an answer."""
    several = answer.get("evaluations")
    return [one["decision"] for one in several] if several is not None else [answer["decision"]]


@given(body=st.one_of(st.binary(max_size=200), JSON.map(lambda value: json.dumps(value).encode())))
@RELAXED
def test_what_is_no_question_is_refused(house: House, body: bytes) -> None:
    for endpoint in ENDPOINTS:
        assert ask(house, f"/access/v1/{endpoint}", body, token=SEARCHER).status == 400


@given(content=SHAPED)
@RELAXED
def test_what_looks_like_a_question_is_decided_or_refused(house: House, content: Any) -> None:
    for endpoint in ENDPOINTS:
        answer = ask(house, f"/access/v1/{endpoint}", content, token=SEARCHER)
        assert answer.status in {200, 400}
        if answer.status == 200 and endpoint.startswith("evaluation"):
            assert all(type(one) is bool for one in permissions(answer.json))


@given(named=st.tuples(WORDS, WORDS, WORDS), path=PATHS, context=CONTEXTS)
@RELAXED
def test_only_what_a_rule_allows_is_permitted(
    house: House, named: tuple[str, str, str], path: str, context: dict[str, Any]
) -> None:
    who, action, app = named
    asked = {**question(who, action, app, path=path), "context": context}
    answer = ask(house, "/access/v1/evaluation", asked)
    assert answer.status in {200, 400}
    if answer.status == 400 or not answer.json["decision"]:
        return
    assert who in {"p-anna", "anna@example.test"}
    assert (app, action) in {
        *(("wiki", one) for one in ("view", "edit", "GET")),
        *((one, two) for one in ("files", "payroll") for two in ("view", "GET")),
    }
    assert path.startswith("/")
    assert app != "files" or path.startswith("/public/")


@given(
    after=st.text(max_size=12),
    limit=st.one_of(st.integers(min_value=-(2**63), max_value=2**63), st.none(), st.booleans(), st.floats()),
    more=st.lists(JSON, max_size=2),
)
@RELAXED
def test_a_forged_page_token_gives_no_more_than_an_honest_one(
    house: House, after: str, limit: Any, more: list[Any]
) -> None:
    asked = {"subject": {"type": "person"}, "action": {"name": "view"}, "resource": {"type": "app", "id": "wiki"}}
    honest = ask(house, SUBJECTS, {**asked, "page": {"limit": 0}}, token=SEARCHER).json["page"]["next_token"]
    _, _, mark = msgspec.msgpack.decode(base64.urlsafe_b64decode(honest + "=" * (-len(honest) % 4)))
    try:
        forged = base64.urlsafe_b64encode(msgspec.msgpack.encode([after, limit, mark, *more])).decode()
    except (OverflowError, UnicodeEncodeError):
        return  # no token can say that
    answer = ask(house, SUBJECTS, {**asked, "page": {"token": forged}}, token=SEARCHER)
    assert answer.status in {200, 400}
    if answer.status == 200:
        assert type(limit) in {int, type(None)}
        found = [one["id"] for one in answer.json["results"]]
        assert found == [one for one in ["p-anna"] if one > after][: 100 if limit is None else limit]


@given(token=st.text(max_size=60), name=st.sampled_from(["authorization", "x-authorization", "cookie"]))
@RELAXED
def test_nobody_asks_without_a_token(house: House, token: str, name: str) -> None:
    for value in (token, f"Bearer {token}"):
        answer = ask(house, "/access/v1/evaluation", question(), token=None, headers=((name, value),))
        assert answer.status == 401
