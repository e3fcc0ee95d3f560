"""A trusted transmitter tells a running instance: the next request is refused and streams end, as when it is done here."""

import json
import ssl
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from tests.running_instance import Client, RunningInstance, reached
from tests.signal_transmitter import CAEP, RISC, TOKEN, ForeignTransmitter, by_email

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
NAME = "idp"
REVOKED = f"{CAEP}session-revoked"


class Told:
    """A transmitter that a running instance listens to."""

    def __init__(self, running: RunningInstance, foreign: ForeignTransmitter, name: str = NAME) -> None:
        self.running, self.foreign = running, foreign
        file = running.folder / "signals.token"
        file.write_text(TOKEN)
        added = running.command(
            "signal", "transmitter", "add", name, "--issuer", foreign.issuer, "--audience", foreign.audience,
            "--may", "disable", "--email-domain", "corp.test", "--token-file", str(file), "--json",
        )  # fmt: skip
        self.token = json.loads(added)["token"]
        self.url = json.loads(added)["url"]
        self.client = running.client()

    def tell(self, event: str, account: Any, payload: Any = None) -> httpx.Response:
        token = self.foreign.event(event, by_email(account.email), payload)
        return self.send(token, f"Bearer {self.token}")

    def send(self, token: str, authorization: str = "") -> httpx.Response:
        headers = {"content-type": "application/secevent+jwt"}
        headers |= {"authorization": authorization} if authorization else {}
        return self.client.browser.send("POST", self.url, content=token.encode(), headers=headers)


@pytest.fixture(scope="module")
def told(running: RunningInstance) -> Iterator[Told]:
    foreign = ForeignTransmitter()
    yield Told(running, foreign)
    running.command("signal", "transmitter", "remove", NAME, "--yes")
    foreign.stop()


@pytest.fixture(scope="module")
def management(running: RunningInstance) -> Iterator[Told]:
    """A device management beside the identity provider: each is held by itself when it tells of too many people."""
    foreign = ForeignTransmitter()
    yield Told(running, foreign, "mdm")
    running.command("signal", "transmitter", "remove", "mdm", "--yes")
    foreign.stop()


def open_stream(client: Client) -> ssl.SSLSocket:
    running = client.running
    socket = running.connect("wiki")
    lines = (
        "GET /events HTTP/1.1",
        f"Host: {running.host('wiki')}:{running.https_port}",
        f"Cookie: {client.browser.cookie_header(running.host('wiki'))}",
        "Accept: text/event-stream",
    )
    socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    assert b" 200 " in socket.recv(65536)
    return socket


def ends(socket: ssl.SSLSocket) -> bool:
    with suppress(ConnectionError, ssl.SSLError):
        try:
            while socket.recv(65536):
                pass
        except TimeoutError:
            return False
    return True


def test_after_a_signal_the_next_request_is_refused_and_streams_end(running: RunningInstance, told: Told) -> None:
    ada, bo = (running.signed_in(running.make_person("staff")).enter("wiki") for _ in range(2))
    with open_stream(ada) as stream:
        answer = told.tell(REVOKED, ada.account, {"reason_admin": {"en": "stolen laptop"}})
        assert answer.status_code == 202, answer.text
        assert answer.content == b""
        running.in_force()
        assert not reached(ada.api("wiki")), "with session and grant in hand"
        assert ends(stream)
    assert ada.get("id", "/profile").status_code == 302
    assert reached(bo.api("wiki")), "nobody else is touched"
    (seen,) = json.loads(running.command("signal", "events", ada.account.email, "--json"))
    assert (seen["transmitter"], seen["outcome"], seen["words"]) == (NAME, "sessions_ended", "stolen laptop")
    assert any(f"session-revoked from {NAME}" in str(event) for event in running.control_events())


def test_a_credential_that_was_withdrawn_ends_access(running: RunningInstance, told: Told) -> None:
    ada = running.signed_in(running.make_person("staff")).enter("wiki")
    withdrawn = {"credential_type": "password", "change_type": "revoke"}
    assert told.tell(f"{CAEP}credential-change", ada.account, withdrawn).status_code == 202
    running.in_force()
    assert not reached(ada.api("wiki")), "with session and grant in hand"


def test_a_device_that_is_not_compliant_any_more_ends_its_persons_access(
    running: RunningInstance, management: Told
) -> None:
    ada = running.signed_in(running.make_person("staff")).enter("wiki")
    subject = {"format": "complex", "user": by_email(ada.account.email), "device": {"format": "opaque", "id": "laptop"}}
    event = f"{CAEP}device-compliance-change"
    lost = management.foreign.event(event, subject, {"previous_status": "compliant", "current_status": "not-compliant"})
    assert management.send(lost, f"Bearer {management.token}").status_code == 202
    running.in_force()
    assert not reached(ada.api("wiki")), "with session and grant in hand"
    (seen,) = json.loads(running.command("signal", "events", ada.account.email, "--json"))
    assert (seen["transmitter"], seen["event"], seen["outcome"]) == (
        "mdm",
        "device-compliance-change",
        "sessions_ended",
    )


def test_a_disabled_account_is_shut_and_opens_again(running: RunningInstance, told: Told) -> None:
    made = running.make_person("staff")
    ada = running.signed_in(made).enter("wiki")
    assert told.tell(f"{RISC}account-disabled", made).status_code == 202
    running.in_force()
    assert not reached(ada.api("wiki"))
    assert '"active": false' in running.command("user", "show", made.email, "--json")
    assert told.tell(f"{RISC}account-enabled", made).status_code == 202
    assert '"active": true' in running.command("user", "show", made.email, "--json")


def test_nobody_else_tells_anything(running: RunningInstance, told: Told) -> None:
    ada = running.signed_in(running.make_person("staff")).enter("wiki")
    good = told.foreign.event(REVOKED, by_email(ada.account.email))
    for authorization in ("", "Bearer ostiary_x", f"Basic {told.token}"):
        refused = told.send(good, authorization)
        assert (refused.status_code, refused.json()["err"]) == (401, "authentication_failed")
    other = ForeignTransmitter()
    other.stop()
    forged = other.sign({**told.foreign.claims(REVOKED, by_email(ada.account.email))})
    assert told.send(forged, f"Bearer {told.token}").json()["err"] == "invalid_key"
    big = told.client.browser.send(
        "POST", told.url, content=b"x" * 300_000,
        headers={"content-type": "application/secevent+jwt", "authorization": f"Bearer {told.token}"},
    )  # fmt: skip
    assert big.status_code in {400, 413}
    assert ada.get("id", "/ssf/streams").status_code == 401, "a signed-in browser is no receiver"
    running.in_force()
    assert reached(ada.api("wiki"))
