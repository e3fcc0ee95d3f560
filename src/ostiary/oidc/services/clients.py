"""Adding, changing and removing clients. Each is one transaction and on record. A secret is shown once and kept nowhere."""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from ostiary.applications.facade import CONSOLE_APP, SignIn, UnknownApp, add_app_elsewhere, get_app
from ostiary.oidc.domain import client as rules
from ostiary.oidc.domain.client import Client, ClientKind, UnknownClient, UnusableClient
from ostiary.oidc.journal import record_client
from ostiary.oidc.models import StoredClient
from ostiary.oidc.queries import to_client
from ostiary.visibility.facade import Actor

SECRET_BYTES = 32


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """A client with its new secret.

    Args:
        secret: shown once; empty where it has none.
    """

    client: Client
    secret: str = ""


def digest_of(secret: str) -> bytes:
    """Return what is kept of a secret, a code or a token."""
    return hashlib.sha256(secret.encode()).digest()


@transaction.atomic
def add_client(
    app_id: str,
    *,
    redirect_uris: Iterable[str],
    actor: Actor,
    launch_url: str = "",
    name: str = "",
    kind: ClientKind = ClientKind.SECRET,
    post_logout_redirect_uris: Iterable[str] = (),
    backchannel_logout_uri: str = "",
    pkce: bool = True,
    claims: Mapping[str, str] | None = None,
    roles: Mapping[str, str] | None = None,
    keys: str = "",
    preset: str = "",
    labels: Iterable[str] = (),
) -> Added:
    """Let an application sign people in here. Nobody may until a rule says so.

    Args:
        app_id: the app; one that is not in the catalogue yet is added to it, as not behind the gateway.
        redirect_uris: where codes may be sent, exactly.
        actor: who adds it.
        launch_url: where people open a new app; empty takes the first redirect URI's site.
        name: what people read, for a new app.
        kind: how it proves itself.
        post_logout_redirect_uris: where somebody may go after signing out.
        backchannel_logout_uri: where it is told that a sign-in ended.
        pkce: whether it must use PKCE; a public client always must.
        claims: claim to source.
        roles: group to role.
        keys: its public keys, for the kind `KEY`.
        preset: the product.
        labels: of a new app.

    Raises:
        UnusableClient, UnusableApp: when a value cannot be used; nothing was changed.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    kind, uris = ClientKind(kind), rules.parse_redirect_uris(redirect_uris)
    values = {
        "kind": kind.value,
        "redirect_uris": list(uris),
        "post_logout_redirect_uris": list(_after_logout(post_logout_redirect_uris)),
        "backchannel_logout_uri": rules.parse_backchannel_uri(backchannel_logout_uri),
        "pkce": _checked_pkce(kind, pkce=pkce),
        "claims": rules.parse_claims(claims or {}),
        "roles": rules.parse_roles(roles or {}),
        "keys": rules.parse_keys(keys) if kind is ClientKind.KEY else [],
        "preset": preset,
    }
    try:
        app = get_app(app_id)
    except UnknownApp:
        opened = launch_url or _site_of(uris)
        app = add_app_elsewhere(app_id, sign_in=SignIn.OIDC, launch_url=opened, actor=actor, name=name, labels=labels)
    if app.id == CONSOLE_APP or app.sign_in is SignIn.SAML:
        raise UnusableClient(f"{app.name} does not sign in by OpenID Connect.", hint="Choose another identifier.")
    if StoredClient.objects.filter(pk=app.id).exists():
        raise UnusableClient(f"{app.name} is a client already.", hint=f"ostiary app oidc change {app.id}")
    row = StoredClient(app_id=app.id, **values)
    secret = _give_secret(row) if kind is ClientKind.SECRET else ""
    row.save(force_insert=True)
    client = to_client(row)
    record_client(actor, "create", client)
    return Added(client=client, secret=secret)


@transaction.atomic
def change_client(
    client_id: str,
    *,
    actor: Actor,
    redirect_uris: Iterable[str] | None = None,
    post_logout_redirect_uris: Iterable[str] | None = None,
    backchannel_logout_uri: str | None = None,
    pkce: bool | None = None,
    claims: Mapping[str, str] | None = None,
    roles: Mapping[str, str] | None = None,
    keys: str | None = None,
) -> Client:
    """Change what is given of a client; `None` leaves a value as it is.

    Raises:
        UnknownClient: when there is none.
        UnusableClient: when a value cannot be used; nothing was changed.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    row = _locked(client_id)
    before = to_client(row)
    if keys is not None and before.kind is not ClientKind.KEY:
        raise UnusableClient(f"{before.name} does not prove itself by keys.", hint="Remove it and add it again.")
    given: tuple[tuple[str, Any, Callable[[Any], Any]], ...] = (
        ("redirect_uris", redirect_uris, lambda uris: list(rules.parse_redirect_uris(uris))),
        ("post_logout_redirect_uris", post_logout_redirect_uris, lambda uris: list(_after_logout(uris))),
        ("backchannel_logout_uri", backchannel_logout_uri, rules.parse_backchannel_uri),
        ("pkce", pkce, lambda wanted: _checked_pkce(before.kind, pkce=wanted)),
        ("claims", claims, rules.parse_claims),
        ("roles", roles, rules.parse_roles),
        ("keys", keys, rules.parse_keys),
    )
    for field, value, parse in given:
        if value is not None:
            setattr(row, field, parse(value))
    after = to_client(row)
    if after == before:
        return before
    row.save()
    record_client(actor, "update", after, before=before)
    return after


