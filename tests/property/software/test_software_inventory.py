"""Inventories as agents make and send them: whatever package managers say, bounded, in one form, and what was signed."""

import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.agent.inventory.collect import collect_inventory
from ostiary.agent.inventory.keeping import LOOK_AGAIN_SECONDS, InventoryKeeper
from ostiary.agent.inventory.language_packages import read_brew, read_npm_manifest, read_python_metadata, read_winget
from ostiary.agent.inventory.system_packages import read_apk, read_dpkg, read_rpm
from ostiary.software.domain.packages import (
    MAX_PACKAGES,
    Inventory,
    Package,
    UnreadableInventory,
    digest_of,
    make_inventory,
    pack_inventory,
    unpack_inventory,
)

WINGET = {
    "$schema": "https://aka.ms/winget-packages.schema.2.0.json",
    "CreationDate": "2026-11-01T10:00:00.000-00:00",
    "Sources": [
        {
            "Packages": [
                {"PackageIdentifier": "Mozilla.Firefox", "Version": "132.0"},
                {"PackageIdentifier": "Git.Git"},
            ],
            "SourceDetails": {"Argument": "https://cdn.winget.microsoft.com/cache", "Name": "winget"},
        }
    ],
    "WinGetVersion": "1.9.25180",
}


def words(packages: Any) -> list[str]:
    return [f"{one.name} {one.version} < {one.source} {one.source_version}".removesuffix(" <  ") for one in packages]


def test_dpkg_names_what_is_installed_with_what_it_was_built_from() -> None:
    said = (
        "ii \tlibssl3\t3.0.14-1~deb12u2\topenssl\t3.0.14-1~deb12u2\n"
        "rc \told-thing\t1.0\told-thing\t1.0\n"
        "un \tnever\t\tnever\t\n"
        "hi \tbash\t5.2.15-2+b7\tbash\t5.2.15-2\n"
        "nonsense\n"
    )
    assert words(read_dpkg(said, "Debian:12")) == [
        "libssl3 3.0.14-1~deb12u2 < openssl 3.0.14-1~deb12u2",
        "bash 5.2.15-2+b7 < bash 5.2.15-2",
    ]


def test_rpm_names_epochs_and_sources() -> None:
    said = (
        "bind-libs\t32\t9.16.23-18.el9\tbind-9.16.23-18.el9.src.rpm\n"
        "bash\t0\t5.1.8-9.el9\tbash-5.1.8-9.el9.src.rpm\n"
        "gpg-pubkey\t0\t1234-5678\t(none)\n"
        "odd\t(none)\t1-1\t(none)\n"
    )
    assert words(read_rpm(said, "Rocky Linux:9")) == [
        "bind-libs 32:9.16.23-18.el9 < bind 32:9.16.23-18.el9",
        "bash 5.1.8-9.el9 < bash 5.1.8-9.el9",
        "odd 1-1",
    ]


def test_apk_names_origins() -> None:
    said = "C:Q1abc=\nP:libcrypto3\nV:3.3.2-r0\no:openssl\nF:lib\n\nP:musl\nV:1.2.5-r0\n\nrubbish"
    assert words(read_apk(said, "Alpine:v3.20")) == [
        "libcrypto3 3.3.2-r0 < openssl 3.3.2-r0",
        "musl 1.2.5-r0 < musl 1.2.5-r0",
    ]


def test_languages_and_managers_of_ones_own() -> None:
    assert read_python_metadata("Metadata-Version: 2.4\nName: Foo.Bar\nVersion: 1.0\n\nName: other\n") == Package(
        ecosystem="PyPI", name="foo-bar", version="1.0"
    )
    assert read_python_metadata("Name: only") is None
    assert read_npm_manifest(b'{"name": "@scope/thing", "version": "1.2.3", "main": 1}') == Package(
        ecosystem="npm", name="@scope/thing", version="1.2.3"
    )
    assert words(read_brew("jq 1.7.1\nopenssl@3 3.3.2 3.4.0\n\n")) == ["jq 1.7.1", "openssl@3 3.3.2", "openssl@3 3.4.0"]
    assert words(read_winget(b"\xef\xbb\xbf" + json.dumps(WINGET).encode())) == ["Mozilla.Firefox 132.0"]


@given(st.text(max_size=200), st.sampled_from(["\t", "\n", " ", ":"]))
@settings(max_examples=30)
def test_whatever_they_say_what_comes_of_it_can_be_sent(text: str, mark: str) -> None:
    said = text.replace("a", mark)
    found = [*read_dpkg(said, "Debian:12"), *read_rpm(said, "Rocky Linux:9"), *read_apk(said, "Alpine:v3.20")]
    found += [*read_brew(said), *read_winget(said.encode(errors="replace"))]
    found += [one for one in (read_python_metadata(said), read_npm_manifest(said.encode(errors="replace"))) if one]
    inventory = make_inventory("Debian:12", found, [said])
    assert unpack_inventory(pack_inventory(inventory), digest=digest_of(inventory)) == inventory


