"""People, groups and who belongs to which."""

import base64
import secrets
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


def _random_part() -> str:
    """Return 20 letters and digits, 100 bits."""
    return base64.b32encode(secrets.token_bytes(13)).decode().lower().rstrip("=")[:20]


def new_person_id() -> str:
    """Return an identifier that no person has had before."""
    return f"p_{_random_part()}"


class PersonManager(BaseUserManager["Person"]):
    """Finds people by e-mail address, whatever its case."""

    def get_by_natural_key(self, username: str | None) -> "Person":
        """Return the person with this address; addresses are stored in lower case."""
        return self.get(email=(username or "").lower())


class Group(models.Model):
    """People who are treated alike. The identifier is what rules name."""

    id = models.CharField(primary_key=True, max_length=63)
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=500, blank=True)
    builtin = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.id


class Person(AbstractBaseUser):
    """Somebody who can sign in. `accepted_at` is empty until the invitation was taken up."""

    id = models.CharField(primary_key=True, max_length=34, default=new_person_id, editable=False)
    email = models.EmailField(unique=True)
    email_confirmed_at = models.DateTimeField(null=True)
    name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    emergency = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    groups: "models.ManyToManyField[Group, Membership]" = models.ManyToManyField(
        Group, through="Membership", related_name="people"
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[PersonManager] = PersonManager()

    def __str__(self) -> str:
        return self.name or self.email


class Membership(models.Model):
    """One person in one group, with who put them there and why."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="memberships")
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="memberships")
    granted_by = models.CharField(max_length=200)
    reason = models.CharField(max_length=500, blank=True)
    granted_at = models.DateTimeField()

    class Meta:
        """How Django stores it."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["person", "group"], name="identity_one_membership"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.group_id}"
