"""What goes on in somebody's name when their browsers are signed out: access tokens, by name; and the choice to end them as well."""

import time

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ostiary.policy.identifiers import PersonId
from ostiary.workloads.facade import list_tokens

MOST_NAMED = 5


class GoingOnField(forms.BooleanField):
    """Whether access tokens end as well."""

    def __init__(self, *, initial: bool) -> None:
        super().__init__(label=gettext_lazy("Revoke access tokens as well"), required=False, initial=initial)


def name_tokens(person_id: PersonId) -> str:
    """Return the names of the tokens that work, in words; empty when there are none."""
    now = time.time()
    names = sorted(one.name for one in list_tokens(person=person_id) if one.works(now))
    if len(names) <= MOST_NAMED:
        return ", ".join(names)
    return _("%(names)s and %(count)d more") % {
        "names": ", ".join(names[:MOST_NAMED]),
        "count": len(names) - MOST_NAMED,
    }


def ask_about_tokens(form: forms.Form, names: str, words: str) -> None:
    """Let a form ask about the tokens of these names; without any, it does not.

    Args:
        form: with a field `tokens`.
        names: as `name_tokens` returns them.
        words: of the choice; `%(names)s` stands for the names.
    """
    if not names:
        del form.fields["tokens"]
        return
    form.fields["tokens"].help_text = words % {"names": names}


def wants_tokens_ended(form: forms.Form) -> bool:
    """Return whether a valid form says that they end as well."""
    return bool(form.cleaned_data.get("tokens"))
