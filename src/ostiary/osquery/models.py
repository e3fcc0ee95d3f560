"""Enrol secrets, and hosts that run osquery, as stored. Of secrets and node keys only the SHA-256 is here."""

from django.db import models

from ostiary.programs.models import AskingProgramRow


class StoredSecret(AskingProgramRow):
    """One secret with which hosts enrol, or could once."""


class StoredHost(models.Model):
    """One enrolment of osqueryd.

    `secret`: the name of the one it came with. `facts`: what it said last of each, by name: value, moment and problem.
    """

    digest = models.CharField(max_length=64, unique=True)
    secret = models.CharField(max_length=63)
    identifier = models.CharField(max_length=200, blank=True, db_index=True)
    hardware_uuid = models.CharField(max_length=100, blank=True)
    serial = models.CharField(max_length=100, blank=True)
    name = models.CharField(max_length=200, blank=True)
    platform = models.CharField(max_length=16, blank=True)
    system = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=45, blank=True)
    enrolled_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)
    facts = models.JSONField(default=dict)
    device = models.OneToOneField("devices.StoredDevice", null=True, on_delete=models.SET_NULL, related_name="+")
    linked_at = models.DateTimeField(null=True)
    linked_by = models.CharField(max_length=254, blank=True)

    class Meta:
        """Lists read by name."""

        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"
