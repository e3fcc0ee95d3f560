"""Random companies, rules and requests for the policy tests, and the shortest way to an engine."""

import json
import re
from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from ostiary.policy.decision import Allow, Decision, Deny
from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, GroupId, Label, PersonId, PolicyVersion, ServiceId, SessionId
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
from ostiary.policy.snapshot import AppFact, Catalogue, Rules

GROUPS = ["staff", "admins", "contractors", "night"]
PEOPLE = ["p1", "p2", "p3"]
SERVICES = ["backup", "mirror"]
APPS = {"wiki": ["internal"], "payroll": ["restricted", "internal"], "console": []}
LABELS = ["internal", "restricted", "public"]
ZONES = ["Europe/Berlin", "UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"]
DAY = 86400.0


def moment(text: str, zone: str = "Europe/Berlin") -> float:
    """Seconds since the epoch of a wall-clock time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


NOON = moment("2025-11-25T12:00")
SPRING, AUTUMN = moment("2025-03-30T00:00"), moment("2025-10-26T00:00")


def catalogue(apps: dict[str, list[str]] | None = None) -> Catalogue:
    facts = {
        AppId(name): AppFact(id=AppId(name), host=f"{name}.example.test", name=name, labels=tuple(map(Label, labels)))
        for name, labels in (APPS if apps is None else apps).items()
    }
    return Catalogue(apps=facts)


def text_of(document: object) -> str:
    """A document as text; JSON is YAML. In quotes `at least 14` would be a text like any other."""
    return re.sub(r'"(at least -?\d+)"', r"\1", json.dumps(document, ensure_ascii=False))


def engine(document: object, *, cedar: str = "", apps: dict[str, list[str]] | None = None) -> PolicyEngine:
    text = document if isinstance(document, str) else text_of(document)
    rules = Rules(document=text, cedar=cedar, version=PolicyVersion("v1"))
    return PolicyEngine(rules, catalogue(apps), Generation(7))


def rules_of(*rules: dict) -> dict:
    return {"version": 1, "rules": [{"name": f"r{number}", **rule} for number, rule in enumerate(rules)]}


def proof(method: str = "totp", *, ago: float = 60, now: float = NOON) -> Authentication:
    strengths = {
        "password": AuthStrength.SINGLE,
        "recovery_code": AuthStrength.ANY,
        "totp": AuthStrength.OTP,
        "webauthn": AuthStrength.PHISHING_RESISTANT,
    }
    return Authentication(method, strengths[method], now - ago)


def ask(
    app: str = "wiki",
    *,
    person: str | None = "p1",
    service: str | None = None,
    email: str | None = "anna@example.com",
    groups: tuple[str, ...] = ("staff",),
    proofs: tuple[Authentication, ...] = (),
    action: ActionClass = ActionClass.VIEW,
    path: str = "/",
    labels: tuple[str, ...] = (),
    device: Device | None = None,
    address: str | None = None,
    country: str | None = None,
    risk: int | None = None,
) -> AccessRequest:
    return AccessRequest(
        subject=Subject(
            person=PersonId(person) if person else None,
            service=ServiceId(service) if service else None,
            email=email if person else None,
            groups=frozenset(map(GroupId, groups)),
            session=SessionId("s1"),
            authentications=proofs,
        ),
        action=action,
        resource=Resource(app=AppId(app), labels=frozenset(map(Label, labels)), path=path),
        device=device,
        context=Context(address=address, country=country, risk=risk),
    )


def allowed(decision: Decision) -> Allow:
    assert isinstance(decision, Allow), decision
    return decision


def refused(decision: Decision) -> Deny:
    assert isinstance(decision, Deny), decision
    return decision


def some(values: list[str], *, most: int = 3) -> st.SearchStrategy[object]:
    """One value, or a list of several different ones."""
    return st.one_of(st.sampled_from(values), st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True))


who = some(
    [f"group:{g}" for g in GROUPS]
    + [f"person:{p}" for p in PEOPLE]
    + ["person:anna@example.com", "person:Ben@Example.com"]
    + [f"service:{s}" for s in SERVICES]
    + ["anyone", "group:staff"] * 5
)
targets = some([f"app:{a}" for a in APPS] + [f"label:{label}" for label in LABELS] + ["anything", "app:wiki"] * 3)
actions = st.one_of(st.just("any"), st.just("any"), some(["view", "edit", "delete", "connect"]))
path_scopes = some(["/", "/*", "/admin", "/admin/*", "/docs/*", "/a b/é", "/docs/x*y".replace("*", "'\"")])
mfa_levels = st.sampled_from(["any", "otp", "phishing-resistant"])
mfas = st.one_of(
    mfa_levels,
    st.builds(lambda m, w: {"method": m, "within": w}, mfa_levels, st.sampled_from(["30s", "10m", "12h", "2d"])),
)
devices = st.dictionaries(
    st.sampled_from(["managed", "compliant", "disk_encrypted", "os_version", "vendor"]), st.none(), min_size=1
).flatmap(
    lambda names: st.fixed_dictionaries(
        {
            name: {
                "managed": st.booleans(),
                "compliant": st.booleans(),
                "disk_encrypted": st.booleans(),
                "os_version": st.sampled_from([14, "at least 14", 0, 1]),
                "vendor": st.sampled_from(["apple", 'quo"te\\', "véndor"]),
            }[name]
            for name in names
        }
    )
)
windows = st.builds(
    lambda days, begin, end, zone: f"{days} {begin}-{end} {zone}".strip(),
    st.sampled_from(["", "", "Mon-Fri", "Sat,Sun", "Fri-Mon", "Sun", "Tue,Thu-Fri"]),
    st.sampled_from(["00:00", "02:15", "07:00", "13:30", "22:00"]),
    st.sampled_from(["02:45", "06:00", "12:00", "20:00", "23:59", "24:00"]),
    st.sampled_from(ZONES),
)
hours = st.one_of(windows, st.lists(windows, min_size=1, max_size=3, unique=True))
networks = some(["10.0.0.0/8", "10.1.2.3/32", "192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0", "::/0"])
countries = some(["DE", "NO", "FR"])
risks = st.integers(1, 100).map(lambda limit: f"below {limit}")
CONDITIONS = {
    "mfa": mfas,
    "device": devices,
    "hours": hours,
    "networks": networks,
    "countries": countries,
    "risk": risks,
}


def conditions(*names: str) -> st.SearchStrategy[dict]:
    return st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({name: CONDITIONS[name] for name in chosen})
    )


every_condition = conditions(*CONDITIONS)
allow_rules = st.fixed_dictionaries(
    {"allow": who, "to": targets, "do": actions},
    optional={
        "paths": path_scopes,
        "when": every_condition,
        "require": st.sampled_from(["justify", ["mask", "record"]]),
        "describe": st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1).filter(
            lambda text: text.strip() and text not in ("~", "null")
        ),
    },
)
deny_rules = st.fixed_dictionaries(
    {"deny": who, "to": targets},
    optional={
        "do": actions,
        "paths": path_scopes,
        "when": conditions("hours", "networks", "countries"),
        "unless": every_condition,
    },
)
documents = st.lists(
    st.sampled_from([allow_rules] * 6 + [deny_rules]).flatmap(lambda rule: rule), min_size=2, max_size=8
).map(lambda rules: rules_of(*rules))
moments = st.one_of(
    st.floats(SPRING - DAY, SPRING + 2 * DAY),
    st.floats(AUTUMN - DAY, AUTUMN + 2 * DAY),
    st.floats(NOON, NOON + 20 * DAY),
    st.integers(0, 400).map(lambda hour: AUTUMN - DAY + hour * 900.0),
)
proofs = st.builds(
    lambda method, ago: (method, ago),
    st.sampled_from(["password", "recovery_code", "totp", "webauthn"]),
    st.sampled_from([-6.0, -5.0, -1.0, 0.0, 29.5, 30.0, 599.0, 600.0, 43199.0, 43200.0, 200_000.0]),
)
posture = st.one_of(
    st.none(),
    st.builds(
        lambda managed, compliant, attributes: Device(
            managed=managed, compliant=compliant, attributes=tuple(attributes.items())
        ),
        st.sampled_from([None, True, False]),
        st.sampled_from([None, True, False]),
        st.dictionaries(
            st.sampled_from(["disk_encrypted", "os_version", "vendor", "managed"]),
            st.sampled_from([True, False, 0, 1, 13, 14, 15, "apple", "14", 'quo"te\\', "véndor"]),
        ),
    ),
)
PATHS = [
    "/",
    "/admin",
    "/admin/",
    "/admin/x",
    "/administrator",
    "/docs",
    "/docs/a",
    "/a b/é",
    "/docs/x'\"y",
    "//admin",
    "/x/../admin",
    "/admin;a",
    "/x%2fadmin",
    "/docs/..;/admin",
    "admin",
    "",
]


@st.composite
def cases(draw: st.DrawFn) -> tuple[AccessRequest, float]:
    """A request and a moment."""
    now = draw(moments)
    is_person = draw(st.sampled_from([True, True, True, False]))
    request = ask(
        draw(st.sampled_from([*APPS] * 3 + ["wiki"] * 8 + ["unknown"])),
        person=draw(st.sampled_from(PEOPLE)) if is_person else None,
        service=None if is_person else draw(st.sampled_from(SERVICES)),
        email=draw(st.sampled_from(["anna@example.com", "BEN@example.com", "carl@example.com"] * 4 + [None])),
        groups=tuple(draw(st.lists(st.sampled_from(["staff", *GROUPS, 'gr"oup', "ünï"]), unique=True))),
        proofs=tuple(proof(method, ago=ago, now=now) for method, ago in draw(st.lists(proofs, min_size=1, max_size=4))),
        action=draw(st.sampled_from(list(ActionClass))),
        path=draw(st.sampled_from(PATHS)),
        labels=tuple(draw(st.lists(st.sampled_from(LABELS), unique=True, max_size=1))),
        device=draw(posture),
        address=draw(
            st.sampled_from([None, "10.1.2.3", "192.0.2.9", "2001:db8::1", "::ffff:10.0.0.1", "fe80::1%eth0", "junk"])
        ),
        country=draw(st.sampled_from([None, "DE", "NO", "US"])),
        risk=draw(st.one_of(st.none(), st.integers(0, 100))),
    )
    return request, now
