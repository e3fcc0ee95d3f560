"""What somebody who looks after the gateway does: commands on the machine, and the console.

Each function is a step; its first line is the step's name.
"""

import time

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from ostiary.demo.walk.browser import words_of
from ostiary.demo.walk.checks import command, command_json, expect, expect_status
from ostiary.demo.walk.passkey import Passkey
from ostiary.demo.walk.streams import open_socket
from ostiary.demo.walk.tour import Tour


def reference_found(tour: Tour) -> str:
    """The reference finds the decision in the record."""
    expect(tour.reference, "there is no reference to look for")
    said = command(tour.instance, "audit", "show", tour.reference)
    expect(tour.reference in said, f"another decision was found: {said[:200]}")
    expect("jonas" in said.lower(), f"the decision does not name Jonas: {said[:200]}")
    return f"ostiary audit show {tour.reference}"


def revoked(tour: Tour) -> str:
    """Mateo is signed out by an operator: his very next request is refused."""
    expect_status(tour.mateo.open(tour.url("inspector")), 200)
    expect_status(tour.mateo.browser.send("GET", tour.url("inspector")), 200)
    link = open_socket(tour.mateo.browser, tour.url("inspector", "/socket"))
    command(tour.instance, "session", "revoke", "--person", tour.mateo.account.email, "--yes")
    began = time.monotonic()
    answer = tour.mateo.browser.send("GET", tour.url("inspector"))
    expect(answer.status_code in (302, 401), f"the next request answers {answer.status_code}")
    took = (time.monotonic() - began) * 1000
    cuts = bool(command_json(tour.instance, "status")["streams_cut"])
    return f"refused in {took:.0f} ms; {_fate(link, cuts=cuts)}"


def _fate(link: ClientConnection, *, cuts: bool) -> str:
    try:
        link.recv(timeout=5)
    except ConnectionClosed:
        return "the WebSocket was cut"
    except TimeoutError:
        link.close()
        expect(not cuts, "the WebSocket of somebody who was signed out is still open")
        return "the WebSocket ends at its bounded lifetime, for the kernel may not be told to cut it"
    return "the WebSocket said something"


def console(tour: Tour) -> str:
    """Nadia opens the console with a passkey."""
    passkey = Passkey(tour.instance.home / "walk-passkey.json")
    page = tour.nadia.open(tour.instance.url(tour.instance.console_host))
    if not passkey.exists:
        page = tour.nadia.open(tour.instance.url(tour.instance.identity_host, "/set-up/passkey"))
        tour.nadia.give_passkey(page, passkey)
        page = tour.nadia.open(tour.instance.url(tour.instance.console_host))
    if str(page.request.url).startswith(tour.id_url):
        page = tour.nadia.give_passkey(page, passkey)
    expect_status(page, 200)
    expect(str(page.request.url) == tour.instance.url(tour.instance.console_host), f"landed on {page.request.url}")
    return words_of(page, 120)


def status(tour: Tour) -> str:
    """Status finds nothing wrong."""
    standing = command_json(tour.instance, "status")
    expect(not standing["problems"], "; ".join(standing["problems"]))
    return f"{len(standing['processes'])} processes, {standing['resident_mib']:.0f} MiB, generation {standing['facts']['generation']}"


def record_verified(tour: Tour) -> str:
    """The record verifies, line by line."""
    said = command(tour.instance, "audit", "verify")
    return " ".join(said.split())[:200]
