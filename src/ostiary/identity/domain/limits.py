"""How many wrong guesses are borne, counted so that guessing from elsewhere never shuts the owner out.

Three doors with different counts:

* A browser in which the person has signed in before counts on its own: nobody else's guesses add to it.
* Any other browser counts by account and network, and by network over all accounts.
* Over all other browsers together an account bears a hundred wrong passwords a day (NIST SP 800-63B-4, 3.2.2).
  After that, strange browsers need a passkey or a link by e-mail; known browsers go on as before.

Passkeys are not guessed, so no count applies to them.
"""

import hashlib
import ipaddress
from typing import Final, Literal

import msgspec

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE


class Limit(msgspec.Struct, frozen=True):
    """At most `amount` failures within `window_seconds` under one key.

    Args:
        key: a digest: what it counts cannot be read from the table.
    """

    key: str
    amount: int
    window_seconds: int


def network_of(address: str) -> str:
    """Return what counts as one place: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.IPv6Network((int(parsed), 64), strict=False).network_address)
    return str(parsed)


def password_limits(*, email: str, address: str, known_browser: str | None) -> tuple[Limit, ...]:
    """Return the limits for one try of a password.

    Args:
        email: as typed, whether or not anybody has it: the answer must not depend on that.
        address: where the try comes from.
        known_browser: the mark of a browser in which this person signed in before, or `None`.
    """
    account = email.strip().lower()
    if known_browser:
        return (_limit("password-known", account, known_browser, amount=10, window_seconds=15 * MINUTE),)
    network = network_of(address)
    return (
        _limit("password-place", account, network, amount=5, window_seconds=15 * MINUTE),
        _limit("network", network, amount=50, window_seconds=15 * MINUTE),
        _limit("password-strange", account, amount=100, window_seconds=24 * HOUR),
    )


def code_limits(*, person: str, address: str, known_browser: str | None) -> tuple[Limit, ...]:
    """Return the limits for one try of a code, after the password was right.

    Whoever is here knows the password already, so the count over all strange browsers is low.
    """
    if known_browser:
        return (_limit("code-known", person, known_browser, amount=10, window_seconds=15 * MINUTE),)
    return (
        _limit("code-place", person, network_of(address), amount=5, window_seconds=15 * MINUTE),
        _limit("code-strange", person, amount=20, window_seconds=HOUR),
    )


def passkey_limits(*, address: str) -> tuple[Limit, ...]:
    """Return the limit for passkey tries from one network: it spares the machine, it guards no secret."""
    return (_limit("passkey", network_of(address), amount=300, window_seconds=15 * MINUTE),)


def link_limits(*, address: str) -> tuple[Limit, ...]:
    """Return the limit for opening one-time links that do not exist."""
    return (_limit("link", network_of(address), amount=50, window_seconds=15 * MINUTE),)


def mail_limits(
    *, purpose: Literal["password", "confirm_email", "recovery"], email: str, address: str
) -> tuple[Limit, ...]:
    """Return the limits for asking that a link be sent: per address of the recipient and per network."""
    return (
        _limit("mail", purpose, email.strip().lower(), amount=3, window_seconds=15 * MINUTE),
        _limit("mail-network", network_of(address), amount=20, window_seconds=15 * MINUTE),
    )


def _limit(*parts: str, amount: int, window_seconds: int) -> Limit:
    text = "\x1f".join(parts)
    return Limit(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), amount, window_seconds)
