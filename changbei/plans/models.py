"""Versions of plan packs. A run is pinned to the version it started on."""

from __future__ import annotations

from django.db import models


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
