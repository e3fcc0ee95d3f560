"""Whom and what a change of rules could touch, as it is judged on. Who collects it from the pillars is `gateway`.

What the change does to them is worked out in `reach` and `lock_out`.
"""

from typing import Final

import msgspec

from ostiary.policy.identifiers import PersonId
from ostiary.policy.request import Authentication, AuthStrength, Context, Device
from ostiary.policy.rules.selector_reader import Known
from ostiary.policy.snapshot import Catalogue, PersonFact

STRENGTH_OF_METHOD: Final = {
    "password": AuthStrength.SINGLE,
    "recovery_codes": AuthStrength.ANY,
    "totp": AuthStrength.OTP,
    "webauthn": AuthStrength.PHISHING_RESISTANT,
}
"""What each means to sign in is worth; other means are worth nothing here."""


def every_proof(now: float) -> tuple[Authentication, ...]:
    """Return everything that anybody can be asked to prove, proved at this moment."""
    return tuple(Authentication(method, strength, now) for method, strength in sorted(STRENGTH_OF_METHOD.items()))


class Circumstances(msgspec.Struct, frozen=True):
    """How somebody may come.

    Args:
        authentications: what they proved.
        context: from where.
        device: with what, as rules see it; `None` for none that is known.
    """

    authentications: tuple[Authentication, ...] = ()
    context: Context = Context()
    device: Device | None = None


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may sign in.

    Args:
        person: as the policy engine knows them; active.
        methods: what they have set up to sign in: `password`, `totp`, `webauthn`, `recovery_codes`.
        sessions: how they are signed in now.
        devices: theirs, as rules see them now; they are taken to stay as they are.
    """

    person: PersonFact
    methods: tuple[str, ...] = ()
    sessions: tuple[Circumstances, ...] = ()
    devices: tuple[Device, ...] = ()

    def at_best(self, now: float) -> tuple[Authentication, ...]:
        """Return everything they could prove at this moment; nothing when they have set nothing up."""
        return tuple(
            Authentication(method, STRENGTH_OF_METHOD[method], now)
            for method in sorted(self.methods)
            if method in STRENGTH_OF_METHOD
        )

    @property
    def has_set_up_all(self) -> bool:
        """Whether no proof that could be asked of them takes setting up first."""
        return any(STRENGTH_OF_METHOD.get(one) is AuthStrength.PHISHING_RESISTANT for one in self.methods)


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody and everything that rules could be about.

    Args:
        members: everybody who may sign in.
        administrators: those of them who may change the rules.
        catalogue: the apps.
        known: names that rules may use.
        here: from where the change is made: address and country, as far as they are known.
    """

    members: tuple[Member, ...] = ()
    administrators: frozenset[PersonId] = frozenset()
    catalogue: Catalogue = Catalogue()
    known: Known | None = None
    here: Context = Context()
