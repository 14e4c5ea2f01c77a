"""An exercise beside the real day, with people at their screens, leaves deliveries and goods alone (ADR 0004)."""

from __future__ import annotations

from typing import Any

import pytest

from changbei.core.clock import VirtualClock
from changbei.core.errors import Conflict
from changbei.delivery.adjusting import LineChoice
from changbei.delivery.models import Breakdown, DeliveryDay, Stop, Tour
from changbei.incidents import holding, services
from changbei.incidents.models import Incident, LineMeasure
from changbei.incidents.tests import people
from changbei.incidents.tests.test_actions import perform, suspend
from changbei.incidents.tests.test_suspending import deliver_today, hour, key_customers
from changbei.incidents.tests.test_suspending import suspend as suspend_for_real
from changbei.incidents.tests.test_warnings import alert, receive
from changbei.journal.models import Entry
from changbei.network.models import Stock
from changbei.supply.models import SupplyRequest

pytestmark = pytest.mark.usefixtures("plan")


@pytest.fixture
def exercise(clock: VirtualClock) -> Incident:
    """A drill, with two key customers to be served today at 11 and 16 o'clock."""
    deliver_today(key_customers(2), [hour(11), hour(16)])
    incident = receive(alert(status="Exercise")).incident
    assert incident is not None and incident.drill
    return incident


def states() -> list[str]:
    return list(Stop.objects.order_by("sequence").values_list("status", flat=True))


def cartons() -> int:
    return sum(Stock.objects.values_list("cartons", flat=True))


@pytest.mark.parametrize("goods", ["hold", "merge"])
def test_a_practised_suspension_holds_nothing_and_says_so(exercise: Incident, goods: str) -> None:
    made = suspend(exercise, goods=goods)
    assert (made["stops_held"], made["practised"]) == (2, True)
    assert states() == ["planned", "planned"]
    assert DeliveryDay.objects.get().version == 1
    assert not Entry.objects.filter(kind__startswith="delivery.").exists()
    resumed = perform(exercise, "incidents.resume", suspension=made["suspension"])
    assert (resumed["stops_released"], resumed["practised"]) == (0, True)


def test_a_day_planned_meanwhile_is_not_held(exercise: Incident) -> None:
    suspend(exercise)
    assert holding.hold_today() == 0
    assert states() == ["planned", "planned"]


def test_a_practised_suspension_keeps_nothing_held(exercise: Incident) -> None:
    data = {"phenomenon": "typhoon", "area": people.box(), "colour": "orange"}
    real = services.report("severe-weather", data, actor=None, source="web").incident
    suspension = suspend_for_real(real, people.box())
    practised = suspend(exercise)
    services.resume(suspension, actor=people.head())
    assert states() == ["planned", "planned"]
    suspend_for_real(real, people.box())
    perform(exercise, "incidents.resume", suspension=practised["suspension"])
    assert states() == ["held", "held"]


def test_a_practised_replenishment_takes_no_goods(exercise: Incident, clock: VirtualClock) -> None:
    before, suspension = cartons(), suspend(exercise)["suspension"]
    clock.advance_to(hour(17))
    perform(exercise, "incidents.resume", suspension=suspension)
    made = perform(exercise, "supply.replenish_key_customers", suspension=suspension)
    assert (made["requests"], made["practised"], cartons()) == (2, True, before)
    assert perform(exercise, "supply.replenish_key_customers", suspension=suspension) == made
    assert set(SupplyRequest.objects.values_list("run", flat=True)) == {exercise.run_id}


def test_lines_decided_in_an_exercise_drive_on_and_what_is_real_holds(exercise: Incident) -> None:
    data = {"phenomenon": "typhoon", "area": people.box(), "colour": "orange"}
    real = services.report("severe-weather", data, actor=None, source="web").incident
    tour = Tour.objects.get()
    services.decide_lines(real, [LineChoice(tour.pk, "later", 30)], actor=people.head())
    made = services.decide_lines(
        exercise, [LineChoice(tour.pk, "hold")], review_at=hour(18), actor=people.head()
    )
    assert [(one.measure, one.stops) for one in made] == [("hold", 2)]
    assert (states(), LineMeasure.objects.get().measure) == (["planned", "planned"], "later")
    facts = Entry.objects.filter(kind="incidents.lines_decided").order_by("id")
    assert [(one.drill, one.data["held"], one.data["practised"]) for one in facts] == [
        (False, 0, False),
        (True, 1, True),
    ]
    ended = perform(exercise, "incidents.end_line_hold", measure="go")
    assert (ended["lines"], ended["practised"]) == (0, True)


def test_no_van_is_stopped_for_an_exercise(exercise: Incident) -> None:
    van = Tour.objects.get().vehicle
    place = {"text": "3 km", "longitude": 118.0, "latitude": 32.0}
    given = {"vehicle": van.number, "goods_aboard": True, "injured": False, "cause": "fault", "place": place}
    with pytest.raises(Conflict, match="stops no van"):
        perform(exercise, "delivery.recover", **given)
    van.refresh_from_db()
    assert (van.state, Tour.objects.get().status, Breakdown.objects.count()) == ("fit", "planned", 0)


def test_on_a_drills_own_ground_everything_is_carried_out(
    exercise: Incident, clock: VirtualClock, settings: Any
) -> None:
    settings.DRILL_GROUND = True
    before, made = cartons(), suspend(exercise)
    assert (states(), made["practised"]) == (["held", "held"], False)
    clock.advance_to(hour(17))
    perform(exercise, "incidents.resume", suspension=made["suspension"])
    assert states() == ["planned", "planned"]
    given = perform(exercise, "supply.replenish_key_customers", suspension=made["suspension"])
    assert cartons() == before - given["cartons"] < before
