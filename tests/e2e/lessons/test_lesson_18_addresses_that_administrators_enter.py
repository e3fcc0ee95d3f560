"""Lesson 18: an address that an administrator enters leads neither to a cloud's credentials nor to the gateway itself, and
what answers there cannot send us elsewhere."""

import hashlib

import pytest
from tests.running_instance import IDENTITY, RunningInstance, location
from tests.running_upstreams import Answer
from tests.workload_asking import FACADE, JWT_BEARER, Program
from tests.workload_issuer import WorkloadIssuer

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
ADD = "ostiary.applications.facade:add_app"
REFUSED = (
    "http://169.254.169.254",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2",
    "http://[fe80::1]",
    "http://[fd00:ec2::254]",
    "http://100.100.100.200",
    "http://168.63.129.16",
    "http://192.0.0.192",
    "http://metadata.google.internal",
    "http://metadata",
    "http://[::ffff:169.254.169.254]",
    "http://[::ffff:a9fe:a9fe]",
    "http://[2002:a9fe:a9fe::1]",
    "http://[64:ff9b::a9fe:a9fe]",
    "http://[::a9fe:a9fe]",
    "http://[2001:0:a9fe:a9fe::1]",
    "http://2852039166",
    "http://0xa9fea9fe",
    "http://0251.0376.0251.0376",
    "http://169.254.43518",
    "http://169.254.169.254.",
    "http://metadata.google.internal.",
    "http://0.0.0.0:8080",
    "http://[::]:8080",
    "http://224.0.0.1",
    "http://255.255.255.255",
    "file:///etc/passwd",
    "unix:///run/x.sock",
    "gopher://10.0.0.5",
    "http://user:secret@10.0.0.5",
    "http://10.0.0.5#@169.254.169.254",
    "http://10.0.0.5\\@169.254.169.254",
    "http://10.0.0.5:0",
    "http://10.0.0.5/../x",
    "http:// 10.0.0.5",
    "http://10.0.0.5\r\nHost: x",
    "http://ⓔxample.test",
    "",
)


@pytest.mark.parametrize("url", REFUSED)
def test_no_app_is_put_there(running: RunningInstance, url: str) -> None:
    with pytest.raises(Exception, match="UnusableApp"):
        running.operator(ADD, "sneaky", upstream=url, name="Sneaky")


def test_no_app_is_the_gateway_itself(running: RunningInstance) -> None:
    for url in (
        f"https://127.0.0.1:{running.https_port}",
        f"http://localhost:{running.http_port}",
        f"https://[::1]:{running.https_port}",
        f"https://127.1.2.3:{running.https_port}",
        running.url("id").rstrip("/"),
        running.url("admin").rstrip("/"),
        running.url("wiki").rstrip("/"),
    ):
        with pytest.raises(Exception, match="UnusableApp"):
            running.operator(ADD, "sneaky", upstream=url, name="Sneaky")


def test_the_console_refuses_them_too_and_takes_an_ordinary_one(running: RunningInstance) -> None:
    admin = running.administrator()
    form = admin.open("admin", "/apps/add")
    for url in REFUSED[:8]:
        answer = admin.post("admin", "/apps/add", form, app_id="sneaky", name="Sneaky", upstream=url)
        assert answer.status_code in {200, 422}, "the form comes back"
        assert admin.get("admin", "/apps/sneaky/").status_code == 404
    plain = f"http://127.0.0.1:{running.echo.port}"
    fields = {"app_id": "ordinary", "name": "Ordinary", "upstream": plain, "verify_tls": "on"}
    answer = admin.post("admin", "/apps/add", form, **fields)
    assert answer.status_code == 302, answer.text
    assert admin.get("admin", "/apps/ordinary/").status_code == 200
    running.operator("ostiary.applications.facade:remove_app", "ordinary")


def test_an_app_that_redirects_takes_the_gateway_nowhere(running: RunningInstance) -> None:
    ada = running.signed_in(running.make_person("staff")).enter("told")
    before = running.echo.requests.total()
    for status in ("301", "302", "303", "307", "308"):
        answer = ada.get("told", f"/?status={status}&Location={running.echo.url}/secret")
        assert answer.status_code == int(status)
        assert location(answer) == f"{running.echo.url}/secret", "it is the browser's to follow"
    assert running.echo.requests.total() == before


def accept_invitation(running: RunningInstance, password: str) -> tuple[int, str]:
    number = next(running._numbers)
    link = running.operator(f"{IDENTITY}:invite_person", email=f"invited-{number}@corp.test")["link"]
    client = running.client()
    answer = client.post("id", "/invitation/password", client.browser.open(link), password=password)
    return answer.status_code, answer.text


def test_the_service_of_breached_passwords_is_asked_and_believed(running: RunningInstance) -> None:
    password = "harbour thistle granite owl"
    running.breached.add(hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper())
    asked = len(running.ranges.asked)
    status, _ = accept_invitation(running, password)
    assert status == 200, "the form comes back"
    assert len(running.ranges.asked) == asked + 1
    assert accept_invitation(running, "harbour thistle granite emu")[0] == 302


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_it_sends_us_nowhere(running: RunningInstance, status: int) -> None:
    """Redirected to a plain address inside: nothing is asked there, and the password is judged without the service."""
    inside = f"http://127.0.0.1:{running.told.port}/inside"

    def elsewhere(_: str) -> Answer:
        return status, [("location", inside)], b""

    running.ranges.answer = elsewhere
    asked, told = len(running.ranges.asked), len(running.told.asked)
    try:
        assert accept_invitation(running, "bramble copper lantern quay")[0] == 302
    finally:
        running.ranges.answer = running.answer_range
    assert len(running.ranges.asked) == asked + 1
    assert len(running.told.asked) == told


def test_a_flood_for_an_answer_fills_no_memory(running: RunningInstance) -> None:
    running.ranges.answer = lambda _: (200, [], b"0" * (64 * 1024 * 1024))
    before = running.resident_bytes("control")
    try:
        assert accept_invitation(running, "bramble copper lantern pier")[0] == 302
    finally:
        running.ranges.answer = running.answer_range
    assert running.resident_bytes("control") < before + 48 * 1024 * 1024


def test_no_issuers_keys_are_fetched_from_there(running: RunningInstance) -> None:
    """Addresses of issuers are https and judged when they are asked; a job's token for each is handed in."""
    robot = Program(running, "robot", owner=running.make_person("staff").email)
    robot_url = running.url("id", "")
    with WorkloadIssuer(running.folder) as issuer:
        for number, url in enumerate(one.replace("http://", "https://", 1) for one in REFUSED[:24]):
            if number and number % 8 == 0:
                running.operator(f"{FACADE}:remove_service", "robot")
                robot = Program(running, "robot", owner=running.make_person("staff").email)
            running.operator(f"{FACADE}:add_trust", "robot", issuer=url, audience="a", claims={"sub": "job"})
            token = issuer.token(iss=url, aud=robot_url, sub="job")
            answer = robot.post(grant_type=JWT_BEARER, client_id="robot", assertion=token)
            assert answer.json()["error"] == "invalid_grant", url
            words = answer.json()["error_description"]
            assert "nowhere" in words, (url, words)
    running.operator(f"{FACADE}:remove_service", "robot")
