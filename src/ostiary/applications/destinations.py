"""Judges where the names of upstreams lead: when an app is described, and again and again while it stands.

The data plane looks names up for itself and refuses each request that would go to a forbidden address; what is found here takes
such an app out of its plan and tells the administrator.
"""

from collections.abc import Callable, Iterable, Mapping

from ostiary.applications.adapters.upstream_names import resolve_name
from ostiary.applications.domain import App, UnusableApp, UpstreamAddress, describe_forbidden, parse_upstream
from ostiary.config.places import Instance

Resolver = Callable[[str], tuple[str, ...]]


def own_ports(instance: Instance) -> frozenset[int]:
    """Return the ports this instance listens on; an app at one of them on this machine would be the gateway itself."""
    gateway, decisions = instance.configuration.gateway, instance.configuration.decisions
    return frozenset({gateway.https_port, gateway.http_port, decisions.forward_auth_port} - {0})


def refuse_forbidden(instance: Instance, upstream: str, *, resolve: Resolver = resolve_name) -> None:
    """Look up a new upstream's name, before anything is stored. One that cannot be found yet is let pass.

    Raises:
        UnusableApp: when the upstream cannot be read, or its name leads where no app may live.
    """
    problem = _judge(parse_upstream(upstream), instance, resolve)
    if problem:
        raise UnusableApp(
            f"The upstream's name leads nowhere an app may live: {problem}.",
            hint="Correct the DNS record, or name another machine.",
        )


def find_forbidden(
    instance: Instance, apps: Iterable[App], *, known: Mapping[str, str], resolve: Resolver = resolve_name
) -> dict[str, str]:
    """Look up every app's name again and return what is wrong, in words, by the app's identifier.

    Args:
        instance: whose apps.
        apps: all of them; addresses and built-in apps are passed over.
        known: what was found before; it stands where a name cannot be found now, as the data plane keeps what it knew.
        resolve: looks up a name.
    """
    found: dict[str, str] = {}
    for app in apps:
        if app.builtin or not app.behind_gateway or (address := parse_upstream(app.upstream.url)).is_address:
            continue
        problem = _judge(address, instance, resolve)
        if problem is None:
            problem = known.get(app.id, "")
        if problem:
            found[app.id] = problem
    return found


def _judge(address: UpstreamAddress, instance: Instance, resolve: Resolver) -> str | None:
    """Return why an app may not live there, nothing where it may, and `None` where nobody knows the name."""
    if address.is_address:
        return ""
    addresses = resolve(address.host)
    if not addresses:
        return None
    ports = own_ports(instance)
    for found in addresses:
        if words := describe_forbidden(found, port=address.port, own_ports=ports):
            return f"{address.host} leads to {found}, {words}"
    return ""
