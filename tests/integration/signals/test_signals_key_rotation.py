"""The key that signs is replaced without a receiver noticing: it is published a day before it signs, and a while after."""

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from django.conf import settings
from tests.identity_people import MACHINE
from tests.signal_site import Program, make_plain_person, switch_on
from typer.testing import CliRunner

from ostiary.cli.main import app
from ostiary.cli.output import ExitCode
from ostiary.identity.facade import disable_person
from ostiary.signals.adapters.key_files import ANNOUNCED_SECONDS, FIRST_FILE
from ostiary.signals.facade import add_receiver, public_keys, rotate_old_key

pytestmark = pytest.mark.django_db
Keys = dict[str, Any]


@pytest.fixture(autouse=True)
def _with_keys_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    switch_on(monkeypatch)
    remove_keys()
    yield
    remove_keys()


def remove_keys() -> None:
    for path in settings.INSTANCE.secrets.glob("signals*.pem"):
        path.unlink()


def typed(*words: str, code: int = ExitCode.OK) -> Any:
    done = CliRunner().invoke(app, ["signal", "rotate-key", *words])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout) if "--json" in words and code == ExitCode.OK else done


class Told:
    """A receiver that keeps the keys it fetched, as most do, and trusts no other."""

    def __init__(self) -> None:
        self.program = Program(add_receiver("crm", audience="crm", actor=MACHINE).token)
        self.stream = self.program.ask("POST", "/ssf/streams", {}).json()["stream_id"]

    def keys(self) -> Keys:
        return {one["kid"]: one for one in Program().ask("GET", "/ssf/jwks.json").json()["keys"]}

    def fetch(self) -> str:
        sets = self.program.ask("POST", f"/ssf/poll/{self.stream}", {}).json()["sets"]
        return str(next(iter(sets.values())))


def kid_of(token: str, keys: Keys) -> str:
    """Return which key signed a token, after its signature was checked with it."""
    kid = str(jwt.get_unverified_header(token)["kid"])
    jwt.decode(token, jwt.PyJWK(keys[kid]), algorithms=["RS256"], audience="crm")
    return kid


def a_day_passes() -> None:
    for path in settings.INSTANCE.secrets.glob("signals-*.pem"):
        name, made_at, rest = path.name.split("-")
        path.rename(path.with_name(f"{name}-{int(made_at) - int(ANNOUNCED_SECONDS) - 60}-{rest}"))


def test_a_receiver_does_not_notice() -> None:
    told = Told()
    disable_person(person_id=make_plain_person("ada@example.test"), reason="", actor=MACHINE)
    kept = told.keys()
    before = told.fetch()
    first = kid_of(before, kept)
    made = typed("--json")
    assert (made["signs"], len(made["published"])) == (first, 2)
    assert kid_of(told.fetch(), kept) == first, "whoever keeps the keys is told on by the one it knows"
    kept = told.keys()
    assert set(kept) == set(made["published"])
    a_day_passes()
    after = told.fetch()
    assert kid_of(after, kept) in set(made["published"]) - {first}, "and by the new one when it had a day to fetch it"
    assert kid_of(before, told.keys()) == first, "what was signed before still counts"
    a_day_passes()
    third = typed("--json")
    assert first in third["published"]
    a_day_passes()
    assert first not in typed("--json")["published"], "a key that nothing was signed with for long is gone"
    assert all("d" not in one for one in public_keys()["keys"])


def test_a_key_that_others_know_counts_no_more_at_once() -> None:
    told = Told()
    (first,) = told.keys()
    assert "--yes" in typed("--forget", code=ExitCode.REFUSED).stderr
    assert set(told.keys()) == {first}
    made = typed("--forget", "--yes", "--reason", "a backup was stolen", "--json")
    assert first not in made["published"]
    disable_person(person_id=make_plain_person("ada@example.test"), reason="", actor=MACHINE)
    assert kid_of(told.fetch(), told.keys()) == made["signs"]
    record = "".join(path.read_text() for path in (settings.INSTANCE.audit / "control").glob("*.jsonl"))
    assert made["signs"] in record
    assert "a backup was stolen" in record


def test_the_worker_replaces_a_key_that_has_grown_old() -> None:
    now = time.time()
    assert rotate_old_key(now=now) == 0
    os.utime(settings.INSTANCE.secrets / FIRST_FILE, (now - 91 * 86_400, now - 91 * 86_400))
    assert (rotate_old_key(now=now), rotate_old_key(now=now)) == (1, 0)
    assert len(public_keys()["keys"]) == 2
