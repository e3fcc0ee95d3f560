"""Clients and what was issued to them, as stored. Reads live in `queries`, changes in `services`.

Secrets, codes and tokens are kept as SHA-256 digests only; they are random enough that nothing slower is needed.
"""

import secrets

from django.db import models


def new_grant_id() -> str:
    """Return an identifier that no grant has had before; 80 bits."""
    return f"o_{secrets.token_hex(10)}"


class StoredClient(models.Model):
    """An application that may ask; its identifier is the app's. It goes with the app."""

    app = models.OneToOneField(
        "applications.StoredApp", primary_key=True, on_delete=models.CASCADE, related_name="oidc_client"
    )
    kind = models.CharField(max_length=16)
    redirect_uris = models.JSONField(default=list)
    post_logout_redirect_uris = models.JSONField(default=list)
    backchannel_logout_uri = models.CharField(max_length=500, blank=True)
    pkce = models.BooleanField(default=True)
    secret_digest = models.BinaryField(max_length=32, default=bytes)
    secret_made_at = models.DateTimeField(null=True)
    keys = models.JSONField(default=list)
    claims = models.JSONField(default=dict)
    roles = models.JSONField(default=dict)
    preset = models.CharField(max_length=32, blank=True)
    added_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.app_id)


class Grant(models.Model):
    """One sign-in of somebody to an application, and the family of all tokens that came of it."""

    id = models.CharField(primary_key=True, max_length=34, default=new_grant_id, editable=False)
    client = models.ForeignKey(StoredClient, on_delete=models.CASCADE, related_name="grants")
    person_id = models.CharField(max_length=34, db_index=True)
    session_id = models.CharField(max_length=34, db_index=True)
    scopes = models.JSONField(default=list)
    nonce = models.CharField(max_length=500, blank=True)
    auth_time = models.FloatField()
    acr = models.CharField(max_length=8, blank=True)
    amr = models.JSONField(default=list)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, db_index=True)
    end_reason = models.CharField(max_length=32, blank=True)

    def __str__(self) -> str:
        return self.id


class Token(models.Model):
    """A code, an access token or a refresh token."""

    class Kind(models.TextChoices):
        """What it is good for."""

        CODE = "code"
        ACCESS = "access"
        REFRESH = "refresh"

    digest = models.BinaryField(primary_key=True, max_length=32)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    grant = models.ForeignKey(Grant, on_delete=models.CASCADE, related_name="tokens")
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)
    redirect_uri = models.CharField(max_length=1000, blank=True)
    challenge = models.CharField(max_length=43, blank=True)

    def __str__(self) -> str:
        return f"{self.kind} of {self.grant_id}"


class Logout(models.Model):
    """One word that is owed to an application: that a sign-in ended. Sent by the worker, which notes how it went."""

    client = models.ForeignKey(StoredClient, on_delete=models.CASCADE, related_name="logouts")
    person_id = models.CharField(max_length=34)
    session_id = models.CharField(max_length=34)
    written_at = models.DateTimeField()
    next_try_at = models.DateTimeField(db_index=True)
    tries = models.PositiveIntegerField(default=0)
    done_at = models.DateTimeField(null=True, db_index=True)
    problem = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"logout at {self.client_id}"


class UsedAssertion(models.Model):
    """A signed assertion by which a client proved itself; none is good twice."""

    digest = models.BinaryField(primary_key=True, max_length=32)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"assertion until {self.expires_at}"
