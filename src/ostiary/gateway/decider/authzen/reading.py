"""From a body to the question in it. Anything else is refused with the place and what is wrong there.

A member that stands twice, a number that is none and bytes that are not UTF-8 are refused: two readers could take them
differently. What the members mean is said in `messages`.
Source: AuthZEN Authorization API 1.0, sections 7 and 10; RFC 7493 (I-JSON).
"""

import ipaddress
import json
from typing import Annotated, Any, Final, NoReturn, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ostiary.errors import OstiaryError
from ostiary.gateway.decider.authzen.messages import (
    MAX_DEVICE_CHARACTERS,
    MAX_EVALUATIONS,
    Action,
    ActionSearch,
    Context,
    Evaluation,
    Evaluations,
    Resource,
    ResourceSearch,
    Semantic,
    Subject,
    SubjectSearch,
)


class UnusableMessage(OstiaryError):
    """A body is not what the address takes."""


class _Part(msgspec.Struct, frozen=True):
    subject: Subject | UnsetType = UNSET
    action: Action | UnsetType = UNSET
    resource: Resource | UnsetType = UNSET
    context: Context | UnsetType = UNSET


class _Options(msgspec.Struct, frozen=True):
    evaluations_semantic: Semantic = "execute_all"


class _Evaluations(_Part, frozen=True):
    evaluations: Annotated[tuple[_Part, ...], Meta(max_length=MAX_EVALUATIONS)] = ()
    options: _Options = _Options()


_T = TypeVar("_T")
_Asked = TypeVar("_Asked", Evaluation, SubjectSearch, ResourceSearch, ActionSearch)
_DECODERS: Final[dict[type, msgspec.json.Decoder[Any]]] = {
    kind: msgspec.json.Decoder(kind) for kind in (Evaluation, _Evaluations, SubjectSearch, ResourceSearch, ActionSearch)
}


def read_evaluation(body: bytes) -> Evaluation:
    """Return the question in a body.

    Raises:
        UnusableMessage: when it is none.
    """
    return _checked(_read(body, Evaluation))


def read_evaluations(body: bytes) -> Evaluations:
    """Return the questions in a body. Without a list, or with an empty one, it is read as a single question.

    Raises:
        UnusableMessage: when one of them is none.
    """
    asked = _read(body, _Evaluations)
    if not asked.evaluations:
        return Evaluations((read_evaluation(body),), asked.options.evaluations_semantic, single=True)
    questions = tuple([_filled(asked, part, number) for number, part in enumerate(asked.evaluations)])
    return Evaluations(questions, asked.options.evaluations_semantic)


def read_subject_search(body: bytes) -> SubjectSearch:
    """Return the search in a body.

    Raises:
        UnusableMessage: when it is none.
    """
    return _checked(_read(body, SubjectSearch))


def read_resource_search(body: bytes) -> ResourceSearch:
    """Return the search in a body; raises as `read_subject_search`."""
    return _checked(_read(body, ResourceSearch))


def read_action_search(body: bytes) -> ActionSearch:
    """Return the search in a body; raises as `read_subject_search`."""
    return _checked(_read(body, ActionSearch))


def _filled(defaults: _Evaluations, part: _Part, number: int) -> Evaluation:
    """Return one question of several: what it does not say itself is said for all of them."""
    subject, action, resource, context = (
        part.subject or defaults.subject,
        part.action or defaults.action,
        part.resource or defaults.resource,
        part.context or defaults.context or Context(),
    )
    if subject is UNSET or action is UNSET or resource is UNSET:
        missing = "subject" if subject is UNSET else "action" if action is UNSET else "resource"
        raise UnusableMessage(f"`evaluations[{number}]` has no `{missing}`, and there is none for all of them.")
    return _checked(Evaluation(subject, action, resource, context), place=f" in `evaluations[{number}]`")


def _checked(asked: _Asked, *, place: str = "") -> _Asked:
    """Return the message when its parts agree with each other."""
    context = asked.context
    session = None if isinstance(asked, SubjectSearch) else asked.subject.properties.session
    if session is not None and context.authentications:
        raise UnusableMessage(
            f"Say `subject.properties.session` or `context.authentications`{place}, not both: a session has its own proofs."
        )
    if context.address is not None and not _is_address(context.address):
        raise UnusableMessage(f"`context.address`{place} is no IP address.")
    device = context.device or {}
    if (
        sum(len(name) + (len(fact) if isinstance(fact, str) else 0) for name, fact in device.items())
        > MAX_DEVICE_CHARACTERS
    ):
        raise UnusableMessage(f"`context.device`{place} has more than {MAX_DEVICE_CHARACTERS} characters.")
    for fact in ("managed", "compliant"):
        if type(device.get(fact, True)) is not bool:
            raise UnusableMessage(f"`context.device.{fact}`{place} must be true or false.")
    return asked


def _is_address(text: str) -> bool:
    """Return whether a text is an IP address. One with a zone means something on the machine alone that wrote it."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _read(body: bytes, kind: type[_T]) -> _T:
    try:
        found: _T = _DECODERS[kind].decode(body)
        json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except msgspec.ValidationError as error:
        raise UnusableMessage(f"The body is not what this address takes: {error}.") from None
    except UnusableMessage:
        raise
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise UnusableMessage("The body is not JSON in UTF-8.", detail=str(error)) from None
    return found


def _unique(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise UnusableMessage(f"`{name[:40]}` stands twice in one object.")
        seen.add(name)


def _no_constant(name: str) -> NoReturn:
    raise UnusableMessage(f"{name} is not JSON.")
