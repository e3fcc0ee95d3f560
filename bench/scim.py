"""How long SCIM operations take in a directory of 10,000 people and 500 groups, and what the control plane needs for them.

Requests go the product's own way, from the WSGI application to the database, the record and the published facts, in an instance of
its own; only the network and TLS are left out.

Run: python -m bench.scim
"""

import argparse
import io
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import psutil

from bench.replay import instance_home

CLIENT: Final = "bench"
LARGE: Final = "everybody"


def populate(people: int, groups: int) -> str:
    """Fill the directory, as a client that kept it for years would have; return that client's token."""
    from django.db import transaction  # noqa: PLC0415 - needs Django

    from ostiary.identity.models import Group, Membership, Person  # noqa: PLC0415 - as above
    from ostiary.scim.facade import add_client  # noqa: PLC0415 - as above
    from ostiary.scim.models import StoredGroup, StoredUser  # noqa: PLC0415 - as above
    from ostiary.visibility.facade import Actor  # noqa: PLC0415 - as above

    now, via = datetime.now(UTC), f"scim:{CLIENT}"
    added = add_client(CLIENT, actor=Actor(kind="system", id="bench", label="the benchmark"))
    with transaction.atomic():
        rows = [
            Person(id=f"p_{number:020d}", email=f"person{number}@example.com", name=f"Person {number}", created_at=now)
            for number in range(people)
        ]
        Person.objects.bulk_create(rows, batch_size=500)
        StoredUser.objects.bulk_create(
            [
                StoredUser(
                    client_id=CLIENT,
                    person=row,
                    external_id=f"00u{number}",
                    user_name=row.email,
                    user_name_key=row.email,
                    display_name=row.name,
                    emails=[{"value": row.email, "type": "work", "primary": True}],
                    created_at=now,
                    modified_at=now,
                )
                for number, row in enumerate(rows)
            ],
            batch_size=500,
        )
        names = [LARGE, *(f"group-{number}" for number in range(1, groups))]
        kept = [Group(id=name, name=name.title()) for name in names]
        Group.objects.bulk_create(kept)
        StoredGroup.objects.bulk_create(
            [StoredGroup(client_id=CLIENT, group=one, made=True, created_at=now, modified_at=now) for one in kept]
        )
        Membership.objects.bulk_create(
            [
                Membership(person=row, group=group, granted_by=via, granted_at=now, via=via)
                for number, group in enumerate(kept)
                for row in (rows[:-200] if group.id == LARGE else rows[number * 20 % people :][:40])
            ],
            batch_size=500,
        )
    return added.token


class Caller:
    """A client of the WSGI application."""

    def __init__(self, token: str) -> None:
        from django.conf import settings  # noqa: PLC0415 - needs Django

        from ostiary.web.wsgi import application  # noqa: PLC0415 - as above

        self._application: Any = application
        self._host = settings.INSTANCE.authority(settings.INSTANCE.identity_host)
        self._token = token

    def ask(self, method: str, place: str, content: Any = None) -> Any:
        """Send one request; return its parsed answer, or nothing."""
        path, _, query = place.partition("?")
        body = b"" if content is None else json.dumps(content).encode()
        said: list[str] = []
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": f"/scim/v2{path}",
            "QUERY_STRING": query,
            "SERVER_NAME": "bench",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": "application/scim+json",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_HOST": self._host,
            "HTTP_X_FORWARDED_PROTO": "https",
            "HTTP_X_FORWARDED_FOR": "192.0.2.7",
            "HTTP_AUTHORIZATION": f"Bearer {self._token}",
            "wsgi.input": io.BytesIO(body),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
        }
        answer = self._application(environ, lambda status, _headers, *_more: said.append(status))
        text = b"".join(answer)
        answer.close()
        assert said[0].startswith("2"), (said, text[:500])
        return json.loads(text) if text else None

    def patch(self, place: str, op: str, path: str, value: Any) -> Any:
        """Send one PATCH with one operation."""
        return self.ask("PATCH", place, {"Operations": [{"op": op, "path": path, "value": value}]})


