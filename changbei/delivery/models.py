"""A delivery day: tours with stops, breakdowns, and the ways offered to recover."""

from __future__ import annotations

import uuid

from django.db import models

from changbei.network.models import Line, Retailer, Site, Vehicle
from changbei.people.models import Person
from changbei.runs.models import Run


class DeliveryDay(models.Model):
    """One day of deliveries. `version` grows with every change: what was computed on an older one is stale."""

    date = models.DateField(unique=True)
    version = models.PositiveIntegerField(default=1)


class Tour(models.Model):
    """One van's drive on one day."""

    class Status(models.TextChoices):
        PLANNED = "planned"
        DRIVING = "driving"
        BROKEN_DOWN = "broken_down"
        FINISHED = "finished"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    day = models.ForeignKey(DeliveryDay, on_delete=models.PROTECT, related_name="tours")
    line = models.ForeignKey(
        Line, null=True, on_delete=models.PROTECT, related_name="tours"
    )  # null: a reserve van's
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="tours")
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, related_name="tours")
    driver = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="tours")
    departs_at = models.DateTimeField()
    shift_ends_at = models.DateTimeField()
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PLANNED)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "vehicle"], name="one_tour_per_vehicle_and_day")
        ]


class Stop(models.Model):
    """One customer's goods on one tour. `handover` stops are calls at a broken van to take goods over."""

    class Status(models.TextChoices):
        PLANNED = "planned"
        DELIVERED = "delivered"
        REFUSED = "refused"
        ABSENT = "absent"
        POSTPONED = "postponed"  # not today: next delivery day
        HELD = "held"  # service suspended
        CANCELLED = "cancelled"  # the customer does not want it any more

    WAITING = (Status.PLANNED, Status.HELD)  # still to be driven

    tour = models.ForeignKey(
        Tour, null=True, on_delete=models.PROTECT, related_name="stops"
    )  # null: unserved
    day = models.ForeignKey(DeliveryDay, on_delete=models.PROTECT, related_name="stops")
    retailer = models.ForeignKey(Retailer, on_delete=models.PROTECT, related_name="stops")
    sequence = models.PositiveIntegerField()
    cartons = models.PositiveIntegerField()
    order_fen = models.PositiveBigIntegerField(default=0)
    service_seconds = models.PositiveIntegerField()
    window_start = models.DateTimeField(null=True)
    window_end = models.DateTimeField(null=True)
    planned_at = models.DateTimeField()  # arrival as planned in the morning
    expected_at = models.DateTimeField(null=True)  # arrival as expected now
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PLANNED)
    reason = models.CharField(max_length=20, blank=True, default="")  # of refused and absent: `rules.REASONS`
    done_at = models.DateTimeField(null=True)
    goods_at = models.ForeignKey("Breakdown", null=True, on_delete=models.PROTECT, related_name="stranded")
    goods_site = models.ForeignKey(
        Site, null=True, on_delete=models.PROTECT, related_name="+"
    )  # the goods are still there and have to be fetched, not before `goods_ready_at`
    goods_ready_at = models.DateTimeField(null=True)
    aboard = models.ForeignKey(
        Tour, null=True, on_delete=models.PROTECT, related_name="not_served"
    )  # nobody drives there, but the goods are on this tour's van
    urgent = models.BooleanField(default=False)  # ordered during the day, beside what the line brings
    moved_to = models.DateField(null=True)  # postponed to this day
    moved_into = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="moved_from"
    )  # the stop of that day that brings it

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "retailer", "urgent"], name="one_stop_per_customer_and_day"
            )
        ]
        indexes = [
            models.Index(fields=["tour", "sequence"]),
            models.Index(
                fields=["moved_to"], condition=models.Q(moved_to__isnull=False), name="stop_moved_to"
            ),
        ]

    @property
    def is_left_at_its_site(self) -> bool:
        """Whether no van was ever given the goods."""
        return {self.tour_id, self.goods_at_id, self.goods_site_id, self.aboard_id} == {None}


