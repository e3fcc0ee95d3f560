"""Which security updates wait, as each package manager says, and which of them speaks for a computer that has several."""

from pathlib import Path
from typing import Any

import pytest
from tests.agent_computer import NOW, MadeUp

from ostiary.agent.inventory import collect
from ostiary.agent.posture.computer import Ran
from ostiary.agent.posture.finding import look_at
from ostiary.agent.posture.linux import updates, updates_apt
from ostiary.agent.posture.memory import Memory

DAY = 86400.0


def seen(computer: MadeUp) -> dict[str, Any]:
    """Return both facts, or why there is none."""
    return {one.name: one.problem if one.value is None else one.value for one in look_at(updates.COLLECTOR, computer)}


def told(computer: MadeUp) -> Any:
    """Return how many wait, or why that is not known."""
    return seen(computer)["security_updates_pending"]


POLICY = """\
base-files:
  Installed: 12.4+deb12u11
  Candidate: 12.4+deb12u15
  Version table:
     12.4+deb12u15 500
        500 http://deb.debian.org/debian bookworm/main amd64 Packages
 *** 12.4+deb12u11 100
        100 /var/lib/dpkg/status
libgcrypt20:
  Installed: 1.10.1-3
  Candidate: 1.10.1-3+deb12u1
  Version table:
     1.10.1-3+deb12u1 500
        500 http://deb.debian.org/debian bookworm/main amd64 Packages
        500 http://deb.debian.org/debian-security bookworm-security/main amd64 Packages
 *** 1.10.1-3 100
        100 /var/lib/dpkg/status
curl:
  Installed: 7.81.0-1ubuntu1.14
  Candidate: 7.81.0-1ubuntu1.16
  Version table:
     7.81.0-1ubuntu1.16 500
        500 http://archive.ubuntu.com/ubuntu jammy-updates/main amd64 Packages
     7.81.0-1ubuntu1.15 500
        500 http://security.ubuntu.com/ubuntu jammy-security/main amd64 Packages
 *** 7.81.0-1ubuntu1.14 100
        100 /var/lib/dpkg/status
     7.81.0-1 500
        500 http://archive.ubuntu.com/ubuntu jammy/main amd64 Packages
openssl:
  Installed: 3.0.11-1
  Candidate: 3.0.11-1
  Version table:
 *** 3.0.11-1 500
        500 http://security.ubuntu.com/ubuntu jammy-security/main amd64 Packages
        100 /var/lib/dpkg/status
zeek:
  Installed: 7.0.1-0
  Candidate: 7.0.2-0
  Version table:
     7.0.2-0 500
        500 http://download.opensuse.org/repositories/security:/zeek/Debian_12 ./ Packages
 *** 7.0.1-0 100
        100 /var/lib/dpkg/status
nginx:
  Installed: 1.27.0-1~bookworm
  Candidate: 1.27.0-1~bookworm
  Version table:
     1.28.0-1 -1
         -1 http://deb.debian.org/debian-security bookworm-security/main amd64 Packages
 *** 1.27.0-1~bookworm 900
        900 http://nginx.org/packages bookworm/nginx amd64 Packages
        100 /var/lib/dpkg/status
"""
"""As apt-cache(8) shows it: curl's security update is hidden behind a newer one from elsewhere, nginx comes from elsewhere by choice."""
VIM = """\
vim:i386:
  Installed: 2:9.0
  Candidate: 2:9.1
  Version table:
     2:9.1 500
        500 http://security.debian.org/debian-security bookworm-security/main i386 Packages
 *** 2:9.0 100
        100 /var/lib/dpkg/status
"""
INSTALLED = "ii \tbase-files\nii \tlibgcrypt20\nhi \tcurl\nrc \tgone\nii \tvim:i386\n"
RELEASE = "/var/lib/apt/lists/deb.debian.org_debian-security_dists_bookworm-security_InRelease"
DEBIAN = {"/etc/os-release": "ID=debian\nVERSION_ID=12\n"}


def apt(policy: str | Ran = POLICY, files: dict[str, str] | None = None) -> MadeUp:
    """Return a computer with apt; its security list was made two days before it was fetched."""
    made = {RELEASE: "Origin: Debian\nDate: Fri, 20 Nov 2026 00:00:00 UTC\n", "/var/lib/dpkg/status": ""}
    return MadeUp(
        files={**DEBIAN, **made, **(files or {})},
        programs={"apt-cache policy": policy, "dpkg-query --show": INSTALLED},
    )


