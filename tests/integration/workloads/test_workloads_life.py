"""How services and tokens begin and end: unused ones, owners who leave, restores; what is on record, and the commands."""

import json
import secrets
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from django.conf import settings
from django.core import mail
from jwt.algorithms import OKPAlgorithm
from tests.identity_people import MACHINE, make_person
from tests.workload_asking import ASSERTION_TYPE, pem_of
from typer.testing import CliRunner

from ostiary.cli.main import app
from ostiary.cli.output import ExitCode
from ostiary.identity.facade import (
    NotAllowed,
    Step,
    UnknownPerson,
    disable_person,
    enable_person,
    leave,
    preview_leave,
    recover_administrator,
    reset_sign_in,
    revoke_sessions_of,
)
from ostiary.policy.identifiers import PersonId, SessionId
from ostiary.supervisor.backup.after_restore import sign_everybody_out
from ostiary.workloads.facade import (
    Closed,
    ServiceExists,
    State,
    TokenRefused,
    UnusableService,
    UnusableToken,
    UnusableTrust,
    add_key,
    add_service,
    add_trust,
    change_service,
    closes_at,
    disable_service,
    enable_service,
    entitle,
    get_service,
    list_services,
    list_tokens,
    make_token,
    note_token_use,
    record_issue,
    remove_key,
    remove_service,
    tend_services,
)
from ostiary.workloads.facts import read_workloads
from ostiary.workloads.models import StoredService

pytestmark = pytest.mark.django_db(transaction=True)
DAY = 86_400.0


def typed(*words: str, code: int = ExitCode.OK) -> Any:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == code, done.output
    return done


def on_record() -> str:
    return "".join(path.read_text() for path in sorted((settings.INSTANCE.audit / "control").glob("*.jsonl")))


@pytest.fixture
def olga() -> str:
    return str(make_person("olga@example.test", name="Olga"))


def test_a_service_has_an_owner_an_end_and_a_name_of_its_own(olga: str) -> None:
    made = add_service("robot", owner="olga@example.test", actor=MACHINE, days=30, purpose="exports")
    assert made.state(time.time()) is State.WORKS
    assert made.ends_at == pytest.approx(time.time() + 30 * DAY, abs=60)
    assert made.token_seconds == 600
    with pytest.raises(ServiceExists):
        add_service("robot", owner="olga@example.test", actor=MACHINE)
    with pytest.raises(UnknownPerson):
        add_service("other", owner="nobody@example.test", actor=MACHINE)
    for wrong in ({"days": 0}, {"days": 732}, {"token_minutes": 0}, {"token_minutes": 61}):
        with pytest.raises(UnusableService):
            add_service("other", owner="olga@example.test", actor=MACHINE, **wrong)  # type: ignore[arg-type]
    changed = change_service("robot", actor=MACHINE, days=60, token_minutes=5)
    assert (changed.token_seconds, changed.purpose, changed.owner_id) == (300, "exports", olga)
    assert not read_workloads().services.keys() - {"robot"}


def test_nobody_uses_it_so_its_owner_is_told_and_then_it_is_switched_off(olga: str) -> None:
    del olga
    made = add_service("robot", owner="olga@example.test", actor=MACHINE, purpose="exports <the> wiki")
    closes = closes_at(made)
    assert closes is not None
    notice = settings.INSTANCE.configuration.workloads.notice_days * DAY
    assert tend_services(now=closes - notice - DAY) == 0
    assert mail.outbox == []
    assert tend_services(now=closes - notice + 1) == 1
    (letter,) = mail.outbox
    assert letter.to == ["olga@example.test"]
    assert "robot will be switched off" in letter.subject
    assert "exports <the> wiki" in letter.body
    assert tend_services(now=closes - 1) == 0, "told once, and not closed before its time"
    assert tend_services(now=closes + 1) == 1
    assert [letter.subject for letter in mail.outbox[1:]] == ["The service robot was switched off: nobody uses it"]
    assert "workload enable robot" in mail.outbox[1].body
    service = get_service("robot")
    assert (service.state(time.time()), service.closed) == (State.DISABLED, Closed.UNUSED)
    assert not read_workloads().services[service.id].active
    assert "nobody used it" in on_record()
    assert enable_service("robot", actor=MACHINE).closed is None


