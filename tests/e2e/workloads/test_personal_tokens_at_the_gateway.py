"""A person's script opens the apps it was given a token for, as that person, and no more than that."""

import pytest
from tests.running_instance import IDENTITY, RULES, OperatorRefused, RunningInstance, reached, received
from tests.running_operator import Made
from tests.workload_asking import FACADE, Program

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
SCRIPT_RULES = (
    RULES
    + """\
  - name: scripts-of-staff-read-the-files
    allow: group:staff
    to: [app:files, app:told]
    do: any
"""
)


def make(running: RunningInstance, person: Made, *apps: str, **how: object) -> dict[str, object]:
    made = running.operator(f"{FACADE}:make_token", person_id=person.id, name="report", apps=list(apps), days=1, **how)
    running.in_force()
    return {**made["token"], "secret": made["secret"]}


@pytest.fixture(scope="module")
def script(running: RunningInstance) -> object:
    """Send requests as a script does."""
    with running.rules(SCRIPT_RULES):
        yield Program(running, "none", owner="", add=False)


def test_the_app_hears_whose_script_it_is(running: RunningInstance, script: Program) -> None:
    ada = running.make_person("staff", name="Ada Script")
    token = str(make(running, ada, "files")["secret"])
    answer = script.get("files", "/x", token=token)
    assert reached(answer), answer.text
    assert received(answer, "authorization") == []
    assert "set-cookie" not in answer.headers, "a script gets no grant"
    claims = running.unverified_claims(received(answer, "x-ostiary-assertion")[0])
    assert (claims["sub"], claims["email"], claims["amr"]) == (ada.id, ada.email, ["token"])
    event = next(one for one in reversed(running.decisions()) if one.get("actor", {}).get("session", {}).get("uid"))
    assert event["actor"]["user"]["uid"] == ada.id
    assert event["actor"]["session"]["uid"].startswith("token-t_")


def test_a_token_opens_its_apps_and_does_no_more_than_it_is_for(running: RunningInstance, script: Program) -> None:
    ada = running.make_person("staff")
    viewing, editing = (str(make(running, ada, "files", edit=edit)["secret"]) for edit in (False, True))
    assert reached(script.get("files", token=viewing))
    for refused in (
        script.get("files", token=viewing, method="POST"),
        script.get("files", token=editing, method="DELETE"),
        script.get("told", token=editing),
        script.get("admin", token=editing),
    ):
        assert (refused.status_code, refused.json()["reason"]) == (403, "token_scope")
    assert reached(script.get("files", token=editing, method="POST"))


def test_a_token_never_meets_a_condition_on_a_second_factor(running: RunningInstance, script: Program) -> None:
    ada = running.make_person("staff")
    token = str(make(running, ada, "wiki", "vault")["secret"])
    for app in ("wiki", "vault"):
        refused = script.get(app, token=token).json()
        assert refused["reason"] == "conditions_unmet"
        assert refused["unmet"][0]["condition"] == "mfa"
        assert "a token cannot" in refused["detail"]
        assert "remedy" not in refused["unmet"][0]


def test_a_token_ends_with_its_person_its_group_and_its_revocation(running: RunningInstance, script: Program) -> None:
    ada, ben = running.make_person("staff"), running.make_person("staff")
    mine, other = make(running, ada, "files"), make(running, ben, "files")
    assert reached(script.get("files", token=str(mine["secret"])))
    running.operator(f"{FACADE}:revoke_token", mine["id"])
    running.in_force()
    assert script.get("files", token=str(mine["secret"])).json()["reason"] == "token_refused"
    assert reached(script.get("files", token=str(other["secret"])))
    running.operator(f"{IDENTITY}:remove_member", group_id="staff", person_id=ben.id)
    running.in_force()
    assert script.get("files", token=str(other["secret"])).json()["reason"] == "no_rule_applies"
    running.operator(f"{IDENTITY}:add_member", group_id="staff", person_id=ben.id)
    running.operator(f"{IDENTITY}:disable_person", person_id=ben.id, reason="left")
    running.in_force()
    assert script.get("files", token=str(other["secret"])).json()["reason"] == "person_disabled"


def test_tokens_that_cannot_be(running: RunningInstance, script: Program) -> None:
    del script
    ada = running.make_person("staff")
    good = {"person_id": ada.id, "name": "x", "apps": ["files"], "days": 1}
    for bad in ({"days": 366}, {"days": 0}, {"apps": []}, {"apps": ["nowhere"]}, {"apps": ["console"]}, {"name": " "}):
        with pytest.raises(OperatorRefused, match=r"UnusableToken|UnknownApp"):
            running.operator(f"{FACADE}:make_token", **{**good, **bad})
