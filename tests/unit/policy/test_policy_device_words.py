"""A refusal for a device names what was asked of it and what was seen, in words."""

import pytest
from tests.policy_material import NOON, ask, engine, refused, rules_of

from ostiary.devices.domain.posture import FACTS
from ostiary.policy.bearers import TOKEN_METHOD
from ostiary.policy.decision import Remedy, RemedyKind, UnmetCondition
from ostiary.policy.request import Authentication, AuthStrength, Device
from ostiary.policy.rules.device_words import AMOUNTS, YES_OR_NO

ASKED = {"allow": "group:staff", "to": "app:wiki", "do": "any"}


def unmet(
    device: dict[str, object], known: dict[str, bool | int | str] | None, *, token: bool = False
) -> UnmetCondition:
    proofs = (Authentication(TOKEN_METHOD, AuthStrength.SINGLE, NOON),) if token else ()
    seen = None if known is None else Device(managed=True, attributes=tuple(sorted(known.items())))
    rules = engine(rules_of({**ASKED, "when": {"device": device}}))
    (only,) = refused(rules.decide(ask(device=seen, proofs=proofs), NOON)).unmet
    return only


@pytest.mark.parametrize(
    ("device", "known", "words"),
    [
        (
            {"disk_encrypted": True},
            {"disk_encrypted": False},
            "This is open only on a device whose disk is encrypted; this device's disk is not encrypted.",
        ),
        (
            {"disk_encrypted": True},
            {},
            "This is open only on a device whose disk is encrypted; nobody knows whether this device's disk is encrypted.",
        ),
        (
            {"daily_administrator": False},
            {"daily_administrator": True},
            (
                "This is open only on a device whose everyday account has no administrator rights; "
                "this device's everyday account has administrator rights."
            ),
        ),
        (
            {"security_updates_pending": 0},
            {"security_updates_pending": 3},
            (
                "This is open only on a device whose number of waiting security updates is 0; "
                "this device's number of waiting security updates is 3."
            ),
        ),
        (
            {"os_support_days": "at least 30"},
            {"os_support_days": 4},
            (
                "This is open only on a device whose operating system gets security updates for at least 30 days; "
                "this device's operating system gets security updates for 4 days."
            ),
        ),
        (
            {"disk_encrypted_mdm_reported": True},
            {"disk_encrypted": True},
            (
                "This is open only on a device whose disk is encrypted, as its management says; "
                "no device management says whether this device's disk is encrypted."
            ),
        ),
        (
            {"secure_boot_hardware_attested": True},
            {"secure_boot_hardware_attested": False},
            (
                "This is open only on a device whose secure boot is on, as its hardware proves; "
                "this device's secure boot is off, as its hardware proves."
            ),
        ),
        (
            {"meets_office": True},
            {},
            "This is open only on a device that meets the baseline office; nothing is known of yours.",
        ),
        ({"own": True}, {"own": False}, "This is open only on one's own device; yours is not."),
        (
            {"vendor": "acme"},
            {"vendor": "other"},
            "This is open only on a device whose vendor is acme; yours is other.",
        ),
    ],
)
def test_what_is_asked_and_what_was_seen(
    device: dict[str, object], known: dict[str, bool | int | str], words: str
) -> None:
    assert unmet(device, known).words == words


def test_the_way_out_of_it() -> None:
    lacks = Remedy(kind=RemedyKind.USE_DEVICE, words="See what this device lacks", path="/devices/mend")
    other = Remedy(kind=RemedyKind.USE_DEVICE, words="Use a device that your company looks after")
    assert unmet({"disk_encrypted": True}, {"disk_encrypted": False}).remedy == lacks
    assert unmet({"disk_encrypted": True}, {"disk_encrypted": False, "own": True}).remedy == lacks
    theirs = unmet({"disk_encrypted": True}, {"disk_encrypted": False, "own": False}).remedy
    assert theirs is not None
    assert (theirs.path, "somebody else's" in theirs.words) == (None, True)
    enrol = Remedy(kind=RemedyKind.USE_DEVICE, words="Enrol this device", path="/devices")
    assert unmet({"disk_encrypted": True}, None).remedy == enrol
    assert unmet({"managed": True}, None).remedy == enrol
    assert unmet({"managed": False}, None).remedy == other
    assert unmet({"disk_encrypted": True}, {}, token=True).remedy == other


def test_every_fact_has_its_words() -> None:
    yes_or_no = {name for name, spec in FACTS.items() if spec.kind is bool}
    assert yes_or_no == YES_OR_NO.keys()
    assert FACTS.keys() - yes_or_no == AMOUNTS.keys() - {"key_protection"}
