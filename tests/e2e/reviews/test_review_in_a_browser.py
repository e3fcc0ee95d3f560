"""A review from start to signed report: begun in the console, answered in a browser, carried out by the worker, proved at
the gateway, closed in the console, checked by the command."""

import json
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright
from tests.running_instance import IDENTITY, RULES, Client, Made, OperatorRefused, RunningInstance

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
WAIT_MILLISECONDS = 60_000
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage")
STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
REVIEWS = "ostiary.reviews.facade"
LEDGERS = """\
  - name: ledgers-open-the-vault
    allow: group:ledgers
    to: app:vault
    do: any
"""


@pytest.fixture
def page(running: RunningInstance) -> Iterator[Page]:
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=list(FLAGS))
        context = browser.new_context(ignore_https_errors=True, reduced_motion="reduce")
        context.set_default_timeout(WAIT_MILLISECONDS)
        yield context.new_page()
        browser.close()


def look(page: Page) -> None:
    """Fail with what axe-core finds, and when the page is wider than a telephone."""
    for scheme, width in (("light", 1280), ("dark", 390)):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": 860})
        found = Axe().run(page, options={"runOnly": STANDARD})
        assert found.violations_count == 0, f"{page.url} {scheme}\n{found.generate_report()}"
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide, f"{page.url} scrolls sideways at {width} px"


def sign_in(running: RunningInstance, page: Page, made: Made) -> None:
    page.goto(running.url("id", "/sign-in"))
    page.fill("#id_email", made.email)
    page.fill("#id_password", made.password)
    page.locator("form[action='/sign-in'] button").click()
    page.fill("#id_code", running.client(made).next_code())
    page.locator("form:has(#id_code) button").click()
    expect(page.get_by_role("heading", name="My apps")).to_be_visible()


def test_a_review_from_its_start_to_its_signed_report(running: RunningInstance, page: Page) -> None:
    owner = running.make_person(name="Olga Owner")
    running.operator(f"{IDENTITY}:create_group", id="ledgers", name="Ledgers")
    running.operator(f"{IDENTITY}:set_group_owner", group_id="ledgers", owner=owner.email)
    ada, ben = (running.make_person("ledgers", name=name) for name in ("Ada Accountant", "Ben Bookkeeper"))
    admin = running.administrator()
    with running.rules(RULES + LEDGERS):
        at_work = running.signed_in(ada)
        assert at_work.open("vault").status_code == 200
        form = admin.get("admin", "/reviews/start")
        begun = admin.post("admin", "/reviews/start", form, scope="group:ledgers", name="Ledgers, autumn", days="7")
        assert begun.status_code == 302, begun.text
        campaign = begun.headers["location"].strip("/").split("/")[-1]

        sign_in(running, page, owner)
        page.get_by_role("link", name="Reviews (2)").click()
        expect(page.get_by_role("heading", name="Ledgers, autumn")).to_be_visible()
        look(page)
        page.get_by_role("link", name=ben.email).click()
        page.get_by_role("link", name="Hand on").click()
        look(page)
        page.get_by_role("link", name="Cancel").click()
        page.get_by_role("link", name="Back").click()
        page.get_by_label("Ben Bookkeeper → Ledgers").check()
        page.get_by_role("button", name="Answer the ticked ones as suggested").click()
        expect(page.get_by_role("heading", name="Ben Bookkeeper → Ledgers")).to_be_visible()
        look(page)
        page.get_by_role("button", name="Answer them").click()
        expect(page.get_by_text("1 is answered as suggested.")).to_be_visible()
        page.get_by_role("link", name=ada.email).click()
        expect(page.get_by_text("Vault (view, edit, delete, connect)")).to_be_visible()
        look(page)
        page.get_by_label("Why").fill("Moved to sales")
        page.get_by_role("button", name="Remove").click()
        expect(page.get_by_text("Your answer for Ada Accountant is noted.")).to_be_visible()

        def settled() -> bool:
            found = running.operator(f"{REVIEWS}:get_campaign", campaign, acting=False)
            return bool(found["progress"]["open"] == 0)

        running.eventually(settled, "the worker has carried it out and read it back")
        running.in_force()
        assert at_work.open("vault").status_code == 403, "what was read back is so at the gateway"
        _refused_to_others(running, campaign, at_work)
        _closed_and_checked(running, admin, campaign, ada, ben)


def _refused_to_others(running: RunningInstance, campaign: str, own: Client) -> None:
    items = running.operator(f"{REVIEWS}:list_items", campaign, acting=False)["items"]
    assert own.get("id", f"/reviews/{items[0]['id']}").status_code == 404, "nobody sees the review of their own access"
    assert own.get("admin", f"/reviews/{campaign}/report").status_code in {302, 403}
    with pytest.raises(OperatorRefused, match="AlreadyAnswered"):
        running.operator(f"{REVIEWS}:answer_item", item_id=items[0]["id"], answer="keep")


def _closed_and_checked(running: RunningInstance, admin: Client, campaign: str, ada: Made, ben: Made) -> None:
    shown = admin.get("admin", f"/reviews/{campaign}/")
    assert "Done and read back" in shown.text
    form = admin.get("admin", f"/reviews/{campaign}/close")
    closed = admin.post("admin", f"/reviews/{campaign}/close", form, statement="What remains is right")
    assert closed.status_code == 302, closed.text
    signed, drawn = running.folder / "review.jws.json", running.folder / "review.pdf"
    for path, kind in ((signed, "signed"), (drawn, "pdf")):
        path.write_bytes(admin.get("admin", f"/reviews/{campaign}/report?form={kind}").content)
    said = json.loads(running.command("review", "verify", str(signed), "--pdf", str(drawn), "--json"))
    assert said["good"] is True
    items = {one["email"]: one for one in said["report"]["items"]}
    assert items[ben.email]["state"] == "kept"
    assert items[ada.email]["comment"] == "Moved to sales"
    read_back = items[ada.email]["read_back"]
    assert [(one["app"], one["actions"]) for one in read_back["gone"]] == [
        ("vault", ["connect", "delete", "edit", "view"])
    ]
    assert read_back["still"] == []
    public = running.folder / "review-key.pem"
    public.write_text(running.command("audit", "public-key"))
    changed = running.folder / "changed.jws.json"
    changed.write_text(signed.read_text().replace('"payload": "', '"payload": "A', 1))
    painted, again = running.folder / "painted.pdf", running.folder / "again.pdf"
    painted.write_bytes(drawn.read_bytes() + b"\n% other words\n")
    told = running.command_any("review", "verify", str(signed), "--key", str(public), "--pdf", str(painted))
    assert (told.returncode, "was changed" in told.stderr) == (5, True), told.stderr
    running.command("review", "verify", str(signed), "--key", str(public), "--draw", str(again))
    assert again.read_bytes() == drawn.read_bytes(), "the same report gives the same document, wherever it is drawn"
    assert "Good: the final report" in running.command_any("review", "verify", str(signed), "--key", str(public)).stderr
    for words in (("--key", str(public)), ()):
        assert running.command_any("review", "verify", str(changed), *words).returncode == 5
    register = json.loads(running.command("review", "register", "--json"))
    held = [one for one in register if one["email"] == ben.email]
    assert [(one["right"], one["app"], one["rules"]) for one in held] == [
        ("ledgers", "vault", ["ledgers-open-the-vault"])
    ]
    assert not [one for one in register if one["email"] == ada.email]
    happened = json.dumps(running.control_events())
    assert all(words in happened for words in ("access review Ledgers, autumn", "report_sha256", "read_back"))
