"""Random tests and clauses of rules documents, as types and as they are written."""

from hypothesis import strategies as st

from ostiary.policy.identifiers import AppId, GroupId, Label, PersonId, RuleName, ServiceId
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
from ostiary.policy.rules.case_reader import PROOFS
from ostiary.policy.rules.statements import (
    DEFAULT_MOMENT,
    REASONS_OF_RULES,
    SOMEONE,
    SOMEONE_EMAIL,
    Expectation,
    TestCase,
)
from tests.policy_material import (
    APPS,
    GROUPS,
    LABELS,
    PEOPLE,
    SERVICES,
    actions,
    every_condition,
    path_scopes,
    targets,
    who,
)

DAY = 86400
slugs = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True).filter(
    lambda text: text not in {"null", "default", "break-glass"}
)
words = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40).filter(
    lambda text: text.strip() and text not in {"~", "null"}
)
moments = st.one_of(st.just(DEFAULT_MOMENT), st.integers(367 * DAY, 32_503_680_000 - 1).map(float))
groups = st.frozensets(st.sampled_from(GROUPS).map(GroupId), max_size=3)
people = st.builds(
    Subject,
    person=st.sampled_from([SOMEONE, *map(PersonId, PEOPLE)]),
    email=st.sampled_from([SOMEONE_EMAIL, "anna@example.com", "oneill&co@exämple.test"]),
    groups=groups,
)
services = st.builds(Subject, service=st.sampled_from(SERVICES).map(ServiceId), groups=groups)
proofs = st.lists(
    st.tuples(st.sampled_from([one for one in AuthStrength if one > AuthStrength.SINGLE]), st.integers(0, 366 * DAY)),
    max_size=3,
)
facts = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True).filter(lambda name: name not in {"managed", "compliant"}),
    st.one_of(st.booleans(), st.integers(-(10**14), 10**14), words),
    max_size=3,
)
devices = st.builds(
    lambda managed, compliant, known: Device(managed=managed, compliant=compliant, attributes=tuple(known.items())),
    st.one_of(st.none(), st.booleans()),
    st.one_of(st.none(), st.booleans()),
    facts,
).filter(lambda device: device != Device())
contexts = st.builds(
    Context,
    address=st.one_of(
        st.none(), st.ip_addresses().filter(lambda one: one.version == 4 or not one.ipv4_mapped).map(str)
    ),
    country=st.sampled_from([None, "DE", "NO", "XK"]),
    risk=st.one_of(st.none(), st.integers(0, 100)),
)
resources = st.builds(
    Resource,
    app=st.sampled_from(list(APPS)).map(AppId),
    labels=st.frozensets(st.sampled_from(LABELS).map(Label), max_size=2),
    path=st.one_of(st.just("/"), words.map(lambda text: f"/{text}")),
)
expectations = st.one_of(
    st.builds(Expectation, allowed=st.booleans(), rule=st.one_of(st.none(), slugs.map(RuleName))),
    st.builds(Expectation, allowed=st.just(False), reason=st.sampled_from(REASONS_OF_RULES)),
)


@st.composite
def any_case(draw: st.DrawFn) -> TestCase:
    """Every test that a document can say."""
    at, subject = draw(moments), draw(st.one_of(people, services))
    if subject.person:
        given = [Authentication(PROOFS[strength], strength, at - age) for strength, age in draw(proofs)]
        password = Authentication(PROOFS[AuthStrength.SINGLE], AuthStrength.SINGLE, at)
        subject = Subject(
            person=subject.person,
            email=subject.email,
            groups=subject.groups,
            authentications=tuple(given) or (password,),
        )
    return TestCase(
        name=draw(slugs),
        request=AccessRequest(
            subject=subject,
            action=draw(st.sampled_from(ActionClass)),
            resource=draw(resources),
            device=draw(st.one_of(st.none(), devices)),
            context=draw(contexts),
        ),
        at=at,
        expect=draw(expectations),
    )


written_cases = st.fixed_dictionaries(
    {
        "name": slugs,
        "as": st.one_of(
            st.lists(st.sampled_from([f"group:{name}" for name in GROUPS]), min_size=1, unique=True),
            st.sampled_from(["anyone", "person:anna@example.com", "service:backup"]),
        ),
        "to": st.sampled_from([f"app:{app}" for app in APPS]),
        "expect": st.sampled_from(["allow", "deny", {"deny": "conditions_unmet"}, {"allow": "r1"}]),
    },
    optional={
        "device": st.fixed_dictionaries({"managed": st.booleans()}, optional={"os_version": st.integers(0, 20)}),
        "from": st.ip_addresses().map(str),
        "country": st.sampled_from(["DE", "NO"]),
        "risk": st.one_of(st.integers(0, 100), st.just("unknown")),
        "at": st.sampled_from(["2026-11-23 09:00 Europe/Berlin", "Sun 2026-10-25 02:30 Europe/Berlin"]),
        "do": st.sampled_from(list(ActionClass)),
        "path": st.sampled_from(["/", "/docs/a"]),
    },
)
written_clauses = st.fixed_dictionaries(
    {"name": slugs, "who": who, "to": targets}, optional={"do": actions, "paths": path_scopes, "when": every_condition}
)


def unique(entries: st.SearchStrategy[dict]) -> st.SearchStrategy[list[dict]]:
    """A few entries, each with a name of its own."""
    return st.lists(entries, max_size=3, unique_by=lambda entry: entry["name"])


@st.composite
def statements(draw: st.DrawFn) -> dict:
    """The sections in which a document speaks of its own rules."""
    clauses = draw(unique(written_clauses))
    half = draw(st.integers(0, len(clauses)))
    return {"tests": draw(unique(written_cases)), "never": clauses[:half], "always": clauses[half:]}