class Handover(models.Model):
    """A tour calls at a broken van, or at a site, to take goods over, before its stop `before_sequence`."""

    tour = models.ForeignKey(Tour, on_delete=models.CASCADE, related_name="handovers")
    breakdown = models.ForeignKey("Breakdown", null=True, on_delete=models.PROTECT, related_name="handovers")
    site = models.ForeignKey(Site, null=True, on_delete=models.PROTECT, related_name="+")
    before_sequence = models.PositiveIntegerField()
    cartons = models.PositiveIntegerField()
    expected_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(breakdown__isnull=False) ^ models.Q(site__isnull=False),
                name="handover_at_one_place",
            )
        ]

    @property
    def spot(self) -> Breakdown | Site:
        """Where the goods wait: at the broken van, or at a site when they never left it."""
        if self.breakdown is not None:
            return self.breakdown if self.breakdown.goods_aboard else self.breakdown.tour.site
        assert self.site is not None
        return self.site

    def waiting(self) -> models.QuerySet[Stop]:
        """The tour's open stops whose goods it takes over here."""
        place = {"goods_at": self.breakdown_id} if self.breakdown_id else {"goods_site": self.site_id}
        return Stop.objects.filter(tour=self.tour_id, status=Stop.Status.PLANNED, **place)

    @property
    def source(self) -> str:
        """What it is called in addresses: the broken van's number, else the site's code."""
        if self.breakdown is not None:
            return self.breakdown.tour.vehicle.number
        return self.site.code if self.site else ""


class Breakdown(models.Model):
    """A van that cannot go on, and where it stands."""

    tour = models.ForeignKey(Tour, on_delete=models.PROTECT, related_name="breakdowns")
    run = models.ForeignKey(Run, null=True, on_delete=models.PROTECT, related_name="breakdowns")
    at = models.DateTimeField()
    longitude = models.FloatField()
    latitude = models.FloatField()
    place = models.CharField(max_length=160)
    goods_aboard = models.BooleanField()
    injured = models.BooleanField()
    cause = models.CharField(max_length=20, default="fault")  # fault, accident, driver (the van is sound)
    resumed_at = models.DateTimeField(null=True)  # from when somebody else drives this very van on
    relieved = models.ForeignKey(
        Person, null=True, on_delete=models.PROTECT, related_name="+"
    )  # who drove it until then


class RecoveryCase(models.Model):
    """The question "who drives what now?" on a snapshot of the day, and its answers.

    Without a breakdown it is about the day as it is: closed roads, orders that came late, vans that left late.
    """

    class Status(models.TextChoices):
        OFFERED = "offered"
        ACCEPTED = "accepted"
        STALE = "stale"  # the day changed before one was accepted
        UNDONE = "undone"  # accepted, and taken back before anybody had driven on it

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    run = models.ForeignKey(Run, null=True, on_delete=models.PROTECT, related_name="recoveries")
    day = models.ForeignKey(DeliveryDay, on_delete=models.PROTECT, related_name="recoveries")
    breakdown = models.ForeignKey(Breakdown, null=True, on_delete=models.PROTECT, related_name="recoveries")
    others = models.ManyToManyField(
        Breakdown, related_name="shared_recoveries"
    )  # waiting, and decided on too
    causes = models.JSONField(default=list)  # what disturbs the day: see `delivery.disrupting`
    day_version = models.PositiveIntegerField()
    computed_at = models.DateTimeField()
    computing_seconds = models.FloatField()
    stops_stranded = models.PositiveIntegerField()
    stops_considered = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OFFERED)
    accepted_version = models.PositiveIntegerField(null=True)  # the day's, right after accepting
    before = models.JSONField(null=True)  # what accepting changed, as it was: see `delivery.undoing`
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")


