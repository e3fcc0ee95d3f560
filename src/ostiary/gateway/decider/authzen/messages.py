"""What a program may ask, as types. How they are read from JSON lives in `reading`; nothing is decided here.

Members that are not here are ignored, as the specification demands.
Source: AuthZEN Authorization API 1.0, sections 5 to 8.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

MAX_EVALUATIONS: Final = 100
MAX_PROOFS: Final = 16
MAX_DEVICE_FACTS: Final = 50
MAX_DEVICE_CHARACTERS: Final = 8192
"""Of all facts of a device together: they stand on record with each question of a list."""

MAX_RAW_PATH_CHARACTERS: Final = 16_384
"""Of a path with its escapes. What it may have without them is said where paths are read."""

MAX_MOMENT_SECONDS: Final = 3650 * 86400.0

Name = Annotated[str, Meta(max_length=512)]
Text = Annotated[str, Meta(max_length=4096)]
Strength = Literal["single", "any", "otp", "phishing-resistant"]
Semantic = Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"]
DeviceFact = bool | Annotated[int, Meta(ge=-(2**53), le=2**53)] | Name


class SubjectProperties(msgspec.Struct, frozen=True):
    """What may be said of a subject.

    Args:
        session: a sign-in of theirs that is to be taken as it stands: its proofs, their age, its risk.
    """

    session: Name | None = None


class Subject(msgspec.Struct, frozen=True):
    """Who is asked about: `person` (or `user`) with id or e-mail address, or `service` with its name."""

    type: Name
    id: Name
    properties: SubjectProperties = SubjectProperties()


class SubjectType(msgspec.Struct, frozen=True):
    """What kind of subject is searched for; an identifier is ignored."""

    type: Name


class Action(msgspec.Struct, frozen=True):
    """What they want to do: `view`, `edit`, `delete`, `connect`, or an HTTP method."""

    name: Name


class ResourceProperties(msgspec.Struct, frozen=True):
    """What may be said of a resource: the path in the app, as it stands in a request, without the query."""

    path: Annotated[str, Meta(max_length=MAX_RAW_PATH_CHARACTERS)] = "/"


class Resource(msgspec.Struct, frozen=True):
    """What they want it of: `app` and its identifier."""

    type: Name
    id: Name
    properties: ResourceProperties = ResourceProperties()


class ResourceType(msgspec.Struct, frozen=True):
    """What kind of resource is searched for; an identifier is ignored."""

    type: Name
    properties: ResourceProperties = ResourceProperties()


class Proof(msgspec.Struct, frozen=True):
    """One proof that the person gave to whoever asks.

    Args:
        strength: what it is worth.
        age_seconds: how long ago; left out, it counts as older than any rule asks for.
    """

    strength: Strength
    age_seconds: Annotated[float, Meta(ge=0, le=MAX_MOMENT_SECONDS)] | None = None


class Context(msgspec.Struct, frozen=True):
    """The circumstances, in the word of whoever asks. What is left out is not known.

    Args:
        authentications: the person's proofs; not beside a session.
        address: the person's IP address.
        country: where they are, ISO 3166-1 alpha-2; left out, it is looked up by the address.
        device: facts of their device by name.
        risk: 0 to 100; what is known of person and session is never lowered by it.
    """

    authentications: Annotated[tuple[Proof, ...], Meta(max_length=MAX_PROOFS)] = ()
    address: Name | None = None
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")] | None = None
    device: Annotated[dict[Name, DeviceFact], Meta(max_length=MAX_DEVICE_FACTS)] | None = None
    risk: Annotated[int, Meta(ge=0, le=100)] | None = None


class Evaluation(msgspec.Struct, frozen=True):
    """One question: may this subject do this to that resource, in these circumstances?"""

    subject: Subject
    action: Action
    resource: Resource
    context: Context = Context()


class Evaluations(msgspec.Struct, frozen=True):
    """Several questions, with what stands for all of them filled in.

    Args:
        questions: in the order in which they were asked.
        semantic: when to stop.
        single: there was no list of questions, so that the answer is a single one too.
    """

    questions: tuple[Evaluation, ...]
    semantic: Semantic
    single: bool = False


class Page(msgspec.Struct, frozen=True):
    """Which part of the results is wanted; see `pages`."""

    token: Text = ""
    limit: Annotated[int, Meta(ge=0, le=2**53)] | None = None


class SubjectSearch(msgspec.Struct, frozen=True):
    """Who may do this to that?"""

    subject: SubjectType
    action: Action
    resource: Resource
    context: Context = Context()
    page: Page = Page()


class ResourceSearch(msgspec.Struct, frozen=True):
    """What may this subject do that to?"""

    subject: Subject
    action: Action
    resource: ResourceType
    context: Context = Context()
    page: Page = Page()


class ActionSearch(msgspec.Struct, frozen=True):
    """What may this subject do to that?"""

    subject: Subject
    resource: Resource
    context: Context = Context()
    page: Page = Page()


Search = SubjectSearch | ResourceSearch | ActionSearch
