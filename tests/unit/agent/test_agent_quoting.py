"""When the agent has its TPM say how the computer started, and what it says where that fails."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ostiary.agent import quoting
from ostiary.agent.folder import Enrolled, Folder, UnusableFolder
from ostiary.agent.https import Unreachable
from ostiary.agent.instance import Refused
from ostiary.agent.quoting import QUOTE_EVERY_SECONDS, NoTpm, Quoting, begin, boot_words, key_place, quote
from ostiary.agent.tpm import Tpm, UnusableTpm, chosen_tpm
from ostiary.agent.tpm_commands import Made
from ostiary.agent.tpm_key import TpmKeys, read_event_log
from ostiary.devices.domain.answers import Code, Judged, Started
from ostiary.devices.domain.tpm.event_log import MAX_LOG_BYTES

KEYS = TpmKeys(address="/dev/null", device=Made(public=b"p", private=b"q"), attestation=Made(public=b"r", private=b"s"))
NOW = 1_800_000_000.0


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Return the folder of an enrolled computer whose key lies in a TPM."""
    one = Folder(tmp_path / "agent")
    with one.held():
        one.keep_tpm(KEYS)
        one.write_enrolled(
            Enrolled(origin="https://id.example.test", device="dev-1", name="x", owner="ada@example.test")
        )
    return one


class Chore:
    """The chore, with an instance that answers as it is told."""

    def __init__(self, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said: list[str] = []
        self.asked = 0
        self.answer: Judged | Exception = Judged(secure_boot=True, vouched=True)
        monkeypatch.setattr(quoting, "quote", self._quote)
        self.chore = Quoting(folder, lambda: None, self.said.append)  # type: ignore[arg-type,return-value]

    def _quote(self, *_more: Any) -> Judged:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_it_is_said_at_once_and_twice_a_day(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    chore = Chore(folder, monkeypatch)
    for now in (NOW, NOW + 10, NOW + QUOTE_EVERY_SECONDS - 1):
        chore.chore.act(now)
    assert (chore.asked, chore.said) == (1, ["Secure Boot was on when this computer started, as its TPM says."])
    chore.chore.act(NOW + QUOTE_EVERY_SECONDS)
    assert chore.asked == 2
    chore.chore.act(NOW - 2 * QUOTE_EVERY_SECONDS)
    assert chore.asked == 3, "a clock that was set back does not silence it"


@pytest.mark.parametrize("error", [Unreachable("Nobody answers."), UnusableTpm("The TPM refuses.")])
def test_what_fails_is_said_once_and_tried_again(
    folder: Folder, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    chore = Chore(folder, monkeypatch)
    monkeypatch.setattr("time.time", lambda: NOW)
    chore.answer = error
    chore.chore.act(NOW)
    chore.chore.act(NOW + 1)
    assert chore.asked == 1, "not at every look"
    chore.chore.act(NOW + 3600)
    assert (chore.asked, chore.said) == (2, [f"How this computer started was not told: {error}"])


def test_without_a_tpm_there_is_nothing_to_say(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    chore = Chore(folder, monkeypatch)
    with folder.held():
        folder.make_key()
    chore.chore.act(NOW)
    assert chore.asked == 0
    monkeypatch.undo()
    with pytest.raises(NoTpm):
        quote(folder, None)  # type: ignore[arg-type]


def test_what_is_kept_of_a_tpm_that_cannot_be_read_is_told(folder: Folder) -> None:
    (folder.path / "tpm.json").write_text("{")
    with pytest.raises(UnusableFolder, match=r"tpm\.json"):
        folder.key()
    with folder.held():
        folder.keep_tpm(KEYS)
    with pytest.raises(UnusableTpm, match="cannot be used"):
        folder.key().public_key()


def test_a_log_is_sent_whole_or_not_at_all(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert read_event_log(log) == b""
    log.write_bytes(b"x" * MAX_LOG_BYTES)
    assert len(read_event_log(log)) == MAX_LOG_BYTES
    log.write_bytes(b"x" * (MAX_LOG_BYTES + 1))
    assert read_event_log(log) == b""


def test_a_tpm_is_used_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OSTIARY_AGENT_TPM", raising=False)
    assert (chosen_tpm(""), chosen_tpm("off"), chosen_tpm("auto")) == ("", "", "/dev/tpmrm0")
    monkeypatch.setenv("OSTIARY_AGENT_TPM", "auto")
    assert (chosen_tpm(""), chosen_tpm("off")) == ("/dev/tpmrm0", "")


def test_what_answers_nonsense_is_no_tpm(tmp_path: Path) -> None:
    silent = tmp_path / "silent"
    silent.write_bytes(b"")
    with Tpm(str(silent)) as tpm, pytest.raises(UnusableTpm, match="nonsense"):
        tpm.run(0x17E, (), b"")


def test_what_the_instance_made_of_it_is_told() -> None:
    assert "off" in boot_words(Judged(secure_boot=False))
    assert boot_words(Judged(why="There is no log.")).endswith("cannot be told. There is no log.")


def test_where_the_key_lies_is_told_with_how_far_that_was_proven(tmp_path: Path) -> None:
    assert key_place(tmp_path, None, "file") == f"a file: {tmp_path}"
    assert key_place(tmp_path, KEYS, "").endswith("cannot leave it")
    assert key_place(tmp_path, KEYS, "tpm").endswith("its maker is known")
    assert key_place(tmp_path, KEYS, "tpm_unverified").endswith("no known maker vouches for it")


class Instance:
    """An instance that takes no TPM's word, as far as enrolling goes."""

    def __init__(self) -> None:
        self.asked: list[bool] = []

    def start(self, _key: object, *, claim: object = None, **_more: object) -> Started:
        self.asked.append(claim is not None)
        if claim is not None:
            raise Refused(Code.TPM_UNPROVEN, "The TPM could not read it.")
        return Started(device_code="c", user_code="BCDF-GHJK", verification_uri="https://x", interval=2, expires_in=600)


def test_a_tpm_nobody_asked_for_is_left_out_where_it_does_not_do_as_it_should(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def enrol(attest: str = "") -> tuple[Folder, Instance, list[str]]:
        folder, instance, said = Folder(tmp_path / f"agent{attest}"), Instance(), list[str]()
        more = {"tpm": "", "name": "x", "platform": "Debian", "say": said.append}
        with folder.held():
            begin(folder, instance, attest=attest, **more)  # type: ignore[arg-type]
        return folder, instance, said

    monkeypatch.setattr(quoting, "usable_here", lambda: "/dev/tpm")
    monkeypatch.setattr(quoting, "make_tpm_keys", lambda address, **_more: msgspec.structs.replace(KEYS, device=None))
    folder, instance, said = enrol()
    assert (instance.asked, folder.tpm()) == ([True, False], None)
    assert "after all: The TPM could not read it." in said[-1]
    with pytest.raises(Refused):
        enrol("swtpm:port=1")

    def broken(_address: str, **_more: object) -> TpmKeys:
        raise UnusableTpm("It is broken.")

    monkeypatch.setattr(quoting, "make_tpm_keys", broken)
    _folder, instance, said = enrol("off")
    assert (instance.asked, said) == ([False], [])
    monkeypatch.setattr(quoting, "usable_here", lambda: "/dev/other")
    folder, instance, said = enrol()
    assert (instance.asked, folder.tpm()) == ([False], None)
    with pytest.raises(UnusableTpm):
        enrol("auto")
