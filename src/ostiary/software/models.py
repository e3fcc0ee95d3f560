"""Packages, which of them devices have, advisories, and what of the one is affected by the other, as stored.

Devices have most packages in common, so a package is stored once, and what a device has is a set of numbers; devices with the
very same set share it. Only what is vulnerable is also kept row by row.
"""

from django.db import models


class StoredPackage(models.Model):
    """A package in one version, once for all devices. `stale`: advisories on it came since it was matched last."""

    digest = models.CharField(max_length=32, unique=True)
    ecosystem = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    version = models.CharField(max_length=120)
    source = models.CharField(max_length=200, blank=True)
    source_version = models.CharField(max_length=120, blank=True)
    stale = models.BooleanField(default=True)

    class Meta:
        """Found by what advisories name, and by whether there is something to do."""

        indexes = [
            models.Index(fields=["ecosystem", "name"], name="package_by_name"),
            models.Index(fields=["ecosystem", "source"], name="package_by_source"),
            models.Index(fields=["id"], condition=models.Q(stale=True), name="package_stale"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.ecosystem})"


class PackageSet(models.Model):
    """Everything installed on a device, or on several that have exactly the same.

    `running`: the release of the kernel that runs, empty where that is not known; `waiting`: a newer one that a restart begins.
    `matched`: under which generation of the advisories its vulnerabilities were counted; the counts are of flaws, not of packages;
    `mendable`: by severity, those that an update mends.
    """

    digest = models.CharField(max_length=64, unique=True)
    system = models.CharField(max_length=64, blank=True)
    ecosystems = models.JSONField()
    incomplete = models.JSONField()
    packages = models.BinaryField()
    size = models.PositiveIntegerField()
    matched = models.PositiveIntegerField(default=0, db_index=True)
    critical = models.PositiveIntegerField(default=0)
    high = models.PositiveIntegerField(default=0)
    medium = models.PositiveIntegerField(default=0)
    low = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    mendable = models.JSONField(default=dict)
    running = models.CharField(max_length=120, blank=True)
    waiting = models.CharField(max_length=330, blank=True)

    def __str__(self) -> str:
        return self.digest[:12]


class Installed(models.Model):
    """Which set a device has. `confirmed_at`: when the device last said so; `told_at`: when facts were last made of it.

    `place`: of the last list it sent, as `devices` counts them; `owed`: how much new it brought, as of `owed_at` (`domain.allowance`).
    """

    device = models.OneToOneField(
        "devices.StoredDevice", primary_key=True, on_delete=models.CASCADE, related_name="installed"
    )
    packages = models.ForeignKey(PackageSet, on_delete=models.PROTECT, related_name="devices")
    taken_at = models.DateTimeField()
    confirmed_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, db_index=True)
    place = models.BigIntegerField(default=0)
    owed = models.FloatField(default=0.0)
    owed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.device_id}: {self.packages_id}"


class StoredAdvisory(models.Model):
    """An advisory, of what is used of it. `devices`: on how many there is something it is about, as last counted."""

    uid = models.CharField(max_length=100, unique=True)
    digest = models.CharField(max_length=32)
    key = models.CharField(max_length=100, db_index=True)
    aliases = models.JSONField()
    modified = models.DateTimeField()
    withdrawn = models.DateTimeField(null=True)
    severity = models.PositiveSmallIntegerField()
    score = models.FloatField(null=True)
    summary = models.CharField(max_length=300, blank=True)
    url = models.CharField(max_length=500, blank=True)
    devices = models.PositiveIntegerField(default=0)

    class Meta:
        """Listed by what is worst, and on most devices."""

        indexes = [models.Index(fields=["-severity", "-devices", "uid"], name="advisory_worst")]

    def __str__(self) -> str:
        return self.uid


class AffectedPackage(models.Model):
    """What an advisory says of one package. `content`: its ranges and versions, as `domain.osv` has them, packed."""

    advisory = models.ForeignKey(StoredAdvisory, on_delete=models.CASCADE, related_name="affected")
    ecosystem = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    content = models.BinaryField()

    class Meta:
        """Found by package."""

        indexes = [models.Index(fields=["ecosystem", "name"], name="affected_by_name")]

    def __str__(self) -> str:
        return f"{self.name} ({self.ecosystem})"


class StoredFinding(models.Model):
    """An advisory is about a package. `fixed`: the version that mends it; empty for none yet."""

    package = models.ForeignKey(StoredPackage, on_delete=models.CASCADE, related_name="findings")
    advisory = models.ForeignKey(StoredAdvisory, on_delete=models.CASCADE, related_name="findings")
    fixed = models.CharField(max_length=120, blank=True)

    class Meta:
        """Each once."""

        constraints = [models.UniqueConstraint(fields=["package", "advisory"], name="one_finding")]

    def __str__(self) -> str:
        return f"{self.advisory_id}: {self.package_id}"


class Holding(models.Model):
    """A set holds a vulnerable package."""

    packages = models.ForeignKey(PackageSet, on_delete=models.CASCADE, related_name="holdings")
    package = models.ForeignKey(StoredPackage, on_delete=models.CASCADE, related_name="holdings")

    class Meta:
        """Each once."""

        constraints = [models.UniqueConstraint(fields=["packages", "package"], name="one_holding")]

    def __str__(self) -> str:
        return f"{self.packages_id}: {self.package_id}"


class Feed(models.Model):
    """What is known of one ecosystem. `as_of`: when that was all there was to know; `None` where only single advisories came."""

    ecosystem = models.CharField(primary_key=True, max_length=64)
    as_of = models.DateTimeField(null=True)
    imported_at = models.DateTimeField()
    source = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.ecosystem


class Knowledge(models.Model):
    """One row: how often the advisories changed, whether the devices of each have to be counted again, and how long that took last.

    `matcher`: by which rules findings were made (`services.matcher`).
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    generation = models.PositiveIntegerField(default=1)
    uncounted = models.BooleanField(default=False)
    counted_at = models.DateTimeField(null=True)
    counting_seconds = models.FloatField(default=0.0)
    matcher = models.CharField(max_length=32, blank=True)

    def __str__(self) -> str:
        return str(self.generation)
