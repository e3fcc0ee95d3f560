"""What people do who need something for a while: one asks, another agrees, it opens, and it ends.

Each function is a step; its first line is the step's name.
"""

from urllib.parse import urlsplit

import httpx

from ostiary.demo.walk.browser import WalkFailed, form_with, words_of
from ostiary.demo.walk.checks import expect, expect_status
from ostiary.demo.walk.forms import Form, read_forms
from ostiary.demo.walk.tour import Tour

WHY = "The auditors ask for the salaries of last year"


def access_for_a_while(tour: Tour) -> str:
    """Mateo asks for payroll, Ilse agrees, it opens; he hands it back, and it is shut."""
    payroll, portal = tour.url("payroll", "/salaries/"), tour.instance.identity_host
    expect_status(tour.mateo.open(payroll), 403)
    page = tour.mateo.open(tour.instance.url(portal, "/requests/new?app=payroll"))
    asked = tour.mateo.browser.submit(page, form_with(page, "reason"), group="finance", hours="1", reason=WHY)
    expect_status(asked, 200)
    address = tour.instance.url(portal, urlsplit(str(asked.request.url)).path)
    expect("/requests/r_" in address, f"nothing was asked: {words_of(asked)}")
    expect_status(tour.mateo.open(payroll), 403)
    page = tour.ilse.open(address)
    expect(WHY in page.text, f"Ilse does not see why: {words_of(page)}")
    answered = tour.ilse.browser.submit(page, form_with(page, "comment"), answer="approve")
    expect_status(answered, 200)
    expect_status(tour.mateo.open(payroll), 200)
    page = tour.mateo.open(address)
    expect_status(tour.mateo.browser.submit(page, _form_to(page, "/hand-back")), 200)
    expect_status(tour.mateo.open(payroll), 403)
    return f"{tour.mateo.account.email} asked, {tour.ilse.account.email} agreed, handed back"


def _form_to(page: httpx.Response, end: str) -> Form:
    """Return the form that leads to an address with this end."""
    for form in read_forms(page.text):
        if form.action.endswith(end):
            return form
    raise WalkFailed(f"{page.request.url} has no form that leads to {end}: {words_of(page)}")
