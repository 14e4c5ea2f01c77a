"""A shop asks for goods for a wedding: who may have what, by whose approval, and when it comes (E3.4.1–E3.4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from changbei.core.errors import Invalid, NotAllowed
from changbei.network.models import Product, Retailer, Stock
from changbei.notify.models import Notice
from changbei.people.models import PostHolding
from changbei.plans.loading import read_folder
from changbei.plans.services import adopt
from changbei.runs import services as runs
from changbei.site.clockwork import fast_forward
from changbei.supply.models import SupplyLine, SupplyRequest
from changbei.testing.city import SHIPPED
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


@pytest.mark.clause("E2.1e", "E3.4.1", "E3.4.3a")
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
    told = Notice.objects.get(template="demand-approved")
    assert told.general_body["zh-Hans"].endswith("共10条，预计11月30日送达。")

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


@pytest.mark.clause("E2.1e", "E3.4.3b")
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

    # The approval cannot be delegated to the verifier: the plan names the ranks it may go to.
    approval = story.task("approve-special")
    with pytest.raises((NotAllowed, Invalid)):
        runs.hand_over(approval, verifier, actor=story.who("marketing-department-deputy"))
    assert SupplyRequest.objects.get().status == SupplyRequest.Status.WAITING
    story.approves("approve-special")

    request = SupplyRequest.objects.get()
    assert (request.status, str(request.deliver_on)) == (SupplyRequest.Status.DISPATCHED, "2026-11-23")
    assert request.decided_by != verifier

    # The delivery centre acts with the marketing centre: somebody has to drive.
    assert story.open() == {"put-on-van": "11:40"}
    assert story.news()[-2:] == [
        "dispatcher: task put-on-van (inbox sms)",
        "1 customers: demand-approved (sms)",
    ]
    story.does("put-on-van")
    fast_forward("9h")
    assert list(story.open()) == ["confirm-delivered"]


@pytest.mark.clause("E3.4.2")
def test_what_was_typed_wrongly_and_refused_is_asked_for_again(town: Town) -> None:
    ask(town, cartons=400, path="special")
    story = ask(town, cartons=40, path="special")
    assert (story.incident.number, story.result("assess")["eligible"]) == ("INC-0002", True)
    assert ask(town, cartons=40, path="special").incident == story.incident  # sent twice
    assert SupplyRequest.objects.count() == 2


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


@pytest.mark.clause("E3.4.3b")
def test_who_verifies_does_not_approve_even_where_the_verification_was_delegated(town: Town) -> None:
    story = ask(town, cartons=40, path="special")
    deputy = story.who("marketing-department-deputy")
    runs.hand_over(story.task("verify"), deputy, actor=story.who("market-manager"))
    story.approves("verify", by=deputy)
    assert story.task("approve-special").holder == deputy
    with pytest.raises(NotAllowed, match="two different people"):
        runs.approve(story.task("approve-special"), True, actor=deputy)
    assert SupplyRequest.objects.get().status == SupplyRequest.Status.WAITING

    # The head of the department takes it: the plan allows that delegation.
    held = PostHolding.objects.filter(post__kind="marketing-department-head", rank=1, until__isnull=True)
    head = held.get(post__unit=deputy.unit).person
    runs.hand_over(story.task("approve-special"), head, actor=deputy)
    story.approves("approve-special", by=head)
    assert SupplyRequest.objects.get().decided_by == head


def test_goods_for_a_funeral_tonight_wait_for_the_approval_unless_the_group_has_said_otherwise(
    town: Town,
) -> None:
    story = ask(town, cartons=20, path="special", occasion="funeral", needed_on="2026-11-23")
    story.approves("verify")
    assert story.open() == {"approve-special": "11:40"}
    assert SupplyRequest.objects.get().status == SupplyRequest.Status.WAITING  # off by default


def acting_first(town: Town, folder: Path) -> Story:
    """The same with the setting that the leading group may change."""
    files = read_folder(SHIPPED)
    start = files["plan.yaml"].index("  urgent_act_first:")
    files["plan.yaml"] = files["plan.yaml"][:start] + files["plan.yaml"][start:].replace(
        "default: false", "default: true", 1
    )
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    adopt(folder, actor=None)
    story = ask(town, cartons=20, path="special", occasion="funeral", needed_on="2026-11-23")
    assert SupplyRequest.objects.get().status == SupplyRequest.Status.WAITING
    story.approves("verify")
    return story


@pytest.mark.clause("E3.4.3b")
def test_where_it_is_set_goods_go_out_first_and_are_ratified(town: Town, tmp_path: Path) -> None:
    story = acting_first(town, tmp_path / "pack")
    request = SupplyRequest.objects.get()
    assert (request.status, request.decided_by) == (
        SupplyRequest.Status.DISPATCHED,
        story.who("market-manager"),
    )
    assert story.open() == {"approve-special": "11:40"}
    assert "dispatcher: replenishment-first (inbox sms)" in story.news()
    story.approves("approve-special")
    assert SupplyRequest.objects.get().status == SupplyRequest.Status.DISPATCHED
    assert "1 customers: demand-approved (sms)" in story.news()


@pytest.mark.clause("E3.4.3b")
def test_what_is_not_ratified_is_settled_with_the_customer(town: Town, tmp_path: Path) -> None:
    story = acting_first(town, tmp_path / "pack")
    story.approves("approve-special", approved=False)
    assert story.open() == {"settle-unratified": "11-24 09:40"}
    story.does("settle-unratified")
    story.does("review")
    story.closes(town.holder("customer-service-head"))
    assert SupplyRequest.objects.get().status == SupplyRequest.Status.DISPATCHED
    assert_sound(story)


@dataclass(frozen=True)
class Wanted:
    """A combination of the case table, and what the clauses say of it."""

    path: str
    cartons: int
    supply_class: str
    change: Mapping[str, Any]
    reasons: tuple[str, ...]
    task: str


WANTED = [
    Wanted("planned", 30, "general", {}, (), "approve-planned:customer-service-head"),
    Wanted("planned", 31, "general", {}, (), "approve-planned:marketing-department-deputy"),
    Wanted("planned", 100, "general", {}, (), "approve-planned:marketing-department-deputy"),
    Wanted("planned", 101, "general", {}, ("above-limit",), "explain:customer-manager"),
    Wanted("special", 100, "general", {}, (), "verify:market-manager"),
    Wanted("special", 101, "general", {}, ("above-limit",), "explain:customer-manager"),
    Wanted("consumer", 49, "general", {}, (), "approve-consumer:consumer-handler"),
    Wanted("consumer", 50, "general", {}, ("wholesale",), "explain:customer-manager"),
    Wanted("consumer", 1, "scarce", {}, ("scarce",), "explain:customer-manager"),
    Wanted("special", 1, "controlled", {}, ("controlled",), "explain:customer-manager"),
    Wanted("planned", 1, "general", {"conduct": "warned"}, ("conduct",), "explain:customer-manager"),
    Wanted(
        "consumer", 1, "general", {"marked_prices": False}, ("marked-prices",), "explain:customer-manager"
    ),
    Wanted("planned", 1, "general", {"active": False}, ("no-licence",), "explain:customer-manager"),
    Wanted(
        "special",
        101,
        "scarce",
        {"conduct": "punished", "marked_prices": False},
        ("conduct", "marked-prices", "scarce", "above-limit"),
        "explain:customer-manager",
    ),
]


@pytest.mark.clause("E3.4.2", "E3.4.3a", "E3.4.3b", "E3.4.3c")
def test_the_case_table_through_the_report(town: Town) -> None:
    """A subset of changbei/supply/tests/test_case_table.py, each case reported as a customer manager would."""
    good = Retailer.objects.filter(active=True, conduct="law_abiding", marked_prices=True).order_by("pk")
    Stock.objects.update(cartons=2_000)
    for case, retailer in zip(WANTED, good.select_related("customer_manager")[: len(WANTED)], strict=True):
        Retailer.objects.filter(pk=retailer.pk).update(**case.change)
        goods = Product.objects.filter(supply_class=case.supply_class, active=True).order_by("code")[0]
        report = {
            "retailer": retailer.licence_no,
            "occasion": "wedding",
            "needed_on": "2026-12-02",
            "path": case.path,
            "lines": [{"product": goods.code, "cartons": case.cartons}],
        }
        story = town.report("sudden-demand", report, actor=retailer.customer_manager)
        (item,) = story.open()
        found = (tuple(story.result("assess")["reasons"]), f"{item}:{story.task(item).role}")
        assert found == (case.reasons, case.task), case


@pytest.mark.clause("E3.4.3c")
def test_a_consumer_pays_the_retail_price(town: Town) -> None:
    story = ask(town, cartons=49, path="consumer")
    assert story.result("assess")["eligible"] is True
    assert story.open() == {"approve-consumer": "13:40"}
    assert story.task("approve-consumer").holder == story.who("consumer-handler")
    line = SupplyLine.objects.select_related("product").get()
    assert line.price_fen == line.product.retail_fen
    story.approves("approve-consumer")
    assert SupplyRequest.objects.get().status == SupplyRequest.Status.DISPATCHED