def test_security_updates_count_from_when_one_was_first_seen_to_wait_for_the_package() -> None:
    computer = apt()
    assert seen(computer) == {"security_updates_pending": 2, "security_update_age_days": 2}
    assert computer.asked[1] == "apt-cache policy base-files libgcrypt20 curl vim:i386", (
        "held ones too, in one question"
    )
    asked = len(computer.asked)
    seen(computer)
    assert len(computer.asked) == asked, "apt is asked again only when something changed"
    computer.now += 5 * DAY
    computer.programs["apt-cache policy"] = POLICY.replace("ubuntu1.15", "ubuntu1.17").replace(
        "ubuntu1.16", "ubuntu1.18"
    )
    computer.programs["apt-cache policy"] += VIM
    computer.changed["/var/lib/dpkg/status"] = computer.now
    assert seen(computer) == {"security_updates_pending": 3, "security_update_age_days": 7}
    curl = POLICY[POLICY.index("curl:") : POLICY.index("openssl:")].replace("ubuntu1.15", "ubuntu1.19")
    computer.programs["apt-cache policy"] = curl.replace("ubuntu1.16", "ubuntu1.19")
    computer.changed["/var/lib/dpkg/status"] = computer.now + 1
    assert seen(computer) == {"security_updates_pending": 1, "security_update_age_days": 7}, (
        "the next update of a package does not make its wait shorter"
    )
    computer.programs["apt-cache policy"] = VIM
    computer.changed["/var/lib/dpkg/status"] = computer.now + 2
    computer.files[RELEASE] = "Date: Fri, 27 Nov 2026 00:00:00 UTC\n"
    assert seen(computer) == {"security_updates_pending": 1, "security_update_age_days": 0}


def test_what_an_earlier_agent_saw_wait_still_waits() -> None:
    computer = apt()
    computer.memory = Memory(
        {"apt:curl=7.81.0-1ubuntu1.15": NOW - 9 * DAY, "apt:curl=7.81.0-1ubuntu1.12": NOW - 40 * DAY}
    )
    assert seen(computer)["security_update_age_days"] == 40


def test_of_a_security_archive_that_is_silent_nothing_is_told_however_new_others_are() -> None:
    other = "/var/lib/apt/lists/download.opensuse.org_repositories_security:_zeek_Debian%5f12_InRelease"
    support = "/var/lib/apt/lists/esm.ubuntu.com_infra_ubuntu_dists_jammy-infra-security_InRelease"
    old, new = "Date: Fri, 13 Nov 2026 00:00:00 UTC\n", "Date: Sat, 21 Nov 2026 00:00:00 UTC\n"
    silent = apt(files={RELEASE: old, other: new, f"{updates_apt.LISTS}/partial/x": ""})
    assert told(silent) == ("apt's list of security updates is 9 days old. Run: apt-get update")
    assert told(apt(files={support: old})) == 2
    none = MadeUp(files={**DEBIAN, other: new}, programs={"apt-cache policy": "", "dpkg-query": ""})
    assert "no list of security updates" in told(none)
    broken = apt(Ran(status=100, said=""))
    assert "apt cannot say" in told(broken)


FEDORA = {"/etc/os-release": "ID=fedora\nVERSION_ID=44\n"}
DNF_4 = """\
===============================================================================
  Important: kernel security update
===============================================================================
  Update ID: RHSA-2026:1001
       Type: security
    Updated: 2026-11-01 09:12:33
Description: Fixes a thing.
           : Update ID: of no advisory, as it stands in a text
   Severity: Important

===============================================================================
  bind-9.18.30-1.fc41
===============================================================================
  Update ID: FEDORA-2026-0001
       Type: security
    Updated: 2026-11-20 01:15:00
"""
DNF_5 = """\
Name        : FEDORA-2026-9b3a
Title       : openssl-3.5.1-2.fc43
Severity    : Important
Type        : security
Status      : final
Vendor      : updates@fedoraproject.org
Issued      : 2026-11-12 02:11:04
"""


