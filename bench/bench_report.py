"""A report as people make it: form, duplicates, classification, run, tasks and first notices, in one transaction.

The shipped plan and a city of 2,000 customers; each van of the morning breaks down once.
"""

from __future__ import annotations

import statistics
import time
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bench.bench_city import empty
from changbei.core import clock
from changbei.delivery import planning
from changbei.delivery.models import Tour
from changbei.incidents import services as incidents
from changbei.network import loading
from changbei.network.city import CitySpec, make
from changbei.notify.models import Message
from changbei.plans import services as plans

Row = dict[str, Any]
MORNING = datetime(2026, 11, 23, 10, 0, tzinfo=clock.LOCAL)
WARM_UP = 2


def run() -> list[Row]:
    """Rows of name, value, unit, note."""
    city = make(CitySpec(retailers=2_000, start_on=MORNING.date()))
    empty(city)
    loading.load(city)
    plans.adopt(settings.PLANS / "customer-service-emergency", actor=None)
    with clock.use(clock.VirtualClock(MORNING)):
        planning.plan_day(MORNING.date(), actor=None)
        tours = list(Tour.objects.select_related("vehicle", "driver", "site").order_by("pk"))
        for tour in tours[:WARM_UP]:
            _report(tour)
        with CaptureQueriesContext(connection) as captured:
            _report(tours[WARM_UP])
        times = [_timed(tour) for tour in tours[WARM_UP + 1 :]]
        queued = Message.objects.count()
    plain = [
        query
        for query in captured
        if not (query["sql"] or "").startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"))
    ]
    wall = statistics.median(one[0] for one in times) * 1000
    cpu = statistics.median(one[1] for one in times) * 1000
    note = f"vehicle-breakdown, {len(times)} reports, {queued / len(tours):.0f} messages each; call to commit"
    return [
        {"name": "whole report to first notice queued", "value": round(wall, 2), "unit": "ms", "note": note},
        {"name": "whole report, CPU of the program", "value": round(cpu, 2), "unit": "ms", "note": ""},
        {
            "name": "whole report, statements per incident",
            "value": len(plain),
            "unit": "statements",
            "note": "",
        },
    ]


def _report(tour: Tour) -> None:
    report = {
        "vehicle": tour.vehicle.number,
        "place": {"text": "bench", "longitude": tour.site.longitude, "latitude": tour.site.latitude},
        "injured": False,
        "goods_aboard": True,
    }
    incidents.report("vehicle-breakdown", report, actor=tour.driver, source="api")


def _timed(tour: Tour) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    _report(tour)
    return time.perf_counter() - wall, time.process_time() - cpu
