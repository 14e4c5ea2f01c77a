"""Findings, reviews and rectifications."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from changbei.incidents.models import Incident
from changbei.network.models import Product, Site, Vehicle
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
    """A check of a plan in force: how it was found last, since when, and when it is to be run next."""

    check_id = models.CharField(max_length=60, unique=True)
    due_at = models.DateTimeField()
    looked_at = models.DateTimeField(null=True)
    holds = models.BooleanField(null=True)
    since = models.DateTimeField(null=True)  # it has held, or not held, since this look

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="check_due")]


class VehicleCheck(models.Model):
    """A reserve van was looked at (E3.2.6)."""

    vehicle = models.ForeignKey(Vehicle, on_delete=models.CASCADE, related_name="checks")
    on = models.DateField()
    fit = models.BooleanField()
    by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    note = models.CharField(max_length=200, blank=True)


class Backup(models.Model):
    """A backup that was made of a system (E3.1.2), and when it was put into the tape library (E3.1.6)."""

    class Kind(models.TextChoices):
        DAILY_BATCH = "daily_batch"
        FULL = "full"

    system = models.CharField(max_length=60)  # identifier, e.g. marketing-system
    kind = models.CharField(max_length=20, choices=Kind.choices)
    covers = models.JSONField(default=list)  # of `customers`, `sales`
    taken_at = models.DateTimeField()
    stored_at = models.DateTimeField(null=True)  # in the tape library
    medium = models.CharField(max_length=60, blank=True)  # label of the tape
    megabytes = models.PositiveBigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    reported_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["system", "kind", "taken_at"], name="backup_once"),
            models.CheckConstraint(
                condition=Q(stored_at__isnull=True) | Q(stored_at__gte=models.F("taken_at")),
                name="backup_stored_after_taken",
            ),
        ]
        indexes = [models.Index(fields=["system", "taken_at"], name="backup_of_system")]


class RestoreDrill(models.Model):
    """A backup was restored to see that it can be, and how long that takes (E2.3, E3.1.2)."""

    system = models.CharField(max_length=60)
    on = models.DateField()
    backup_taken_at = models.DateTimeField(null=True)
    restore_seconds = models.PositiveIntegerField()
    complete = models.BooleanField()  # everything was there and right
    by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["system", "on"], name="restore_drill_of_system")]


class StandbyPair(models.Model):
    """Two machines in hot standby, and the last test of one taking over from the other (E3.1.7)."""

    code = models.CharField(max_length=60, unique=True)
    name = models.JSONField()
    system = models.CharField(max_length=60)
    first_machine = models.CharField(max_length=60)
    second_machine = models.CharField(max_length=60)
    tested_on = models.DateField(null=True)
    switch_over_seconds = models.PositiveIntegerField(null=True)
    took_over = models.BooleanField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(first_machine=models.F("second_machine")), name="standby_two_machines"
            )
        ]


class Ups(models.Model):
    """A backup power supply: how long it lasted when it was last tested under its load (E3.1.1)."""

    code = models.CharField(max_length=60, unique=True)
    name = models.JSONField()
    room = models.CharField(max_length=60)  # identifier: server-room, order-dept
    runtime_minutes = models.PositiveIntegerField(null=True)
    tested_on = models.DateField(null=True)


class Spare(models.Model):
    """Spare parts of one kind at one site: how many are planned, how many lie there (E3.1.8, E3.1.9, E3.1.12)."""

    kind = models.CharField(
        max_length=60
    )  # identifier: line-socket, voice-board, collector, scanner, handheld, order-pc
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="spares")
    planned = models.PositiveIntegerField()
    present = models.PositiveIntegerField()
    counted_on = models.DateField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "site"], name="spare_once")]


class SpareUse(models.Model):
    """Spares that were taken, for which run, and when they or others came back."""

    spare = models.ForeignKey(Spare, on_delete=models.PROTECT, related_name="uses")
    count = models.PositiveIntegerField()
    used_at = models.DateTimeField()
    used_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    run = models.UUIDField(null=True)
    item = models.CharField(max_length=80, blank=True)
    returned_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "item", "spare"], condition=Q(run__isnull=False), name="spare_use_once"
            )
        ]


class InspectionTarget(models.Model):
    """A key place or equipment that security and its owners look at (E2.8, E3.1.10)."""

    code = models.CharField(max_length=60, unique=True)
    name = models.JSONField()
    kind = models.CharField(
        max_length=40
    )  # server-room, power-room, warehouse, office, vehicle, network-equipment
    site = models.ForeignKey(Site, null=True, on_delete=models.PROTECT, related_name="inspection_targets")
    active = models.BooleanField(default=True)


class Inspection(models.Model):
    """One inspection of the rota: regular, or on a day nobody is told beforehand; open until it is done."""

    target = models.ForeignKey(InspectionTarget, on_delete=models.PROTECT, related_name="inspections")
    planned_on = models.DateField()
    irregular = models.BooleanField(default=False)
    done_on = models.DateField(null=True)
    by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    run = models.UUIDField(null=True)
    note = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["target", "planned_on", "irregular"], name="inspection_once")
        ]
        indexes = [models.Index(fields=["target", "done_on"], name="inspection_done")]


class CustomerFileCopy(models.Model):
    """A customer manager's files, taken out to be used without the network (E3.2.7): personal data on the move.

    Who took them, what for, and until when they may be kept; when they were destroyed.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    manager = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="file_copies")
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=200)
    kept_at = models.CharField(max_length=120)  # where the safe copy lies
    retailers = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    keep_until = models.DateField()
    destroyed_on = models.DateField(null=True)

    class Meta:
        indexes = [models.Index(fields=["manager", "made_at"], name="file_copy_of_manager")]


