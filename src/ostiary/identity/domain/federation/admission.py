"""Who comes in, with which groups, and whose account an address may open.

Source: the published take-over by an unverified address ("nOAuth"): people are known by issuer and subject, an address is
only ever a hint.
"""

from collections.abc import Iterable

from ostiary.identity.domain.federation.provider import Assertion, Provider, Reason
from ostiary.policy.identifiers import GroupId


def groups_for(provider: Provider, values: Iterable[str]) -> tuple[GroupId, ...]:
    """Return the groups that these values of the groups claim bring, sorted."""
    return tuple(sorted({provider.groups[value] for value in values if value in provider.groups}))


def is_expected(provider: Provider, assertion: Assertion) -> bool:
    """Say whether somebody is in one of the groups there that may come in here."""
    return not provider.required or bool(set(provider.required) & set(assertion.values))


def may_link_by_address(provider: Provider, assertion: Assertion) -> bool:
    """Say whether this directory's word for an address is enough to take the account that has it."""
    return assertion.verified and domain_of(assertion.address) in provider.authoritative


def refusal_to_provision(provider: Provider, assertion: Assertion) -> Reason | None:
    """Return why somebody unknown gets no account by themselves; `None` when they get one."""
    if not provider.provisions or domain_of(assertion.address) not in provider.domains:
        return Reason.NOT_INVITED
    return None if assertion.verified else Reason.ADDRESS_NOT_VERIFIED


def domain_of(address: str) -> str:
    """Return what stands behind the last `@`."""
    return address.rpartition("@")[2].lower()
