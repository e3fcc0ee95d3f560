"""What programs do: file clients, calendars, and those who try to deceive the gateway.

Each function is a step; its first line is the step's name.
"""

import json
import secrets

import httpx

from ostiary.demo.walk.browser import words_of
from ostiary.demo.walk.checks import expect, expect_status
from ostiary.demo.walk.tour import REFERENCE, Tour

FORGED = (
    ("X-Ostiary-Assertion", "forged"),
    ("x_ostiary_assertion", "forged"),
    ("X-Ostiary-Peer", "10.0.0.1:1"),
    ("X-Remote-User", "nadia.haddad@lindenhof.example"),
    ("X-Forwarded-For", "10.9.8.7"),
    ("X-Forwarded-Host", "admin.localhost"),
)


def web_dav(tour: Tour) -> str:
    """Shared files: a file is put, found, moved and removed by WebDAV."""
    name = f"walk-{secrets.token_hex(4)}.txt"
    one, other = tour.url("files", f"/minutes/{name}"), tour.url("files", f"/minutes/moved-{name}")
    send = tour.ilse.browser.send
    expect_status(send("PUT", one, content=b"minutes of the walk"), 201)
    found = send("PROPFIND", tour.url("files", "/minutes/"), headers={"depth": "1"})
    expect_status(found, 207)
    expect(name in found.text, "PROPFIND does not list it")
    expect_status(send("MOVE", one, headers={"destination": other}), 201)
    expect(send("GET", other).text == "minutes of the walk", "the moved file is another one")
    expect_status(send("DELETE", other), 204)
    expect_status(send("GET", other), 404)
    return "PUT 201, PROPFIND 207, MOVE 201, GET 200, DELETE 204"


def cal_dav(tour: Tour) -> str:
    """Calendar: an event is put and found by CalDAV."""
    expect_status(tour.ilse.open(tour.url("calendar", "/.web/")), 200)
    send = tour.ilse.browser.send
    calendar = tour.url("calendar", f"/{tour.ilse.account.email}/walk-{secrets.token_hex(4)}/")
    uid = secrets.token_hex(8)
    event = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//walk//EN\r\nBEGIN:VEVENT\r\n"
        f"UID:{uid}\r\nDTSTAMP:20261122T080000Z\r\nDTSTART:20261123T090000Z\r\nDTEND:20261123T100000Z\r\n"
        "SUMMARY:Calibration of bench 3\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    query = (
        '<c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:prop><c:calendar-data/></d:prop>'
        '<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"/></c:comp-filter></c:filter>'
        "</c:calendar-query>"
    )
    expect_status(send("MKCALENDAR", calendar), 201)
    put = send("PUT", f"{calendar}{uid}.ics", content=event, headers={"content-type": "text/calendar"})
    expect_status(put, 201)
    found = send("REPORT", calendar, content=query, headers={"depth": "1", "content-type": "application/xml"})
    expect_status(found, 207)
    expect("Calibration of bench 3" in found.text, "REPORT does not find the event")
    foreign = send("PROPFIND", tour.url("calendar", f"/{tour.mateo.account.email}/"), headers={"depth": "1"})
    expect_status(foreign, 403, 404)
    expect_status(send("DELETE", calendar), 200, 204)
    return f"MKCALENDAR 201, PUT 201, REPORT 207, a colleague's calendar {foreign.status_code}"


def forged_headers(tour: Tour) -> str:
    """The application sees who it is, and nothing that was forged."""
    expect_status(tour.ilse.open(tour.url("inspector")), 200)
    names = []
    for name, value in FORGED:
        headers = {"accept": "application/json", name: value}
        try:
            answer = tour.ilse.browser.send("GET", tour.url("inspector"), headers=headers)
        except httpx.RemoteProtocolError:
            names.append(f"{name} (refused)")
            continue
        expect_status(answer, 200)
        seen = answer.json()
        expect(value not in json.dumps(seen), f"{name}: {value} reached the application")
        expect(seen["assertion"].get("email") == tour.ilse.account.email, "the assertion is not Ilse's")
        names.append(name)
    cookies = [value for name, value in answer.json().get("headers", []) if name == "cookie"]
    expect(not any("ostiary" in value for value in cookies), "a cookie of the gateway reached the application")
    return "removed or refused: " + ", ".join(names)


def disguised_paths(tour: Tour) -> str:
    """A path written in disguise never passes as another."""
    expect_status(tour.ilse.open(tour.url("payroll", "/salaries/")), 200)
    seen = []
    for path in (
        "/salaries/..;/payments/x",
        "/salaries/%2e%2e/payments/x",
        "/salaries/%2Fpayments",
        "/salaries/%5C",
    ):
        answer = tour.ilse.browser.send("GET", tour.url("payroll", path), headers={"accept": "application/json"})
        expect(answer.status_code in (400, 403), f"{path} answers {answer.status_code}")
        seen.append(f"{path} {answer.status_code}")
    return ", ".join(seen)


def program_refused(tour: Tour) -> str:
    """A program is refused with a reason it can read."""
    answer = tour.jonas.browser.send("GET", tour.url("payroll", "/salaries/"), headers={"accept": "application/json"})
    expect_status(answer, 403)
    expect(answer.headers["content-type"].startswith("application/problem+json"), "it is no problem+json")
    problem = answer.json()
    expect(problem.get("reason") and REFERENCE.fullmatch(problem.get("reference", "")), f"it says only {problem}")
    return f"{problem['reason']}: {problem['detail']}"


def archive_stays(tour: Tour) -> str:
    """A rule keeps the archive as it is, whoever asks."""
    put = tour.ilse.browser.send("PUT", tour.url("files", "/archive/2019-annual-report.txt"), content=b"changed")
    expect_status(put, 403)
    still = tour.ilse.browser.send("GET", tour.url("files", "/archive/2019-annual-report.txt"))
    expect("Kept unchanged" in still.text, "the file was changed")
    return words_of(put, 120)
