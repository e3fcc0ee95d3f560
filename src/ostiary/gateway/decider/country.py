"""The country of an address, from a local database. Without one, or without an answer, the country is not known."""

from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import maxminddb

from ostiary.errors import OstiaryError

_CACHED: Final = 16_384


class CountryDatabaseUnusable(OstiaryError):
    """The configured database cannot be read; meanwhile no country is known."""


class Countries:
    """Looks countries up."""

    def __init__(self, database: Path | None) -> None:
        """Open the database; `None` knows no country.

        Raises:
            CountryDatabaseUnusable: when it cannot be opened.
        """
        try:
            self._reader = maxminddb.open_database(database) if database is not None else None
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            raise CountryDatabaseUnusable(
                f"The country database {database} cannot be read.",
                hint="Check decisions.country_database in ostiary.toml.",
                detail=str(error),
            ) from None
        self.of = lru_cache(maxsize=_CACHED)(self._find)

    def _find(self, address: str | None) -> str | None:
        """Return the ISO 3166-1 code, upper case, or `None`."""
        if self._reader is None or address is None:
            return None
        try:
            found = self._reader.get(ip_address(address))
        except (ValueError, maxminddb.InvalidDatabaseError):
            return None
        entry = found.get("country") if isinstance(found, dict) else None
        code = entry.get("iso_code") if isinstance(entry, dict) else None
        return code.upper() if isinstance(code, str) and len(code) == 2 else None