@given(st.binary(max_size=80))
@settings(max_examples=50)
def test_whatever_comes_instead_of_an_inventory_is_refused(content: bytes) -> None:
    for sent in (content, zlib.compress(content)):
        with pytest.raises(UnreadableInventory):
            unpack_inventory(sent, digest="0" * 64)


def test_an_inventory_is_what_was_signed_and_in_one_form() -> None:
    packages = [Package(ecosystem="PyPI", name=name, version="1") for name in "ba"]
    good = make_inventory("Debian:12", packages)
    twisted = Inventory(system="Debian:12", packages=tuple(packages))
    twice = Inventory(packages=(packages[0], packages[0]))
    bell = Inventory(packages=(Package(ecosystem="PyPI", name="two\x07bells", version="1"),))
    for one in (twisted, twice, bell):
        with pytest.raises(UnreadableInventory):
            unpack_inventory(pack_inventory(one), digest=digest_of(one))
    with pytest.raises(UnreadableInventory, match="signed"):
        unpack_inventory(pack_inventory(good), digest=digest_of(twisted))
    with pytest.raises(UnreadableInventory, match="cut off"):
        unpack_inventory(pack_inventory(good)[:-4], digest=digest_of(good))


def test_nothing_unpacks_into_more_than_it_may() -> None:
    with pytest.raises(UnreadableInventory, match="too large"):
        unpack_inventory(zlib.compress(b" " * 50_000_000), digest="0" * 64)


def test_no_more_than_may_be_sent_and_that_is_said() -> None:
    many = (Package(ecosystem="npm", name=f"p{number}", version="1") for number in range(MAX_PACKAGES + 5))
    inventory = make_inventory("Debian:12", many)
    assert len(inventory.packages) == MAX_PACKAGES
    assert "only the first" in inventory.incomplete[0]


def made(root: Path, name: str, content: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_a_look_at_a_system_finds_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path, "etc/os-release", 'ID="alpine"\nVERSION_ID=3.20.1\n')
    made(tmp_path, "lib/apk/db/installed", "P:musl\nV:1.2.5-r0\no:musl\n\n")
    site = "usr/lib/python3.12/site-packages"
    made(tmp_path, f"{site}/Flask-3.0.0.dist-info/METADATA", "Name: Flask\nVersion: 3.0.0\n\n")
    made(tmp_path, f"{site}/py3_yaml-6.dist-info/METADATA", "Name: PyYAML\nVersion: 6.0\n\n")
    made(tmp_path, f"{site}/py3_yaml-6.dist-info/INSTALLER", "apk\n")
    made(tmp_path, "usr/lib/node_modules/npm/package.json", '{"name": "npm", "version": "10.0.0"}')
    made(
        tmp_path,
        "usr/lib/node_modules/npm/node_modules/@npmcli/fs/package.json",
        '{"name": "@npmcli/fs", "version": "4.0.0"}',
    )
    made(tmp_path, "usr/lib/node_modules/broken/package.json", "{")
    (tmp_path / "usr/lib/node_modules/loop").symlink_to(tmp_path / "usr/lib/node_modules")
    monkeypatch.setattr("sys.path", [])
    monkeypatch.setenv("PATH", str(tmp_path))
    inventory = collect_inventory(tmp_path)
    assert inventory.system == "Alpine:v3.20"
    assert [f"{one.ecosystem} {one.name} {one.version}" for one in inventory.packages] == [
        "Alpine:v3.20 musl 1.2.5-r0",
        "PyPI flask 3.0.0",
        "npm @npmcli/fs 4.0.0",
        "npm npm 10.0.0",
    ]
    assert inventory.incomplete == ()
    made(tmp_path, "lib/apk/db/installed", "")
    assert collect_inventory(tmp_path).incomplete == ("apk names no package",), "an empty list is no good news"


def test_it_looks_again_when_a_package_came_and_an_hour_later(tmp_path: Path) -> None:
    looks: list[int] = []

    def collect(_root: Path) -> Inventory:
        looks.append(len(looks))
        return make_inventory("Debian:12", [Package(ecosystem="npm", name=f"p{len(looks)}", version="1")])

    keeper = InventoryKeeper(tmp_path, collect)
    first = keeper.digest(now=1000.0)
    assert keeper.digest(now=1100.0) == first
    made(tmp_path, "var/lib/dpkg/status", "changed")
    assert keeper.digest(now=1101.0) != first
    assert len(looks) == 2
    keeper.look(now=1102.0 + LOOK_AGAIN_SECONDS)
    assert len(looks) == 3
    keeper.look(now=5.0)
    assert len(looks) == 4, "a clock that went back is no reason to trust what is old"
    inventory = unpack_inventory(keeper.packed(), digest=keeper.digest(now=6.0))
    assert inventory.packages[0].name == "p4"
