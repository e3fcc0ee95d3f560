"""Devices, their certificates, computers that wait to be confirmed, and nonces that were used, as stored."""

from django.db import models

NOTHING_KNOWN = b"\x80"
"""An empty map, in msgpack."""


class StoredDevice(models.Model):
    """One device.

    `newest`: the fingerprint of the certificate it was given last; `strays`: how often it came with another since `strayed_at`.
    `reported`: which report was taken last, as `judge_report` counts them.
    `known`: what rules may read of it (msgpack); `known_until`: until when that holds, seconds since the epoch.
    """

    id = models.CharField(primary_key=True, max_length=16)
    name = models.CharField(max_length=63)
    platform = models.CharField(max_length=80)
    owner = models.ForeignKey("identity.Person", on_delete=models.CASCADE, related_name="devices")
    state = models.CharField(max_length=16, db_index=True)
    why = models.CharField(max_length=16, blank=True)
    key = models.JSONField()
    thumbprint = models.CharField(max_length=43, unique=True)
    key_protection = models.CharField(max_length=16)
    asked_from = models.CharField(max_length=45, blank=True)
    confirmed_from = models.CharField(max_length=45, blank=True)
    enrolled_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=254, blank=True)
    seen_at = models.DateTimeField(null=True)
    generation = models.PositiveIntegerField(default=0)
    newest = models.CharField(max_length=64, blank=True)
    strays = models.PositiveSmallIntegerField(default=0)
    strayed_at = models.DateTimeField(null=True)
    reported = models.BigIntegerField(default=0)
    known = models.BinaryField(default=NOTHING_KNOWN)
    known_until = models.FloatField(default=0.0, db_index=True)
    watched_at = models.FloatField(default=0.0)

    class Meta:
        """Lists read by name."""

        ordering = ["name", "id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"


class DeviceCertificate(models.Model):
    """One certificate of a device, while it is good."""

    fingerprint = models.CharField(primary_key=True, max_length=64)
    device = models.ForeignKey(StoredDevice, on_delete=models.CASCADE, related_name="certificates")
    serial = models.CharField(max_length=40)
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.serial} of {self.device_id}"


class GivenCertificate(models.Model):
    """One certificate that a device was given lately: a browser may show it until it is closed."""

    fingerprint = models.CharField(primary_key=True, max_length=64)
    device = models.ForeignKey(StoredDevice, on_delete=models.CASCADE, related_name="given")
    begins_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"given to {self.device_id}"


class GivenSection(models.Model):
    """Section `given` of the facts as it was made last (msgpack), so that whoever publishes waits for nothing. One row."""

    content = models.BinaryField()
    made_at = models.FloatField()

    def __str__(self) -> str:
        return f"made at {self.made_at:.0f}"


class Enrolment(models.Model):
    """A computer that asked to be enrolled, for the ten minutes in which somebody may confirm it.

    `tpm` is what it said of its TPM, and the digest of the secret that is sealed to that; nobody can confirm it until `proven`.
    """

    digest = models.CharField(primary_key=True, max_length=64)
    user_code = models.CharField(max_length=8, unique=True)
    name = models.CharField(max_length=63)
    platform = models.CharField(max_length=80)
    key = models.JSONField()
    thumbprint = models.CharField(max_length=43, unique=True)
    key_protection = models.CharField(max_length=16)
    address = models.CharField(max_length=45, blank=True)
    network = models.CharField(max_length=45, blank=True, db_index=True)
    asked_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)
    polled_at = models.DateTimeField(null=True)
    refused = models.BooleanField(default=False)
    device = models.ForeignKey(StoredDevice, null=True, on_delete=models.CASCADE, related_name="+")
    tpm = models.JSONField(null=True)
    proven = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name


class DeviceTpm(models.Model):
    """The TPM that a device's key lies in, or that says how it starts. `attestation`: TPM2B_PUBLIC; `endorsement`: SHA-256 of its TPMT_PUBLIC; `why`: why no maker vouches for it."""

    device = models.OneToOneField(StoredDevice, primary_key=True, on_delete=models.CASCADE, related_name="tpm")
    endorsement = models.CharField(max_length=64)
    attestation = models.BinaryField()
    maker = models.CharField(max_length=120, blank=True)
    why = models.CharField(max_length=250, blank=True)
    quoted_at = models.DateTimeField(null=True)
    secure_boot = models.BooleanField(null=True)
    boot_words = models.CharField(max_length=250, blank=True)

    def __str__(self) -> str:
        return f"TPM of {self.device_id}"


class UsedNonce(models.Model):
    """A nonce that was used, so that it is not used again; kept until it would be over anyway."""

    nonce = models.CharField(primary_key=True, max_length=80)
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.nonce


class DevicePosture(models.Model):
    """What one source said last of one device: its facts by name, whole. `looked_at`: when the source looked."""

    device = models.ForeignKey(StoredDevice, on_delete=models.CASCADE, related_name="postures")
    source = models.CharField(max_length=16)
    evidence = models.PositiveSmallIntegerField()
    lasts = models.FloatField()
    facts = models.JSONField()
    looked_at = models.DateTimeField()
    received_at = models.DateTimeField(db_index=True)

    class Meta:
        """One row for each source."""

        constraints = [models.UniqueConstraint(fields=["device", "source"], name="device_posture_of_source")]

    def __str__(self) -> str:
        return f"{self.device_id} by {self.source}"


class FactChange(models.Model):
    """One fact of a device that one source says otherwise than before; `value` is null where it is not known any more."""

    device = models.ForeignKey(StoredDevice, on_delete=models.CASCADE, related_name="fact_changes")
    at = models.DateTimeField()
    source = models.CharField(max_length=16)
    name = models.CharField(max_length=63)
    value = models.JSONField(null=True)
    before = models.JSONField(null=True)

    class Meta:
        """Read newest first, for one device."""

        indexes = [models.Index(fields=["device", "-at"])]

    def __str__(self) -> str:
        return f"{self.name} of {self.device_id}"


class SeenMark(models.Model):
    """What somebody decided of a person's browser on a device that nobody enrolled: that they were asked to, or that it is ignored."""

    person = models.ForeignKey("identity.Person", on_delete=models.CASCADE, related_name="+")
    browser = models.CharField(max_length=64)
    asked_at = models.DateTimeField(null=True)
    ignored_until = models.DateTimeField(null=True)

    class Meta:
        """One of each."""

        constraints = [models.UniqueConstraint(fields=["person", "browser"], name="device_seen_mark")]

    def __str__(self) -> str:
        return f"{self.person_id}: {self.browser}"
