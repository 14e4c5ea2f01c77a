"""Requests from assessment to delivery (E3.4), by the tables of the shipped plan."""

from __future__ import annotations

import threading
from datetime import date
from typing import Any

import pytest
from django.db import connection

from changbei.core.clock import VirtualClock
from changbei.core.errors import Conflict, Invalid, NotFound
from changbei.journal.models import Entry
from changbei.network import loading
from changbei.network.city import City
from changbei.network.models import Product, Retailer, Stock
from changbei.people.models import Person
from changbei.plans.loading import pack_for
from changbei.plans.model import Pack
from changbei.plans.models import PlanVersion
from changbei.plans.services import adopt
from changbei.runs import services as runs
from changbei.runs.models import Run, Task
from changbei.supply import selectors, services
from changbei.supply.models import SupplyLine, SupplyRequest
from changbei.testing.city import SHIPPED


def customer() -> Retailer:
    good = Retailer.objects.filter(conduct="law_abiding", marked_prices=True).select_related("line__site")
    return good.order_by("pk")[0]


def product(supply_class: str = "general") -> Product:
    return Product.objects.filter(supply_class=supply_class, active=True).order_by("pk")[0]


def assess(pack: Pack, cartons: int = 20, **more: Any) -> services.Assessment:
    given = {
        "occasion": "wedding",
        "needed_on": date(2026, 11, 28),
        "path": "planned",
        "lines": [{"product": product().code, "cartons": cartons}],
        "pack": pack,
        "run": None,
        "actor": None,
    } | more
    return services.assess(given.pop("licence_no", customer().licence_no), **given)


def plenty(cartons: int = 500) -> None:
    Stock.objects.update(cartons=cartons)


def test_a_good_request_waits_for_the_rank_its_size_needs(pack: Pack) -> None:
    plenty()
    found = assess(pack, 20)
    assert (found.eligible, found.reasons, found.cartons) == (True, (), 20)
    assert (found.approver, found.verifier) == ("customer-service-head", "")
    request = SupplyRequest.objects.get()
    assert (request.number, request.status, request.path, request.retailer) == (
        "SUP-0001",
        "waiting",
        "planned",
        customer(),
    )
    line = SupplyLine.objects.get()
    assert (line.product, line.cartons, line.price_fen) == (product(), 20, product().wholesale_fen)
    entry = Entry.objects.get(kind="supply.request_assessed")
    assert (entry.clause, entry.data["refused"]) == ("E3.4.2", False)


@pytest.mark.parametrize(
    "path,cartons,approver,verifier,reasons",
    [
        ("planned", 30, "customer-service-head", "", ()),
        ("planned", 31, "marketing-department-deputy", "", ()),
        ("planned", 100, "marketing-department-deputy", "", ()),
        ("planned", 101, "", "", ("above-limit",)),
        ("special", 100, "marketing-department-deputy", "market-manager", ()),
        ("special", 101, "", "market-manager", ("above-limit",)),
        ("consumer", 49, "consumer-handler", "", ()),
        ("consumer", 50, "", "", ("wholesale",)),
    ],
)
def test_limits_by_rank(
    pack: Pack, path: str, cartons: int, approver: str, verifier: str, reasons: tuple[str, ...]
) -> None:
    plenty()
    found = assess(pack, cartons, path=path)
    assert (found.approver, found.verifier, found.reasons) == (approver, verifier, reasons)


@pytest.mark.parametrize(
    "change,reason",
    [
        ({"conduct": "warned"}, "conduct"),
        ({"conduct": "punished"}, "conduct"),
        ({"marked_prices": False}, "marked-prices"),
        ({"active": False}, "no-licence"),
    ],
)
def test_customers_who_do_not_qualify(pack: Pack, change: dict[str, Any], reason: str) -> None:
    plenty()
    who = customer()
    Retailer.objects.filter(pk=who.pk).update(**change)
    found = assess(pack, licence_no=who.licence_no)
    assert found.reasons == (reason,)
    request = SupplyRequest.objects.get()
    assert (request.status, len(request.reasons)) == ("refused", 1)
    assert set(request.reasons[0]) == {"zh-Hans", "zh-Hant", "en"}


@pytest.mark.parametrize("supply_class", ["scarce", "controlled"])
def test_scarce_and_controlled_goods_are_never_replenished(pack: Pack, supply_class: str) -> None:
    plenty()
    lines = [
        {"product": product().code, "cartons": 2},
        {"product": product(supply_class).code, "cartons": 1},
    ]
    assert assess(pack, lines=lines).reasons == (supply_class,)


