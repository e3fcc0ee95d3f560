"""Remembers which accounts a transmitter disabled, so that it enables no other."""

from typing import Any

from ostiary.signals.models import ShutAccount


def forget_shut(*, instance: Any, update_fields: frozenset[str] | None = None, **_more: Any) -> None:
    """Note that an account is open: whoever shuts it next decides who may open it.

    Args:
        instance: the person that was saved.
        update_fields: what was saved of them; only where it says whether they are active is there anything to note.
    """
    if update_fields and "is_active" in update_fields and instance.is_active:
        ShutAccount.objects.filter(person_id=instance.pk).delete()
