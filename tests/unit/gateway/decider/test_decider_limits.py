"""An app's own limits: idleness and the age of the last proof, in the decision service on real facts."""

import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import msgspec
from tests.decider_company import ANNA, APPS, company, open_house, session

from ostiary.gateway.decider.bearers import find_let_in
from ostiary.gateway.decider.check import Verdict
from ostiary.gateway.decider.incoming import Incoming
from ostiary.gateway.decider.last_use import LastUse
from ostiary.gateway.decider.session_limits import limits_end, proved_at
from ostiary.policy.decision import Allow, ReasonCode
from ostiary.policy.identifiers import AppId, Generation, PolicyVersion, SessionId
from ostiary.policy.request import Authentication, AuthStrength
from ostiary.policy.snapshot import AppFact, SessionFact

NOW = time.time()
WIKI = AppId("wiki")


def proved(*proofs: tuple[AuthStrength, float]) -> SessionFact:
    given = tuple(Authentication("proof", strength, NOW - ago) for strength, ago in proofs)
    return msgspec.structs.replace(session(ANNA), authentications=given)


def limited(**limits: int) -> AppFact:
    return msgspec.structs.replace(APPS[0], **limits)


def test_the_last_second_factor_counts_or_the_last_proof_where_there_was_none() -> None:
    both = proved((AuthStrength.OTP, 500), (AuthStrength.SINGLE, 5))
    assert proved_at(both, NOW) == NOW - 500
    assert proved_at(proved((AuthStrength.SINGLE, 90), (AuthStrength.SINGLE, 40)), NOW) == NOW - 40
    assert proved_at(proved((AuthStrength.OTP, -60), (AuthStrength.OTP, 70)), NOW) == NOW - 70, "not from the future"
    assert proved_at(proved(), NOW) == 0.0


def test_use_lengthens_the_idle_limit_and_not_the_other() -> None:
    one = proved((AuthStrength.OTP, 1000))
    assert limits_end(limited(), one, None, NOW) is None
    assert limits_end(limited(idle_seconds=900), one, None, NOW) == (NOW - 100, ReasonCode.SESSION_IDLE)
    assert limits_end(limited(idle_seconds=900), one, NOW - 10, NOW) == (NOW + 890, ReasonCode.SESSION_IDLE)
    assert limits_end(limited(idle_seconds=900), one, NOW + 600, NOW) == (NOW - 100, ReasonCode.SESSION_IDLE)
    both = limited(idle_seconds=900, longest_seconds=1200)
    assert limits_end(both, one, NOW - 10, NOW) == (NOW + 200, ReasonCode.PROOF_TOO_OLD)


def test_what_is_refused_is_no_use_and_rules_come_first() -> None:
    stale = proved((AuthStrength.OTP, 1000))
    apps = (limited(idle_seconds=900), *APPS[1:])
    with open_house(company(sessions=(stale,), apps=apps)) as house:
        assert house.parts is not None
        uses = house.parts.decider.last_use
        assert uses is not None
        cookies = house.cookie(ANNA, "wiki")
        for _ in range(2):
            assert house.ask("wiki", cookies=cookies).problem["reason"] == "session_idle"
        assert uses.get(stale.id, WIKI) is None
        assert house.ask("wiki", method="DELETE", cookies=cookies).problem["reason"] == "conditions_unmet"
        uses.note(stale.id, WIKI, time.time() - 800)
        allowed = house.ask("wiki", cookies=cookies)
        assert allowed.status == 200
        assert not [value for name, value in allowed.headers if name == "set-cookie"], "every request is decided"
        used = uses.get(stale.id, WIKI)
        assert used is not None
        assert time.time() - used < 60


def test_a_page_that_refreshes_itself_is_no_use_of_the_console() -> None:
    one = proved((AuthStrength.PHISHING_RESISTANT, 100))
    console = AppFact(id=AppId("console"), host="admin.corp.test", name="Console", idle_seconds=900)
    incoming = SimpleNamespace(path="/parts/overview?span=day", host=console.host)
    with open_house(company(sessions=(one,))) as house:
        assert house.parts is not None
        decider = house.parts.decider
        assert decider.last_use is not None
        verdict = Verdict(
            Allow(rules=(), policy_version=PolicyVersion(""), generation=Generation(1)), decider.basis(), console, one
        )
        decider._note_use(cast("Incoming", incoming), verdict, NOW)
        assert decider.last_use.get(one.id, console.id) is None
        incoming.path = "/?span=day"
        decider._note_use(cast("Incoming", incoming), verdict, NOW)
        assert decider.last_use.get(one.id, console.id) == NOW


def test_moments_are_kept_and_what_is_over_is_dropped(tmp_path: Path) -> None:
    path, living = tmp_path / "last-use.msgpack", {SessionId("s-1")}
    uses = LastUse(path, living.__contains__)
    for name in ("s-1", "s-2"):
        uses.note(SessionId(name), WIKI, 1000.0)
    uses.stop()
    again = LastUse(path, living.__contains__)
    assert again.get(SessionId("s-1"), WIKI) == 1000.0
    assert again.get(SessionId("s-2"), WIKI) is None
    path.write_bytes(b"nonsense")
    assert LastUse(path, living.__contains__).get(SessionId("s-1"), WIKI) is None


def test_a_program_that_is_known_no_more_is_refused_what_is_under_way() -> None:
    with open_house(company()) as house:
        assert house.parts is not None
        basis = house.parts.decider.basis()
        assert find_let_in(SessionId("s-1"), basis, APPS[0], now=NOW) is None
        for name in ("token-gone", "service:gone"):
            program = find_let_in(SessionId(name), basis, APPS[0], now=NOW)
            assert program is not None
            assert program.refused is not None
