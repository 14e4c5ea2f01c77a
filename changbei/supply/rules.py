"""What the supply room decides, as pure functions: prices, days, who may approve, from where, a usual order; who may
settle in cash, what a settlement is off by, when supply and demand do not fit, and what can stand in for what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from changbei.core import workdays
from changbei.core.errors import Problem

PLANNED, SPECIAL, CONSUMER, AFTER_SUSPENSION = "planned", "special", "consumer", "after_suspension"
LATEST_HOUR_FOR_TODAY = 14  # a van that leaves later does not come back within its shift
KINDS_IN_A_USUAL_ORDER = 5
LONGEST_HOLIDAY_DAYS = 14


@dataclass(frozen=True)
class Wish:
    """One line of a request: what it is and how much, with the product's prices and supply class."""

    product: str
    cartons: int
    supply_class: str
    wholesale_fen: int
    retail_fen: int


@dataclass(frozen=True)
class Customer:
    """What eligibility asks about a customer (E3.4.2)."""

    licence_active: bool
    conduct: str
    marked_prices: bool


def problems(lines: Sequence[Mapping[str, Any]], known: Iterable[str]) -> list[Problem]:
    """What is wrong with the lines {product, cartons} of a request, before anything is decided about it."""
    products, found = set(known), []
    if not lines:
        found.append(Problem("lines", "at least one product is needed"))
    for number, line in enumerate(lines, start=1):
        if line.get("product") not in products:
            found.append(Problem(f"lines.{number}.product", f"there is no product {line.get('product')!r}"))
        cartons = line.get("cartons")
        if not isinstance(cartons, int) or isinstance(cartons, bool) or cartons < 1:
            found.append(Problem(f"lines.{number}.cartons", "a whole number of cartons from 1 is needed"))
    return found


