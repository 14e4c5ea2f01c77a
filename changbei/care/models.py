"""Visits to shops (S2), what was seen there (J2), and the samples that are looked at again (J4)."""

from __future__ import annotations

import uuid

from django.db import models

from changbei.network.models import Retailer
from changbei.people.models import Person, Unit
from changbei.plans.models import PlanVersion


class Sample(models.Model):
    """Visits of a month that were drawn to be looked at again: those whose digests with the seed come first."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="visit_samples")
    month = models.DateField()  # its first day
    seed = models.CharField(max_length=40)
    population = models.JSONField(default=list)  # identifiers of the visits that it was drawn from
    drawn_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    drawn_at = models.DateTimeField()


class Visit(models.Model):
    """One visit to a shop: planned, done or dropped. Nobody planned it where `planned_for` is empty."""

    class Why(models.TextChoices):
        PLAN = "plan"  # its turn, by the table of the plan
        FINDING = "finding"  # to see whether something is mended
        WISH = "wish"  # the customer asked for it
        SPOT_CHECK = "spot_check"  # somebody else looks again

    class Status(models.TextChoices):
        PLANNED = "planned"
        DONE = "done"
        DROPPED = "dropped"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    retailer = models.ForeignKey(Retailer, on_delete=models.PROTECT, related_name="visits")
    manager = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="visits")  # who is to go
    why = models.CharField(max_length=10, choices=Why.choices)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.PLANNED)
    planned_for = models.DateField(null=True)
    first_for = models.DateField(null=True)  # the day before it was moved
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="visits_done")
    version = models.ForeignKey(PlanVersion, null=True, on_delete=models.PROTECT, related_name="+")
    checklist = models.CharField(max_length=60, blank=True)  # of that version
    note = models.CharField(max_length=500, blank=True)
    longitude = models.FloatField(null=True)  # only when the visitor sent it
    latitude = models.FloatField(null=True)
    dropped_at = models.DateTimeField(null=True)
    dropped_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    dropped_why = models.CharField(max_length=200, blank=True)
    of = models.OneToOneField(
        "self", null=True, on_delete=models.CASCADE, related_name="again"
    )  # the visit that a spot check looks at again
    sample = models.ForeignKey(Sample, null=True, on_delete=models.CASCADE, related_name="visits")

    class Meta:
        indexes = [
            models.Index(fields=["manager", "planned_for"]),
            models.Index(fields=["planned_for"]),
            models.Index(fields=["done_at"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["retailer", "planned_for"],
                condition=models.Q(status="planned", why="plan"),
                name="visit_planned_once_a_day",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="done")
                | models.Q(done_at__isnull=False, done_by__isnull=False, version__isnull=False),
                name="visit_done_says_by_whom",
            ),
            models.CheckConstraint(
                condition=models.Q(status="done") | models.Q(planned_for__isnull=False),
                name="visit_ahead_has_a_day",
            ),
        ]


class Answer(models.Model):
    """What was seen: the answer to one item of the checklist. `matter` is the number of what a finding began."""

    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="answers")
    item = models.CharField(max_length=60)
    value = models.JSONField()
    finding = models.BooleanField()
    matter = models.CharField(max_length=12, blank=True)
    incident = models.UUIDField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["visit", "item"], name="answer_once")]


class Photo(models.Model):
    """A picture of the shop, with the hash taken on receipt; deleted when the plan says so."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="photos")
    file = models.FileField(upload_to="care/")
    sha256 = models.CharField(max_length=64)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["at"])]
