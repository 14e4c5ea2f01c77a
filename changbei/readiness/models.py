"""Findings, reviews and rectifications."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from changbei.incidents.models import Incident
from changbei.network.models import Vehicle
from changbei.people.models import Person


class Finding(models.Model):
    """A check that does not hold; closed when it holds again."""

    check_id = models.CharField(max_length=60)
    clause = models.CharField(max_length=20)
    subject = models.CharField(max_length=120)
    text = models.JSONField()
    found_at = models.DateTimeField()
    mended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["check_id", "subject"], condition=Q(mended_at__isnull=True), name="finding_once"
            )
        ]


class CheckDue(models.Model):
    """When a check of a plan in force is to be run next; the plan says how often."""

    check_id = models.CharField(max_length=60, unique=True)
    due_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="check_due")]


class VehicleCheck(models.Model):
    """A reserve van was looked at (E3.2.6)."""

    vehicle = models.ForeignKey(Vehicle, on_delete=models.CASCADE, related_name="checks")
    on = models.DateField()
    fit = models.BooleanField()
    by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    note = models.CharField(max_length=200, blank=True)


class Review(models.Model):
    """What happened next to what the plan said, frozen when the incident was closed (E2.9)."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, related_name="review")
    content = models.JSONField()
    made_at = models.DateTimeField()
    remarks = models.TextField(blank=True)
    confirmed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True)


class Rectification(models.Model):
    """A finding of a review with an owner and a date."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="rectifications")
    text = models.TextField()
    clause = models.CharField(max_length=20)
    owner = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="rectifications")
    due_on = models.DateField()
    done_at = models.DateTimeField(null=True)
