"""Two instances: one that runs tells another what happens to people, sent and fetched, over TLS; what ends there ends here."""

import json
import time
from collections.abc import Iterator

import pytest
from tests.running_instance import IDENTITY, RunningInstance
from tests.running_operator import Made
from tests.signal_branch import Branch

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("running-instance")]
NAME = "headquarters"


@pytest.fixture(scope="module")
def branch(running: RunningInstance) -> Iterator[Branch]:
    """The second instance, which is told by the first and trusts it."""
    with Branch(running) as other:
        added = running.command(
            "signal", "receiver", "add", "branch", "--audience", other.site.url, "--push-to", other.site.url,
            "--format", "email", "--json",
        )  # fmt: skip
        other.signals(
            "add_transmitter",
            NAME,
            issuer=running.url("id").rstrip("/"),
            may="disable",
            email_domains=["corp.test"],
            management_token=json.loads(added)["token"],
        )
        yield other
        running.command("signal", "receiver", "revoke", "branch", "--yes")


@pytest.fixture
def ada(running: RunningInstance) -> Made:
    return running.make_person("staff")


def here(branch: Branch, person: str) -> tuple[bool, int]:
    """Return whether the account is active at the branch, and how many sign-ins it has there."""
    active = branch.operator(f"{IDENTITY}:get_person", person, acting=False)["active"]
    return active, len(branch.operator(f"{IDENTITY}:list_sessions", person_id=person, acting=False)["items"])


def test_what_happens_there_is_sent_and_happens_here(running: RunningInstance, branch: Branch, ada: Made) -> None:
    person = branch.operator("tests.signal_branch:sign_in_plainly", ada.email, acting=False)
    branch.signals("create_stream_there", NAME, delivery="push")
    branch.signals("ask_for_verification", NAME)

    def verified() -> bool:
        return bool(branch.signals("get_transmitter", NAME, acting=False)["verified_at"])

    running.eventually(verified, "the verification arrives")
    assert here(branch, person) == (True, 1)
    running.operator(f"{IDENTITY}:disable_person", person_id=ada.id, reason="left")
    running.eventually(lambda: here(branch, person) == (False, 0), "the account is disabled here too")
    running.operator(f"{IDENTITY}:enable_person", person_id=ada.id)
    running.eventually(lambda: here(branch, person)[0], "and enabled")
    told = branch.signals("list_signals", text=ada.email, acting=False)["items"]
    assert [one["outcome"] for one in told] == ["enabled", "recorded", "disabled"]

    def all_taken() -> bool:
        (stream,) = running.operator("ostiary.signals.facade:list_streams", acting=False)
        return bool(stream["waiting"] == 0 and stream["delivered"] >= 4 and stream["verified_at"])

    running.eventually(all_taken, "everything is acknowledged")
    branch.signals("delete_stream_there", NAME)


def test_what_happens_there_is_fetched_and_happens_here(running: RunningInstance, branch: Branch, ada: Made) -> None:
    person = branch.operator("tests.signal_branch:sign_in_plainly", ada.email, acting=False)
    branch.signals("create_stream_there", NAME, delivery="poll")
    client = running.signed_in(ada)
    running.operator(f"{IDENTITY}:revoke_sessions_of", person_id=ada.id, reason="stolen laptop")
    client.close()
    assert branch.signals("poll_transmitters", now=time.time(), acting=False) >= 1
    assert here(branch, person) == (True, 0)
    (told,) = branch.signals("list_signals", text=ada.email, acting=False)["items"]
    assert (told["outcome"], told["words"]) == ("sessions_ended", "stolen laptop")
    assert branch.signals("poll_transmitters", now=time.time() + 60, acting=False) == 0, "acknowledged, and never again"
    branch.signals("delete_stream_there", NAME)
    assert running.operator("ostiary.signals.facade:list_streams", acting=False) == []
