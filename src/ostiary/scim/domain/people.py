"""What a SCIM user means for an account: which address, which name. Pure."""

from collections.abc import Callable

from scim2_models import InvalidValueException

from ostiary.scim.domain.resources import Email, User


def address_of(user: User, is_address: Callable[[str], bool]) -> str:
    """Return what somebody signs in with: `userName` where it is an address, else the primary one of `emails`.

    Args:
        user: as the client describes them.
        is_address: says whether some text is an e-mail address.

    Raises:
        InvalidValueException: when there is none.
    """
    candidates = [user.user_name or "", *(one.value or "" for one in by_weight(user.emails or []))]
    found = next((one for one in candidates if is_address(one)), None)
    if found is None:
        raise InvalidValueException(
            detail="userName or one of emails must be an e-mail address: people sign in with it."
        )
    return found


def by_weight(emails: list[Email]) -> list[Email]:
    """Return addresses, the primary one first, then those for work, then the others as they stand."""
    return sorted(emails, key=lambda one: (not one.primary, (one.type or "").lower() != "work"))


def name_of(*, display_name: str, formatted: str, given_name: str, family_name: str) -> str:
    """Return what others read as somebody's name, from what a client says; empty when it says nothing."""
    return display_name or formatted or f"{given_name} {family_name}".strip()


def with_default_emails(user_name: str, emails: object) -> object:
    """Return the addresses of a request; where it has none and signs in with an address, that one."""
    if not emails and "@" in user_name:
        return [{"value": user_name, "type": "work", "primary": True}]
    return emails
