"""The catalogue of applications, as stored. Reads live in `queries`, changes in `services`."""

from django.db import models


class StoredApp(models.Model):
    """One application. Its values were checked before they came here."""

    id = models.CharField(primary_key=True, max_length=63)
    name = models.CharField(max_length=100)
    host = models.CharField(max_length=253, blank=True)
    upstream_url = models.CharField(max_length=300, blank=True)
    verify_tls = models.BooleanField(default=True)
    ca_file = models.CharField(max_length=1000, blank=True)
    host_header = models.CharField(max_length=260, blank=True)
    health_path = models.CharField(max_length=255, blank=True)
    labels = models.JSONField(default=list)
    methods = models.JSONField(default=dict)
    identity_headers = models.JSONField(default=dict)
    contact = models.CharField(max_length=200, blank=True)
    streams = models.BooleanField(default=True)
    idle_seconds = models.PositiveIntegerField(null=True)
    longest_seconds = models.PositiveIntegerField(null=True)
    description = models.CharField(max_length=500, blank=True)
    icon = models.CharField(max_length=63, blank=True)
    builtin = models.BooleanField(default=False)
    sign_in = models.CharField(max_length=16, default="gateway")
    launch_url = models.CharField(max_length=500, blank=True)
    added_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        """Lists read by name; a host leads to one app, and apps elsewhere have none."""

        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["host"], condition=~models.Q(host=""), name="applications_host_once")
        ]

    def __str__(self) -> str:
        return self.id


class StoredLabelLimits(models.Model):
    """How long apps with a label go on without a fresh proof."""

    label = models.CharField(primary_key=True, max_length=63)
    idle_seconds = models.PositiveIntegerField(null=True)
    longest_seconds = models.PositiveIntegerField(null=True)

    def __str__(self) -> str:
        return self.label
