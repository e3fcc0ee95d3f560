"""A decision as a test of the rules, for the page that shows it. What such a test says is worked out in `policy`."""

from django.http import HttpRequest

from ostiary.gateway.kept_tests import KeptTest, keep_as_test
from ostiary.policy.recorded_case import NotATest
from ostiary.visibility.facade import DecisionRecord
from ostiary.web.console.assertion import caller_of
from ostiary.web.console.permissions import Action, Resource, may


def kept_test_of(request: HttpRequest, record: DecisionRecord) -> KeptTest | None:
    """Return the decision as a test, for those who may see the rules; `None` for others, and where it cannot be one."""
    if not may(caller_of(request).role, Resource.RULES, Action.VIEW):
        return None
    try:
        return keep_as_test(record)
    except NotATest:
        return None
