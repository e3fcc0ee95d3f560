"""The domain of an instance: one spelling of it, the one that browsers send."""

import ipaddress
import re

import idna

MAX_DOMAIN_CHARACTERS = 189
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


class NotADomain(ValueError):
    """The text names no domain; the message says what to write instead."""


def parse_domain(text: str) -> str:
    """Return the domain as it travels: small letters, A-labels for international names (RFC 5890).

    Room is left for an app's name in front: with 63 characters and a dot, the longest host stays below 254.

    Args:
        text: what the operator wrote, for instance `Example.com` or `bücher.example`.

    Raises:
        NotADomain: when it is no domain, or one that nothing could stand below.
    """
    for found, words in ((r"^[a-z][a-z0-9+.-]*://", "the part before ://"), (r":\d+$", "the port"), (r"/", "the path")):
        if re.search(found, text, re.IGNORECASE):
            raise NotADomain(f"leave out {words}: a domain is a bare name, for instance example.com")
    name = _to_ascii(text.strip())
    labels = name.split(".")
    if _is_address(name):
        raise NotADomain("an IP address cannot have names below it; write a domain, for instance example.com")
    if name != "localhost" and len(labels) < 2:
        raise NotADomain(f"a domain has a dot; write for instance {labels[0] or 'example'}.internal")
    for label in labels:
        if not _LABEL.fullmatch(label):
            raise NotADomain(f"{label!r} cannot stand in a domain: letters, digits and inner hyphens, 1 to 63 of them")
    if len(name) > MAX_DOMAIN_CHARACTERS:
        raise NotADomain(
            f"it has {len(name)} characters; at most {MAX_DOMAIN_CHARACTERS} leave room for the apps' names"
        )
    return name


def _to_ascii(text: str) -> str:
    if text.isascii():
        return text.lower()
    try:
        return idna.encode(text, uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise NotADomain(f"it is no international domain name ({error})") from None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return name.rsplit(".", 1)[-1].isdigit()
    return True
