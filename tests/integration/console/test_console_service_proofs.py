"""How services prove themselves, on the console: keys and issuers added and taken away, a job's token tried rule by rule."""

import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from jwt.algorithms import ECAlgorithm
from tests.console_company import Company
from tests.console_fixtures import Visit, text_of
from tests.workload_asking import pem_of

from ostiary.workloads.facade import GITHUB, GITLAB, get_service
from ostiary.workloads.models import StoredService

pytestmark = pytest.mark.django_db
KEY = ec.generate_private_key(ec.SECP256R1())
KEYS = json.dumps({"keys": [{**ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "one"}]})
CLUSTER = "https://kubernetes.default.svc.cluster.local"
POD = "system:serviceaccount:jobs:backup"


def tokens_after(company: Company) -> float:
    return float(StoredService.objects.get(pk=company.service).tokens_after)


def form(**changes: str) -> dict[str, str]:
    return {"issuer": CLUSTER, "audience": "", "claims": f"sub={POD}", "keys": KEYS, "reason": "for a test", **changes}


def token(**claims: Any) -> str:
    now = int(time.time())
    said = {"iss": CLUSTER, "aud": "https://id.example.test", "iat": now, "exp": now + 300, "sub": POD, **claims}
    return jwt.encode(said, KEY, algorithm="ES256", headers={"kid": "one"})


def test_a_key_is_added_and_taken_away_with_every_token(company: Company, visit: Visit) -> None:
    client, path = visit(), f"/services/{company.service}"
    ways = ("/keys/add", "/issuers/add", "/issuers/try", "Remove")
    for words in ways:
        assert words in text_of(client.get(f"{path}/"))
        assert words not in text_of(visit("audrey_audit").get(f"{path}/")), "an auditor only looks"
    for wrong, words in (("no key", "no public key"), ("", "required"), ("-----BEGIN PRIVATE KEY-----", "private key")):
        answer = client.post(f"{path}/keys/add", {"key": wrong, "reason": ""})
        assert answer.status_code == 422
        assert words in text_of(answer)
    key = ed25519.Ed25519PrivateKey.generate()
    assert client.post(f"{path}/keys/add", {"key": pem_of(key), "reason": "yearly"})["Location"] == f"{path}/"
    assert client.post(f"{path}/keys/add", {"key": pem_of(key), "reason": ""}).status_code == 422, "it is there already"
    old, new = get_service(company.service).keys
    before = tokens_after(company)
    page = text_of(client.get(f"{path}/keys/{old.id}/remove"))
    assert old.id in page
    assert "Every token it has ends now" in page
    assert get_service(company.service).keys == (old, new), "looking changes nothing"
    assert client.post(f"{path}/keys/{old.id}/remove", {"reason": "changed"}).status_code == 302
    assert get_service(company.service).keys == (new,)
    assert tokens_after(company) > before
    assert client.get(f"{path}/keys/{old.id}/remove").status_code == 404
    assert client.get("/services/nobody/keys/add").status_code == 404


def test_an_issuer_is_added_with_rules_that_keep_strangers_out(company: Company, visit: Visit) -> None:
    client, path = visit(), f"/services/{company.service}/issuers/add"
    for kind, issuer, example, once in (
        ("github", GITHUB, "repository=acme/web", True),
        ("gitlab", GITLAB, "project_path=acme/web", False),
        ("kubernetes", CLUSTER, "sub=system:serviceaccount:NAMESPACE:NAME", False),
        ("nonsense", GITHUB, "repository=acme/web", True),
    ):
        begun = client.get(f"{path}?kind={kind}")
        assert example in text_of(begun)
        assert begun.context["form"].initial == {"issuer": issuer, "audience": "https://id.example.test", "once": once}
    before = get_service(company.service).trusts
    weak = json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]})
    for field, wrong, words in (
        ("issuer", "http://issuer.test", "is no issuer"),
        ("claims", "ref=refs/heads/main", "Nothing says whose job it must be"),
        ("claims", "sub=*", "would be anything"),
        ("claims", "sub", "is no claim"),
        ("claims", f"sub={POD}\nsub=other", "is no claim"),
        ("keys", "{}", "no key in the key set"),
        ("keys", weak, "shared secret"),
        ("audience", "\u200b", "audience cannot be used"),
    ):
        answer = client.post(path, form(**{field: wrong}))
        assert answer.status_code == 422, wrong
        assert words in text_of(answer), wrong
        assert answer.context["form"].errors.keys() == {field}
    assert get_service(company.service).trusts == before
    sent = form(claims=f"sub={POD}\r\n\r\n kubernetes.io/namespace = jobs ", once="on")
    assert client.post(path, sent)["Location"] == f"/services/{company.service}/"
    added = get_service(company.service).trusts[-1]
    assert added.claims == {"sub": POD, "kubernetes.io/namespace": "jobs"}
    assert (added.issuer, added.audience, added.once) == (CLUSTER, "https://id.example.test", True)
    tokens = tokens_after(company)
    remove = f"/services/{company.service}/issuers/{added.id}/remove"
    assert POD in text_of(client.get(remove))
    assert client.post(remove, {"reason": "moved"}).status_code == 302
    assert get_service(company.service).trusts == before
    assert tokens_after(company) > tokens
    assert client.post(remove, {"reason": ""}).status_code == 404


def test_a_token_is_tried_rule_by_rule_and_comes_back_in_no_page(company: Company, visit: Visit) -> None:
    client, path = visit(), f"/services/{company.service}/issuers"
    assert client.post(f"{path}/add", form()).status_code == 302
    good = client.post(f"{path}/try", {"token": token()})
    assert good.status_code == 200
    page = text_of(good)
    assert "Stands for the service" in page
    assert "It is of another issuer" in page, "the other trust says why not"
    other = token(sub="system:serviceaccount:jobs:<b>other</b>")
    page = text_of(client.post(f"{path}/try", {"token": other}))
    assert "Stands for the service" not in page
    assert "Not met" in page
    assert "jobs:&lt;b&gt;other" in page
    assert other not in page
    answer = client.post(f"{path}/try", {"token": "not-a-token-but-maybe-a-secret"})
    assert answer.status_code == 422
    assert "no signed token" in text_of(answer)
    assert "maybe-a-secret" not in text_of(answer)
    assert get_service(company.service).trusts[-1].used_at is None, "nothing is used"
