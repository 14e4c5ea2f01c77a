"""Service is suspended and resumed, and everybody concerned is told (E3.2.1, E3.2.2, E3.2.5)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from changbei.core import clock as core_clock
from changbei.core.clock import LOCAL, VirtualClock
from changbei.core.errors import Conflict, Invalid, NotAllowed
from changbei.delivery.adjusting import LineChoice
from changbei.delivery.models import DeliveryDay, Stop, Tour
from changbei.incidents import holding, replenishing, services, suspensions
from changbei.incidents.models import Incident, PublicNotice, SuspendedRetailer, Suspension
from changbei.incidents.services.customers import Told, affected
from changbei.incidents.tests import people
from changbei.journal.models import Entry
from changbei.network import selectors as network
from changbei.network.models import Line, Retailer, Stock
from changbei.notify.models import Call, CallList, Message
from changbei.supply.models import SupplyRequest

pytestmark = pytest.mark.usefixtures("plan")


def hour(at: int, day: int = 23) -> datetime:
    return datetime(2026, 11, day, at, tzinfo=LOCAL)


def part() -> dict[str, Any]:
    """A rectangle round the customers of one line."""
    line = Line.objects.order_by("pk")[0]
    return people.box(Retailer.objects.filter(line=line), margin=0.0005)


def suspend(incident: Incident, area: dict[str, Any], **more: Any) -> Suspension:
    given = {"starts_at": hour(10), "ends_at": hour(20), "reason": "台风", "actor": people.head()} | more
    return services.suspend(incident, area=area, **given)


def deliver_today(retailers: list[Retailer], at: list[datetime]) -> DeliveryDay:
    """A delivery day with one tour that calls at these customers at these times."""
    today = core_clock.local_now().date()
    day = DeliveryDay.objects.create(date=today)
    line = retailers[0].line
    tour = Tour.objects.create(
        day=day, line=line, site=line.site, vehicle=line.vehicle, departs_at=hour(8), shift_ends_at=hour(18)
    )
    for number, (retailer, moment) in enumerate(zip(retailers, at, strict=True), start=1):
        Stop.objects.create(
            tour=tour,
            day=day,
            retailer=retailer,
            sequence=number,
            cartons=5,
            service_seconds=60,
            planned_at=moment,
        )
    return day


def test_the_customers_of_the_area_are_frozen(typhoon: Incident) -> None:
    area = part()
    expected = set(network.retailer_ids_in(area))
    suspension = suspend(typhoon, area)
    frozen = set(
        SuspendedRetailer.objects.filter(suspension=suspension).values_list("retailer_id", flat=True)
    )
    assert frozen == expected and 0 < len(frozen) < 150
    Retailer.objects.filter(pk__in=expected).update(longitude=0.0)
    assert suspension.retailers.count() == len(expected)


def test_the_share_decides_between_whole_and_partial(typhoon: Incident) -> None:
    assert suspend(typhoon, part()).scope == "partial"
    whole = suspend(typhoon, people.box())
    assert whole.scope == "whole"
    entries = Entry.objects.filter(kind="incidents.service_suspended").order_by("id")
    assert [(entry.clause, entry.data["retailers"]) for entry in entries][1] == ("E3.2.1", 300)
    assert entries[0].clause == "E3.2.2"
    assert whole.decided_by == people.head()


@pytest.mark.parametrize(
    "change,fields",
    [
        ({"ends_at": hour(9)}, ["ends_at"]),
        ({"reason": " "}, ["reason"]),
        ({"scope": "half"}, ["scope"]),
    ],
)
def test_what_is_no_suspension(typhoon: Incident, change: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(Invalid) as error:
        suspend(typhoon, people.box(), **change)
    assert [problem.field for problem in error.value.problems] == fields
    assert not Suspension.objects.exists()


def test_an_area_without_customers_is_refused(typhoon: Incident) -> None:
    sea = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
    with pytest.raises(Invalid) as error:
        suspend(typhoon, sea)
    assert [problem.field for problem in error.value.problems] == ["area"]


def test_customers_who_read_the_message_are_told(typhoon: Incident) -> None:
    suspension = suspend(typhoon, people.box())
    services.notify_customers(
        typhoon, "service-suspended", audience="suspension", suspension=suspension, actor=None
    )
    suspension.refresh_from_db()
    sent = Message.objects.filter(notice__uuid=suspension.notice)
    sent.update(state="read")
    assert suspensions.tracked(suspension)["told"] == 300
    sent.update(state="expired")
    assert suspensions.tracked(suspension)["unreached"] == 300


def test_who_may_not_suspend(typhoon: Incident) -> None:
    with pytest.raises(NotAllowed):
        suspend(typhoon, people.box(), actor=people.van().keeper)
    assert not Suspension.objects.exists()


def test_deliveries_that_fall_into_the_time_are_held_and_released(typhoon: Incident) -> None:
    line = Line.objects.order_by("pk")[0]
    customers = list(Retailer.objects.filter(line=line).select_related("line__site", "line__vehicle")[:3])
    day = deliver_today(customers, [hour(9), hour(11), hour(21)])
    suspension = suspend(typhoon, people.box())
    assert list(Stop.objects.order_by("sequence").values_list("status", flat=True)) == [
        "planned",
        "held",
        "planned",
    ]
    day.refresh_from_db()
    assert day.version == 2
    services.extend(suspension, hour(23), actor=people.head())
    assert list(Stop.objects.order_by("sequence").values_list("status", flat=True)) == [
        "planned",
        "held",
        "held",
    ]
    services.resume(suspension, actor=people.head())
    assert set(Stop.objects.values_list("status", flat=True)) == {"planned"}
    assert Entry.objects.get(kind="incidents.service_resumed").data["stops_released"] == 2


def test_a_customer_of_two_suspensions_waits_for_both(typhoon: Incident) -> None:
    line = Line.objects.order_by("pk")[0]
    customers = list(Retailer.objects.filter(line=line).select_related("line__site", "line__vehicle")[:2])
    deliver_today(customers, [hour(11), hour(12)])
    whole = suspend(typhoon, people.box(), starts_at=hour(9))
    small = people.box(Retailer.objects.filter(pk=customers[0].pk), margin=0.00001)
    suspend(typhoon, small, starts_at=hour(9))
    services.resume(whole, actor=people.head())
    states = dict(Stop.objects.values_list("retailer_id", "status"))
    assert states == {customers[0].pk: "held", customers[1].pk: "planned"}


def test_what_a_later_suspension_of_the_day_holds_is_not_released(typhoon: Incident) -> None:
    line = Line.objects.order_by("pk")[0]
    customers = list(Retailer.objects.filter(line=line).select_related("line__site", "line__vehicle")[:2])
    deliver_today(customers, [hour(11), hour(16)])
    morning = suspend(typhoon, people.box(), starts_at=hour(9), ends_at=hour(14))
    suspend(typhoon, people.box(), starts_at=hour(15), ends_at=hour(20))
    services.resume(morning, actor=people.head())
    assert list(Stop.objects.order_by("sequence").values_list("status", flat=True)) == ["planned", "held"]


def test_a_line_on_hold_waits_although_service_is_resumed(typhoon: Incident) -> None:
    line = Line.objects.order_by("pk")[0]
    customers = list(Retailer.objects.filter(line=line).select_related("line__site", "line__vehicle")[:2])
    deliver_today(customers, [hour(11), hour(21)])
    choice = LineChoice(Tour.objects.get().pk, "hold")
    services.decide_lines(typhoon, [choice], review_at=hour(22), actor=people.head())
    services.resume(suspend(typhoon, people.box()), actor=people.head())
    assert set(Stop.objects.values_list("status", flat=True)) == {"held"}
    assert Entry.objects.get(kind="incidents.service_resumed").data["stops_released"] == 0
    services.end_hold(typhoon, "go", actor=people.head())
    assert set(Stop.objects.values_list("status", flat=True)) == {"planned"}


@pytest.mark.parametrize("measure", ["go", "later"])
def test_a_line_that_goes_does_not_drive_where_service_is_suspended(typhoon: Incident, measure: str) -> None:
    """The line was on hold before; the customer inside waits for the suspension, and is not told otherwise."""
    line = Line.objects.order_by("pk")[0]
    customers = list(Retailer.objects.filter(line=line).select_related("line__site", "line__vehicle")[:2])
    deliver_today(customers, [hour(11), hour(21)])
    tour = Tour.objects.get()
    services.decide_lines(typhoon, [LineChoice(tour.pk, "hold")], review_at=hour(22), actor=people.head())
    suspension = suspend(typhoon, people.box())
    (made,) = services.decide_lines(typhoon, [LineChoice(tour.pk, measure, 30)], actor=people.head())
    assert list(tour.stops.order_by("sequence").values_list("status", flat=True)) == ["held", "planned"]
    assert [one.retailer for one in made.retailers.all()] == [customers[1]]
    services.resume(suspension, actor=people.head())
    assert set(tour.stops.values_list("status", flat=True)) == {"planned"}


def test_a_day_planned_later_is_held_as_well(typhoon: Incident, clock: VirtualClock) -> None:
    suspend(typhoon, people.box(), ends_at=hour(18, day=24))
    clock.advance_to(hour(7, day=24))
    line = Line.objects.order_by("pk")[0]
    customers = list(Retailer.objects.filter(line=line).select_related("line__site", "line__vehicle")[:1])
    deliver_today(customers, [hour(11, day=24)])
    assert holding.hold_today() == 1
    assert holding.hold_today() == 0
    assert Stop.objects.get().status == "held"


def test_resuming_twice_is_refused_and_a_review_time_only_moves_on(typhoon: Incident) -> None:
    suspension = suspend(typhoon, part())
    with pytest.raises(Invalid):
        services.extend(suspension, hour(19), actor=people.head())
    services.resume(suspension, actor=people.head())
    with pytest.raises(Conflict):
        services.resume(suspension, actor=people.head())
    with pytest.raises(Conflict):
        services.extend(suspension, hour(23), actor=people.head())


def test_a_suspension_that_ran_out_is_extended_beyond_now(typhoon: Incident, clock: VirtualClock) -> None:
    suspension = suspend(typhoon, part(), ends_at=hour(11))
    clock.advance_to(hour(17))
    with pytest.raises(Invalid) as error:
        services.extend(suspension, hour(12), actor=people.head())
    assert [problem.field for problem in error.value.problems] == ["ends_at"]
    assert services.extend(suspension, hour(18), actor=people.head()).ends_at == hour(18)


def test_no_incident_is_closed_while_service_is_suspended(typhoon: Incident) -> None:
    suspension = suspend(typhoon, part())
    with pytest.raises(Conflict, match="still suspended"):
        services.close(typhoon, reason="x", actor=people.head())
    services.resume(suspension, actor=people.head())
    services.close(typhoon, reason="x", actor=people.head())
    typhoon.refresh_from_db()
    assert typhoon.status == "closed"


def test_no_incident_is_closed_while_lines_are_on_hold(typhoon: Incident) -> None:
    shop = Retailer.objects.select_related("line__site", "line__vehicle").order_by("pk")[0]
    deliver_today([shop], [hour(11)])
    choice = LineChoice(Tour.objects.get().pk, "hold")
    services.decide_lines(typhoon, [choice], review_at=hour(12), actor=people.head())
    with pytest.raises(Conflict, match="lines are still on hold"):
        services.close(typhoon, reason="x", actor=people.head())
    services.end_hold(typhoon, "go", actor=people.head())
    services.close(typhoon, reason="x", actor=people.head())
    typhoon.refresh_from_db()
    assert (typhoon.status, Stop.objects.get().status) == ("closed", "planned")


def tell(suspension: Suspension) -> Told:
    """Each customer of the suspension is told of it."""
    return services.notify_customers(
        suspension.incident,
        "service-suspended",
        audience="suspension",
        suspension=suspension,
        item="tell-customers",
        actor=None,
    )


def test_every_customer_gets_one_tracked_message(typhoon: Incident, settings: Any) -> None:
    settings.CONFIRM_LINKS = True
    suspension = suspend(typhoon, people.box())
    told = tell(suspension)
    assert (told.told, told.unreachable) == (300, 0)
    messages = Message.objects.filter(notice=told.notice)
    assert messages.values("retailer").distinct().count() == 300
    suspension.refresh_from_db()
    assert suspension.notice == told.notice.uuid
    assert told.notice.personal == ["retailer"]
    own = messages.select_related("retailer").order_by("pk")[0]
    assert own.retailer is not None and own.values == {"retailer": own.retailer.name}
    body = told.notice.general_body["en"]
    assert "from 23 Nov 10:00 to 20:00 the same day" in body and "台风" in body
    assert "{" not in body and "—" not in body
    assert "/next/" in body  # where each sees the own next delivery


def test_nobody_gets_an_address_that_only_the_server_itself_reaches(typhoon: Incident) -> None:
    suspension = suspend(typhoon, people.box())
    told = tell(suspension)
    assert told.notice.body["en"].endswith("Stay safe.") and told.notice.body["zh-Hans"].endswith(
        "请注意安全。"
    )


def test_the_database_keeps_no_suspension_without_a_review_time(typhoon: Incident) -> None:
    suspension = suspend(typhoon, people.box())
    for ends_at in (None, suspension.starts_at, suspension.starts_at - timedelta(hours=1)):
        with pytest.raises(IntegrityError), transaction.atomic():
            Suspension.objects.filter(pk=suspension.pk).update(ends_at=ends_at)
    with pytest.raises(IntegrityError), transaction.atomic():
        Suspension.objects.filter(pk=suspension.pk).update(
            resumed_at=suspension.decided_at - timedelta(hours=1)
        )


def test_a_customer_without_a_number_is_counted_as_unreachable(typhoon: Incident) -> None:
    Retailer.objects.filter(pk=Retailer.objects.order_by("pk")[0].pk).update(phone="")
    told = services.notify_customers(
        typhoon, "service-suspended", audience="area", area=people.box(), actor=None
    )
    assert (told.told, told.unreachable) == (299, 1)


def test_todays_order_day(typhoon: Incident) -> None:
    monday = Retailer.objects.filter(active=True, order_weekday=1).count()
    told = services.notify_customers(typhoon, "order-by-phone", audience="order_day", actor=None)
    assert told.told == monday > 0


def test_an_audience_that_is_none(typhoon: Incident) -> None:
    with pytest.raises(Invalid):
        services.notify_customers(typhoon, "service-changed", audience="everybody", actor=None)


def test_the_customer_managers_get_one_call_per_customer(typhoon: Incident) -> None:
    suspension = suspend(typhoon, part())
    made = services.make_call_list(
        suspension, script="call-script-suspended", template="call-list-callers", item="call-list", actor=None
    )
    assert CallList.objects.get() == made
    assert Call.objects.count() == suspension.retailers.count()
    callers = set(Call.objects.values_list("caller_id", flat=True))
    told = Message.objects.filter(notice__template="call-list-callers", channel="inbox")
    assert set(told.values_list("person_id", flat=True)) == callers
    one = told.order_by("pk")[0]
    assert one.notice.body["en"].startswith(
        f"INC-0001: please phone each of your {one.person.calls.count()} customers"
    )  # type: ignore[union-attr]
    suspension.refresh_from_db()
    assert suspension.call_list == made.uuid
    services.resume(suspension, actor=people.head())
    made.refresh_from_db()
    assert made.finished_at is not None
    assert Entry.objects.get(kind="notify.calls_ended").data["left"] == suspension.retailers.count()


def test_words_for_the_public_are_made_once(typhoon: Incident) -> None:
    suspension = suspend(typhoon, people.box())
    first = services.public_notice(suspension, "public-suspended", actor=None)
    again = services.public_notice(suspension, "public-suspended", actor=None)
    assert [notice.medium for notice in first] == ["tv", "radio", "mobile"]
    assert first == again and PublicNotice.objects.count() == 3
    assert all("{" not in text and "—" not in text for notice in first for text in notice.text.values())


def test_outside_contacts(typhoon: Incident) -> None:
    notice = services.tell_contacts(
        typhoon, "vendor-called", group="vendor", serves="ordering-system", actor=None
    )
    assert notice is not None
    assert [message.contact.code for message in notice.messages.all()] == ["vendor-order-system"]  # type: ignore[union-attr]
    assert (
        services.tell_contacts(typhoon, "vendor-called", group="vendor", serves="nothing", actor=None) is None
    )
    assert Entry.objects.get(kind="incidents.contact_missing").data == {
        "group": "vendor",
        "serves": "nothing",
    }


def test_what_an_area_concerns(typhoon: Incident) -> None:
    found = affected(typhoon, people.box())
    assert (found.retailers, found.total, found.share) == (300, 300, 1.0)
    assert found.key == Retailer.objects.filter(is_key=True).count()
    assert found.orders_today == Retailer.objects.filter(order_weekday=1).count()
    assert found.managers == Retailer.objects.values("customer_manager").distinct().count()
    assert found.stops_today == 0


# --- afterwards ---


def key_customers(count: int) -> list[Retailer]:
    """Make this many of Monday's law-abiding customers key customers."""
    good = Retailer.objects.filter(line__weekday=1, conduct="law_abiding", marked_prices=True).order_by("pk")
    chosen = list(good.values_list("pk", flat=True)[:count])
    Retailer.objects.filter(pk__in=chosen).update(is_key=True)
    return list(
        Retailer.objects.filter(pk__in=chosen).select_related("line__site", "line__vehicle").order_by("pk")
    )


