"""Roles: what a job needs, who answers for it, and who does it."""

from typing import ClassVar

from django.db import models

from ostiary.identity.models.people import Group, Person


class Role(models.Model):
    """A job function: the groups that somebody who does the job is in, and the owner who answers for it."""

    id = models.CharField(primary_key=True, max_length=63)
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=500, blank=True)
    owner = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="owned_roles")
    groups: "models.ManyToManyField[Group, models.Model]" = models.ManyToManyField(Group, related_name="roles")

    def __str__(self) -> str:
        return self.id


class RoleAssignment(models.Model):
    """One person who does one job, with who said so and why, and until when."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="role_assignments")
    role = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="assignments")
    granted_by = models.CharField(max_length=200)
    reason = models.CharField(max_length=500, blank=True)
    granted_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        """How Django stores it."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["person", "role"], name="identity_one_role_assignment"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} as {self.role_id}"
