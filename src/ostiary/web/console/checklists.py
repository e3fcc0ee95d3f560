"""A checklist of the life cycle in words, as a plan and as done. What stands on it is worked out in `identity`."""

from collections.abc import Iterable
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ostiary.identity.facade import Item, Step

WORDS: Final[dict[Step, Promise]] = {
    Step.INVITE: gettext_lazy("An account and an invitation for %(subject)s"),
    Step.ASSIGN_ROLE: gettext_lazy("Gets the role %(subject)s"),
    Step.WITHDRAW_ROLE: gettext_lazy("Loses the role %(subject)s"),
    Step.JOIN_GROUP: gettext_lazy("Is put into the group %(subject)s"),
    Step.LEAVE_GROUP: gettext_lazy("Is taken out of the group %(subject)s"),
    Step.KEEP_GROUP: gettext_lazy("Stays in the group %(subject)s, where somebody put them by hand"),
    Step.HAND_OVER_GROUP: gettext_lazy("Answers for the group %(subject)s from now on: %(to)s"),
    Step.HAND_OVER_ROLE: gettext_lazy("Answers for the role %(subject)s from now on: %(to)s"),
    Step.HAND_OVER_REPORT: gettext_lazy("%(subject)s reports to: %(to)s"),
    Step.HAND_OVER_SERVICE: gettext_lazy("Answers for the service %(subject)s from now on: %(to)s"),
    Step.DISABLE_SERVICE: gettext_lazy("The service %(subject)s is switched off: nobody answers for it"),
    Step.RETIRE_DEVICE: gettext_lazy("The device %(subject)s is retired: whoever uses it next enrols it anew"),
    Step.END_SESSIONS: gettext_lazy("Browsers that are signed out: %(subject)s"),
    Step.DISABLE: gettext_lazy("Every door shuts for %(subject)s"),
}


def tell_checklist(items: Iterable[Item]) -> tuple[tuple[str, bool], ...]:
    """Return each line in words, and whether it leaves something as it is."""
    return tuple(
        (
            str(WORDS[item.step]) % {"subject": item.subject, "to": item.to or _("nobody")},
            item.step is Step.KEEP_GROUP,
        )
        for item in items
    )
