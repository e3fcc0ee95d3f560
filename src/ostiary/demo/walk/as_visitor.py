"""What people do in their browsers.

Each function is a step; its first line is the step's name.
"""

import time

import httpx

from ostiary.demo.walk.browser import WalkFailed, words_of
from ostiary.demo.walk.checks import decisions_on_record, expect, expect_status
from ostiary.demo.walk.forms import read_forms
from ostiary.demo.walk.streams import first_events, open_socket
from ostiary.demo.walk.tour import REFERENCE, Tour

FRESH_SECONDS = 30


def sign_in(tour: Tour) -> str:
    """Priya signs in to payroll with password and code, and lands on the very page."""
    page = tour.priya.open(tour.url("payroll", "/salaries/2026-11.csv"))
    expect_status(page, 200)
    expect(str(page.request.url) == tour.url("payroll", "/salaries/2026-11.csv"), f"landed on {page.request.url}")
    expect("name,gross" in page.text, f"the file is not what came: {words_of(page)}")
    tour.signed_in_at = time.time()
    return f"{tour.priya.account.email} → {page.request.url}"


def nobody_passes(tour: Tour) -> str:
    """Without a session nothing opens: people are sent to sign in, programs get 401."""
    seen = []
    for app in ("handbook", "files", "payroll", "console"):
        host = "admin" if app == "console" else app
        page = tour.stranger.send("GET", tour.url(host))
        expect_status(page, 302)
        expect(page.headers["location"].startswith(tour.id_url), "not to sign-in")
        program = tour.stranger.send("GET", tour.url(host), headers={"accept": "application/json"})
        expect_status(program, 401)
        seen.append(host)
    return ", ".join(seen)


def allowed(tour: Tour) -> str:
    """Ilse signs in once and opens three applications."""
    seen = []
    for app, words in (("handbook", "Handbook"), ("board", "Ilse Brandt"), ("files", "offers")):
        page = tour.ilse.open(tour.url(app))
        expect_status(page, 200)
        expect(words in page.text, f"{app} does not say {words!r}: {words_of(page)}")
        seen.append(app)
    return ", ".join(seen)


def grant_passes(tour: Tour) -> str:
    """The next request passes on its grant, without a new decision."""
    tour.ilse.open(tour.url("handbook", "/welcome"))
    before = decisions_on_record(tour.instance)
    for _ in range(5):
        expect_status(tour.ilse.browser.send("GET", tour.url("handbook", "/travel")), 200)
    after = decisions_on_record(tour.instance)
    expect(after == before, f"{after - before} decisions were made for five requests with a grant")
    return "five requests, no decision"


def web_socket(tour: Tour) -> str:
    """A WebSocket speaks through the gateway."""
    tour.ilse.open(tour.url("inspector"))
    began = time.monotonic()
    with open_socket(tour.ilse.browser, tour.url("inspector", "/socket")) as link:
        link.send("is anybody there")
        expect(link.recv(timeout=30) == "is anybody there", "the echo says something else")
    try:
        open_socket(tour.stranger, tour.url("inspector", "/socket")).close()
    except WalkFailed:
        return f"echo after {(time.monotonic() - began) * 1000:.0f} ms; a stranger is refused"
    raise WalkFailed("A stranger could open a WebSocket.")


def event_stream(tour: Tour) -> str:
    """An event stream flows through the gateway."""
    events = first_events(tour.ilse.browser, tour.url("inspector", "/stream"), 2)
    expect(events == ["1", "2"], f"the events are {events}")
    return "two events, one second apart"


def refused(tour: Tour) -> str:
    """Jonas, a contractor, is refused payroll with a reason and a reference."""
    page = tour.jonas.open(tour.url("payroll", "/salaries/"))
    expect_status(page, 403)
    found = REFERENCE.search(words_of(page, 2000))
    if found is None:
        raise WalkFailed(f"The refusal names no reference: {words_of(page)}")
    tour.reference = found[0]
    return words_of(page, 160)


def stepped_up(tour: Tour) -> str:
    """Priya must prove a fresh code before a payment, and lands on the very page."""
    target = tour.url("payroll", "/payments/2026-11-salaries.xml")
    time.sleep(max(0.0, tour.signed_in_at + FRESH_SECONDS + 1 - time.time()))
    asked = tour.priya.browser.open(target)
    at_sign_in = str(asked.request.url).startswith(tour.id_url)
    expect(at_sign_in, f"{target} asks for nothing: {asked.status_code} {words_of(asked)}")
    page = tour.priya.give_code(asked)
    expect_status(page, 200)
    expect(str(page.request.url) == target, f"landed on {page.request.url}")
    expect("<payments" in page.text, f"the file is not what came: {words_of(page)}")
    return f"{asked.request.url.path} → {target}"


def signed_out(tour: Tour) -> str:
    """Priya signs out, and nothing opens any more."""
    page = tour.priya.browser.open(tour.instance.url(tour.instance.identity_host, "/sign-out"))
    _confirm_sign_out(tour, page)
    answer = tour.priya.browser.send("GET", tour.url("payroll", "/salaries/2026-11.csv"))
    expect_status(answer, 302, 401)
    return "payroll sends her to sign in again"


def _confirm_sign_out(tour: Tour, page: httpx.Response) -> None:

    for form in read_forms(page.text):
        if "sign-out" in (form.action or str(page.request.url)):
            tour.priya.browser.submit(page, form)
            return
    raise WalkFailed(f"There is nothing to sign out with: {words_of(page)}")
