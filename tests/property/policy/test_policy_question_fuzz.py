"""A question as people write it is read as it was meant, or refused with the place and what to write; never anything else."""

from hypothesis import given
from hypothesis import strategies as st

from ostiary.policy.request import AuthStrength
from ostiary.policy.rules.condition_reader import STRENGTHS
from ostiary.policy.rules.selector_reader import Known
from ostiary.policy.validation import checked_request
from ostiary.policy.why.question import KEYS, InvalidQuestion, read_question

NOW = 1_795_000_000.0
KNOWN = Known(groups=frozenset(), apps=frozenset({"wiki"}))
TEMPTING = """app:wiki|view|/a b|otp|none|10m|managed=true,x=1|10.0.0.1|DE|7|unknown|2026-11-23 09:00 Europe/Berlin
=|,|a=b=c|true|{|- x|&a|managed=true,managed=false""".replace("\n", "|").split("|")
words = st.one_of(st.text(max_size=30), st.sampled_from(TEMPTING))


@given(st.dictionaries(st.sampled_from(KEYS), words))
def test_any_text_is_read_or_refused_with_its_key(written):
    question = read_or_refusal(written)
    if isinstance(question, InvalidQuestion):
        assert question.problems
        assert all(key in KEYS and problem.message for key, problem in question.problems)
        return
    assert question.request.resource.app == "wiki"
    assert written.get("at", "").strip() or question.at == NOW
    checked_request(question.request)


def read_or_refusal(written):
    try:
        return read_question(written, KNOWN, NOW)
    except InvalidQuestion as error:
        return error


@given(st.sampled_from(sorted(STRENGTHS)), st.integers(1, 500), st.integers(0, 100), st.booleans())
def test_what_is_said_stands_in_the_request(mfa, minutes, risk, managed):
    written = {"to": "app:wiki", "mfa": mfa, "mfa_age": f"{minutes}m", "risk": str(risk)}
    question = read_question({**written, "device": f"managed={str(managed).lower()}"}, KNOWN, NOW)
    (proof,) = question.request.subject.authentications
    assert (proof.strength, proof.at) == (STRENGTHS[mfa], NOW - 60 * minutes)
    assert question.request.context.risk == risk
    assert question.request.device is not None
    assert question.request.device.managed is managed


def test_without_a_second_factor_there_is_a_password():
    (proof,) = read_question({"to": "app:wiki", "mfa": "none"}, KNOWN, NOW).request.subject.authentications
    assert (proof.strength, proof.at) == (AuthStrength.SINGLE, NOW)


def test_a_device_fact_has_one_value():
    refused = read_or_refusal({"to": "app:wiki", "device": "managed=true,managed=false"})
    assert isinstance(refused, InvalidQuestion)
    ((key, problem),) = refused.problems
    assert (key, problem.message) == ("device", "`managed` stands twice in `device`")
