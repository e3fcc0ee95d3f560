"""What the demo keeps beside its instance: ports, and the passwords and secrets it made. Its owner alone can read it."""

from pathlib import Path

import msgspec

from ostiary.gateway.replaced_file import replace_file

FILE_NAME = "demo.json"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account to try.

    Args:
        totp: the secret of its authenticator app, base32.
    """

    name: str
    email: str
    story: str
    password: str
    totp: str

    @property
    def authenticator_link(self) -> str:
        """What to give to an authenticator app."""
        return f"otpauth://totp/Lindenhof:{self.email}?secret={self.totp}&issuer=Lindenhof"


class Notes(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was made up at the first start.

    Args:
        ports: loopback port of each application, by its id.
    """

    https_port: int
    ports: dict[str, int]
    accounts: tuple[Account, ...] = ()

    def account(self, first_name: str) -> Account:
        """Return the account of somebody, by first name."""
        return next(account for account in self.accounts if account.name.startswith(first_name))


def read_notes(home: Path) -> Notes | None:
    """Return what was noted, or `None` at the first start."""
    try:
        return msgspec.json.decode((home / FILE_NAME).read_bytes(), type=Notes)
    except FileNotFoundError:
        return None


def write_notes(home: Path, notes: Notes) -> None:
    """Keep it."""
    replace_file(home / FILE_NAME, msgspec.json.format(msgspec.json.encode(notes), indent=2), mode=0o600)
