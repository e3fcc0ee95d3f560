"""Setting how long apps with a label go on without a fresh proof: one transaction, on record, and told to the gateway."""

import msgspec
from django.db import transaction

from ostiary.applications.domain import LabelLimits, wording
from ostiary.applications.models import StoredLabelLimits
from ostiary.applications.queries import list_label_limits
from ostiary.changes import announce_change
from ostiary.policy.identifiers import Label, parse_slug
from ostiary.visibility.facade import Actor, record_entity_change


@transaction.atomic
def set_label_limits(label: str, *, idle: str, longest: str, actor: Actor) -> LabelLimits:
    """Say how long every app with a label goes on without a fresh proof; nothing happens when that is so already.

    An app's own limits, and those of its other labels, hold besides: the strictest counts.

    Args:
        label: which; apps may get it later.
        idle: unused for so long, such as `15m`, each of them asks for a fresh proof; empty or `none` for no such limit.
        longest: so long after the last proof, such as `8h`; likewise. Both empty take the label's limits away.
        actor: who says so.

    Raises:
        MalformedIdentifier: when it is no label.
        UnusableApp: when a limit cannot be used.
        RecordUnavailable: when the change cannot be put on record; nothing was changed.
    """
    after = LabelLimits(
        label=Label(parse_slug(label.strip(), what="label")),
        idle_seconds=wording.parse_limit(idle, what="idle limit"),
        longest_seconds=wording.parse_limit(longest, what="longest time between proofs"),
    )
    stored = StoredLabelLimits.objects.select_for_update().filter(pk=after.label)
    before = next((one for one in list_label_limits() if one.label == after.label), LabelLimits(label=after.label))
    if before == after:
        return after
    if after.idle_seconds is None and after.longest_seconds is None:
        stored.delete()
    else:
        values = {"idle_seconds": after.idle_seconds, "longest_seconds": after.longest_seconds}
        StoredLabelLimits.objects.update_or_create(label=after.label, defaults=values)
    announce_change("applications", takes_away=True)
    record_entity_change(
        "limits of a label",
        after.label,
        "update",
        actor=actor,
        name=f"limits of apps labelled {after.label}",
        before=msgspec.to_builtins(before),
        after=msgspec.to_builtins(after),
    )
    return after
