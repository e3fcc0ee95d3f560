"""Whatever another system sends: it is read, or refused in the words of the standard. Nothing else happens."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.identity.domain.stored_text import can_be_stored
from ostiary.outgoing.addresses import may_be_asked
from ostiary.signals.domain.errors import BadRequest, RefusedSignal
from ostiary.signals.domain.events import ASKED_FOR, STREAM_UPDATED, VERIFICATION
from ostiary.signals.domain.streams import is_below, read_wanted
from ostiary.signals.domain.subjects import read_subject
from ostiary.signals.domain.tokens import check_type, read_claims

_WORDS = st.sampled_from(
    [
        "format", "subject_type", "iss_sub", "email", "complex", "aliases", "identifiers", "user", "session", "device", "iss",
        "sub", "id", "opaque", "create", "update", "compliant", "not-compliant", "credential_type", "change_type", "namespace",
        "current_level", "current_status", "previous_status", "reason_admin", "initiating_entity", "status", "state", "a@b.c",
    ]
)  # fmt: skip
_TEXTS = st.one_of(_WORDS, st.text(max_size=20), st.sampled_from(["\x00", "\ud800"]))
_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), _TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXTS, inner, max_size=5)),
    max_leaves=12,
)
_TYPES = st.one_of(st.sampled_from([*ASKED_FOR, VERIFICATION, STREAM_UPDATED]), _TEXTS)
_CLAIMS = st.fixed_dictionaries(
    {"iss": st.just("i"), "aud": st.one_of(st.just("a"), st.just(["a"]), _VALUES)},
    optional={
        "jti": st.one_of(_TEXTS, _VALUES),
        "iat": st.one_of(st.integers(900, 1100), _VALUES),
        "sub_id": _VALUES,
        "events": st.one_of(st.dictionaries(_TYPES, _VALUES, max_size=2), _VALUES),
        "exp": _VALUES,
    },
)


@settings(max_examples=150)
@given(_CLAIMS, st.booleans())
def test_claims_are_read_or_refused(claims: dict[str, Any], older: bool) -> None:
    refused = ""
    try:
        signal = read_claims(claims, issuer="i", audience="a", now=1000.0, older_form=older)
    except RefusedSignal as error:
        refused = error.code
    else:
        assert "exp" not in claims
        assert signal.jti
        assert len(signal.subject.names) <= 500
        kept = (signal.jti, signal.event.type, signal.event.words, signal.subject.names, signal.subject.session)
        assert can_be_stored("".join(kept))
        assert "".join(kept[:-1]).isprintable(), "nothing in it moves a cursor"
    assert refused in {"", "invalid_request", "invalid_audience"}


@settings(max_examples=100)
@given(_VALUES)
def test_subjects_are_read_or_refused(value: Any) -> None:
    try:
        read = read_subject(value)
    except RefusedSignal:
        return
    assert all("@" in one or one for one in read.emails)


@settings(max_examples=60)
@given(st.dictionaries(_TEXTS, _VALUES, max_size=4), st.booleans())
def test_headers_are_judged(header: dict[str, Any], older: bool) -> None:
    try:
        check_type(header, older_form=older)
    except RefusedSignal:
        return
    assert older or str(header.get("typ")).lower().endswith("secevent+jwt")


@settings(max_examples=100)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "delivery": st.one_of(
                st.fixed_dictionaries(
                    {"method": st.sampled_from(["urn:ietf:rfc:8935", "urn:ietf:rfc:8936"])},
                    optional={
                        "endpoint_url": st.one_of(st.just("https://a.test/x"), _VALUES),
                        "authorization_header": _VALUES,
                    },
                ),
                _VALUES,
            ),
            "events_requested": _VALUES,
            "description": _VALUES,
        },
    )
)
def test_streams_are_read_or_refused(body: dict[str, Any]) -> None:
    try:
        wanted = read_wanted(body, push_to="https://a.test")
    except BadRequest:
        return
    assert not wanted.endpoint_url or is_below(wanted.endpoint_url, "https://a.test")


@settings(max_examples=150)
@given(st.one_of(st.text(max_size=60), st.text(max_size=30).map(lambda rest: f"https://a.test{rest}")))
def test_only_addresses_of_the_origin_are_below_it(url: str) -> None:
    if is_below(url, "https://a.test"):
        assert url.lower().startswith("https://a.test")
        assert url[14:15] in {"", "/", "?"}
        assert may_be_asked(url)
