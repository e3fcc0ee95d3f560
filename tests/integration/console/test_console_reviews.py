"""What the console says of access reviews: on its first page, in the list, on a review's own page."""

import json
import time
from datetime import UTC, datetime, timedelta

from django.test import override_settings
from tests.console_company import OPERATOR, Company
from tests.console_fixtures import Visit, text_of

from ostiary.config.places import Instance
from ostiary.gateway.heartbeat import beat
from ostiary.identity.facade import refuse_recovery
from ostiary.reviews.facade import Answer, Standing, answer_item, close_campaign, parse_scope, start_campaign
from ostiary.reviews.models import CampaignRow, ItemRow
from ostiary.reviews.queries import every_item
from ostiary.rulebook.facade import apply_rules, get_current
from ostiary.web.console.review_needs import needs_of_reviews


def test_the_overview_tells_of_answers_given_without_looking_until_the_review_is_closed(
    company: Company, visit: Visit, console_instance: Instance
) -> None:
    beat(console_instance.facts, time.time())
    refuse_recovery(recovery_id=company.recovery, reason="It was not him.", actor=OPERATOR)
    review = start_campaign(scope=parse_scope("everything"), name="Autumn", actor=OPERATOR).id
    assert "answered without looking" not in text_of(visit().get("/"))
    ItemRow.objects.filter(campaign_id=review).update(suggested="remove", state="waiting")
    for item in every_item(review)[:3]:
        answer_item(item_id=item.id, answer=Answer.KEEP, comment="fine", actor=OPERATOR)
    page = text_of(visit().get("/"))
    assert "Access review Autumn: 1 sign that somebody answered without looking." in page
    assert f"/reviews/{review}/" in page
    assert "Access review Autumn" in text_of(visit().get("/parts/overview"))
    close_campaign(campaign_id=review, actor=OPERATOR, statement="Asked about it", leave_open=True)
    assert "answered without looking" not in text_of(visit().get("/"))


def test_the_overview_tells_of_deadlines_and_of_what_is_nobodys(company: Company, visit: Visit) -> None:
    assert "its deadline has passed" not in text_of(visit().get("/"))
    CampaignRow.objects.filter(pk=company.review).update(deadline_at=datetime.now(UTC) - timedelta(minutes=1))
    (item, *_more) = every_item(company.review)
    ItemRow.objects.get(pk=item.id).seats.all().delete()
    page = text_of(visit().get("/"))
    assert "its deadline has passed, and" in page
    assert "1 item waits for nobody who can sign in." in page


def test_a_quarter_whose_review_did_not_begin_is_said() -> None:
    with override_settings(ROOT_URLCONF="ostiary.web.urls_console"):
        (need,) = needs_of_reviews(Standing(missing="2026-Q4", scope="app:payrol"))
    assert need.words == "The access review of 2026-Q4 has not begun: there is nothing yet that app:payrol covers."


def test_a_service_among_the_items_leads_to_its_page_and_the_register_names_it(company: Company, visit: Visit) -> None:
    rule = f'  - {{name: robots, allow: "service:{company.service}", to: app:payroll, do: view}}\n'
    apply_rules(get_current().document.rstrip() + "\n" + rule, actor=OPERATOR)
    review = start_campaign(scope=parse_scope("app:payroll"), actor=OPERATOR).id
    page = text_of(visit().get(f"/reviews/{review}/", {"q": company.service}))
    assert f"/services/{company.service}/" in page
    assert f"service:{company.service} → " in page
    rows = json.loads(visit().get("/reviews/register", {"export": "json"}).content)
    (line,) = [one for one in rows if one["kind"] == "service" and one["app"] == "payroll"]
    assert (line["email"], line["rules"]) == (f"service:{company.service}", "robots")
    assert datetime.fromisoformat(line["since"]) < datetime.fromisoformat(line["until"])
