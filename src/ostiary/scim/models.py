"""The clients, and what each of them says of people and groups, as stored. People and groups themselves live in identity."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from ostiary.programs.models import AskingProgramRow


class StoredClient(AskingProgramRow):
    """One directory that may keep people and groups here, or could once."""


class StoredUser(models.Model):
    """What one client says of one person, as it said it.

    After `gone_at` the client has deleted them; `shut` while the account is disabled and this client did it.
    """

    client = models.ForeignKey(StoredClient, on_delete=models.CASCADE, related_name="users")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="scim_users")
    external_id = models.CharField(max_length=255, blank=True)
    user_name = models.CharField(max_length=255)
    user_name_key = models.CharField(max_length=255)
    display_name = models.CharField(max_length=200, blank=True)
    formatted = models.CharField(max_length=200, blank=True)
    given_name = models.CharField(max_length=200, blank=True)
    family_name = models.CharField(max_length=200, blank=True)
    emails = models.JSONField(default=list)
    created_at = models.DateTimeField()
    modified_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True, blank=True)
    shut = models.BooleanField(default=False)

    class Meta:
        """How Django stores it."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["client", "person"], name="scim_one_user_a_client"),
            models.UniqueConstraint(
                fields=["client", "user_name_key"], condition=Q(gone_at__isnull=True), name="scim_one_user_name"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["client", "external_id"], name="scim_user_external_id"),
        ]

    def __str__(self) -> str:
        return f"{self.user_name} of {self.client_id}"


class StoredGroup(models.Model):
    """What one client says of one group; `made` where it made the group, `changes` counts what it changed since."""

    client = models.ForeignKey(StoredClient, on_delete=models.CASCADE, related_name="groups")
    group = models.ForeignKey("identity.Group", on_delete=models.CASCADE, related_name="scim_groups")
    external_id = models.CharField(max_length=255, blank=True)
    made = models.BooleanField(default=False)
    changes = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField()
    modified_at = models.DateTimeField()

    class Meta:
        """How Django stores it."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["client", "group"], name="scim_one_group_a_client"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["client", "external_id"], name="scim_group_external_id"),
        ]

    def __str__(self) -> str:
        return f"{self.group_id} of {self.client_id}"
