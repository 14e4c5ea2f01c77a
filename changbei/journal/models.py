"""Journal entries, the seals that chain them, and the readers' cursors."""

from __future__ import annotations

from django.db import models
from django.db.models.expressions import RawSQL


class Entry(models.Model):
    """One fact. Rows are only ever added: the database refuses UPDATE, DELETE and TRUNCATE."""

    at = models.DateTimeField()
    kind = models.CharField(max_length=60)  # "room.verb_done", e.g. "incidents.reported"
    actor_id = models.BigIntegerField(null=True)  # people.Person, or null for the engine itself
    actor_label = models.CharField(max_length=80, default="")
    incident = models.UUIDField(null=True)
    run = models.UUIDField(null=True)
    item = models.CharField(max_length=80, default="")  # the step of the procedure
    clause = models.CharField(max_length=20, default="")
    drill = models.BooleanField(default=False)
    data = models.JSONField(default=dict)
    # Set by the database: with (txid, id) below the horizon of running transactions nothing is ever added
    # before.
    txid = models.BigIntegerField(
        db_default=RawSQL("(pg_current_xact_id()::text::bigint)", []), editable=False
    )

    class Meta:
        indexes = [
            models.Index(fields=["txid", "id"]),
            models.Index(
                fields=["incident", "id"], condition=models.Q(incident__isnull=False), name="entry_incident"
            ),
            models.Index(fields=["run", "id"], condition=models.Q(run__isnull=False), name="entry_run"),
            models.Index(fields=["kind", "id"]),
        ]


class Seal(models.Model):
    """A link of the hash chain: SHA-256 over the previous link and all entries in (after, upto]."""

    after_txid = models.BigIntegerField()
    after_id = models.BigIntegerField()
    upto_txid = models.BigIntegerField()
    upto_id = models.BigIntegerField()
    entries = models.IntegerField()
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)
    at = models.DateTimeField()


class Cursor(models.Model):
    """How far a reader of the journal has come."""

    reader = models.CharField(max_length=40, primary_key=True)
    txid = models.BigIntegerField(default=0)
    entry_id = models.BigIntegerField(default=0)


class FailedReaction(models.Model):
    """A reaction that raised: kept, tried again at `due_at`, and shown to people."""

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT)
    reader = models.CharField(max_length=40)
    reaction = models.CharField(max_length=120)
    error = models.TextField()
    attempts = models.IntegerField(default=1)
    due_at = models.DateTimeField(null=True)  # null: given up or done
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["entry", "reader", "reaction"], name="failed_reaction_once")
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(due_at__isnull=False), name="failed_reaction_due"
            )
        ]


class Heartbeat(models.Model):
    """When a process that has to run without pause was last seen at work."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
