"""What this instance sends and offers is what the specifications say; their own examples are understood as they mean them."""

import time
from typing import Any

import pytest
from django.conf import settings
from jsonschema import Draft202012Validator
from tests.contract.signals.specification_schemas import (
    CAEP,
    EVENTS,
    METADATA,
    RISC,
    SSF,
    STREAM,
    TOKEN,
)
from tests.identity_people import MACHINE
from tests.signal_site import Program, make_plain_person, switch_on

from ostiary.changes import Happening
from ostiary.signals.domain.errors import RefusedSignal
from ostiary.signals.domain.events import ASKED_FOR, SENT, Effect
from ostiary.signals.domain.streams import Status
from ostiary.signals.domain.subjects import Account, read_subject
from ostiary.signals.domain.tokens import read_claims
from ostiary.signals.facade import add_receiver, change_status_here, verify_stream
from ostiary.signals.models import Outgoing
from ostiary.signals.services.announcing import announce

HAPPENINGS = (
    {"kind": "sessions_ended", "session": "s_1", "reason": "lost"},
    {"kind": "sessions_ended"},
    {"kind": "disabled", "reason": "left"},
    {"kind": "enabled"},
    {"kind": "authenticator_added", "what": "webauthn"},
    {"kind": "authenticator_added", "what": "recovery_codes"},
    {"kind": "authenticator_removed", "what": "totp"},
    {"kind": "password_changed"},
    {"kind": "password_changed", "what": "reset", "reason": "x" * 5000},
    {"kind": "assurance_raised", "what": "PHISHING_RESISTANT", "before": "ANY", "session": "s_1"},
    {"kind": "assurance_raised", "what": "OTP", "before": "SINGLE", "session": "s_1"},
)


def problems(schema: dict[str, Any], value: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(schema).iter_errors(value)]


