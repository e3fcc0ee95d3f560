"""Lesson 27: what is not known satisfies no condition, whatever a client says about itself."""

import pytest
from tests.running_instance import Client, RunningInstance, reached

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
CLAIMS = {
    "x-device-managed": "true",
    "x-device-compliant": "true",
    "x-device-id": "d_1",
    "x-ostiary-device": "managed",
    "x-ostiary-managed": "true",
    "x-ostiary-country": "DE",
    "cf-ipcountry": "DE",
    "x-country": "DE",
    "x-geoip-country": "DE",
    "x-ostiary-risk": "0",
    "x-forwarded-client-cert": "Subject=CN=managed",
    "sec-ch-ua-platform": '"Managed"',
}
ONLY_WHEN = """\
version: 1
rules:
  - name: only-when
    allow: group:staff
    to: app:wiki
    do: any
    when:
      {condition}
  - name: always
    allow: group:staff
    to: app:vault
    do: any
"""
UNLESS = """\
version: 1
rules:
  - name: always
    allow: group:staff
    to: [app:wiki, app:vault]
    do: any
  - name: unless
    deny: anyone
    to: app:wiki
    unless:
      {condition}
"""
UNKNOWN = (
    "device: {managed: true}",
    "device: {compliant: true}",
    "device: {disk_encrypted: true}",
    "device: {managed: true, compliant: true}",
    "device: {managed: false}",
    "countries: [DE]",
    "countries: [DE, US, FR]",
)
KNOWN = ("mfa: any", "networks: [127.0.0.0/8]", "risk: below 60")


@pytest.fixture(scope="module")
def ada(running: RunningInstance) -> Client:
    return running.signed_in(running.make_person("staff")).enter("wiki", "vault")


@pytest.mark.parametrize("template", [ONLY_WHEN, UNLESS], ids=["allow when", "deny unless"])
@pytest.mark.parametrize("condition", UNKNOWN)
def test_what_is_not_known_is_never_held_to_be_true(ada: Client, template: str, condition: str) -> None:
    with ada.running.rules(template.format(condition=condition)):
        assert reached(ada.api("vault")), "what asks for nothing opens"
        for headers in ({}, CLAIMS):
            for method in ("GET", "POST"):
                assert ada.api("wiki", method=method, **headers).status_code == 403, (method, headers)
        for name, value in CLAIMS.items():
            assert ada.api("wiki", **{name: value}).status_code in {400, 403}, name


@pytest.mark.parametrize("template", [ONLY_WHEN, UNLESS], ids=["allow when", "deny unless"])
@pytest.mark.parametrize("condition", KNOWN)
def test_what_is_known_and_holds_passes(ada: Client, template: str, condition: str) -> None:
    with ada.running.rules(template.format(condition=condition)):
        assert reached(ada.api("wiki"))


def test_a_proof_that_grew_old_is_none(ada: Client) -> None:
    """Freshness counts from the proof, not from the session; a moment that cannot be yet does not help."""
    with ada.running.rules(ONLY_WHEN.format(condition="mfa: {method: otp, within: 12h}")):
        assert reached(ada.api("wiki"))
    with ada.running.rules(ONLY_WHEN.format(condition="mfa: {method: phishing-resistant, within: 12h}")):
        assert ada.api("wiki").status_code == 403
