"""Runs every check, in an order in which the first problem is likely the cause of the next."""

import time
from collections.abc import Callable, Iterable, Iterator

from ostiary.config.places import Instance
from ostiary.supervisor.diagnosis import belongings, followed, machine, programs
from ostiary.supervisor.diagnosis.finding import Finding, problem
from ostiary.supervisor.diagnosis.ports import check_ports
from ostiary.supervisor.diagnosis.upstreams import check_upstreams


def examine(instance: Instance, hosts: Iterable[str], *, database: bool = True) -> Iterator[Finding]:
    """Yield every finding.

    Args:
        instance: what to examine.
        hosts: names that must lead here.
        database: whether Django is set up, so that the database can be asked.
    """
    checks: list[tuple[str, Callable[[], Iterable[Finding]]]] = [
        ("python", lambda: [machine.check_python()]),
        ("envoy", lambda: [machine.check_envoy()]),
        ("paths", lambda: [machine.check_socket_paths(instance)]),
        ("privileges", lambda: machine.check_privileges(instance)),
        ("devices", lambda: machine.check_devices(instance)),
        ("ports", lambda: check_ports(instance)),
        ("limits", lambda: [machine.check_limits(instance)]),
        ("clock", lambda: machine.check_clock(instance, time.time())),
        ("disk", lambda: machine.check_disk(instance)),
        ("permissions", lambda: belongings.check_permissions(instance)),
        ("secrets", lambda: belongings.check_secrets(instance)),
        ("tls", lambda: belongings.check_tls(instance)),
        ("names", lambda: machine.check_names(instance, hosts)),
        ("mail", lambda: belongings.check_mail(instance)),
    ]
    if database:
        checks.insert(-2, ("database", belongings.check_database))
        checks.append(("upstreams", lambda: check_upstreams(instance)))
        checks.append(("rules", lambda: followed.check_followed(instance)))
        checks.append(("clients", lambda: programs.check_clients(time.time())))
        checks.append(("saml", lambda: programs.check_saml(time.time())))
    for name, check in checks:
        try:
            yield from check()
        except OSError as error:
            yield problem(name, f"This could not be looked at: {error}.", "Run it as the user who owns the instance.")
