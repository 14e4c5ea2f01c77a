"""Goods are short, or do not come: an early warning, the survey, the measure; substitutes of the price class (E3.5)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from changbei.core.errors import Conflict, Invalid, NotAllowed
from changbei.network.models import Product, Shipment, Site, Stock, WeeklyDemand
from changbei.plans.loading import pack_for
from changbei.plans.models import PlanVersion
from changbei.readiness import services as readiness
from changbei.readiness.models import Finding
from changbei.site.clockwork import run_until_quiet
from changbei.supply import early
from changbei.supply.models import SupplyWarning
from tests.stories.telling import Story, Town, assert_sound

MONDAY = date(2026, 11, 23)


def scene() -> Product:
    """Every product has ten weeks of stock and nothing under way, but the first ordinary one: half a week."""
    Shipment.objects.all().delete()
    WeeklyDemand.objects.all().delete()
    Stock.objects.all().delete()
    center = Site.objects.get(kind="delivery_center")
    products = list(Product.objects.filter(active=True).order_by("code"))
    missing = next(one for one in products if one.supply_class == "general")
    for one in products:
        Stock.objects.create(site=center, product=one, cartons=50 if one == missing else 1_000)
        for back in range(1, 5):
            week = MONDAY - timedelta(weeks=back)
            WeeklyDemand.objects.create(
                product=one, week_starts_on=week, asked_cartons=100, supplied_cartons=100
            )
    return missing


def complain(product: Product, times: int) -> None:
    WeeklyDemand.objects.filter(product=product, week_starts_on=MONDAY - timedelta(weeks=1)).update(
        complaints=times
    )


def standing() -> list[tuple[str, str, str]]:
    return list(early.standing().values_list("kind", "subject", "proposal"))


def look() -> early.Looked:
    return early.look(pack_for(PlanVersion.objects.get(pack="customer-service-emergency", in_force=True)))


def shipment(town: Town, product: Product, **more: Any) -> Shipment:
    buyer = town.holder("procurement-head")
    made = early.record_shipment(
        product,
        site=Site.objects.get(kind="delivery_center"),
        cartons=300,
        ordered_on=MONDAY - timedelta(days=13),
        due_on=MONDAY + timedelta(days=1),
        actor=buyer,
    )
    return early.expect(
        made, expected_on=MONDAY + timedelta(days=6), delay=more.get("delay", "factory"), actor=buyer
    )


def expected(goods: Shipment) -> tuple[date, str]:
    return Shipment.objects.values_list("expected_on", "delay").get(pk=goods.pk)


def moved(story: Story) -> list[dict[str, Any]]:
    """What the journal says of goods that come on another day."""
    return [data for _kind, _by, data in story.facts("supply.shipment_expected")]


def late(town: Town, product: Product, goods: Shipment, cause: str) -> Story:
    report = {"kind": "late", "product": product.code, "shipment": goods.number, "cause": cause}
    return town.report("supply-anomaly", report, actor=town.holder("procurement-head"))


@pytest.mark.clause("E3.5.1", "E3.5.2a")
def test_a_brand_is_short_the_market_is_surveyed_and_the_transfer_plan_adjusted(town: Town) -> None:
    product = scene()
    assert look() == early.Looked(1, 0, 1)
    assert standing() == [("brand_short", product.code, "survey")]
    complain(product, 5)
    assert look() == early.Looked(0, 0, 1)
    assert standing() == [("brand_short", product.code, "adjust_transfer")]

    # The check of the plan names it until somebody deals with it, and tells purchasing and marketing.
    readiness.run_checks(actor=None)
    found = Finding.objects.get(check_id="supply-warnings", mended_at=None)
    assert (found.subject, found.clause) == (f"brand_short:{product.code}", "E3.5.2a")
    assert found.text["en"] == (
        f"{product.name['en']} is short: 50 cartons in store, 0 under way, enough for 0.5 weeks; 5 complaints."
    )
    story = town.report(
        "supply-anomaly",
        {"kind": "brand_short", "product": product.code},
        actor=town.holder("procurement-head"),
    )
    assert story.result("take-up") == {"taken": 1}
    assert SupplyWarning.objects.get().incident == story.incident.uuid
    readiness.run_checks(actor=None)
    assert not Finding.objects.filter(check_id="supply-warnings", mended_at=None).exists()
    looked = story.result("look")
    assert (looked["stock"], looked["cover_weeks"], looked["proposal"]) == (50, 0.5, "adjust_transfer")
    assert story.open() == {"survey": "11-25 09:40"}  # nothing is decided before the survey

    with pytest.raises(Invalid):
        story.does("survey", finding="brand_short", asked=0)
    story.does("survey", finding="brand_short", asked=30)
    assert story.open() == {"measure": "13:40"}
    story.decides("measure", "adjust-transfer")
    assert story.open() == {"adjust-transfer": "11-24 09:40"}
    story.does("adjust-transfer", cartons=400, expected_on="2026-11-27")
    story.does("confirm-balanced")
    assert story.fresh().status == "restored"
    story.does("review")
    story.closes(town.holder("leading-group-office"))
    assert_sound(story)


@pytest.mark.clause("E3.5.2a")
@pytest.mark.parametrize(
    "kind,measure,task,told",
    [
        ("total_short", "ask-province", "ask-province", "province-marketing: province-asked (sms)"),
        ("quality", "contact-factory", "contact-factory", "m01-area: factory-quality (sms)"),
        ("slow", "adjust-plan", "adjust-plan", ""),
    ],
)
def test_what_the_survey_finds_leads_to_its_measure(
    town: Town, kind: str, measure: str, task: str, told: str
) -> None:
    product = scene()
    report = {"kind": kind} | ({} if kind == "total_short" else {"product": product.code})
    story = town.report("supply-anomaly", report, actor=town.holder("procurement-head"))
    story.does("survey", finding=kind, asked=12)
    story.news()
    story.decides("measure", measure)
    assert list(story.open()) == [task]
    outside = [line for line in story.news() if told and line.startswith(told.split(":")[0])]
    assert outside == ([told] if told else [])


@pytest.mark.clause("E3.5.2b")
def test_a_late_factory_is_pressed_and_substitutes_of_the_price_class_fill_the_gap(town: Town) -> None:
    product = scene()
    goods = shipment(town, product)
    assert look() == early.Looked(1, 0, 1)  # late; with what comes in six days it is not short
    story = late(town, product, goods, "factory")
    arrival = story.result("arrival")
    assert (arrival["in_cycle"], arrival["days_late"], arrival["cartons"]) == (False, 5, 300)
    assert arrival["manufacturer"] == product.manufacturer.code
    assert [line for line in story.news() if "factory-pressed" in line] == ["m01-area: factory-pressed (sms)"]
    assert story.open() == {"press": "13:40"}

    # What the factory promises is what is awaited from now on, and what the warning says.
    story.does("press", in_cycle=False, expected_on="2026-12-02")
    assert expected(goods) == (date(2026, 12, 2), "factory")
    assert SupplyWarning.objects.get(over_at=None).figures["expected_on"] == "2026-12-02"
    story.decides("send", "send")
    story.does("at-factory", in_cycle=False, expected_on="2026-11-29")
    assert expected(goods) == (date(2026, 11, 29), "factory")
    days = [(data["expected_before"], data["expected_on"]) for data in moved(story)]
    assert days == [("2026-11-29", "2026-12-02"), ("2026-12-02", "2026-11-29")]
    found = story.result("find")
    assert 0 < found["found"] <= 5
    best = Product.objects.get(code=found["best"])
    assert (best.price_class, best.supply_class) == (product.price_class, "general")
    rivals = Product.objects.filter(price_class=product.price_class, supply_class="general", active=True)
    nearest = min(
        rivals.exclude(pk=product.pk),
        key=lambda one: (abs(one.wholesale_fen - product.wholesale_fen), one.code),
    )
    assert abs(best.wholesale_fen - product.wholesale_fen) == abs(
        nearest.wholesale_fen - product.wholesale_fen
    )
    assert {one["suffices"] for one in found["substitutes"]} == {True}

    story.decides("choose", "use")
    factories = [one["code"] for one in found["factories"]]
    assert sorted(story.open()) == sorted(f"agree@{code}" for code in factories)
    assert sum("factory-more" in line for line in story.news()) == len(factories)
    for code in factories:
        story.does(f"agree@{code}", cartons=100)
    assert list(story.open()) == ["confirm-balanced"]

    # The goods come after all: stock grows, the warnings are over.
    early.arrive(goods, actor=town.holder("procurement-head"))
    with pytest.raises(Conflict):
        early.arrive(goods, actor=town.holder("procurement-head"))
    assert Stock.objects.get(product=product).cartons == 350
    assert look() == early.Looked(0, 1, 0)
    story.does("confirm-balanced")
    story.does("review")
    assert_sound(story)


@pytest.mark.clause("E3.5.2b")
@pytest.mark.parametrize("sender,task", [("factory", "factory-van"), ("own", "own-van")])
def test_a_broken_lorry_gets_a_substitute(town: Town, sender: str, task: str) -> None:
    product = scene()
    goods = shipment(town, product, delay="vehicle")
    look()
    story = late(town, product, goods, "vehicle")
    assert story.open() == {"which-van": "11:40"}
    story.decides("which-van", sender)
    assert story.open() == {task: "13:40"}
    more = {"vehicle": "1"} if sender == "own" else {}
    story.does(task, in_cycle=True, expected_on="2026-11-24", **more)
    assert list(story.open()) == ["confirm-balanced"]  # it comes in the cycle: no substitutes
    assert expected(goods) == (date(2026, 11, 24), "")
    assert [data["expected_before"] for data in moved(story)] == ["2026-11-29"]
    assert standing() == []  # nothing warns of it any more


@pytest.mark.clause("E3.5.2b")
def test_a_day_promised_for_goods_that_came_meanwhile_changes_nothing(town: Town) -> None:
    product = scene()
    goods = shipment(town, product)
    story = late(town, product, goods, "factory")
    early.arrive(goods, actor=town.holder("procurement-head"))
    story.does("press", in_cycle=True, expected_on="2026-11-24")
    assert expected(goods) == (date(2026, 11, 29), "factory") and not moved(story)
    assert story.result("expect-pressed")["late"] is True


@pytest.mark.clause("E3.5.2b")
def test_a_practised_promise_leaves_the_goods_alone(town: Town) -> None:
    product = scene()
    goods = shipment(town, product)
    report = {"kind": "late", "product": product.code, "shipment": goods.number, "cause": "factory"}
    story = town.report("supply-anomaly", report, actor=town.holder("procurement-head"), drill=True)
    story.does("press", in_cycle=False, expected_on="2026-12-02")
    assert expected(goods) == (date(2026, 11, 29), "factory")


@pytest.mark.clause("E3.5.2a")
def test_a_warning_is_set_aside_with_a_reason_by_whoever_may(town: Town) -> None:
    scene()
    look()
    warning = SupplyWarning.objects.get()
    with pytest.raises(NotAllowed):
        early.set_aside(warning, why="no", actor=town.holder("finance-head"))
    with pytest.raises(Invalid):
        early.set_aside(warning, why="  ", actor=town.holder("procurement-head"))
    early.set_aside(warning, why="the transfer arrives today", actor=town.holder("procurement-head"))
    readiness.run_checks(actor=None)
    assert not Finding.objects.filter(check_id="supply-warnings").exists()
    story = town.report("supply-anomaly", {"kind": "slow"}, actor=town.holder("procurement-head"))
    run_until_quiet()
    assert story.result("take-up") == {"taken": 0}
