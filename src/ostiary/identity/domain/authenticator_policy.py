"""What everybody is to have set up, and who has it. Pure; what is stored about people's factors is read in `standings`."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Literal

import msgspec

from ostiary.identity.domain.people import ADMINISTRATORS, Person
from ostiary.policy.identifiers import GroupId
from ostiary.policy.request import AuthStrength

SECOND_FACTOR_KINDS: Final = frozenset({"totp", "webauthn"})
FactorKind = Literal["password", "totp", "webauthn", "recovery_codes"]


class Unmet(StrEnum):
    """What somebody lacks, the most pressing first."""

    ADMINISTRATOR_WITHOUT_PASSKEY = "administrator_without_passkey"
    BREACHED_PASSWORD = "breached_password"  # noqa: S105 - names a fault
    NO_SECOND_FACTOR = "no_second_factor"
    NO_PASSKEY = "no_passkey"
    TOO_FEW_FACTORS = "too_few_factors"
    NO_RECOVERY_CODES = "no_recovery_codes"


class AuthenticatorPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for.

    Args:
        second_factors: how many passkeys and authenticator apps together.
        passkey_groups: whose members are to have a passkey; administrators always are.
        recovery_codes: whether who has a second factor is to have recovery codes left.
        due_at: from when it counts, seconds since the epoch; 0 for always.
        exempt_group: whose members are asked for nothing; empty for nobody.
        breached_seconds: how long a password may stay after it was found in a breach.
    """

    second_factors: int = 1
    passkey_groups: frozenset[GroupId] = frozenset()
    recovery_codes: bool = False
    due_at: float = 0.0
    exempt_group: str = ""
    breached_seconds: float = 0.0


class Factor(msgspec.Struct, frozen=True, kw_only=True):
    """One means to sign in; moments in seconds since the epoch.

    Args:
        left: for recovery codes, how many are unused.
    """

    kind: FactorKind
    name: str = ""
    created_at: float | None = None
    last_used_at: float | None = None
    left: int | None = None


class Exemption(msgspec.Struct, frozen=True, kw_only=True):
    """Why somebody is asked for nothing.

    Args:
        reason: why, in words.
        granted_by: who agreed; empty where it follows from the account.
        ends_at: until when; `None` for no end.
    """

    reason: str
    granted_by: str = ""
    ends_at: float | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How one person's means to sign in compare with what is asked for.

    Args:
        factors: what they have set up.
        directories: names of the directories they are linked to.
        elsewhere: the best second factor that one of those is trusted with; `SINGLE` for none.
        breached_at: when their password was seen to be known from a breach.
        nudged_at: when they were last told by mail.
        exemption: why nothing is asked of them; `None` when something is.
        unmet: what they lack, the most pressing first; empty when they meet it or are exempt.
        due_at: by when it is to be mended; 0 when it counts already.
    """

    person: Person
    factors: tuple[Factor, ...] = ()
    directories: tuple[str, ...] = ()
    elsewhere: AuthStrength = AuthStrength.SINGLE
    breached_at: float | None = None
    nudged_at: float | None = None
    exemption: Exemption | None = None
    unmet: tuple[Unmet, ...] = ()
    due_at: float = 0.0


def judge(standing: Standing, policy: AuthenticatorPolicy) -> Standing:
    """Return how somebody stands, with what they lack and by when.

    Whoever cannot sign in, has yet to take up an invitation, or is exempt lacks nothing.
    """
    exemption = standing.exemption or _of_account(standing.person)
    if exemption is not None:
        return msgspec.structs.replace(standing, exemption=exemption)
    unmet = tuple(sorted(set(_unmet(standing, policy)), key=list(Unmet).index))
    due_at = policy.due_at
    if standing.breached_at is not None and unmet == (Unmet.BREACHED_PASSWORD,):
        due_at = standing.breached_at + policy.breached_seconds
    return msgspec.structs.replace(standing, unmet=unmet, due_at=due_at if unmet else 0.0)


def _of_account(person: Person) -> Exemption | None:
    if not person.active:
        return Exemption(reason="cannot sign in")
    if person.emergency:
        return Exemption(reason="emergency account")
    return Exemption(reason="invited, not here yet") if person.invited else None


def _unmet(standing: Standing, policy: AuthenticatorPolicy) -> Sequence[Unmet]:
    kinds = [one.kind for one in standing.factors]
    found: list[Unmet] = []
    groups = set(standing.person.groups)
    count = sum(kind in SECOND_FACTOR_KINDS for kind in kinds) + (standing.elsewhere >= AuthStrength.OTP)
    has_passkey = "webauthn" in kinds or standing.elsewhere >= AuthStrength.PHISHING_RESISTANT
    if not has_passkey and ADMINISTRATORS in groups:
        found.append(Unmet.ADMINISTRATOR_WITHOUT_PASSKEY)
    elif not has_passkey and groups & policy.passkey_groups:
        found.append(Unmet.NO_PASSKEY)
    count += len(found)
    if count < policy.second_factors:
        found.append(Unmet.TOO_FEW_FACTORS if count else Unmet.NO_SECOND_FACTOR)
    codes = sum(one.left or 0 for one in standing.factors if one.kind == "recovery_codes")
    if policy.recovery_codes and SECOND_FACTOR_KINDS & set(kinds) and not codes:
        found.append(Unmet.NO_RECOVERY_CODES)
    if standing.breached_at is not None and "password" in kinds:
        found.append(Unmet.BREACHED_PASSWORD)
    return found
