"""Services, their keys and trusted issuers, assertions that were used, and people's tokens, as stored."""

import secrets
from typing import ClassVar

from django.db import models


def new_token_id() -> str:
    """Return an identifier that no token has had before; 80 bits."""
    return f"t_{secrets.token_hex(10)}"


class StoredService(models.Model):
    """One service. `tokens_after`: tokens issued before are worth nothing; `told_at`: its owner was told that it will be closed."""

    name = models.CharField(primary_key=True, max_length=63)
    purpose = models.CharField(max_length=500, blank=True)
    owner = models.ForeignKey("identity.Person", null=True, on_delete=models.SET_NULL, related_name="owned_services")
    ends_at = models.DateTimeField()
    token_seconds = models.PositiveIntegerField(default=600)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=254)
    used_at = models.DateTimeField(null=True, db_index=True)
    tokens_after = models.FloatField(default=0.0)
    disabled_at = models.DateTimeField(null=True)
    closed = models.CharField(max_length=16, blank=True)
    told_at = models.DateTimeField(null=True)

    class Meta:
        """Lists read by name."""

        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ServiceKey(models.Model):
    """One public key of a service."""

    service = models.ForeignKey(StoredService, on_delete=models.CASCADE, related_name="keys")
    kid = models.CharField(max_length=64)
    jwk = models.JSONField()
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=254)
    used_at = models.DateTimeField(null=True)

    class Meta:
        """How Django stores it."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["service", "kid"], name="workloads_one_key_once"),
        ]
        ordering = ["added_at", "pk"]

    def __str__(self) -> str:
        return f"{self.kid} of {self.service_id}"


class StoredTrust(models.Model):
    """Tokens of one issuer that stand for a service."""

    service = models.ForeignKey(StoredService, on_delete=models.CASCADE, related_name="trusts")
    issuer = models.CharField(max_length=500)
    audience = models.CharField(max_length=500)
    claims = models.JSONField()
    keys = models.TextField(blank=True)
    once = models.BooleanField(default=False)
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=254)
    used_at = models.DateTimeField(null=True)

    class Meta:
        """How Django stores it."""

        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.issuer} for {self.service_id}"


class UsedAssertion(models.Model):
    """An assertion, or an issuer's token that is good once, that was used; kept until it would have run out anyway."""

    digest = models.CharField(primary_key=True, max_length=64)
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.digest


class StoredToken(models.Model):
    """One personal access token. Only the SHA-256 of it is here, in hexadecimal."""

    id = models.CharField(primary_key=True, max_length=34, default=new_token_id, editable=False)
    person = models.ForeignKey("identity.Person", on_delete=models.CASCADE, related_name="personal_tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    apps = models.JSONField()
    edit = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        """Lists read the newest first."""

        ordering = ["-created_at", "pk"]

    def __str__(self) -> str:
        return f"{self.name} of {self.person_id}"