class RecoveryOption(models.Model):
    """One way to recover, with what it costs."""

    case = models.ForeignKey(RecoveryCase, on_delete=models.CASCADE, related_name="options")
    kind = models.CharField(max_length=20)  # site_reserve, nearest_reserve, neighbours, mixed
    rank = models.PositiveSmallIntegerField()  # 1 is proposed
    extra_minutes = models.FloatField()
    stops_moved = models.PositiveIntegerField()
    vans_touched = models.PositiveIntegerField()
    arrivals_shifted = models.PositiveIntegerField()  # by more than 15 minutes
    arrivals_shifted_aboard = models.PositiveIntegerField(default=0)  # of these, whose van drives on
    unserved = models.PositiveIntegerField()
    unserved_weight = models.PositiveIntegerField(
        default=0
    )  # vulnerable customers count 3, key ones 2, others 1
    overtime_minutes = models.FloatField(default=0)  # of the van that comes back latest after its shift
    waiting_minutes = models.FloatField(default=0)  # of all vans, at customers who cannot be served yet
    longest_wait_minutes = models.FloatField(default=0)  # of one van at one customer
    titles = models.JSONField(default=list)  # in what it is the best: `rules.TITLES`
    last_delivery_at = models.DateTimeField(null=True)  # of a stranded customer
    plan = models.JSONField()  # see delivery.rules: tours, handovers, arrivals
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")


class RepairOrder(models.Model):
    """A broken van is sent to repair (E3.3.1)."""

    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, related_name="repairs")
    breakdown = models.ForeignKey(Breakdown, null=True, on_delete=models.PROTECT, related_name="repairs")
    ordered_at = models.DateTimeField()
    ordered_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    finished_at = models.DateTimeField(null=True)


class TransportPapers(models.Model):
    """Goods drive in another van than their papers name, or a van on another site's line: write the papers anew.

    `tour`: another van drives the whole tour; otherwise the van fetches the goods. `case`: the recovery that wants it.
    """

    day = models.ForeignKey(DeliveryDay, on_delete=models.PROTECT, related_name="papers")
    case = models.ForeignKey(RecoveryCase, null=True, on_delete=models.PROTECT, related_name="papers")
    tour = models.ForeignKey(Tour, null=True, on_delete=models.CASCADE, related_name="papers")
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, related_name="papers")
    from_vehicle = models.ForeignKey(Vehicle, null=True, on_delete=models.PROTECT, related_name="+")
    stops = models.PositiveIntegerField()
    cartons = models.PositiveIntegerField()
    borrowed = models.BooleanField()  # a reserve van of another site
    written_at = models.DateTimeField(null=True)
    written_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)  # they are no longer needed


class DriverAction(models.Model):
    """What a driver said with the phone, once, however often and in whatever order it arrives.

    `uuid` is made by the phone. `phone_at` is what the phone's clock said, `at` the same moment on ours.
    """

    class Outcome(models.TextChoices):
        TAKEN = "taken"
        OVERTAKEN = "overtaken"  # the driver said something else about the same stop later
        REFUSED = "refused"  # could not be done any more: `words`

    uuid = models.UUIDField(unique=True)
    tour = models.ForeignKey(Tour, on_delete=models.CASCADE, related_name="actions")
    driver = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12)  # delivered, refused, absent, taken_over, returned, breakdown
    stop = models.ForeignKey(Stop, null=True, on_delete=models.PROTECT, related_name="actions")
    reason = models.CharField(max_length=20, blank=True, default="")
    phone_at = models.DateTimeField()
    at = models.DateTimeField()
    received_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    words = models.CharField(max_length=200, blank=True, default="")


class Position(models.Model):
    """Where a driver's phone last said it is, with the driver's consent; one per tour, deleted after the shift."""

    tour = models.OneToOneField(Tour, on_delete=models.CASCADE, related_name="position")
    longitude = models.FloatField()
    latitude = models.FloatField()
    accuracy_metres = models.PositiveIntegerField()
    at = models.DateTimeField()
    received_at = models.DateTimeField()


