"""Lesson 4: no User-Agent and no probe gets a favour."""

import pytest
from tests.running_instance import RunningInstance

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]

AGENTS = (
    "kube-probe/1.30",
    "ELB-HealthChecker/2.0",
    "GoogleHC/1.0",
    "Envoy/HC",
    "Googlebot/2.1 (+http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0)",
    "Consul Health Check",
    "curl/8.0",
    "ostiary",
    "",
)
PATHS = ("/", "/health", "/healthz", "/ready", "/.well-known/x", "/robots.txt", "/favicon.ico", "/ping")


@pytest.mark.parametrize("agent", AGENTS)
def test_everybody_is_asked_who_they_are(running: RunningInstance, agent: str) -> None:
    before = running.echo.requests.total()
    for path in PATHS:
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = running.raw_path("wiki", path, f"User-Agent: {agent}", "X-Envoy-Health: 1", method=method)
            assert answer.status == 401, (path, method)
    assert running.echo.requests.total() == before


@pytest.mark.parametrize("agent", AGENTS[:3])
def test_who_is_signed_in_passes_with_any_agent(running: RunningInstance, agent: str) -> None:
    ada = running.signed_in(running.make_person("staff")).enter("wiki")
    assert ada.api("wiki", **{"user-agent": agent}).status_code == 200
    assert ada.api("files", "/private", **{"user-agent": agent}).status_code in {401, 403}