@pytest.mark.parametrize(("text", "count", "days"), [(DNF_4, 2, 20), (DNF_5, 1, 9), ("", 0, 0)])
def test_advisories_say_when_they_came_out(text: str, count: int, days: int) -> None:
    computer = MadeUp(
        files={**FEDORA, "/var/cache/dnf/updates-1/repodata/repomd.xml": ""},
        programs={
            "dnf --quiet --cacheonly updateinfo info --security": text,
            "dnf --quiet --cacheonly updateinfo list --all": "FEDORA-2026-9b3a Important/Sec. openssl\n",
        },
    )
    assert seen(computer) == {"security_updates_pending": count, "security_update_age_days": days}
    computer.memory = type(computer.memory)()
    computer.programs["dnf --quiet --cacheonly updateinfo list --all"] = ""
    if not text:
        assert "no advisories" in told(computer)


def test_dnf_5_is_asked_what_root_has_and_not_what_a_person_once_fetched() -> None:
    """Its own cache would be taken by `--cacheonly` however old it is."""
    files = {**FEDORA, "/usr/bin/dnf": "dnf5", "/var/cache/libdnf5/updates-1/repodata/repomd.xml": ""}
    shared = "dnf5 --quiet --cacheonly --setopt=cachedir=/var/cache/libdnf5 --setopt=build_cache=0 updateinfo"
    person = MadeUp(files=files, programs={"dnf": "", f"{shared} info --security": DNF_5}, root=False, user=1000)
    assert told(person) == 1
    root = MadeUp(files=files, programs={"dnf": "", "dnf5 --quiet --cacheonly updateinfo info --security": DNF_5})
    assert told(root) == 1
    person.changed["/var/cache/libdnf5/updates-1/repodata/repomd.xml"] = NOW - 9 * DAY
    person.changed["/var/cache/libdnf5/updates-1/repodata"] = NOW - 9 * DAY
    assert told(person) == "dnf's cache is 9 days old. Run: dnf makecache"


def test_one_repository_that_is_alive_hides_no_other_that_brings_advisories() -> None:
    files = {
        **FEDORA,
        "/etc/yum.repos.d/all.repo": "[updates]\nenabled=1\n[epel]\n[copr]\nenabled=1\n[tried]\nenabled=1\n",
    }
    files["/etc/dnf/repos.override.d/99.repo"] = "[tried]\nenabled=0\n"
    old = {}
    for folder, kind, days in (
        ("updates-0123456789abcdef", "updateinfo", 1.0),
        ("updates-fedcba9876543210", "updateinfo", 200.0),
        ("epel-0123456789abcdef", "updateinfo", 2.0),
        ("copr-0123456789abcdef", "filelists", 90.0),
        ("tried-0123456789abcdef", "updateinfo", 90.0),
    ):
        for path in (f"{kind}.xml.gz", "primary.xml.gz"):
            files[f"/var/cache/dnf/{folder}/repodata/1-{path}"] = ""
            old[f"/var/cache/dnf/{folder}/repodata/1-{path}"] = NOW - (days + ("primary" not in path)) * DAY
    programs = {"dnf --quiet --cacheonly updateinfo info --security": DNF_4}
    assert told(MadeUp(files=files, programs=programs, changed=old)) == 2
    old["/var/cache/dnf/epel-0123456789abcdef/repodata/1-primary.xml.gz"] = NOW - 9 * DAY
    old["/var/cache/dnf/epel-0123456789abcdef/repodata/1-updateinfo.xml.gz"] = NOW - 30 * DAY
    assert told(MadeUp(files=files, programs=programs, changed=old)) == (
        "dnf's cache of epel is 9 days old. Run: dnf makecache"
    )


PATCHES = """\
<?xml version='1.0'?>
<stream>
<message type="info">Loading repository data...</message>
<update-status version="0.6">
<update-list>
<update kind="patch" name="openSUSE-2026-10" edition="1" arch="noarch" status="needed" category="security" severity="important" pkgmanager="true" restart="false" interactive="false"><summary>libzypp</summary><description>&lt;update kind=&quot;patch&quot;&gt;</description><source url="https://example.test/update" alias="repo-update"/><issue-date time_t="1794009600" text="2026-11-07T00:00:00Z"/><issue-list/></update>
</update-list>
<blocked-update-list>
<update kind="patch" name="openSUSE-2026-11" edition="1" arch="noarch" status="needed" category="recommended" severity="low" pkgmanager="false" restart="false" interactive="false"><issue-date time_t="1700000000" text=""/></update>
<update kind="patch" name="openSUSE-2026-12" edition="1" arch="noarch" status="unwanted" category="security" severity="low" pkgmanager="false" restart="false" interactive="false"><issue-date time_t="1795046400" text=""/></update>
</blocked-update-list>
</update-status>
</stream>
"""
NO_PATCHES = "<stream><update-status version='0.6'><update-list>\n{}</update-list></update-status></stream>\n"
PACKAGES = NO_PATCHES.format(
    '<update kind="package" name="git" edition="2.52-1.1" arch="x86_64" edition-old="2.51-1.1"/>'
)
"""Source: openSUSE, Standards Zypper Xml; zypper(8)."""


