"""A relying party that others wrote (npm openid-client) as a real process: it checks everything, and is content."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.oidc_party import Party, add_party
from tests.openid_directory import NODE
from tests.running_instance import Client, RunningInstance

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
FOLDER = Path(__file__).parents[2] / "relying_party"


@pytest.fixture(scope="module")
def node(running: RunningInstance, books: Party) -> Party:
    return add_party(running, "node")


@pytest.mark.parametrize("basic", [False, True])
def test_openid_client_signs_somebody_in(running: RunningInstance, node: Party, basic: bool) -> None:
    browser = running.signed_in(running.make_person("staff"))
    said = sign_in(running, node, browser, basic=basic)
    assert browser.account is not None
    assert (said["claims"]["sub"], said["claims"]["email"]) == (browser.account.id, browser.account.email)
    assert (said["about"]["sub"], said["about"]["groups"]) == (browser.account.id, ["staff"])
    assert said["refreshed"]["sub"] == browser.account.id
    assert (said["again"], said["afterwards"]) == ("invalid_grant", "invalid_grant"), "a second use ends the family"


def sign_in(running: RunningInstance, node: Party, browser: Client, *, basic: bool) -> dict[str, Any]:
    assert (FOLDER / "node_modules").is_dir(), "run: tools/prepare dev"
    settings = {
        "issuer": node.issuer,
        "client_id": node.client_id,
        "secret": node.secret,
        "redirect_uri": node.redirect_uri,
        "basic": basic,
    }
    with subprocess.Popen(
        [str(NODE), str(FOLDER / "party.mjs"), json.dumps(settings)],
        env={**os.environ, "NODE_EXTRA_CA_CERTS": str(running.authority)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        assert line, process.stderr.read()
        back = node.go(browser, json.loads(line)["url"].removeprefix(node.issuer)).headers["location"]
        process.stdin.write(f"{back}\n")
        process.stdin.flush()
        line = process.stdout.readline()
        assert line, process.stderr.read()
        said: dict[str, Any] = json.loads(line)
    return said
