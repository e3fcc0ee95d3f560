"""Every input of one decision with what it did, for the page of a decision. Pure: a record in, rows out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext as _

from ostiary.policy.decision import Deny, UnmetCondition
from ostiary.policy.request import AccessRequest, AuthStrength, Device
from ostiary.visibility.facade import DecisionRecord
from ostiary.web.console.words import name_method
from ostiary.web.design.moments import describe_span


@dataclass(frozen=True, slots=True)
class Input:
    """One thing the decision read.

    Args:
        name: what it is.
        values: what it was; empty when it was not known.
        effects: conditions it did not meet; empty when nothing failed on it.
    """

    name: str
    values: tuple[str, ...]
    effects: tuple[UnmetCondition, ...] = ()


def list_inputs(record: DecisionRecord) -> tuple[Input, ...]:
    """Return everything the decision read, in the order in which one asks: who, how, with what, what, where, when."""
    unmet = record.decision.unmet if isinstance(record.decision, Deny) else ()
    stream = (Input(_("What"), (_("An open stream, let in before, was ended"),)),) if record.stream_ended else ()
    asked = (Input(_("Asked by"), (_("%(client)s, a program") % {"client": record.client},)),) if record.client else ()
    if record.request is None:
        return (*stream, *asked, Input(_("Request"), (f"{record.http.method} {record.http.host}{record.http.path}",)))
    rows = (*stream, *asked, *_rows(record, record.request, unmet))
    shown = {id(effect) for row in rows for effect in row.effects}
    rest = tuple(condition for condition in unmet if id(condition) not in shown)
    return (*rows, Input(_("Other conditions"), (), rest)) if rest else rows


def _rows(record: DecisionRecord, request: AccessRequest, unmet: tuple[UnmetCondition, ...]) -> Iterator[Input]:
    def failed(*codes: str) -> tuple[UnmetCondition, ...]:
        return tuple(condition for condition in unmet if condition.code.startswith(codes))

    subject, context = request.subject, request.context
    yield Input(_("Person"), _known(record.name, record.email, subject.person or subject.service or ""))
    yield Input(_("Groups"), tuple(sorted(subject.groups)))
    yield Input(_("Proved"), tuple(_proofs(record, request)), failed("mfa"))
    yield Input(_("Device"), tuple(_device(request.device)), failed("device"))
    yield Input(_("App"), (request.resource.app,))
    yield Input(_("Labels"), tuple(sorted(request.resource.labels)))
    yield Input(_("Path"), (request.resource.path,), failed("path"))
    yield Input(_("Action"), (f"{request.action.value} ({record.http.method})",), failed("action"))
    yield Input(_("Address"), _known(context.address or ""), failed("network"))
    yield Input(_("Country"), _known(context.country or ""), failed("country"))
    yield Input(
        _("Risk"), () if context.risk is None else (_("%(risk)d of 100") % {"risk": context.risk},), failed("risk")
    )
    moment = datetime.fromtimestamp(record.at, tz=UTC).strftime("%A, %Y-%m-%d %H:%M:%S UTC")
    yield Input(_("Time"), (moment,), failed("hours"))


def _known(*values: str) -> tuple[str, ...]:
    return tuple(value for value in values if value)


def _proofs(record: DecisionRecord, request: AccessRequest) -> Iterable[str]:
    for proof in request.subject.authentications:
        yield _("%(method)s (%(strength)s), %(age)s before") % {
            "method": name_method(proof.method),
            "strength": AuthStrength(proof.strength).name.lower().replace("_", "-"),
            "age": describe_span(timedelta(seconds=record.at - proof.at)),
        }


def _device(device: Device | None) -> Iterable[str]:
    if device is None:
        return
    if device.id:
        yield str(device.id)
    for name, value in (("managed", device.managed), ("compliant", device.compliant), *device.attributes):
        if value is not None:
            yield f"{name}: {value}"
