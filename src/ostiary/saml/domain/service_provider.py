"""An application that takes sign-ins by SAML, as the protocol needs to know it."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec

from ostiary.errors import OstiaryError
from ostiary.policy.identifiers import AppId
from ostiary.saml.domain.names import NameFormat

MAX_ATTRIBUTES: Final = 40


class Fact(StrEnum):
    """What an attribute can say of a person."""

    EMAIL = "email"
    NAME = "name"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    ID = "id"
    GROUPS = "groups"


class Attribute(msgspec.Struct, frozen=True):
    """One attribute that an application is told: its name there, and what it says."""

    name: str
    fact: Fact


class Consumer(msgspec.Struct, frozen=True, kw_only=True):
    """One address at which an application takes sign-ins by POST."""

    url: str
    index: int = 0


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """What an application says of itself, in its metadata or in an administrator's words.

    Args:
        entity_id: its name.
        consumers: where it takes sign-ins; the first is the one when a request names none.
        logout_url: where it takes answers to its requests for sign-out, empty for nowhere.
        logout_by_redirect: whether it takes them in an address, not a form.
        certificates: with which it signs, PEM.
        signs_requests: whether it says that it signs every request.
        name_formats: the formats that it says it knows, in its order.
    """

    entity_id: str
    consumers: tuple[Consumer, ...]
    logout_url: str = ""
    logout_by_redirect: bool = False
    certificates: tuple[str, ...] = ()
    signs_requests: bool = False
    name_formats: tuple[str, ...] = ()


class ServiceProvider(msgspec.Struct, frozen=True, kw_only=True):
    """An application and how it is served.

    Args:
        app: its name in rules and in the catalogue.
        described: what it said of itself.
        name_format: how people are named to it.
        attributes: what else it is told.
        signed_requests: whether a request without a signature is refused.
        sign_response: whether the whole response is signed as well; the assertion always is.
        starts_here: whether people may open it from here, without a request of its own (IdP-initiated).
        start_page: RelayState when it is opened from here.
    """

    app: AppId
    described: Described
    name_format: NameFormat = NameFormat.EMAIL
    attributes: tuple[Attribute, ...] = ()
    signed_requests: bool = False
    sign_response: bool = False
    starts_here: bool = False
    start_page: str = ""

    @property
    def entity_id(self) -> str:
        """Its name among SAML's parties."""
        return self.described.entity_id


class BadAttribute(OstiaryError):
    """An attribute is not written as NAME=FACT."""


def read_attributes(texts: Iterable[str]) -> tuple[Attribute, ...]:
    """Return attributes from their written form, `NAME=FACT`; the name may itself hold `=`.

    Raises:
        BadAttribute: when one cannot be read, stands twice, or there are too many.
    """
    found: dict[str, Attribute] = {}
    for text in texts:
        name, equals, fact = text.strip().rpartition("=")
        if not equals or fact not in set(Fact) or not _is_name(name):
            raise BadAttribute(
                f"{text[:100]!r} is not NAME=FACT.",
                hint=f"Facts are {', '.join(Fact)}: write it like User.Email=email.",
            )
        if name in found:
            raise BadAttribute(f"The attribute {name!r} stands twice.")
        found[name] = Attribute(name, Fact(fact))
    if len(found) > MAX_ATTRIBUTES:
        raise BadAttribute(f"An application is told at most {MAX_ATTRIBUTES} attributes.")
    return tuple(found.values())


def _is_name(name: str) -> bool:
    return 0 < len(name) <= 200 and name.isprintable() and name == name.strip() and name.isascii()