@transaction.atomic
def rotate_secret(client_id: str, *, actor: Actor) -> Added:
    """Give a client a new secret; the one before is worth nothing from that moment.

    Raises:
        UnknownClient: when there is none.
        UnusableClient: when it proves itself otherwise.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    row = _locked(client_id)
    if row.kind != ClientKind.SECRET:
        raise UnusableClient(f"{row.app.name} has no secret.", hint="See: ostiary app oidc show")
    before = to_client(row)
    secret = _give_secret(row)
    row.save()
    client = to_client(row)
    record_client(actor, "update", client, before=before, comment="new secret")
    return Added(client=client, secret=secret)


@transaction.atomic
def remove_client(client_id: str, *, actor: Actor) -> None:
    """Let an application sign nobody in any more, and make worthless what it was issued. The app stays in the catalogue.

    Raises:
        UnknownClient: when there is none.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    row = _locked(client_id)
    client = to_client(row)
    row.delete()
    record_client(actor, "delete", client, before=client)


def has_secret(client_id: str, secret: str) -> bool:
    """Whether this is the client's secret."""
    kept = StoredClient.objects.filter(pk=client_id, kind=ClientKind.SECRET).values_list("secret_digest", flat=True)
    known = next(iter(kept), b"")
    return bool(known) and secrets.compare_digest(bytes(known), digest_of(secret))


def _after_logout(texts: Iterable[str]) -> tuple[str, ...]:
    return rules.parse_redirect_uris(texts, what="address after signing out", required=False)


def _checked_pkce(kind: ClientKind, *, pkce: bool) -> bool:
    if not pkce and kind is ClientKind.PUBLIC:
        raise UnusableClient("A public client has nothing but PKCE to prove itself.", hint="Leave PKCE required.")
    return pkce


def _site_of(uris: tuple[str, ...]) -> str:
    found = next((uri for uri in uris if uri.startswith(("https://", "http://"))), "")
    if not found:
        raise UnusableClient("Nobody knows where people open it.", hint="Say so: --launch-url https://…")
    return f"{rules.origin_of(found)}/"


def _give_secret(row: StoredClient) -> str:
    secret = secrets.token_urlsafe(SECRET_BYTES)
    row.secret_digest, row.secret_made_at = digest_of(secret), timezone.now()
    return secret


def _locked(client_id: str) -> StoredClient:
    row = StoredClient.objects.select_for_update(of=("self",)).select_related("app").filter(pk=client_id).first()
    if row is None:
        raise UnknownClient(
            f"{client_id[:63]!r} does not sign in by OpenID Connect.", hint="See: ostiary app oidc list"
        )
    return row
