"""Incidents and what belongs to them."""

from __future__ import annotations

import uuid

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from changbei.network.models import Line, Retailer, Site
from changbei.people.models import Person
from changbei.runs.models import Run


class Level(models.TextChoices):
    MAJOR = "MAJOR"
    LOCAL = "LOCAL"
    DEMAND = "DEMAND"
    SERVICE = "SERVICE"  # an everyday matter: nobody commands, and it never becomes another level


class Incident(models.Model):
    """One event and its handling; `number` is what people say on the phone."""

    class Status(models.TextChoices):
        OPEN = "open"
        RESTORED = "restored"  # service is back, papers are left
        CLOSED = "closed"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    number = models.CharField(max_length=12, unique=True)  # INC-0042
    kind = models.CharField(max_length=60)  # id of the procedure
    family = models.CharField(max_length=20)  # network, vehicle, weather, demand, service …
    title = models.JSONField()
    level = models.CharField(max_length=8, choices=Level.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    run = models.OneToOneField(Run, null=True, on_delete=models.PROTECT, related_name="of_incident")
    drill = models.BooleanField(default=False)
    place = models.CharField(max_length=160, blank=True)
    longitude = models.FloatField(null=True)
    latitude = models.FloatField(null=True)
    area = models.JSONField(null=True)  # GeoJSON geometry
    affected_retailers = models.PositiveIntegerField(default=0)
    same_key = models.CharField(max_length=200)  # what makes a second report the same incident
    reported_at = models.DateTimeField()
    restored_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["same_key"], condition=~Q(status="closed"), name="incident_same")]
        constraints = [
            models.UniqueConstraint(
                fields=["same_key"], condition=~Q(status="closed"), name="one_open_incident_per_cause"
            )
        ]


