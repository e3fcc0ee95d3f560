"""What every store of programs keeps of one. The tables themselves belong to the rooms that give the tokens out."""

import time
from typing import TypedDict

from django.db import models


class ProgramFields(TypedDict):
    """What a stored program says of itself, as `tokens.Program` takes it."""

    name: str
    added_at: float
    added_by: str
    expires_at: float
    revoked_at: float | None


class ProgramRow(models.Model):
    """One program that has a token, or had one once. Only the SHA-256 of the token is here, in hexadecimal."""

    name = models.CharField(primary_key=True, max_length=63)
    digest = models.CharField(max_length=64, unique=True)
    added_at = models.DateTimeField()
    added_by = models.CharField(max_length=254)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Lists read by name."""

        abstract = True
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def works(self) -> bool:
        """Whether its token is accepted now."""
        return self.revoked_at is None and time.time() < self.expires_at.timestamp()

    def fields(self) -> ProgramFields:
        """Return what it says of itself."""
        return {
            "name": self.name,
            "added_at": self.added_at.timestamp(),
            "added_by": self.added_by,
            "expires_at": self.expires_at.timestamp(),
            "revoked_at": None if self.revoked_at is None else self.revoked_at.timestamp(),
        }


class AskingProgramRow(ProgramRow):
    """A program whose every request is looked up here, so that its last one is known, to the minute."""

    used_at = models.DateTimeField(null=True, blank=True)

    class Meta(ProgramRow.Meta):
        """As above."""

        abstract = True
