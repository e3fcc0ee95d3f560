"""How a service may prove itself: its public keys, and the issuers whose tokens stand for it. Each change is on record."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from django.db import transaction

from ostiary.identity.facade import parse_name
from ostiary.visibility.facade import Actor
from ostiary.workloads.adapters.issuers import read_keys
from ostiary.workloads.domain.assertions import AssertionRefused
from ostiary.workloads.domain.key_sets import PRIVATE
from ostiary.workloads.domain.keys import UnusableKey, parse_public_key
from ostiary.workloads.domain.services import MAX_KEYS, MAX_TRUSTS, Service, UnusableService
from ostiary.workloads.domain.trust import (
    UnusableKeySet,
    UnusableTrust,
    parse_audience,
    parse_claims,
    parse_issuer,
    usually_once,
)
from ostiary.workloads.models import ServiceKey, StoredService, StoredTrust
from ostiary.workloads.queries import get_service
from ostiary.workloads.services.register import changed, lock_service

MAX_KEY_SET_CHARACTERS = 100_000


@transaction.atomic
def add_key(name: str, public_key: str, *, actor: Actor, reason: str = "") -> Service:
    """Let a service prove itself with another key, so that keys are changed without a pause.

    Args:
        name: which service.
        public_key: a PEM file or one JWK, as text.
        actor: who does it.
        reason: why, for the record.

    Raises:
        UnknownService: when there is none of this name.
        UnusableKey: when the key cannot be used, or is there already, here or at another service.
        UnusableService: when it has too many.
    """
    lock_service(name)
    before = get_service(name)
    jwk = parse_public_key(public_key)
    known = ServiceKey.objects.filter(kid=jwk["kid"]).first()
    if known is not None:
        raise UnusableKey(f"This key is {known.service_id}'s already.", hint="Make one for each service.")
    if len(before.keys) >= MAX_KEYS:
        raise UnusableService(f"{name} has {MAX_KEYS} keys.", hint="Remove one that is not used any more.")
    now = datetime.fromtimestamp(time.time(), UTC)
    ServiceKey.objects.create(service_id=name, kid=jwk["kid"], jwk=jwk, added_at=now, added_by=actor.label[:254])
    return changed(name, "update", before, actor=actor, reason=reason)


@transaction.atomic
def remove_key(name: str, key_id: str, *, actor: Actor, reason: str = "") -> Service:
    """Take a key away; every token of the service ends with it, for nobody can say which key got which.

    Args:
        name: which service.
        key_id: the key's thumbprint, or its beginning where only one begins so.
        actor: who does it.
        reason: why, for the record.

    Raises:
        UnknownService: when there is none of this name.
        UnusableKey: when it has no such key.
    """
    row = lock_service(name)
    before = get_service(name)
    fitting = [key.id for key in before.keys if key_id and key.id.startswith(key_id)]
    if len(fitting) != 1:
        raise UnusableKey(f"{name} has no key {key_id[:50]!r}.", hint=f"See: ostiary workload keys {name}")
    ServiceKey.objects.filter(service_id=name, kid=fitting[0]).delete()
    _end_tokens(row)
    return changed(name, "update", before, actor=actor, reason=reason)


@transaction.atomic
def add_trust(
    name: str,
    *,
    issuer: str,
    audience: str,
    claims: Mapping[str, str],
    actor: Actor,
    keys: str = "",
    once: bool | None = None,
    reason: str = "",
) -> Service:
    """Let tokens of an issuer stand for a service, where their claims are as said.

    Args:
        name: which service.
        issuer: the `iss` of its tokens.
        audience: what their `aud` must hold.
        claims: for each claim what it must be.
        actor: who does it.
        keys: the issuer's key set as text, where it cannot be fetched; empty fetches it.
        once: whether each of its tokens is good for one of ours only; `None` as is usual for the issuer.
        reason: why, for the record.

    Raises:
        UnknownService: when there is none of this name.
        UnusableTrust: when strangers could come in by it, or something cannot be read.
        UnusableService: when it has too many.
    """
    lock_service(name)
    before = get_service(name)
    if len(before.trusts) >= MAX_TRUSTS:
        raise UnusableService(f"{name} trusts {MAX_TRUSTS} issuers.", hint="Remove one, or make another service.")
    StoredTrust.objects.create(
        service_id=name,
        issuer=parse_issuer(issuer),
        audience=parse_audience(audience),
        claims=parse_claims(claims),
        keys=_key_set(keys),
        once=usually_once(issuer) if once is None else once,
        added_at=datetime.fromtimestamp(time.time(), UTC),
        added_by=parse_name(actor.label, what="name", limit=254),
    )
    return changed(name, "update", before, actor=actor, reason=reason)


@transaction.atomic
def remove_trust(name: str, trust_id: str, *, actor: Actor, reason: str = "") -> Service:
    """Trust an issuer no longer; every token of the service ends with it.

    Raises:
        UnknownService: when there is none of this name.
        UnusableTrust: when it trusts none of this identifier.
    """
    row = lock_service(name)
    before = get_service(name)
    if trust_id not in {one.id for one in before.trusts}:
        raise UnusableTrust(f"{name} trusts no issuer {trust_id[:20]!r}.", hint=f"See: ostiary workload show {name}")
    StoredTrust.objects.filter(service_id=name, pk=int(trust_id)).delete()
    _end_tokens(row)
    return changed(name, "update", before, actor=actor, reason=reason)


def _end_tokens(row: StoredService) -> None:
    row.tokens_after = time.time()
    row.save(update_fields=["tokens_after"])


def _key_set(text: str) -> str:
    if not text.strip():
        return ""
    if len(text) > MAX_KEY_SET_CHARACTERS:
        raise UnusableKeySet("The key set is too long.", hint="Give the issuer's JWKS.")
    try:
        read_keys(text)
    except AssertionRefused as error:
        raise UnusableKeySet(error.message, hint='Give the issuer\'s JWKS: {"keys": […]}') from None
    said = json.loads(text)
    if any(isinstance(one, dict) and PRIVATE & one.keys() for one in said["keys"]):
        raise UnusableKeySet(
            "There are private keys in this key set. They stay with the issuer.", hint="Give its public ones."
        )
    return json.dumps(said, separators=(",", ":"))