def test_every_reason_is_given_at_once(pack: Pack) -> None:
    plenty()
    who = customer()
    Retailer.objects.filter(pk=who.pk).update(conduct="punished", marked_prices=False)
    lines = [{"product": product("scarce").code, "cartons": 500}]
    found = assess(pack, lines=lines, licence_no=who.licence_no)
    assert found.reasons == ("conduct", "marked-prices", "scarce", "above-limit")


def test_a_consumer_pays_the_retail_price(pack: Pack) -> None:
    plenty()
    assess(pack, 5, path="consumer")
    assert SupplyLine.objects.get().price_fen == product().retail_fen


def test_goods_that_no_store_has(pack: Pack) -> None:
    Stock.objects.filter(product=product()).update(cartons=19)
    assert assess(pack, 20).reasons == ("no-stock",)
    assert assess(pack, 19).reasons == ()


def test_the_same_product_on_two_lines_is_one(pack: Pack) -> None:
    plenty()
    code = product().code
    found = assess(pack, lines=[{"product": code, "cartons": 3}, {"product": code, "cartons": 4}])
    assert found.cartons == 7
    assert SupplyLine.objects.get().cartons == 7


def test_wrong_lines_are_named_and_nothing_is_recorded(pack: Pack) -> None:
    with pytest.raises(Invalid) as error:
        assess(pack, lines=[{"product": "nothing", "cartons": 0}])
    assert [problem.field for problem in error.value.problems] == ["lines.1.product", "lines.1.cartons"]
    with pytest.raises(NotFound):
        assess(pack, licence_no="no such licence")
    assert not SupplyRequest.objects.exists()


def approved(pack: Pack, **more: Any) -> SupplyRequest:
    plenty()
    request = assess(pack, **more).request
    request.status = SupplyRequest.Status.APPROVED
    request.save()
    return request


def test_a_planned_request_joins_the_next_regular_order(pack: Pack) -> None:
    who = customer()
    Retailer.objects.filter(pk=who.pk).update(order_weekday=3)
    who.line.weekday = 5
    who.line.save()
    request = services.merge_into_order(approved(pack, licence_no=who.licence_no), actor=None)
    assert (request.status, request.deliver_on) == ("merged", date(2026, 11, 27))
    arrives = selectors.arrives_at(request)
    assert arrives is not None and arrives.isoformat() == "2026-11-27T18:00:00+08:00"
    assert services.merge_into_order(request, actor=None).deliver_on == request.deliver_on
    assert Entry.objects.get(kind="supply.request_merged").data["order_day"] == "2026-11-25"


def test_what_is_not_approved_is_not_delivered(pack: Pack) -> None:
    plenty()
    request = assess(pack).request
    for verb in (services.merge_into_order, services.dispatch_replenishment):
        with pytest.raises(Conflict):
            verb(request, actor=None)
    request.refresh_from_db()
    assert (request.status, request.deliver_on) == ("waiting", None)


def test_a_replenishment_takes_the_goods_out_of_the_own_store(pack: Pack, clock: VirtualClock) -> None:
    request = approved(pack, path="consumer", cartons=20)
    request, site = services.dispatch_replenishment(request, actor=None)
    own = customer().line.site
    assert (site, request.status, request.deliver_on) == (own.code, "dispatched", date(2026, 11, 23))
    assert Stock.objects.get(site=own, product=product()).cartons == 480
    assert services.dispatch_replenishment(request, actor=None)[1] == own.code
    assert Stock.objects.get(site=own, product=product()).cartons == 480


def test_another_store_helps_out(pack: Pack) -> None:
    request = approved(pack, path="consumer", cartons=20)
    own = customer().line.site
    Stock.objects.filter(site=own, product=product()).update(cartons=5)
    _, site = services.dispatch_replenishment(request, actor=None)
    assert site != own.code
    assert Stock.objects.get(site__code=site, product=product()).cartons == 480


def test_declining(pack: Pack) -> None:
    plenty()
    request = services.decline(assess(pack).request, why="not approved", actor=None)
    assert request.status == "refused"
    services.decline(request, why="again", actor=None)
    assert Entry.objects.filter(kind="supply.request_declined").count() == 1
    with pytest.raises(Conflict):
        services.decline(approved(pack, occasion="funeral"), why="late", actor=None)


# --- within a run ---


def run_with_approvals(version: PlanVersion, people: list[Person | None], *, drill: bool = False) -> Run:
    """A run of the demand procedure in which these people have approved."""
    run = runs.start(
        "sudden-demand",
        plan_version=version,
        incident=None,
        number="INC-0001",
        title={"en": "Sudden demand"},
        context={"report": {"path": "special"}, "incident": {"customer_manager": ""}},
        scope={},
        drill=drill,
        actor=None,
    )
    for number, person in enumerate(people):
        has_approved(run, f"approval-{number}", person)
    return run


