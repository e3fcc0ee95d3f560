"""Applications that speak SAML, how people are named to them, where they signed in, and which requests were answered."""

from typing import ClassVar

from django.conf import settings
from django.db import models


class StoredProvider(models.Model):
    """What is known of one application beside its entry in the catalogue, with which it goes."""

    app = models.OneToOneField(
        "applications.StoredApp", on_delete=models.CASCADE, primary_key=True, related_name="saml_provider"
    )
    entity_id = models.CharField(max_length=1024, unique=True)
    described = models.JSONField()
    name_format = models.CharField(max_length=100)
    attributes = models.JSONField(default=list)
    signed_requests = models.BooleanField(default=False)
    sign_response = models.BooleanField(default=False)
    starts_here = models.BooleanField(default=False)
    start_page = models.CharField(max_length=1000, blank=True)

    class Meta:
        """Lists read by app."""

        ordering = ["app_id"]

    def __str__(self) -> str:
        return self.app_id


class StoredName(models.Model):
    """How one person is named to one application for good: a value that says nothing, and nothing to another application."""

    provider = models.ForeignKey(StoredProvider, on_delete=models.CASCADE, related_name="names")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saml_names")
    value = models.CharField(max_length=64, unique=True)

    class Meta:
        """How Django stores it."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["provider", "person"], name="saml_one_name_a_person"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} at {self.provider_id}"


class AnsweredRequest(models.Model):
    """A request that was answered, kept for as long as it could be brought again."""

    provider = models.ForeignKey(StoredProvider, on_delete=models.CASCADE, related_name="answered")
    request_id = models.CharField(max_length=256)
    forget_at = models.DateTimeField(db_index=True)

    class Meta:
        """How Django stores it."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["provider", "request_id"], name="saml_answered_once"),
        ]

    def __str__(self) -> str:
        return f"{self.request_id} of {self.provider_id}"


class Participation(models.Model):
    """An application was told of a sign-in here: by what name and what index, until a request for sign-out may name it."""

    provider = models.ForeignKey(StoredProvider, on_delete=models.CASCADE, related_name="participations")
    session_id = models.CharField(max_length=34, db_index=True)
    session_index = models.CharField(max_length=64)
    name = models.CharField(max_length=254)
    forget_at = models.DateTimeField(db_index=True)

    class Meta:
        """How Django stores it."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["provider", "session_index"], name="saml_told_once_a_session"),
        ]

    def __str__(self) -> str:
        return f"{self.session_id} at {self.provider_id}"


class KeptRelayState(models.Model):
    """What goes back to an application unchanged, and is too long to travel in the browser's address until then."""

    key = models.CharField(primary_key=True, max_length=32)
    value = models.BinaryField()
    forget_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key
