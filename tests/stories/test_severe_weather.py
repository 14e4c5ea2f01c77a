"""An orange typhoon warning for a part of the city: suspended, told, resumed, replenished (E3.2.2, E3.2.5)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from changbei.core.clock import LOCAL
from changbei.delivery import planning
from changbei.delivery.models import Stop
from changbei.incidents import services as incidents
from changbei.incidents.cap import Reference
from changbei.incidents.cap_writer import NewWarning, WarningText, write
from changbei.incidents.models import Incident, Suspension, Warning
from changbei.network.models import District, Retailer
from changbei.notify import calls
from changbei.notify.models import Call, CallList, Message
from changbei.people.models import Person
from changbei.runs.models import Run
from changbei.site.clockwork import fast_forward, run_until_quiet
from changbei.site.drills.colleagues import drive
from changbei.supply import cash
from changbei.supply.models import CashSettlement, SupplyRequest
from tests.stories.telling import Story, Town, assert_sound

WEDNESDAY = datetime(2026, 11, 25, 9, 0, tzinfo=LOCAL)
DISTRICT = "990124"


@pytest.fixture
def wednesday(town: Town) -> Town:
    """On this Wednesday morning a key customer of the district is still to be delivered to."""
    town.clock.advance_to(WEDNESDAY)
    planning.plan_day(WEDNESDAY.date(), actor=None)
    drive(town.clock.now())
    return town


def warning(
    area: dict[str, Any],
    now: datetime = WEDNESDAY,
    *,
    status: str = "Actual",
    colour: str = "orange",
    update: Warning | None = None,
) -> bytes:
    """The weather service's file."""
    words = (
        "台风橙色预警",
        "台风橙色预警：六小时内影响本区",
        "阵风十级。",
        "停止户外作业。",
        "示例区",
        "示例气象台",
    )
    return write(
        NewWarning(
            sender="weather@changbei.invalid",
            identifier=f"typhoon-{status}-{colour}",
            sent=now,
            texts=[WarningText("zh-CN", *words)],
            area=area,
            effective=now,
            expires=now + timedelta(hours=6),
            status=status,
            colour=colour,
            msg_type="Update" if update else "Alert",
            references=[Reference(update.sender, update.identifier, update.sent)] if update else [],
        )
    )


def box(district: str) -> tuple[dict[str, Any], set[int]]:
    """A rectangle somebody draws around the district's customers, and all customers inside it."""
    rows = list(Retailer.objects.filter(district__code=district).values_list("longitude", "latitude"))
    west, east = min(row[0] for row in rows) - 1e-4, max(row[0] for row in rows) + 1e-4
    south, north = min(row[1] for row in rows) - 1e-4, max(row[1] for row in rows) + 1e-4
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    inside = {
        pk
        for pk, longitude, latitude in Retailer.objects.values_list("pk", "longitude", "latitude")
        if west < longitude < east and south < latitude < north
    }
    return {"type": "Polygon", "coordinates": [ring]}, inside


