"""The verbs of the room: assess a request, merge it into the order, dispatch or decline it; replenish an area."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid, NotFound
from changbei.network.models import Product, Retailer, Stock
from changbei.people.models import Person
from changbei.plans import tables
from changbei.plans.model import Pack
from changbei.runs import drills
from changbei.runs.models import Run, Task
from changbei.runs.noting import note
from changbei.supply import numbers, rules
from changbei.supply.models import SupplyLine, SupplyRequest
from changbei.supply.selectors import comes_on, dispatched_from

Status, Path = SupplyRequest.Status, SupplyRequest.Path
LIMIT, ELIGIBILITY = "approval-limit", "eligibility"
CLAUSES = {"planned": "E3.4.3a", "special": "E3.4.3b", "consumer": "E3.4.3c", "after_suspension": "E3.2.5"}
NO_STOCK = "no-stock"
NO_STOCK_TEXT = {
    "zh-Hans": "各仓现有数量不足。",
    "zh-Hant": "各倉現有數量不足。",
    "en": "No store holds enough of these goods now.",
}


@dataclass(frozen=True)
class Assessment:
    """A request with what the tables said. `reasons` are ids, `texts` what the customer is told (three languages)."""

    request: SupplyRequest
    reasons: tuple[str, ...]
    texts: tuple[dict[str, str], ...]
    cartons: int
    approver: str  # role, "" above every limit
    verifier: str  # role that verifies first, ""
    order_day: date

    @property
    def eligible(self) -> bool:
        return not self.reasons


@transaction.atomic
def assess(
    licence_no: str,
    *,
    occasion: str,
    needed_on: date,
    path: str,
    lines: Sequence[Mapping[str, Any]],
    pack: Pack,
    run: Run | None,
    requested_by: Person | None = None,
    actor: Person | None,
) -> Assessment:
    """Record a request (E3.4.1) and say whether the customer and the goods qualify (E3.4.2) and who approves (E3.4.3).

    A request of the same run is assessed once. Raises Invalid with every wrong line, NotFound for the customer.
    """
    retailer = Retailer.objects.select_related("line__site").filter(licence_no=licence_no).first()
    if retailer is None:
        raise NotFound(f"there is no customer with licence {licence_no}")
    if path not in (rules.PLANNED, rules.SPECIAL, rules.CONSUMER):
        raise Invalid("path", gettext_noop("planned, special or consumer is needed"))
    products = _products(lines)
    cartons = rules.joined(lines)
    wishes = [_wish(products[code], amount) for code, amount in cartons.items()]
    limit = _limit(pack, path, wishes)
    reasons, texts = _refusals(pack, retailer, path, wishes, limit["role"])
    if not reasons and not _site_with(cartons, retailer):
        reasons, texts = [NO_STOCK], [NO_STOCK_TEXT]
    known = SupplyRequest.objects.filter(run=run).first() if run else None
    request = known or _record(
        retailer, path, occasion, needed_on, wishes, products, texts, run, requested_by, actor
    )
    return Assessment(
        request,
        tuple(reasons),
        tuple(texts),
        sum(cartons.values()),
        limit["role"],
        limit["verifier"],
        rules.order_day(clock.today(), retailer.order_weekday),
    )


def _products(lines: Sequence[Mapping[str, Any]]) -> dict[str, Product]:
    codes = [str(line.get("product")) for line in lines]
    products = {product.code: product for product in Product.objects.filter(code__in=codes, active=True)}
    if found := rules.problems(lines, products):
        raise Invalid(problems=found)
    return products


def _wish(product: Product, cartons: int) -> rules.Wish:
    return rules.Wish(product.code, cartons, product.supply_class, product.wholesale_fen, product.retail_fen)


def _limit(pack: Pack, path: str, wishes: Sequence[rules.Wish]) -> dict[str, str]:
    """Who may approve this much, and who verifies first (E3.4.3)."""
    outcome = tables.evaluate(pack.tables[LIMIT], rules.limit_inputs(path, wishes))
    role = str((outcome.outputs or {}).get("role", ""))  # no row: above every limit
    return {"role": role, "verifier": "market-manager" if path == rules.SPECIAL else ""}


def _refusals(
    pack: Pack, retailer: Retailer, path: str, wishes: Sequence[rules.Wish], role: str
) -> tuple[list[str], list[dict[str, str]]]:
    """Every reason against it, with the plan's own words for the customer."""
    customer = rules.Customer(retailer.active, retailer.conduct, retailer.marked_prices)
    table = pack.tables[ELIGIBILITY]
    outcome = tables.evaluate(table, rules.eligibility_inputs(customer, path, wishes, role))
    rows = [table.rows[number - 1] for number in outcome.rows]
    return [str(row.then["reason"]) for row in rows], [dict(row.note) for row in rows]


