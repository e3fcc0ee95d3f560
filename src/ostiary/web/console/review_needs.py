"""What about access reviews needs an administrator now: facts in, sentences out."""

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ostiary.reviews.facade import OpenReview, Standing
from ostiary.web.console.need import Need


def needs_of_reviews(standing: Standing) -> Iterator[Need]:
    """Yield what is not as it should be with reviews of access."""
    for one in standing.reviews:
        yield from _of_one(one)
    if standing.missing:
        words = _("The access review of %(quarter)s has not begun: there is nothing yet that %(scope)s covers.")
        yield Need(
            "held",
            words % {"quarter": standing.missing, "scope": standing.scope},
            reverse("console:reviews"),
            _("Open the reviews"),
        )


def _of_one(review: OpenReview) -> Iterator[Need]:
    where, action = reverse("console:review", args=(review.id,)), _("Look at it")
    if review.alarms:
        words = ngettext(
            "Access review %(name)s: %(count)d sign that somebody answered without looking.",
            "Access review %(name)s: %(count)d signs that somebody answered without looking.",
            review.alarms,
        )
        yield Need("held", words % {"name": review.name, "count": review.alarms}, where, action)
    if review.late:
        words = ngettext(
            "Access review %(name)s: its deadline has passed, and %(count)d answer is missing.",
            "Access review %(name)s: its deadline has passed, and %(count)d answers are missing.",
            review.late,
        )
        yield Need("held", words % {"name": review.name, "count": review.late}, where, action)
    if review.nobodys:
        words = ngettext(
            "Access review %(name)s: %(count)d item waits for nobody who can sign in. Answer it on the machine.",
            "Access review %(name)s: %(count)d items wait for nobody who can sign in. Answer them on the machine.",
            review.nobodys,
        )
        yield Need("held", words % {"name": review.name, "count": review.nobodys}, where, action)