def joined(lines: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Cartons per product; the same product on several lines is one wish."""
    cartons: dict[str, int] = {}
    for line in lines:
        cartons[line["product"]] = cartons.get(line["product"], 0) + line["cartons"]
    return cartons


def price_fen(path: str, wish: Wish) -> int:
    """Per carton: a consumer pays the retail price, a shop the wholesale price (E3.4.3c)."""
    return wish.retail_fen if path == CONSUMER else wish.wholesale_fen


def limit_inputs(path: str, wishes: Sequence[Wish]) -> dict[str, Any]:
    """What the table `approval-limit` sees."""
    return {"path": path, "cartons": sum(wish.cartons for wish in wishes)}


def eligibility_inputs(
    customer: Customer, path: str, wishes: Sequence[Wish], approver: str
) -> dict[str, Any]:
    """What the table `eligibility` sees (E3.4.2)."""
    classes = {wish.supply_class for wish in wishes}
    return {
        "licence_active": customer.licence_active,
        "conduct": customer.conduct,
        "marked_prices": customer.marked_prices,
        "scarce": "scarce" in classes,
        "controlled": "controlled" in classes,
        "path": path,
        "cartons": sum(wish.cartons for wish in wishes),
        "role": approver,
    }


def order_day(today: date, order_weekday: int) -> date:
    """The customer's next regular order day, today included; one that is no working day moves to the next one."""
    if is_order_day(today, order_weekday):
        return today
    day = today + timedelta(days=(order_weekday - today.isoweekday()) % 7)
    return day if workdays.is_workday(day) else workdays.next_workday(day)


def delivery_after(ordered_on: date, line_weekday: int) -> date:
    """The first drive of the customer's line after an order day."""
    day = ordered_on + timedelta(days=(line_weekday - ordered_on.isoweekday() - 1) % 7 + 1)
    return day if workdays.is_workday(day) else workdays.next_workday(day)


def replenishment_day(today: date, local_hour: int) -> date:
    """When a temporary replenishment is driven: today while a van can still go, else the next working day."""
    if workdays.is_workday(today) and local_hour < LATEST_HOUR_FOR_TODAY:
        return today
    return workdays.next_workday(today)


def approved_enough(path: str, approvers: Sequence[str]) -> bool:
    """Whether the people who approved suffice: two different ones for a special case (E3.4.3b), else one."""
    return len(set(approvers)) >= (2 if path == SPECIAL else 1)


def site_with(wanted: Mapping[str, int], stock: Mapping[str, Mapping[str, int]], sites: Sequence[str]) -> str:
    """The first of `sites` whose stock {site: {product: cartons}} covers everything wanted; "" when none does."""
    for site in sites:
        held = stock.get(site, {})
        if all(held.get(product, 0) >= cartons for product, cartons in wanted.items()):
            return site
    return ""


def usual_order(cartons: int, held: Mapping[str, int]) -> dict[str, int]:
    """`cartons` spread over the general goods a site holds most of, in proportion to what it holds.

    Never more of a product than is held; less than `cartons` only when the site holds less.
    """
    most = sorted(held.items(), key=lambda item: (-item[1], item[0]))[:KINDS_IN_A_USUAL_ORDER]
    most = [(product, amount) for product, amount in most if amount > 0]
    total = sum(amount for _, amount in most)
    wanted = min(cartons, total)
    shares = {product: wanted * amount // total for product, amount in most}
    left = wanted - sum(shares.values())
    for product, amount in most:
        extra = min(left, amount - shares[product])
        shares[product] += extra
        left -= extra
    return {product: amount for product, amount in shares.items() if amount}


def below_floor(held: Mapping[str, int], floor_cartons: int) -> list[str]:
    """Products kept for weddings and funerals of which less than the floor is left (E3.4.4)."""
    return sorted(product for product, cartons in held.items() if cartons < floor_cartons)


# --- settlement (E2.7, E3.2.4) ---


def is_order_day(today: date, order_weekday: int) -> bool:
    """Whether a customer orders today; an order day that was no working day has moved to the next one."""
    for back in range(LONGEST_HOLIDAY_DAYS):
        day = today - timedelta(days=back)
        if day.isoweekday() == order_weekday:
            moved = day if workdays.is_workday(day) else workdays.next_workday(day)
            if moved == today:
                return True
    return False


def cash_refusals(
    *, orders_today: bool, weather: bool, affected: bool, active: bool, electronic: bool
) -> list[str]:
    """Why a customer may not settle today's order in cash; empty when they may (E3.2.4).

    Cash takes the place of electronic settlement only on the order day, only in a weather event, and only for a
    customer it keeps from the bank.
    """
    asked = {
        "no-licence": active,
        "not-order-day": orders_today,
        "no-weather": weather,
        "not-affected": affected,
        "pays-cash-anyway": electronic,
    }
    return [reason for reason, holds in asked.items() if not holds]


def settlement_gap_fen(booked_fen: int, right_fen: int) -> int:
    """What the customer is owed (above 0) or owes (below 0) until a settlement is corrected."""
    return booked_fen - right_fen


def is_wrong(kind: str, booked_fen: int, right_fen: int) -> bool:
    """Whether the figures of a settlement bear out what is said to be wrong with it (E2.7)."""
    if kind == "missing":
        return booked_fen == 0 and right_fen > 0
    if kind == "twice":
        return right_fen > 0 and booked_fen > right_fen
    if kind == "account":
        return booked_fen > 0 and right_fen == 0
    return booked_fen != right_fen


# --- early warning (E3.5.2a) and goods that do not arrive (E3.5.2b) ---

TOTAL_SHORT, BRAND_SHORT, QUALITY, SLOW, LATE = "total_short", "brand_short", "quality", "slow", "late"
ALL = "all"  # the subject of a warning about everything together


@dataclass(frozen=True)
class Thresholds:
    """What the plan's settings say. Cover is in weeks of average demand."""

    short_weeks: float
    slow_weeks: float
    many_complaints: int
    many_quality_complaints: int


@dataclass(frozen=True)
class Goods:
    """One product: cartons in store, under way and due in time, asked for a week on average; recent complaints."""

    product: str
    supply_class: str
    stock: int
    in_transit: int
    weekly: float
    complaints: int = 0
    quality_complaints: int = 0

    @property
    def cover_weeks(self) -> float | None:
        """How long stock and what is under way last; None when nobody asks for it."""
        return (self.stock + self.in_transit) / self.weekly if self.weekly > 0 else None


@dataclass(frozen=True)
class UnderWay:
    """Goods ordered and not arrived: when they should be there by the cycle agreed, and when they will be."""

    number: str
    product: str
    cartons: int
    due_on: date
    expected_on: date
    delay: str = ""

    @property
    def days_late(self) -> int:
        return max(0, (self.expected_on - self.due_on).days)


@dataclass(frozen=True)
class Signal:
    """An early warning: what does not fit, about what, and what is proposed."""

    kind: str
    subject: str
    product: str
    proposal: str
    figures: Mapping[str, Any]


def signals(
    goods: Sequence[Goods], under_way: Sequence[UnderWay], limits: Thresholds, today: date
) -> list[Signal]:
    """Every early warning that stock, demand and goods under way give (E3.5.2a, E3.5.2b), each with a proposal."""
    found = [*_total(goods, limits)]
    if any(one.weekly > 0 for one in goods):  # where nobody records demand, stock says nothing
        for one in goods:
            found += _of_product(one, limits)
    found += [_late(one, today) for one in under_way if is_late(one, today)]
    return found


def is_late(one: UnderWay, today: date) -> bool:
    """Whether goods miss the delivery cycle: they are expected after its end, or it is over and they are not there."""
    return one.expected_on > one.due_on or today > one.due_on


def _total(goods: Sequence[Goods], limits: Thresholds) -> list[Signal]:
    """All goods together are short: the province is asked for more plan volume."""
    weekly = sum(one.weekly for one in goods)
    stock, in_transit = sum(one.stock for one in goods), sum(one.in_transit for one in goods)
    if weekly <= 0 or (stock + in_transit) / weekly >= limits.short_weeks:
        return []
    figures = _figures(stock, in_transit, weekly, sum(one.complaints for one in goods), 0)
    return [Signal(TOTAL_SHORT, ALL, "", "ask_province", figures)]


def _of_product(one: Goods, limits: Thresholds) -> list[Signal]:
    """Short, of poor quality, or slow-selling. Scarce goods are short by nature: they warn when customers complain."""
    figures = _figures(one.stock, one.in_transit, one.weekly, one.complaints, one.quality_complaints)
    found = []
    complain = one.complaints >= limits.many_complaints
    short = one.cover_weeks is not None and one.cover_weeks < limits.short_weeks
    if short and (complain or one.supply_class == "general"):
        proposal = "adjust_transfer" if complain else "survey"
        found.append(Signal(BRAND_SHORT, one.product, one.product, proposal, figures))
    poor = one.quality_complaints >= limits.many_quality_complaints
    if poor:
        found.append(Signal(QUALITY, one.product, one.product, "contact_factory", figures))
    held = one.stock + one.in_transit
    slow = held > 0 and (one.cover_weeks is None or one.cover_weeks > limits.slow_weeks)
    if slow and not poor:
        found.append(Signal(SLOW, one.product, one.product, "adjust_plan", figures))
    return found


def _late(one: UnderWay, today: date) -> Signal:
    days = max(one.days_late, (today - one.due_on).days)
    figures = {
        "cartons": one.cartons,
        "due_on": one.due_on.isoformat(),
        "expected_on": one.expected_on.isoformat(),
        "days_late": days,
        "delay": one.delay,
    }
    return Signal(LATE, one.number, one.product, "press_delivery", figures)


def _figures(
    stock: int, in_transit: int, weekly: float, complaints: int, quality_complaints: int
) -> dict[str, Any]:
    cover = round((stock + in_transit) / weekly, 1) if weekly > 0 else None
    return {
        "stock": stock,
        "in_transit": in_transit,
        "weekly": round(weekly),
        "cover_weeks": cover,
        "complaints": complaints,
        "quality_complaints": quality_complaints,
    }


@dataclass(frozen=True)
class Offered:
    """A product as a possible substitute: price class 1 (highest) to 5, prices in fen a carton."""

    goods: Goods
    manufacturer: str
    price_class: int
    wholesale_fen: int


@dataclass(frozen=True)
class Substitute:
    """How close a product comes: price difference as a share of the missing one's price, and what can be spared."""

    offered: Offered
    price_difference: float
    spare_cartons: int
    suffices: bool


def substitutes(
    missing: Offered, offered: Sequence[Offered], wanted_cartons: int, keep_weeks: float
) -> list[Substitute]:
    """What can stand in for a product that does not come in the cycle (E3.5.2b), best first.

    Only the same price class; scarce and controlled goods stand in for nothing but their like. Those whose spare
    stock (beyond `keep_weeks` of their own demand) covers what is wanted come first, then the closest price.
    """
    own = missing.goods
    found = []
    for one in offered:
        fits = one.price_class == missing.price_class and one.goods.product != own.product
        if not fits or one.goods.supply_class not in ("general", own.supply_class):
            continue
        spare = max(0, one.goods.stock + one.goods.in_transit - round(one.goods.weekly * keep_weeks))
        away = abs(one.wholesale_fen - missing.wholesale_fen) / missing.wholesale_fen
        found.append(Substitute(one, round(away, 4), spare, spare >= wanted_cartons))
    found.sort(
        key=lambda one: (
            not one.suffices,
            one.offered.goods.supply_class != own.supply_class,
            one.price_difference,
            -one.spare_cartons,
            one.offered.goods.product,
        )
    )
    return found