def suse(system: str, sources: str, programs: dict[str, str | Ran]) -> MadeUp:
    """Return a computer with zypper and these repositories, all just refreshed."""
    files = {"/etc/os-release": f'ID="{system}"\nID_LIKE="suse opensuse"\n', "/etc/zypp/repos.d/all.repo": sources}
    names = [line[1:-1] for line in sources.splitlines() if line.startswith("[")]
    files |= {f"/var/cache/zypp/raw/{name}/repodata/repomd.xml": "" for name in names}
    return MadeUp(
        files=files,
        programs={f"zypper --xmlout --non-interactive --no-refresh {key}": said for key, said in programs.items()},
    )


LEAP = "[repo-oss]\nenabled=1\n[repo-update]\nenabled=1\nautorefresh=1\n[old-update]\nenabled=0\n[chat]\nenabled=1\n"


def test_on_opensuse_patches_for_security_count_from_the_day_they_came_out() -> None:
    computer = suse("opensuse-leap", LEAP, {"list-patches": PATCHES})
    assert seen(computer) == {"security_updates_pending": 2, "security_update_age_days": 15}
    computer.changed = {
        f"/var/cache/zypp/raw/{name}/repodata/repomd.xml": NOW - 9 * DAY for name in ("chat", "old-update")
    }
    assert told(computer) == 2, "nobody else's repository counts, nor one that is off"
    computer.changed["/var/cache/zypp/raw/repo-update/repodata/repomd.xml"] = NOW - 9 * DAY
    assert told(computer) == "What zypper knows of updates is 9 days old. Run: zypper refresh"
    del computer.files["/var/cache/zypp/raw/repo-update/repodata/repomd.xml"]
    computer.changed.clear()
    assert told(computer) == "What zypper knows of updates is not there. Run: zypper refresh"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (NO_PATCHES.format(""), 0),
        (Ran(status=103, said=PATCHES), 2),
        (Ran(status=7, said=PATCHES), "zypper cannot say which updates wait. Run: zypper list-patches"),
        ("<stream><update-status>", "What zypper says of updates is not whole."),
        (NO_PATCHES.format('<appletinfo status="no-update-repositories"/>'), "The package sources here have no patches, so security updates cannot be told from others."),
    ],
)  # fmt: skip
def test_what_zypper_leaves_out_is_no_good_news(said: str | Ran, found: int | str) -> None:
    assert told(suse("sles", LEAP, {"list-patches": said})) == found


def test_on_tumbleweed_which_has_no_patches_every_update_counts_from_when_it_was_seen() -> None:
    computer = suse("opensuse-tumbleweed", LEAP, {"list-updates": PACKAGES, "list-patches": NO_PATCHES.format("")})
    assert seen(computer) == {"security_updates_pending": 1, "security_update_age_days": 0}
    computer.now += 4 * DAY
    assert seen(computer)["security_update_age_days"] == 4


UPGRADES = "linux 6.17.8.arch1-1 -> 6.17.9.arch1-1\npostgresql 17.6-1 -> 18.1-1 [ignored]\n"
"""Source: pacman(8), `--query --upgrades`."""


