"""Caddy with `forward_auth`, and the same Caddy without: one core, TLS, kept-alive connections on both sides.

The guarded site is the one in `docs/how-to/forward-auth.md`.
"""

from bench.peers.peer import ForwardAuth, Peer, Place, add_proxy_facts
from bench.processes import Program, free_port

CONFIGURATION = """
{{
    admin off
    auto_https off
    log {{
        level ERROR
    }}
}}

https://:{open_port} {{
    bind 127.0.0.1
    tls {certificate} {key}
    reverse_proxy 127.0.0.1:{app_port} {{
        transport http {{
            keepalive_idle_conns_per_host 64
        }}
    }}
}}

https://:{guarded_port} {{
    bind 127.0.0.1
    tls {certificate} {key}
    route {{
        request_header -X-Ostiary-*
        forward_auth 127.0.0.1:{decision_port} {{
            uri {auth_path}
            copy_headers X-Ostiary-Assertion
            transport http {{
                keepalive_idle_conns_per_host 64
            }}
        }}
        reverse_proxy 127.0.0.1:{app_port} {{
            header_up Cookie "__Host-ostiary-[^;]*(?:; )?()" "$1"
            transport http {{
                keepalive_idle_conns_per_host 64
            }}
        }}
    }}
}}
"""


def start_caddy(place: Place, auth: ForwardAuth) -> Peer:
    """Start Caddy with both sites."""
    open_port, guarded_port = free_port(), free_port()
    file = place.folder / "Caddyfile"
    file.write_text(
        CONFIGURATION.format(
            **add_proxy_facts(place),
            decision_port=auth.port,
            auth_path=auth.redirect_path,
            open_port=open_port,
            guarded_port=guarded_port,
        ),
        encoding="utf-8",
    )
    environment = {"GOMAXPROCS": "1", "HOME": str(place.folder), "XDG_DATA_HOME": str(place.folder)}
    command = ["caddy", "run", "--config", str(file), "--adapter", "caddyfile"]
    program = Program("Caddy", command, place.folder / "caddy.out", environment)
    program.wait_for_port(guarded_port)
    return Peer(name="caddy", how="forward_auth", program=program, open_port=open_port, guarded_port=guarded_port)
