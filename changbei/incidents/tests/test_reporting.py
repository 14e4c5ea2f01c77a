"""From a report to an incident with its plan under way."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from changbei.core.clock import VirtualClock
from changbei.core.errors import Invalid, NotFound
from changbei.incidents import services
from changbei.incidents.models import Incident, Report, SystemOutage
from changbei.incidents.tests import people
from changbei.journal.models import Entry
from changbei.network import loading
from changbei.network.city import City
from changbei.network.models import Product, Retailer
from changbei.notify.models import Message
from changbei.plans.models import PlanVersion
from changbei.plans.services import adopt
from changbei.runs.models import RoleHolding, Run, Task
from changbei.testing.city import SHIPPED


def report(
    kind: str = "vehicle-breakdown", data: dict[str, Any] | None = None, **more: Any
) -> services.ReportAnswer:
    given = {"actor": None, "source": "web"} | more
    return services.report(kind, data or people.breakdown(), **given)


def fields(error: pytest.ExceptionInfo[Invalid]) -> list[str]:
    return [problem.field for problem in error.value.problems]


def test_a_breakdown_becomes_an_incident_with_a_run(plan: PlanVersion) -> None:
    driver = people.van().keeper
    answer = report(actor=driver)
    incident = answer.incident
    assert not answer.joined
    assert (incident.number, incident.kind, incident.family) == ("INC-0001", "vehicle-breakdown", "vehicle")
    assert (incident.level, incident.status) == ("LOCAL", "open")
    assert incident.title["en"] == "Vehicle breakdown · van 1"
    assert incident.title["zh-Hans"] == "送货车辆故障 · 1号车"
    assert (incident.place, incident.longitude, incident.latitude) == ("示例路与样例街口", 114.3, 30.6)
    assert incident.run is not None and incident.run.plan_version == plan
    assert incident.run.number == "INC-0001"
    assert Report.objects.get().reporter == driver


def test_the_roles_of_a_breakdown_are_held(plan: PlanVersion) -> None:
    run = report().incident.run
    assert run is not None
    held = {row.role: row.person for row in RoleHolding.objects.filter(run=run)}
    keeper = people.van().keeper
    assert held["driver"] == keeper and held["vehicle-keeper"] == keeper
    assert held["commander"] == people.head()
    assert held["delivery-center-head"] == people.holder("delivery-center-head")
    assert held["dispatcher"] is not None and held["dispatcher"].unit_id == people.van().site.unit_id


def test_first_tasks_and_messages_are_there_when_the_answer_is(plan: PlanVersion) -> None:
    run = report().incident.run
    items = set(Task.objects.filter(run=run, status="open").values_list("item", flat=True))
    assert {"confirm-place", "take-charge"} <= items
    driver = people.van().keeper
    assert Message.objects.filter(
        person=driver, notice__run=run.uuid, channel="inbox", state="delivered"
    ).exists()  # type: ignore[union-attr]


def test_what_the_plan_sees_of_the_city(plan: PlanVersion) -> None:
    run = report().incident.run
    assert run is not None
    seen = run.state["context"]["incident"]
    vehicle = people.van()
    assert seen["vehicle"] == {
        "number": "1",
        "plate": vehicle.plate,
        "model": vehicle.model,
        "capacity_cartons": vehicle.capacity_cartons,
        "site": vehicle.site.code,
    }
    assert seen["driver"] == vehicle.keeper.staff_no  # type: ignore[union-attr]
    assert (seen["site"], seen["level"], seen["reporter"]) == (vehicle.site.unit.code, "LOCAL", "")
    assert (seen["share"], seen["affected"], seen["customer_manager"]) == (0.0, 0, "")


def test_the_journal_tells_who_reported_what_and_its_level(plan: PlanVersion) -> None:
    driver = people.van().keeper
    incident = report(actor=driver).incident
    reported, classified = Entry.objects.filter(
        kind__in=["incidents.reported", "incidents.classified"]
    ).order_by("id")
    assert (reported.incident, reported.actor_id) == (incident.uuid, driver.pk)  # type: ignore[union-attr]
    assert reported.data["report"]["vehicle"] == "1"
    assert (classified.clause, classified.data) == ("E2.1d", {"level": "LOCAL", "affected": 0})


# --- the form ---


def test_a_report_without_its_required_fields_says_which(plan: PlanVersion) -> None:
    with pytest.raises(Invalid) as error:
        report(data={"vehicle": "1"})
    assert fields(error) == ["place", "injured", "goods_aboard"]
    assert not Incident.objects.exists() and not Run.objects.exists() and not Report.objects.exists()


@pytest.mark.parametrize(
    "change,field",
    [
        ({"vehicle": "999"}, "vehicle"),
        ({"injured": "yes"}, "injured"),
        ({"place": {"text": "x", "longitude": 200, "latitude": 30}}, "place.longitude"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_fields_are_named(plan: PlanVersion, change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        report(data=people.breakdown(**change))
    assert fields(error) == [field]


@pytest.mark.parametrize(
    "area",
    [
        {"type": "Point", "coordinates": [114, 30]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 1], [1, 0], [0, 0]]]},
        {"coordinates": "x"},
        {},
    ],
)
def test_an_area_that_is_none(plan: PlanVersion, area: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as error:
        report("severe-weather", {"phenomenon": "typhoon", "area": area})
    assert fields(error) == ["area"]


def test_a_time_without_a_zone_is_refused(plan: PlanVersion) -> None:
    with pytest.raises(Invalid) as error:
        report("ordering-system-down", people.ordering_down(since="2026-11-23T09:30:00"))
    assert fields(error) == ["since"]


def test_an_unknown_product_is_refused_with_its_line(plan: PlanVersion) -> None:
    product = Product.objects.filter(supply_class="general").order_by("pk")[0]
    lines = [{"product": product.code, "cartons": 3}, {"product": "nothing", "cartons": 1}]
    with pytest.raises(Invalid) as error:
        report("sudden-demand", demand(lines=lines))
    assert fields(error) == ["lines.1.product"]


def test_an_unknown_kind(plan: PlanVersion) -> None:
    with pytest.raises(NotFound, match="no plan in force has a procedure 'earthquake'"):
        report("earthquake", {})


def demand(**more: Any) -> dict[str, Any]:
    retailer = Retailer.objects.filter(conduct="law_abiding", marked_prices=True).order_by("pk")[0]
    product = Product.objects.filter(supply_class="general").order_by("pk")[0]
    return {
        "retailer": retailer.licence_no,
        "occasion": "wedding",
        "needed_on": "2026-11-28",
        "path": "planned",
        "lines": [{"product": product.code, "cartons": 20}],
    } | more


# --- the other kinds ---


def test_a_server_that_stops_all_work_is_major_and_on_record(plan: PlanVersion) -> None:
    incident = report("ordering-system-down", people.ordering_down()).incident
    assert incident.level == "MAJOR"
    assert incident.title["en"].endswith("· Server")
    outage = SystemOutage.objects.get(incident=incident)
    assert (outage.system, outage.stops_work, outage.since.isoformat()) == (
        "server",
        True,
        "2026-11-23T01:30:00+00:00",
    )


def test_one_order_computer_is_local(plan: PlanVersion) -> None:
    data = people.ordering_down(fails="order_pc", stops_work=False)
    assert report("ordering-system-down", data).incident.level == "LOCAL"


def test_a_demand_names_the_customer_and_the_manager(plan: PlanVersion) -> None:
    data = demand()
    incident = report("sudden-demand", data).incident
    retailer = Retailer.objects.get(licence_no=data["retailer"])
    assert (incident.level, incident.place) == ("DEMAND", retailer.address)
    held = RoleHolding.objects.get(run=incident.run, role="customer-manager")
    assert held.person == retailer.customer_manager


def test_weather_counts_the_customers_of_its_area(plan: PlanVersion) -> None:
    area = people.box()
    incident = report("severe-weather", {"phenomenon": "typhoon", "area": area, "colour": "orange"}).incident
    assert incident.area == area
    assert incident.affected_retailers == 300
    assert incident.level == "MAJOR"
    assert incident.run is not None and incident.run.state["context"]["incident"]["share"] == 1.0


# --- the same thing again ---


def test_the_second_report_joins_and_its_reporter_is_answered(plan: PlanVersion) -> None:
    dispatcher = people.holder("dispatcher")
    first = report(actor=people.van().keeper)
    second = report(data=people.breakdown(injured=True, note="ambulance called"), actor=dispatcher)
    assert second.joined and second.incident == first.incident
    assert Incident.objects.count() == 1 and Run.objects.count() == 1
    assert [row.joined for row in Report.objects.order_by("pk")] == [False, True]
    entry = Entry.objects.get(kind="incidents.report_joined")
    assert entry.data["adds"] == {"injured": True, "note": "ambulance called"}
    assert (
        Message.objects.filter(person=dispatcher, notice__template="report-received", channel="inbox").count()
        == 1
    )
    run = Run.objects.get()
    assert run.state["context"]["report"]["injured"] is True
    assert run.state["context"]["report"]["note"] == "ambulance called"


def test_who_knows_of_nobody_hurt_does_not_overrule_who_does(plan: PlanVersion) -> None:
    report(data=people.breakdown(injured=True))
    report(data=people.breakdown(injured=False))
    assert Run.objects.get().state["context"]["report"]["injured"] is True


def test_what_was_added_is_not_overruled_either(plan: PlanVersion) -> None:
    """What the first report left out counts as the worse of what the later ones say, in whatever order."""
    first = {"phenomenon": "typhoon", "area": people.box(), "colour": "orange"}
    for more in ({}, {"warehouse_flooded": True}, {"warehouse_flooded": False}):
        report("severe-weather", first | more)
    assert Run.objects.get().state["context"]["report"]["warehouse_flooded"] is True


def test_another_van_is_another_incident(plan: PlanVersion) -> None:
    report(data=people.breakdown("1"))
    assert report(data=people.breakdown("2")).incident.number == "INC-0002"


def test_a_long_request_that_differs_at_its_end_is_another_one(plan: PlanVersion) -> None:
    goods = Product.objects.filter(supply_class="general", active=True).order_by("pk")[:12]
    lines = [{"product": product.code, "cartons": 2} for product in goods]
    report("sudden-demand", demand(lines=lines))
    assert report("sudden-demand", demand(lines=lines)).joined
    lines[-1]["cartons"] = 3
    assert report("sudden-demand", demand(lines=lines)).incident.number == "INC-0002"


def test_a_drill_does_not_join_the_real_thing(plan: PlanVersion) -> None:
    report()
    answer = report(drill=True)
    assert not answer.joined and answer.incident.drill
    assert answer.incident.run is not None and answer.incident.run.drill


def test_after_the_plans_time_it_is_a_new_event(plan: PlanVersion, clock: VirtualClock) -> None:
    report()
    clock.advance(timedelta(hours=12))
    answer = report()
    assert not answer.joined and answer.incident.number == "INC-0002"
    assert report().incident == answer.incident


def test_after_service_is_back_it_is_a_new_event(plan: PlanVersion) -> None:
    services.restored(report().incident, actor=None)
    assert not report().joined


@pytest.mark.django_db(transaction=True)
def test_reports_of_the_same_thing_at_the_same_moment_make_one_incident(
    small_city_plan: City, clock: VirtualClock, carrier: object
) -> None:
    prepare(small_city_plan)
    answers = at_once([people.breakdown("1")] * 6)
    assert sorted(answer.joined for answer in answers) == [False, True, True, True, True, True]
    assert {answer.incident.number for answer in answers} == {"INC-0001"}
    assert (Incident.objects.count(), Run.objects.count(), Report.objects.count()) == (1, 1, 6)


@pytest.mark.django_db(transaction=True)
def test_numbers_have_no_gaps_when_many_report_at_once(
    small_city_plan: City, clock: VirtualClock, carrier: object
) -> None:
    prepare(small_city_plan)
    good = [people.breakdown(str(number)) for number in range(1, 7)]
    answers = at_once(good, spoilt_every=2)
    assert sorted(answer.incident.number for answer in answers) == [
        f"INC-{number:04d}" for number in range(1, 7)
    ]


def prepare(city: City) -> None:
    loading.load(city)
    adopt(SHIPPED, actor=None)


def at_once(reports: list[dict[str, Any]], spoilt_every: int = 0) -> list[services.ReportAnswer]:
    """Report from as many threads; with `spoilt_every` some transactions are rolled back after they had a number."""
    start, answers, errors = threading.Barrier(len(reports)), [], []

    def go(number: int, data: dict[str, Any]) -> None:
        try:
            start.wait(timeout=30)
            if spoilt_every and number % spoilt_every == 0:
                _report_and_roll_back(data)
            answers.append(report(data=data))
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=pair) for pair in enumerate(reports)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert errors == []
    return answers


def _report_and_roll_back(data: dict[str, Any]) -> None:
    with transaction.atomic():
        report(data=data)
        transaction.set_rollback(True)
