"""Sign-in sessions, as other rooms see them, and how a browser is called in words."""

import msgspec

from ostiary.policy.identifiers import DeviceId, PersonId, SessionId
from ostiary.policy.request import Authentication

_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


class SignInSession(msgspec.Struct, frozen=True, kw_only=True):
    """One browser in which one person is signed in.

    Args:
        created_at: seconds since the epoch, like every moment here.
        expires_at: when it ends at the latest, idle time taken into account.
        address: where it was last used from.
        user_agent: what the browser called itself.
        complete: whether everything that is demanded was proved; others never see a session that is not.
        device: the enrolled device on which alone it counts; `None` where it was made on none.
    """

    id: SessionId
    person_id: PersonId
    person_email: str
    created_at: float
    last_seen_at: float
    expires_at: float
    address: str
    user_agent: str
    complete: bool
    authentications: tuple[Authentication, ...]
    device: DeviceId | None = None

    @property
    def browser(self) -> str:
        """The browser and device in words, for instance `Firefox on Windows`."""
        return describe_browser(self.user_agent)


def describe_browser(user_agent: str) -> str:
    """Return a browser's name in words; what it claims is shown, never believed."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "Unknown browser"
