"""Publishes the facts: the policy administrator's half of NIST SP 800-207 that tells the decision service.

A publication reads what changed, writes the next generation of the snapshot and, where somebody could have lost access,
replaces the key of grants so that everybody is decided afresh. Any process may publish; a lock makes it one at a time.
Order: the snapshot first, then the key. In between an old grant still passes for the milliseconds it takes; the other
way round a fresh decision would be made on old facts.

What the data plane is told about apps lives in `reconfigure`.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
import structlog
from django.conf import settings

from ostiary.applications.facts import read_applications
from ostiary.authzen.facts import read_clients
from ostiary.baselines.facts import read_compliance
from ostiary.config.places import Instance
from ostiary.devices.facts import read_devices, read_given, read_postures
from ostiary.gateway.dataplane import applied_generation
from ostiary.gateway.grant_keys import key_set, new_grant_key
from ostiary.gateway.models import FactsVersion
from ostiary.gateway.plan import GRANTS_FILE, rotate_grants
from ostiary.gateway.publication_lock import publication_lock
from ostiary.gateway.replaced_file import replace_file
from ostiary.gateway.snapshots import (
    SECTIONS,
    SNAPSHOT_FILE,
    EncodedSnapshot,
    FactsUnusable,
    encode_section,
    read_encoded,
    write_snapshot,
)
from ostiary.identity.facts import read_identity, read_sessions
from ostiary.policy.identifiers import Generation
from ostiary.policy.snapshot import SCHEMA_VERSION, GrantKey
from ostiary.rulebook.facts import read_rulebook
from ostiary.workloads.facts import read_workloads

_log = structlog.get_logger(__name__)

_READERS: Final[Mapping[str, Callable[[], msgspec.Raw]]] = {
    "identity": lambda: encode_section(read_identity()),
    "sessions": lambda: encode_section(read_sessions()),
    "applications": lambda: encode_section(read_applications()),
    "rulebook": lambda: encode_section(read_rulebook()),
    "clients": lambda: encode_section(read_clients()),
    "workloads": lambda: encode_section(read_workloads()),
    "devices": lambda: encode_section(read_devices()),
    "postures": read_postures,
    "compliance": lambda: encode_section(read_compliance()),
    "given": read_given,
}


@dataclass(frozen=True, slots=True)
class SectionVersion:
    """How many changes a section has seen, and at which of them access was last taken away."""

    version: int = 0
    taken_away_at: int = 0


@dataclass(frozen=True, slots=True)
class Publication:
    """What a publication did.

    Args:
        generation: in force now.
        sections: those that were read again; empty when nothing had changed.
        ended_grants: whether every grant ended.
    """

    generation: Generation
    sections: tuple[str, ...]
    ended_grants: bool


def publish(reason: str = "asked") -> Publication:
    """Publish what changed since the last publication. Without a change it costs two reads.

    Args:
        reason: why it is looked at, for the log.

    Raises:
        OSError: when the snapshot or the key set cannot be written.
    """
    instance: Instance = settings.INSTANCE
    with publication_lock(instance):
        return _publish(instance, reason=reason, now=time.time())


def published(instance: Instance) -> EncodedSnapshot | None:
    """Return the snapshot in force, or `None` when there is none that can be read."""
    try:
        return read_encoded(instance.facts)
    except FactsUnusable:
        return None


def read_versions() -> dict[str, SectionVersion]:
    """Return the version of every section as the database counts it."""
    rows = {row.section: SectionVersion(row.version, row.taken_away_at) for row in FactsVersion.objects.all()}
    return {name: rows.get(name, SectionVersion()) for name in SECTIONS}


def _publish(instance: Instance, *, reason: str, now: float) -> Publication:
    before = published(instance)
    # Versions before facts: what changes in between is read now and counted, and published again, next time.
    versions = read_versions()
    known = {} if before is None else before.versions
    stale = tuple(name for name in SECTIONS if known.get(name) != versions[name].version)
    if before is not None and not stale:
        return Publication(before.generation, (), ended_grants=_mend_key_set(instance, before.grant_key))
    ends_grants = before is None or any(_took_away(known.get(name), versions[name]) for name in stale)
    key = new_grant_key() if before is None or ends_grants else before.grant_key
    after = EncodedSnapshot(
        schema=SCHEMA_VERSION,
        generation=_next_generation(instance, before, now=now),
        published_at=now,
        versions={name: section.version for name, section in versions.items()},
        grant_key=key,
        **{name: _section(name, before, stale) for name in SECTIONS},
    )
    write_snapshot(instance.facts, after, durable=False)
    ended = _mend_key_set(instance, key)
    _log.info(
        "facts_published",
        reason=reason,
        generation=after.generation,
        sections=list(stale),
        ended_grants=ended,
    )
    return Publication(after.generation, stale, ended_grants=ended)


def _section(name: str, before: EncodedSnapshot | None, stale: tuple[str, ...]) -> msgspec.Raw:
    if before is None or name in stale:
        return _READERS[name]()
    unchanged: msgspec.Raw = getattr(before, name)
    return unchanged


def _took_away(known: int | None, now: SectionVersion) -> bool:
    """Return whether grants must end. A version that went back (a restored database) took away we know not what."""
    return known is None or now.version < known or now.taken_away_at > known


def _next_generation(instance: Instance, before: EncodedSnapshot | None, *, now: float) -> Generation:
    """Return a generation above every one a reader may have seen.

    Where the snapshot is there but cannot be read, nobody knows the last one: the clock is above any count.
    """
    if before is not None:
        return Generation(before.generation + 1)
    floor = int(now) if (instance.facts / SNAPSHOT_FILE).exists() else 0
    return Generation(max(applied_generation(instance), floor) + 1)


def _mend_key_set(instance: Instance, key: GrantKey) -> bool:
    """See to it that the data plane accepts grants of `key` only; return whether it accepted others before."""
    path = instance.envoy / GRANTS_FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    wanted = rotate_grants(content, key_set(key))
    if wanted == content:
        return False
    replace_file(path, wanted, mode=0o600, durable=False)
    return True
