"""The table behind Django's database cache, so that every process of the control plane shares one."""

from django.db import models


class CacheEntry(models.Model):
    """One cached value. Columns are those that Django's `DatabaseCache` reads and writes."""

    cache_key = models.CharField(primary_key=True, max_length=255)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        """How Django stores it."""

        db_table = "ostiary_cache"

    def __str__(self) -> str:
        return self.cache_key
