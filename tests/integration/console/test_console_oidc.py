"""Applications that sign people in here, on the console: registered, shown, changed, given a new secret, taken away."""

import re

import pytest
from tests.console_company import Company
from tests.console_fixtures import Visit, text_of

from ostiary.applications.facade import get_app
from ostiary.oidc.facade import ClientKind, find_client, get_client
from ostiary.oidc.services.clients import has_secret

pytestmark = pytest.mark.django_db


def test_the_list_searches_has_columns_to_choose_and_can_be_taken_along(company: Company, visit: Visit) -> None:
    assert "https://wiki.example.test/oidc/callback" in text_of(visit().get("/apps/clients"))
    assert "No client matches" in text_of(visit().get("/apps/clients?q=zzzz"))
    assert "Wiki" in text_of(visit().get("/apps/clients?q=callback"))
    assert "not required" not in text_of(visit().get("/apps/clients"))
    browser = visit()
    chosen = browser.get("/apps/clients", {"columns": ["app", "pkce"]})
    assert chosen.status_code == 302
    shown = text_of(browser.get("/apps/clients"))
    assert "required" in shown
    assert "https://wiki.example.test/oidc/callback" not in shown
    table = visit().get("/apps/clients/export", {"export": "json", "q": "wiki"}).json()
    assert [(one["id"], one["redirect_uris"], one["pkce"]) for one in table] == [
        ("wiki", "https://wiki.example.test/oidc/callback", True)
    ]
    assert visit().get("/apps/clients/export", {"export": "json", "q": "zzzz"}).json() == []
    assert visit().get("/apps/clients/export").headers["Location"] == "/apps/clients"
    visit().post("/apps/wiki/client/remove")
    assert "No app signs people in here yet" in text_of(visit().get("/apps/clients"))


def test_a_product_is_registered_and_its_secret_is_shown_once(company: Company, visit: Visit) -> None:
    answer = visit().post(
        "/apps/clients/add", {"app_id": "cloud", "preset": "nextcloud", "url": "https://cloud.example.org"}
    )
    page = answer.content.decode()
    (secret,) = re.findall(r'<p class="secret"><code>([^<]{43})</code>', page)
    assert has_secret("cloud", secret)
    assert "user_oidc:provider" in page
    assert answer["Cache-Control"] == "no-store"
    app = get_app("cloud")
    assert (app.name, app.behind_gateway, app.launch_url) == ("Nextcloud", False, "https://cloud.example.org/")
    shown = text_of(visit().get("/apps/cloud/client"))
    assert "https://cloud.example.org/apps/user_oidc/code" in shown
    assert secret not in shown
    assert "sign-in client" in text_of(visit().get("/apps/cloud/"))


KEYS = '{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}'


def test_an_app_that_takes_no_secret_gets_none(company: Company, visit: Visit) -> None:
    form = {"app_id": "keyed", "redirect_uris": "https://keyed.example.org/x", "keys": KEYS}
    page = visit().post("/apps/clients/add", form)
    assert page.status_code == 200
    assert 'class="secret"' not in page.content.decode()
    assert (get_client("keyed").kind, len(get_client("keyed").keys)) == (ClientKind.KEY, 1)
    same = {"redirect_uris": "https://keyed.example.org/y", "keys": ""}
    assert visit().post("/apps/keyed/client/change", same).status_code == 302
    assert len(get_client("keyed").keys) == 1, "empty leaves the keys"
    assert "Its public keys" in text_of(visit().get("/apps/keyed/client/change"))
    assert "Its public keys" not in text_of(visit().get("/apps/wiki/client/change"))
    other = KEYS.replace("11qYAYK", "22qYAYK")
    visit().post("/apps/keyed/client/change", {**same, "keys": other})
    assert get_client("keyed").keys[0]["x"].startswith("22q")
    form = {"app_id": "help", "preset": "zammad", "url": "https://help.example.org"}
    page = visit().post("/apps/clients/add", form)
    assert 'class="secret"' not in page.content.decode()
    assert (get_client("help").kind, get_client("help").pkce) == (ClientKind.PUBLIC, True)


WRONG = (
    ({"app_id": "cloud"}, "no redirect URI"),
    ({"app_id": "cloud", "redirect_uris": "http://cloud.example.org/x"}, "not encrypted"),
    ({"app_id": "cloud", "preset": "nextcloud"}, "Where is your Nextcloud?"),
    ({"app_id": "console", "redirect_uris": "https://cloud.example.org/x"}, "does not sign in"),
    ({"app_id": "wiki", "redirect_uris": "https://cloud.example.org/x"}, "client already"),
    (
        {"app_id": "cloud", "redirect_uris": "https://cloud.example.org/x", "claims": "sub=email"},
        "claim of its own",
    ),
    ({"app_id": "cloud", "redirect_uris": "https://cloud.example.org/x", "roles": "x"}, "no equals sign"),
    (
        {"app_id": "cloud", "redirect_uris": "https://cloud.example.org/x", "public": "on", "no_pkce": "on"},
        "nothing but PKCE",
    ),
    ({"app_id": "cloud", "redirect_uris": "https://cloud.example.org/x", "keys": "{}"}, "neither RSA"),
    (
        {"app_id": "cloud", "redirect_uris": "https://cloud.example.org/x", "keys": KEYS, "public": "on"},
        "can keep no key",
    ),
)


def test_what_is_wrong_is_said_and_nothing_is_added(company: Company, visit: Visit) -> None:
    for form, said in WRONG:
        answer = visit().post("/apps/clients/add", form)
        assert answer.status_code == 422, form
        assert said in text_of(answer), form
    assert find_client("cloud") is None


def test_a_client_changes_gets_a_new_secret_and_goes(company: Company, visit: Visit) -> None:
    form = {"redirect_uris": "https://wiki.example.test/a\nhttps://wiki.example.test/b", "roles": "*=guest"}
    assert visit().post("/apps/wiki/client/change", form).status_code == 302
    changed = get_client("wiki")
    assert (changed.redirect_uris[1], changed.roles, changed.claims, changed.backchannel_logout_uri) == (
        "https://wiki.example.test/b",
        {"*": "guest"},
        {},
        "",
    )
    assert "is worth nothing from that moment" in text_of(visit().get("/apps/wiki/client/secret"))
    made = get_client("wiki").secret_made_at
    assert visit().post("/apps/wiki/client/secret").status_code == 200
    assert get_client("wiki").secret_made_at != made
    assert visit().post("/apps/wiki/client/remove").status_code == 302
    assert find_client("wiki") is None
    assert get_app("wiki").behind_gateway
    for path in ("client", "client/change", "client/secret", "client/remove"):
        assert visit().get(f"/apps/wiki/{path}").status_code == 404
