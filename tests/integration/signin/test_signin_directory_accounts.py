"""Accounts that have nothing to sign in with yet, or no more: whose word at another directory is enough to take them."""

import msgspec
import pytest
from tests.identity_people import MACHINE, Browser, make_person
from tests.integration.signin.test_signin_directory import ADA, WORK, Add, add, come, directory, newcomers
from tests.openid_directory import OpenIdDirectory

from ostiary.identity.facade import change_provider, get_provider, linked_sign_ins, register_person, reset_sign_in

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["add", "directory"]


def test_after_a_reset_a_directory_takes_no_account_by_its_address(add: Add) -> None:
    add(authoritative=("example.test",), provisions=True, domains=("example.test",))
    person_id = make_person("ada@example.test")
    reset_sign_in(person_id=person_id, reason="lost", actor=MACHINE)
    come(Browser())
    assert linked_sign_ins(person_id) == ()


def test_whom_a_directory_keeps_here_comes_in_by_its_sign_in_and_nobody_in_their_place(
    add: Add, directory: OpenIdDirectory
) -> None:
    """An account that came by SCIM has no means to sign in yet: whose word for its address counts is said, not guessed."""
    person_id = register_person(email="ada@example.test", name="Ada", actor=MACHINE)
    add(**newcomers())
    assert come(Browser()).status_code == 403, "a verified address alone takes no account"
    assert linked_sign_ins(person_id) == ()
    change_provider(
        provider=msgspec.structs.replace(get_provider(WORK), authoritative=("example.test",)),
        secret=None,
        actor=MACHINE,
    )
    directory.say("ada", {**ADA, "email_verified": False})
    assert come(Browser()).status_code == 403, "nor one that nobody vouches for"
    assert linked_sign_ins(person_id) == ()
    directory.say("ada", ADA)
    assert come(Browser())["Location"] == "/"
    assert [one.provider for one in linked_sign_ins(person_id)] == [WORK]
    directory.say("eve", ADA)
    assert come(Browser(), "eve").status_code == 403, "another account there with the same address stays outside"
