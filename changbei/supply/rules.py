"""What the supply room decides, as pure functions: prices, days, who may approve, from where, a usual order."""

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
