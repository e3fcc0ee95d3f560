"""What needs an administrator now, worst first. Facts in, sentences out; an empty list is the good answer."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ostiary.applications.facade import App, AppHealth, Health
from ostiary.baselines.facade import Held
from ostiary.reviews.facade import Standing
from ostiary.rulebook.facade import AppliedRules, Followed
from ostiary.visibility.facade import LogStatus
from ostiary.web.console.need import Need, offered
from ostiary.web.console.permissions import Action, Resource
from ostiary.web.console.process_states import Machinery
from ostiary.web.console.review_needs import needs_of_reviews
from ostiary.web.console.words import URGENT_REASONS, name_reason
from ostiary.web.design.moments import describe_span_seconds

May = Callable[[Resource, Action], bool]
"""Whether whoever looks may do this."""


def list_needs(
    *,
    may: May,
    machinery: Machinery,
    record: LogStatus,
    refusals: Sequence[tuple[str, int]],
    rules: AppliedRules,
    followed: Followed | None,
    proposals: int,
    apps: Iterable[tuple[App, AppHealth | None]],
    second_factor_required: bool,
    untidy: int,
    recoveries: int,
    reviews: tuple[int, int] = (0, 0),
    access_reviews: Standing | None = None,
    held: Iterable[tuple[str, int]] = (),
    devices: tuple[int, int] = (0, 0),
    turned: Held | None = None,
    exceptions: int = 0,
) -> tuple[Need, ...]:
    """Return everything that needs somebody now. Nobody is offered what they may not do or open; that it is so, everybody sees.

    Args:
        may: whether whoever looks may do something.
        machinery: the processes and the facts.
        record: how the record is written.
        refusals: reason and count of the last 24 hours.
        rules: those in force.
        followed: what was last seen in the repository that they come from, if they do.
        proposals: how many changes of the rules wait for an administrator.
        apps: each with how it is, where that is known.
        second_factor_required: of everybody.
        untidy: how many things are to be tidied up in the directory.
        recoveries: how many people lost their second factor and wait for an answer.
        reviews: how many uses of emergency access wait for a review in time, and how many are overdue.
        access_reviews: how reviews of access stand.
        held: systems whose signals are held, each with how many.
        devices: how many wait to be approved, and how many have a key that seems to be in use twice.
        turned: devices that stopped being compliant at once and are held.
        exceptions: how many of them wait for an answer.
    """
    needs = [
        *_machinery(machinery),
        *_record(record),
        *_rules(rules, may),
        *_followed(followed),
        *_proposals(proposals),
        *_reviews(*reviews),
        *(needs_of_reviews(access_reviews) if access_reviews else ()),
        *_apps(apps),
        *_refusals(refusals),
        *_directory(untidy, recoveries, may),
        *_held(held),
        *_devices(*devices),
        *_compliance(turned, exceptions, may),
    ]
    if not second_factor_required:
        needs.append(
            Need("held", _("People may sign in without a second factor: sign_in.require_second_factor is off."))
        )
    return tuple(offered(need, may) for need in sorted(needs, key=lambda need: need.kind != "refused"))


def _machinery(machinery: Machinery) -> Iterator[Need]:
    if machinery.facts_stale:
        age = machinery.facts_age_seconds
        since = _("at an unknown time") if age is None else _("%(span)s ago") % {"span": describe_span_seconds(age)}
        yield Need(
            "refused", _("The worker last confirmed the facts %(since)s, so everything is refused.") % {"since": since}
        )
    for process in machinery.processes:
        if not process.well:
            words = _("%(name)s is %(state)s.") % {"name": process.name, "state": process.state}
            yield Need("refused", f"{words} {process.said}".strip())


def _record(record: LogStatus) -> Iterator[Need]:
    if not record.writable:
        yield Need(
            "refused", _("The record cannot be written, so everything is refused: %(why)s") % {"why": record.problem}
        )
    for stream in record.streams:
        if stream.truncated:
            yield Need(
                "refused",
                _("The record “%(stream)s” holds less than it did before: somebody cut it.")
                % {"stream": stream.stream},
                reverse("console:audit"),
                _("Open the audit page"),
            )


def _rules(rules: AppliedRules, may: May) -> Iterator[Need]:
    if not rules.document.strip():
        yield Need(
            "refused",
            _("No rules are in force, so nobody can open anything."),
            reverse("console:rules"),
            _("Write rules") if may(Resource.RULES, Action.CHANGE) else _("Open the rules"),
        )


def _followed(followed: Followed | None) -> Iterator[Need]:
    if followed is None:
        return
    facts = {"commit": followed.commit[:12], "number": followed.in_force}
    if followed.problems:
        yield Need(
            "refused",
            _("The rules of commit %(commit)s cannot be used: %(why)s. Rules number %(number)d stay in force.")
            % {**facts, "why": followed.first_problem},
            reverse("console:rules"),
            _("See every problem"),
        )
    if followed.unreadable:
        words = _("The repository that the rules come from cannot be read: %(why)s") % {"why": followed.unreadable}
        yield Need("held", words, reverse("console:rules"), _("Open the rules"))


def _proposals(count: int) -> Iterator[Need]:
    if count:
        words = ngettext(
            "%(count)d change of the rules waits for an administrator.",
            "%(count)d changes of the rules wait for an administrator.",
            count,
        )
        yield Need("held", words % {"count": count}, reverse("console:rules_proposals"), _("See them"))


def _directory(untidy: int, recoveries: int, may: May) -> Iterator[Need]:
    if recoveries:
        words = ngettext(
            "%(count)d person lost their second factor and waits for an answer.",
            "%(count)d people lost their second factor and wait for an answer.",
            recoveries,
        )
        action = _("Answer") if may(Resource.PEOPLE, Action.RESET) else _("See them")
        yield Need("held", words % {"count": recoveries}, f"{reverse('console:recoveries')}?state=waiting", action)
    if untidy:
        words = ngettext(
            "%(count)d thing is to be tidied up among people, groups and roles.",
            "%(count)d things are to be tidied up among people, groups and roles.",
            untidy,
        )
        yield Need("held", words % {"count": untidy}, reverse("console:people_untidy"), _("See them"))


def _reviews(waiting: int, overdue: int) -> Iterator[Need]:
    where, action = f"{reverse('console:requests')}?kind=emergency", _("See them")
    if overdue:
        words = ngettext(
            "%(count)d use of emergency access was not reviewed in time.",
            "%(count)d uses of emergency access were not reviewed in time.",
            overdue,
        )
        yield Need("refused", words % {"count": overdue}, where, action)
    if waiting:
        words = ngettext(
            "%(count)d use of emergency access waits for a review.",
            "%(count)d uses of emergency access wait for a review.",
            waiting,
        )
        yield Need("held", words % {"count": waiting}, where, action)


def _apps(apps: Iterable[tuple[App, AppHealth | None]]) -> Iterator[Need]:
    for app, health in apps:
        if health is not None and health.health is Health.DOWN:
            words = _("%(app)s does not answer.") % {"app": app.name}
            yield Need("refused", f"{words} {health.detail}".strip(), reverse("console:app", args=(app.id,)), _("Open"))


def _refusals(refusals: Sequence[tuple[str, int]]) -> Iterator[Need]:
    for reason, count in refusals:
        if reason in URGENT_REASONS:
            words = ngettext(
                "%(count)d request in the last 24 h was refused because %(why)s.",
                "%(count)d requests in the last 24 h were refused because %(why)s.",
                count,
            )
            query = urlencode({"reason": reason, "span": "day"})
            yield Need(
                "held",
                words % {"count": count, "why": name_reason(reason)},
                f"{reverse('console:decisions')}?{query}",
                _("See them"),
            )


def _held(held: Iterable[tuple[str, int]]) -> Iterator[Need]:
    for name, count in held:
        words = ngettext(
            "%(count)d signal of %(name)s is held: it told of too many people at once.",
            "%(count)d signals of %(name)s are held: it told of too many people at once.",
            count,
        )
        href = reverse("console:signal_transmitter", args=(name,))
        yield Need("held", words % {"count": count, "name": name}, href, _("Look at it"))


def _devices(waiting: int, copied: int) -> Iterator[Need]:
    where, action = reverse("console:devices"), _("See them")
    if copied:
        words = ngettext(
            "The key of %(count)d device seems to be in use twice.",
            "The keys of %(count)d devices seem to be in use twice.",
            copied,
        )
        yield Need("refused", words % {"count": copied}, f"{where}?state=quarantined", action)
    if waiting:
        words = ngettext("%(count)d device waits to be approved.", "%(count)d devices wait to be approved.", waiting)
        yield Need("held", words % {"count": waiting}, f"{where}?state=waiting", action)


def _compliance(turned: Held | None, exceptions: int, may: May) -> Iterator[Need]:
    if turned is not None:
        words = _("%(count)d of %(of)d devices stopped being compliant at once, and are held.")
        facts = {"count": turned.devices, "of": turned.of}
        decides = may(Resource.DEVICES, Action.CHANGE)
        where = reverse("console:baselines_held" if decides else "console:baselines")
        yield Need("refused", words % facts, where, _("Decide") if decides else _("See them"))
    if exceptions:
        words = ngettext(
            "%(count)d exception for a device waits for an answer.",
            "%(count)d exceptions for devices wait for an answer.",
            exceptions,
        )
        yield Need("held", words % {"count": exceptions}, reverse("console:device_exceptions"), _("See them"))
