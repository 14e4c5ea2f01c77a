"""The emergency supply request (应急货源报批表) and temporary replenishment."""

from __future__ import annotations

import uuid

from django.db import models

from changbei.network.models import Product, Retailer
from changbei.people.models import Person
from changbei.runs.models import Run


class SupplyRequest(models.Model):
    """What a customer needs beside the regular order, and what was decided (E3.4.3, E3.2.5)."""

    class Path(models.TextChoices):
        PLANNED = "planned"  # joins the regular order day
        SPECIAL = "special"  # temporary replenishment
        CONSUMER = "consumer"  # a consumer applied; retail price
        AFTER_SUSPENSION = "after_suspension"  # key customers when service resumes

    class Status(models.TextChoices):
        DRAFT = "draft"
        REFUSED = "refused"
        WAITING = "waiting"  # for approval
        APPROVED = "approved"
        MERGED = "merged"  # into the regular order
        DISPATCHED = "dispatched"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    number = models.CharField(max_length=20, unique=True)  # SUP-0007
    run = models.ForeignKey(Run, null=True, on_delete=models.PROTECT, related_name="supply_requests")
    retailer = models.ForeignKey(Retailer, on_delete=models.PROTECT, related_name="supply_requests")
    path = models.CharField(max_length=20, choices=Path.choices)
    occasion = models.CharField(max_length=40)  # wedding, funeral, meeting …
    needed_on = models.DateField()
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.DRAFT)
    reasons = models.JSONField(default=list)  # why it was refused, texts
    requested_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    deliver_on = models.DateField(null=True)


class SupplyLine(models.Model):
    request = models.ForeignKey(SupplyRequest, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    cartons = models.PositiveIntegerField()
    price_fen = models.PositiveIntegerField()  # per carton: wholesale, or retail for a consumer's request

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request", "product"], name="supply_line_once")]


class SettlementCorrection(models.Model):
    """One settlement that went wrong: what was booked and what is right, until both sides agree (E2.7).

    It names the customer and the order day; account numbers stay with the bank.
    """

    class Wrong(models.TextChoices):
        TWICE = "twice"  # drawn twice
        AMOUNT = "amount"  # drawn with a wrong amount
        ACCOUNT = "account"  # drawn from somebody else's account
        MISSING = "missing"  # not drawn at all

    class Status(models.TextChoices):
        OPEN = "open"
        CORRECTED = "corrected"
        RECONCILED = "reconciled"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="settlement_corrections")
    retailer = models.ForeignKey(Retailer, on_delete=models.PROTECT, related_name="settlement_corrections")
    ordered_on = models.DateField()
    wrong = models.CharField(max_length=8, choices=Wrong.choices)
    booked_fen = models.PositiveBigIntegerField()  # what the bank drew; 0 when it drew nothing
    right_fen = models.PositiveBigIntegerField()
    bank_reference = models.CharField(max_length=40, blank=True)
    note = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    found_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    found_at = models.DateTimeField()
    correction_reference = models.CharField(max_length=40, blank=True)  # the bank's, of the correcting entry
    corrected_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    corrected_at = models.DateTimeField(null=True)
    reconciled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "retailer", "ordered_on", "bank_reference"], name="correction_once"
            )
        ]


class CashSettlement(models.Model):
    """One customer settles one order day in cash, because the weather keeps them from the bank (E3.2.4)."""

    class Status(models.TextChoices):
        ALLOWED = "allowed"
        RECEIVED = "received"
        PAID_IN = "paid_in"  # into the company's account
        NOT_USED = "not_used"  # settled electronically after all, or ordered nothing
        CLOSED = "closed"  # reconciled

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="cash_settlements")
    event = models.CharField(max_length=12)  # number of the weather incident
    retailer = models.ForeignKey(Retailer, on_delete=models.PROTECT, related_name="cash_settlements")
    order_day = models.DateField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ALLOWED)
    allowed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    allowed_at = models.DateTimeField()
    amount_fen = models.PositiveBigIntegerField(null=True)
    receipt = models.CharField(max_length=40, blank=True)
    received_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    received_at = models.DateTimeField(null=True)
    bank_reference = models.CharField(max_length=40, blank=True)  # of the paying-in
    paid_in_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    paid_in_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "retailer", "order_day"], name="cash_once_a_day"),
            models.CheckConstraint(
                condition=~models.Q(status__in=["received", "paid_in"])
                | models.Q(amount_fen__isnull=False, received_at__isnull=False),
                name="cash_received_has_amount",
            ),
        ]


class SupplyWarning(models.Model):
    """Stock, demand and goods under way do not fit: an early warning with what is proposed (E3.5.2a, E3.5.2b)."""

    class Kind(models.TextChoices):
        TOTAL_SHORT = "total_short"
        BRAND_SHORT = "brand_short"
        QUALITY = "quality"
        SLOW = "slow"
        LATE = "late"

    class Proposal(models.TextChoices):
        ASK_PROVINCE = "ask_province"
        ADJUST_TRANSFER = "adjust_transfer"
        CONTACT_FACTORY = "contact_factory"
        ADJUST_PLAN = "adjust_plan"
        PRESS_DELIVERY = "press_delivery"
        SURVEY = "survey"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    subject = models.CharField(max_length=20)  # "all", code of a product, number of a shipment
    product = models.ForeignKey(Product, null=True, on_delete=models.PROTECT, related_name="supply_warnings")
    proposal = models.CharField(max_length=16, choices=Proposal.choices)
    figures = models.JSONField(default=dict)
    found_at = models.DateTimeField()
    over_at = models.DateTimeField(null=True)
    incident = models.UUIDField(null=True)  # the supply anomaly that was reported for it
    set_aside_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    set_aside_at = models.DateTimeField(null=True)
    set_aside_why = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=models.Q(over_at__isnull=True),
                name="supply_warning_once",
            )
        ]
