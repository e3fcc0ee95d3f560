"""The pillar's own rules: what proofs are worth, when a sign-in is complete, who may change what."""

import pytest

from ostiary.identity.client import client_address
from ostiary.identity.domain import is_enough, proof
from ostiary.identity.domain.authenticators import can_sign_in_with
from ostiary.identity.domain.limits import code_limits, network_of, password_limits
from ostiary.identity.domain.people import ConsoleRole, role_of
from ostiary.identity.domain.proofs import is_break_glass_only, may_change_authenticators, proved_since, strongest
from ostiary.policy.identifiers import GroupId
from ostiary.policy.request import AuthStrength
from ostiary.visibility.domain.browsers import describe_browser


def proofs(*methods: str, at: float = 100.0) -> list:
    return [proof(method, at=at) for method in methods]


@pytest.mark.parametrize(
    ("methods", "set_up", "required", "enough"),
    [
        ((), (), True, False),
        ((), ("totp",), True, False),
        (("password",), (), True, False),
        (("password", "email"), (), True, False),
        (("password",), ("totp",), True, False),
        (("password", "totp"), ("totp",), True, True),
        (("password", "recovery_code"), ("totp",), True, True),
        (("password", "recovery_code"), ("recovery_codes",), True, False),
        (("webauthn",), ("webauthn",), True, True),
        (("break_glass",), (), True, True),
        ((), (), False, False),
        (("password",), (), False, True),
        (("password",), ("totp",), False, False),
    ],
)
def test_a_sign_in_is_complete_when_what_is_demanded_is_set_up_and_proved(
    methods: tuple[str, ...], set_up: tuple[str, ...], required: bool, enough: bool
) -> None:
    assert is_enough(proofs(*methods), set_up=set_up, second_factor_required=required) is enough


def test_an_unknown_method_is_worth_nothing() -> None:
    with pytest.raises(KeyError):
        proof("horoscope", at=0.0)


def test_the_strongest_factor_decides_what_is_needed_to_change_authenticators() -> None:
    assert strongest(["password", "totp", "webauthn"]) is AuthStrength.PHISHING_RESISTANT
    assert strongest(["password", "recovery_codes"]) is AuthStrength.SINGLE
    both = ("totp", "webauthn")
    assert not may_change_authenticators(proofs("password", "totp"), set_up=both, since=50)
    assert may_change_authenticators(proofs("webauthn"), set_up=both, since=50)
    assert not may_change_authenticators(proofs("webauthn"), set_up=both, since=101)
    assert may_change_authenticators(proofs("recovery_code"), set_up=both, since=50)
    assert may_change_authenticators(proofs("break_glass"), set_up=both, since=50)
    assert may_change_authenticators(proofs("password"), set_up=("password",), since=50)


def test_an_emergency_sign_in_stops_being_only_that_when_more_is_proved() -> None:
    assert is_break_glass_only(proofs("break_glass"))
    assert not is_break_glass_only(proofs("break_glass", "webauthn"))
    assert not is_break_glass_only(proofs("password"))


def test_the_latest_fitting_proof_is_found() -> None:
    given = [proof("totp", at=10), proof("webauthn", at=20), proof("totp", at=30)]
    found = proved_since(given, at_least=AuthStrength.OTP, since=0)
    assert found is not None
    assert found.at == 30
    found = proved_since(given, at_least=AuthStrength.PHISHING_RESISTANT, since=0)
    assert found is not None
    assert found.at == 20
    assert proved_since(given, at_least=AuthStrength.PHISHING_RESISTANT, since=21) is None


@pytest.mark.parametrize(
    ("kinds", "required", "can"),
    [
        ((), True, False),
        (("password",), True, False),
        (("password",), False, True),
        (("totp",), False, False),
        (("password", "totp"), True, True),
        (("password", "recovery_codes"), True, False),
        (("webauthn",), True, True),
        (("recovery_codes",), False, False),
    ],
)
def test_which_means_open_the_door(kinds: tuple[str, ...], required: bool, can: bool) -> None:
    assert can_sign_in_with(kinds, second_factor_required=required) is can


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15) Version/19 Safari/605.1.15", "Safari on Mac"),
        ("curl/8.5.0", "curl"),
        ("", "Unknown browser"),
        ("<script>alert(1)</script>", "Unknown browser"),
    ],
)
def test_browsers_are_named_in_words(agent: str, words: str) -> None:
    assert describe_browser(agent) == words


def test_a_network_is_an_address_or_half_of_one() -> None:
    assert network_of("192.0.2.7") == "192.0.2.7"
    assert network_of("2001:db8:1:2:3::1") == network_of("2001:db8:1:2::ffff") == "2001:db8:1:2::"
    assert network_of("::ffff:192.0.2.7") == "192.0.2.7"
    assert network_of("nonsense") == "nonsense"


def test_a_known_browser_shares_no_count_with_strangers() -> None:
    known = password_limits(email="a@b.test", address="192.0.2.7", known_browser="mark")
    strange = password_limits(email="A@B.test ", address="192.0.2.7", known_browser=None)
    assert not {one.key for one in known} & {one.key for one in strange}
    assert strange == password_limits(email="a@b.test", address="192.0.2.7", known_browser=None)
    known = code_limits(person="p_1", address="192.0.2.7", known_browser="mark")
    strange = code_limits(person="p_1", address="192.0.2.7", known_browser=None)
    assert not {one.key for one in known} & {one.key for one in strange}


def test_parts_of_a_count_cannot_be_shifted_into_each_other() -> None:
    one = password_limits(email="a@b.test1", address="92.0.2.7", known_browser=None)[0]
    other = password_limits(email="a@b.test", address="192.0.2.7", known_browser=None)[0]
    assert one.key != other.key


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("203.0.113.9, 192.0.2.7", "192.0.2.7"),
        ("2001:DB8::7", "2001:db8::7"),
        ("", ""),
        ("unknown", ""),
        ("192.0.2.7:1234", ""),
        ("1' OR 1=1", ""),
    ],
)
def test_the_clients_address_is_what_envoy_wrote_last(header: str, address: str) -> None:
    assert client_address(header) == address


def test_the_strongest_builtin_group_gives_the_role() -> None:
    assert role_of((GroupId("auditors"), GroupId("administrators"))) is ConsoleRole.ADMINISTRATOR
    assert role_of((GroupId("auditors"), GroupId("helpdesk"))) is ConsoleRole.HELPDESK
    assert role_of((GroupId("auditors"),)) is ConsoleRole.AUDITOR
    assert role_of((GroupId("administrators-of-nothing"),)) is ConsoleRole.NONE
