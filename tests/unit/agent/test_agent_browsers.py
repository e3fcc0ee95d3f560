"""The agent and browsers' stores: real NSS databases, changed by the real tools, and left alone when anything is wrong with them."""

import json
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.agent import command
from ostiary.agent.browsers import keeping, nss
from ostiary.agent.browsers.keeping import Keeper, NoBrowser, NoGoodCertificate, install, refresh, remove
from ostiary.agent.browsers.nss import NoTools, UnusableStore, names_in, nickname_of, read_listing
from ostiary.agent.browsers.parcel import packed, sha1_of
from ostiary.agent.browsers.places import Place, places_of
from ostiary.agent.browsers.policy import policy_folders, policy_for, remove_policy, write_policy
from ostiary.agent.browsers.stores import importing, removing, replacing
from ostiary.agent.folder import Enrolled, Folder
from ostiary.devices.domain.certificates import fingerprint_of, make_issuing, make_leaf, make_root, pem_of

DEVICE = "dev-0a1b2c3d4e5f"
ROOT_KEY, ISSUING_KEY = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
NOW = datetime.now(UTC)
ROOT = make_root(ROOT_KEY, domain="example.com", serial=1, now=NOW)
ISSUING = make_issuing(ROOT, ROOT_KEY, ISSUING_KEY.public_key(), domain="example.com", serial=2, now=NOW)


