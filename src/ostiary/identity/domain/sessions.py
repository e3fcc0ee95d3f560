"""Sign-in sessions, as other rooms see them."""

import msgspec

from ostiary.policy.identifiers import DeviceId, PersonId, SessionId
from ostiary.policy.request import Authentication
from ostiary.visibility.domain.browsers import describe_browser


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
