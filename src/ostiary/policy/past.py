"""Requests of the past, in short: what each decision read, said once, and a row for each time it was asked.

Pure types. How they are kept lives in `visibility`; deciding them again in `policy.replay`.
"""

import hashlib
from array import array
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import msgspec

from ostiary.policy.identifiers import AppId, GroupId, Label, PersonId, ServiceId
from ostiary.policy.request import (
    AccessRequest,
    ActionClass,
    Authentication,
    AuthStrength,
    Context,
    Device,
    Resource,
    Subject,
)

if TYPE_CHECKING:
    Numbers = array[int]
else:
    Numbers = array

TICKS_A_SECOND: Final = 1 << 22
"""The distance of neighbouring floating-point numbers from the year 2004 to 2038, so that a moment is kept exactly."""

ALLOWED: Final = 0
HELD: Final = 1
REFUSED: Final = 2
NO_INPUTS: Final = 3
NOT_BY_RULES: Final = 4
EMERGENCY: Final = 5
NO_GRANT: Final = 6
ANSWERED: Final = frozenset({ALLOWED, HELD, REFUSED})
"""Outcomes of requests that the rules decided. The others are kept as a count alone, with why they cannot be replayed."""


class Asker(msgspec.Struct, frozen=True, array_like=True):
    """Who asked.

    Args:
        person: the person's id; empty for a service.
        service: the service's id; empty for a person.
        groups: sorted.
        email: a mark of the e-mail address (`email_mark`); empty when none was given.
    """

    person: str = ""
    service: str = ""
    groups: tuple[str, ...] = ()
    email: str = ""


class Act(msgspec.Struct, frozen=True, array_like=True):
    """What was done to which app; the labels are those it had then, sorted."""

    app: str = ""
    action: ActionClass = ActionClass.VIEW
    labels: tuple[str, ...] = ()


class Surroundings(msgspec.Struct, frozen=True, array_like=True):
    """From where, how risky, and with what. `None` means not known."""

    address: str | None = None
    country: str | None = None
    risk: int | None = None
    device: Device | None = None


Proofs = tuple[tuple[int, float], ...]
"""Each proof of the session: what it is worth (`AuthStrength`), and when it was given, seconds since the epoch."""


class Situation(msgspec.Struct, frozen=True, array_like=True):
    """Everything a decision could read besides the moment."""

    asker: Asker
    act: Act
    path: str
    surroundings: Surroundings
    proofs: Proofs


NOTHING: Final = Situation(Asker(), Act(), "", Surroundings(), ())


def _numbers() -> Numbers:
    return array("I")


def _moments() -> Numbers:
    return array("q")


class PastRequests(msgspec.Struct, frozen=True, kw_only=True):
    """Some requests as columns, one entry a request, in the order of the record.

    Args:
        stream: of the record.
        askers: every asker once; column `asker` holds positions in it. The same for the next four.
        asker: unsigned integers; so are `act`, `path`, `surrounding` and `proof`.
        ticks: when it was decided, in ticks of `TICKS_A_SECOND` since the epoch.
        outcome: what was answered: `ALLOWED`, `HELD`, `REFUSED`, or why it cannot be replayed.
        segment: the file of the record that holds the line.
        offset: where the line begins in it, in bytes.
        count: how many requests the row stands for; more than one only where they cannot be replayed.
    """

    stream: str
    askers: list[Asker] = []
    acts: list[Act] = []
    paths: list[str] = []
    surroundings: list[Surroundings] = []
    proofs: list[Proofs] = []
    asker: Numbers = msgspec.field(default_factory=_numbers)
    act: Numbers = msgspec.field(default_factory=_numbers)
    path: Numbers = msgspec.field(default_factory=_numbers)
    surrounding: Numbers = msgspec.field(default_factory=_numbers)
    proof: Numbers = msgspec.field(default_factory=_numbers)
    ticks: Numbers = msgspec.field(default_factory=_moments)
    outcome: bytearray = msgspec.field(default_factory=bytearray)
    segment: Numbers = msgspec.field(default_factory=_moments)
    offset: Numbers = msgspec.field(default_factory=_moments)
    count: Numbers = msgspec.field(default_factory=_numbers)

    def __len__(self) -> int:
        return len(self.outcome)

    def situation(self, row: int) -> Situation:
        """Return what the decision on one row read."""
        return Situation(
            self.askers[self.asker[row]],
            self.acts[self.act[row]],
            self.paths[self.path[row]],
            self.surroundings[self.surrounding[row]],
            self.proofs[self.proof[row]],
        )


def situation_of(request: AccessRequest) -> Situation:
    """Return what may matter of a request: no names of devices or sessions, and only a mark of the e-mail address."""
    subject, context, device = request.subject, request.context, request.device
    return Situation(
        Asker(
            subject.person or "",
            subject.service or "",
            tuple(sorted(subject.groups)),
            email_mark(subject.email) if subject.email else "",
        ),
        Act(request.resource.app, request.action, tuple(sorted(request.resource.labels))),
        request.resource.path,
        Surroundings(
            context.address,
            context.country,
            context.risk,
            msgspec.structs.replace(device, id=None) if device is not None else None,
        ),
        tuple((int(proof.strength), proof.at) for proof in subject.authentications),
    )


def request_of(situation: Situation, emails: dict[str, str]) -> AccessRequest:
    """Return the request to ask again.

    Args:
        situation: what was kept of it.
        emails: the addresses that the rules name, by their marks. Any other address is as good as any other to them.
    """
    asker, act, around = situation.asker, situation.act, situation.surroundings
    return AccessRequest(
        subject=Subject(
            person=PersonId(asker.person) if asker.person else None,
            service=ServiceId(asker.service) if asker.service else None,
            email=emails.get(asker.email, f"{asker.email}@not.named") if asker.email else None,
            groups=frozenset(map(GroupId, asker.groups)),
            authentications=tuple(Authentication("", AuthStrength(worth), at) for worth, at in situation.proofs),
        ),
        action=act.action,
        resource=Resource(app=AppId(act.app), labels=frozenset(map(Label, act.labels)), path=situation.path),
        device=around.device,
        context=Context(address=around.address, country=around.country, risk=around.risk),
    )


@lru_cache(maxsize=16_384)
def email_mark(email: str) -> str:
    """Return what tells whether a rule names this address, and does not hold the address."""
    return hashlib.blake2b(email.lower().encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()


def to_ticks(moment: float) -> int:
    """Return a moment (seconds since the epoch) in ticks; exact from the year 2004 on."""
    return int(moment * TICKS_A_SECOND)


def from_ticks(ticks: int) -> float:
    """Return a moment in seconds since the epoch."""
    return ticks / TICKS_A_SECOND


def differences(values: Numbers) -> Numbers:
    """Return each value less the one before it; equal steps pack well."""
    return array("q", map(int.__sub__, values, [0, *values[:-1]]))


def sums(steps: Numbers) -> Numbers:
    """Return what `differences` was made from."""
    return array("q", accumulate(steps))
