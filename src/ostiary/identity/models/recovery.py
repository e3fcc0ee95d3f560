"""People who lost their second factor and ask to set up another: who asks, from where, and who answered."""

from django.db import models

from ostiary.identity.models.people import Person, random_part


def new_recovery_id() -> str:
    """Return an identifier that no recovery has had before."""
    return f"l_{random_part()}"


class Recovery(models.Model):
    """One time that somebody asked. The password was proved when it was asked; the link is a `OneTimeLink`."""

    class State(models.TextChoices):
        """How far it is."""

        ASKED = "asked"
        CONFIRMED = "confirmed"
        REFUSED = "refused"
        USED = "used"
        LAPSED = "lapsed"

    id = models.CharField(primary_key=True, max_length=34, default=new_recovery_id, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="recoveries")
    state = models.CharField(max_length=20, choices=State.choices, default=State.ASKED)
    asked_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    address = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=400, blank=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return self.id
