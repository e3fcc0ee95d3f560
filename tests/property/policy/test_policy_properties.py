"""What holds for every rulebook, every request and every moment."""

import random

import msgspec
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.policy_material import NOON, ask, cases, documents, engine, proof, refused, rules_of

from ostiary.policy.decision import Allow, Deny, ReasonCode
from ostiary.policy.request import Authentication, AuthStrength

replace = msgspec.structs.replace
garbage = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()),
    lambda inner: st.one_of(
        st.lists(inner), st.tuples(inner), st.dictionaries(st.text(), inner), st.frozensets(st.text())
    ),
    max_leaves=6,
)


@given(st.data(), cases())
def test_it_answers_whatever_it_is_given(data, case):
    request, now = case
    part = data.draw(st.sampled_from(["subject", "resource", "context", "action", "device", None]))
    junk = data.draw(garbage)
    if part is None:
        request = junk
    elif part in ("action", "device") or data.draw(st.booleans()):
        request = replace(request, **{part: junk})
    else:
        inner = getattr(request, part)
        field = data.draw(st.sampled_from(inner.__struct_fields__))
        request = replace(request, **{part: replace(inner, **{field: junk})})
    moment = data.draw(st.one_of(st.just(now), garbage))
    deciding = engine(rules_of({"allow": "anyone", "to": "anything", "do": "any"}))
    decision = deciding.decide(request, moment)
    assert isinstance(decision, Allow | Deny)
    assert deciding.decide(request, moment) == decision or moment != moment  # noqa: PLR0124 - not a number
    if isinstance(decision, Deny):
        assert decision.reason is not ReasonCode.ENGINE_ERROR, decision.detail


@given(documents, cases())
def test_it_is_deterministic(document, case):
    assert engine(document).decide(*case) == engine(document).decide(*case)


@given(documents, cases())
def test_denial_dominates(document, case):
    request, now = case
    denied = {**document, "rules": [*document["rules"], {"name": "no", "deny": "anyone", "to": "anything"}]}
    assert isinstance(engine(denied).decide(request, now), Deny)
    if (
        isinstance(decision := engine(document).decide(request, now), Deny)
        and decision.reason is ReasonCode.DENIED_BY_RULE
    ):
        allowed = {
            **document,
            "rules": [*document["rules"], {"name": "yes", "allow": "anyone", "to": "anything", "do": "any"}],
        }
        assert refused(engine(allowed).decide(request, now)).reason is ReasonCode.DENIED_BY_RULE


@given(documents, cases(), st.randoms(use_true_random=False))
def test_order_does_not_matter(document, case, shuffled: random.Random):
    request, now = case
    rules = list(document["rules"])
    shuffled.shuffle(rules)
    rules = [
        {key: shuffled.sample(value, len(value)) if isinstance(value, list) else value for key, value in rule.items()}
        for rule in rules
    ]
    proofs = list(request.subject.authentications)
    shuffled.shuffle(proofs)
    reordered = replace(request, subject=replace(request.subject, authentications=tuple(proofs)))
    one, other = engine(document).decide(request, now), engine({**document, "rules": rules}).decide(reordered, now)
    assert type(one) is type(other)
    assert one.rules == other.rules
    assert one.valid_until == other.valid_until
    if isinstance(one, Deny) and isinstance(other, Deny):
        assert one.reason is other.reason
        assert {(u.rule, u.code) for u in one.unmet} == {(u.rule, u.code) for u in other.unmet}
    else:
        assert one == other


@given(documents, cases(), st.integers(0, 100), st.integers(0, 100))
def test_less_risk_never_loses_access(document, case, one, other):
    request, now = case
    low, high = min(one, other), max(one, other)
    deciding = engine(document)

    def at(risk: int | None):
        return deciding.decide(replace(request, context=replace(request.context, risk=risk)), now)

    if isinstance(at(high), Allow):
        assert isinstance(at(low), Allow)
    if isinstance(at(None), Allow):
        assert isinstance(at(high), Allow), "an unknown risk is never better than a known one"


@given(documents, cases(), st.data())
def test_stronger_proof_never_loses_access(document, case, data):
    request, now = case
    proofs = request.subject.authentications
    stronger = tuple(
        Authentication(p.method, AuthStrength(data.draw(st.integers(p.strength, 3))), p.at) for p in proofs
    )
    more = (*stronger, proof(data.draw(st.sampled_from(["totp", "webauthn"])), now=now))
    deciding = engine(document)
    if isinstance(deciding.decide(request, now), Allow):
        for better in (stronger, more):
            subject = replace(request.subject, authentications=better)
            assert isinstance(deciding.decide(replace(request, subject=subject), now), Allow)


@given(documents, cases())
def test_not_knowing_never_helps(document, case):
    request, now = case
    ignorant = replace(request, device=None, context=replace(request.context, address=None, country=None, risk=None))
    deciding = engine(document)
    if isinstance(deciding.decide(ignorant, now), Allow):
        assert isinstance(deciding.decide(request, now), Allow)


@given(documents, cases(), st.lists(st.floats(0, 1), min_size=1, max_size=8))
@example(
    rules_of({"allow": "anyone", "to": "anything", "do": "any", "when": {"hours": "Sun 02:15-02:45 Europe/Berlin"}}),
    (ask(), NOON),
    [0.5],
)
def test_nothing_changes_before_valid_until(document, case, shares):
    request, now = case
    decision = engine(document).decide(request, now)
    end = now + 40 * 86400 if decision.valid_until is None else decision.valid_until
    assert end > now
    for share in [*shares, 0.0]:
        later = now + (end - now) * share
        if later < end:
            assert engine(document).decide(request, later) == decision, later


@given(documents, st.lists(cases(), min_size=2, max_size=6), st.lists(st.integers(0, 5), min_size=4, max_size=20))
def test_remembering_never_changes_an_answer(document, some, order):
    remembering = engine(document)
    for position in order:
        request, now = some[position % len(some)]
        other_moment = some[(position + 1) % len(some)][1]
        assert remembering.decide(request, now) == engine(document).decide(request, now)
        assert remembering.decide(request, other_moment) == engine(document).decide(request, other_moment)


@given(documents, cases(), cases())
def test_a_grant_covers_only_what_it_names(document, case, other_case):
    """An answer that is not `per_request` is the same for every path, address and country; a grant names the device."""
    request, now = case
    open_to_all = {"name": "base", "allow": "anyone", "to": "anything", "do": "any"}
    document = {**document, "rules": [*document["rules"], open_to_all]}
    decision = engine(document).decide(request, now)
    assume(isinstance(decision, Allow) and not decision.per_request)
    other = other_case[0]
    elsewhere = replace(
        request,
        resource=replace(request.resource, path=other.resource.path),
        context=replace(other.context, risk=request.context.risk),
    )
    again = engine(document).decide(elsewhere, now)
    assert isinstance(again, Allow)
    assert not again.obligations
