"""What has an end ends by itself: no job, no publication, no restart is needed."""

import time

import jwt
import pytest
from tests.decider_company import company, open_house, person, session

from ostiary.policy.identifiers import GroupId

ENDED, ENDS = -1.0, 20.0


@pytest.mark.parametrize(("term", "status"), [(ENDS, 200), (ENDED, 403)])
def test_a_membership_opens_until_its_end(term: float, status: int) -> None:
    ada = person("ada", terms={GroupId("staff"): time.time() + term})
    with open_house(company(people=(ada,))) as house:
        assert house.ask("wiki", cookies=house.cookie(ada, "wiki")).status == status


def test_the_groups_that_an_app_is_told_are_those_of_now() -> None:
    now = time.time()
    ada = person(
        "ada", groups=("guests", "staff"), terms={GroupId("guests"): now + ENDED, GroupId("staff"): now + ENDS}
    )
    with open_house(company(people=(ada,))) as house:
        told = house.ask("wiki", cookies=house.cookie(ada, "wiki"))
        assert told.one("remote-groups") == "staff"


def test_a_grant_ends_with_the_membership_it_rests_on() -> None:
    end = time.time() + ENDS
    ada = person("ada", terms={GroupId("staff"): end})
    with open_house(company(people=(ada,))) as house:
        (cookie,) = house.ask("wiki", cookies=house.cookie(ada, "wiki")).all("set-cookie")
        claims = jwt.decode(cookie.split("=", 1)[1].split(";")[0], options={"verify_signature": False})
        assert claims["exp"] <= end


def test_an_account_ends_by_itself_whatever_session_it_has() -> None:
    ada = person("ada", ends_at=time.time() + ENDED)
    with open_house(company(people=(ada,), sessions=(session(ada),))) as house:
        refused = house.ask("wiki", cookies=house.cookie(ada, "wiki"))
        assert refused.status == 403
        assert refused.problem["type"].endswith("person_disabled")


def test_time_passes_while_one_snapshot_is_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    end = time.time() + ENDS
    ada = person("ada", terms={GroupId("staff"): end})
    with open_house(company(people=(ada,))) as house:
        assert house.parts is not None
        cookie = house.cookie(ada, "wiki")
        assert house.ask("wiki", cookies=cookie).status == 200
        monkeypatch.setattr(house.parts.decider, "_clock", lambda: end)
        assert house.ask("wiki", cookies=cookie).status == 403