def _record(
    retailer: Retailer,
    path: str,
    occasion: str,
    needed_on: date,
    wishes: Sequence[rules.Wish],
    products: Mapping[str, Product],
    texts: Sequence[dict[str, str]],
    run: Run | None,
    requested_by: Person | None,
    actor: Person | None,
) -> SupplyRequest:
    request = SupplyRequest.objects.create(
        number=numbers.next_numbers(1)[0],
        run=run,
        retailer=retailer,
        path=path,
        occasion=occasion[:40],
        needed_on=needed_on,
        status=Status.REFUSED if texts else Status.WAITING,
        reasons=list(texts),
        requested_by=requested_by or actor,
        requested_at=clock.now(),
    )
    SupplyLine.objects.bulk_create(
        SupplyLine(
            request=request,
            product=products[wish.product],
            cartons=wish.cartons,
            price_fen=rules.price_fen(path, wish),
        )
        for wish in wishes
    )
    data = {"cartons": sum(wish.cartons for wish in wishes), "refused": bool(texts)}
    _journal("supply.request_assessed", request, actor, clause="E3.4.2", **data)
    return request


@transaction.atomic
def approve_by_run(request: SupplyRequest, *, actor: Person | None) -> SupplyRequest:
    """Take over what the approval tasks of the request's run came to (E3.4.3).

    What the plan approves for want of an answer counts as well, as nobody's approval. Raises Conflict while nothing is
    approved, or for a special case only once.
    """
    request = _locked(request)
    if request.status != Status.WAITING:
        return request
    done = Task.objects.filter(
        run=request.run, kind=Task.Kind.APPROVE, status=Task.Status.DONE, result__approved=True
    )
    approvals = list(done.select_related("done_by").order_by("done_at", "pk"))
    approvers = [task.done_by.staff_no if task.done_by else "" for task in approvals]
    if not rules.approved_enough(request.path, approvers):
        raise Conflict(f"{request.number}: the approval that its path asks for is missing")
    by = approvals[-1].done_by
    request.status, request.decided_by, request.decided_at = Status.APPROVED, by, clock.now()
    request.save(update_fields=["status", "decided_by", "decided_at"])
    who = by.staff_no if by else ""
    _journal("supply.request_approved", request, actor, clause=CLAUSES[request.path], by=who)
    return request


@transaction.atomic
def approve_before_ratified(request: SupplyRequest, *, actor: Person | None) -> SupplyRequest:
    """Act first, ratify afterwards: a special case goes out on the verification alone (E3.4.3b).

    The plan says when (its setting is off by default). Raises Conflict while nobody has verified, and for other paths.
    """
    request = _locked(request)
    if request.status != Status.WAITING:
        return request
    verified = Task.objects.filter(
        run=request.run, kind=Task.Kind.APPROVE, status=Task.Status.DONE, result__approved=True
    )
    verifier = verified.select_related("done_by").order_by("done_at", "pk").first()
    if request.path != rules.SPECIAL or verifier is None:
        raise Conflict(f"{request.number}: nobody has verified it")
    request.status, request.decided_by, request.decided_at = Status.APPROVED, verifier.done_by, clock.now()
    request.save(update_fields=["status", "decided_by", "decided_at"])
    who = verifier.done_by.staff_no if verifier.done_by else ""
    _journal("supply.request_acted_first", request, actor, clause=CLAUSES[request.path], by=who)
    return request


