"""Which kernel a package belongs to, and of what something is the signed form: by names and versions of real packages."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.software.domain.counting import named_flaws
from ostiary.software.domain.kernels import is_idle, waiting_kernel
from ostiary.software.domain.matching import subjects_of
from ostiary.software.domain.packages import Package
from ostiary.software.domain.severity import Severity
from ostiary.software.domain.signed import signed_forms, signed_from

BOOKWORM, TRIXIE, JAMMY = "6.1.0-21-amd64", "6.12.41+deb13-amd64", "5.15.0-101-generic"
ALMA, LEAP = "5.14.0-427.13.1.el9_4.x86_64", "6.4.0-150600.23.25-default"


def package(ecosystem: str, name: str, version: str = "1") -> Package:
    return Package(ecosystem=ecosystem, name=name, version=version)


@pytest.mark.parametrize(
    ("running", "ecosystem", "name", "version", "idle"),
    [
        (BOOKWORM, "Debian:12", "linux-image-6.1.0-21-amd64", "1", False),
        (BOOKWORM, "Debian:12", "linux-image-6.1.0-21-amd64-unsigned", "1", False),
        (BOOKWORM, "Debian:12", "linux-headers-6.1.0-21-common", "1", False),
        (BOOKWORM, "Debian:12", "linux-headers-6.1.0-20-common", "1", True),
        (BOOKWORM, "Debian:12", "linux-image-6.1.0-2-amd64", "1", True),
        (BOOKWORM, "Debian:12", "linux-image-6.1.0-21-cloud-amd64", "1", True),
        (BOOKWORM, "Debian:12", "linux-image-amd64", "1", False),
        (BOOKWORM, "Debian:12", "linux-libc-dev", "1", False),
        (TRIXIE, "Debian:13", "linux-image-6.12.41+deb13-amd64", "1", False),
        (TRIXIE, "Debian:13", "linux-image-6.12.38+deb13-amd64", "1", True),
        (JAMMY, "Ubuntu:22.04", "linux-modules-extra-5.15.0-101-generic", "1", False),
        (JAMMY, "Ubuntu:22.04", "linux-tools-5.15.0-101", "1", False),
        (JAMMY, "Ubuntu:22.04", "linux-hwe-6.5-headers-6.5.0-41", "1", True),
        (JAMMY, "Ubuntu:22.04", "linux-image-unsigned-5.15.0-10-generic", "1", True),
        (ALMA, "AlmaLinux:9", "kernel-core", "5.14.0-427.13.1.el9_4", False),
        (ALMA, "AlmaLinux:9", "kernel-core", "5.14.0-427.13.1.el9", True),
        (ALMA, "AlmaLinux:9", "kernel-modules-core", "5.14.0-362.8.1.el9_3", True),
        (ALMA, "AlmaLinux:9", "kernel-tools", "5.14.0-362.8.1.el9_3", False),
        (f"{ALMA}+rt", "Rocky Linux:9", "kernel-rt-core", "5.14.0-427.13.1.el9_4", False),
        (LEAP, "openSUSE:Leap 15.6", "kernel-default", "6.4.0-150600.23.25.1", False),
        (LEAP, "openSUSE:Leap 15.6", "kernel-default", "6.4.0-150600.23.22.1", True),
        (BOOKWORM, "Alpine:v3.20", "linux-lts", "6.6.30-r0", False),
        ("", "Debian:12", "linux-image-6.1.0-2-amd64", "1", False),
    ],
)
def test_a_package_belongs_to_a_kernel_that_runs_or_to_another(
    running: str, ecosystem: str, name: str, version: str, idle: bool
) -> None:
    assert is_idle(package(ecosystem, name, version), running) is idle


def test_the_newest_kernel_that_waits_is_told() -> None:
    versions = {"6.1.0-9-amd64": "6.1.27-1", BOOKWORM: "6.1.90-1", "6.1.0-22-amd64": "6.1.94-1"}
    here = [package("Debian:12", f"linux-image-{release}", version) for release, version in versions.items()]
    here.append(package("Debian:12", "linux-image-amd64", "6.1.94-1"))
    assert waiting_kernel(here, BOOKWORM) == "linux-image-6.1.0-22-amd64 6.1.94-1"
    assert waiting_kernel(here, "6.1.0-22-amd64") == ""
    assert waiting_kernel(here, "6.8.0-of-the-host") == "", "in a container nobody can tell"
    assert waiting_kernel(here, "") == ""
    cores = [package("AlmaLinux:9", "kernel-core", one) for one in ("5.14.0-427.13.1.el9_4", "5.14.0-427.20.1.el9_4")]
    assert waiting_kernel(cores, ALMA) == "kernel-core 5.14.0-427.20.1.el9_4"


@pytest.mark.parametrize(
    ("ecosystem", "source", "source_version", "version", "signed"),
    [
        ("Debian:12", "linux-signed-amd64", "6.1.76+1", "6.1.76-1", ("linux", "6.1.76-1")),
        ("Debian:12", "linux-signed-arm64", "6.12.9+1~bpo12+1", "6.12.9-1~bpo12+1", ("linux", "6.12.9-1~bpo12+1")),
        ("Debian:12", "grub-efi-amd64-signed", "1+2.06+13+deb12u1", "1+2.06+13+deb12u1", ("grub2", "2.06-13+deb12u1")),
        ("Debian:12", "shim-signed", "1.51~1+deb12u1", "1.51~1+deb12u1+16.1-2~deb12u1", ("shim", "16.1-2~deb12u1")),
        ("Debian:12", "shim-helpers-amd64-signed", "1+16.1+2~deb12u1", "1+16.1+2~deb12u1", ("shim", "16.1-2~deb12u1")),
        ("Ubuntu:22.04", "linux-signed", "5.15.0-101.111", "5.15.0-101.111", ("linux", "5.15.0-101.111")),
        ("Ubuntu:22.04", "linux-signed-hwe-6.5", "6.5.0-41.41~22.04.2", "6.5.0-41.41~22.04.2", ("linux-hwe-6.5", "6.5.0-41.41~22.04.2")),
        ("Ubuntu:22.04", "grub2-signed", "1.187.6", "1.187.6+2.06-2ubuntu14.4", ("grub2-unsigned", "2.06-2ubuntu14.4")),
        ("Debian:12", "linux", "6.1.76-1", "6.1.76-1", None),
        ("Debian:12", "shim-signed", "1.51", "1.51", None),
        ("npm", "linux-signed", "1", "1", None),
    ],
)  # fmt: skip
def test_what_is_signed_is_matched_as_what_it_was_signed_from(
    ecosystem: str, source: str, source_version: str, version: str, signed: tuple[str, str] | None
) -> None:
    assert signed_from(ecosystem, source, source_version, version) == signed
    one = Package(ecosystem=ecosystem, name="any", version=version, source=source, source_version=source_version)
    assert ((signed or ("", ""))[0] in {about.name for about in subjects_of(one)}) is (signed is not None)
    if signed is not None:
        assert source in signed_forms(ecosystem, signed[0])


@given(st.sampled_from(["Debian:12", "Ubuntu:24.04"]), st.sampled_from(["linux", "linux-aws", "grub2", "shim", "bash"]))
@settings(max_examples=10)
def test_every_signed_form_leads_back(ecosystem: str, source: str) -> None:
    for form in signed_forms(ecosystem, source):
        found = signed_from(ecosystem, form, "1+2+3", "1+2+3")
        assert found is not None
        assert found[0] == source


def test_an_advisory_that_does_not_say_how_bad_it_is_is_the_flaws_it_names() -> None:
    rated = {"CVE-2026-1001": Severity.HIGH, "CVE-2026-1002": Severity.LOW}
    assert named_flaws("DSA-1", ["CVE-2026-1001", "CVE-2026-1002"], rated) == rated
    assert named_flaws("CVE-2026-1001", ["DSA-1"], rated) == {"CVE-2026-1001": Severity.HIGH}
    assert named_flaws("DSA-1", ["CVE-2026-1001", "CVE-2026-1003"], rated)["DSA-1"] is Severity.UNKNOWN
    assert named_flaws("DSA-1", [], rated) == {"DSA-1": Severity.UNKNOWN}
    assert named_flaws("DSA-1", ["CVE-2026-1001"] * 50, rated)["DSA-1"] is Severity.UNKNOWN, "there may be more of them"
