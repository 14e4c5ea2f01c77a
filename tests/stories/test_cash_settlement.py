"""A rainstorm on the order day: who cannot reach the bank settles in cash, on record, until it is closed (E3.2.4)."""

from __future__ import annotations

from typing import Any

import pytest

from changbei.core.errors import Conflict, Invalid, NotAllowed
from changbei.incidents import settling
from changbei.network.models import Retailer
from changbei.people.models import Person
from changbei.plans.plain import canonical
from changbei.runs import services as runs
from changbei.runs.models import Run, Task
from changbei.site.clockwork import fast_forward, run_until_quiet
from changbei.supply import cash
from changbei.supply.models import CashSettlement
from tests.stories.telling import Story, Town, assert_sound

MONDAY = 1


def concerned() -> list[Retailer]:
    """Customers of one line who order today and settle electronically."""
    today = Retailer.objects.filter(order_weekday=MONDAY, settlement="e_settlement", active=True)
    line = today.order_by("pk")[0].line
    return list(today.filter(line=line).order_by("line_id", "line_sequence"))


def around(shops: list[Retailer]) -> dict[str, Any]:
    west, east = min(one.longitude for one in shops), max(one.longitude for one in shops)
    south, north = min(one.latitude for one in shops), max(one.latitude for one in shops)
    edge = 1e-6
    ring = [[west - edge, south - edge], [east + edge, south - edge], [east + edge, north + edge]]
    ring += [[west - edge, north + edge], ring[0]]
    return {"type": "Polygon", "coordinates": [ring]}


def rain(town: Town, shops: list[Retailer]) -> Story:
    report = {"phenomenon": "rainstorm", "area": around(shops)}
    return town.report("severe-weather", report, actor=town.holder("delivery-center-head"))


def expected(story: Story) -> list[str]:
    event = settling.weather_event(story.run)
    inside = Retailer.objects.filter(pk__in=event.affected, order_weekday=MONDAY, settlement="e_settlement")
    return sorted(inside.values_list("licence_no", flat=True))


def settle(verb: Any, *args: Any, **more: Any) -> Any:
    found = verb(*args, **more)
    run_until_quiet()
    return found


@pytest.mark.clause("E3.2.4", "E2.7")
def test_those_the_weather_keeps_from_the_bank_pay_in_cash_until_it_is_closed(town: Town) -> None:
    finance, shops = town.holder("finance-head"), concerned()
    storm = rain(town, shops)
    story = town.report("cash-settlement", {"reason": "road_cut"}, actor=shops[0].customer_manager)
    found = story.result("find")
    assert (found["event"], found["order_day"]) == (storm.incident.number, "2026-11-23")
    assert sorted(found["customers"]) == expected(story)
    assert {one.licence_no for one in shops} <= set(found["customers"])
    assert story.open() == {"decide": "10:10"}

    # Finance allows it for the whole list: each customer on record for this day, and told.
    story.decides("decide", "all")
    rows = CashSettlement.objects.order_by("pk")
    assert rows.count() == found["retailers"] == len(found["customers"])
    assert set(rows.values_list("status", "order_day", "event", "allowed_by__staff_no")) == {
        ("allowed", rows[0].order_day, storm.incident.number, finance.staff_no)
    }
    assert f"{found['retailers']} customers: cash-allowed (sms)" in story.news()
    assert story.open() == {"close": "11-25 09:40"}

    # One pays the driver, one turns out to have paid electronically.
    driver = Person.objects.filter(job="driver").order_by("pk")[0]
    first, *others = list(rows)
    with pytest.raises(Invalid, match="receipt"):
        cash.receive(first, amount_fen=150_000, receipt=" ", actor=driver)
    settle(cash.receive, first, amount_fen=150_000, receipt="R-1", actor=driver)
    settle(cash.receive, first, amount_fen=150_000, receipt="R-1", actor=driver)
    with pytest.raises(Conflict):
        cash.receive(first, amount_fen=160_000, receipt="R-2", actor=driver)
    for one in others:
        cash.not_used(one, actor=driver)

    # The driver does not book money in; and nothing is closed while it is out, or does not add up.
    with pytest.raises(NotAllowed):
        cash.pay_in(first, reference="K-9", actor=driver)
    with pytest.raises(Conflict, match="not paid in yet"):
        cash.reconcile(story.run, paid_in_total_fen=150_000, actor=finance)
    with pytest.raises(Conflict):
        runs.complete(story.task("close"), actor=finance)
    settle(cash.pay_in, first, reference="K-9", actor=finance)
    with pytest.raises(Invalid, match="differ"):
        cash.reconcile(story.run, paid_in_total_fen=140_000, actor=finance)
    settle(cash.reconcile, story.run, paid_in_total_fen=150_000, actor=finance)
    assert cash.balance(story.run) == cash.Balance(0, 0, 0, len(others), 1, 150_000, 150_000)
    assert story.fresh().status == "restored"
    with pytest.raises(Conflict, match="closed"):
        cash.not_used(first, actor=finance)
    story.closes(town.holder("leading-group-office"))
    run = story.run  # the storm goes on and keeps its own reminders
    assert (run.status, run.state["notes"]) == ("finished", [])
    assert canonical(runs.replayed(run)) == canonical(run.state)