def has_approved(run: Run, item: str, person: Person) -> None:
    """Somebody has approved."""
    Task.objects.create(
        run=run,
        item=item,
        kind="approve",
        role="x",
        title={},
        clause="E3.4.3b",
        status="done",
        opened_at=run.started_at,
        done_at=run.started_at,
        done_by=person,
        result={"approved": True},
    )


def test_a_special_case_needs_two_people(version: PlanVersion, pack: Pack) -> None:
    plenty()
    one, two = Person.objects.order_by("pk")[:2]
    run = run_with_approvals(version, [one])
    request = assess(pack, path="special", run=run).request
    with pytest.raises(Conflict, match="approval that its path asks for is missing"):
        services.approve_by_run(request, actor=None)
    has_approved(run, "second", two)
    request = services.approve_by_run(request, actor=None)
    assert (request.status, request.decided_by) == ("approved", two)


@pytest.mark.parametrize("own_ground,left", [(False, 500), (True, 480)])
def test_a_drill_takes_goods_on_its_own_ground_alone(
    own_ground: bool, left: int, version: PlanVersion, pack: Pack, settings: Any
) -> None:
    settings.DRILL_GROUND = own_ground
    plenty()
    run = run_with_approvals(version, [Person.objects.order_by("pk")[0]], drill=True)
    request = services.approve_by_run(assess(pack, path="consumer", cartons=20, run=run).request, actor=None)
    request, site = services.dispatch_replenishment(request, actor=None)
    assert (request.status, Stock.objects.get(site__code=site, product=product()).cartons) == (
        "dispatched",
        left,
    )
    fact = Entry.objects.get(kind="supply.replenishment_dispatched")
    assert (fact.drill, fact.data["practised"]) == (True, not own_ground)


@pytest.mark.parametrize("silent,enough", [(0, False), (1, True)])
def test_what_the_plan_approves_for_want_of_an_answer_is_approved(
    silent: int, enough: bool, version: PlanVersion, pack: Pack
) -> None:
    plenty()
    run = run_with_approvals(version, [None] * silent)
    request = assess(pack, run=run).request
    if not enough:
        with pytest.raises(Conflict):
            services.approve_by_run(request, actor=None)
        return
    approved_by_nobody = services.approve_by_run(request, actor=None)
    assert (approved_by_nobody.status, approved_by_nobody.decided_by) == ("approved", None)


def test_a_run_has_one_request(version: PlanVersion, pack: Pack) -> None:
    plenty()
    run = run_with_approvals(version, [])
    assert assess(pack, run=run).request == assess(pack, run=run).request
    assert SupplyRequest.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_goods_are_given_out_once_whoever_asks_at_the_same_moment(
    small_city_plan: City, clock: VirtualClock, carrier: object
) -> None:
    loading.load(small_city_plan)
    pack = pack_for(adopt(SHIPPED, actor=None))
    requests = [approved(pack, path="consumer", cartons=20, occasion=f"wedding {n}") for n in range(4)]
    Stock.objects.filter(product=product()).update(cartons=0)
    Stock.objects.filter(product=product(), site=customer().line.site).update(cartons=50)
    outcomes: list[str] = []

    def go(request: SupplyRequest) -> None:
        try:
            outcomes.append(services.dispatch_replenishment(request, actor=None)[0].status)
        except Conflict:
            outcomes.append("conflict")
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=[request]) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(outcomes) == ["conflict", "conflict", "dispatched", "dispatched"]
    assert Stock.objects.get(product=product(), site=customer().line.site).cartons == 10


@pytest.mark.django_db(transaction=True)
def test_an_area_is_replenished_once_whoever_asks_at_the_same_moment(
    small_city_plan: City, clock: VirtualClock, carrier: object
) -> None:
    loading.load(small_city_plan)
    run = run_with_approvals(adopt(SHIPPED, actor=None), [])
    key = Retailer.objects.filter(conduct="law_abiding", marked_prices=True)
    shops = list(key.select_related("line__site").order_by("pk")[:3])
    made: list[services.Replenished] = []

    def go() -> None:
        try:
            made.append(services.replenish(shops, occasion="INC-0001/1", run=run, by=None, actor=None))
        finally:
            connection.close()

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert made == [made[0]] * 4 and made[0].requests == SupplyRequest.objects.count() == 3
