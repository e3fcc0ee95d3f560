"""Every set of rules that was ever applied. The last one is in force. Rows are added, never changed."""

from django.db import models


class AppliedRulesRow(models.Model):
    """One application of rules. `parsed` is the document ready to load; it is made from `document` alone."""

    number = models.BigAutoField(primary_key=True)
    version = models.CharField(max_length=12)
    document = models.TextField(blank=True)
    cedar = models.TextField(blank=True)
    parsed = models.BinaryField()
    comment = models.CharField(max_length=500, blank=True)
    applied_at = models.DateTimeField()
    applied_by = models.CharField(max_length=254)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=254)

    class Meta:
        """The last one first."""

        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{self.number} ({self.version})"
