"""Where every page of the console is: the one place in which tests fill its addresses with things that exist.

The pages come from the URL configuration, so a new one is in every list at once: who may open it, whether a form wants a fresh
proof, the lessons, the looks for accessibility. What it needs is a value for each part of its address.
"""

import time
from collections.abc import Mapping

from django.urls import URLPattern, reverse

from ostiary.devices.facade import list_seen
from ostiary.identity.facade import linked_sign_ins
from ostiary.rulebook.facade import get_current
from ostiary.web.urls_console import pages
from ostiary.workloads.facade import get_service
from tests.console_company import Company

Values = Mapping[str, object]


def every_address(values: Values, but: Mapping[str, Values] | None = None) -> dict[str, str]:
    """Return the path of every page by its name.

    Args:
        values: for each part of an address what stands there.
        but: for a page by its name, what stands there instead.

    Raises:
        AssertionError: naming each page and part for which there is no value, and where to put one.
    """
    given = {str(page.name): {**values, **(but or {}).get(str(page.name), {})} for page in pages}
    missing = [
        f"{page.name}: <{part}>"
        for page in pages
        for part in page.pattern.converters
        if part not in given[str(page.name)]
    ]
    assert not missing, (
        f"No value for {', '.join(missing)}. Name one in `company_values` (tests/console_addresses.py), in lesson 20's fixture "
        "`addresses`, and in `usual` or ABSENT of bench/console_pages.py."
    )
    return {str(page.name): _filled(page, given[str(page.name)]) for page in pages}


def company_addresses(company: Company) -> dict[str, str]:
    """Return the path of every page, about people and things of the small company."""
    values = company_values(company)
    dana = {"person_id": company.people["dana_novak"].id}
    linked, host = {"record_id": company.linked_record}, {"host_id": company.linked_host}
    return every_address(
        values, {"person_invite_again": dana, "role_withdraw": dana, "source_unlink": linked, "osquery_unlink": host}
    )


def company_values(company: Company) -> Values:
    """Return what stands for each part of an address."""
    bruno, service = company.people["bruno_costa"], get_service(company.service)
    return {
        "app_id": "wiki",
        "person_id": bruno.id,
        "group_id": "staff",
        "provider_id": "office",
        "role_id": "accountant",
        "session_id": company.sessions["bruno_costa"].id,
        "request_id": company.request,
        "review_id": company.review,
        "recovery_id": company.recovery,
        "link_id": linked_sign_ins(bruno.id)[0].id,
        "client_name": "okta",
        "connection_name": "fleet",
        "record_id": company.record,
        "host_id": company.host,
        "secret_name": "office",
        "service_id": service.id,
        "key_id": service.keys[0].id,
        "trust_id": int(service.trusts[0].id),
        "token_id": company.token,
        "device_id": company.device,
        "baseline_name": "office",
        "exception_id": company.exception,
        "advisory_id": company.advisory,
        "seen_id": list_seen(now=time.time(), ignored=True)[0].id,
        "stream_id": company.stream,
        "transmitter_name": "okta",
        "number": get_current().number,
        "proposal_id": 1,
        "reference": company.references[0],
        "stream": "control",
        "seq": 1,
    }


def _filled(page: URLPattern, given: Values) -> str:
    arguments = {part: given[part] for part in page.pattern.converters}
    return reverse(f"console:{page.name}", "ostiary.web.urls_console", kwargs=arguments)
