"""What a new passkey is called until its owner says otherwise."""

from django.http import HttpRequest
from django.utils.translation import gettext as _

from ostiary.identity.facade import client_of, describe_browser


def passkey_name(request: HttpRequest) -> str:
    """Return a name after the device the browser seems to run on, for instance `Passkey (Firefox on Windows)`."""
    return _("Passkey (%(browser)s)") % {"browser": describe_browser(client_of(request).user_agent)}
