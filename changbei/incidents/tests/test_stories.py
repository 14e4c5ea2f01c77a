"""Whole stories through the real plan: reports and warnings go in, people answer, the plan's actions run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from changbei.core import clock as core_clock
from changbei.core.clock import VirtualClock
from changbei.incidents import cap, cap_writer, services
from changbei.incidents.models import Incident, PublicNotice, Suspension
from changbei.incidents.tests import people
from changbei.journal.models import Entry
from changbei.network import loading
from changbei.network.city import City
from changbei.network.models import Product, Retailer, Stock
from changbei.notify import calls
from changbei.notify.models import Call, Message
from changbei.plans.services import adopt
from changbei.readiness.models import Review
from changbei.runs import services as runs
from changbei.runs.models import ActionCall, Task
from changbei.site.clockwork import fast_forward, run_until_quiet
from changbei.supply.models import SupplyRequest
from changbei.testing.city import SHIPPED
from changbei.testing.typhoon import typhoon_warning

CITY = {"zh-Hans": "示例市", "zh-Hant": "示例市", "en": "Sample City"}


@pytest.fixture
def city(transactional_db: None, small_city_plan: City, clock: VirtualClock, carrier: object) -> None:
    loading.load(small_city_plan)
    adopt(SHIPPED, actor=None)


def task(item: str) -> Task:
    found = Task.objects.select_related("run", "holder").get(item=item)
    assert found.holder is not None, item
    return found


def decide(item: str, option: str) -> None:
    one = task(item)
    runs.decide(one, option, actor=one.holder)  # type: ignore[arg-type]
    run_until_quiet()


def do(item: str, **result: object) -> None:
    """The holder does a task, with what it asks for."""
    one = task(item)
    for kind in one.evidence:
        runs.attach(one, kind, note="seen", actor=one.holder)  # type: ignore[arg-type]
    runs.complete(one, result, actor=one.holder)  # type: ignore[arg-type]
    run_until_quiet()


def no_action_failed() -> bool:
    return not ActionCall.objects.exclude(error="").exists()


def warn(identifier: str, **more: object) -> services.Received:
    given = {"area": people.box(), "sent": core_clock.now(), "city": CITY, "identifier": identifier} | more
    area = given.pop("area")
    warning = typhoon_warning(area, **given)  # type: ignore[arg-type]
    received = services.receive_warning(cap_writer.write(warning), source="test")
    run_until_quiet()
    return received


def test_a_typhoon_stops_the_whole_city_and_service_comes_back(city: None, clock: VirtualClock) -> None:
    Retailer.objects.filter(line__weekday=1, conduct="law_abiding", marked_prices=True).update(is_key=True)
    received = warn("W-1")
    incident = received.incident
    assert incident is not None and incident.level == "MAJOR"
    decide("whole", "suspend")

    suspension = Suspension.objects.get()
    assert (suspension.scope, suspension.decided_by) == ("whole", people.head())
    assert suspension.retailers.count() == 300
    told = Message.objects.filter(notice__template="service-suspended", retailer__isnull=False)
    assert (told.count(), set(told.values_list("state", flat=True))) == (300, {"delivered"})
    assert PublicNotice.objects.count() == 3
    assert no_action_failed()

    do("hold-vans")
    published = core_clock.now().isoformat()
    do("publish", tv_at=published, radio_at=published, mobile_at=published)

    clock.advance(timedelta(hours=5))
    first = received.warning
    reference = cap.Reference(first.sender, first.identifier, first.sent)  # type: ignore[arg-type]
    assert warn("W-2", msg_type="Cancel", references=[reference]).action == "end"
    fast_forward("1m")
    decide("resume-whole", "resume")
    suspension.refresh_from_db()
    assert (suspension.resumed_by, suspension.resumed_at) == (people.head(), clock.now())
    assert Message.objects.filter(notice__template="service-resumed", retailer__isnull=False).count() == 300
    assert PublicNotice.objects.count() == 6
    monday = Retailer.objects.filter(is_key=True, line__weekday=1).count()
    assert SupplyRequest.objects.filter(path="after_suspension", status="dispatched").count() == monday
    assert no_action_failed()


def test_a_part_of_the_city_is_phoned_customer_by_customer(city: None, clock: VirtualClock) -> None:
    small = people.box(Retailer.objects.filter(line__code="L01-1"), margin=0.0005)
    data = {"phenomenon": "rainstorm", "area": small, "colour": "yellow"}
    incident = services.report("severe-weather", data, actor=people.head(), source="web").incident
    run_until_quiet()
    assert incident.level == "LOCAL"
    decide("partial", "suspend")
    suspension = Suspension.objects.get()
    assert suspension.scope == "partial"
    assert Call.objects.count() == suspension.retailers.count() > 0
    assert task("calls").status == "open"
    for call in Call.objects.select_related("caller").order_by("pk"):
        calls.record_call(call, "reached", actor=call.caller)
    run_until_quiet()
    assert task("calls").status == "done"
    assert no_action_failed()


def demand(**more: object) -> dict[str, object]:
    Stock.objects.update(cartons=500)
    retailer = Retailer.objects.filter(conduct="law_abiding", marked_prices=True).order_by("pk")[0]
    product = Product.objects.filter(supply_class="general").order_by("pk")[0]
    lines = [{"product": product.code, "cartons": 20}]
    given = {
        "retailer": retailer.licence_no,
        "occasion": "wedding",
        "needed_on": "2026-11-28",
        "path": "planned",
    }
    return given | {"lines": lines} | more


def test_goods_for_a_wedding_join_the_regular_order(city: None) -> None:
    services.report("sudden-demand", demand(), actor=None, source="web")
    run_until_quiet()
    request = SupplyRequest.objects.get()
    assert request.status == "waiting"
    approval = task("approve-planned")
    assert approval.holder == people.holder("customer-service-head")
    runs.approve(approval, True, actor=approval.holder)  # type: ignore[arg-type]
    run_until_quiet()
    request.refresh_from_db()
    assert (request.status, request.decided_by) == ("merged", approval.holder)
    message = Message.objects.get(retailer=request.retailer, notice__template="demand-approved")
    assert message.state == "delivered"
    assert message.notice.body["en"].endswith("is approved, 20 cartons, expected on 30 Nov.")
    assert no_action_failed()


def test_a_special_case_is_verified_and_approved_by_two_people(city: None) -> None:
    services.report("sudden-demand", demand(path="special"), actor=None, source="web")
    run_until_quiet()
    for item in ("verify", "approve-special"):
        one = task(item)
        runs.approve(one, True, actor=one.holder)  # type: ignore[arg-type]
        run_until_quiet()
    request = SupplyRequest.objects.get()
    assert (request.status, request.decided_by) == ("dispatched", task("approve-special").done_by)
    assert task("verify").done_by != task("approve-special").done_by
    assert sum(Stock.objects.values_list("cartons", flat=True)) == 500 * Stock.objects.count() - 20
    assert no_action_failed()


def test_scarce_goods_are_refused_with_the_reason(city: None) -> None:
    scarce = Product.objects.filter(supply_class="scarce").order_by("pk")[0]
    lines = [{"product": scarce.code, "cartons": 2}]
    services.report("sudden-demand", demand(lines=lines), actor=None, source="web")
    run_until_quiet()
    request = SupplyRequest.objects.get()
    assert request.status == "refused"
    message = Message.objects.get(retailer=request.retailer, notice__template="demand-refused")
    assert "scarce goods" in message.notice.body["en"]
    assert not Task.objects.filter(item__startswith="approve").exists()
    assert no_action_failed()


def test_ordering_fails_customers_of_the_day_are_told_and_it_comes_back(
    city: None, clock: VirtualClock
) -> None:
    services.report("ordering-system-down", people.ordering_down(), actor=None, source="web")
    run_until_quiet()
    decide("standby", "failed")
    incident = Incident.objects.get()
    assert incident.outage.fallback == "phone"
    monday = Retailer.objects.filter(active=True, order_weekday=1).count()
    assert Message.objects.filter(notice__template="order-by-phone", retailer__isnull=False).count() == monday
    assert Message.objects.filter(notice__template="vendor-called", contact__isnull=False).count() == 1
    assert no_action_failed()
    clock.advance(timedelta(hours=2))
    now = core_clock.now().isoformat()
    do("reach-vendor", case_number="42")
    do("vendor-mends", mended_at=now)
    do("confirm-restored", back_at=now)
    incident.refresh_from_db()
    assert (incident.status, incident.restored_at) == ("restored", core_clock.now())
    services.close(incident, reason="story ends", actor=people.head())
    run_until_quiet()
    assert Review.objects.get().content["interruption_seconds"] == 7800
    assert Entry.objects.filter(kind="readiness.review_made").count() == 1