class ReserveGoods(models.Model):
    """A common product of which a stock is kept for weddings and funerals, city-wide (E3.4.4)."""

    product = models.OneToOneField(Product, on_delete=models.PROTECT, related_name="reserve")
    floor_cartons = models.PositiveIntegerField()


class Review(models.Model):
    """What happened next to what the plan said, frozen when the incident was closed (E2.9)."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, related_name="review")
    content = models.JSONField()
    made_at = models.DateTimeField()
    remarks = models.TextField(blank=True)
    confirmed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    circulated_at = models.DateTimeField(null=True)
    circulation = models.UUIDField(null=True)  # the notice whose receipts say who has read it


class Experience(models.Model):
    """What was learnt, kept to be found again (E2.9)."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    title = models.CharField(max_length=120)
    text = models.TextField()
    clause = models.CharField(max_length=20, blank=True)
    review = models.ForeignKey(Review, null=True, on_delete=models.PROTECT, related_name="experiences")
    kept_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    kept_at = models.DateTimeField()


class Rectification(models.Model):
    """A finding of a review or of an inspection, with an owner and a date; whoever it is with is reminded."""

    review = models.ForeignKey(Review, null=True, on_delete=models.CASCADE, related_name="rectifications")
    inspection = models.ForeignKey(
        Inspection, null=True, on_delete=models.CASCADE, related_name="rectifications"
    )
    text = models.TextField()
    clause = models.CharField(max_length=20)
    owner = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="rectifications")
    due_on = models.DateField()
    done_at = models.DateTimeField(null=True)
    remind_at = models.DateTimeField(null=True)
    reminders = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(review__isnull=False, inspection__isnull=True)
                | Q(review__isnull=True, inspection__isnull=False),
                name="rectification_of_one",
            )
        ]
        indexes = [
            models.Index(fields=["remind_at"], condition=Q(done_at__isnull=True), name="rectification_remind")
        ]


class Simulation(models.Model):
    """An exercise beside the real day in which whoever does not answer is answered for, until it is closed."""

    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, related_name="simulation")
    script = models.JSONField(default=dict)  # what the exercise wants decided, filled in and left unseen
    not_before = models.JSONField(default=dict)  # by task, when one that could not be done is tried again
    due_at = models.DateTimeField(null=True)  # when somebody is answered for next; null: nobody, or over

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="simulation_due")]