@pytest.mark.django_db
@pytest.mark.parametrize("form", ["iss_sub", "email"])
def test_every_event_that_is_sent_is_as_the_specifications_say(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    switch_on(monkeypatch)
    ada = make_plain_person("ada@example.test")
    program = Program(add_receiver("crm", audience="https://crm.test", subject_format=form, actor=MACHINE).token)
    stream = program.ask("POST", "/ssf/streams", {"delivery": {"method": "urn:ietf:rfc:8936"}}).json()
    assert not problems(STREAM, stream)
    for happening in HAPPENINGS:
        announce(happening=Happening(person_id=ada, initiated_by="admin", **happening))  # type: ignore[arg-type]
    verify_stream(stream["stream_id"], actor=MACHINE)
    change_status_here(stream["stream_id"], Status.PAUSED, reason="night", actor=MACHINE)
    sent = [one.claims for one in Outgoing.objects.order_by("pk")]
    found = {claims["jti"]: problems(TOKEN, claims) for claims in sent}
    assert not any(found.values()), found
    types = {next(iter(claims["events"])) for claims in sent}
    assert types == {*SENT, f"{SSF}verification", f"{SSF}stream-updated"}
    assert set(EVENTS) == {*types, *ASKED_FOR}
    for claims in sent:
        signal = read_claims(claims, issuer=claims["iss"], audience="https://crm.test", now=time.time())
        assert signal.jti == claims["jti"], "what we send we would understand"


@pytest.mark.django_db
def test_what_is_offered_is_described_as_the_specification_says(monkeypatch: pytest.MonkeyPatch) -> None:
    switch_on(monkeypatch)
    assert not problems(METADATA, Program().ask("GET", "/.well-known/ssf-configuration").json())
    assert settings.INSTANCE.configuration.signals.enabled


ISSUER, AUDIENCE = "https://idp.example.com/3456789/", "https://sp.example2.net/caep"
JANE = {"format": "iss_sub", "iss": ISSUER, "sub": "jane.smith@example.com"}
TENANT = {"format": "opaque", "id": "123456789"}


@pytest.mark.parametrize(
    ("event", "payload", "subject", "effect"),
    [
        ("session-revoked", {"event_timestamp": 1615304991}, {"format": "opaque", "id": "dMTlD|1600802906337.16|16008.16"}, "end_sessions"),
        ("session-revoked", {"initiating_entity": "policy", "reason_admin": {"en": "Landspeed Policy Violation: C076E82F"}, "event_timestamp": 1615304991},
         {"format": "complex", "session": {"format": "opaque", "id": "dMTlD|16"}, "user": JANE, "tenant": TENANT}, "end_sessions"),
        ("token-claims-change", {"claims": {"role": "ro-admin"}}, {"format": "jwt_id", "iss": ISSUER, "jti": "f61t6e20zdo3px56gepu8rzlsp4c1dpc0fx7"}, "nothing"),
        ("credential-change", {"credential_type": "fido2-roaming", "change_type": "create", "fido2_aaguid": "accced6a-63f5-490a-9eea-e59bc1896cfc",
                               "friendly_name": "Jane's USB authenticator", "initiating_entity": "user", "reason_admin": {"en": "User self-enrollment"}}, JANE, "nothing"),
        ("assurance-level-change", {"namespace": "NIST-AAL", "current_level": "nist-aal2", "previous_level": "nist-aal1", "change_direction": "increase"}, JANE, "nothing"),
        ("assurance-level-change", {"namespace": "Retinal Scan", "current_level": "hi-res-scan", "initiating_entity": "user"}, JANE, "nothing"),
        ("device-compliance-change", {"current_status": "not-compliant", "previous_status": "compliant", "initiating_entity": "policy"},
         {"format": "complex", "device": {**JANE, "sub": "e9297990-14d2-42ec-a4a9-4036db86509a"}, "tenant": TENANT}, "end_sessions"),
        ("session-established", {"ips": ["192.168.1.12"], "acr": "AAL2"}, {"format": "email", "email": "someuser@somedomain.com"}, "nothing"),
    ],
)  # fmt: skip
def test_the_examples_of_caep_are_understood(event: str, payload: Any, subject: Any, effect: str) -> None:
    claims = {
        "iss": ISSUER, "jti": "24c63fb56e5a2d77a6b512616ca9fa24", "iat": 1615305159, "aud": AUDIENCE, "txn": "8675309",
        "sub_id": subject, "events": {f"{CAEP}{event}": payload},
    }  # fmt: skip
    signal = read_claims(claims, issuer=ISSUER, audience=AUDIENCE, now=1615305200.0)
    assert signal.event.effect is Effect(effect)
    if subject == JANE:
        assert signal.subject.accounts == (Account(ISSUER, "jane.smith@example.com"),)


@pytest.mark.parametrize(
    ("event", "payload", "effect"),
    [
        ("account-disabled", {"reason": "hijacking"}, "disable"), ("account-enabled", {}, "enable"),
        ("account-purged", {}, "disable"), ("credential-compromise", {"credential_type": "password"}, "end_sessions"),
        ("sessions-revoked", {}, "end_sessions"), ("identifier-changed", {"new-value": "john.roe@example.com"}, "nothing"),
        ("opt-in", {}, "nothing"),
    ],
)  # fmt: skip
def test_the_examples_of_risc_are_understood(event: str, payload: Any, effect: str) -> None:
    claims = {
        "iss": "https://idp.example.com/", "jti": "756E69717565206964656E746966696572", "iat": 1508184845,
        "aud": ["636C69656E745F6964", "other"], "sub_id": {"format": "iss_sub", "iss": "https://idp.example.com/", "sub": "7375626A656374"},
        "events": {f"{RISC}{event}": payload},
    }  # fmt: skip
    signal = read_claims(claims, issuer="https://idp.example.com/", audience="636C69656E745F6964", now=1508184900.0)
    assert signal.event.effect is Effect(effect)
    assert signal.subject.accounts[0].subject == "7375626A656374"


def test_what_a_specification_demands_is_missed() -> None:
    for event, wrong in (
        ("credential-change", {"change_type": "create"}),
        ("credential-change", {"credential_type": "app"}),
        ("assurance-level-change", {"namespace": "NIST-AAL"}),
        ("device-compliance-change", {"current_status": "compliant"}),
        ("device-compliance-change", {"current_status": "fine", "previous_status": "compliant"}),
        ("session-revoked", {"initiating_entity": "the dog"}),
        ("session-revoked", {"reason_admin": {"en": 1}}),
    ):
        claims = {
            "iss": ISSUER, "jti": "1", "iat": 1615305159, "aud": AUDIENCE, "sub_id": JANE,
            "events": {f"{CAEP}{event}": wrong},
        }  # fmt: skip
        with pytest.raises(RefusedSignal):
            read_claims(claims, issuer=ISSUER, audience=AUDIENCE, now=1615305200.0)


def test_aliases_and_the_older_name_of_the_format_are_understood() -> None:
    aliases = {"format": "aliases", "identifiers": [JANE, {"format": "email", "email": "Jane@Example.com"}]}
    read = read_subject(aliases)
    assert (len(read.accounts), read.emails) == (1, ("jane@example.com",))
    older = read_subject({"subject_type": "iss-sub", "iss": "https://accounts.google.com/", "sub": "7375626A656374"})
    assert older.accounts == (Account("https://accounts.google.com/", "7375626A656374"),)
