"""Somebody who lost their second factor at a running instance, and the second person who confirmed who they are."""

from tests.running_instance import IDENTITY, Client, RunningInstance


def recovery_of(running: RunningInstance) -> tuple[Client, str]:
    """Return somebody who lost their second factor, and the link that a second person handed over to them."""
    ada = running.client(running.make_person("staff"))
    page = ada.give_password()
    ada.post("id", "/sign-in/lost", page)
    asked = running.operator(f"{IDENTITY}:search_recoveries", text=ada.account.email, waiting=True, acting=False)
    given = {"recovery_id": asked["items"][0]["id"], "reason": "called her"}
    return ada, running.operator(f"{IDENTITY}:confirm_recovery", **given)["link"]
