"""A shop asks for goods for a wedding: who may have what, by whose approval, and when it comes (E3.4.1–E3.4.3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from changbei.core.errors import NotAllowed
from changbei.network.models import Product, Retailer
from changbei.runs import services as runs
from changbei.supply.models import SupplyLine, SupplyRequest
from changbei.testing.stories import fast_forward
from tests.stories.telling import Story, Town, assert_sound, local


def shop() -> Retailer:
    good = Retailer.objects.filter(active=True, conduct="law_abiding", marked_prices=True)
    return good.select_related("customer_manager").order_by("pk")[0]


def wish(cartons: int = 10, supply_class: str = "general", **more: Any) -> dict[str, Any]:
    goods = Product.objects.filter(supply_class=supply_class, active=True).order_by(
        "-stock__cartons", "code"
    )[0]
    return {
        "retailer": shop().licence_no,
        "occasion": "wedding",
        "needed_on": "2026-12-02",
        "path": "planned",
        "lines": [{"product": goods.code, "cartons": cartons}],
    } | more


def ask(town: Town, **more: Any) -> Story:
    return town.report("sudden-demand", wish(**more), actor=shop().customer_manager)


def test_goods_for_a_wedding_join_the_regular_order(town: Town) -> None:
    manager, service = shop().customer_manager, town.holder("customer-service-head")

    # Ten cartons are within the limit of the head of customer service; no command post for a demand.
    story = ask(town, cartons=10)
    assert story.statements <= 40
    assert (story.incident.level, hasattr(story.incident, "command_post")) == ("DEMAND", False)
    assessed = story.result("assess")
    assert (assessed["eligible"], assessed["number"], assessed["cartons"]) == (True, "SUP-0001", 10)
    assert (story.who("customer-manager"), story.why("customer-manager")) == (manager, "named")
    assert (story.task("approve-planned").role, story.task("approve-planned").holder) == (
        "customer-service-head",
        service,
    )
    assert story.open() == {"approve-planned": "13:40"}
    assert story.news() == [
        "customer-manager: report-received (inbox sms)",
        "customer-service-head: task approve-planned (inbox sms)",
    ]

    # The customer manager cannot approve the own request.
    with pytest.raises(NotAllowed):
        runs.approve(story.task("approve-planned"), True, actor=manager)
    assert SupplyRequest.objects.get().status == SupplyRequest.Status.WAITING

    # Nobody looks for an hour: the chain is told at the minutes of the plan.
    fast_forward("1h")
    assert story.escalations() == [
        "10:10 approve-planned acknowledge → marketing-department-head",
        "10:40 approve-planned acknowledge → marketing-center-head",
    ]
    assert story.news() == [
        "marketing-center-head: task-late approve-planned (inbox sms)",
        "marketing-department-head: task-late approve-planned (inbox sms sms)",
    ]

    # The head of customer service leaves; the deputy of the post finds the task with the new role and approves.
    town.leave(service, "11-25 18:00")
    fast_forward("1m")
    deputy = story.who("customer-service-head")
    assert deputy == town.holder("customer-service-head", rank=2)
    assert (story.why("customer-service-head"), story.task("approve-planned").holder) == ("deputy", deputy)
    assert story.news() == [
        "customer-service-head: task approve-planned (inbox sms)",
        f"head {service.staff_no}: task-moved approve-planned (inbox sms)",
    ]
    story.approves("approve-planned")
    request = SupplyRequest.objects.get()
    assert (request.status, request.decided_by) == (SupplyRequest.Status.MERGED, deputy)
    assert (str(request.deliver_on), story.result("merge")["deliver_at"]) == (
        "2026-11-30",
        "2026-11-30T18:00:00+08:00",
    )
    assert story.news() == ["1 customers: demand-approved (sms)"]

    # It waits for the day of delivery, then the customer manager confirms that the goods are there.
    assert story.open() == {}
    fast_forward(timedelta(days=7, hours=8))
    assert story.open() == {"confirm-delivered": "12-01 18:00"}
    assert story.news() == ["customer-manager: task confirm-delivered (inbox)"]
    story.does("confirm-delivered", cartons=10)
    assert (story.fresh().status, local(story.fresh().restored_at)) == ("restored", "11-30 18:41")
    story.does("review")
    assert story.news() == ["customer-service-head: task review (inbox)"]
    story.closes(service)
    assert story.news() == []
    assert_sound(story)


def test_a_special_case_needs_two_different_people(town: Town) -> None:
    story = ask(town, cartons=40, path="special")
    verifier = story.who("market-manager")
    assert story.open() == {"verify": "11:40"}
    assert story.news() == [
        "customer-manager: report-received (inbox sms)",
        "market-manager: task verify (inbox sms)",
    ]
    story.approves("verify")
    assert story.news() == ["marketing-department-deputy: task approve-special (inbox sms)"]

    # Even when the approval is handed over to the verifier, the same person does not do both.
    approval = story.task("approve-special")
    runs.hand_over(approval, verifier, actor=story.who("marketing-department-deputy"))
    with pytest.raises(NotAllowed, match="two different people"):
        runs.approve(approval, True, actor=verifier)
    assert SupplyRequest.objects.get().status == SupplyRequest.Status.WAITING
    runs.hand_back(story.run, "marketing-department-deputy", actor=verifier)
    story.approves("approve-special")

    request = SupplyRequest.objects.get()
    assert (request.status, str(request.deliver_on)) == (SupplyRequest.Status.DISPATCHED, "2026-11-23")
    assert request.decided_by != verifier
    assert story.news()[-1] == "1 customers: demand-approved (sms)"


@pytest.mark.parametrize(
    "asked,reasons,words",
    [
        ({"supply_class": "scarce"}, ["scarce"], "The request contains scarce goods"),
        ({"supply_class": "controlled"}, ["controlled"], "The request contains controlled goods"),
        ({"cartons": 50, "path": "consumer"}, ["wholesale"], "One sale of this size is wholesale"),
        ({"cartons": 101}, ["above-limit"], "The quantity is beyond every approval limit"),
    ],
)
def test_what_is_refused(town: Town, asked: dict[str, Any], reasons: list[str], words: str) -> None:
    story = ask(town, **asked)
    assessed = story.result("assess")
    assert (assessed["eligible"], assessed["reasons"]) == (False, reasons)
    assert assessed["texts"][0]["en"].startswith(words)
    assert SupplyRequest.objects.get().status == SupplyRequest.Status.REFUSED
    assert story.open() == {"explain": "11-24 09:40"}
    assert story.news() == [
        "customer-manager: report-received (inbox sms)",
        "customer-manager: task explain (inbox)",
        "1 customers: demand-refused (sms)",
    ]
    story.does("explain")
    story.does("review")
    story.closes(town.holder("customer-service-head"))
    assert_sound(story)


def test_a_consumer_pays_the_retail_price(town: Town) -> None:
    story = ask(town, cartons=49, path="consumer")
    assert story.result("assess")["eligible"] is True
    assert story.open() == {"approve-consumer": "13:40"}
    assert story.task("approve-consumer").holder == story.who("consumer-handler")
    line = SupplyLine.objects.select_related("product").get()
    assert line.price_fen == line.product.retail_fen
    story.approves("approve-consumer")
    assert SupplyRequest.objects.get().status == SupplyRequest.Status.DISPATCHED