def operations(caller: Caller, people: int) -> Iterator[tuple[str, Callable[[int], Any]]]:
    """Yield what is measured: a name, and what is done the n-th time."""

    def person(number: int) -> str:
        return f"p_{number * 37 % (people - 400):020d}"

    def late(number: int) -> str:
        return f"p_{people - 1 - number:020d}"

    def find(text: str) -> Any:
        return caller.ask("GET", f"/Users?filter={quote(text)}")

    def is_member(one: str) -> Any:
        text = f'id eq "{LARGE}" and members eq "{one}"'
        return caller.ask("GET", f"/Groups?excludedAttributes=members&filter={quote(text)}")

    yield "find_by_user_name", lambda n: find(f'userName eq "person{n * 37}@example.com"')
    yield "find_by_external_id", lambda n: find(f'externalId eq "00u{n * 37}"')
    yield "find_by_mail", lambda n: find(f'emails[type eq "work"].value eq "person{n * 37}@example.com"')
    yield "get_user", lambda n: caller.ask("GET", f"/Users/{person(n)}")
    yield "page_of_100_users", lambda n: caller.ask("GET", f"/Users?startIndex={n * 100 + 1}&count=100")
    yield (
        "page_of_100_groups_without_members",
        lambda _n: caller.ask("GET", "/Groups?count=100&excludedAttributes=members"),
    )
    yield "is_member", lambda n: is_member(person(n))
    yield "get_group_of_everybody", lambda _n: caller.ask("GET", f"/Groups/{LARGE}")
    yield (
        "create_user",
        lambda n: caller.ask(
            "POST", "/Users", {"userName": f"new{n}@example.com", "displayName": f"New {n}", "externalId": f"new{n}"}
        ),
    )
    yield "change_user", lambda n: caller.patch(f"/Users/{person(n)}", "replace", "displayName", f"Other {n}")
    yield "add_member", lambda n: caller.patch(f"/Groups/{LARGE}", "add", "members", [{"value": late(n)}])
    yield "remove_member", lambda n: caller.patch(f"/Groups/{LARGE}", "remove", f'members[value eq "{late(n)}"]', None)
    yield "switch_off_user", lambda n: caller.patch(f"/Users/{person(n)}", "replace", "active", value=False)


def measure(people: int, groups: int, times: int) -> dict[str, Any]:
    """Return the figures; Django is set up."""
    load = round(os.getloadavg()[0], 2)
    process = psutil.Process()
    caller = Caller(populate(people, groups))
    found: dict[str, Any] = {}
    for name, run in operations(caller, people):
        run(times)
        taken, worked = [], time.process_time()
        for number in range(times):
            began = time.perf_counter()
            run(number)
            taken.append((time.perf_counter() - began) * 1000)
        found[f"{name}_processor_ms"] = round((time.process_time() - worked) / times * 1000, 1)
        found[f"{name}_ms_p50"] = round(statistics.median(taken), 1)
        found[f"{name}_ms_p95"] = round(statistics.quantiles(taken, n=20)[-1], 1)
        three = (found[f"{name}_ms_p50"], found[f"{name}_ms_p95"], found[f"{name}_processor_ms"])
        print(f"{name:40}" + "".join(f"{one:>10} ms" for one in three), file=sys.stderr)
    before = process.memory_info().rss
    began = time.perf_counter()
    members = [{"value": f"p_{number:020d}"} for number in range(1000)]
    caller.ask("PUT", "/Groups/group-1", {"displayName": "Group-1", "members": members})
    found["put_1000_members_s"] = round(time.perf_counter() - began, 2)
    caller.ask("GET", "/Users?count=1000")
    found |= {
        "resident_mb": round(process.memory_info().rss / 2**20, 1),
        "resident_growth_mb": round((process.memory_info().rss - before) / 2**20, 1),
        "people": people,
        "groups": groups,
        "times": times,
        "load_before": load,
    }
    return found


def main() -> int:
    """Measure; print progress to standard error and one JSON object last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--groups", type=int, default=500)
    parser.add_argument("--times", type=int, default=50)
    given = parser.parse_args()
    with instance_home() as home:
        file = home / "ostiary.toml"
        ours = "[scim]\nenabled = true\nrequests_per_second = 100000\n"
        file.write_text(file.read_text().replace("[scim]\n", ours, 1))
        os.environ["DJANGO_SETTINGS_MODULE"] = "ostiary.config.django"
        import django  # noqa: PLC0415 - the instance exists first

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415 - needs Django

        call_command("migrate", interactive=False, verbosity=0)
        from ostiary.cli.output import quiet_logs  # noqa: PLC0415 - as above

        quiet_logs("error")
        found = measure(given.people, given.groups, given.times)
    print(json.dumps(found, separators=(",", ":")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
