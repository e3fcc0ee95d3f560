"""What is suggested from use, what counts as answered without looking, and what a signature holds: for any facts."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.policy.identifiers import PersonId
from ostiary.reviews.domain.campaign import (
    AlreadyAnswered,
    Campaign,
    ItemState,
    NotYours,
    Progress,
    quarter_of,
    require_may_answer,
)
from ostiary.reviews.domain.facts import Facts, Ground, Opened, Use
from ostiary.reviews.domain.pre_answer import DAY_SECONDS, ENOUGH_DAYS, SELDOM_DAYS, narrowest, suggest
from ostiary.reviews.domain.report import NotSigned, Report, encode_report, read_signed, sign_report
from ostiary.reviews.domain.rubber_stamp import (
    PACE_ANSWERS,
    PACE_SECONDS,
    UNIFORM_AGAINST,
    Given,
    Sign,
    find_rubber_stamping,
)
from ostiary.reviews.domain.scope import Scope, ScopeKind, UnreadableScope, parse_scope

NOW = 1_760_000_000.0
OLD = NOW - 400 * DAY_SECONDS
BOOKS = Opened(app="books", name="Books", actions=("view", "edit"))
few = settings(max_examples=20, deadline=None)


def facts(**more: object) -> Facts:
    """A membership of long ago that opens the books and that nobody used."""
    given = {"granted_at": OLD, "recorded_since": OLD, "opens": (BOOKS,), "gives": (BOOKS,), **more}
    return Facts(**given)  # type: ignore[arg-type]


def used(days_ago: float) -> tuple[Use, ...]:
    return (Use(app="books", count=3, last_at=NOW - days_ago * DAY_SECONDS, actions=("view",)),)


@pytest.mark.parametrize(
    ("known", "answer", "ground"),
    [
        (facts(), "remove", Ground.UNUSED),
        (facts(uses=used(1)), "keep", Ground.USED),
        (facts(uses=used(SELDOM_DAYS + 1)), "reduce", Ground.SELDOM),
        (facts(uses=used(1), narrower="readers"), "reduce", Ground.NARROWER),
        (facts(uses=used(1), gives=()), "remove", Ground.NOTHING_LOST),
        (facts(uses=used(1), active=False), "remove", Ground.SWITCHED_OFF),
        (facts(opens=(), gives=()), "", Ground.OPENS_NOTHING),
        (facts(granted_at=NOW - 5 * DAY_SECONDS), "keep", Ground.NEW),
        (facts(recorded_since=NOW - (ENOUGH_DAYS - 1) * DAY_SECONDS), "", Ground.RECORD_SHORT),
        (facts(ends_at=NOW + DAY_SECONDS), "keep", Ground.ENDS),
    ],
)
def test_each_ground_has_its_answer(known: Facts, answer: str, ground: Ground) -> None:
    found = suggest(known, now=NOW)
    assert (found.answer, found.ground) == (answer, ground)
    assert (found.until is not None) is (ground is Ground.SELDOM)
    assert found.narrower == ("readers" if ground is Ground.NARROWER else "")


ages = st.floats(0, 800 * DAY_SECONDS)


@few
@given(
    granted=ages,
    recorded=ages,
    last=st.none() | ages,
    gives=st.booleans(),
    ends=st.none() | ages,
    console=st.booleans(),
)
def test_silence_alone_never_removes_what_is_new_or_what_the_record_is_too_short_for(
    *, granted: float, recorded: float, last: float | None, gives: bool, ends: float | None, console: bool
) -> None:
    uses = () if last is None else (Use(app="books", count=1, last_at=NOW - last, actions=("view",)),)
    known = facts(
        granted_at=NOW - granted,
        recorded_since=NOW - recorded,
        uses=uses,
        gives=(BOOKS,) if gives else (),
        ends_at=None if ends is None else NOW + ends,
    )
    found = suggest(known, now=NOW, console=console)
    assert found == suggest(known, now=NOW, console=console)
    if found.ground is Ground.UNUSED:
        assert last is None
        assert min(granted, recorded) >= ENOUGH_DAYS * DAY_SECONDS
    if found.answer == "remove" and gives:
        assert found.ground is Ground.UNUSED
    if console:
        assert found.answer == "", "the console is never pre-answered"
    if found.until is not None:
        assert found.until > NOW


pairs = st.frozensets(st.tuples(st.sampled_from("abc"), st.sampled_from(["view", "edit"])), max_size=6)


@few
@given(use=pairs, whole=pairs, others=st.dictionaries(st.sampled_from(["x", "y", "z"]), pairs))
def test_what_is_narrower_opens_all_that_was_used_and_less_than_before(
    use: frozenset[tuple[str, str]], whole: frozenset[tuple[str, str]], others: dict[str, frozenset[tuple[str, str]]]
) -> None:
    found = narrowest(use, whole, others)
    fitting = [name for name, reach in others.items() if use and use <= reach < whole]
    assert (found in fitting) if fitting else found == ""
    assert all(len(others[found]) <= len(others[name]) for name in fitting)


moments = st.floats(NOW, NOW + 3600)
answers = st.builds(
    Given,
    reviewer=st.sampled_from(["ada", "bo"]),
    at=moments,
    answer=st.sampled_from(["keep", "remove", "reduce"]),
    suggested=st.sampled_from(["keep", "remove", "reduce", ""]),
    bulk=st.booleans(),
)


@few
@given(st.lists(answers, max_size=40), st.randoms())
def test_alarms_do_not_depend_on_order_and_say_what_anybody_can_count(some: list[Given], shuffler: object) -> None:
    found = find_rubber_stamping(some)
    mixed = list(some)
    shuffler.shuffle(mixed)  # type: ignore[attr-defined]
    assert find_rubber_stamping(mixed) == found
    for reviewer in {one.reviewer for one in some}:
        own = [one for one in some if one.reviewer == reviewer]
        singles = [one.at for one in own if not one.bulk]
        fastest = max((sum(0 <= other - at <= PACE_SECONDS for other in singles) for at in singles), default=0)
        signs = {one.sign: one for one in found if one.reviewer == reviewer}
        assert (Sign.PACE in signs) is (fastest >= PACE_ANSWERS)
        if Sign.PACE in signs:
            assert signs[Sign.PACE].answers == fastest
        if Sign.UNIFORMITY in signs:
            assert {one.answer for one in own} == {"keep"}


def test_pace_and_uniformity_at_their_bounds() -> None:
    def quick(number: int, **more: object) -> list[Given]:
        given = {"reviewer": "ada", "answer": "keep", "suggested": "keep", **more}
        return [Given(at=NOW + one * PACE_SECONDS / (number - 1), **given) for one in range(number)]  # type: ignore[arg-type]

    assert [one.sign for one in find_rubber_stamping(quick(PACE_ANSWERS))] == [Sign.PACE]
    assert find_rubber_stamping(quick(PACE_ANSWERS - 1)) == ()
    assert find_rubber_stamping(quick(PACE_ANSWERS, bulk=True)) == (), "confirmed together is one act"
    against = quick(UNIFORM_AGAINST, suggested="remove")
    assert [one.sign for one in find_rubber_stamping(against)] == [Sign.UNIFORMITY]
    assert find_rubber_stamping(against[1:]) == ()
    thoughtful = Given(reviewer="ada", at=NOW, answer="remove", suggested="remove")
    assert find_rubber_stamping([*against, thoughtful]) == ()
    diluted = [Given(reviewer="ada", at=NOW + 60 * one, answer="keep", suggested="keep") for one in range(40)]
    assert find_rubber_stamping([*against, *diluted]) == (), "less than a tenth"


@few
@given(st.text(max_size=80))
def test_a_scope_is_read_whole_or_not_at_all(text: str) -> None:
    try:
        scope = parse_scope(text)
    except UnreadableScope:
        return
    assert scope.text == text.strip()
    assert parse_scope(scope.text) == scope


@few
@given(name=st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True), kind=st.sampled_from(list(ScopeKind)))
def test_every_scope_can_be_written_and_read_back(name: str, kind: ScopeKind) -> None:
    scope = Scope(kind, "" if kind is ScopeKind.EVERYTHING else name)
    assert parse_scope(scope.text) == scope


@few
@given(
    person=st.sampled_from("abc"),
    voter=st.sampled_from("abc"),
    able=st.booleans(),
    seats=st.frozensets(st.sampled_from("abc")),
    state=st.sampled_from(list(ItemState)),
)
def test_nobody_ever_answers_for_themselves(
    person: str, voter: str, able: bool, seats: frozenset[str], state: ItemState
) -> None:
    allowed = True
    try:
        require_may_answer(PersonId(person), state, PersonId(voter), able, frozenset(map(PersonId, seats)))
    except (NotYours, AlreadyAnswered):
        allowed = False
    assert allowed is (person != voter and able and voter in seats and state is ItemState.WAITING)


def test_quarters() -> None:
    assert [quarter_of(at) for at in (1767225599.0, 1767225600.0, 1774999999.0, 1775001600.0)] == [
        "2025-Q4",
        "2026-Q1",
        "2026-Q1",
        "2026-Q2",
    ]


def report(name: str) -> Report:
    campaign = Campaign(
        id="c_1", name=name, scope=Scope(ScopeKind.EVERYTHING), quarter="", started_at=NOW, started_by="root",
        deadline_at=NOW, since=OLD, rules=1, progress=Progress(),
    )  # fmt: skip
    return Report(
        organisation="Firm", domain="corp.test", final=True, written_at=NOW, campaign=campaign, acknowledged_by="root",
        reviewers=(), items=(), alarms=(),
    )  # fmt: skip


KEY = Ed25519PrivateKey.generate()


@few
@given(name=st.text(st.characters(exclude_categories=("Cs",)), max_size=40), data=st.data())
def test_a_signed_report_is_read_back_whole_and_no_changed_one(name: str, data: st.DataObject) -> None:
    payload = encode_report(report(name))
    file = sign_report(payload, KEY)
    assert read_signed(file, KEY.public_key()) == (report(name), payload)
    with pytest.raises(NotSigned):
        read_signed(file, Ed25519PrivateKey.generate().public_key())
    signed = json.loads(file)
    part = data.draw(st.sampled_from(["payload", "protected", "signature"]))
    raw = bytearray(base64.urlsafe_b64decode(signed[part] + "=="))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    signed[part] = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    with pytest.raises(NotSigned):
        read_signed(json.dumps(signed).encode(), KEY.public_key())


@few
@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: json.dumps({"payload": text}).encode()))
def test_anything_else_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(NotSigned):
        read_signed(content, KEY.public_key())


def test_no_other_signature_of_the_same_key_passes_for_a_report() -> None:
    payload = encode_report(report("x"))
    header = base64.urlsafe_b64encode(b'{"alg":"EdDSA","typ":"JWT","kid":"x"}').rstrip(b"=").decode()
    body = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
    signature = base64.urlsafe_b64encode(KEY.sign(f"{header}.{body}".encode())).rstrip(b"=").decode()
    file = json.dumps({"payload": body, "protected": header, "signature": signature}).encode()
    with pytest.raises(NotSigned, match="no report"):
        read_signed(file, KEY.public_key())
