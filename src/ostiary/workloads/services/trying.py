"""What a token of an issuer would come to: every rule of every trust of a service, and what the token says to it.

Nothing is given out, used up or kept: it is for whoever writes the rules. An issuer may be asked for its keys.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from ostiary.workloads.domain.assertions import (
    LONGEST_FEDERATED_SECONDS,
    AssertionRefused,
    digest_of,
    judge_times,
    unverified,
)
from ostiary.workloads.domain.trust import Trust, meets
from ostiary.workloads.domain.verifying import read_federated
from ostiary.workloads.models import UsedAssertion
from ostiary.workloads.queries import get_service
from ostiary.workloads.services.proving import keys_for

MAX_SHOWN: Final = 200
MAX_CLAIMS: Final = 60


class RuleTried(msgspec.Struct, frozen=True, kw_only=True):
    """One rule for a claim, and the claim.

    Args:
        said: what the token says, cut short; `None` when it says nothing.
    """

    claim: str
    wanted: str
    said: str | None
    fits: bool


class TrustTried(msgspec.Struct, frozen=True, kw_only=True):
    """What a token comes to by one trust.

    Args:
        problems: what else is wrong with it, in words: whose it is, for whom, its signature, its time.
        rules: each rule for a claim.
        stands: whether the service would get a token by it.
    """

    trust: Trust
    problems: tuple[str, ...]
    rules: tuple[RuleTried, ...]
    stands: bool


class TokenTried(msgspec.Struct, frozen=True, kw_only=True):
    """What a token comes to.

    Args:
        issuer: who it says has made it.
        claims: what it says, by name, cut short. Only a trust by which it stands vouches for that.
        trusts: of the service, in its order.
    """

    issuer: str
    claims: dict[str, str]
    trusts: tuple[TrustTried, ...]


def try_token(name: str, token: str, *, now: float) -> TokenTried:
    """Say what a token would come to at a service.

    Args:
        name: which service.
        token: as a job would hand it in.
        now: seconds since the epoch.

    Raises:
        UnknownService: when there is none of this name.
        AssertionRefused: when it is no signed token.
    """
    service, token = get_service(name), token.strip()
    claims = unverified(token)
    return TokenTried(
        issuer=_shown(claims.get("iss")) or "",
        claims={_cut(one): _shown(said) or "" for one, said in list(claims.items())[:MAX_CLAIMS]},
        trusts=tuple(_try(trust, token, claims, now) for trust in service.trusts),
    )


def _try(trust: Trust, token: str, claims: Mapping[str, Any], now: float) -> TrustTried:
    rules = tuple(
        RuleTried(claim=one, wanted=wanted, said=_shown(claims.get(one)), fits=meets(wanted, claims.get(one)))
        for one, wanted in trust.claims.items()
    )
    problems = tuple(_problems(trust, token, claims, now))
    return TrustTried(
        trust=trust, problems=problems, rules=rules, stands=not problems and all(one.fits for one in rules)
    )


def _problems(trust: Trust, token: str, claims: Mapping[str, Any], now: float) -> list[str]:
    if claims.get("iss") != trust.issuer:
        return [f"It is of another issuer: {_shown(claims.get('iss')) or 'it names none'}."]
    found = []
    try:
        read_federated(token, keys_for(trust, token), issuer=trust.issuer, audience=trust.audience)
    except AssertionRefused as error:
        found.append(error.message)
    try:
        judge_times(claims, now=now, longest=LONGEST_FEDERATED_SECONDS, jti=False)
    except AssertionRefused as error:
        found.append(error.message)
    if trust.once and UsedAssertion.objects.filter(pk=digest_of(token)).exists():
        found.append("It was used before, and is good once.")
    return found


def _shown(said: object) -> str | None:
    match said:
        case None:
            return None
        case bool():
            return "true" if said else "false"
        case str():
            return _cut(said)
        case _:
            return _cut(str(said))


def _cut(text: str) -> str:
    printable = "".join(one if one.isprintable() else "\ufffd" for one in text[:MAX_SHOWN])
    return printable if len(text) <= MAX_SHOWN else f"{printable}…"