def test_key_customers_who_missed_a_delivery_are_replenished(typhoon: Incident, clock: VirtualClock) -> None:
    key, plain = key_customers(2), Retailer.objects.filter(is_key=False, line__weekday=1).order_by("pk")[0]
    deliver_today([key[0], key[1], plain], [hour(11), hour(21), hour(12)])
    suspension = suspend(typhoon, people.box())
    before = sum(Stock.objects.values_list("cartons", flat=True))
    clock.advance_to(hour(13))
    suspension = services.resume(suspension, actor=people.head())
    assert [one.pk for one in replenishing.missed_delivery(suspension)] == [key[0].pk]
    made = replenishing.replenish_key_customers(suspension, actor=None)
    assert (made.requests, made.retailers, made.cartons) == (1, 1, key[0].usual_cartons)
    request = SupplyRequest.objects.get()
    assert (request.number, request.retailer, request.path, request.status) == (
        "SUP-0001",
        key[0],
        "after_suspension",
        "dispatched",
    )
    assert request.decided_by == people.head()
    assert request.deliver_on == core_clock.local_now().date()
    assert sum(Stock.objects.values_list("cartons", flat=True)) == before - key[0].usual_cartons
    assert set(request.lines.values_list("product__supply_class", flat=True)) == {"general"}
    assert replenishing.replenish_key_customers(suspension, actor=None) == made
    assert SupplyRequest.objects.count() == 1


def test_without_a_planned_day_the_line_says_who_missed_a_delivery(
    typhoon: Incident, clock: VirtualClock
) -> None:
    Retailer.objects.update(is_key=False)
    monday = key_customers(3)
    suspension = suspend(typhoon, people.box())
    clock.advance(timedelta(hours=6))
    suspension = services.resume(suspension, actor=people.head())
    assert [one.pk for one in replenishing.missed_delivery(suspension)] == [one.pk for one in monday]
