"""Early warnings from stock, demand and goods under way, and what can stand in for goods that do not come (E3.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid, NotFound, Words, there
from changbei.journal import locks
from changbei.journal import services as journal
from changbei.network.models import Product, Shipment, Stock, WeeklyDemand
from changbei.people import access as people
from changbei.people.models import Person
from changbei.plans.loading import pack_for
from changbei.plans.model import Pack
from changbei.runs.models import Run
from changbei.runs.noting import note
from changbei.supply import rules
from changbei.supply.models import SupplyWarning

MAY = "supply.watch"
SETTINGS: Mapping[str, float] = {
    "warning_weeks": 4,
    "warning_short_weeks": 1.0,
    "warning_slow_weeks": 12.0,
    "warning_complaints": 5,
    "warning_quality_complaints": 3,
    "delivery_cycle_days": 14,
}
"""What the room reads out of a pack, and what holds when the pack does not say."""
CLAUSES = {rules.LATE: "E3.5.2b"}
CLAUSE = "E3.5.2a"


def setting(pack: Pack, name: str) -> float:
    found = pack.settings.get(name)
    return float(found.value) if found is not None else SETTINGS[name]


def thresholds(pack: Pack) -> rules.Thresholds:
    return rules.Thresholds(
        short_weeks=setting(pack, "warning_short_weeks"),
        slow_weeks=setting(pack, "warning_slow_weeks"),
        many_complaints=int(setting(pack, "warning_complaints")),
        many_quality_complaints=int(setting(pack, "warning_quality_complaints")),
    )


# --- what there is ---


def goods(pack: Pack, today: date) -> list[rules.Goods]:
    """Every active product with stock, what arrives within the delivery cycle, and demand. Five queries."""
    weeks = int(setting(pack, "warning_weeks"))
    in_time = today + timedelta(days=int(setting(pack, "delivery_cycle_days")))
    stock = _sums(Stock.objects.all(), "cartons")
    coming = _sums(
        Shipment.objects.filter(
            state=Shipment.State.UNDER_WAY, expected_on__gte=today, expected_on__lte=in_time
        ),
        "cartons",
    )
    since = today - timedelta(days=today.weekday() + 7 * weeks)
    this_week = today - timedelta(days=today.weekday())
    demand = WeeklyDemand.objects.filter(week_starts_on__gte=since, week_starts_on__lt=this_week)
    recorded = (
        demand.order_by().values("week_starts_on").distinct().count() or weeks
    )  # a week nobody recorded is no 0
    asked = {
        product: (one, two, three)
        for product, one, two, three in demand.order_by()
        .values_list("product_id")
        .annotate(Sum("asked_cartons"), Sum("complaints"), Sum("quality_complaints"))
    }
    found = []
    for pk, code, supply_class in (
        Product.objects.filter(active=True).order_by("code").values_list("pk", "code", "supply_class")
    ):
        cartons, complaints, poor = asked.get(pk, (0, 0, 0))
        found.append(
            rules.Goods(
                code, supply_class, stock.get(pk, 0), coming.get(pk, 0), cartons / recorded, complaints, poor
            )
        )
    return found


def _sums(rows: QuerySet[Any], field: str) -> dict[int, int]:
    return dict(rows.order_by().values_list("product_id").annotate(Sum(field)))


def under_way() -> list[rules.UnderWay]:
    rows = Shipment.objects.filter(state=Shipment.State.UNDER_WAY).order_by("number")
    return [
        rules.UnderWay(one.number, one.product.code, one.cartons, one.due_on, one.expected_on, one.delay)
        for one in rows.select_related("product")
    ]


# --- early warnings ---


@dataclass(frozen=True)
class Looked:
    """What a look found: how many warnings are new, how many are over, how many stand."""

    opened: int
    over: int
    standing: int


@transaction.atomic
def look(pack: Pack) -> Looked:
    """Compare stock, demand and goods under way, and keep the list of warnings up to date. Idempotent."""
    locks.hold("supply.early")
    now, today = clock.now(), clock.today()
    found = {
        (one.kind, one.subject): one
        for one in rules.signals(goods(pack, today), under_way(), thresholds(pack), today)
    }
    known = {(one.kind, one.subject): one for one in standing().select_for_update(of=("self",))}
    gone = [one.pk for key, one in known.items() if key not in found]
    SupplyWarning.objects.filter(pk__in=gone).update(over_at=now)
    changed = [_updated(one, found[key]) for key, one in known.items() if key in found]
    SupplyWarning.objects.bulk_update(changed, ["figures", "proposal"])
    products = {one.code: one for one in Product.objects.all()}
    new = SupplyWarning.objects.bulk_create(
        SupplyWarning(
            kind=one.kind,
            subject=one.subject,
            product=products.get(one.product),
            proposal=one.proposal,
            figures=dict(one.figures),
            found_at=now,
        )
        for key, one in found.items()
        if key not in known
    )
    journal.append_many(
        [
            journal.NewEntry(
                "supply.warning_found",
                None,
                clause=CLAUSES.get(one.kind, CLAUSE),
                data={
                    "warning": str(one.uuid),
                    "kind": one.kind,
                    "subject": one.subject,
                    "figures": one.figures,
                },
            )
            for one in new
        ]
    )
    return Looked(len(new), len(gone), len(found))


def _updated(row: SupplyWarning, signal: rules.Signal) -> SupplyWarning:
    row.figures, row.proposal = dict(signal.figures), signal.proposal
    return row


def standing() -> QuerySet[SupplyWarning]:
    """Warnings that still hold, the oldest first."""
    return SupplyWarning.objects.filter(over_at__isnull=True).order_by("pk")


@transaction.atomic
def set_aside(warning: SupplyWarning, *, why: str, actor: Person) -> SupplyWarning:
    """Somebody has looked and says why nothing needs to be done. Raises NotAllowed, Invalid, Conflict."""
    people.require(actor, MAY)
    row = SupplyWarning.objects.select_for_update(of=("self",)).get(pk=warning.pk)
    if row.over_at is not None or row.incident is not None:
        raise Conflict(gettext_noop("this warning is over, or somebody deals with it"))
    if not why.strip():
        raise Invalid("why", gettext_noop("words are needed"))
    row.set_aside_by, row.set_aside_at, row.set_aside_why = actor, clock.now(), why.strip()[:200]
    row.save(update_fields=["set_aside_by", "set_aside_at", "set_aside_why"])
    journal.append(
        "supply.warning_set_aside",
        actor=actor,
        clause=CLAUSES.get(row.kind, CLAUSE),
        data={"warning": str(row.uuid), "subject": row.subject, "why": row.set_aside_why},
    )
    return row


@transaction.atomic
def take_up(run: Run, *, subject: str) -> int:
    """The warnings about a product, a shipment or everything belong to the event that was reported; how many."""
    rows = standing().filter(subject=subject, incident__isnull=True)
    return rows.update(incident=run.incident)


# --- goods under way ---


@transaction.atomic
def record_shipment(
    product: Product, *, site: Any, cartons: int, ordered_on: date, due_on: date, actor: Person
) -> Shipment:
    """Goods ordered from a manufacturer. Raises NotAllowed, Invalid."""
    people.require(actor, MAY)
    if cartons < 1:
        raise Invalid("cartons", gettext_noop("a whole number of cartons from 1 is needed"))
    if due_on < ordered_on:
        raise Invalid("due_on", gettext_noop("must not be before the order"))
    locks.hold("supply.early")
    last = Shipment.objects.order_by("-pk").values_list("number", flat=True).first()
    number = f"SHP-{int(last[4:]) + 1 if last else 1:04d}"
    made = Shipment.objects.create(
        number=number,
        product=product,
        site=site,
        cartons=cartons,
        ordered_on=ordered_on,
        due_on=due_on,
        expected_on=due_on,
    )
    _journal_shipment("supply.shipment_recorded", made, actor)
    return made


@transaction.atomic
def expect(shipment: Shipment, *, expected_on: date, delay: str, actor: Person) -> Shipment:
    """A new day of arrival, and what holds the goods up: factory, vehicle, or nothing any more."""
    people.require(actor, MAY)
    row = _under_way(shipment)
    if delay not in Shipment.Delay.values:
        raise Invalid("delay", f"one of {', '.join(filter(None, Shipment.Delay.values))}")
    return _expected(row, expected_on, delay, actor=actor)


@transaction.atomic
def promised(run: Run, number: str, *, expected_on: date, delay: str) -> Shipment:
    """The day that somebody got for goods under way in a run, and what holds them up while it is after the day agreed;
    the early warnings say so at once. Goods that have arrived meanwhile stay as they are. Raises NotFound."""
    row = Shipment.objects.select_for_update(of=("self",)).select_related("product").filter(number=number)
    found = there(row.first(), f"there is no shipment {number}")
    held_up = delay if expected_on > found.due_on else Shipment.Delay.NONE
    if found.state == Shipment.State.UNDER_WAY and (found.expected_on, found.delay) != (expected_on, held_up):
        _expected(found, expected_on, held_up, run=run)
        look(pack_for(run.plan_version))
    return found


def _expected(
    row: Shipment, on: date, delay: str, *, actor: Person | None = None, run: Run | None = None
) -> Shipment:
    before = row.expected_on
    row.expected_on, row.delay = on, delay
    row.save(update_fields=["expected_on", "delay"])
    _journal_shipment("supply.shipment_expected", row, actor, run, expected_before=before.isoformat())
    return row


@transaction.atomic
def arrive(shipment: Shipment, *, actor: Person) -> Shipment:
    """The goods are in store: stock grows by them, once."""
    people.require(actor, MAY)
    row = _under_way(shipment)
    row.state, row.arrived_on = Shipment.State.ARRIVED, clock.today()
    row.save(update_fields=["state", "arrived_on"])
    Stock.objects.get_or_create(site=row.site, product=row.product, defaults={"cartons": 0})
    stock = Stock.objects.select_for_update().get(site=row.site, product=row.product)
    stock.cartons += row.cartons
    stock.save(update_fields=["cartons"])
    _journal_shipment("supply.shipment_arrived", row, actor)
    return row


def _under_way(shipment: Shipment) -> Shipment:
    row = (
        Shipment.objects.select_for_update(of=("self",)).select_related("product", "site").get(pk=shipment.pk)
    )
    if row.state != Shipment.State.UNDER_WAY:
        raise Conflict(Words(gettext_noop("%(number)s is not under way any more"), number=row.number))
    return row


def _journal_shipment(
    kind: str, row: Shipment, actor: Person | None, run: Run | None = None, **more: str
) -> None:
    note(
        kind,
        run,
        actor,
        clause="E3.5.2b",
        shipment=row.number,
        product=row.product.code,
        cartons=row.cartons,
        expected_on=row.expected_on.isoformat(),
        delay=row.delay,
        **more,
    )


@dataclass(frozen=True)
class Arrival:
    """Whether goods come within the delivery cycle agreed: "" as shipment when nothing is under way."""

    shipment: str
    cartons: int
    due_on: str
    expected_on: str
    days_late: int
    in_cycle: bool


def arrival(product: str, pack: Pack, *, shipment: str = "") -> Arrival:
    """The named shipment, else the one of the product that is expected first (E3.5.2b)."""
    rows = Shipment.objects.filter(state=Shipment.State.UNDER_WAY).order_by("expected_on", "number")
    row = (rows.filter(number=shipment) if shipment else rows.filter(product__code=product)).first()
    if row is None:
        return Arrival("", 0, "", "", 0, False)
    today = clock.today()
    days = max(0, (max(row.expected_on, today) - row.due_on).days)
    return Arrival(
        row.number, row.cartons, row.due_on.isoformat(), row.expected_on.isoformat(), days, days == 0
    )


# --- substitutes ---


@dataclass(frozen=True)
class Standin:
    """A substitute as people see it; money in fen."""

    product: Product
    found: rules.Substitute


def find_substitutes(product: str, pack: Pack, *, wanted_cartons: int, most: int = 5) -> list[Standin]:
    """What can stand in for a product, best first (E3.5.2b). Raises NotFound."""
    today = clock.today()
    products = {one.code: one for one in Product.objects.filter(active=True).select_related("manufacturer")}
    if product not in products:
        raise NotFound(f"there is no product {product}")
    offered = {one.product: _offered(one, products[one.product]) for one in goods(pack, today)}
    keep = setting(pack, "warning_short_weeks")
    found = rules.substitutes(offered[product], list(offered.values()), wanted_cartons, keep)
    return [Standin(products[one.offered.goods.product], one) for one in found[:most]]


def _offered(one: rules.Goods, product: Product) -> rules.Offered:
    return rules.Offered(one, product.manufacturer.code, product.price_class, product.wholesale_fen)


def factories(found: Sequence[Standin]) -> list[dict[str, Any]]:
    """The manufacturers of substitutes, each once, with their products, in the order of the substitutes."""
    by_code: dict[str, dict[str, Any]] = {}
    for one in found:
        maker = one.product.manufacturer
        name = maker.name.get("zh-Hans", "")
        entry = by_code.setdefault(maker.code, {"code": maker.code, "name": name, "products": []})
        entry["products"].append(one.product.code)
    return list(by_code.values())
