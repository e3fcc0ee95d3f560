"""What proofs are worth, and whether somebody has proved enough. Checking a proof is not done here."""

from collections.abc import Iterable
from math import inf
from typing import Final

from ostiary.identity.domain.federation import STRENGTHS as DIRECTORY_STRENGTHS
from ostiary.policy.request import Authentication, AuthStrength

PASSWORD: Final = "password"  # noqa: S105 - names a method
TOTP: Final = "totp"
WEBAUTHN: Final = "webauthn"
RECOVERY_CODE: Final = "recovery_code"
EMAIL: Final = "email"
BREAK_GLASS: Final = "break_glass"
RECOVERY: Final = "recovery"
"""A link that somebody else handed over because the second factor is lost."""

STRENGTH_OF: Final = {
    PASSWORD: AuthStrength.SINGLE,
    EMAIL: AuthStrength.SINGLE,
    BREAK_GLASS: AuthStrength.SINGLE,
    RECOVERY: AuthStrength.SINGLE,
    RECOVERY_CODE: AuthStrength.ANY,
    TOTP: AuthStrength.OTP,
    WEBAUTHN: AuthStrength.PHISHING_RESISTANT,
    **DIRECTORY_STRENGTHS,
}
SECOND_FACTORS: Final = (TOTP, WEBAUTHN)
"""What counts as having set up a second factor; recovery codes alone do not."""


def proof(method: str, *, at: float) -> Authentication:
    """Return the record of one proof given at `at` (seconds since the epoch).

    Raises:
        KeyError: for a method that is not known, so that nothing unknown ever counts.
    """
    return Authentication(method, STRENGTH_OF[method], at)


def is_enough(
    authentications: Iterable[Authentication],
    *,
    set_up: Iterable[str],
    second_factor_required: bool,
    floor: AuthStrength = AuthStrength.SINGLE,
) -> bool:
    """Say whether a sign-in is complete: enough was proved, and what is demanded is set up.

    Args:
        authentications: what was proved in this session.
        set_up: methods the person has set up.
        second_factor_required: whether the instance demands a second factor.
        floor: what the second factor that a recovery took away was worth: the new one is worth as much.
    """
    proofs = tuple(authentications)
    if any(one.method == BREAK_GLASS for one in proofs) or has_second_factor_elsewhere(proofs, at_least=floor):
        return True
    has_second_factor = any(method in SECOND_FACTORS and STRENGTH_OF[method] >= floor for method in set_up)
    if not second_factor_required and not has_second_factor and floor is AuthStrength.SINGLE:
        return bool(proofs)
    return has_second_factor and any(one.strength >= AuthStrength.ANY for one in proofs)


def has_second_factor_elsewhere(
    authentications: Iterable[Authentication], *, at_least: AuthStrength = AuthStrength.OTP
) -> bool:
    """Say whether another directory, trusted with that, asked for a second factor in this sign-in."""
    least = max(at_least, AuthStrength.OTP)
    return any(one.method in DIRECTORY_STRENGTHS and one.strength >= least for one in authentications)


def is_break_glass_only(authentications: Iterable[Authentication]) -> bool:
    """Say whether the only way in was an emergency link: such a session reaches the console and nothing else."""
    proofs = tuple(authentications)
    return any(one.method == BREAK_GLASS for one in proofs) and not any(
        one.strength >= AuthStrength.ANY for one in proofs
    )


def strongest(methods: Iterable[str]) -> AuthStrength:
    """Return what the best of the second factors somebody has set up is worth; `SINGLE` when there is none."""
    return max((STRENGTH_OF[one] for one in methods if one in SECOND_FACTORS), default=AuthStrength.SINGLE)


def proved_since(
    authentications: Iterable[Authentication], *, at_least: AuthStrength, since: float, until: float = inf
) -> Authentication | None:
    """Return the latest proof of at least this strength given from `since` to `until`, if there is one.

    Where freshness counts, `until` is the present: a proof from the future, after a clock was set back, would stay fresh.
    """
    fitting = [one for one in authentications if one.strength >= at_least and since <= one.at <= until]
    return max(fitting, key=lambda one: one.at, default=None)


def may_change_authenticators(
    authentications: Iterable[Authentication],
    *,
    set_up: Iterable[str],
    since: float,
    until: float = inf,
    floor: AuthStrength = AuthStrength.SINGLE,
) -> bool:
    """Say whether somebody has lately proved enough to add or remove authenticators.

    The proof must be as strong as the best factor they have, so that a stolen weaker one cannot replace it. A
    recovery code, a link that somebody else handed over and an emergency link also serve: they exist for the day the
    best factor is lost. Somebody without any second factor yet needs nothing more than being signed in, unless another
    directory asked them for one: then that must have been lately; or unless a recovery took one away (`floor`).
    """
    proofs = tuple(authentications)
    needed = max(strongest(set_up), floor)
    recent = [one for one in proofs if since <= one.at <= until]
    if needed is AuthStrength.SINGLE:
        return not has_second_factor_elsewhere(proofs) or has_second_factor_elsewhere(recent)
    return any(one.strength >= needed or one.method in {RECOVERY_CODE, RECOVERY, BREAK_GLASS} for one in recent)


def may_set_up(
    method: str, authentications: Iterable[Authentication], *, set_up: Iterable[str], floor: AuthStrength
) -> bool:
    """Say whether a method may be set up in this sign-in: after a recovery only one worth as much as what was lost.

    Args:
        method: `totp` or `webauthn`.
        authentications: what was proved in this session.
        set_up: methods the person has set up.
        floor: what the second factor that a recovery took away was worth.
    """
    needed = max(strongest(set_up), floor)
    return not is_recovering(authentications, needed=needed) or STRENGTH_OF[method] >= needed


def is_recovering(authentications: Iterable[Authentication], *, needed: AuthStrength) -> bool:
    """Say whether somebody came by a recovery's link and has proved nothing yet that is worth what was lost."""
    proofs = tuple(authentications)
    return any(one.method == RECOVERY for one in proofs) and all(one.strength < needed for one in proofs)
