"""Every set of rules that was ever applied, the trial that some of them were on, and what waits to be applied.

The last rules are in force. Their rows are added, never changed; a hold and a proposal are changed once, when they end.
Beside them, what was last seen in the repository that the rules come from.
"""

from typing import ClassVar

from django.db import models
from django.db.models import Q


class AppliedRulesRow(models.Model):
    """One application of rules. `parsed` is the document ready to load; it is made from `document` alone.

    `approved_by` is the second person, where one was needed. `restores` is the number whose text came back.
    """

    number = models.BigAutoField(primary_key=True)
    version = models.CharField(max_length=12)
    document = models.TextField(blank=True)
    cedar = models.TextField(blank=True)
    parsed = models.BinaryField()
    comment = models.CharField(max_length=500, blank=True)
    applied_at = models.DateTimeField()
    applied_by = models.CharField(max_length=254)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=254)
    approved_by = models.CharField(max_length=254, blank=True, default="")
    restores = models.BigIntegerField(default=0)

    class Meta:
        """The last one first."""

        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{self.number} ({self.version})"


class HoldRow(models.Model):
    """One set of rules on trial. `restores` is the number of the rules before; 0 when there were none."""

    rules = models.OneToOneField(AppliedRulesRow, primary_key=True, on_delete=models.PROTECT, related_name="hold")
    restores = models.BigIntegerField()
    reasons = models.JSONField(default=list)
    held_at = models.DateTimeField()
    until = models.DateTimeField()
    outcome = models.CharField(max_length=12, blank=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=254, blank=True)
    ended_why = models.CharField(max_length=500, blank=True)

    class Meta:
        """How Django stores it: one trial at a time."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["outcome"], condition=Q(outcome=""), name="rulebook_one_open_hold"),
        ]

    def __str__(self) -> str:
        return f"hold of {self.rules_id}"


class ProposalRow(models.Model):
    """Rules that somebody else must put in force."""

    document = models.TextField(blank=True)
    cedar = models.TextField(blank=True)
    comment = models.CharField(max_length=500, blank=True)
    origin = models.CharField(max_length=254, blank=True)
    waits_for = models.CharField(max_length=1000, blank=True)
    based_on = models.BigIntegerField()
    proposed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=254)
    actor_label = models.CharField(max_length=254)
    author = models.CharField(max_length=254, blank=True, default="")
    state = models.CharField(max_length=10, default="open", db_index=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=254, blank=True)
    number = models.BigIntegerField(default=0)

    class Meta:
        """The last one first."""

        ordering = ["-id"]

    def __str__(self) -> str:
        return f"proposal {self.pk}"


class FollowedRow(models.Model):
    """What was last seen in a followed repository; at most one row for each place in one that was ever followed."""

    source = models.CharField(max_length=64, primary_key=True)
    commit = models.CharField(max_length=64, blank=True)
    author = models.CharField(max_length=200, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    seen_at = models.DateTimeField(null=True)
    problems = models.JSONField(default=list)
    unreadable = models.CharField(max_length=500, blank=True)
    unreadable_since = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"followed {self.commit[:12]}"
