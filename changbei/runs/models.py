"""A run of a procedure and the rows its commands became.

Where a constraint begins with the run, it is what the rows of a run are found by: a further index would only be one
more to write.
"""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from changbei.people.models import Person
from changbei.plans.models import PlanVersion


class Run(models.Model):
    """A procedure being carried out, pinned to a plan version. `state` is what `plans.runtime.step` last
    returned.
    """

    class Status(models.TextChoices):
        RUNNING = "running"
        FINISHED = "finished"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    plan_version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="runs")
    procedure = models.CharField(max_length=60)
    incident = models.UUIDField(null=True)
    number = models.CharField(max_length=20)  # what people say: INC-0042
    title = models.JSONField()
    drill = models.BooleanField(default=False)
    confidential = models.BooleanField(default=False)  # as the procedure says, or the run that called it
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    state = models.JSONField()
    facts = models.PositiveIntegerField(default=0)  # how many have been applied
    scope = models.JSONField(
        default=dict
    )  # where roles are looked up: {"site": code, "unit": code, "kind": family}
    caller = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="called")
    caller_item = models.CharField(max_length=80, blank=True)  # the step that called
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(confidential=True), name="run_confidential")]
        constraints = [
            models.UniqueConstraint(
                fields=["caller", "caller_item"],
                condition=Q(caller__isnull=False),
                name="called_once_per_item",
            )
        ]


class RunFact(models.Model):
    """The facts of a run in the order they were applied; replaying them gives `Run.state` byte for byte."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="applied", db_index=False)
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    fact = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="run_fact_once")]


class RoleHolding(models.Model):
    """Who holds a role of the plan in this run, and why."""

    class Why(models.TextChoices):
        POST = "post"
        DUTY = "duty"
        DEPUTY = "deputy"
        SUBSTITUTE = "substitute"
        ACTING = "acting"
        NAMED = "named"  # the report or a hand-over named this person
        NOBODY = "nobody"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="roles")
    role = models.CharField(max_length=60)
    person = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    why = models.CharField(max_length=12, choices=Why.choices)
    pinned = models.BooleanField(
        default=False
    )  # handed over by a person: not resolved anew until handed back
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "role"], condition=Q(until__isnull=True), name="one_holder_per_role"
            )
        ]


class Task(models.Model):
    """A step that a role has to take. It belongs to the role; `holder` follows the role's holder."""

    class Status(models.TextChoices):
        OPEN = "open"
        ACKNOWLEDGED = "acknowledged"
        DONE = "done"
        CANCELLED = "cancelled"

    class Kind(models.TextChoices):
        DO = "do"
        DECIDE = "decide"
        APPROVE = "approve"
        AWAIT = "await"  # done when a fact arrives

    class HeldAs(models.TextChoices):
        ROLE = "role"  # goes where the role goes
        PLAN = "plan"  # of many, the plan named somebody for this one
        HAND = "hand"  # somebody gave this one task to this person

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="tasks", db_index=False)
    item = models.CharField(max_length=80)  # id of the step in the procedure, or STEP@KEY, one of many
    label = models.CharField(max_length=120, blank=True)  # of one of many: whom or what it is about
    kind = models.CharField(max_length=8, choices=Kind.choices)
    role = models.CharField(max_length=60)
    holder = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="tasks")
    held_as = models.CharField(max_length=4, choices=HeldAs.choices, default=HeldAs.ROLE)
    title = models.JSONField()
    guide = models.JSONField(default=dict)  # how to do it, text
    clause = models.CharField(max_length=20)
    options = models.JSONField(default=list)  # of a decision: [{"id", "title"}]
    evidence = models.JSONField(default=list)  # kinds that must be attached: photo, note
    page = models.CharField(
        max_length=60, blank=True
    )  # where in the product it is done, e.g. "delivery.recovery"
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.OPEN)
    opened_at = models.DateTimeField()
    acknowledge_due_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    result = models.JSONField(default=dict)
    escalations = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "item"], name="task_once_per_item")]
        indexes = [
            models.Index(
                fields=["holder", "due_at"],
                condition=Q(status__in=["open", "acknowledged"]),
                name="task_open",
            ),
        ]


OPEN = (Task.Status.OPEN, Task.Status.ACKNOWLEDGED)  # somebody has to see to it still


class Timer(models.Model):
    """A moment at which the run is to be stepped."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="timers", db_index=False)
    key = models.CharField(max_length=140)
    due_at = models.DateTimeField(null=True)  # null: fired or cancelled
    lease_until = models.DateTimeField(null=True)
    fired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "key"], name="timer_once")]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="timer_due")]


class ActionCall(models.Model):
    """A capability the plan called by name; performed outside any transaction, its result fed back as a
    fact.
    """

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="actions", db_index=False)
    item = models.CharField(max_length=80)
    action = models.CharField(max_length=60)
    params = models.JSONField()
    due_at = models.DateTimeField(null=True)  # null: finished
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    result = models.JSONField(null=True)
    error = models.TextField(blank=True)
    requested_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "item"], name="action_once_per_item")]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="action_due")]


class ScheduledStart(models.Model):
    """When a procedure of a plan in force next begins by itself: one row for each entry of its `schedule:`."""

    pack = models.CharField(max_length=60)
    procedure = models.CharField(max_length=60)
    position = models.PositiveSmallIntegerField()  # in the list of the procedure
    shape = models.CharField(max_length=200)  # the entry in words; another one is computed anew
    seed = models.CharField(max_length=32)  # what irregular dates are drawn from; shown to nobody
    due_at = models.DateTimeField(null=True)  # null: never again
    last_at = models.DateTimeField(null=True)
    last_run = models.ForeignKey(Run, null=True, on_delete=models.PROTECT, related_name="+")
    error = models.TextField(blank=True)  # why the last attempt failed

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pack", "procedure", "position"], name="scheduled_start_once")
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="scheduled_start_due")
        ]


class Evidence(models.Model):
    """What was attached to a task: a note or a file, with the hash taken on receipt."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="attached")
    kind = models.CharField(max_length=12)  # photo, file, note
    note = models.TextField(blank=True)
    file = models.FileField(null=True, upload_to="runs/")
    sha256 = models.CharField(max_length=64)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
