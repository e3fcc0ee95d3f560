"""A decision's page offers the decision as a test of the rules, to those who may see the rules."""

import html
import re

import pytest
from tests.console_company import OPERATOR, RULES, Company
from tests.console_fixtures import Visit

from ostiary.applications.facade import read_applications
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.snapshot import Rules
from ostiary.policy.testing import run_tests
from ostiary.rulebook.facade import apply_rules
from ostiary.rulebook.models import AppliedRulesRow

pytestmark = pytest.mark.django_db

KEPT = re.compile(r"<summary>Keep as a test</summary>.*?<pre[^>]*>(.*?)</pre>", re.DOTALL)


def kept(visit: Visit, reference: str, who: str = "ada_admin") -> str:
    page = visit(who).get(f"/decisions/{reference}/")
    assert page.status_code == 200
    found = KEPT.search(page.content.decode())
    return html.unescape(found[1]) if found else ""


def test_what_the_page_shows_passes_when_it_is_pasted(company: Company, visit: Visit) -> None:
    shown = "".join(kept(visit, reference) for reference in company.references[:6])
    results = run_tests(read_rules(f"version: 1\ntests:\n{shown}"), Rules(document=RULES), read_applications())
    assert [result.passed for result in results] == [True] * 6


def test_only_those_who_may_see_the_rules_are_offered_it(company: Company, visit: Visit) -> None:
    assert kept(visit, company.references[0], "audrey_audit")
    assert not kept(visit, company.references[0], "henk_help")


def test_nothing_is_offered_where_the_rules_of_then_are_gone_or_cannot_be_read(company: Company, visit: Visit) -> None:
    apply_rules(RULES + "\n# later\n", actor=OPERATOR)
    AppliedRulesRow.objects.filter(number=company.rules).update(document="version: 9", parsed=b"")
    assert not kept(visit, company.references[0])
    AppliedRulesRow.objects.filter(number=company.rules).delete()
    assert not kept(visit, company.references[0])
