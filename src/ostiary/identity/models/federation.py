"""Other directories whose sign-in is accepted here, and who is linked to which account there."""

from typing import ClassVar

from django.db import models

from ostiary.identity.models.people import Person


class DirectoryProvider(models.Model):
    """A directory. Its client secret, or key, is a file among the instance's secrets, never a row."""

    id = models.CharField(primary_key=True, max_length=40)
    preset = models.CharField(max_length=20)
    name = models.CharField(max_length=60)
    issuer = models.CharField(max_length=300, unique=True)
    client_id = models.CharField(max_length=300)
    domains = models.JSONField(default=list)
    authoritative = models.JSONField(default=list)
    provisions = models.BooleanField(default=False)
    required = models.JSONField(default=list)
    groups_claim = models.CharField(max_length=100, default="groups")
    groups = models.JSONField(default=dict)
    mfa = models.JSONField(default=dict)
    scopes = models.JSONField(default=list)
    signs_out = models.BooleanField(default=False)
    proves_by = models.CharField(max_length=10, default="secret")
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.id


class DirectoryLink(models.Model):
    """One person's account in one directory, known by issuer and subject; `label` is what the owner reads."""

    provider = models.ForeignKey(DirectoryProvider, on_delete=models.CASCADE, related_name="links")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="directory_links")
    issuer = models.CharField(max_length=300)
    subject = models.CharField(max_length=255)
    label = models.CharField(max_length=254, blank=True)
    linked_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        """How Django stores it."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="identity_one_link_a_subject"),
            models.UniqueConstraint(fields=["provider", "person"], name="identity_one_link_a_person"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} at {self.provider_id}"


class DirectoryLogout(models.Model):
    """A directory's word that somebody is signed out there. It counts once, and for sign-ins that are still under way."""

    provider = models.ForeignKey(DirectoryProvider, on_delete=models.CASCADE, related_name="logouts")
    digest = models.CharField(max_length=64)
    subject = models.CharField(max_length=255, blank=True)
    sid = models.CharField(max_length=255, blank=True)
    at = models.DateTimeField(db_index=True)

    class Meta:
        """How Django stores it."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["provider", "digest"], name="identity_one_logout_a_token"),
        ]

    def __str__(self) -> str:
        return f"{self.subject or self.sid} at {self.provider_id}"
