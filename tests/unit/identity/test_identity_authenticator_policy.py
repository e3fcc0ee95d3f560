"""Who does not meet what `[authenticators]` asks for, and what they lack; and what a recovery may put in the place of what."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.identity.domain.authenticator_policy import (
    AuthenticatorPolicy,
    Exemption,
    Factor,
    FactorKind,
    Standing,
    Unmet,
    judge,
)
from ostiary.identity.domain.hygiene_report import hygiene_row
from ostiary.identity.domain.people import ADMINISTRATORS, Person
from ostiary.identity.domain.proofs import (
    PASSWORD,
    RECOVERY,
    STRENGTH_OF,
    TOTP,
    WEBAUTHN,
    is_enough,
    is_recovering,
    may_change_authenticators,
    may_set_up,
    proof,
)
from ostiary.policy.identifiers import GroupId, PersonId
from ostiary.policy.request import AuthStrength

NOW = 1_800_000_000.0
STAFF = GroupId("staff")
ADA = Person(id=PersonId("p_ada"), email="ada@example.com", name="Ada", active=True, groups=(STAFF,), created_at=1.0)


def standing(*kinds: FactorKind, left: int = 0, person: Person = ADA, **more: object) -> Standing:
    factors = tuple(
        Factor(kind=kind, created_at=NOW, left=left if kind == "recovery_codes" else None) for kind in kinds
    )
    return msgspec.structs.replace(Standing(person=person, factors=factors), **more)


BOSS = msgspec.structs.replace(ADA, groups=(ADMINISTRATORS,))
STRICT = AuthenticatorPolicy(second_factors=2, passkey_groups=frozenset({STAFF}), recovery_codes=True, due_at=NOW)


@pytest.mark.parametrize(
    ("one", "policy", "unmet"),
    [
        (standing("password"), AuthenticatorPolicy(), (Unmet.NO_SECOND_FACTOR,)),
        (standing("password"), AuthenticatorPolicy(second_factors=0), ()),
        (standing("password", "totp"), AuthenticatorPolicy(), ()),
        (standing("webauthn"), AuthenticatorPolicy(), ()),
        (standing("recovery_codes", left=10), AuthenticatorPolicy(), (Unmet.NO_SECOND_FACTOR,)),
        (standing("password", "totp", person=BOSS), AuthenticatorPolicy(), (Unmet.ADMINISTRATOR_WITHOUT_PASSKEY,)),
        (standing("password", person=BOSS), AuthenticatorPolicy(), (Unmet.ADMINISTRATOR_WITHOUT_PASSKEY,)),
        (standing(elsewhere=AuthStrength.OTP), AuthenticatorPolicy(), ()),
        (standing(elsewhere=AuthStrength.PHISHING_RESISTANT, person=BOSS), AuthenticatorPolicy(), ()),
        (standing("totp"), STRICT, (Unmet.NO_PASSKEY, Unmet.NO_RECOVERY_CODES)),
        (standing("webauthn"), STRICT, (Unmet.TOO_FEW_FACTORS, Unmet.NO_RECOVERY_CODES)),
        (standing("webauthn", "totp", "recovery_codes", left=0), STRICT, (Unmet.NO_RECOVERY_CODES,)),
        (standing("webauthn", "totp", "recovery_codes", left=1), STRICT, ()),
        (standing("password", "totp", breached_at=NOW), AuthenticatorPolicy(), (Unmet.BREACHED_PASSWORD,)),
        (standing("totp", breached_at=NOW), AuthenticatorPolicy(), ()),
    ],
)
def test_what_somebody_lacks(one: Standing, policy: AuthenticatorPolicy, unmet: tuple[Unmet, ...]) -> None:
    judged = judge(one, policy)
    assert judged.unmet == unmet
    assert hygiene_row(judged)["policy"] == ("not met" if unmet else "met")


@pytest.mark.parametrize("change", [{"active": False}, {"invited": True}, {"emergency": True}])
def test_who_cannot_sign_in_or_is_exempt_is_asked_for_nothing(change: dict[str, object]) -> None:
    judged = judge(standing("password", person=msgspec.structs.replace(BOSS, **change)), STRICT)
    assert judged.unmet == ()
    assert judged.exemption is not None
    excused = judge(standing(exemption=Exemption(reason="no phone", granted_by="boss", ends_at=NOW)), STRICT)
    row = hygiene_row(excused)
    assert (row["policy"], row["exempt_because"], row["exempt_by"]) == ("exempt", "no phone", "boss")
    assert row["exempt_until"] == "2027-01-15T08:00:00Z"


def test_by_when_it_is_to_be_mended() -> None:
    assert judge(standing("totp"), STRICT).due_at == NOW
    assert judge(standing("webauthn", "totp", "recovery_codes", left=1), STRICT).due_at == 0.0
    breached = AuthenticatorPolicy(breached_seconds=60.0)
    assert judge(standing("password", "totp", breached_at=NOW), breached).due_at == NOW + 60.0


STRENGTHS = st.sampled_from([AuthStrength.SINGLE, AuthStrength.OTP, AuthStrength.PHISHING_RESISTANT])
SET_UP = st.sets(st.sampled_from([TOTP, WEBAUTHN, "recovery_codes", PASSWORD]))


@settings(max_examples=60)
@given(SET_UP, STRENGTHS, st.sampled_from([TOTP, WEBAUTHN]))
def test_what_comes_in_the_place_of_a_lost_factor_is_never_worth_less(
    set_up: set[str], floor: AuthStrength, method: str
) -> None:
    """By a recovery's link nobody sets up, or gets in with, less than they had."""
    proofs = (proof(PASSWORD, at=NOW), proof(RECOVERY, at=NOW))
    had = max([floor, *(STRENGTH_OF[one] for one in set_up if one in {TOTP, WEBAUTHN})])
    if may_set_up(method, proofs, set_up=set_up, floor=floor):
        assert STRENGTH_OF[method] >= had or had is AuthStrength.SINGLE
    assert not is_enough(proofs, set_up=set_up, second_factor_required=True, floor=floor)
    if floor is not AuthStrength.SINGLE:
        assert not is_enough(proofs, set_up=set_up, second_factor_required=False, floor=floor)
        assert not may_change_authenticators(proofs[:1], set_up=set_up, since=0.0, floor=floor)
        assert not is_enough((*proofs, proof(method, at=NOW)), set_up=(), second_factor_required=False, floor=floor)
    assert may_change_authenticators(proofs, set_up=set_up, since=NOW, floor=floor)
    assert had is AuthStrength.SINGLE or not may_change_authenticators(
        proofs, set_up=set_up, since=NOW + 1, floor=floor
    )
    assert is_recovering(proofs, needed=had) == (had is not AuthStrength.SINGLE)
