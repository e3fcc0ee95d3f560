"""What an application is told of somebody: their name there, and attributes."""

from collections.abc import Iterator

import msgspec

from ostiary.saml.domain import names
from ostiary.saml.domain.service_provider import Attribute, Fact, ServiceProvider


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of somebody."""

    id: str
    email: str
    name: str
    groups: tuple[str, ...] = ()


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One attribute with its values, as it is sent."""

    name: str
    name_format: str
    values: tuple[str, ...]


def statements(provider: ServiceProvider, known: Known) -> tuple[Statement, ...]:
    """Return the attributes that an application is told; one without a value is left out."""
    return tuple(_statements(provider.attributes, known))


def _statements(attributes: tuple[Attribute, ...], known: Known) -> Iterator[Statement]:
    first, last = split_name(known.name)
    values: dict[Fact, tuple[str, ...]] = {
        Fact.EMAIL: (known.email,),
        Fact.NAME: (known.name,),
        Fact.FIRST_NAME: (first,),
        Fact.LAST_NAME: (last,),
        Fact.ID: (known.id,),
        Fact.GROUPS: known.groups,
    }
    for one in attributes:
        given = tuple(value for value in values[one.fact] if value)
        if given:
            uri = one.name.startswith(("urn:", "http://", "https://"))
            yield Statement(name=one.name, name_format=names.URI_NAME if uri else names.BASIC_NAME, values=given)


def split_name(name: str) -> tuple[str, str]:
    """Return first and last name: the last word, and what stands before it. A single word is both."""
    words = name.split()
    if len(words) < 2:
        return name.strip(), name.strip()
    return " ".join(words[:-1]), words[-1]
