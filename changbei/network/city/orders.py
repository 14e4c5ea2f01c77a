"""What customers asked for in the last weeks, and goods under way from the factories: most come in time."""

from __future__ import annotations

from datetime import timedelta

from changbei.network.city.plan import Table
from changbei.network.city.spec import CitySpec

WEEKS = 8
CYCLE_DAYS = 14
SHARE_UNDER_WAY = 0.3
SHARE_LATE = 0.06


def weekly_demand(spec: CitySpec, products: Table, stock: Table) -> Table:
    """A week's demand is what the stores hold two to four weeks of; scarce goods are asked for more than there are."""
    table = Table(
        "network.WeeklyDemand",
        (
            "id",
            "product_id",
            "week_starts_on",
            "asked_cartons",
            "supplied_cartons",
            "complaints",
            "quality_complaints",
        ),
    )
    rng = spec.stream("demand")
    held = [0] * len(products.rows)
    for row in stock.as_dicts():
        held[row["product_id"] - 1] += row["cartons"]
    for product, row in enumerate(products.as_dicts(), start=1):
        scarce = row["supply_class"] == "scarce"
        usual = held[product - 1] / float(rng.uniform(2.0, 4.0)) * (4.0 if scarce else 1.0)
        for back in range(WEEKS, 0, -1):
            asked = int(usual * float(rng.uniform(0.85, 1.15)))
            supplied = asked // 4 if scarce else asked
            week = spec.start_on - timedelta(days=spec.start_on.weekday() + 7 * back)
            table.add(product, week, asked, supplied, int(scarce and rng.random() < 0.3), 0)
    return table


def shipments(spec: CitySpec, products: Table, demand: Table) -> Table:
    """Ordered in the last days, to the delivery centre; a few factories are late."""
    table = Table(
        "network.Shipment",
        (
            "id",
            "number",
            "product_id",
            "site_id",
            "cartons",
            "ordered_on",
            "due_on",
            "expected_on",
            "state",
            "delay",
        ),
    )
    rng = spec.stream("shipments")
    weekly = [0] * len(products.rows)
    for row in demand.as_dicts():
        weekly[row["product_id"] - 1] += row["supplied_cartons"]
    for product in range(1, len(products.rows) + 1):
        draws = rng.random(3)
        if draws[0] > SHARE_UNDER_WAY:
            continue
        ordered_on = spec.start_on - timedelta(days=1 + int(draws[1] * (CYCLE_DAYS - 3)))
        due_on = ordered_on + timedelta(days=CYCLE_DAYS)
        late = bool(draws[2] < SHARE_LATE)
        table.add(
            f"SHP-{len(table.rows) + 1:04d}",
            product,
            1,
            max(1, weekly[product - 1] // WEEKS),
            ordered_on,
            due_on,
            due_on + timedelta(days=5) if late else due_on,
            "under_way",
            "factory" if late else "",
        )
    return table
