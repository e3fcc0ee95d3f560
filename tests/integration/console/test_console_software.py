"""Vulnerable software on the console: what is found, how bad it is, on which device, and what is not known."""

import json
import time
from pathlib import Path

import pytest
from tests.console_company import OPERATOR, Company
from tests.console_fixtures import Visit, text_of
from tests.software_material import archive, entry

from ostiary.software.facade import get_progress, import_advisories, tend_software
from ostiary.software.models import Feed, Installed, StoredAdvisory

pytestmark = pytest.mark.django_db
WORST = "DSA-5764-1"


def test_what_is_vulnerable_is_listed_searched_exported_and_told_of_each_device(company: Company, visit: Visit) -> None:
    page = text_of(visit("henk_help").get("/software/"))
    for words in (WORST, "CVE-2024-6119", "Critical", "3.0.14-1~deb12u2", "libssl3, openssl", "none yet", "Debian:12"):
        assert words in page
    rows = page.partition("<tbody>")[2]
    assert rows.index(WORST) < rows.index("DEBIAN-CVE-2025-1")
    assert "DSA-5000-1" not in page, "that is about another release"
    assert "/software/export" not in page, "the help desk takes no files along"
    for query, found in (
        ("q=LIBSSL", True),
        ("q=2024-6119", True),
        ("severity=critical", True),
        ("severity=high", False),
        (f"device={company.device}", True),
        (f"device={company.waiting_device}", False),
        ("mended=yes", True),
        (f"mended=no&device={company.device}", False),
        ("q=nonesuch", False),
    ):
        assert (WORST in text_of(visit().get(f"/software/?{query}"))) is found, query
    assert "Nothing matches" in text_of(visit().get("/software/?q=nonesuch"))
    assert visit().get("/software/?device=dev-000000000000").status_code == 404
    assert visit().get("/software/?severity=worse&page=x&q=%00").status_code == 200
    rows = json.loads(visit("audrey_audit").get("/software/export?export=json&severity=critical").content)
    assert [(one["advisory"], one["package"], one["version"], one["fixed"], one["devices"]) for one in rows] == [
        (WORST, "libssl3", "3.0.13-1~deb12u1", "3.0.14-1~deb12u2", 1),
        (WORST, "openssl", "3.0.13-1~deb12u1", "3.0.14-1~deb12u2", 1),
    ]
    page = text_of(visit().get(f"/software/{WORST}/"))
    for words in ("bruno-laptop", f"/devices/{company.device}/", "libssl3", "9.8", "openssl (Debian:12)", "Critical"):
        assert words in page
    assert 'href="https://advisories.example.test/DSA-5764-1"' in page
    assert "On no device" in text_of(visit().get("/software/DSA-5000-1/"))
    assert visit().get("/software/DSA-0/").status_code == 404
    device = text_of(visit("henk_help").get(f"/devices/{company.device}/"))
    for words in (f"/software/{WORST}/", "Critical: 1", "3.0.14-1~deb12u2", "1 advisory on what no update mends yet"):
        assert words in device
    assert "not known yet" in text_of(visit().get(f"/devices/{company.waiting_device}/"))


def test_what_is_not_known_or_not_yet_is_said_and_no_comfort(company: Company, visit: Visit, tmp_path: Path) -> None:
    now = time.time()
    import_advisories([archive(tmp_path / "all.zip", entry("DSA-6000-1", "bash", at=now))], actor=OPERATOR, now=now)
    assert get_progress().packages_to_match == 1
    assert "still being compared" in text_of(visit().get("/software/"))
    while tend_software(now=now + 60):
        """The worker's part."""
    page = text_of(visit().get("/software/"))
    assert "still being compared" not in page
    assert "DSA-6000-1" in page
    Feed.objects.filter(ecosystem="Debian:12").update(as_of="2026-01-01T00:00:00Z")
    page = text_of(visit().get("/software/"))
    assert "older than 14 days" in page
    assert "Not known. The advisories on Debian:12 are older than 14 days." in " ".join(
        text_of(visit().get(f"/devices/{company.device}/")).split()
    )
    Installed.objects.all().delete()
    StoredAdvisory.objects.update(devices=0)
    assert "No device says yet" in text_of(visit().get("/software/"))
    Feed.objects.all().delete()
    assert "ostiary advisories import" in text_of(visit().get("/software/"))
