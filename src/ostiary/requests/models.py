"""Requests and the letters about them, as stored. Reads live in `queries`, changes in `services`."""

import secrets
from typing import ClassVar

from django.db import models

from ostiary.requests.domain import Kind, State


def new_request_id() -> str:
    """Return an identifier that no request has had before; 80 bits."""
    return f"r_{secrets.token_hex(10)}"


class AccessRequest(models.Model):
    """One request. The group is named, not pointed at: what was asked outlives the group."""

    id = models.CharField(primary_key=True, max_length=34, default=new_request_id, editable=False)
    person = models.ForeignKey("identity.Person", on_delete=models.CASCADE, related_name="access_requests")
    group_id = models.CharField(max_length=63, db_index=True)
    app = models.CharField(max_length=63, blank=True)
    return_path = models.CharField(max_length=2048, default="/")
    seconds = models.PositiveIntegerField()
    reason = models.CharField(max_length=500)
    state = models.CharField(max_length=16, default=State.WAITING.value, db_index=True)
    asked_at = models.DateTimeField(db_index=True)
    substitute_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    substitutes_told = models.BooleanField(default=False)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=200, blank=True)
    comment = models.CharField(max_length=500, blank=True)
    ends_at = models.DateTimeField(null=True)
    extends = models.CharField(max_length=34, blank=True)
    needed = models.PositiveSmallIntegerField(default=1)
    kind = models.CharField(max_length=16, default=Kind.ACCESS.value, db_index=True)

    class Meta:
        """How Django stores it."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["person", "group_id"],
                condition=models.Q(state="waiting"),
                name="requests_one_waiting_a_group",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} asks for {self.group_id}"


class EmergencyReview(models.Model):
    """Whether the use of emergency access was right: owed from the moment of its use, said by somebody else."""

    request = models.OneToOneField(AccessRequest, primary_key=True, on_delete=models.CASCADE, related_name="review")
    remind_at = models.DateTimeField()
    due_at = models.DateTimeField(db_index=True)
    reminded = models.BooleanField(default=False)
    escalated = models.BooleanField(default=False)
    answered_at = models.DateTimeField(null=True, db_index=True)
    answered_by = models.CharField(max_length=200, blank=True)
    justified = models.BooleanField(null=True)
    words = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"review of {self.request_id}"


class ApprovalRule(models.Model):
    """Several members of one group answer requests for another. Without one, its owner does, or the asker's manager."""

    group = models.OneToOneField("identity.Group", primary_key=True, on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey("identity.Group", on_delete=models.CASCADE, related_name="+")
    needed = models.PositiveSmallIntegerField(default=2)

    def __str__(self) -> str:
        return f"{self.needed} of {self.by_id} for {self.group_id}"


class Vote(models.Model):
    """One of several who have to agree has agreed."""

    request = models.ForeignKey(AccessRequest, on_delete=models.CASCADE, related_name="votes")
    person = models.ForeignKey("identity.Person", on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    comment = models.CharField(max_length=500, blank=True)

    class Meta:
        """How Django stores it."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["request", "person"], name="requests_one_vote_a_person"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} agrees"


class Letter(models.Model):
    """One mail that is owed: written down with the step it tells of, sent by the worker, which notes that it was."""

    request = models.ForeignKey(AccessRequest, on_delete=models.CASCADE, related_name="letters")
    to = models.ForeignKey("identity.Person", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16)
    written_at = models.DateTimeField()
    next_try_at = models.DateTimeField(db_index=True)
    tries = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        """How Django stores it."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["request", "to", "kind"], name="requests_one_letter_of_a_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.to_id}"
