"""The clients, as stored. Reads live in `queries`, changes in `services`."""

from django.db import models

from ostiary.programs.models import ProgramRow


class StoredClient(ProgramRow):
    """One program that may ask, or could once."""

    may_search = models.BooleanField(default=False)
