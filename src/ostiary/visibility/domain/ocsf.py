"""The part of the Open Cybersecurity Schema Framework that we speak: class numbers, names and enumerations.

Facts only; the events are built in `decision_event`, `events` and `log_event`.
Source: OCSF schema 1.6.0 (https://schema.ocsf.io/1.6.0/).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

OCSF_VERSION: Final = "1.6.0"
PRODUCT: Final = {"name": "Ostiary", "vendor_name": "Ostiary"}

SEVERITY_INFORMATIONAL: Final = 1
SEVERITY_LOW: Final = 2
SEVERITY_MEDIUM: Final = 3
SEVERITY_HIGH: Final = 4

STATUS_SUCCESS: Final = 1
STATUS_FAILURE: Final = 2

ACTION_ALLOWED: Final = 1
ACTION_DENIED: Final = 2

DISPOSITION_ALLOWED: Final = 1
DISPOSITION_BLOCKED: Final = 2
DISPOSITION_CHALLENGE: Final = 23
DISPOSITION_ERROR: Final = 27

USER_TYPE_USER: Final = 1
USER_TYPE_ADMIN: Final = 2
USER_TYPE_SYSTEM: Final = 3
USER_TYPE_SERVICE: Final = 4

OTHER: Final = 99


class EventClass(msgspec.Struct, frozen=True, kw_only=True):
    """One class of events.

    Args:
        uid: the class's number.
        name: its caption.
        category_uid: the number of the category it belongs to.
        category_name: that category's caption.
        activities: activity number to caption.
    """

    uid: int
    name: str
    category_uid: int
    category_name: str
    activities: dict[int, str]

    def type_uid(self, activity_id: int) -> int:
        """Return the number of the class and activity together."""
        return self.uid * 100 + activity_id

    def type_name(self, activity_id: int) -> str:
        """Return the caption of the class and activity together."""
        return f"{self.name}: {self.activities[activity_id]}"


_IAM: Final = "Identity & Access Management"

HTTP_ACTIVITY: Final = EventClass(
    uid=4002,
    name="HTTP Activity",
    category_uid=4,
    category_name="Network Activity",
    activities={
        1: "Connect",
        2: "Delete",
        3: "Get",
        4: "Head",
        5: "Options",
        6: "Post",
        7: "Put",
        8: "Trace",
        OTHER: "Other",
    },
)
ACCOUNT_CHANGE: Final = EventClass(
    uid=3001,
    name="Account Change",
    category_uid=3,
    category_name=_IAM,
    activities={
        1: "Create",
        2: "Enable",
        3: "Password Change",
        4: "Password Reset",
        5: "Disable",
        6: "Delete",
        9: "Lock",
        10: "MFA Factor Enable",
        11: "MFA Factor Disable",
        12: "Unlock",
        OTHER: "Other",
    },
)
AUTHENTICATION: Final = EventClass(
    uid=3002,
    name="Authentication",
    category_uid=3,
    category_name=_IAM,
    activities={1: "Logon", 2: "Logoff", OTHER: "Other"},
)
AUTHORIZE_SESSION: Final = EventClass(
    uid=3003,
    name="Authorize Session",
    category_uid=3,
    category_name=_IAM,
    activities={1: "Assign Privileges", 2: "Assign Groups", OTHER: "Other"},
)
ENTITY_MANAGEMENT: Final = EventClass(
    uid=3004,
    name="Entity Management",
    category_uid=3,
    category_name=_IAM,
    activities={
        1: "Create",
        2: "Read",
        3: "Update",
        4: "Delete",
        8: "Enable",
        9: "Disable",
        10: "Activate",
        11: "Deactivate",
        OTHER: "Other",
    },
)
GROUP_MANAGEMENT: Final = EventClass(
    uid=3006,
    name="Group Management",
    category_uid=3,
    category_name=_IAM,
    activities={3: "Add User", 4: "Remove User", 5: "Delete", 6: "Create", OTHER: "Other"},
)
EVENT_LOG_ACTIVITY: Final = EventClass(
    uid=1008,
    name="Event Log Activity",
    category_uid=1,
    category_name="System Activity",
    activities={2: "Delete", 3: "Export", 5: "Rotate", 6: "Start", 7: "Stop", 8: "Restart", OTHER: "Other"},
)

CLASSES: Final = {
    event_class.uid: event_class
    for event_class in (
        EVENT_LOG_ACTIVITY,
        ACCOUNT_CHANGE,
        AUTHENTICATION,
        AUTHORIZE_SESSION,
        ENTITY_MANAGEMENT,
        GROUP_MANAGEMENT,
        HTTP_ACTIVITY,
    )
}

HTTP_METHODS: Final = {
    "CONNECT": 1,
    "DELETE": 2,
    "GET": 3,
    "HEAD": 4,
    "OPTIONS": 5,
    "POST": 6,
    "PUT": 7,
    "TRACE": 8,
}

AUTH_FACTORS: Final = {
    "password": 11,
    "totp": 7,
    "webauthn": 10,
    "email": 8,
    "recovery_code": OTHER,
    "break_glass": OTHER,
    "recovery": OTHER,
    "directory": OTHER,
    "directory_otp": OTHER,
    "directory_phishing_resistant": OTHER,
}


def classification(event_class: EventClass, activity: int, *, other: str = "") -> dict[str, Any]:
    """Return the attributes that say which kind of event it is.

    Args:
        event_class: the class.
        activity: one of its activities.
        other: our own name of the activity, where the class has none (`activity` is 99).
    """
    return {
        "activity_id": activity,
        "activity_name": other if activity == OTHER and other else event_class.activities[activity],
        "category_uid": event_class.category_uid,
        "category_name": event_class.category_name,
        "class_uid": event_class.uid,
        "class_name": event_class.name,
        "type_uid": event_class.type_uid(activity),
        "type_name": event_class.type_name(activity),
    }


def metadata(*, uid: str, log_name: str, profiles: Iterable[str] = ()) -> dict[str, Any]:
    """Return the attribute `metadata` of an event."""
    described = {"uid": uid, "version": OCSF_VERSION, "product": PRODUCT, "log_name": log_name}
    profiles = list(profiles)
    return {**described, "profiles": profiles} if profiles else described


def encode(body: Mapping[str, Any]) -> bytes:
    """Return an event as one line of JSON; what is not text in UTF-8 is written as escapes."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return msgspec.json.encode(clean(body))


def clean(value: object) -> object:
    """Bytes that were not UTF-8 arrive as lone surrogates, which JSON cannot hold: write them as text instead."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {clean(key): clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return value
