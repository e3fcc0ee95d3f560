"""All that other rooms use of devices. Frozen types in, frozen types out."""

from ostiary.devices.adapters.authority import (
    AuthorityInfo,
    UnusableAuthority,
    describe_authority,
)
from ostiary.devices.adapters.tpm_makers import Maker, describe_makers
from ostiary.devices.domain.answers import (
    AgentRefused,
    Certified,
    Code,
    Failing,
    Judged,
    Kept,
    Left,
    Nonce,
    Polled,
    Problem,
    Started,
    Taken,
)
from ostiary.devices.domain.devices import (
    HELD,
    Device,
    KnownTpm,
    State,
    UnknownCode,
    UnknownDevice,
    UnusableDevice,
    Why,
    shown_key,
)
from ostiary.devices.domain.fleet import (
    FactCount,
    Fleet,
    Looks,
    Telling,
    bad_facts,
    fact_is,
    telling_of,
)
from ostiary.devices.domain.fleet import Member as FleetMember
from ostiary.devices.domain.glance import JUDGED, PLATFORMS, looks_good
from ostiary.devices.domain.keys import UnusableDeviceKey
from ostiary.devices.domain.messages import UnreadableMessage
from ostiary.devices.domain.platforms import platform_of
from ostiary.devices.domain.posture import (
    FACTS,
    ChangedFact,
    Evidence,
    Known,
    Platform,
    Posture,
    Reported,
    Said,
    Spec,
    Value,
    spec_of,
)
from ostiary.devices.domain.seen import Seen
from ostiary.devices.domain.tpm.event_log import MAX_LOG_BYTES
from ostiary.devices.domain.tpm.wire import UnprovenTpm, UnreadableTpm
from ostiary.devices.fleet import KnownNow, find_device_ids, get_fleet, list_known
from ostiary.devices.queries import (
    count_copied,
    count_waiting,
    find_devices,
    get_device,
    get_devices,
    get_posture,
    list_devices,
    list_fact_changes,
    list_postures,
)
from ostiary.devices.services.confirming import (
    Asking,
    confirm_enrolment,
    confirmed_elsewhere,
    look_at_enrolment,
    refuse_enrolment,
)
from ostiary.devices.services.doubts import doubts_about
from ostiary.devices.services.enrolling import poll_enrolment, start_enrolment
from ostiary.devices.services.freshness import already_sent, give_nonce
from ostiary.devices.services.knowing import (
    drop_old_facts,
    forget_source,
    posture_changed,
    refresh_postures,
    take_facts,
)
from ostiary.devices.services.quoting import take_quote
from ostiary.devices.services.register import (
    approve_device,
    deny_device,
    give_up_device,
    quarantine_device,
    release_device,
    rename_device,
    report_lost,
    retire_device,
)
from ostiary.devices.services.renewing import leave, renew_certificate
from ostiary.devices.services.reporting import REPORT_SECONDS, accept_inventory, take_report
from ostiary.devices.services.restoring import quarantine_after_restore
from ostiary.devices.services.seen import ask_to_enrol, get_seen, ignore_seen, list_seen
from ostiary.devices.services.tending import change_authority, ready_authority, tend_devices
from ostiary.devices.services.tpm import prove_tpm
from ostiary.devices.services.watching import is_watched, watch_device

__all__ = [
    "FACTS",
    "HELD",
    "JUDGED",
    "MAX_LOG_BYTES",
    "PLATFORMS",
    "REPORT_SECONDS",
    "AgentRefused",
    "Asking",
    "AuthorityInfo",
    "Certified",
    "ChangedFact",
    "Code",
    "Device",
    "Evidence",
    "FactCount",
    "Failing",
    "Fleet",
    "FleetMember",
    "Judged",
    "Kept",
    "Known",
    "KnownNow",
    "KnownTpm",
    "Left",
    "Looks",
    "Maker",
    "Nonce",
    "Platform",
    "Polled",
    "Posture",
    "Problem",
    "Reported",
    "Said",
    "Seen",
    "Spec",
    "Started",
    "State",
    "Taken",
    "Telling",
    "UnknownCode",
    "UnknownDevice",
    "UnprovenTpm",
    "UnreadableMessage",
    "UnreadableTpm",
    "UnusableAuthority",
    "UnusableDevice",
    "UnusableDeviceKey",
    "Value",
    "Why",
    "accept_inventory",
    "already_sent",
    "approve_device",
    "ask_to_enrol",
    "bad_facts",
    "change_authority",
    "confirm_enrolment",
    "confirmed_elsewhere",
    "count_copied",
    "count_waiting",
    "deny_device",
    "describe_authority",
    "describe_makers",
    "doubts_about",
    "drop_old_facts",
    "fact_is",
    "find_device_ids",
    "find_devices",
    "forget_source",
    "get_device",
    "get_devices",
    "get_fleet",
    "get_posture",
    "get_seen",
    "give_nonce",
    "give_up_device",
    "ignore_seen",
    "is_watched",
    "leave",
    "list_devices",
    "list_fact_changes",
    "list_known",
    "list_postures",
    "list_seen",
    "look_at_enrolment",
    "looks_good",
    "platform_of",
    "poll_enrolment",
    "posture_changed",
    "prove_tpm",
    "quarantine_after_restore",
    "quarantine_device",
    "ready_authority",
    "refresh_postures",
    "refuse_enrolment",
    "release_device",
    "rename_device",
    "renew_certificate",
    "report_lost",
    "retire_device",
    "shown_key",
    "spec_of",
    "start_enrolment",
    "take_facts",
    "take_quote",
    "take_report",
    "telling_of",
    "tend_devices",
    "watch_device",
]
