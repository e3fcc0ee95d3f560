"""The how-to for other proxies, followed to the letter: its own configuration, real nginx and Caddy, a real app."""

import json
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from tests.decider_company import ANNA, BEN, company, session
from tests.decider_process import Running
from tests.ports import free_port

from ostiary.policy.snapshot import Snapshot

HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "forward-auth.md"
HOST = "wiki.example.test"
DEADLINE_SECONDS = 60
NGINX_FRAME = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  {site}
}}
"""


class Echo(BaseHTTPRequestHandler):
    """An app that says what it received."""

    def answer(self) -> None:
        body = json.dumps({"path": self.path, "headers": [[k.lower(), v] for k, v in self.headers.items()]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer  # noqa: N815 - the names are the library's

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def decisions() -> Iterator[Running]:
    running = Running()
    try:
        running.until(running.decides)
        yield running
    finally:
        running.stop()


def configuration(language: str, decisions: Running, upstream: int) -> str:
    found = re.search(rf"```{language}\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    text = (
        found[1]
        .replace("10.0.0.5:8080", f"127.0.0.1:{upstream}")
        .replace("127.0.0.1:9100", f"127.0.0.1:{decisions.port}")
    )
    return text.replace("wiki.example.com", HOST)


def command_for(proxy: str, folder: Path, port: int, decisions: Running, upstream: int) -> list[str]:
    program = shutil.which(proxy)
    if program is None:
        pytest.fail(f"{proxy} is needed: apt-get install -y nginx-light caddy")
    if proxy == "nginx":
        site = configuration("nginx", decisions, upstream).replace("listen 443 ssl;", f"listen 127.0.0.1:{port};")
        (folder / "nginx.conf").write_text(NGINX_FRAME.format(folder=folder, site=site))
        return [program, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    site = configuration("caddy", decisions, upstream).replace(f"{HOST} {{", f"http://{HOST}:{port} {{\nbind 127.0.0.1")
    (folder / "Caddyfile").write_text("{\nadmin off\nauto_https off\n}\n" + site)
    return [program, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, decisions: Running, upstream: int
) -> Iterator[httpx.Client]:
    folder, port = tmp_path_factory.mktemp(request.param), free_port()
    log = (folder / "out.log").open("wb")
    environment = {
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "PATH": "/usr/bin",
    }
    process = subprocess.Popen(
        command_for(request.param, folder, port, decisions, upstream), stdout=log, stderr=log, env=environment
    )
    try:
        wait_for_port(port, process, folder)
        wait_for_port(decisions.port, process, folder)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"host": HOST}) as client:
            yield client
    finally:
        process.terminate()
        process.wait(60)
        log.close()


def wait_for_port(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        said = "".join(path.read_text(errors="replace") for path in folder.glob("*.log"))
        assert process.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.05)


def received(response: httpx.Response, name: str) -> list[str]:
    assert response.status_code == 200, response.text
    return [value for key, value in response.json()["headers"] if key == name]


@pytest.mark.e2e
def test_the_app_sees_who_it_is_and_none_of_our_cookies(client: httpx.Client, decisions: Running) -> None:
    forged = {"x-ostiary-assertion": "forged", "remote-user": "root"}
    response = client.get("/a?b=c", headers={"cookie": f"theme=dark; {decisions.cookie()}", **forged})
    assert received(response, "remote-user") == ["anna@example.test"]
    (assertion,) = received(response, "x-ostiary-assertion")
    assert assertion.count(".") == 2
    assert response.json()["path"] == "/a?b=c"
    cookies = "; ".join(received(response, "cookie"))
    assert "theme=dark" in cookies
    assert "ostiary" not in cookies


@pytest.mark.e2e
def test_posts_reach_the_app(client: httpx.Client, decisions: Running) -> None:
    assert client.post("/a", content=b"x" * 10_000, headers={"cookie": decisions.cookie()}).status_code == 200


@pytest.mark.e2e
def test_nobody_gets_in_without_a_session(client: httpx.Client) -> None:
    begun = client.get("/page", headers={"sec-fetch-mode": "navigate"})
    assert begun.status_code == 302
    assert begun.headers["location"].startswith("https://id.example.test/continue?app=wiki&")
    assert begun.headers["set-cookie"].startswith("__Host-ostiary-begin=")
    told = client.post("/page", content=b"x", headers={"remote-user": "root", "x-forwarded-uri": "/public"})
    assert told.status_code == 401
    assert told.json()["reason"] == "unauthenticated"


@pytest.mark.e2e
def test_a_refusal_is_explained(client: httpx.Client, decisions: Running) -> None:
    cookie = decisions.cookies.cookie(BEN, "wiki")
    page = client.get("/", headers={"cookie": cookie, "sec-fetch-mode": "navigate"})
    assert page.status_code == 403
    assert "Wiki is not open to you" in page.text
    assert "Reference" in page.text


@pytest.mark.e2e
def test_paths_that_could_be_read_in_two_ways_are_refused(client: httpx.Client, decisions: Running) -> None:
    for path in (b"/a/%2e%2e/b", b"//a", b"/a%2fb", b"/a%5cb", b"/a/..;/b"):
        url = client.base_url.copy_with(raw_path=path)
        assert client.get(url, headers={"cookie": decisions.cookie()}).status_code == 400, path


@pytest.mark.e2e
def test_our_own_pages_are_reached_and_the_question_itself_is_not(client: httpx.Client, decisions: Running) -> None:
    assert client.get("/.ostiary/static/tokens.css").status_code == 200
    assert client.get("/.well-known/ostiary/jwks.json").json()["keys"]
    for path in ("/.ostiary/decide", "/forward-auth/caddy", "/health", "/metrics"):
        response = client.get(path, headers={"x-forwarded-uri": "/", "x-forwarded-host": HOST})
        assert response.status_code in {401, 404}, path


@pytest.mark.e2e
def test_a_revoked_session_is_refused(client: httpx.Client, decisions: Running) -> None:
    cookie = {"cookie": decisions.cookie()}
    assert client.get("/", headers=cookie).status_code == 200
    without: Snapshot = company(sessions=(session(BEN),))
    decisions.generation += 1
    decisions.publish(decisions.generation, sessions=tuple(without.sessions.sessions.values()))
    decisions.until(lambda: client.get("/", headers=cookie).status_code == 401)
    decisions.generation += 1
    decisions.publish(decisions.generation, sessions=(session(ANNA), session(BEN)))
    decisions.until(lambda: client.get("/", headers=cookie).status_code == 200)
