"""What every change of a day's plan has in common: the lock, the version that grows, the fact in the journal."""

from __future__ import annotations

from django.db.models import F, Q

from changbei.core import clock
from changbei.core.errors import there
from changbei.delivery.models import DeliveryDay, Tour


def locked_day(pk: int | None = None) -> DeliveryDay:
    """The day's row (today's without `pk`), locked: whoever changes the plan of a day holds it."""
    on = Q(date=clock.today()) if pk is None else Q(pk=pk)
    day = DeliveryDay.objects.select_for_update().filter(on).first()
    return there(day, f"no deliveries are planned for {clock.today()}")


def left() -> Q:
    """Of tours: the van is on its way, or was; also when no stop of it is recorded yet."""
    return ~Q(status=Tour.Status.PLANNED) | Q(departs_at__lte=clock.now())


def has_left(tour: Tour) -> bool:
    """The same of one tour."""
    return tour.status != Tour.Status.PLANNED or tour.departs_at <= clock.now()


def changed(day: DeliveryDay) -> None:
    """What was computed on the day as it was is out of date now."""
    DeliveryDay.objects.filter(pk=day.pk).update(version=F("version") + 1)
