"""The plain HTTP listener's only job: send known hosts to HTTPS."""

from ostiary.gateway.plan.contents import REDIRECTS_NAME, GatewayInputs, Json


def redirects(inputs: GatewayInputs) -> Json:
    """Return the routes of the HTTP listener. A host we do not serve is not redirected anywhere."""
    instance = inputs.instance
    gateway = instance.configuration.gateway
    hosts = sorted({instance.identity_host, instance.console_host, *(app.host for app in inputs.apps)})
    port = gateway.http_port
    domains = [name for host in hosts for name in (host, f"{host}:{port}")]
    to_https = {
        "match": {"prefix": "/"},
        "redirect": {
            "https_redirect": True,
            "port_redirect": gateway.https_port,
            "response_code": "PERMANENT_REDIRECT",
        },
    }
    unknown = {"match": {"prefix": "/"}, "direct_response": {"status": 421}}
    return {
        "name": REDIRECTS_NAME,
        "virtual_hosts": [
            {"name": "known", "domains": domains, "routes": [to_https]},
            {"name": "unknown", "domains": ["*"], "routes": [unknown]},
        ],
    }
