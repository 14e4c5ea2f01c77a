"""Whom the weather keeps from the bank: the event and its customers, for cash settlement (E3.2.4)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from changbei.core import clock
from changbei.core.clock import LOCAL
from changbei.incidents.models import Incident, SuspendedRetailer
from changbei.network import selectors as network
from changbei.runs.models import Run
from changbei.supply.cash import WeatherEvent

WEATHER = "weather"
NONE = WeatherEvent("", frozenset())


def weather_event(run: Run) -> WeatherEvent:
    """The weather event a run belongs to, else every one that is open now, with the customers they affect.

    A drill only knows weather of drills, and the real thing only real weather.
    """
    found = Incident.objects.filter(family=WEATHER, drill=run.drill).exclude(status=Incident.Status.CLOSED)
    own = found.filter(uuid=run.incident) if run.incident else found.none()
    events = list(own) or list(found.order_by("pk"))
    if not events:
        return NONE
    return WeatherEvent(events[0].number, frozenset().union(*(affected(event) for event in events)))


def affected(event: Incident) -> frozenset[int]:
    """Ids of the customers in the event's area, and of those whose service it has suspended today."""
    start = datetime.combine(clock.today(), datetime.min.time(), LOCAL)
    lasting = Q(suspension__resumed_at__isnull=True) | Q(suspension__resumed_at__gte=start)
    held = SuspendedRetailer.objects.filter(
        lasting, suspension__incident=event, suspension__starts_at__lt=start + timedelta(days=1)
    )
    in_area = network.retailer_ids_in(event.area) if event.area else []
    return frozenset(held.values_list("retailer_id", flat=True)) | frozenset(in_area)
