"""Connections to device management, and what each knows, as stored."""

from django.db import models


class StoredConnection(models.Model):
    """One connection. `sealed_secret`: the token or client secret that is sent there, encrypted."""

    name = models.CharField(primary_key=True, max_length=63)
    kind = models.CharField(max_length=16)
    address = models.CharField(max_length=300)
    token_address = models.CharField(max_length=400, blank=True)
    client_id = models.CharField(max_length=200, blank=True)
    sealed_secret = models.TextField()
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=254)
    tried_at = models.DateTimeField(null=True)
    imported_at = models.DateTimeField(null=True)
    next_try_at = models.DateTimeField(null=True, db_index=True)
    running_since = models.DateTimeField(null=True)
    pages = models.PositiveIntegerField(default=0)
    found = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    failures = models.PositiveSmallIntegerField(default=0)
    problem = models.CharField(max_length=500, blank=True)

    class Meta:
        """Lists read by name."""

        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class StoredRecord(models.Model):
    """One device as one connection knows it.

    `seen_at`: the import that brought it last; `device`: which of ours is meant; `source`: the connection's kind, for a device has one
    record of each.
    """

    connection = models.ForeignKey(StoredConnection, on_delete=models.CASCADE, related_name="records")
    source = models.CharField(max_length=16)
    there = models.CharField(max_length=100)
    name = models.CharField(max_length=200, blank=True)
    serial = models.CharField(max_length=100, blank=True, db_index=True)
    hardware_uuid = models.CharField(max_length=100, blank=True)
    owner = models.CharField(max_length=254, blank=True, db_index=True)
    standing = models.CharField(max_length=200, blank=True)
    managed = models.BooleanField(default=False)
    synced_at = models.DateTimeField(null=True)
    facts = models.JSONField(default=dict)
    seen_at = models.DateTimeField()
    device = models.ForeignKey("devices.StoredDevice", null=True, on_delete=models.SET_NULL, related_name="+")
    linked_at = models.DateTimeField(null=True)
    linked_by = models.CharField(max_length=254, blank=True)

    class Meta:
        """One record of each device there, and one of each kind for a device here."""

        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "there"], name="mdm_record_there"),
            models.UniqueConstraint(fields=["device", "source"], name="mdm_record_of_device"),
        ]

    def __str__(self) -> str:
        return f"{self.name} at {self.connection_id}"
