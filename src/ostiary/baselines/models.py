"""Baselines of one's own, what is required of whom, how devices stand, since when they fail, exceptions, the brake, and counts by day.

Moments are seconds since the epoch.
"""

from typing import ClassVar

from django.db import models


class BaselineVersion(models.Model):
    """One version of a baseline of one's own; `current` is the one that counts. None is ever changed."""

    name = models.CharField(max_length=40, db_index=True)
    number = models.PositiveIntegerField()
    document = models.TextField()
    written_at = models.FloatField()
    written_by = models.CharField(max_length=254)
    reason = models.CharField(max_length=500, blank=True)
    current = models.BooleanField(default=True)

    class Meta:
        """The newest first, one of each number, one that counts."""

        ordering = ["name", "-number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["name", "number"], name="baselines_one_of_each_number"),
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(current=True), name="baselines_one_version_counts"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class RequiredBaseline(models.Model):
    """That a baseline is required from a moment on: of a group's devices, of one device, or of every one."""

    baseline = models.CharField(max_length=40)
    group = models.CharField(max_length=64, blank=True)
    device = models.CharField(max_length=16, blank=True)
    starts_at = models.FloatField()
    made_at = models.FloatField()
    made_by = models.CharField(max_length=254)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        """The one that began last counts."""

        ordering = ["group", "device", "starts_at", "id"]

    def __str__(self) -> str:
        return f"{self.baseline} of {self.device or self.group or 'every device'}"


class DeviceVerdict(models.Model):
    """How one device stands.

    `blocking`: those of `failing` because of which it is not compliant. `turned_at`: when facts turned it; 0 while it is compliant, or where
    something else did. `turned_by`: the checks that did. `worse`: it was held, and turned again. `last_until` and `last_meets`: how it stood
    before; `lost`: what of each of those baselines does not hold now. `held_checks`: those whose failing is held, until `hold_ends`.
    `held_until`: until when it counts as before, everything that blocks it being held; 0 where it does not. `asked`: the mark of what was asked
    when it was judged.
    """

    device = models.OneToOneField("devices.StoredDevice", primary_key=True, on_delete=models.CASCADE, related_name="+")
    compliant = models.BooleanField(default=False)
    until = models.FloatField(default=0.0, db_index=True)
    required = models.JSONField(default=list)
    meets = models.JSONField(default=list)
    failing = models.JSONField(default=list)
    unknown = models.BooleanField(default=True)
    judged_at = models.FloatField(default=0.0)
    turned_at = models.FloatField(default=0.0, db_index=True)
    last_until = models.FloatField(default=0.0)
    last_meets = models.JSONField(default=list)
    held_until = models.FloatField(default=0.0, db_index=True)
    blocking = models.JSONField(default=list)
    turned_by = models.JSONField(default=list)
    worse = models.BooleanField(default=False)
    lost = models.JSONField(default=dict)
    held_checks = models.JSONField(default=list)
    hold_ends = models.FloatField(default=0.0, db_index=True)
    asked = models.CharField(max_length=33, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.device_id}: {'compliant' if self.compliant else 'not compliant'}"


class Failing(models.Model):
    """Since when a device fails a check that is required of it, how far that has come, and what its owner was told of.

    `stage` is empty while the check is not known or excepted. `tries`: how often it was tried to tell of this stage, last at `tried_at`.
    """

    device = models.ForeignKey("devices.StoredDevice", on_delete=models.CASCADE, related_name="+")
    check_name = models.CharField(max_length=60)
    since = models.FloatField()
    stage = models.CharField(max_length=8, blank=True)
    told = models.CharField(max_length=8, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    tried_at = models.FloatField(default=0.0)

    class Meta:
        """One for each check of a device."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["device", "check_name"], name="baselines_one_failing_of_a_check"),
        ]

    def __str__(self) -> str:
        return f"{self.check_name} of {self.device_id}"


class NotKnown(models.Model):
    """Since when a device is blocked because something is not known, 0 while it is not, and when its owner was told that last."""

    device = models.OneToOneField("devices.StoredDevice", primary_key=True, on_delete=models.CASCADE, related_name="+")
    since = models.FloatField(default=0.0)
    told_at = models.FloatField(default=0.0)
    tries = models.PositiveSmallIntegerField(default=0)
    tried_at = models.FloatField(default=0.0)

    def __str__(self) -> str:
        return f"{self.device_id} since {self.since:.0f}"


class CheckException(models.Model):
    """That a check is not asked of a device for a while: asked for, granted, refused or ended."""

    device = models.ForeignKey("devices.StoredDevice", on_delete=models.CASCADE, related_name="+")
    check_name = models.CharField(max_length=60)
    state = models.CharField(max_length=8, db_index=True)
    reason = models.CharField(max_length=500)
    asked_by = models.CharField(max_length=254)
    asked_by_id = models.CharField(max_length=254)
    asked_at = models.FloatField()
    until = models.FloatField()
    answered_by = models.CharField(max_length=254, blank=True)
    answered_at = models.FloatField(default=0.0)
    answer = models.CharField(max_length=500, blank=True)

    class Meta:
        """The newest first; one at a time for each check of a device."""

        ordering = ["-asked_at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["device", "check_name"],
                condition=models.Q(state__in=["waiting", "granted"]),
                name="baselines_one_exception_of_a_check",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.check_name} of {self.device_id}"


class HeldTurn(models.Model):
    """One time that too many devices turned at once; `ended_at` is 0 while their verdicts are held."""

    held_at = models.FloatField()
    devices = models.PositiveIntegerField()
    of = models.PositiveIntegerField()
    told_at = models.FloatField(default=0.0)
    ended_at = models.FloatField(default=0.0, db_index=True)
    kept_by = models.CharField(max_length=254, blank=True)

    def __str__(self) -> str:
        return f"{self.devices} of {self.of}"


class ComplianceDay(models.Model):
    """How many devices stood how at the end of a day (UTC), or so far."""

    day = models.DateField(primary_key=True)
    compliant = models.PositiveIntegerField(default=0)
    grace = models.PositiveIntegerField(default=0)
    blocked = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)

    class Meta:
        """The newest first."""

        ordering = ["-day"]

    def __str__(self) -> str:
        return str(self.day)