@transaction.atomic
def merge_into_order(request: SupplyRequest, *, actor: Person | None) -> SupplyRequest:
    """An approved planned request joins the customer's next regular order and comes with its delivery (E3.4.3a)."""
    request = _locked(request)
    if request.status == Status.MERGED:
        return request
    _require(request, Status.APPROVED)
    order_day = rules.order_day(clock.today(), request.retailer.order_weekday)
    request.status, request.deliver_on = Status.MERGED, comes_on(request)
    request.save(update_fields=["status", "deliver_on"])
    _journal(
        "supply.request_merged",
        request,
        actor,
        clause="E3.4.3a",
        order_day=order_day.isoformat(),
        deliver_on=request.deliver_on.isoformat(),
    )
    return request


@transaction.atomic
def dispatch_replenishment(request: SupplyRequest, *, actor: Person | None) -> tuple[SupplyRequest, str]:
    """Send an approved request out by itself: goods leave the first store that has them all. Returns the site's code.

    When it is only practised the goods stay there. Raises Conflict when it is not approved, or no store holds enough
    any more.
    """
    request = _locked(request)
    cartons = {line.product.code: line.cartons for line in request.lines.select_related("product")}
    if request.status == Status.DISPATCHED:
        return request, dispatched_from(request)
    _require(request, Status.APPROVED)
    with drills.practice(_is_drill(request.run)):
        site = _take(cartons, request.retailer)
    request.status, request.deliver_on = Status.DISPATCHED, comes_on(request)
    request.save(update_fields=["status", "deliver_on"])
    _journal(
        "supply.replenishment_dispatched",
        request,
        actor,
        clause=CLAUSES[request.path],
        site=site,
        deliver_on=request.deliver_on.isoformat(),
        practised=drills.only_practised(_is_drill(request.run)),
    )
    return request, site


@transaction.atomic
def decline(request: SupplyRequest, *, why: str, actor: Person | None) -> SupplyRequest:
    """A person decided against it. Declining twice changes nothing; what is approved or on its way is not declined."""
    request = _locked(request)
    if request.status == Status.REFUSED:
        return request
    _require(request, Status.WAITING, Status.DRAFT)
    request.status, request.decided_at = Status.REFUSED, clock.now()
    request.save(update_fields=["status", "decided_at"])
    _journal("supply.request_declined", request, actor, clause=CLAUSES[request.path], why=why)
    return request


# --- goods ---


def _stores(retailer: Retailer) -> list[str]:
    """Where goods for a customer may come from: the own site, then the others, larger stores first."""
    own = retailer.line.site.code
    rows = Stock.objects.values_list("site__code", "cartons")
    totals: dict[str, int] = {}
    for site, cartons in rows:
        totals[site] = totals.get(site, 0) + cartons
    others = sorted((site for site in totals if site != own), key=lambda site: (-totals[site], site))
    return [own, *others]


def _held(products: Sequence[str]) -> dict[str, dict[str, int]]:
    held: dict[str, dict[str, int]] = {}
    rows = Stock.objects.filter(product__code__in=products).values_list(
        "site__code", "product__code", "cartons"
    )
    for site, product, cartons in rows:
        held.setdefault(site, {})[product] = cartons
    return held


def _site_with(cartons: Mapping[str, int], retailer: Retailer) -> str:
    return rules.site_with(cartons, _held(list(cartons)), _stores(retailer))


def _take(cartons: Mapping[str, int], retailer: Retailer) -> str:
    """Take goods out of one store, behind a lock on its rows."""
    rows = Stock.objects.select_for_update().filter(product__code__in=list(cartons)).order_by("pk")
    list(rows)
    site = _site_with(cartons, retailer)
    if not site:
        raise Conflict(gettext_noop("no store holds enough of these goods now"))
    for product, amount in sorted(cartons.items()):
        Stock.objects.filter(site__code=site, product__code=product).update(cartons=F("cartons") - amount)
    return site


# --- after bad weather ---


@dataclass(frozen=True)
class Replenished:
    """What went out: one request a customer."""

    requests: int
    retailers: int
    cartons: int


