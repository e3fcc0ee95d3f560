"""Campaigns, their items, who answers them, and the letters about them, as stored. Reads live in `queries`, changes in `services`."""

import secrets
from typing import ClassVar

from django.db import models

from ostiary.reviews.domain.campaign import ItemState


def new_campaign_id() -> str:
    """Return an identifier that no campaign has had before; 40 bits, short enough to be typed."""
    return f"c_{secrets.token_hex(5)}"


def new_item_id() -> str:
    """Return an identifier that no item has had before; 80 bits."""
    return f"i_{secrets.token_hex(10)}"


class CampaignRow(models.Model):
    """One campaign. Once it is closed, `report` is what was signed, byte by byte, and `signature` the rest of the JWS."""

    id = models.CharField(primary_key=True, max_length=34, default=new_campaign_id, editable=False)
    name = models.CharField(max_length=200)
    scope = models.CharField(max_length=80)
    quarter = models.CharField(max_length=8, null=True, unique=True)
    started_at = models.DateTimeField(db_index=True)
    started_by = models.CharField(max_length=200)
    deadline_at = models.DateTimeField()
    since = models.DateTimeField()
    rules = models.PositiveIntegerField(default=0)
    reminded_at = models.DateTimeField()
    escalated = models.PositiveSmallIntegerField(default=0)
    escalated_at = models.DateTimeField(null=True)
    seats_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True, db_index=True)
    closed_by = models.CharField(max_length=200, blank=True)
    statement = models.CharField(max_length=500, blank=True)
    report = models.BinaryField(default=bytes)
    signature = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name


class ItemRow(models.Model):
    """One entitlement of one person, or one service. They are named, not pointed at: what was reviewed outlives them."""

    id = models.CharField(primary_key=True, max_length=34, default=new_item_id, editable=False)
    campaign = models.ForeignKey(CampaignRow, on_delete=models.CASCADE, related_name="items")
    person_id = models.CharField(max_length=34, db_index=True)
    email = models.CharField(max_length=254)
    person = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=8)
    name = models.CharField(max_length=63)
    title = models.CharField(max_length=200)
    via = models.CharField(max_length=80, blank=True)
    facts = models.BinaryField()
    suggestion = models.BinaryField()
    suggested = models.CharField(max_length=8, blank=True)
    state = models.CharField(max_length=16, default=ItemState.WAITING.value, db_index=True)
    answer = models.CharField(max_length=8, blank=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.CharField(max_length=200, blank=True)
    comment = models.CharField(max_length=500, blank=True)
    until = models.DateTimeField(null=True)
    narrower = models.CharField(max_length=80, blank=True)
    bulk = models.BooleanField(default=False)
    trouble = models.CharField(max_length=500, blank=True)
    carried_out_at = models.DateTimeField(null=True)
    read_back = models.BinaryField(default=bytes)
    handed_on = models.BinaryField(default=bytes)

    class Meta:
        """How Django stores it."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["campaign", "person_id", "kind", "name", "via"], name="reviews_one_item_an_entitlement"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} {self.kind} {self.name}"


class SeatRow(models.Model):
    """One person who may answer one item, and why."""

    item = models.ForeignKey(ItemRow, on_delete=models.CASCADE, related_name="seats")
    person = models.ForeignKey("identity.Person", on_delete=models.CASCADE, related_name="+")
    seat = models.CharField(max_length=16)
    since = models.DateTimeField()

    class Meta:
        """How Django stores it."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["item", "person"], name="reviews_one_seat_a_person"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} answers {self.item_id}"


class LetterRow(models.Model):
    """One mail that is owed: written down with the step it tells of, sent by the worker, which notes that it was."""

    campaign = models.ForeignKey(CampaignRow, on_delete=models.CASCADE, related_name="letters")
    to = models.ForeignKey("identity.Person", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16)
    number = models.PositiveIntegerField(default=0)
    written_at = models.DateTimeField()
    next_try_at = models.DateTimeField(db_index=True)
    tries = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, db_index=True)

    class Meta:
        """How Django stores it."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["campaign", "to", "kind", "number"], name="reviews_one_letter_of_a_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.to_id}"
