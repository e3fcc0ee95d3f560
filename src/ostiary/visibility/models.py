"""The index of the record: enough of each line to find it. The record itself is the files; this can be made again."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class LogPosition(models.Model):
    """How far a stream has been indexed: the last line that was, and where the next one begins."""

    stream = models.CharField(_("stream"), max_length=32, primary_key=True)
    segment = models.PositiveIntegerField(_("segment"), default=0)
    offset = models.PositiveBigIntegerField(_("offset in bytes"), default=0)
    seq = models.BigIntegerField(_("last line"), default=-1)
    head = models.CharField(_("hash of the last line"), max_length=64, default="")

    class Meta:
        """Names, uniqueness and indexes."""

        verbose_name = _("log position")
        verbose_name_plural = _("log positions")

    def __str__(self) -> str:
        return f"{self.stream} {self.seq}"


class IndexedLine(models.Model):
    """Where a line of the record is."""

    id = models.BigAutoField(primary_key=True)
    stream = models.CharField(_("stream"), max_length=32)
    seq = models.BigIntegerField(_("line"))
    segment = models.PositiveIntegerField(_("segment"))
    offset = models.PositiveBigIntegerField(_("offset in bytes"))
    length = models.PositiveIntegerField(_("length in bytes"))
    at_ms = models.BigIntegerField(_("time in milliseconds since the epoch"))
    address = models.CharField(_("address"), max_length=64, default="")
    search = models.TextField(_("searchable text, small letters"), default="")

    class Meta:
        """Names, uniqueness and indexes."""

        abstract = True


class IndexedDecision(IndexedLine):
    """One decision (stream `decisions`), or one request that passed on a grant (stream `requests`)."""

    reference = models.CharField(_("reference"), max_length=64)
    outcome = models.CharField(_("outcome"), max_length=16)
    reason = models.CharField(_("reason"), max_length=40, default="")
    person = models.CharField(_("person's id"), max_length=128, default="")
    email = models.CharField(_("e-mail address"), max_length=320, default="")
    app = models.CharField(_("app"), max_length=64, default="")
    rule = models.CharField(_("rule"), max_length=128, default="")
    method = models.CharField(_("method"), max_length=32, default="")
    host = models.CharField(_("host"), max_length=255, default="")
    path = models.CharField(_("path"), max_length=512, default="")
    country = models.CharField(_("country"), max_length=2, default="")
    code = models.PositiveIntegerField(_("HTTP status"), default=0)

    class Meta:
        """Names, uniqueness and indexes."""

        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        constraints = [models.UniqueConstraint(fields=["stream", "seq"], name="visibility_decision_line")]
        indexes = [
            models.Index(fields=["stream", "-at_ms", "-seq"], name="visibility_decision_time"),
            models.Index(fields=["at_ms", "person"], name="visibility_decision_people"),
            models.Index(fields=["stream", "person", "-at_ms", "-seq"], name="visibility_decision_person"),
            models.Index(fields=["stream", "email", "-at_ms", "-seq"], name="visibility_decision_email"),
            models.Index(fields=["stream", "app", "-at_ms", "-seq"], name="visibility_decision_app"),
            models.Index(fields=["stream", "outcome", "-at_ms", "-seq"], name="visibility_decision_outcome"),
            models.Index(fields=["stream", "reason", "-at_ms", "-seq"], name="visibility_decision_reason"),
            models.Index(fields=["stream", "reference", "-at_ms", "-seq"], name="visibility_decision_refer"),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} {self.reference}"


class CountedKind(models.Model):
    """How many decisions of a kind fell into a span: what the overview adds up instead of reading every row."""

    id = models.BigAutoField(primary_key=True)
    stream = models.CharField(_("stream"), max_length=32)
    app = models.CharField(_("app"), max_length=64)
    outcome = models.CharField(_("outcome"), max_length=16)
    reason = models.CharField(_("reason"), max_length=40)
    number = models.PositiveBigIntegerField(_("how many"), default=0)

    class Meta:
        """Names, uniqueness and indexes."""

        abstract = True


class MinuteCount(CountedKind):
    """How many fell into one minute."""

    minute = models.BigIntegerField(_("minute since the epoch"))

    class Meta:
        """Names, uniqueness and indexes."""

        verbose_name = _("count of a minute")
        verbose_name_plural = _("counts of a minute")
        constraints = [
            models.UniqueConstraint(
                fields=["minute", "stream", "app", "outcome", "reason"], name="visibility_minute_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.minute} {self.app} {self.outcome} {self.number}"


class HourCount(CountedKind):
    """How many fell into one hour; the same as its minutes together."""

    hour = models.BigIntegerField(_("hour since the epoch"))

    class Meta:
        """Names, uniqueness and indexes."""

        verbose_name = _("count of an hour")
        verbose_name_plural = _("counts of an hour")
        constraints = [
            models.UniqueConstraint(fields=["hour", "stream", "app", "outcome", "reason"], name="visibility_hour_kind")
        ]

    def __str__(self) -> str:
        return f"{self.hour} {self.app} {self.outcome} {self.number}"


class IndexedEvent(IndexedLine):
    """One other event: a sign-in, an administrator's action, or something that happened to the log."""

    uid = models.CharField(_("identifier"), max_length=64)
    kind = models.CharField(_("kind"), max_length=16)
    activity = models.CharField(_("activity"), max_length=40)
    success = models.BooleanField(_("succeeded"), default=True)
    actor_kind = models.CharField(_("kind of actor"), max_length=16, default="")
    actor = models.CharField(_("actor's id"), max_length=128, default="")
    actor_label = models.CharField(_("actor"), max_length=320, default="")
    target_kind = models.CharField(_("kind of target"), max_length=32, default="")
    target = models.CharField(_("target's id"), max_length=128, default="")
    target_label = models.CharField(_("target"), max_length=320, default="")
    reason = models.CharField(_("reason"), max_length=255, default="")
    words = models.CharField(_("in words"), max_length=512, default="")

    class Meta:
        """Names, uniqueness and indexes."""

        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [models.UniqueConstraint(fields=["stream", "seq"], name="visibility_event_line")]
        indexes = [
            models.Index(fields=["-at_ms", "-seq"], name="visibility_event_time"),
            models.Index(fields=["kind", "-at_ms"], name="visibility_event_kind"),
            models.Index(fields=["actor", "-at_ms"], name="visibility_event_actor"),
            models.Index(fields=["target", "-at_ms"], name="visibility_event_target"),
        ]

    def __str__(self) -> str:
        return self.words


class SeenBrowser(models.Model):
    """One person with one browser on no device that is enrolled, added up while the record is indexed."""

    id = models.BigAutoField(primary_key=True)
    person = models.CharField(_("person's id"), max_length=128)
    email = models.CharField(_("e-mail address"), max_length=320)
    browser = models.CharField(_("browser"), max_length=64)
    network = models.CharField(_("network"), max_length=64, default="")
    first_ms = models.BigIntegerField(_("first seen, milliseconds since the epoch"))
    last_ms = models.BigIntegerField(_("last seen, milliseconds since the epoch"), db_index=True)
    requests = models.PositiveBigIntegerField(_("requests"), default=0)

    class Meta:
        """Names and uniqueness."""

        verbose_name = _("browser on an unknown device")
        verbose_name_plural = _("browsers on unknown devices")
        constraints = [models.UniqueConstraint(fields=["person", "browser"], name="visibility_seen_browser")]

    def __str__(self) -> str:
        return f"{self.email}: {self.browser}"
