"""Hosts that run osquery on the console: secrets made and revoked, hosts linked, unlinked, put out."""

import re
import time

import pytest
from django.test import Client
from tests.console_company import Company
from tests.console_fixtures import Visit, text_of

from ostiary.devices.facade import get_posture
from ostiary.osquery.facade import Enrol, enrol_host, get_host, list_hosts
from ostiary.osquery.models import StoredHost

pytestmark = pytest.mark.django_db
HOSTS = "/devices/osquery/"


def made(client: Client, **more: str) -> str:
    page = text_of(client.post(f"{HOSTS}secrets/add", {"name": "lab", "lifetime": "30d", **more}))
    found = re.search("ostiary_[0-9a-f]{64}", page)
    return found[0] if found else page


def works(secret: str) -> bool:
    return "node_key" in enrol_host(Enrol(enroll_secret=secret), address="192.0.2.9", now=time.time())


def test_a_secret_is_shown_once_rotated_and_revoked(company: Company, visit: Visit) -> None:
    client = visit()
    first = made(client)
    assert works(first)
    assert first not in text_of(client.get(HOSTS))
    assert "already" in made(client), "one that works stays"
    second = made(client, rotate="on")
    assert (works(first), works(second)) == (False, True)
    assert "any more" in text_of(client.post(f"{HOSTS}secrets/lab/revoke", {"reason": "x"}, follow=True))
    assert not works(second)
    assert client.get(f"{HOSTS}secrets/lab/revoke").status_code == 404


def test_a_host_is_linked_unlinked_and_put_out(company: Company, visit: Visit) -> None:
    client, now = visit(), time.time()
    page = text_of(visit("audrey_audit").get(HOSTS))
    for words in ("ada-laptop", "said by 2", "not linked", "Nobody is answered yet", "office"):
        assert words in page
    assert "/link" not in page, "an auditor only looks"
    assert "ada-laptop" not in text_of(client.get(f"{HOSTS}?q=nothing"))
    fact = {"name": "firewall_on", "value": True, "at": now}
    StoredHost.objects.filter(pk=company.host).update(facts={"firewall_on": fact})
    link, unlink = f"{HOSTS}{company.host}/link", f"{HOSTS}{company.host}/unlink"
    assert client.get(unlink).status_code == 404
    assert "2 hosts call themselves so" in text_of(client.get(link))
    assert client.post(link, {"device": company.waiting_device}).status_code == 422
    assert "counts for bruno-laptop" in text_of(client.post(link, {"device": company.device}, follow=True))
    said = get_posture(company.device, now=now + 1).known["firewall_on"].said
    assert "osquery" in {one.source for one in said}
    other = next(one for one in list_hosts() if one.device is None)
    assert "linked already" in text_of(client.post(f"{HOSTS}{other.id}/link", {"device": company.device}))
    assert "linked with no device" in text_of(client.post(unlink, {"reason": "x"}, follow=True))
    assert get_host(company.host).device is None
    assert "is put out" in text_of(client.post(f"{HOSTS}{company.host}/remove", {"reason": "sold"}, follow=True))
    assert company.host not in {one.id for one in list_hosts()}
    assert client.get(f"{HOSTS}{company.host}/remove").status_code == 404
