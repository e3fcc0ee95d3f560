"""Receivers with their streams and queues, and transmitters with what they told, as stored. Reads live in `queries`."""

import secrets
from typing import ClassVar

from django.conf import settings
from django.db import models

from ostiary.programs.models import AskingProgramRow


def new_stream_id() -> str:
    """Return an identifier that no stream has had before; 128 bits."""
    return secrets.token_hex(16)


class StoredReceiver(AskingProgramRow):
    """One system that may be told of what happens here."""

    audience = models.CharField(max_length=300)
    push_to = models.CharField(max_length=300, blank=True)
    subject_format = models.CharField(max_length=20)
    events = models.JSONField(default=list)


class StoredStream(models.Model):
    """One stream to a receiver, and how it does; `sealed_header` is encrypted."""

    id = models.CharField(primary_key=True, max_length=32, default=new_stream_id, editable=False)
    receiver = models.ForeignKey(StoredReceiver, on_delete=models.CASCADE, related_name="streams")
    method = models.CharField(max_length=30)
    endpoint_url = models.CharField(max_length=2000, blank=True)
    sealed_header = models.TextField(blank=True)
    events_requested = models.JSONField(default=list)
    description = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=10)
    status_reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    delivered = models.PositiveBigIntegerField(default=0)
    delivered_at = models.DateTimeField(null=True)
    refused = models.PositiveBigIntegerField(default=0)
    dropped = models.PositiveBigIntegerField(default=0)
    dropped_at = models.DateTimeField(null=True)
    verification_asked_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        """Lists read by receiver, the oldest first."""

        ordering = ["receiver_id", "created_at", "id"]

    def __str__(self) -> str:
        return f"{self.id} of {self.receiver_id}"


class LeftOut(models.Model):
    """One person of whom a receiver does not want to hear."""

    stream = models.ForeignKey(StoredStream, on_delete=models.CASCADE, related_name="left_out")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    class Meta:
        """How Django stores it."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["stream", "person"], name="signals_left_out_once"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} of {self.stream_id}"


class Outgoing(models.Model):
    """One event that is owed to a receiver: written down with what it tells of, gone when it was taken."""

    stream = models.ForeignKey(StoredStream, on_delete=models.CASCADE, related_name="queue")
    jti = models.CharField(max_length=40, unique=True)
    event_type = models.CharField(max_length=200)
    claims = models.JSONField()

    def __str__(self) -> str:
        return self.jti


class StoredTransmitter(models.Model):
    """One system whose signals are listened to. Only the SHA-256 of what it proves itself with is here."""

    name = models.CharField(primary_key=True, max_length=63)
    issuer = models.CharField(max_length=300, unique=True)
    metadata_url = models.CharField(max_length=500)
    audience = models.CharField(max_length=300)
    may = models.CharField(max_length=20)
    subject_issuers = models.JSONField(default=list)
    email_domains = models.JSONField(default=list)
    may_disable_administrators = models.BooleanField(default=False)
    older_form = models.BooleanField(default=False)
    by_signature = models.BooleanField(default=False)
    digest = models.CharField(max_length=64, blank=True)
    sealed_token = models.TextField(blank=True)
    delivery = models.CharField(max_length=10, default="push")
    stream_id = models.CharField(max_length=255, blank=True)
    poll_url = models.CharField(max_length=2000, blank=True)
    status = models.CharField(max_length=10, blank=True)
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=254)
    counted_from = models.DateTimeField()
    held_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=64, blank=True)
    asked_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        """Lists read by name."""

        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Received(models.Model):
    """One signal that was taken, and what became of it. While it is here, its `jti` is not taken again."""

    transmitter = models.ForeignKey(StoredTransmitter, on_delete=models.CASCADE, related_name="signals")
    jti = models.CharField(max_length=255)
    event_type = models.CharField(max_length=500)
    subject = models.CharField(max_length=500, blank=True)
    session = models.CharField(max_length=500, blank=True)
    effect = models.CharField(max_length=20)
    outcome = models.CharField(max_length=20, db_index=True)
    words = models.CharField(max_length=500, blank=True)
    issued_at = models.DateTimeField()
    received_at = models.DateTimeField(db_index=True)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        """How Django stores it."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["transmitter", "jti"], name="signals_taken_once"),
        ]

    def __str__(self) -> str:
        return f"{self.jti} of {self.transmitter_id}"


class ShutAccount(models.Model):
    """One account that a transmitter disabled, as long as nobody else enabled it: no other may it enable."""

    transmitter = models.ForeignKey(StoredTransmitter, on_delete=models.CASCADE, related_name="shut")
    person = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.person_id} by {self.transmitter_id}"
