"""An app as `ostiary app` shows it: where it is, what it reaches, everything about it in words or for programs."""

from typing import TYPE_CHECKING, Any

import msgspec

from ostiary.cli.output import print_text

if TYPE_CHECKING:
    from ostiary.applications.facade import App, AppHealth, Limit, Limits
    from ostiary.config.places import Instance


def print_app(instance: "Instance", one: "App", health: "AppHealth | None", limits: "Limits") -> None:
    """Print everything about an app, a line each; what is not set is left out."""
    upstream = one.upstream
    lines = [
        ("App", one.id),
        ("Name", one.name),
        ("Description", one.description),
        ("Address", address_of(instance, one)),
        ("Sign-in", "" if one.behind_gateway else f"{one.sign_in.value}, not behind the gateway"),
        ("Upstream", upstream_of(one)),
        ("Certificate", _certificate_words(one)),
        ("Host header", upstream.host_header),
        ("Health", f"{health.health.value} {health.detail}".strip() if health else ""),
        ("Health path", upstream.health_path),
        ("Labels", ", ".join(one.labels)),
        ("Methods", ", ".join(f"{method}={action.value}" for method, action in one.methods.items())),
        ("Headers", ", ".join(f"{header}={fact}" for header, fact in one.identity_headers.items())),
        ("Contact", one.contact),
        ("WebSocket", ("forwarded" if one.streams else "not forwarded") if one.behind_gateway else ""),
        ("Idle limit", _limit_words(limits.idle)),
        ("Longest", _limit_words(limits.longest)),
    ]
    width = max(len(label) for label, _ in lines)
    print_text("\n".join(f"{label:<{width}}  {value}" for label, value in lines if value))


def address_of(instance: "Instance", one: "App") -> str:
    """Return where people open an app."""
    return instance.url(one.host) if one.behind_gateway else one.launch_url


def upstream_of(one: "App") -> str:
    """Return what the gateway reaches for an app; empty for one that is not behind it."""
    if not one.behind_gateway:
        return ""
    return one.upstream.url or "Ostiary itself"


def entry_of(one: "App", health: "AppHealth | None") -> dict[str, Any]:
    """Return an app for `--json`, with how its upstream is doing."""
    entry: dict[str, Any] = msgspec.to_builtins(one)
    return {**entry, "health": health.health.value if health else None}


def _limit_words(limit: "Limit | None") -> str:
    from ostiary.applications.facade import limit_text

    if limit is None:
        return ""
    return limit_text(limit.seconds) + (f" (from the label {limit.label})" if limit.label else "")


def _certificate_words(one: "App") -> str:
    if not one.upstream.url.startswith("https:"):
        return ""
    if not one.upstream.verify_tls:
        return "not checked"
    return f"checked against {one.upstream.ca_file or 'the authorities of this machine'}"