def test_on_arch_every_update_counts_for_none_is_marked_and_old_databases_tell_nothing() -> None:
    core, extra, other = (f"/var/lib/pacman/sync/{name}.db" for name in ("core", "extra", "chaotic"))
    arch = {"/etc/os-release": "ID=arch\n", core: "", extra: "", other: ""}
    computer = MadeUp(files=arch, programs={"pacman --query --upgrades": UPGRADES}, changed={core: NOW - 3 * DAY})
    computer.changed[extra] = NOW - 2 * DAY
    assert seen(computer) == {"security_updates_pending": 2, "security_update_age_days": 2}
    computer.programs["pacman --query --upgrades"] = Ran(status=1, said="")
    assert told(computer) == 2, "asked again only when something changed"
    computer.changed["/var/lib/pacman/local"] = NOW
    assert seen(computer) == {"security_updates_pending": 0, "security_update_age_days": 0}
    computer.changed["/var/lib/pacman/local"] = NOW + 1
    computer.programs["pacman --query --upgrades"] = Ran(status=1, said="error: could not open file\n")
    assert told(computer) == "pacman cannot say which updates wait. Run: pacman -Qu"
    computer.now += 7 * DAY
    assert told(computer) == "pacman's databases are 9 days old. Run: pacman -Syu"


FULL = "Package: dpkg\nStatus: install ok installed\n"


@pytest.mark.parametrize(
    ("release", "files", "asked"),
    [
        ("ID=fedora\n", {"/var/lib/dpkg/status": FULL}, "dnf"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', {}, "dnf"),
        ("ID=linuxmint\nID_LIKE='ubuntu debian'\n", {"/var/lib/rpm/rpmdb.sqlite": "x"}, "dpkg-query"),
        ("ID=endeavouros\nID_LIKE=arch\n", {"/var/lib/dpkg/status": FULL}, "pacman"),
        ('ID="sled"\n', {}, "zypper"),
        ("ID=bespoke\n", {"/var/lib/dpkg/status": FULL, "/var/lib/rpm/rpmdb.sqlite": "x"}, "dpkg-query"),
        ("ID=bespoke\n", {"/var/lib/dpkg/status": "", "/var/lib/rpm/rpmdb.sqlite": "x"}, "dnf"),
        ("", {"/var/lib/rpm/rpmdb.sqlite": "x", "/etc/zypp/zypp.conf": "[main]\n"}, "zypper"),
        ("ID=bespoke\n", {"/var/lib/pacman/local/ALPM_DB_VERSION": "9\n"}, "pacman"),
        ("ID=bespoke\n", {}, ""),
    ],
)
def test_the_package_manager_of_the_system_is_asked_whichever_lie_beside_it(
    release: str, files: dict[str, str], asked: str
) -> None:
    fresh = {
        RELEASE: "Date: Fri, 20 Nov 2026 00:00:00 UTC\n",
        "/var/cache/dnf/updates-1/repodata/repomd.xml": "",
        "/var/lib/pacman/sync/core.db": "",
        "/etc/zypp/repos.d/all.repo": "[repo-update]\n",
        "/var/cache/zypp/raw/repo-update/repodata/repomd.xml": "",
    }
    every = dict.fromkeys(("apt-get", "apt-cache", "dpkg-query", "dnf", "zypper", "pacman", "rpm"), "")
    computer = MadeUp(files={"/etc/os-release": release, **fresh, **files}, programs=every)
    seen(computer)
    assert {one.split()[0] for one in computer.asked} == ({asked} if asked else set())


@pytest.mark.parametrize(
    ("release", "files", "named"),
    [
        ("ID=fedora\nVERSION_ID=44\n", {"var/lib/dpkg/status": ""}, ["of-rpm"]),
        ("ID=debian\nVERSION_ID=12\n", {"var/lib/rpm/rpmdb.sqlite": "x"}, ["of-dpkg"]),
        ("ID=arch\n", {"var/lib/dpkg/status": FULL}, []),
        ("ID=bespoke\n", {"var/lib/dpkg/status": "", "var/lib/rpm/rpmdb.sqlite": "x"}, ["of-rpm"]),
    ],
)
def test_what_is_installed_is_what_the_systems_own_package_manager_says(
    release: str, files: dict[str, str], named: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in {"etc/os-release": release, **files}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    programs = {"dpkg-query": "ii \tof-dpkg\t1\tof-dpkg\t1\n", "rpm": "of-rpm\t0\t1-1\tof-rpm-1-1.src.rpm\n"}
    monkeypatch.setattr(collect.shutil, "which", lambda name, path=None: name if name in programs else None)
    monkeypatch.setattr(collect._Looking, "_ask", lambda _looking, program, *_more: programs[program])
    monkeypatch.setattr("sys.path", [])
    assert [one.name for one in collect.collect_inventory(tmp_path).packages] == named
