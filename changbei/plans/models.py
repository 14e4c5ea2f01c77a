"""Versions of plan packs. A run is pinned to the version it started on."""

from __future__ import annotations

import uuid

from django.db import models

from changbei.people.models import Person


class WithoutFiles(models.Manager["PlanVersion"]):
    """Leaves the files in the database until asked for: most readers know the pack by its digest."""

    def get_queryset(self) -> models.QuerySet[PlanVersion]:
        return super().get_queryset().defer("files")


class PlanVersion(models.Model):
    """One version of a pack with all its files; never changed once a run uses it."""

    pack = models.CharField(max_length=60)  # plan.yaml id
    version = models.CharField(max_length=20)
    digest = models.CharField(max_length=64)  # SHA-256 over the files
    files = models.JSONField()  # relative path -> text
    effective_on = models.DateField()
    adopted_at = models.DateTimeField()
    adopted_by = models.CharField(max_length=80)
    in_force = models.BooleanField(default=False)

    objects = WithoutFiles()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pack", "digest"], name="plan_version_once"),
            models.UniqueConstraint(
                fields=["pack"], condition=models.Q(in_force=True), name="one_version_in_force"
            ),
        ]


class PlanDraft(models.Model):
    """A version of a pack that is not one yet: edited, then looked at and signed by the leading group (E2.2, E4).

    What is signed is the digest of the files: whoever changes a file after that has another draft to be signed.
    """

    class State(models.TextChoices):
        EDITED = "edited"
        REVIEW = "review"
        ADOPTED = "adopted"
        WITHDRAWN = "withdrawn"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    pack = models.CharField(max_length=60)
    base = models.ForeignKey(PlanVersion, null=True, on_delete=models.PROTECT, related_name="+")
    files = models.JSONField()
    digest = models.CharField(max_length=64)
    revision = models.PositiveIntegerField(
        default=1
    )  # counts the changes; a change names the one it was made on
    state = models.CharField(max_length=10, choices=State.choices, default=State.EDITED)
    reason = models.TextField(blank=True)  # why the plan is changed
    effective_on = models.DateField(null=True)
    begun_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    begun_at = models.DateTimeField()
    submitted_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    submitted_at = models.DateTimeField(null=True)
    adopted = models.OneToOneField(PlanVersion, null=True, on_delete=models.PROTECT, related_name="draft")


class Signature(models.Model):
    """A member of the leading group has signed, or refused, the files with this digest. Never changed."""

    draft = models.ForeignKey(PlanDraft, on_delete=models.PROTECT, related_name="signatures")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    post = models.CharField(max_length=60)  # kind of the post held when signing
    digest = models.CharField(max_length=64)
    signed = models.BooleanField()  # false: refused
    words = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["draft", "digest", "person"], name="plan_signature_once")
        ]


class PlanReview(models.Model):
    """The plan has to be looked at again, by somebody, by a date: its period is over, a drill or an event says so."""

    class Reason(models.TextChoices):
        PERIOD = "period"
        DRILL = "drill"
        EVENT = "event"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    version = models.ForeignKey(PlanVersion, on_delete=models.PROTECT, related_name="reviews")
    reason = models.CharField(max_length=10, choices=Reason.choices)
    source = models.UUIDField(null=True)  # the incident or drill that says so
    number = models.CharField(max_length=20, blank=True)  # its number
    owner = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    due_on = models.DateField()
    made_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    outcome = models.TextField(blank=True)
    draft = models.ForeignKey(PlanDraft, null=True, on_delete=models.PROTECT, related_name="reviews")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "reason", "source"],
                nulls_distinct=False,
                condition=models.Q(done_at__isnull=True),
                name="plan_review_once",
            )
        ]
