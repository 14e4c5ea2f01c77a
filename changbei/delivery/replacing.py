"""Another van for a tour that has not left yet: its own stands in repair, or is back from there (E3.2.6)."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict
from changbei.delivery import changing, driving, papers
from changbei.delivery.models import DeliveryDay, Loan, Stop, Tour
from changbei.network.models import Vehicle
from changbei.people import access as people
from changbei.people.models import Person
from changbei.runs.noting import note


def without_own_van(day: DeliveryDay) -> list[Tour]:
    """Tours of the day that have not left and whose van cannot drive, or that another van drives though the line's
    own is fit again."""
    tours = Tour.objects.filter(day=day).select_related("vehicle", "line__vehicle", "site", "day")
    waiting = [tour for tour in tours.order_by("vehicle_id") if not _has_left(tour)]
    return [tour for tour in waiting if tour.vehicle.state in Vehicle.OUT or _own(tour)]


def vans_for(tour: Tour) -> list[Vehicle]:
    """The line's own van when it is fit again, then fit reserve vans of the site that nobody drives on that day and
    that have room for the goods, the smallest first."""
    room = Vehicle.objects.filter(capacity_cartons__gte=_cartons(tour))
    fit = free(tour, room).filter(is_reserve=True, site=tour.site_id).order_by("capacity_cartons", "pk")
    own = _own(tour)
    return [*([own] if own else []), *(van for van in fit if van != own)]


@transaction.atomic
def drive_with(tour: Tour, vehicle: Vehicle, *, actor: Person) -> None:
    """This van drives the tour: line, driver, customers and times stay as they are.

    Raises NotAllowed, and Conflict when the tour has left or the van is none of `vans_for`.
    """
    people.require(actor, "delivery.recover")
    day = changing.locked_day(tour.day_id)
    tour = (
        Tour.objects.select_for_update(of=("self",))
        .select_related("vehicle", "line__vehicle", "day")
        .get(pk=tour.pk)
    )
    if _has_left(tour):
        raise Conflict(gettext_noop("this van is on its way: report a breakdown instead"))
    locked = Vehicle.objects.select_for_update().get(pk=vehicle.pk)
    if locked not in vans_for(tour):
        raise Conflict(gettext_noop("this van is not free on that day, or too small"))
    before, named, tour.vehicle = tour.vehicle, papers.van_named(tour), locked
    tour.save(update_fields=["vehicle"])
    papers.follow_van(tour, named)
    papers.follow(day)
    if day.date == clock.today():
        Vehicle.objects.filter(pk=locked.pk, is_reserve=True).update(state=Vehicle.State.IN_USE)
        driving.stand_ready([before.pk])
    changing.changed(day)
    note(
        "delivery.van_replaced",
        None,
        actor,
        clause="E3.2.6",
        vehicle=locked.number,
        instead_of=before.number,
        date=day.date.isoformat(),
    )


def _has_left(tour: Tour) -> bool:
    """A van that cannot drive has not left, whatever the time is."""
    waits = tour.status == Tour.Status.PLANNED and tour.vehicle.state in Vehicle.OUT
    return changing.has_left(tour) and not waits


def _own(tour: Tour) -> Vehicle | None:
    """The line's own van when another one drives the tour though this one could."""
    own = tour.line.vehicle if tour.line else None
    if own is None or own.pk == tour.vehicle_id:
        return None
    return free(tour, Vehicle.objects.filter(pk=own.pk)).first()


def free(tour: Tour, vans: QuerySet[Vehicle]) -> QuerySet[Vehicle]:
    """Those of these vans that can drive on the day of the tour: nobody has planned with them, nor are they lent."""
    busy = Tour.objects.filter(day=tour.day_id).values("vehicle")
    lent = Loan.objects.filter(day=tour.day_id, returned_at=None).values("vehicle")
    fit = [Vehicle.State.FIT]
    if tour.day.date > clock.today():
        fit.append(Vehicle.State.IN_USE)  # today; by then it is back
    return vans.filter(~Q(pk__in=busy), ~Q(pk__in=lent), state__in=fit)


def _cartons(tour: Tour) -> int:
    return Stop.objects.filter(tour=tour, status__in=Stop.WAITING).aggregate(n=Sum("cartons"))["n"] or 0
