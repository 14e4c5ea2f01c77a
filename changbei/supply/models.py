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
