"""What the agent does when its key was exposed, or its instance answers nonsense."""

from pathlib import Path
from typing import Any

import pytest

from ostiary.agent import life, running
from ostiary.agent.folder import Enrolled, Folder, UnusableFolder
from ostiary.agent.https import Unreachable, UnusableAddress
from ostiary.agent.instance import InstanceClient, read_origin
from ostiary.agent.running import Keeping
from ostiary.agent.tpm import UnusableTpm
from ostiary.devices.domain.answers import Certified, Left


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Return the folder of an enrolled computer."""
    one = Folder(tmp_path / "agent")
    with one.held():
        one.make_key()
        one.write_enrolled(
            Enrolled(origin="https://id.example.test", device="dev-1", name="Laptop", owner="ada@example.test")
        )
    return one


def test_a_key_that_others_could_read_proves_nothing_and_can_still_be_given_up(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def heard(_client: InstanceClient, _key: Any, *, device: str) -> Left:
        told.append(device)
        return Left(device=device)

    monkeypatch.setattr(InstanceClient, "leave", heard)
    folder.key_file.chmod(0o644)
    with pytest.raises(UnusableFolder, match="Others can read") as refused:
        life.renew(folder)
    assert "ostiary-agent leave" in refused.value.hint
    assert life.leave(folder).device == "dev-1", "the hint is no circle"
    assert told == ["dev-1"]
    assert not folder.key_file.exists()


def test_a_folder_that_is_there_for_other_things_is_not_shut(tmp_path: Path) -> None:
    """Whoever says --folder /tmp as root must not shut everybody out of it."""
    tmp_path.chmod(0o755)
    with Folder(tmp_path).held():
        assert tmp_path.stat().st_mode & 0o777 == 0o700, "an empty one becomes the agent's"
    tmp_path.chmod(0o755)
    (tmp_path / "diary.txt").write_text("not the agent's")
    with pytest.raises(UnusableFolder, match="other things"), Folder(tmp_path).held():
        pytest.fail("nothing is kept there")
    assert tmp_path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("chain", ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_an_answer_without_a_certificate_is_told_in_words_and_replaces_nothing(
    folder: Folder, chain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = Certified(device="dev-1", name="Laptop", owner="ada@example.test", chain=chain, ends_at=0.0)
    monkeypatch.setattr(InstanceClient, "renew", lambda *_args, **_more: answer)
    with pytest.raises(Unreachable, match="no certificate"):
        life.renew(folder)
    assert not folder.certificate_file.exists()


@pytest.mark.parametrize("typed", ["https://[::1]", "https://id.example.test\x7f"])
def test_an_address_that_cannot_be_one_is_told_in_words(folder: Folder, typed: str) -> None:
    with pytest.raises(UnusableAddress):
        InstanceClient(read_origin(typed), None).leave(folder.key(), device="dev-1")


def test_a_tpm_that_cannot_be_used_is_told_and_tried_again(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    said, tried = list[str](), list[Folder]()

    def busy(one: Folder) -> None:
        tried.append(one)
        raise UnusableTpm("The TPM has been busy for too long.")

    monkeypatch.setattr(running, "renew", busy)
    keeping = Keeping(folder, said.append)
    now = 1_800_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    keeping.act(now)
    keeping.act(now + 1)
    keeping.act(now + 3600)
    assert (len(tried), said[0]) == (2, "The TPM has been busy for too long.")
