"""The clients, as stored. Reads live in `queries`, changes in `services`."""

from django.db import models


class StoredClient(models.Model):
    """One program that may ask, or could once. Only the SHA-256 of its token is here, in hexadecimal."""

    name = models.CharField(primary_key=True, max_length=63)
    digest = models.CharField(max_length=64, unique=True)
    may_search = models.BooleanField(default=False)
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=254)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Lists read by name."""

        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
