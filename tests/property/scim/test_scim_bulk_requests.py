"""Whatever a client sends as a bulk request: it is read, or refused; what refers to another waits for it, or is in a circle."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from scim2_models import SCIMException

from ostiary.scim.domain.bulk import Operation, order_of, read_job, resolved

_NAMES = st.sampled_from(["a", "b", "c", "d"])
_TEXTS = st.one_of(st.text(max_size=8), _NAMES.map("bulkId:{}".format))
_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), _TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["value", "manager", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)
_OPERATIONS = st.fixed_dictionaries(
    {},
    optional={
        "method": st.one_of(st.sampled_from(["POST", "put", "PATCH", "DELETE", "GET"]), _VALUES),
        "path": st.one_of(st.sampled_from(["/Users", "/Groups", "/Users/x", "/Groups/bulkId:a", "/Bulk"]), _VALUES),
        "bulkId": st.one_of(_NAMES, _VALUES),
        "version": _VALUES,
        "data": _VALUES,
    },
)
_BODIES = st.one_of(
    _VALUES,
    st.fixed_dictionaries(
        {"Operations": st.lists(st.one_of(_OPERATIONS, _VALUES), max_size=6)}, optional={"failOnErrors": _VALUES}
    ),
)


@given(_BODIES)
def test_a_bulk_request_is_read_or_refused_and_each_operation_has_its_place(body: Any) -> None:
    try:
        job = read_job(body)
    except SCIMException:
        return
    order, circular = order_of(job.operations)
    assert sorted((*order, *circular)) == list(range(len(job.operations)))
    creates = {one.bulk_id: number for number, one in enumerate(job.operations) if one.method == "POST" and one.bulk_id}
    for place, number in enumerate(order):
        needed = {creates[name] for name in job.operations[number].needs() if name in creates}
        assert needed <= set(order[:place])
    for number in circular:
        needed = {creates[name] for name in job.operations[number].needs() if name in creates}
        assert needed & set(circular)


@given(_VALUES)
def test_no_reference_is_left_once_all_are_created(value: Any) -> None:
    data = {"value": value}
    created = {name: f"p_{name}" for name in Operation(data=data).needs()}
    after = resolved(data, created)
    assert not Operation(data=after).needs()
    if not created:
        assert after == data
