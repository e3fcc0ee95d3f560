"""XML from outside: read strictly, or not at all.

There is one document, in UTF-8, with no document type, so with no entity but the five of XML itself; nothing is fetched. An
element that is read for its text holds nothing but text: a comment inside would split it (lesson 15).

Source: OASIS SAML 2.0 bindings, 3.1.1; CWE-611, CWE-776; CVE-2017-11427 and its like (comment in NameID).
"""

from collections.abc import Mapping
from typing import Final

from lxml import etree

from ostiary.saml.domain.problems import RefusedMessage

MAX_DEPTH: Final = 40
MAX_ELEMENTS: Final = 20_000

Element = etree._Element


def parse(document: bytes, *, limit: int, comments: bool = False) -> Element:
    """Return the root of a document.

    Args:
        document: UTF-8, whatever it says of itself.
        limit: how many bytes it may have.
        comments: whether comments are passed over. Where they are not, one is a refusal.

    Raises:
        RefusedMessage: for anything that is not one plain document.
    """
    if len(document) > limit:
        raise RefusedMessage(f"The document has more than {limit} bytes.")
    try:
        text = document.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RefusedMessage("The document is not UTF-8.") from None
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise RefusedMessage("The document declares a document type; none is read.")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=comments,
        remove_pis=False,
        strip_cdata=True,
    )
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise RefusedMessage("The document is not well-formed XML.", detail=str(error)[:200]) from None
    _refuse_all_but_elements(root)
    return root


def _refuse_all_but_elements(root: Element) -> None:
    declared = root.getroottree().docinfo
    if any(one is not None for one in (declared.internalDTD, declared.externalDTD)):
        raise RefusedMessage("The document declares a document type; none is read.")
    if root.getprevious() is not None or root.getnext() is not None:
        raise RefusedMessage("The document holds more than one element at its top.")
    seen, waiting = 0, [(root, 1)]
    while waiting:
        node, depth = waiting.pop()
        seen += 1
        if not isinstance(node.tag, str):
            raise RefusedMessage("The document holds comments, processing instructions or entities.")
        if depth > MAX_DEPTH or seen > MAX_ELEMENTS:
            raise RefusedMessage("The document is nested too deep, or holds too many elements.")
        waiting.extend((child, depth + 1) for child in node)


def named(namespace: str, name: str) -> str:
    """Return the name of an element in a namespace, as lxml writes it."""
    return f"{{{namespace}}}{name}"


def only_children(parent: Element, allowed: Mapping[str, bool]) -> dict[str, Element]:
    """Return the children of an element by their full name.

    Args:
        parent: whose.
        allowed: the full names that may stand there, each at most once, and whether they must.

    Raises:
        RefusedMessage: for any other child, one that stands twice, or one that is missing.
    """
    found: dict[str, Element] = {}
    for child in parent:
        name = str(child.tag)
        if name not in allowed:
            raise RefusedMessage(f"{_local(parent)} holds {_local(child)}, which does not belong there.")
        if name in found:
            raise RefusedMessage(f"{_local(parent)} holds {_local(child)} twice.")
        found[name] = child
    for name, needed in allowed.items():
        if needed and name not in found:
            raise RefusedMessage(f"{_local(parent)} has no {etree.QName(name).localname}.")
    return found


def text_of(element: Element, *, limit: int = 1024) -> str:
    """Return the text of an element that holds only text, without white space around it.

    Raises:
        RefusedMessage: when it holds anything else, or more than `limit` characters.
    """
    if len(element):
        raise RefusedMessage(f"{_local(element)} holds more than text.")
    text = (element.text or "").strip()
    if len(text) > limit:
        raise RefusedMessage(f"{_local(element)} has more than {limit} characters.")
    return text


def boolean_of(element: Element, attribute: str) -> bool:
    """Return an attribute's value as XML Schema writes true and false; absent is false.

    Raises:
        RefusedMessage: for any other word.
    """
    text = element.get(attribute, "false").strip()
    if text not in {"true", "1", "false", "0"}:
        raise RefusedMessage(f"{_local(element)}: {attribute} is neither true nor false.")
    return text in {"true", "1"}


def _local(element: Element) -> str:
    return etree.QName(element).localname[:60]