class Report(models.Model):
    """One report, in the words it came in; the first makes the incident, others join it."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="reports")
    source = models.CharField(max_length=10)  # web, cli, api, warning, visit
    reporter = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="reports")
    data = models.JSONField()
    joined = models.BooleanField()
    at = models.DateTimeField()


class CommandPost(models.Model):
    """Set up at once for a MAJOR incident (E2.1b)."""

    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, related_name="command_post")
    commander = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    deputy_commander = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    acting = models.BooleanField(default=False)
    set_up_at = models.DateTimeField()
    stood_down_at = models.DateTimeField(null=True)


class Authorisation(models.Model):
    """Both leaders away: one of them authorises an acting commander (E2.1c). Acting starts at once."""

    command_post = models.ForeignKey(CommandPost, on_delete=models.PROTECT, related_name="authorisations")
    acting_commander = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    post = models.CharField(max_length=60)  # the department head's post, chosen by the kind of event
    asked_of = models.JSONField(default=list)  # staff numbers of the leaders who were asked
    requested_at = models.DateTimeField()
    granted_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    granted_at = models.DateTimeField(null=True)


class WarningSource(models.Model):
    """Where warnings come from: an address that is polled, a folder that is emptied, or somebody who pushes."""

    class Kind(models.TextChoices):
        URL = "url"
        FOLDER = "folder"
        PUSH = "push"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    place = models.CharField(max_length=500, blank=True)  # the address or the folder
    person = models.ForeignKey(
        Person, null=True, on_delete=models.PROTECT, related_name="+"
    )  # whose key pushes
    language = models.CharField(max_length=10, default="zh-Hans")  # in which headlines are kept
    strict = models.BooleanField(default=False)
    interval_seconds = models.PositiveIntegerField(default=60)
    silent_after_seconds = models.PositiveIntegerField(default=3600)  # unheard of for longer: a finding
    enabled = models.BooleanField(default=True)
    added_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True)  # the last success
    failures = models.PositiveIntegerField(default=0)  # in a row
    trouble = models.CharField(max_length=300, blank=True)
    etag = models.CharField(max_length=200, blank=True)
    modified = models.CharField(max_length=100, blank=True)  # Last-Modified, as it was given
    seen = models.JSONField(default=list)  # entries of the feed that were fetched already

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=Q(enabled=True), name="warning_source_due")]


class Warning(models.Model):
    """A weather warning as received (CAP 1.2), whatever became of it; the file is kept."""

    class Verdict(models.TextChoices):
        ACCEPTED = "accepted"
        ACCEPTED_WITH_WARNINGS = "accepted-with-warnings"
        REFUSED = "refused"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    sender = models.CharField(max_length=200, blank=True)
    identifier = models.CharField(max_length=200, blank=True)
    sent = models.DateTimeField(null=True)
    status = models.CharField(max_length=12, blank=True)  # Actual, Exercise, Test …
    msg_type = models.CharField(max_length=12, blank=True)
    event = models.CharField(max_length=200, blank=True)
    headline = models.CharField(max_length=300, blank=True)
    severity = models.CharField(max_length=12, blank=True)
    colour = models.CharField(max_length=8, blank=True)  # blue, yellow, orange, red; never guessed
    area = models.JSONField(null=True)  # GeoJSON geometry
    effective_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    expired_at = models.DateTimeField(null=True)  # when it was found to have run out, or came to end others
    received_at = models.DateTimeField()
    verdict = models.CharField(max_length=24, choices=Verdict.choices)
    reasons = models.JSONField(default=list)  # [{"element", "line", "message"}]
    raw = models.BinaryField()
    digest = models.CharField(max_length=64, blank=True)  # SHA-256 of the file
    source = models.CharField(max_length=160, blank=True)
    origin = models.ForeignKey(WarningSource, null=True, on_delete=models.SET_NULL, related_name="warnings")
    references = models.JSONField(default=list)  # [{"sender", "identifier", "sent"}]
    texts = models.JSONField(
        default=list
    )  # [{"language", "event", "headline", "description", "instruction"}]
    incident = models.ForeignKey(Incident, null=True, on_delete=models.PROTECT, related_name="warnings")
    replaced_by = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="replaces")

    class Meta:
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=Q(expired_at__isnull=True, incident__isnull=False),
                name="warning_to_expire",
            ),
            models.Index(fields=["digest"], condition=Q(verdict="refused"), name="warning_refused_file"),
            GinIndex(fields=["references"], opclasses=["jsonb_path_ops"], name="warning_references"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["sender", "identifier", "sent"], condition=~Q(verdict="refused"), name="warning_once"
            )
        ]


class Suspension(models.Model):
    """Service to an area is suspended from–until; each customer concerned is told (E3.2.1, E3.2.2)."""

    class Scope(models.TextChoices):
        WHOLE = "whole"
        PARTIAL = "partial"

    class Goods(models.TextChoices):
        HOLD = "hold"  # what is sorted stays at the site and goes out on resumption
        MERGE = "merge"  # today's deliveries are put into those of the next delivery day

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="suspensions")
    scope = models.CharField(max_length=8, choices=Scope.choices)
    area = models.JSONField()  # GeoJSON Polygon or MultiPolygon
    reason = models.CharField(max_length=200)
    goods = models.CharField(max_length=8, choices=Goods.choices, default=Goods.HOLD)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()  # when it is to be looked at again: no suspension without an end
    decided_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    resumed_at = models.DateTimeField(null=True)
    resumed_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    notice = models.UUIDField(null=True)  # notify.Notice
    call_list = models.UUIDField(null=True)  # notify.CallList

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("starts_at")), name="suspension_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(resumed_at__isnull=True) | Q(resumed_at__gte=models.F("decided_at")),
                name="suspension_resumed_after_decision",
            ),
        ]


class SuspendedRetailer(models.Model):
    """A customer of a suspended area, frozen when it was decided."""

    suspension = models.ForeignKey(Suspension, on_delete=models.CASCADE, related_name="retailers")
    retailer = models.ForeignKey(Retailer, on_delete=models.PROTECT, related_name="suspensions")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["suspension", "retailer"], name="suspended_once")]


class Bulletin(models.Model):
    """One decision told to the public: a page of its own, an entry of the feed, a CAP message (E3.2.1).

    The bulletins of a suspension are a chain: the first announces it, later ones change it, the last lifts it.
    """

    class Kind(models.TextChoices):
        SUSPENDED = "suspended"
        CHANGED = "changed"
        RESUMED = "resumed"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    suspension = models.ForeignKey(Suspension, on_delete=models.PROTECT, related_name="bulletins")
    number = models.PositiveSmallIntegerField()  # within the suspension, from 1
    kind = models.CharField(max_length=10, choices=Kind.choices)
    title = models.JSONField()  # text
    body = models.JSONField()  # text
    area_name = models.JSONField()  # text
    area = models.JSONField()  # GeoJSON geometry
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    published_at = models.DateTimeField()
    drill = models.BooleanField(default=False)  # never shown to the public

    class Meta:
        constraints = [models.UniqueConstraint(fields=["suspension", "number"], name="bulletin_number_once")]
        indexes = [
            models.Index(fields=["-published_at"], condition=Q(drill=False), name="bulletin_public"),
        ]


class PublicNotice(models.Model):
    """Words for the public by TV, radio and mobile (E3.2.1), ready to be read out."""

    bulletin = models.ForeignKey(Bulletin, null=True, on_delete=models.PROTECT, related_name="texts")
    suspension = models.ForeignKey(Suspension, on_delete=models.PROTECT, related_name="public_notices")
    medium = models.CharField(max_length=8)  # tv, radio, mobile
    text = models.JSONField()
    at = models.DateTimeField()


class LineMeasure(models.Model):
    """What becomes of one line on one day of bad weather: go, or which no-go (E2.6, E3.2.1, E3.2.2)."""

    class Measure(models.TextChoices):
        GO = "go"
        LATER = "later"  # departs later
        SMALLER = "smaller"  # smaller vans drive it
        MERGE = "merge"  # together with the goods of the next delivery day
        HOLD = "hold"  # the sorted goods stay at the site

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="line_measures")
    line = models.ForeignKey(
        Line, null=True, on_delete=models.PROTECT, related_name="+"
    )  # null: a reserve van's
    tour = models.UUIDField()  # delivery.Tour
    on = models.DateField()
    measure = models.CharField(max_length=8, choices=Measure.choices)
    minutes = models.PositiveIntegerField(default=0)  # later by
    vehicles = models.JSONField(default=list)  # numbers of the vans that drive it
    next_on = models.DateField(null=True)  # the day it was merged into
    stops = models.PositiveIntegerField()
    review_at = models.DateTimeField(null=True)  # when a line on hold is looked at again
    decided_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)  # a later measure took its place, or the line was released

    class Meta:
        indexes = [models.Index(fields=["incident", "on"])]
        constraints = [
            models.CheckConstraint(
                condition=~Q(measure="hold") | Q(review_at__isnull=False), name="hold_is_reviewed"
            ),
            models.UniqueConstraint(
                fields=["tour"], condition=Q(ended_at__isnull=True), name="one_measure_per_tour"
            ),
        ]


class LineMeasureRetailer(models.Model):
    """A customer whose delivery a measure concerns, frozen when it was decided; each is told."""

    measure = models.ForeignKey(LineMeasure, on_delete=models.CASCADE, related_name="retailers")
    retailer = models.ForeignKey(Retailer, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["measure", "retailer"], name="measured_once")]


class Forecast(models.Model):
    """The three-day forecast as it was looked up on a morning (E3.2.9). The newest of a day counts."""

    class Source(models.TextChoices):
        API = "api"
        FILE = "file"
        HAND = "hand"

    class Severity(models.TextChoices):
        CALM = "calm"
        WATCH = "watch"
        SEVERE = "severe"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    on = models.DateField()  # the first of its days
    days = (
        models.JSONField()
    )  # [{date, weather, text, low_celsius, …, severity, prepare: [{department, text}]}]
    severity = models.CharField(max_length=8, choices=Severity.choices)  # of the worst day
    source = models.CharField(max_length=8, choices=Source.choices)
    name = models.CharField(max_length=160)  # where it came from, in words
    fetched_at = models.DateTimeField()
    kept_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    run = models.ForeignKey(Run, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["on", "fetched_at"])]


class SystemOutage(models.Model):
    """A system of the sales network stands still; what is done meanwhile."""

    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, related_name="outage")
    system = models.CharField(max_length=40)  # ordering-system …
    site = models.ForeignKey(Site, null=True, on_delete=models.PROTECT, related_name="+")
    stops_work = models.BooleanField()
    since = models.DateTimeField()
    fallback = models.CharField(max_length=40, blank=True)  # standby, spare-pc, phone
    back_at = models.DateTimeField(null=True)
