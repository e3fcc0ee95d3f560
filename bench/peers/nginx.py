"""nginx with `auth_request`, and the same nginx without: one process, TLS, kept-alive connections on both sides.

The guarded server is the one in `docs/how-to/forward-auth.md`, with connections to the decision service kept alive.
"""

from pathlib import Path

from bench.peers.peer import ForwardAuth, Peer, Place, add_proxy_facts
from bench.processes import Program, free_port

CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    upstream app {{
        server 127.0.0.1:{app_port};
        keepalive 64;
        keepalive_requests 1000000000;
    }}
    upstream decisions {{
        server 127.0.0.1:{decision_port};
        keepalive 64;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{open_port} ssl;
        location / {{
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_pass http://app;
        }}
    }}
    server {{
        listen 127.0.0.1:{guarded_port} ssl;
        location / {{
            auth_request /forward-auth;
            auth_request_set $assertion $upstream_http_x_ostiary_assertion;
            auth_request_set $cookies $upstream_http_cookie;
            proxy_set_header X-Ostiary-Assertion $assertion;
            proxy_set_header Cookie $cookies;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_pass http://app;
        }}
        location = /forward-auth {{
            internal;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Original-Method $request_method;
            proxy_set_header X-Original-Host $http_host;
            proxy_set_header X-Original-Uri $request_uri;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header Content-Length "";
            proxy_pass_request_body off;
            proxy_pass http://decisions{auth_path};
        }}
    }}
}}
"""


def start_nginx(place: Place, auth: ForwardAuth) -> Peer:
    """Start nginx with both listeners."""
    open_port, guarded_port = free_port(), free_port()
    file: Path = place.folder / "nginx.conf"
    file.write_text(
        CONFIGURATION.format(
            **add_proxy_facts(place),
            decision_port=auth.port,
            auth_path=auth.nginx_path,
            open_port=open_port,
            guarded_port=guarded_port,
        ),
        encoding="utf-8",
    )
    program = Program("nginx", ["nginx", "-c", str(file)], place.folder / "nginx.out")
    program.wait_for_port(guarded_port)
    return Peer(name="nginx", how="auth_request", program=program, open_port=open_port, guarded_port=guarded_port)