def test_whoever_could_not_be_told_in_time_has_the_whole_notice(olga: str) -> None:
    del olga
    made = add_service("robot", owner="olga@example.test", actor=MACHINE)
    late = (closes_at(made) or 0) + 10 * DAY
    assert tend_services(now=late) == 1
    assert get_service("robot").closed is None
    assert tend_services(now=late + DAY) == 0
    assert tend_services(now=late + 14 * DAY + 1) == 1
    assert get_service("robot").closed is Closed.UNUSED


def test_whoever_answers_from_now_on_is_told_too_and_has_the_whole_notice(olga: str) -> None:
    del olga
    make_person("bo@example.test", name="Bo")
    made = add_service("robot", owner="olga@example.test", actor=MACHINE)
    closes = closes_at(made) or 0.0
    assert tend_services(now=closes - DAY) == 1
    change_service("robot", owner="bo@example.test", actor=MACHINE)
    assert tend_services(now=closes + 1) == 1
    assert [letter.to for letter in mail.outbox] == [["olga@example.test"], ["bo@example.test"]]
    assert get_service("robot").closed is None
    assert tend_services(now=closes + 14 * DAY + 2) == 1
    assert get_service("robot").closed is Closed.UNUSED


def test_mail_that_cannot_be_sent_keeps_no_forgotten_service_open_for_ever(
    olga: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del olga
    made = add_service("robot", owner="olga@example.test", actor=MACHINE)
    closes = closes_at(made) or 0.0

    def broken(*_given: object, **_named: object) -> int:
        raise OSError("no mail server")

    monkeypatch.setattr("django.core.mail.EmailMessage.send", broken)
    assert tend_services(now=closes + DAY) == 0
    assert get_service("robot").closed is None, "nobody could be told yet"
    assert tend_services(now=closes + 14 * DAY + 1) == 1
    assert get_service("robot").closed is Closed.UNUSED
    assert "could not be told" in on_record()


def test_a_service_that_is_used_while_others_are_told_is_not_closed(olga: str, monkeypatch: pytest.MonkeyPatch) -> None:
    del olga
    for name in ("busy", "robot"):
        made = add_service(name, owner="olga@example.test", actor=MACHINE)
    closes = closes_at(made) or 0.0
    assert tend_services(now=closes - 1) == 2
    later = closes + 20 * DAY
    listed = list_services()
    StoredService.objects.filter(pk="busy").update(used_at=_moment(later - 60))
    monkeypatch.setattr("ostiary.workloads.services.closing.list_services", lambda: listed)
    assert tend_services(now=later) == 1
    assert [get_service(name).closed for name in ("busy", "robot")] == [None, Closed.UNUSED]


def test_a_service_that_cannot_be_closed_keeps_no_other_from_being_closed(
    olga: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    del olga
    for name in ("gone", "robot"):
        made = add_service(name, owner="olga@example.test", actor=MACHINE)
    closes = closes_at(made) or 0.0
    assert tend_services(now=closes - 1) == 2
    listed = list_services()
    disable_service("gone", actor=MACHINE)
    monkeypatch.setattr("ostiary.workloads.services.closing.list_services", lambda: listed)
    assert tend_services(now=closes + 20 * DAY) == 1
    assert get_service("robot").closed is Closed.UNUSED


def test_use_begins_the_time_anew_and_its_end_is_told_too(olga: str) -> None:
    del olga
    made = add_service("robot", owner="olga@example.test", actor=MACHINE, days=100)
    soon = made.ends_at - 10 * DAY
    StoredService.objects.filter(pk="robot").update(used_at=_moment(soon - DAY))
    assert tend_services(now=soon) == 1
    assert "ends soon" in mail.outbox[0].subject
    assert tend_services(now=soon + DAY) == 0
    assert get_service("robot").closed is None


def test_a_service_in_use_is_told_of_its_end_once_however_often_it_asks(olga: str) -> None:
    del olga
    key = ed25519.Ed25519PrivateKey.generate()
    made = add_service("robot", owner="olga@example.test", actor=MACHINE, days=100)
    add_key("robot", pem_of(key), actor=MACHINE)
    soon = made.ends_at - 10 * DAY
    StoredService.objects.filter(pk="robot").update(used_at=_moment(soon - DAY))
    for hour in range(4):
        now = soon + hour * 3600
        tend_services(now=now)
        assert ask(key, now=now + 60).service == "robot"
    assert [letter.subject for letter in mail.outbox] == ["The service robot ends soon"]


def test_use_after_the_notice_keeps_a_service_and_it_is_told_again_next_time(olga: str) -> None:
    del olga
    key = ed25519.Ed25519PrivateKey.generate()
    made = add_service("robot", owner="olga@example.test", actor=MACHINE)
    add_key("robot", pem_of(key), actor=MACHINE)
    closes = closes_at(made) or 0.0
    assert tend_services(now=closes - DAY) == 1
    ask(key, now=closes)
    later = closes_at(get_service("robot")) or 0.0
    assert later > closes + 80 * DAY
    assert tend_services(now=later - DAY) == 1
    assert len(mail.outbox) == 2


@pytest.mark.parametrize("taken", ["key", "service", "works"])
def test_what_is_taken_away_while_a_token_is_asked_for_gets_none(olga: str, taken: str) -> None:
    """What the proof rests on may go between the look at it and the token; the token would be younger than its end."""
    del olga
    key = ed25519.Ed25519PrivateKey.generate()
    add_service("robot", owner="olga@example.test", actor=MACHINE)
    (known,) = add_key("robot", pem_of(key), actor=MACHINE).keys
    given_out = on_record().count("key:")

    def take_away(_service: str) -> float:
        match taken:
            case "key":
                remove_key("robot", known.id, actor=MACHINE)
            case "service":
                remove_service("robot", actor=MACHINE)
            case _:
                disable_service("robot", actor=MACHINE)
        return 0.0

    with pytest.raises(TokenRefused):
        ask(key, now=time.time(), wait=take_away)
    assert on_record().count("key:") == given_out, "nothing was given out"


@pytest.mark.parametrize("name", ["\ud800", "a\x00b", "x" * 5000, "line\nbreak", "é"])
def test_made_up_names_are_refused_and_fit_on_record(olga: str, name: str) -> None:
    del olga
    stranger = ed25519.Ed25519PrivateKey.generate()
    for form in (
        {"client_assertion": jwt.encode({"sub": name}, stranger, algorithm="EdDSA")},
        {"client_id": name, "client_assertion": "x"},
        {"client_id": name, "assertion": "x", "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"},
    ):
        with pytest.raises(TokenRefused) as refused:
            ask(stranger, now=time.time(), **form)
        said = refused.value.service
        assert 0 < len(said) <= 63
        assert said.isascii()
        assert said.isprintable()
        record_issue(service=said, how="", address="", refused=refused.value.code.value)


def test_services_are_handed_over_or_switched_off_when_their_owner_leaves(olga: str) -> None:
    make_person("bo@example.test", name="Bo")
    for name in ("robot", "other"):
        add_service(name, owner="olga@example.test", actor=MACHINE)
    planned = preview_leave(person_id=PersonId(olga), successor="bo@example.test")
    assert [item.subject for item in planned if item.step is Step.HAND_OVER_SERVICE] == ["other", "robot"]
    assert [item.step for item in preview_leave(person_id=PersonId(olga))][-2:] == [Step.DISABLE_SERVICE] * 2
    change_service("other", owner="bo@example.test", actor=MACHINE)
    leave(person_id=PersonId(olga), actor=MACHINE, reason="gone")
    robot = get_service("robot")
    assert (robot.closed, robot.owner_gone) == (Closed.OWNER_LEFT, True)
    assert get_service("other").state(time.time()) is State.WORKS
    with pytest.raises(UnusableService, match="Nobody answers"):
        enable_service("robot", actor=MACHINE)
    change_service("robot", owner="bo@example.test", actor=MACHINE)
    enable_service("robot", actor=MACHINE)
    bo = get_service("robot").owner_id
    assert bo is not None
    with pytest.raises(NotAllowed):
        leave(person_id=bo, actor=MACHINE, reason="gone", successor="bo@example.test")


def test_what_was_taken_away_does_not_come_back_with_a_backup(olga: str) -> None:
    add_service("robot", owner="olga@example.test", actor=MACHINE)
    make_token(person_id=PersonId(olga), name="x", apps=_an_app(), days=1, actor=MACHINE)
    sign_everybody_out("root")
    assert get_service("robot").closed is Closed.RESTORED
    assert not any(one.works(time.time()) for one in list_tokens())


def test_the_last_use_of_a_token_is_noted_from_what_it_opened(olga: str) -> None:
    made = make_token(person_id=PersonId(olga), name="x", apps=_an_app(), days=1, actor=MACHINE).token
    now = time.time()
    seen = {SessionId(f"token-{made.id}"): now - 5, SessionId("s_other"): now}
    assert note_token_use(seen=seen, now=now) == 1
    assert note_token_use(seen=seen, now=now) == 0, "what is known already changes nothing"
    (after,) = list_tokens(person=PersonId(olga))
    assert after.used_at == pytest.approx(now - 5, abs=0.01)
    assert made.id in on_record()


def test_who_cannot_sign_in_has_no_tokens(olga: str) -> None:
    disable_person(person_id=PersonId(olga), reason="left", actor=MACHINE)
    with pytest.raises(UnusableToken):
        make_token(person_id=PersonId(olga), name="x", apps=_an_app(), days=1, actor=MACHINE)


@pytest.mark.parametrize("anew", ["let in again", "reset", "recovered on the machine", "signed out everywhere"])
def test_tokens_do_not_outlive_a_new_beginning(olga: str, anew: str) -> None:
    """Whoever got into an account may have made tokens in it; putting the account right ends them."""
    person_id = PersonId(olga)
    made = make_token(person_id=person_id, name="x", apps=_an_app(), days=1, actor=MACHINE).token
    if anew == "reset":
        reset_sign_in(person_id=person_id, reason="lost everything", actor=MACHINE)
    elif anew == "recovered on the machine":
        disable_person(person_id=person_id, reason="odd sign-ins", actor=MACHINE)
        recover_administrator(email="olga@example.test", actor=MACHINE)
    elif anew == "signed out everywhere":
        revoke_sessions_of(person_id=person_id, reason="", actor=MACHINE)
        assert [one.works(time.time()) for one in list_tokens(person=person_id)] == [True], "only where that is wanted"
        revoke_sessions_of(person_id=person_id, reason="", actor=MACHINE, afresh=True)
    else:
        disable_person(person_id=person_id, reason="odd sign-ins", actor=MACHINE)
        enable_person(person_id=person_id, actor=MACHINE)
    assert [one.works(time.time()) for one in list_tokens(person=person_id)] == [False]
    assert made.id not in {one.id for one in read_workloads().tokens}


def test_the_commands_do_what_they_say(olga: str, tmp_path: Any) -> None:
    del olga
    key = ed25519.Ed25519PrivateKey.generate()
    file = tmp_path / "robot.pub"
    file.write_text(pem_of(key))
    made = json.loads(
        typed("workload", "add", "robot", "--owner", "olga@example.test", "--key", str(file), "--json").stdout
    )
    (kid,) = [one["id"] for one in made["keys"]]
    assert made["state"] == "works"
    typed("workload", "add", "other", "--owner", "olga@example.test", "--key", str(file), code=ExitCode.FAILED)
    assert [one["id"] for one in json.loads(typed("workload", "list", "--json").stdout)] == ["robot"], "all or nothing"
    file.write_text("no key")
    typed("workload", "keys", "add", "robot", str(file), code=ExitCode.FAILED)
    claims = ("--claim", "repository=acme/web", "--claim", "ref=refs/heads/*")
    issuer = ("--issuer", "https://token.actions.githubusercontent.com")
    trusted = json.loads(typed("workload", "trust", "add", "robot", *issuer, *claims, "--json").stdout)["trusts"]
    assert trusted[0]["audience"] == "https://id.example.test"
    assert "ref=refs/heads/*" in typed("workload", "show", "robot").stdout
    token = json.loads(typed("workload", "token", "robot", "--json").stdout)
    assert token["access_token"].startswith("ostiary_wl_")
    typed("workload", "keys", "remove", "robot", "--yes", "--", kid[:8])
    typed("workload", "trust", "remove", "robot", trusted[0]["id"], "--yes")
    assert json.loads(typed("workload", "show", "robot", "--json").stdout)["keys"] == []
    typed("workload", "disable", "robot", code=ExitCode.REFUSED)
    typed("workload", "disable", "robot", "--yes", "--reason", "for a test")
    typed("workload", "token", "robot", code=ExitCode.FAILED)
    assert "disabled (by hand)" in typed("workload", "list").stdout.replace("\n", " ")
    typed("workload", "enable", "robot")
    typed("workload", "change", "robot", "--days", "10")
    typed("workload", "remove", "robot", "--yes")
    typed("workload", "show", "robot", code=ExitCode.FAILED)
    (app_id,) = _an_app()
    token = json.loads(typed("token", "add", "olga@example.test", "--name", "weekly", "--app", app_id, "--json").stdout)
    assert token["token"].startswith("ostiary_pat_")
    typed("token", "revoke", token["id"], "--yes")
    assert json.loads(typed("token", "list", "--json").stdout)[0]["state"] == "revoked"
    assert token["token"] not in on_record()


def test_private_keys_of_an_issuer_are_not_kept(olga: str) -> None:
    del olga
    add_service("robot", owner="olga@example.test", actor=MACHINE)
    private = OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate(), as_dict=True)
    public = {name: value for name, value in private.items() if name != "d"}

    def trust(jwk: dict[str, Any]) -> Any:
        keys = json.dumps({"keys": [jwk]})
        claims = {"sub": "job"}
        return add_trust("robot", issuer="https://i.test", audience="a", claims=claims, keys=keys, actor=MACHINE)

    with pytest.raises(UnusableTrust, match="private"):
        trust(private)
    assert get_service("robot").trusts == ()
    assert trust(public).trusts[0].keys


def test_keys_are_counted_and_belong_to_one_service(olga: str) -> None:
    del olga
    for name in ("robot", "other"):
        add_service(name, owner="olga@example.test", actor=MACHINE)
    keys = [pem_of(ed25519.Ed25519PrivateKey.generate()) for _ in range(6)]
    for key in keys[:5]:
        add_key("robot", key, actor=MACHINE)
    with pytest.raises(UnusableService):
        add_key("robot", keys[5], actor=MACHINE)
    with pytest.raises(Exception, match="robot's already"):
        add_key("other", keys[0], actor=MACHINE)
    disable_service("robot", actor=MACHINE)
    with pytest.raises(UnusableService):
        disable_service("robot", actor=MACHINE)


def ask(key: Any, *, now: float, wait: Any = lambda _service: 0.0, **form: str) -> Any:
    """Ask for a token as robot does."""
    said = {"iss": "robot", "sub": "robot", "aud": "https://id.test", "exp": now + 60, "jti": secrets.token_hex(8)}
    given = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": jwt.encode(said, key, algorithm="EdDSA"),
        **form,
    }
    return entitle(given, audiences=["https://id.test"], address="", now=now, wait=wait)


def _an_app() -> list[Any]:
    from ostiary.applications.facade import add_app, list_apps

    if not [one for one in list_apps() if one.id == "wiki"]:
        add_app("wiki", upstream="http://127.0.0.1:8080", name="Wiki", actor=MACHINE)
    return ["wiki"]


def _moment(at: float) -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC)