@transaction.atomic
def replenish(
    retailers: Sequence[Retailer], *, occasion: str, run: Run | None, by: Person | None, actor: Person | None
) -> Replenished:
    """A temporary replenishment of general goods, the size of a usual order, for each of these customers (E3.2.5).

    Only law-abiding customers with marked prices (E3.4.2). Each store gives what it holds, in the order given; a
    customer for whom nothing is left gets none; what is only practised takes nothing. Once per run and occasion.
    `retailers` come with `line__site` loaded.
    """
    stock = list(
        Stock.objects.select_for_update(of=("self",))
        .filter(product__supply_class=Product.SupplyClass.GENERAL, product__active=True)
        .select_related("product", "site")
        .order_by("pk")
    )
    before = SupplyRequest.objects.filter(run=run, path=Path.AFTER_SUSPENSION, occasion=occasion[:40])
    if run is not None and before.exists():  # asked behind the lock: of two callers one gives
        return _replenished(list(before.values_list("pk", flat=True)))
    good = [one for one in retailers if one.conduct == Retailer.Conduct.LAW_ABIDING and one.marked_prices]
    given = _share_out(good, stock)
    local = clock.local_now()
    deliver_on = rules.replenishment_day(local.date(), local.hour)
    requests = SupplyRequest.objects.bulk_create(
        SupplyRequest(
            number=number,
            run=run,
            retailer=retailer,
            path=Path.AFTER_SUSPENSION,
            occasion=occasion[:40],
            needed_on=deliver_on,
            status=Status.DISPATCHED,
            requested_at=clock.now(),
            decided_by=by or actor,
            decided_at=clock.now(),
            deliver_on=deliver_on,
        )
        for number, (retailer, _) in zip(numbers.next_numbers(len(given)), given, strict=True)
    )
    products = {row.product.code: row.product for row in stock}
    SupplyLine.objects.bulk_create(
        SupplyLine(
            request=request, product=products[code], cartons=cartons, price_fen=products[code].wholesale_fen
        )
        for request, (_, order) in zip(requests, given, strict=True)
        for code, cartons in order.items()
    )
    with drills.practice(_is_drill(run)):
        Stock.objects.bulk_update(stock, ["cartons"])
    made = _replenished([request.pk for request in requests])
    note(
        "supply.key_customers_replenished",
        run,
        actor,
        clause="E3.2.5",
        requests=made.requests,
        cartons=made.cartons,
        deliver_on=deliver_on.isoformat(),
        practised=drills.only_practised(_is_drill(run)),
    )
    return made


def _share_out(
    retailers: Sequence[Retailer], stock: Sequence[Stock]
) -> list[tuple[Retailer, dict[str, int]]]:
    """Each customer's order out of the own site's stock; the rows of `stock` are drawn down on the way."""
    rows = {(row.site.code, row.product.code): row for row in stock}
    given = []
    for retailer in retailers:
        site = retailer.line.site.code
        held = {product: row.cartons for (at, product), row in rows.items() if at == site}
        order = rules.usual_order(retailer.usual_cartons, held)
        for product, cartons in order.items():
            rows[(site, product)].cartons -= cartons
        if order:
            given.append((retailer, order))
    return given


def _replenished(requests: Sequence[int]) -> Replenished:
    lines = SupplyLine.objects.filter(request__in=requests).values_list("cartons", flat=True)
    return Replenished(len(requests), len(requests), sum(lines))


# --- inside ---


def _is_drill(run: Run | None) -> bool:
    return run is not None and run.drill


def _locked(request: SupplyRequest) -> SupplyRequest:
    return (
        SupplyRequest.objects.select_for_update(of=("self",))
        .select_related("retailer__line__site", "run__plan_version")
        .get(pk=request.pk)
    )


def _require(request: SupplyRequest, *allowed: str) -> None:
    if request.status not in allowed:
        raise Conflict(f"{request.number} is {request.status}, not {' or '.join(allowed)}")


def _journal(kind: str, request: SupplyRequest, actor: Person | None, *, clause: str, **data: Any) -> None:
    note(kind, request.run, actor, clause=clause, request=str(request.uuid), number=request.number, **data)