@pytest.mark.clause("E2.1d", "E2.4", "E2.5", "E2.6", "E2.9", "E3.2", "E3.2.2", "E3.2.5", "E3.2.6")
def test_a_typhoon_over_a_part_of_the_city(wednesday: Town) -> None:
    town = wednesday
    office = town.holder("leading-group-office")
    area = District.objects.get(code=DISTRICT).outline

    # The file of the weather service starts the plan by itself; 47 of 300 customers are concerned: local.
    received = incidents.receive_warning(warning(area), source="test")
    assert received.incident is not None
    run_until_quiet()
    story = Story(received.incident)
    assert (story.incident.level, story.incident.affected_retailers) == ("LOCAL", 47)
    affected = story.result("affected")
    assert (affected["retailers"], affected["total"], affected["stops_today"]) == (47, 300, 9)
    assert story.open() == {
        "report-delivery": "09:30",
        "report-marketing": "09:30",
        "report-department": "09:40",
        "report-finance": "10:00",
        "report-security": "10:00",
        "reserve-vans": "10:00",
        "partial": "09:45",
    }
    staff = Person.objects.filter(active=True, job__in=("driver", "customer_manager")).count()
    news = story.news()
    reminded = [line for line in news if line.endswith(": weather-reminder (inbox sms)")]
    assert len(reminded) == staff + 6
    assert [line for line in news if line not in reminded] == [
        "delivery-center-head: task report-delivery (inbox sms)",
        "dispatcher: task reserve-vans (inbox sms)",
        "finance-head: task report-finance (inbox)",
        "marketing-center-head: task report-marketing (inbox sms)",
        "marketing-department-head: task report-department (inbox sms)",
        "office: task partial (inbox sms)",
        "security-head: task report-security (inbox sms)",
    ]

    # The second warning file is known; the same weather reported by a person joins.
    assert incidents.receive_warning(warning(area), source="test").incident == received.incident
    again = town.report("severe-weather", {"phenomenon": "typhoon", "area": area}, actor=office)
    assert again.joined and Incident.objects.count() == 1
    assert story.news() == ["office: report-received (inbox sms)"]

    # The departments report; the office draws the area and suspends it until three in the afternoon.
    story.does("report-delivery", lines_blocked=2, measures="stay on the main roads")
    story.does("report-marketing", measures="orders by phone")
    story.does("report-department", measures="shops are closing")
    story.does("report-finance")
    story.does("report-security")
    story.does("reserve-vans", sites_without=0)
    drawn, inside = box(DISTRICT)
    open_stops = Stop.objects.filter(retailer__in=inside, status=Stop.Status.PLANNED)
    to_hold = open_stops.filter(
        expected_at__gte=WEDNESDAY, expected_at__lt=WEDNESDAY + timedelta(hours=6)
    ).count()
    story.decides(
        "partial",
        "suspend",
        area=drawn,
        starts_at=WEDNESDAY.isoformat(),
        ends_at=(WEDNESDAY + timedelta(hours=6)).isoformat(),
        reason="typhoon",
    )
    suspension = Suspension.objects.get()
    assert (suspension.scope, suspension.decided_by) == ("partial", office)
    assert set(suspension.retailers.values_list("retailer", flat=True)) == inside
    assert story.result("suspend-partial")["stops_held"] == to_hold
    assert (to_hold, len(inside)) == (8, 52)
    assert Stop.objects.filter(status=Stop.Status.HELD).count() == to_hold

    # Every customer is told once, with the message tracked, and is on exactly one manager's call list.
    told = Counter(Message.objects.filter(notice__uuid=suspension.notice).values_list("retailer", flat=True))
    assert told == Counter(inside)
    assert set(Message.objects.filter(notice__uuid=suspension.notice).values_list("state", flat=True)) == {
        "delivered"
    }
    assert Counter(Call.objects.values_list("retailer", flat=True)) == Counter(inside)
    assert {call.caller for call in Call.objects.all()} == {
        shop.customer_manager for shop in Retailer.objects.filter(pk__in=inside)
    }
    managers = sorted(set(Call.objects.values_list("caller__staff_no", flat=True)))
    assert story.news() == [
        "customer-service-head: suspension-staff (inbox sms)",
        *(f"customer_manager {one}: call-list-callers (inbox sms)" for one in managers),
        "delivery-center-head: suspension-staff (inbox sms)",
        "dispatcher: suspension-staff (inbox sms)",
        "dispatcher: task hold-vans (inbox sms)",
        "finance-head: suspension-staff (inbox sms)",
        "info-center-head: suspension-staff (inbox sms)",
        "marketing-center-head: suspension-staff (inbox sms)",
        "marketing-department-head: task calls (inbox sms)",
        "order-desk: suspension-staff (inbox sms)",
        "52 customers: service-suspended (sms)",
    ]

    # Phoning: no answer stays on the list, a wrong number is visited; the task is done with the last customer.
    first, second, *rest = Call.objects.select_related("caller").order_by("pk")
    calls.record_call(first, "no_answer", actor=first.caller)
    calls.record_call(second, "wrong_number", actor=second.caller)
    for call in rest:
        calls.record_call(call, "reached", actor=call.caller)
    run_until_quiet()
    assert (CallList.objects.get().finished_at, story.task("calls").status) == (None, "open")
    calls.record_call(second, "visited", "closed up, all safe", actor=second.caller)
    calls.record_call(first, "reached", actor=first.caller)
    run_until_quiet()
    assert story.task("calls").status == "done"
    story.does("hold-vans")
    assert (story.news(), story.open()) == ([], {})

    # At three the office looks again and resumes: held stops are driven, the key customer is replenished.
    fast_forward(timedelta(hours=6))
    assert story.at(town.clock.now()) == "15:00"
    assert story.open() == {"resume-partial": "16:00"}
    assert story.news() == ["office: task resume-partial (inbox sms)"]
    assert story.escalations() == []
    story.decides("resume-partial", "resume")
    assert Suspension.objects.get().resumed_by == office
    assert story.result("resume-service")["stops_released"] == to_hold
    assert not Stop.objects.filter(status=Stop.Status.HELD).exists()
    made = {"requests": 1, "retailers": 1, "cartons": 31, "practised": False}
    assert story.result("replenish") == made
    request = SupplyRequest.objects.select_related("retailer").get()
    assert (request.retailer.licence_no, request.retailer.is_key, request.path) == (
        "990124100017",
        True,
        "after_suspension",
    )
    assert (request.status, str(request.deliver_on)) == ("dispatched", "2026-11-26")
    assert story.news() == [
        "dispatcher: task deliver-key (inbox sms)",
        "52 customers: service-resumed (sms)",
    ]
    story.does("deliver-key")
    story.does("confirm-restored")
    assert story.at(story.fresh().restored_at) == "15:00"
    story.does("review")
    story.closes(office)
    assert story.news() == [
        "delivery-center-head: task confirm-restored (inbox sms)",
        "inspection-head: task review (inbox)",
    ]
    assert_sound(story)


