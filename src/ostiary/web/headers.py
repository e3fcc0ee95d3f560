"""Response headers that every page of the control plane carries. Who may see a page is decided elsewhere."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from ostiary.oidc.facade import return_origins
from ostiary.web.hosts import site_of

PERMISSIONS = (
    "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=(), "
    "publickey-credentials-get=(self), publickey-credentials-create=(self)"
)


def content_security_policy(*further: str, forms_to: str = "") -> str:
    """Return the policy: everything from this host, nothing inline, framed by nobody.

    `form-action` names the instance's other hosts, because signing in is a form whose answer redirects to an app.

    Args:
        further: origins of apps elsewhere to which a form of this page may redirect.
        forms_to: where else this page's forms may lead, redirects that follow included; a source of the policy.
    """
    instance = settings.INSTANCE
    own = f"https://{instance.authority('*.' + instance.configuration.domain)}"
    apps = " ".join(filter(None, (own, *further, forms_to)))
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            f"form-action 'self' {apps}",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


class SecurityHeaders:
    """Middleware: adds the headers that Django's own does not know."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.policy = content_security_policy()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Add the headers, a page's own policy left as it is; pages are never cached, files are."""
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", self.policy_for(request, response))
        response["Permissions-Policy"] = PERMISSIONS
        if not request.path.startswith(settings.STATIC_URL):
            response.setdefault("Cache-Control", "no-store")
        return response

    def policy_for(self, request: HttpRequest, response: HttpResponseBase) -> str:
        """Return the policy of one answer: pages of the sign-in host may lead on to every app that asks there."""
        is_page = response.get("Content-Type", "").startswith("text/html")
        if not is_page or request.path.startswith(settings.STATIC_URL) or site_of(request) != "identity":
            return self.policy
        return content_security_policy(*return_origins())
