"""Who drives a reserve van that is called up: its keeper, or a driver who is free today (E3.3.2)."""

from __future__ import annotations

from django.db.models import Q

from changbei.core import clock
from changbei.delivery.models import DeliveryDay, Tour
from changbei.network.models import Vehicle
from changbei.people.models import Absence, Person


def driver_for(vehicle: Vehicle, day: DeliveryDay) -> Person | None:
    """The keeper; when there is none, or the keeper is away or on the road, another driver, of the van's site first.

    Drivers are those who keep a van or drive a line. None when all are away or on the road.
    """
    now = clock.now()
    away = Absence.objects.filter(starts_at__lte=now, ends_at__gt=now).values("person")
    busy = Tour.objects.filter(day=day, driver__isnull=False).exclude(status=Tour.Status.FINISHED)
    free = Person.objects.filter(active=True).exclude(pk__in=away).exclude(pk__in=busy.values("driver"))
    if keeper := free.filter(keeps=vehicle).first():
        return keeper
    drivers = free.filter(Q(keeps__isnull=False) | Q(lines__isnull=False)).distinct()
    near = drivers.filter(Q(keeps__site=vehicle.site_id) | Q(lines__site=vehicle.site_id))
    return near.order_by("pk").first() or drivers.order_by("pk").first()
