"""People, groups and who belongs to which."""

import base64
import secrets
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.utils import timezone


def random_part() -> str:
    """Return 20 letters and digits, 100 bits."""
    return base64.b32encode(secrets.token_bytes(13)).decode().lower().rstrip("=")[:20]


def new_person_id() -> str:
    """Return an identifier that no person has had before."""
    return f"p_{random_part()}"


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
    owner: "models.ForeignKey[Person | None, Person | None]" = models.ForeignKey(
        "identity.Person", null=True, on_delete=models.SET_NULL, related_name="owned_groups"
    )

    def __str__(self) -> str:
        return self.id


class Person(AbstractBaseUser):
    """Somebody who can sign in. `accepted_at` is empty until the invitation was taken up; at `ends_at` every door shuts.

    After a reset, until its owner took it up, `reset_at` is set, and what was their best second factor worth before
    stands in `second_factor_floor`: with anything weaker no sign-in is complete.
    """

    class Kind(models.TextChoices):
        """In what relation somebody stands to the organisation."""

        EMPLOYEE = "employee"
        CONTRACTOR = "contractor"

    id = models.CharField(primary_key=True, max_length=34, default=new_person_id, editable=False)
    email = models.EmailField(unique=True)
    email_confirmed_at = models.DateTimeField(null=True)
    name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    emergency = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.EMPLOYEE)
    ends_at = models.DateTimeField(null=True, db_index=True)
    title = models.CharField(max_length=200, blank=True)
    department = models.CharField(max_length=200, blank=True)
    employee_number = models.CharField(max_length=64, blank=True)
    manager: "models.ForeignKey[Person | None, Person | None]" = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="reports"
    )
    password_set_at = models.DateTimeField(null=True)
    password_by_mail = models.BooleanField(default=False)
    password_breached_at = models.DateTimeField(null=True)
    nudged_at = models.DateTimeField(null=True)
    reset_at = models.DateTimeField(null=True)
    second_factor_floor = models.PositiveSmallIntegerField(default=0)
    groups: "models.ManyToManyField[Group, Membership]" = models.ManyToManyField(
        Group, through="Membership", related_name="people"
    )

    @property
    def may_sign_in(self) -> bool:
        """Whether the account is neither disabled nor over."""
        return self.is_active and (self.ends_at is None or self.ends_at > timezone.now())

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[PersonManager] = PersonManager()

    def __str__(self) -> str:
        return self.name or self.email


class Membership(models.Model):
    """One person in one group, with who put them there and why.

    Somebody can be in a group for several reasons at once: `via` tells them apart. It is empty where they were put
    there themselves, and `role:ID` where a role brought it. After `ends_at` the row says nothing any more.
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="memberships")
    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="memberships")
    granted_by = models.CharField(max_length=200)
    reason = models.CharField(max_length=500, blank=True)
    granted_at = models.DateTimeField()
    via = models.CharField(max_length=80, blank=True, default="")
    ends_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        """How Django stores it."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["person", "group", "via"], name="identity_one_membership_a_way"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.group_id}"
