"""The registers of a generated city brought to the present day, with the gaps that a real house has."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.db import transaction

from changbei.core import clock, workdays
from changbei.core.clock import LOCAL
from changbei.journal import services as journal
from changbei.journal.models import Entry
from changbei.network.models import Vehicle
from changbei.people.models import Person
from changbei.readiness import services
from changbei.readiness.models import Backup, CustomerFileCopy, Spare, Ups, VehicleCheck

LIVED_IN = "readiness.demo_lived_in"
MOST_DAYS = 60


@transaction.atomic
def live_in() -> None:
    """From the city's first day to this morning: backups and vans as every day, and three things left undone.

    The gaps: the only voice board is in use, one customer manager's copy is too old, and the order department's
    backup power no longer lasts five hours. Done once.
    """
    if Entry.objects.filter(kind=LIVED_IN).exists():
        return
    today = clock.today()
    _back_up(today)
    _look_at_vans(today)
    _leave_undone()
    services.plan_rota()
    journal.append(LIVED_IN, actor=None, data={"until": today.isoformat()})


def _days_since(first: date, until: date) -> list[date]:
    count = min((until - first).days, MOST_DAYS)
    return [until - timedelta(days=ago) for ago in range(count, 0, -1)]


def _back_up(today: date) -> None:
    """The daily batch of the days gone by, each on tape the same evening."""
    newest = Backup.objects.order_by("-taken_at").first()
    if newest is None:
        return
    known = set(Backup.objects.filter(kind=Backup.Kind.DAILY_BATCH).values_list("taken_at__date", flat=True))
    first = clock.day_of(newest.taken_at)
    Backup.objects.bulk_create(
        Backup(
            system=newest.system,
            kind=Backup.Kind.DAILY_BATCH,
            covers=["customers", "sales"],
            taken_at=datetime.combine(day, time(20, 30), LOCAL),
            stored_at=datetime.combine(day, time(22, 0), LOCAL),
            medium=f"T{day:%m%d}",
            reported_by=newest.reported_by,
        )
        for day in _days_since(first, today)
        if day not in known
    )


def _look_at_vans(today: date) -> None:
    """Every reserve van on every working day, this morning included."""
    newest = VehicleCheck.objects.order_by("-on").first()
    if newest is None:
        return
    days = [
        day for day in [*_days_since(newest.on + timedelta(days=1), today), today] if workdays.is_workday(day)
    ]
    days = [day for day in days if day > newest.on]
    if not days:
        return
    vans = list(Vehicle.objects.filter(is_reserve=True, state=Vehicle.State.FIT).order_by("pk"))
    VehicleCheck.objects.bulk_create(
        VehicleCheck(vehicle=van, on=day, fit=True, by=newest.by) for day in days for van in vans
    )
    Vehicle.objects.filter(pk__in=[van.pk for van in vans]).update(checked_on=days[-1])


def _leave_undone() -> None:
    if Spare.objects.filter(kind="voice-board", present__gt=0).exists():
        services.use_spare("voice-board", 1, actor=None)
    manager = Person.objects.filter(file_copies__isnull=False).distinct().order_by("staff_no").first()
    CustomerFileCopy.objects.filter(manager=manager).update(made_at=clock.now() - timedelta(days=47))
    Ups.objects.filter(room="order-dept").update(runtime_minutes=287)
