"""The relying party's part of OpenID Connect: the question, the code's exchange, what else is known, the way to sign out there.

Source: OpenID Connect Core 1.0, sections 3.1.2, 3.1.3, 5.3 and 9; RFC 7636; RFC 6749, 2.3.1; RP-Initiated Logout 1.0.
"""

import base64
import hashlib
import secrets
import urllib.parse
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.identity.adapters.client_keys import ClientKey
from ostiary.identity.adapters.openid_discovery import Discovery, read_answer
from ostiary.identity.domain.federation import DirectoryRefused, Preset, Provider, Reason

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_TOKEN_CHARACTERS: Final = 100_000


class Question(msgspec.Struct, frozen=True):
    """One question to a directory: where the browser goes, and what is to be kept until it is back."""

    url: str
    state: str
    nonce: str
    verifier: str


class ClientProof(msgspec.Struct, frozen=True, kw_only=True):
    """What shows a directory that it is this instance that asks: headers, and fields of the form."""

    headers: dict[str, str] = {}
    form: dict[str, str] = {}


def ask(
    provider: Provider, document: Discovery, *, redirect_uri: str, max_age_seconds: int | None, choose: bool = False
) -> Question:
    """Return a new question, with a state, a nonce and a code challenge of its own.

    Args:
        provider: whom to ask.
        document: its discovery.
        redirect_uri: where the answer goes.
        max_age_seconds: how long ago they may have signed in there; `None` leaves it open.
        choose: whether people sign in there anew, or choose an account, even when they are signed in.
    """
    question = Question("", secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))
    parameters = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(provider.scopes),
        "state": question.state,
        "nonce": question.nonce,
        "code_challenge": _unpadded(hashlib.sha256(question.verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }
    if max_age_seconds is not None:
        parameters["max_age"] = str(max_age_seconds)
    if choose:
        parameters["prompt"] = "select_account" if provider.preset is Preset.GOOGLE else "login"
    if provider.preset is Preset.GOOGLE and len(provider.domains) == 1:
        parameters["hd"] = provider.domains[0]
    return msgspec.structs.replace(question, url=_with_query(document.authorization_endpoint, parameters))


def proof_by_secret(provider: Provider, document: Discovery, secret: str) -> ClientProof:
    """Return how this instance shows who it is by its client secret."""
    if "client_secret_basic" not in document.token_endpoint_auth_methods_supported:
        return ClientProof(form={"client_id": provider.client_id, "client_secret": secret})
    pair = f"{urllib.parse.quote_plus(provider.client_id)}:{urllib.parse.quote_plus(secret)}"
    return ClientProof(headers={"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"})


def proof_by_key(provider: Provider, document: Discovery, key: ClientKey, *, now: float) -> ClientProof:
    """Return how this instance shows who it is by a key. Microsoft asks for PS256, the others all know RS256."""
    assertion = key.assertion(
        client_id=provider.client_id,
        audience=document.token_endpoint,
        algorithm="PS256" if provider.preset is Preset.ENTRA else "RS256",
        now=now,
    )
    return ClientProof(
        form={
            "client_id": provider.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }
    )


def exchange(
    document: Discovery, *, code: str, verifier: str, redirect_uri: str, proof: ClientProof
) -> tuple[str, str]:
    """Return the ID token and the access token for a code.

    Raises:
        DirectoryRefused: when the directory does not take the code.
    """
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
        **proof.form,
    }
    answer = read_answer(document.token_endpoint, headers=proof.headers, form=form)
    tokens = (answer.get("id_token"), answer.get("access_token", ""))
    if not all(isinstance(one, str) and len(one) <= MAX_TOKEN_CHARACTERS for one in tokens) or not tokens[0]:
        raise DirectoryRefused(Reason.TOKEN_REFUSED, detail="the answer has no ID token")
    return str(tokens[0]), str(tokens[1])


def sign_out_url(provider: Provider, document: Discovery, *, id_token: str, return_uri: str, state: str) -> str:
    """Return where the browser goes to be signed out there as well; empty where the directory has no such address.

    Args:
        provider: whom it is about.
        document: its discovery.
        id_token: the one that the sign-in began with, so that the directory need not ask whose it is; empty for none.
        return_uri: where the browser comes back to; it must be registered there.
        state: comes back with it.
    """
    if not document.end_session_endpoint:
        return ""
    parameters = {
        "client_id": provider.client_id,
        "post_logout_redirect_uri": return_uri,
        "state": state,
        **({"id_token_hint": id_token} if id_token else {}),
    }
    return _with_query(document.end_session_endpoint, parameters)


def read_userinfo(document: Discovery, access_token: str) -> dict[str, Any]:
    """Return what the directory says beyond the ID token; nothing where it has no such endpoint.

    Raises:
        DirectoryRefused: when the endpoint does not answer.
    """
    if not document.userinfo_endpoint or not access_token:
        return {}
    return read_answer(document.userinfo_endpoint, headers={"Authorization": f"Bearer {access_token}"})


def _with_query(address: str, parameters: Mapping[str, str]) -> str:
    mark = "&" if urllib.parse.urlsplit(address).query else "?"
    return f"{address}{mark}{urllib.parse.urlencode(parameters)}"


def _unpadded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
