"""How many changes each section of the facts has seen. What the facts are lives in the pillars."""

from django.db import models


class FactsVersion(models.Model):
    """One section of the facts, counted in the transactions that change it.

    `version` grows by one with each change; `taken_away_at` is the version of the last change by which somebody could
    have lost access.
    """

    section = models.CharField(primary_key=True, max_length=32)
    version = models.PositiveBigIntegerField(default=0)
    taken_away_at = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.section} {self.version}"
