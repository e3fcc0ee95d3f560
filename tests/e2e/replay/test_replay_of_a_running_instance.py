"""What people did through the real gateway, decided and on grants, is decided again by other rules: nothing is left out."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.running_instance import RULES, RunningInstance

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
NARROWER = RULES.replace(
    "to: [app:wiki, app:told]\n    do: [view, edit]", "to: [app:wiki, app:told]\n    do: [view]\n    paths: [/pages/*]"
)


def test_what_people_did_is_replayed(running: RunningInstance, tmp_path: Path) -> None:
    ada = running.make_person("staff")
    browser = running.signed_in(ada).enter("wiki")
    for path in [f"/pages/{number}" for number in range(6)] + ["/elsewhere"] * 3:
        assert browser.get("wiki", path).status_code == 200
    assert browser.send("POST", "wiki", "/pages/new").status_code == 200
    candidate = tmp_path / "candidate.yaml"
    candidate.write_text(NARROWER)
    words = ("rules", "replay", str(candidate), "--since", "1d", "--person", ada.id, "--json")

    def losses() -> dict[str, dict[str, Any]]:
        done = running.command_any(*words)
        changes = json.loads(done.stdout)["report"]["changes"]
        assert done.returncode == (5 if changes else 0), done.stderr
        assert {(one["person"], one["effect"]) for one in changes} <= {(ada.id, "loses")}
        return {one["action"]: one for one in changes}

    found = running.eventually(
        lambda: one if (one := losses()).get("view", {"count": 0})["count"] >= 4 and "edit" in one else None,
        "what she did at the wiki is kept and replayed",
        seconds=120,
    )
    assert found["edit"]["count"] == 1
    assert any(example["stream"] == "requests" for example in found["view"]["examples"])
    assert all(not example["path"].startswith("/pages/") for example in found["view"]["examples"])
    shown = json.loads(running.command("audit", "show", found["edit"]["examples"][0]["reference"], "--json"))
    assert (shown["outcome"], shown["http"]["method"]) == ("allowed", "POST")
    for example in found["view"]["examples"]:
        assert json.loads(running.command("audit", "show", example["reference"], "--json"))["person_id"] == ada.id
