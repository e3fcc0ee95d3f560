"""What happens on somebody's laptop: it is enrolled, opens what wants a healthy computer, is not healthy any more, and is mended.

Each function is a step; its first line is the step's name.
"""

import time

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from ostiary.demo.walk.browser import WalkFailed, form_with, words_of
from ostiary.demo.walk.checks import command, command_json, expect, expect_status
from ostiary.demo.walk.laptop import NAME
from ostiary.demo.walk.streams import open_socket
from ostiary.demo.walk.tour import Tour

ENDS_SECONDS = 30
OPENS_SECONDS = 30


def enrolled(tour: Tour) -> str:
    """Ilse enrols a laptop: it shows a code, and she types that in her browser."""
    if not tour.laptop.device:
        tour.laptop.enrol(lambda code: _confirm(tour, code))
        command(tour.instance, "device", "approve", tour.laptop.device, "--reason", "Handed out by the office")
    until = tour.laptop.renew()
    return f"{tour.laptop.device}, with a certificate until {time.strftime('%H:%M', time.localtime(until))} tomorrow"


def opens_there_alone(tour: Tour) -> str:
    """The live readings open on that laptop, and in no other browser of hers."""
    tour.laptop.report()
    elsewhere = tour.ilse.open(tour.url("readings"))
    expect_status(elsewhere, 403)
    tour.on_laptop = tour.ilse_on(tour.laptop.proof)
    page = _patiently(tour, 200)
    expect("Test bench" in page.text, f"the readings say something else: {words_of(page)}")
    return f"elsewhere: {words_of(elsewhere, 120)}"


def cut(tour: Tour) -> str:
    """Its disk encryption is switched off: the WebSocket ends, and the page says why and how to mend it."""
    visitor = tour.on_laptop
    if visitor is None:
        raise WalkFailed("Nobody is at the laptop.")
    cuts = bool(command_json(tour.instance, "status")["streams_cut"])
    link = open_socket(visitor.browser, tour.url("readings", "/live"))
    link.recv(timeout=ENDS_SECONDS)
    began = time.monotonic()
    tour.laptop.report(disk_encrypted=False)
    if cuts:
        _until_ended(link)
        fate = f"the WebSocket was cut within {(time.monotonic() - began) * 1000:.0f} ms of the laptop saying so"
    else:
        fate = "the WebSocket ends at its bounded lifetime, for the kernel may not be told to cut it"
        link.close()
    page = _patiently(tour, 403)
    expect("/devices/mend" in page.text, f"it does not say how to mend it: {words_of(page)}")
    return f"{fate}; {words_of(page, 120)}"


def mended(tour: Tour) -> str:
    """Switched on again, it opens again."""
    tour.laptop.report()
    began = time.monotonic()
    _patiently(tour, 200)
    return f"after {time.monotonic() - began:.1f} s"


def _confirm(tour: Tour, code: str) -> None:
    """Type the code of a computer into Ilse's browser, look at what asks, and say that it is hers."""
    page = tour.ilse.browser.open(tour.instance.url(tour.instance.identity_host, "/devices/enrol"))
    asked = tour.ilse.browser.submit(page, form_with(page, "code"), code=code)
    expect(NAME in asked.text, f"something else asks: {words_of(asked)}")
    done = tour.ilse.browser.submit(asked, form_with(asked, "seen"), answer="yes")
    expect_status(done, 200)


def _patiently(tour: Tour, status: int) -> httpx.Response:
    """Open the readings on the laptop until they answer so: what is better is known within seconds, what is worse within a fraction of one."""
    visitor = tour.on_laptop
    if visitor is None:
        raise WalkFailed("Nobody is at the laptop.")
    end = time.monotonic() + OPENS_SECONDS
    page = visitor.open(tour.url("readings"))
    while page.status_code != status and time.monotonic() < end:
        time.sleep(0.1)
        page = visitor.open(tour.url("readings"))
    expect_status(page, status)
    return page


def _until_ended(link: ClientConnection) -> None:
    end = time.monotonic() + ENDS_SECONDS
    while time.monotonic() < end:
        try:
            link.recv(timeout=ENDS_SECONDS)
        except (ConnectionClosed, TimeoutError) as error:
            expect(isinstance(error, ConnectionClosed), "the WebSocket says nothing, and has not ended")
            return
    raise WalkFailed(f"The WebSocket is still open after {ENDS_SECONDS} seconds.")
