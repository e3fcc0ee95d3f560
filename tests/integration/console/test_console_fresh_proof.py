"""Sensitive acts want a passkey used lately; a form that comes too late is held, not lost."""

import time

import pytest
from django.test import RequestFactory
from django.urls import URLPattern
from tests.console_addresses import company_addresses
from tests.console_company import Company
from tests.console_fixtures import Visit, text_of

from ostiary.identity.facade import get_person
from ostiary.identity.models import SignInSession
from ostiary.web import sensitive, urls_console, urls_identity
from ostiary.web.console.guard import declaration_of
from ostiary.web.signin.gate import ENTRANCE, PROGRAMS

pytestmark = pytest.mark.django_db


def prove_at(company: Company, *, seconds_ago: float, method: str = "webauthn", strength: int = 3) -> None:
    """Have the passkey of the administrator used so long ago."""
    row = SignInSession.objects.get(pk=company.sessions["ada_admin"].id)
    row.authentications = [["password", 0, time.time() - 9000], [method, strength, time.time() - seconds_ago]]
    row.save(update_fields=["authentications"])


def forms_of_the_console() -> list[str]:
    found = []
    for pattern in urls_console.pages:
        declared = declaration_of(pattern.callback)
        assert declared is not None, pattern
        if "POST" in declared.methods:
            found.append(str(pattern.name))
    return found


def test_every_form_of_the_console_is_sensitive_or_harmless() -> None:
    forms, listed = set(forms_of_the_console()), sensitive.CONSOLE_SENSITIVE | sensitive.CONSOLE_HARMLESS
    assert not forms - listed, "say in web/sensitive.py which these are"
    assert not listed - forms, "in web/sensitive.py and no form of the console"
    assert not sensitive.CONSOLE_SENSITIVE & sensitive.CONSOLE_HARMLESS
    assert sensitive.CONSOLE_LOOKED_AT <= sensitive.CONSOLE_SENSITIVE


def test_every_form_of_those_who_are_signed_in_is_sensitive_or_harmless() -> None:
    forms = set()
    for pattern in urls_identity.urlpatterns:
        assert isinstance(pattern, URLPattern)
        if pattern.name in ENTRANCE | PROGRAMS:
            continue
        if takes_post(pattern, RequestFactory()):
            forms.add(str(pattern.name))
    assert forms == sensitive.PORTAL_SENSITIVE | sensitive.PORTAL_HARMLESS, "say in web/sensitive.py which it is"
    assert not sensitive.PORTAL_SENSITIVE & sensitive.PORTAL_HARMLESS


def takes_post(pattern: URLPattern, requests: RequestFactory) -> bool:
    """Tell whether a view takes POST: what only refuses the method answers before it looks at anything else."""
    try:
        answer = pattern.callback(requests.post("/"))
    except Exception:
        return True
    return bool(answer.status_code != 405)


def test_without_a_fresh_passkey_nothing_sensitive_is_done(company: Company, visit: Visit) -> None:
    prove_at(company, seconds_ago=sensitive.FRESH_SECONDS + 60)
    client, addresses = visit(), company_addresses(company)
    for name in sorted(sensitive.CONSOLE_SENSITIVE):
        path = addresses[name]
        refused = client.post(path, {"text": "kept & safe", "many": ["1", "2"]})
        assert refused.status_code == 403, name
        text = text_of(refused)
        assert "Confirm that it is you" in text, name
        assert "kept &amp; safe" in text
        assert text.count('name="many"') == 2
        assert "need=phishing-resistant" in text
        leads_to = client.get(path).headers.get("location", "")
        assert ("/step-up?need=phishing-resistant" in leads_to) is (name not in sensitive.CONSOLE_LOOKED_AT), name


def test_a_code_is_not_enough_and_a_passkey_from_the_future_is_none(company: Company, visit: Visit) -> None:
    path = company_addresses(company)["person_disable"]
    for given in ({"method": "totp", "strength": 2, "seconds_ago": 5}, {"seconds_ago": -3600}):
        prove_at(company, **given)  # type: ignore[arg-type]
        assert visit().post(path, {"reason": "left"}).status_code == 403
    assert get_person(company.people["bruno_costa"].id).active
    prove_at(company, seconds_ago=60)
    assert visit().post(path, {"reason": "left"}).status_code == 302
    assert not get_person(company.people["bruno_costa"].id).active


def test_what_takes_away_at_once_and_an_emergency_need_none(company: Company, visit: Visit) -> None:
    prove_at(company, seconds_ago=7200)
    assert "/step-up" not in visit().get(company_addresses(company)["sessions_revoke_of"]).headers.get("location", "")
    row = SignInSession.objects.get(pk=company.sessions["ada_admin"].id)
    row.authentications = [["break_glass", 0, time.time() - 1800]]
    row.save(update_fields=["authentications"])
    assert visit().get(company_addresses(company)["person_disable"]).status_code == 200