class Closure(models.Model):
    """A road or an area that nobody drives into until a time; customers inside are served after it."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    day = models.ForeignKey(DeliveryDay, on_delete=models.PROTECT, related_name="closures")
    run = models.ForeignKey(Run, null=True, on_delete=models.PROTECT, related_name="closures")
    area = models.JSONField()  # GeoJSON Polygon or MultiPolygon, WGS-84
    reason = models.CharField(max_length=160)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)  # null: for the rest of the day
    lifted_at = models.DateTimeField(null=True)


class Loan(models.Model):
    """A site's reserve van stands at another site for a day (E3.3.2)."""

    day = models.ForeignKey(DeliveryDay, on_delete=models.PROTECT, related_name="loans")
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, related_name="loans")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")  # where it stands meanwhile
    ready_at = models.DateTimeField()  # when it can leave from there
    lent_at = models.DateTimeField()
    returned_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "vehicle"],
                condition=models.Q(returned_at__isnull=True),
                name="lent_to_one_site_at_a_time",
            )
        ]


class SortingList(models.Model):
    """The sequence of cartons as a sorting system was given it, so that it can ask what has changed since."""

    day = models.ForeignKey(DeliveryDay, on_delete=models.CASCADE, related_name="sorting_lists")
    version = models.PositiveIntegerField()
    rows = models.JSONField()  # see `delivery.sorting`
    given_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["day", "version"], name="one_sorting_list_per_version")
        ]


class LineQuestion(models.Model):
    """The lines of one city's day, to be planned by whichever worker comes first. The answer depends on the question
    only: planned twice, after a worker was lost, it is the same."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        ANSWERED = "answered"
        ACCEPTED = "accepted"
        KEPT = "kept"  # the lines so far are driven instead
        FAILED = "failed"

    class Weight(models.TextChoices):
        USUAL = "usual"
        EVEN = "even"
        COMPACT = "compact"
        FAMILIAR = "familiar"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    city = models.CharField(max_length=40, blank=True, default="")  # empty: this installation's own
    date = models.DateField()
    day = models.ForeignKey(DeliveryDay, null=True, on_delete=models.CASCADE, related_name="line_questions")
    day_version = models.PositiveIntegerField(default=0)
    site = models.ForeignKey(Site, null=True, on_delete=models.PROTECT, related_name="+")  # null: all sites
    weight = models.CharField(max_length=10, choices=Weight.choices, default=Weight.USUAL)
    digest = models.CharField(max_length=64)
    question = models.BinaryField()  # see `delivery.lines.questions`
    rounds = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    asked_at = models.DateTimeField()
    claim = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    answer = models.JSONField(null=True)
    answered_at = models.DateTimeField(null=True)
    trouble = models.CharField(max_length=200, blank=True, default="")
    decided_at = models.DateTimeField(null=True)  # accepted or kept
    decided_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    before = models.JSONField(null=True)  # accepted: tour, sequence and times of each stop, as they were

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["city", "date", "digest"], name="one_line_question_per_content")
        ]
        indexes = [
            models.Index(
                fields=["asked_at"], condition=models.Q(status="waiting"), name="line_question_waiting"
            )
        ]


class LineEvening(models.Model):
    """Whether a site's lines are thought over every evening, when, and for which day. No row: nobody has said so."""

    site = models.OneToOneField(Site, on_delete=models.CASCADE, related_name="line_evening")
    on = models.BooleanField(default=True)
    at = models.TimeField()
    days_ahead = models.PositiveSmallIntegerField(default=1)  # delivery days: 1 is the next one
    due_at = models.DateTimeField(null=True)  # null: off
    trouble = models.CharField(max_length=200, blank=True, default="")  # of the last evening

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="line_evening_due")
        ]