def tool(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    return done.stdout


def make_database(folder: Path, *, password: str = "") -> Path:
    folder.mkdir(parents=True)
    if password:
        (folder / "said").write_text(f"{password}\n")
        tool("certutil", "-N", "-d", f"sql:{folder}", "-f", str(folder / "said"))
    else:
        tool("certutil", "-N", "-d", f"sql:{folder}", "--empty-password")
    return folder


def certify(folder: Folder, *, hours: float = 0.0) -> str:
    """Give the device another certificate, as its instance does; return what it is called in browsers' stores."""
    key, now = folder.key(), NOW - timedelta(hours=hours)
    serial = x509.random_serial_number()
    leaf = make_leaf(ISSUING, ISSUING_KEY, key.public_key(), device=DEVICE, serial=serial, now=now)
    folder.write_certificate(pem_of(leaf, ISSUING))
    return nickname_of(DEVICE, fingerprint_of(leaf))


def names(folder: Path) -> set[str]:
    return set(names_in(Place("", folder)))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the home of somebody with Chromium installed and one profile of Firefox, in which a certificate is already."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(keeping, "is_chromium_installed", lambda: True)
    profile = make_database(tmp_path / ".mozilla/firefox/abcd.default-esr")
    (tmp_path / "ca.pem").write_text(pem_of(ROOT))
    tool(
        "certutil", "-A", "-d", f"sql:{profile}", "-n", "Ostiary of others", "-t", ",,", "-i", str(tmp_path / "ca.pem")
    )
    return tmp_path


@pytest.fixture
def folder(home: Path) -> Folder:
    one = Folder(home / "agent")
    with one.held():
        one.make_key()
        one.write_enrolled(
            Enrolled(origin="https://id.example.com:8443", device=DEVICE, name="Laptop", owner="ada@example.test")
        )
    return one


def stores(home: Path) -> tuple[Path, Path]:
    return home / ".pki/nssdb", home / ".mozilla/firefox/abcd.default-esr"


def test_every_browser_gets_the_certificate_and_later_the_next_one_in_its_place(home: Path, folder: Folder) -> None:
    chromium, firefox = stores(home)
    first = certify(folder)
    assert [(one.folder, one.state) for one in install(folder)] == [
        (str(chromium), "installed"),
        (str(firefox), "installed"),
    ]
    assert (names(chromium), names(firefox)) == ({first}, {first, "Ostiary of others"})
    assert {one.state for one in install(folder)} == {"unchanged"}
    assert chromium.stat().st_mode & 0o777 == 0o700
    assert refresh(folder) == ()
    second = certify(folder)
    assert {one.state for one in refresh(folder)} == {"installed"}
    assert (names(chromium), names(firefox)) == ({second}, {second, "Ostiary of others"})
    assert sorted(path.name for path in folder.path.iterdir() if path.name.startswith(".browser")) == []
    assert {one.state for one in remove(folder)} == {"removed"}
    assert (names(chromium), names(firefox)) == (set(), {"Ostiary of others"})
    for one in (chromium, firefox):
        done = subprocess.run(["certutil", "-K", "-d", f"sql:{one}"], capture_output=True, text=True, check=False)
        assert "no keys found" in done.stdout
    assert folder.browsers() == ()
    assert remove(folder) == ()


def test_there_is_no_moment_without_a_good_certificate(
    home: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = certify(folder)
    install(folder)
    second = certify(folder)
    seen = []

    def slow(place: Place, how: str, name: str) -> None:
        seen.append(set(names_in(place)) - {"Ostiary of others"})
        raise UnusableStore("the computer was switched off")

    with monkeypatch.context() as within:
        within.setattr(nss, "_delete", slow)
        assert {one.state for one in refresh(folder)} == {"failed"}
    assert seen == [{first, second}] * 2
    assert {one.state for one in refresh(folder)} == {"installed"}, "what was broken off is finished"
    assert names(stores(home)[0]) == {second}


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_database_that_cannot_be_used_is_left_as_it_is_and_the_others_are_served(
    home: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nss, "LOCK_SECONDS", 0.05)
    root = home / ".mozilla/firefox"
    shut = make_database(root / "shut", password="correct horse")
    damaged, used = make_database(root / "damaged"), make_database(root / "used")
    (damaged / "key4.db").write_bytes(b"no database" * 999)
    unreadable = make_database(root / "unreadable")
    (unreadable / "key4.db").unlink()
    (unreadable / "key4.db").mkdir()
    name = certify(folder)
    before = {one: content(one) for one in (shut, damaged, used)}
    other = sqlite3.connect(used / "cert9.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    done = {Path(one.folder).name: one for one in install(folder)}
    other.execute("ROLLBACK")
    other.close()
    assert {key for key, one in done.items() if one.state == "failed"} == {"shut", "damaged", "used", "unreadable"}
    for which, words in (
        ("shut", "primary password"),
        ("damaged", "damaged"),
        ("used", "in use"),
        ("unreadable", "read"),
    ):
        assert words in done[which].problem
    assert {one: content(one) for one in before} == before
    assert all(name in names(one) for one in stores(home))
    assert {one.browser for one in folder.browsers()} == {"Chromium, Chrome, Edge", "Firefox, profile abcd.default-esr"}


def test_what_lies_in_somebody_elses_home_is_left_alone_whoever_asks(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _chromium, firefox = stores(home)
    monkeypatch.setattr(nss.os, "geteuid", lambda: firefox.stat().st_uid + 1)
    with pytest.raises(UnusableStore, match="somebody else"):
        names(firefox)


def test_what_is_missing_is_said_with_what_to_do(
    home: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(NoGoodCertificate):
        install(folder)
    certify(folder, hours=25)
    with pytest.raises(NoGoodCertificate, match="no good certificate"):
        install(folder)
    certify(folder)
    with monkeypatch.context() as within:
        within.setenv("PATH", str(tmp_path / "empty"))
        with pytest.raises(NoTools) as missing:
            install(folder)
        assert "libnss3-tools" in str(missing.value.hint)
    monkeypatch.setattr(keeping, "_found", tuple)
    with pytest.raises(NoBrowser):
        install(folder)
    [outcome] = install(folder, profiles=[home / "nowhere"])
    assert (outcome.state, "nowhere" in outcome.problem) == ("failed", True)


def test_while_the_agent_runs_trouble_is_said_once_and_mends_itself(home: Path, folder: Folder) -> None:
    certify(folder)
    install(folder)
    name, said = certify(folder), list[str]()
    _chromium, firefox = stores(home)
    good = (firefox / "key4.db").read_bytes()
    (firefox / "key4.db").write_bytes(b"no database" * 999)
    keeper = Keeper(folder, said.append)
    for moment in (0.0, 10.0, 70.0):
        keeper.act(moment)
    assert (len(said), "damaged" in said[0]) == (1, True)
    (firefox / "key4.db").write_bytes(good)
    keeper.act(200.0)
    assert name in names(firefox)
    for path in firefox.iterdir():
        path.unlink()
    certify(folder)
    keeper.act(210.0)
    assert [one.browser for one in folder.browsers()] == ["Chromium, Chrome, Edge"], "a profile that was deleted"
    assert len(said) == 1


def test_the_commands_say_what_they_did_for_people_and_for_programs(
    home: Path, folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    certify(folder)
    chromium, firefox = stores(home)
    words = ["--folder", str(folder.path)]
    assert command.main([*words, "install-browser", "--json"]) == 0
    assert {one["state"] for one in json.loads(capsys.readouterr().out)} == {"installed"}
    assert command.main([*words, "status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["browsers"] == [str(chromium), str(firefox)]
    assert command.main([*words, "remove-browser", "--profile", str(firefox)]) == 0
    assert "holds nothing of this device" in capsys.readouterr().out
    assert len(names(chromium)) == 1
    assert command.main([*words, "install-browser", "--profile", str(home)]) == 1
    assert "--profile FOLDER" in capsys.readouterr().err
    assert command.main([*words, "leave", "--only-here"]) == 0
    assert names(chromium) == set()


@settings(max_examples=60)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp", "Zs")), min_size=1)))
def test_any_name_that_stands_in_a_listing_is_found_in_it(listed: list[str]) -> None:
    heading = (
        "\nCertificate Nickname                                         Trust Attributes\n"
        + " " * 61
        + "SSL,S/MIME,JAR/XPI\n\n"
    )
    assert read_listing(heading + "".join(f"{one:<60} u,u,u\n" for one in listed)) == tuple(listed)


def test_where_browsers_look(tmp_path: Path) -> None:
    assert places_of(tmp_path, has_chromium=False) == ()
    assert [one.folder for one in places_of(tmp_path, has_chromium=True)] == [tmp_path / ".pki/nssdb"]
    for where in (
        "snap/chromium/current/.pki/nssdb",
        "snap/firefox/common/.mozilla/firefox/one.default",
        ".var/app/org.mozilla.firefox/.mozilla/firefox/two.default",
    ):
        (tmp_path / where).mkdir(parents=True)
        (tmp_path / where / "cert9.db").touch()
    found = {str(one.folder.relative_to(tmp_path)).partition("/")[0] for one in places_of(tmp_path, has_chromium=False)}
    assert found == {"snap", ".var"}
    assert len(places_of(tmp_path, has_chromium=False)) == 3


def test_the_policy_names_the_instance_and_whose_certificates_are_shown(tmp_path: Path) -> None:
    leaf = make_leaf(ISSUING, ISSUING_KEY, ROOT_KEY.public_key(), device=DEVICE, serial=3, now=NOW)
    text = policy_for("https://id.example.com:8443", leaf)
    [chosen] = json.loads(text)["AutoSelectCertificateForUrls"]
    assert json.loads(chosen) == {
        "pattern": "https://[*.]example.com",
        "filter": {"ISSUER": {"O": "Ostiary devices of example.com"}},
    }
    later = make_issuing(ROOT, ROOT_KEY, ROOT_KEY.public_key(), domain="example.com", serial=4, now=NOW + timedelta(9))
    next_leaf = make_leaf(later, ROOT_KEY, ROOT_KEY.public_key(), device=DEVICE, serial=5, now=NOW)
    assert policy_for("https://id.example.com", next_leaf) == text, "another key that signs changes nothing"
    (tmp_path / "etc/opt/edge").mkdir(parents=True)
    files = write_policy(text, policy_folders(tmp_path))
    assert [str(one.relative_to(tmp_path)) for one in files] == [
        "etc/chromium/policies/managed/ostiary.json",
        "etc/opt/chrome/policies/managed/ostiary.json",
        "etc/opt/edge/policies/managed/ostiary.json",
    ]
    assert {(one.read_text(), one.stat().st_mode & 0o777) for one in files} == {(text, 0o644)}
    assert files[0].parent.stat().st_mode & 0o777 == 0o755
    assert remove_policy(policy_folders(tmp_path)) == files
    assert remove_policy(policy_folders(tmp_path)) == ()


def test_the_commands_for_the_stores_of_other_systems(tmp_path: Path) -> None:
    package, ada, sha1 = Path("device.p12"), Path("/Users/ada"), "ab" * 20
    mac = importing("Darwin", package, password="one", home=ada)
    assert mac[:9] == (
        "security", "import", "device.p12", "-k", "/Users/ada/Library/Keychains/login.keychain-db", "-f", "pkcs12", "-P", "one",
    )  # fmt: skip
    assert importing("Windows", package, password="one", home=ada) == (
        "certutil", "-user", "-p", "one", "-importPFX", "My", "device.p12", "NoExport,NoRoot",
    )  # fmt: skip
    keep = removing("Darwin", sha1, home=ada, with_key=False)
    assert keep[:4] == ("security", "delete-certificate", "-Z", sha1.upper())
    assert removing("Darwin", sha1, home=ada, with_key=True)[1] == "delete-identity"
    assert removing("Windows", sha1, home=ada, with_key=True) == ("certutil", "-user", "-delstore", "My", sha1)
    assert replacing("Darwin", package, password="one", home=ada, before=[sha1]) == (mac, keep), "the new one first"


def test_what_other_systems_are_given_holds_key_and_certificate(
    home: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A stand-in for `security` writes down what it is asked to do; the system itself is not there to be tried."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "security").write_text(
        f'#!{sys.executable}\nimport sys\nopen("{tmp_path}/asked", "a").write(sys.argv[1] + "\\n")\n'
    )
    (tools / "security").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setattr(keeping.stores, "system_here", lambda: "Darwin")
    for _ in range(2):
        certify(folder)
        assert [one.state for one in (refresh(folder) or install(folder))] == ["installed"]
    leaf: Any = folder.certificate()
    assert [one.name for one in folder.browsers()] == [sha1_of(leaf)]
    assert [one.state for one in remove(folder)] == ["removed"]
    assert (tmp_path / "asked").read_text().split() == ["import", "import", "delete-certificate", "delete-identity"]
    with packed(folder.path, DEVICE, folder.key(), leaf, old_ciphers=True) as parcel:
        key, certificate, _ = pkcs12.load_key_and_certificates(
            parcel.package.read_bytes(), parcel.password.read_bytes()
        )
    assert certificate == leaf
    assert key is not None
    assert key.public_key() == leaf.public_key()
    assert not parcel.package.exists()
