"""Whatever a client sends as a filter, a path or operations: it is read, or refused in SCIM's own words. Nothing else happens."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scim2_models import Context, PatchOp, SCIMException, ScimFilter

from ostiary.scim.domain.group_changes import GroupChange, MemberStep, read_group_patch
from ostiary.scim.domain.habits import patch_operations, resource_body
from ostiary.scim.domain.resources import PROVIDER, Email, EnterpriseUser, Group, Person, User

_WORDS = st.sampled_from(
    [
        "userName", "members", "emails", "name", "active", "manager", "value", "type", "displayName", "externalId",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "eq", "pr", "and", "or", "not", "(", ")",
        "[", "]", '"a"', "true", "null", "1", ".", " ", 'members[value eq "p_1"]', 'emails[type eq "work"].value',
    ]
)  # fmt: skip
_TEXTS = st.one_of(
    st.text(max_size=30), st.lists(_WORDS, max_size=12).map(" ".join), st.lists(_WORDS, max_size=6).map("".join)
)
_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), _TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_TEXTS, inner, max_size=4)),
    max_leaves=12,
)
_OPERATIONS = st.fixed_dictionaries(
    {},
    optional={
        "op": st.one_of(st.sampled_from(["Add", "replace", "REMOVE"]), _VALUES),
        "path": _VALUES,
        "value": _VALUES,
    },
)
_BODIES = st.one_of(
    _VALUES, st.fixed_dictionaries({"Operations": st.lists(st.one_of(_OPERATIONS, _VALUES), max_size=4)})
)
_PEOPLE = st.sampled_from(["p_1", "p_2", "p_3", "p_4"])


@given(_TEXTS)
def test_a_filter_is_read_or_refused(text: str) -> None:
    for model in (Person, Group):
        try:
            bound = ScimFilter[model](text)  # type: ignore[valid-type]
        except SCIMException:
            continue
        assert bound.match(model(id="p_1")) in {True, False}
        assert str(ScimFilter(str(bound.ast)).ast) == str(bound.ast), "what is written back is the same filter"


@given(_BODIES)
def test_operations_on_a_group_are_read_or_refused(body: Any) -> None:
    try:
        change = read_group_patch(patch_operations(body))
    except SCIMException:
        return
    after = change.members_after(["p_1"], lambda _node, _one: True)
    assert after <= {"p_1"} | change.named()


@given(_BODIES)
def test_operations_on_a_user_change_all_or_nothing(body: Any) -> None:
    user = Person(id="p_1", user_name="ada@example.com", active=True, emails=[Email(value="ada@example.com")])
    before = user.model_dump()
    try:
        with PROVIDER:
            message = {"schemas": [str(PatchOp.__schema__)], "Operations": patch_operations(body)}
            patch = PatchOp.__class_getitem__(Person).model_validate(message, scim_ctx=Context.RESOURCE_PATCH_REQUEST)
            changed = patch.patch(user)
    except (SCIMException, ValidationError):
        assert user.model_dump() == before
        return
    assert user.id == "p_1"
    assert user.user_name is not None
    assert changed or user.model_dump() == before


@given(_VALUES)
def test_a_body_is_read_or_refused(body: Any) -> None:
    try:
        meant = resource_body(body, str(User.__schema__))
        with PROVIDER:
            Person.model_validate(meant, scim_ctx=Context.RESOURCE_CREATION_REQUEST)
    except (SCIMException, ValidationError):
        pass


@given(st.sets(_PEOPLE), st.lists(st.tuples(st.sampled_from(["add", "remove", "set"]), st.lists(_PEOPLE)), max_size=5))
def test_knowing_only_the_named_members_is_enough_where_nobody_else_is_meant(
    before: set[str], steps: list[tuple[str, list[str]]]
) -> None:
    change = GroupChange(steps=tuple(MemberStep(op, tuple(people)) for op, people in steps))
    whole = change.members_after(before, lambda _node, _one: False)
    if change.needs_everybody:
        assert change.members_after(before, lambda _node, _one: False) == whole
    else:
        named = before & change.named()
        part = change.members_after(named, lambda _node, _one: False)
        assert (part - named, named - part) == (whole - before, before - whole)


def test_what_entra_writes_its_own_way_is_read_as_it_is_meant() -> None:
    operations = patch_operations(
        {
            "Operations": [
                {"op": "Replace", "path": "active", "value": "False"},
                {"op": "Add", "path": f"{EnterpriseUser.__schema__}:manager", "value": "p_9"},
                {"op": "Add", "value": {"displayName": "Lena", 'emails[type eq "work"].value': "l@example.com"}},
                {"op": "Replace", "path": 'emails[type eq "work"].primary', "value": "True"},
            ]
        }
    )
    assert [(one["op"], one.get("path"), one["value"]) for one in operations] == [
        ("replace", "active", False),
        ("add", f"{EnterpriseUser.__schema__}:manager", {"value": "p_9"}),
        ("add", None, {"displayName": "Lena"}),
        ("add", 'emails[type eq "work"].value', "l@example.com"),
        ("replace", 'emails[type eq "work"].primary', True),
    ]
