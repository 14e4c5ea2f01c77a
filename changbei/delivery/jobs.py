"""What a worker does for the room."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from changbei.compute import geo, roads
from changbei.core import clock
from changbei.core.errors import Outside
from changbei.delivery import breaking, driving, selectors, travel
from changbei.delivery.lines import answers, evenings
from changbei.delivery.models import DeliveryDay, Stop
from changbei.network.models import Site


def record_breakdowns() -> int:
    """Stop the vans that were reported broken, while a worker is at the options of another; how many."""
    return breaking.record_reported()


def end_shifts() -> int:
    """Delete the positions of shifts that are over, and take reserve vans back; how many."""
    return driving.end_shifts()


def plan_lines() -> int:
    """Plan one city's day that waits for its lines; 0 when none does."""
    return answers.work()


def ask_for_lines() -> int:
    """Ask for the next day's lines of each site whose evening has come; how many."""
    return evenings.ask_due()


def next_due() -> datetime | None:
    """When the next evening comes."""
    return evenings.next_due()


def prepare_times() -> int:
    """Compute what today's and the next days' driving times by road still lack, closed areas left out; how many days.

    Without a road network nothing is to do; a network that has no answer is named where the times are shown.
    """
    if travel.current() is None or not roads.is_installed():
        return 0
    today = clock.today()
    days = DeliveryDay.objects.filter(date__gte=today, date__lte=today + timedelta(days=3)).order_by("date")
    try:
        return sum(bool(prepare_times_of(day.date)) for day in days if _lacks_times(day))
    except Outside:
        return 0


def prepare_times_of(on: date) -> int:
    """The driving times between all places of a day; how many places, 0 when no deliveries are planned."""
    day = DeliveryDay.objects.filter(date=on).first()
    if day is None:
        return 0
    longitudes, latitudes = _places(day)
    closed = [geo.polygon(one.area) for one in selectors.closures(day)]
    return travel.prepare(on, longitudes, latitudes, closed)


def _lacks_times(day: DeliveryDay) -> bool:
    longitudes, latitudes = _places(day)
    closed = [geo.polygon(one.area) for one in selectors.closures(day)]
    return travel.lacking(day.date, longitudes, latitudes, closed) > 0


def _places(day: DeliveryDay) -> tuple[list[float], list[float]]:
    spots = [
        *Site.objects.order_by("pk").values_list("longitude", "latitude"),
        *Stop.objects.filter(day=day).order_by("pk").values_list("retailer__longitude", "retailer__latitude"),
    ]
    return [lon for lon, _lat in spots], [lat for _lon, lat in spots]
