"""What decisions stand on at one moment: one snapshot, its rules ready to decide with, its grant key. Immutable.

A request is decided wholly on the basis it found when it came, whatever is published meanwhile. When a snapshot's
rules cannot be used, its basis refuses everything: the rules before may be looser, and nobody would notice.
Reading and watching the snapshot lives in `follower`.
"""

from typing import Protocol

import msgspec

from ostiary.errors import OstiaryError
from ostiary.gateway.decider.proven_device import Certificates, KnownOfDevices, certificates_of
from ostiary.gateway.tokens import GrantSigner
from ostiary.policy.decision import Decision, Deny, ReasonCode
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, PersonId, PolicyVersion, ServiceId, SessionId
from ostiary.policy.request import AccessRequest, Subject
from ostiary.policy.rules.problems import InvalidRules
from ostiary.policy.snapshot import (
    AppFact,
    Catalogue,
    GrantKey,
    PersonalTokenFact,
    PersonFact,
    Rules,
    ServiceFact,
    SessionFact,
    Snapshot,
)

NO_GENERATION = Generation(0)


class Engine(Protocol):
    """What decides; `PolicyEngine` is one."""

    def decide(self, request: AccessRequest, now: float) -> Decision:
        """Answer one request."""


class Trouble(msgspec.Struct, frozen=True):
    """Why nothing can be decided.

    Args:
        reason: what every request is refused with.
        alarm: the code of the alarm to raise.
        words: what happened and what to do.
        people_known: whether people, sessions and apps can be relied on all the same: only the rules cannot be used.
    """

    reason: ReasonCode
    alarm: str
    words: str
    people_known: bool = False


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """Everything decisions read.

    Args:
        trouble: set when there is nothing to decide on; then everything is refused.
        engine: the rules of this snapshot; `None` in trouble.
        apps: those behind the gateway, by host.
        apps_by_id: every app, by identifier.
        services: by name.
        tokens: people's tokens, by their digest.
        certificates: those of enrolled devices, by fingerprint.
        devices: what is known of enrolled devices' state.
        subjects: built when first asked for; only a cache.
    """

    generation: Generation = NO_GENERATION
    policy_version: PolicyVersion = PolicyVersion("")
    trouble: Trouble | None = None
    engine: Engine | None = None
    apps: dict[str, AppFact] = {}
    apps_by_id: dict[AppId, AppFact] = {}
    people: dict[PersonId, PersonFact] = {}
    sessions: dict[SessionId, SessionFact] = {}
    services: dict[ServiceId, ServiceFact] = {}
    tokens: dict[bytes, PersonalTokenFact] = {}
    certificates: Certificates = Certificates()
    devices: KnownOfDevices = KnownOfDevices()
    grants: GrantSigner | None = None
    subjects: dict[SessionId, Subject] = msgspec.field(default_factory=dict)
    source: Snapshot | None = None

    def refuse(self, reason: ReasonCode, *, detail: str = "") -> Deny:
        """Return a refusal that no rule gave."""
        return Deny(reason=reason, detail=detail, policy_version=self.policy_version, generation=self.generation)


def without_facts(error: OstiaryError) -> Basis:
    """Return the basis that refuses everything because there are no facts."""
    return Basis(trouble=Trouble(ReasonCode.STALE_FACTS, "facts_unusable", str(error)))


def build_basis(snapshot: Snapshot, before: Basis | None, *, issuer: str) -> Basis:
    """Make a snapshot ready to decide on.

    Args:
        snapshot: the facts.
        before: the basis in force; what did not change is taken over from it.
        issuer: the sign-in host's URL, for grants.
    """
    basis = Basis(
        generation=snapshot.generation,
        policy_version=snapshot.rulebook.version,
        apps={app.host: app for app in snapshot.applications.apps.values() if app.host},
        apps_by_id=snapshot.applications.apps,
        people=snapshot.identity.people,
        sessions=snapshot.sessions.sessions,
        services=snapshot.workloads.services,
        tokens={token.digest: token for token in snapshot.workloads.tokens},
        certificates=_certificates(snapshot, before),
        devices=KnownOfDevices(snapshot.postures.devices, snapshot.compliance.devices),
        source=snapshot,
    )
    try:
        engine = _engine(snapshot, before)
        grants = _grant_signer(snapshot.grant_key, before, issuer)
    except InvalidRules as error:
        words = "The published rules cannot be used, so everything is refused. Check them with: ostiary rules check"
        words = f"{words} ({' '.join(error.message.split())})"
        trouble = Trouble(ReasonCode.ENGINE_ERROR, "rules_broken", words, people_known=True)
    except ValueError:
        words = "The published grant key cannot be used. Publish again: ostiary gateway apply"
        trouble = Trouble(ReasonCode.STALE_FACTS, "facts_unusable", words)
    else:
        return msgspec.structs.replace(basis, engine=engine, grants=grants)
    return msgspec.structs.replace(basis, trouble=trouble)


def _certificates(snapshot: Snapshot, before: Basis | None) -> Certificates:
    """Sort the devices' certificates, or take them over: the reader keeps an unchanged section as the same object."""
    if before is not None and before.source is not None and before.source.devices is snapshot.devices:
        return msgspec.structs.replace(before.certificates, given=snapshot.given)
    return certificates_of(snapshot.devices.devices.values(), snapshot.given)


def _engine(snapshot: Snapshot, before: Basis | None) -> Engine:
    """Build the rules, or take them over: a sign-in publishes a generation, and must not cost a compilation."""
    known = before.source if before is not None else None
    if (
        before is not None
        and isinstance(before.engine, Renumbered)
        and known is not None
        and _same(known.rulebook, snapshot.rulebook)
        and _same(known.applications, snapshot.applications)
    ):
        return Renumbered(before.engine.engine, snapshot.generation)
    engine = PolicyEngine(snapshot.rulebook, snapshot.applications, snapshot.generation)
    return Renumbered(engine, snapshot.generation)


class Renumbered:
    """An engine whose decisions carry the generation of the facts they were made on, not of its own compilation."""

    __slots__ = ("_generation", "engine")

    def __init__(self, engine: PolicyEngine, generation: Generation) -> None:
        self.engine = engine
        self._generation = generation

    def decide(self, request: AccessRequest, now: float) -> Decision:
        """Answer one request."""
        decision = self.engine.decide(request, now)
        if decision.generation == self._generation:
            return decision
        return msgspec.structs.replace(decision, generation=self._generation)


def _grant_signer(key: GrantKey, before: Basis | None, issuer: str) -> GrantSigner:
    known = before.source if before is not None else None
    if before is not None and before.grants is not None and known is not None and known.grant_key == key:
        return before.grants
    return GrantSigner(kid=key.kid, private=key.private, issuer=issuer)


def _same(one: Rules | Catalogue, other: Rules | Catalogue) -> bool:
    """The reader keeps unchanged sections as the same objects, so this is cheap."""
    return one is other or one == other
