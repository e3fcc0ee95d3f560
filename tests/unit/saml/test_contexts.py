"""How somebody signed in, in SAML's words, and what an application is told of them."""

import pytest
from tests.saml_material import provider

from ostiary.policy.request import Authentication, AuthStrength
from ostiary.saml.domain.contexts import PASSWORD, REFEDS_MFA, UNSPECIFIED, AskedContext, Comparison, answer, needed
from ostiary.saml.domain.people import Known, split_name, statements
from ostiary.saml.domain.service_provider import Attribute, BadAttribute, Fact, read_attributes

WORD = Authentication("password", AuthStrength.SINGLE, 1.0)
CODE = Authentication("totp", AuthStrength.OTP, 2.0)
PASSKEY = Authentication("webauthn", AuthStrength.PHISHING_RESISTANT, 3.0)
MAILED = Authentication("email", AuthStrength.SINGLE, 1.0)
RECOVERY = Authentication("recovery_code", AuthStrength.ANY, 2.0)
KERBEROS = "urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos"
RESISTANT = "https://refeds.org/profile/mfa/phishing-resistant"


@pytest.mark.parametrize(
    ("proofs", "classes", "comparison", "wanted"),
    [
        ((WORD,), (), "exact", PASSWORD),
        ((MAILED,), (), "exact", UNSPECIFIED),
        ((WORD, CODE), (), "exact", REFEDS_MFA),
        ((WORD, CODE), (PASSWORD,), "exact", PASSWORD),
        ((PASSKEY,), (PASSWORD,), "exact", PASSWORD),
        ((WORD,), (REFEDS_MFA,), "exact", None),
        ((WORD,), (REFEDS_MFA, PASSWORD), "minimum", PASSWORD),
        ((PASSKEY,), (KERBEROS,), "exact", None),
        ((PASSKEY,), (KERBEROS, RESISTANT), "exact", RESISTANT),
        ((WORD, CODE), (RESISTANT,), "minimum", None),
        ((WORD, CODE), (PASSWORD,), "better", REFEDS_MFA),
        ((PASSKEY,), (RESISTANT,), "better", None),
        ((), (PASSWORD,), "exact", PASSWORD),
        ((PASSKEY,), (REFEDS_MFA,), "better", RESISTANT),
        ((WORD, RECOVERY), (PASSWORD,), "better", None),
        ((WORD,), (REFEDS_MFA,), "maximum", PASSWORD),
        ((MAILED,), (REFEDS_MFA,), "maximum", UNSPECIFIED),
        ((PASSKEY,), (PASSWORD, REFEDS_MFA), "maximum", REFEDS_MFA),
        ((WORD, CODE), (REFEDS_MFA, PASSWORD), "maximum", REFEDS_MFA),
        ((WORD, CODE), (RESISTANT, PASSWORD), "maximum", REFEDS_MFA),
        ((PASSKEY,), (PASSWORD,), "maximum", PASSWORD),
        ((PASSKEY,), (KERBEROS,), "maximum", None),
    ],
)
def test_what_was_proved_is_named_as_it_was_asked_for(proofs, classes, comparison, wanted) -> None:
    assert answer(AskedContext(classes=classes, comparison=Comparison(comparison)), proofs) == wanted


def test_what_would_have_to_be_proved_is_known() -> None:
    assert needed(AskedContext()) is AuthStrength.SINGLE
    assert needed(AskedContext(classes=(REFEDS_MFA, RESISTANT))) is AuthStrength.OTP
    assert needed(AskedContext(classes=(KERBEROS,))) is None
    assert needed(AskedContext(classes=(PASSWORD,), comparison=Comparison.BETTER)) is AuthStrength.OTP
    assert needed(AskedContext(classes=(RESISTANT,), comparison=Comparison.MAXIMUM)) is AuthStrength.SINGLE
    assert needed(AskedContext(classes=(REFEDS_MFA,), comparison=Comparison.BETTER)) is AuthStrength.PHISHING_RESISTANT


def test_attributes_say_what_they_are_set_up_to_say() -> None:
    written = ["User.Email=email", "urn:oid:2.5.4.42=first_name", "sn=last_name", "groups=groups", "a=b=id", "n=name"]
    attributes = read_attributes(written)
    assert attributes[4] == Attribute("a=b", Fact.ID)
    known = Known(id="p_1", email="ada@corp.test", name="Ada King Lovelace", groups=())
    said = {one.name: one for one in statements(provider(attributes=attributes), known)}
    assert {name: one.values for name, one in said.items()} == {
        "User.Email": ("ada@corp.test",),
        "urn:oid:2.5.4.42": ("Ada King",),
        "sn": ("Lovelace",),
        "a=b": ("p_1",),
        "n": ("Ada King Lovelace",),
    }
    assert said["urn:oid:2.5.4.42"].name_format.endswith(":uri")
    assert said["sn"].name_format.endswith(":basic")
    assert split_name("Plato") == ("Plato", "Plato")
    for wrong in (
        ["email"],
        ["=email"],
        ["x=mail"],
        ["x=email", "x=name"],
        ["x\0=email"],
        [f"x{n}=id" for n in range(41)],
    ):
        with pytest.raises(BadAttribute):
            read_attributes(wrong)
