"""An address that stands for a place is in it, and one is found wherever there is any."""

import ipaddress

from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.policy.why.places import address_in, address_outside, overlapping

SMALL = [ipaddress.ip_network("10.0.0.0/28")[number] for number in range(16)]
ranges = st.builds(
    lambda length, at: str(ipaddress.ip_network((int(SMALL[0]) + at, length), strict=False)),
    st.integers(28, 32),
    st.integers(0, 15),
)
anywhere = st.one_of(ranges, st.sampled_from(["192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0", "::/0", "10.0.0.0/8"]))
FEW = settings(max_examples=80)


@FEW
@given(ranges, st.lists(ranges, max_size=6))
def test_an_address_of_a_range_that_is_not_shut_is_found_when_there_is_one(inside, shut):
    network, closed = ipaddress.ip_network(inside), [ipaddress.ip_network(one) for one in shut]
    free = {str(one) for one in network if not any(one in other for other in closed)}
    found = address_in(inside, shut)
    assert (found in free) if free else (found is None)
    shared = [one for one, other in zip(shut, closed, strict=True) if other.overlaps(network)]
    assert list(overlapping(inside, shut)) == shared


@FEW
@given(st.lists(anywhere, max_size=8))
def test_an_address_outside_every_range_is_found_unless_they_cover_everything(shut):
    found = address_outside(shut)
    if found is None:
        assert {"0.0.0.0/0", "::/0"} <= set(shut)
    else:
        assert not any(ipaddress.ip_address(found) in ipaddress.ip_network(one) for one in shut)
