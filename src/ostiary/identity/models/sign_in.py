"""Sign-ins, one-time links and failed proofs."""

import base64
import secrets
from typing import ClassVar

from django.db import models

from ostiary.identity.models.people import Person


def new_session_id() -> str:
    """Return an identifier that no session has had before; it names a session and does not open it."""
    return "s_" + base64.b32encode(secrets.token_bytes(16)).decode().lower().rstrip("=")


class SignInSession(models.Model):
    """One browser in which one person is signed in. Without this row the browser's cookie opens nothing.

    `complete` says that everything the instance demands was proved; only then do others learn of the session.
    `authentications` is a list of `[method, strength, at]`. `directory` is the other directory by which they came, and
    `directory_sid` what that one calls the sign-in there. `device` is the one on which alone it counts, if there is one.
    """

    id = models.CharField(primary_key=True, max_length=34, default=new_session_id, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="sign_in_sessions")
    created_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    complete = models.BooleanField(default=False)
    address = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=400, blank=True)
    authentications = models.JSONField(default=list)
    directory = models.CharField(max_length=40, blank=True)
    directory_sid = models.CharField(max_length=255, blank=True)
    device = models.CharField(max_length=16, blank=True, db_index=True)

    class Meta:
        """How Django stores it."""

        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["directory", "directory_sid"], name="identity_session_directory"),
        ]

    def __str__(self) -> str:
        return self.id


class OneTimeLink(models.Model):
    """A link that proves something once. Only the digest of its secret is kept."""

    class Purpose(models.TextChoices):
        """What opening the link lets a person do."""

        INVITATION = "invitation"
        PASSWORD = "password"  # noqa: S105 - names a purpose
        CONFIRM_EMAIL = "confirm_email"
        BREAK_GLASS = "break_glass"
        RECOVERY = "recovery"

    digest = models.CharField(primary_key=True, max_length=64)
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="one_time_links")
    by_mail = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.purpose} for {self.person_id}"


class FailedProof(models.Model):
    """One attempt that failed, counted under a key that names whom and where only as a digest."""

    key = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        """How Django stores it."""

        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["key", "at"], name="identity_failed_key_at"),
            models.Index(fields=["at"], name="identity_failed_at"),
        ]

    def __str__(self) -> str:
        return self.key