def suspended(town: Town) -> Story:
    """The district's service suspended until three, its customers told by message; nobody has been phoned yet."""
    received = incidents.receive_warning(warning(District.objects.get(code=DISTRICT).outline), source="test")
    assert received.incident is not None
    run_until_quiet()
    story = Story(received.incident)
    drawn, _ = box(DISTRICT)
    ends_at = (WEDNESDAY + timedelta(hours=6)).isoformat()
    starts_at = WEDNESDAY.isoformat()
    story.decides("partial", "suspend", area=drawn, starts_at=starts_at, ends_at=ends_at, reason="typhoon")
    story.does("hold-vans")
    story.news()
    return story


@pytest.mark.clause("E3.2.1", "E3.2.2")
def test_service_that_the_plan_resumes_waits_for_no_call(wednesday: Town) -> None:
    story = suspended(wednesday)
    fast_forward(timedelta(minutes=20))
    incidents.declare_all_clear(story.incident, actor=wednesday.holder("leading-group-office"))
    run_until_quiet()
    story.news()
    assert story.task("calls").status == "open"
    story.decides("resume-partial", "resume")
    assert story.task("calls").status == "done"  # nobody is phoned about what is over
    assert Suspension.objects.get().resumed_at == wednesday.clock.now()
    assert "52 customers: service-resumed (sms)" in story.news()


@pytest.mark.clause("E3.2.1", "E3.2.2")
def test_service_that_is_resumed_by_hand_is_told_at_once(wednesday: Town) -> None:
    story = suspended(wednesday)
    fast_forward(timedelta(minutes=20))
    incidents.resume(Suspension.objects.get(), actor=wednesday.holder("leading-group-office"))
    run_until_quiet()
    assert "52 customers: service-resumed (sms)" in story.news()
    assert "resume-partial" not in story.open()  # nobody is asked what has been decided