@pytest.mark.clause("E3.2.4")
def test_only_who_is_named_and_only_who_qualifies(town: Town) -> None:
    service, shops = town.holder("customer-service-head"), concerned()
    rain(town, shops)
    story = town.report("cash-settlement", {"reason": "network_down"}, actor=service)
    story.decides("decide", "named")
    assert story.open() == {"name": "11:40"}
    assert not CashSettlement.objects.exists()

    # Who orders on another day, is outside the area, or pays in cash anyway is refused, and then nobody is allowed.
    event = settling.weather_event(story.run)
    tomorrow = Retailer.objects.filter(order_weekday=2).exclude(pk__in=event.affected)[0]
    with pytest.raises(Invalid) as error:
        cash.allow(story.run, [shops[0], tomorrow], event, allowed_by=None, actor=service)
    assert [(one.field, one.message) for one in error.value.problems][:2] == [
        (f"customers.{tomorrow.licence_no}", "not-order-day"),
        (f"customers.{tomorrow.licence_no}", "not-affected"),
    ]
    assert not CashSettlement.objects.exists()

    assert settle(cash.allow, story.run, shops[:2], event, allowed_by=None, actor=service) == 2
    assert settle(cash.allow, story.run, shops[:2], event, allowed_by=None, actor=service) == 0
    settle(cash.close_names, story.run, actor=service)
    assert story.open() == {"close": "11-25 09:40"}
    assert "2 customers: cash-allowed (sms)" in story.news()


@pytest.mark.clause("E3.2.4")
def test_without_weather_nobody_settles_in_cash(town: Town) -> None:
    service = town.holder("customer-service-head")
    story = town.report("cash-settlement", {"reason": "other"}, actor=service)
    assert story.result("find") == {"event": "", "order_day": "2026-11-23", "retailers": 0, "customers": []}
    assert story.open() == {"explain": "13:40"}
    shop = concerned()[0]
    with pytest.raises(Invalid, match="no-weather"):
        cash.allow(story.run, [shop], settling.weather_event(story.run), allowed_by=None, actor=service)
    story.does("explain")
    assert_sound(story)


@pytest.mark.clause("E3.2.4")
def test_the_storm_itself_starts_it_when_finance_says_that_the_bank_cannot_be_reached(town: Town) -> None:
    shops = concerned()
    storm = rain(town, shops)
    storm.does("report-finance", bank_unreachable="road_cut")
    run = Run.objects.get(procedure="cash-settlement")
    assert run.incident == storm.incident.uuid
    decision = Task.objects.select_related("run", "holder").get(run=run, item="decide")
    assert decision.holder == town.holder("finance-head")
    runs.decide(decision, "all", actor=town.holder("finance-head"))
    run_until_quiet()
    rows = CashSettlement.objects.filter(run=run)
    assert set(rows.values_list("event", flat=True)) == {storm.incident.number}
    assert {one.pk for one in shops} <= set(rows.values_list("retailer_id", flat=True))
    assert storm.fresh().status == "open"  # its own affair goes on


@pytest.mark.clause("E3.2.4")
def test_a_deadline_that_passes_is_escalated(town: Town) -> None:
    shops = concerned()
    rain(town, shops)
    story = town.report("cash-settlement", {"reason": "bank_closed"}, actor=shops[0].customer_manager)
    story.decides("decide", "all")
    story.sees("close")
    fast_forward("2d")
    fast_forward("5m")
    assert story.escalations()[-1] == "11-25 09:40 close due → office"