@pytest.mark.clause("E3.2", "E3.2.2", "E3.2.4", "E3.2.5")
def test_from_the_warning_to_the_closed_books(wednesday: Town, settings: Any) -> None:
    """Warning in, suspended, cash instead of the bank, milder warning, resumed, replenished, reconciled, closed."""
    settings.CONFIRM_LINKS = True
    town = wednesday
    office, finance = town.holder("leading-group-office"), town.holder("finance-head")
    drawn, inside = box(DISTRICT)
    received = incidents.receive_warning(warning(drawn), source="test")
    assert received.incident is not None
    run_until_quiet()
    story = Story(received.incident)
    story.does("report-delivery", lines_blocked=2, measures="stay on the main roads")
    story.does("report-marketing", measures="orders by phone")
    story.does("report-department", measures="shops are closing")
    story.does("report-finance", bank_unreachable="road_cut")
    story.does("report-security")
    story.does("reserve-vans", sites_without=0)

    # The office suspends: everybody concerned is told, with the page where each sees the own next delivery.
    until = (WEDNESDAY + timedelta(hours=10)).isoformat()
    story.decides("partial", "suspend", area=drawn, ends_at=until, reason="台风")
    suspension = Suspension.objects.get()
    words = Message.objects.filter(notice__uuid=suspension.notice).select_related("notice")
    assert set(words.values_list("retailer", flat=True)) == inside
    assert words[0].notice.body["zh-Hans"].endswith("/next/")
    for call in Call.objects.select_related("caller"):
        calls.record_call(call, "reached", actor=call.caller)
    run_until_quiet()
    story.does("hold-vans")

    # Those of the area who order today and settle electronically may pay in cash; one does.
    books = Story(received.incident, run_of=Run.objects.get(procedure="cash-settlement"))
    books.decides("decide", "all")
    ordering = Retailer.objects.filter(pk__in=inside, order_weekday=3, settlement="e_settlement", active=True)
    rows = CashSettlement.objects.filter(run=books.run).order_by("pk")
    assert set(rows.values_list("retailer", flat=True)) == set(ordering.values_list("pk", flat=True))
    assert rows.count() > 1
    driver = Person.objects.filter(job="driver").order_by("pk")[0]
    first, *others = rows
    cash.receive(first, amount_fen=90_000, receipt="R-7", actor=driver)
    for one in others:
        cash.not_used(one, actor=driver)

    # The warning turns yellow: resuming is proposed at once, long before the time; the office resumes.
    fast_forward("2h")
    milder = warning(drawn, town.clock.now(), colour="yellow", update=received.warning)
    assert incidents.receive_warning(milder, source="test").incident == received.incident
    run_until_quiet()
    assert Warning.objects.get(pk=received.warning.pk).replaced_by is not None
    assert story.at(town.clock.now()) == "11:00" and story.open()["resume-partial"] == "12:00"
    story.decides("resume-partial", "resume")
    assert not Stop.objects.filter(status=Stop.Status.HELD).exists()
    assert Suspension.objects.get().resumed_by == office
    made = {"requests": 1, "retailers": 1, "cartons": 31, "practised": False}
    assert story.result("replenish") == made
    assert set(SupplyRequest.objects.values_list("retailer__is_key", "path")) == {(True, "after_suspension")}
    story.does("deliver-key")

    # The books are closed only when what was paid has come in and adds up; then the event is closed.
    cash.pay_in(first, reference="K-1", actor=finance)
    cash.reconcile(books.run, paid_in_total_fen=90_000, actor=finance)
    run_until_quiet()
    assert cash.balance(books.run) == cash.Balance(0, 0, 0, len(others), 1, 90_000, 90_000)
    assert books.run.status == Run.Status.FINISHED
    story.does("confirm-restored")
    story.does("review")
    story.closes(office)
    assert story.fresh().status == "closed"
    assert_sound(story, books)


@pytest.mark.clause("E2.1b", "E2.2", "E3.2.1")
def test_most_of_the_city_is_a_major_event_with_public_notices(wednesday: Town) -> None:
    """The leading group decides, and television, radio and mobile get their words (E3.2.1)."""
    town = wednesday
    rows = list(Retailer.objects.values_list("longitude", "latitude"))
    west, east = min(row[0] for row in rows) - 0.01, max(row[0] for row in rows) + 0.01
    south, north = min(row[1] for row in rows) - 0.01, max(row[1] for row in rows) + 0.01
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    everywhere = {"type": "Polygon", "coordinates": [ring]}
    report = {"phenomenon": "rainstorm", "area": everywhere, "colour": "red"}
    story = town.report("severe-weather", report, actor=town.holder("delivery-center-head"))
    head = town.holder("leading-group-head")
    assert (story.incident.level, story.incident.affected_retailers) == ("MAJOR", 300)
    assert story.task("whole").holder == story.task("set-up-post").holder == head
    story.news()
    story.decides("whole", "suspend", reason="rainstorm", ends_at="2026-11-25T18:00:00+08:00")
    suspension = Suspension.objects.get()
    assert (suspension.scope, suspension.retailers.count(), suspension.decided_by) == ("whole", 300, head)
    assert sorted(suspension.public_notices.values_list("medium", flat=True)) == ["mobile", "radio", "tv"]
    assert "300 customers: service-suspended (sms)" in story.news()
    assert not CallList.objects.exists()
    assert {"hold-vans", "publish"} <= set(story.open())

    # All clear long before the time: the wait ends, and the commander decides on resumption.
    fast_forward("1h")
    incidents.declare_all_clear(story.fresh(), actor=head)
    run_until_quiet()
    assert story.open()["resume-whole"] == "11:00"


def test_an_exercise_of_the_weather_service_is_a_drill(wednesday: Town) -> None:
    area = District.objects.get(code=DISTRICT).outline
    received = incidents.receive_warning(warning(area, status="Exercise"), source="test")
    run_until_quiet()
    assert received.incident is not None and received.incident.drill
    told = Message.objects.exclude(
        notice__template="readiness-finding"
    )  # readiness of the town is no part of it
    assert set(told.values_list("notice__drill", flat=True)) == {True}
