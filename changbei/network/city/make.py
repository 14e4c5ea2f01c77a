"""From a specification to the tables of a city."""

from __future__ import annotations

from datetime import time
from typing import Any
from uuid import UUID

import numpy as np

from changbei.network.city import names
from changbei.network.city.goods import fill_stores, make_goods
from changbei.network.city.land import (
    CENTER_LATITUDE,
    CENTER_LONGITUDE,
    DISTRICTS,
    Land,
    degrees,
    survey,
)
from changbei.network.city.orders import shipments, weekly_demand
from changbei.network.city.organisation import SITE_CODES, STATION_NAMES, Organisation, hire
from changbei.network.city.plan import City, Table
from changbei.network.city.registers import registers
from changbei.network.city.roster import absences, contacts, duty_shifts, line_knowledge
from changbei.network.city.rounds import (
    CAPACITIES_CARTONS,
    SITES_KM,
    DeliveryLine,
    Rounds,
    plan_rounds,
)
from changbei.network.city.shops import FORMATS, Shops, open_shops
from changbei.network.city.spec import DELIVERY_WEEKDAYS, CitySpec
from changbei.network.city.streets import Road, pave

FORMAT_NAMES = ("超市", "便利店", "食杂店", "专营店", "宾馆", "售货亭")
CONDUCTS = ("law_abiding", "warned", "punished")
VAN_MODELS = ("4.2 m box van", "5.2 m box van", "6.2 m box van")  # by capacity
WINDOW_SHARE = 0.15
WINDOWS = ((8, 12), (8, 13), (9, 12), (9, 15), (10, 16), (12, 17), (13, 17), (8, 15))  # hours
WINDOW_SLACK_SECONDS = (20 * 60, 60 * 60)  # before and after the usual arrival


def make(spec: CitySpec) -> City:
    """The city of `spec`; the same for the same specification, byte for byte."""
    land = survey(spec)
    roads = pave(spec, land)
    shops = open_shops(spec, land, roads)
    rounds = plan_rounds(spec, shops)
    organisation = hire(spec, rounds.vans_of_site, rounds.district_of_manager)
    away = absences(spec, organisation)
    people = organisation.tables
    vehicles = _vehicles(spec, rounds, organisation)
    manufacturers = Table(
        "network.Manufacturer",
        ("id", "code", "name", "address", "brands", "yearly_cases", "prospects", "reviewed_on"),
    )
    products = Table(
        "network.Product",
        (
            "id",
            "code",
            "name",
            "manufacturer_id",
            "supply_class",
            "price_class",
            "wholesale_fen",
            "retail_fen",
            "active",
        ),
    )
    stock = Table("network.Stock", ("id", "site_id", "product_id", "cartons"))
    make_goods(spec, manufacturers, products)
    fill_stores(spec, products, stock, _weekly_cartons(rounds, shops))
    demand = weekly_demand(spec, products, stock)
    retailers = _retailers(spec, land, shops, rounds, organisation)
    tables = [
        people.units,
        people.people,
        people.posts,
        people.holdings,
        away,
        duty_shifts(spec, organisation, away),
        contacts(spec),
        _city(spec),
        _districts(land, organisation),
        _places(land),
        _streets(roads),
        _sites(organisation),
        vehicles,
        _lines(rounds, organisation),
        line_knowledge(spec, organisation, rounds, shops),
        retailers,
        manufacturers,
        products,
        stock,
        demand,
        shipments(spec, products, demand),
        *registers(spec, organisation, vehicles, retailers, products, stock),
    ]
    return City(spec, tables)


def _city(spec: CitySpec) -> Table:
    table = Table("network.City", ("id", "name", "longitude", "latitude", "seed", "artificial"))
    table.add(names.text("常备市", "Changbei Demo City"), CENTER_LONGITUDE, CENTER_LATITUDE, spec.seed, True)
    return table


def _districts(land: Land, organisation: Organisation) -> Table:
    table = Table("network.District", ("id", "code", "name", "outline", "marketing_department_id"))
    for (code, hans, english, _, _), outline in zip(DISTRICTS, land.outlines, strict=True):
        ring = degrees(outline).tolist()
        unit = organisation.unit_ids[f"marketing-department-{code}"]
        table.add(code, names.text(hans, english), {"type": "Polygon", "coordinates": [ring]}, unit)
    return table


def _places(land: Land) -> Table:
    columns = ("id", "code", "name", "kind", "district_id", "population", "terrain", "longitude", "latitude")
    table = Table("network.Place", columns)
    for spot, (longitude, latitude) in zip(
        land.spots, degrees(np.array([s.at for s in land.spots])).tolist(), strict=True
    ):
        table.add(
            spot.code,
            spot.name,
            spot.kind,
            spot.district + 1,
            spot.population,
            spot.terrain,
            longitude,
            latitude,
        )
    return table


def _streets(roads: list[Road]) -> Table:
    table = Table("network.Street", ("id", "name", "rank", "path"))
    for road in roads:
        table.add(road.name, road.rank, degrees(road.path).tolist())
    return table


def _sites(organisation: Organisation) -> Table:
    table = Table("network.Site", ("id", "code", "kind", "name", "unit_id", "longitude", "latitude"))
    titles = [("配送中心", "Delivery centre")]
    titles += [(f"{hans}中转站", f"{english} transfer station") for hans, english in STATION_NAMES]
    for code, (hans, english), at in zip(
        SITE_CODES, titles, degrees(np.array(SITES_KM)).tolist(), strict=True
    ):
        kind = "delivery_center" if code == "delivery-center" else "transfer_station"
        table.add(code, kind, names.text(hans, english), organisation.unit_ids[code], *at)
    return table


def _vehicles(spec: CitySpec, rounds: Rounds, organisation: Organisation) -> Table:
    """Vans with lines come first, numbered from 1; the reserve vans follow."""
    columns = (
        "id", "number", "plate", "model", "site_id", "capacity_cartons", "is_reserve", "state", "checked_on",
        "keeper_id",
    )  # fmt: skip
    table = Table("network.Vehicle", columns)
    rng = spec.stream("vans")

    def park(site: int, *, reserve: bool, keeper: int) -> None:
        size = int(rng.choice(len(CAPACITIES_CARTONS), p=(0.45, 0.4, 0.15)))
        number = len(table.rows) + 1
        plate = f"样A·{number:05d}"
        model, capacity = VAN_MODELS[size], CAPACITIES_CARTONS[size]
        table.add(str(number), plate, model, site + 1, capacity, reserve, "fit", spec.start_on, keeper)

    keepers = iter(organisation.drivers)
    for site, count in enumerate(rounds.vans_of_site):
        for _ in range(count):
            park(site, reserve=False, keeper=next(keepers))
    for site, drivers in enumerate(organisation.reserve_drivers):
        for driver in drivers:
            park(site, reserve=True, keeper=driver)
    return table


def _lines(rounds: Rounds, organisation: Organisation) -> Table:
    table = Table("network.Line", ("id", "code", "name", "site_id", "weekday", "vehicle_id", "driver_id"))
    days = (("一", "Mon"), ("二", "Tue"), ("三", "Wed"), ("四", "Thu"), ("五", "Fri"))
    for line in rounds.lines:
        hans, english = days[line.weekday - 1]
        name = names.text(f"{line.van + 1}号车周{hans}线", f"Van {line.van + 1}, {english}")
        driver = organisation.drivers[line.van]
        table.add(
            f"L{line.van + 1:02d}-{line.weekday}", name, line.site + 1, line.weekday, line.van + 1, driver
        )
    return table


def _weekly_cartons(rounds: Rounds, shops: Shops) -> list[int]:
    weekly = [0] * len(SITES_KM)
    for line in rounds.lines:
        weekly[line.site] += int(shops.cartons[line.shops].sum())
    return weekly


RETAILER_COLUMNS = (
    "id", "uuid", "licence_no", "name", "contact_name", "phone", "address", "longitude", "latitude",
    "district_id", "place_id", "retail_format", "supply_tier", "credit_grade", "conduct", "marked_prices",
    "is_key", "is_vulnerable", "settlement", "order_weekday", "line_id", "line_sequence", "usual_cartons",
    "service_seconds", "window_start", "window_end", "customer_manager_id", "active",
)  # fmt: skip


def _retailers(spec: CitySpec, land: Land, shops: Shops, rounds: Rounds, organisation: Organisation) -> Table:
    table = Table("network.Retailer", RETAILER_COLUMNS)
    rng = spec.stream("retailers")
    at = degrees(shops.at).tolist()
    on_line = _positions(shops, rounds)
    windows = _windows(rng, on_line, rounds, len(shops))
    in_place: dict[int, int] = {}
    in_district = [0] * len(DISTRICTS)
    for i in range(len(shops)):
        line, position = on_line[i]
        place, district = int(shops.place[i]), int(shops.district[i])
        in_place[place] = number = in_place.get(place, 0) + 1
        in_district[district] += 1
        format_ = int(shops.retail_format[i])
        spot = land.spots[place].name["zh-Hans"]
        weekday = rounds.lines[line].weekday
        row: tuple[Any, ...] = (
            UUID(bytes=rng.bytes(16), version=4),
            f"{DISTRICTS[district][0]}1{in_district[district]:05d}",
            f"{spot}{FORMAT_NAMES[format_]}{number:03d}",
            names.shopkeeper(i),
            names.phone(2, i + 1),
            f"{DISTRICTS[district][1]}{spot}{number}号",
            *at[i],
            district + 1,
            place + 1,
            FORMATS[format_],
            int(shops.tier[i]),
            "ABCD"[int(shops.grade[i])],
            CONDUCTS[int(shops.conduct[i])],
            bool(shops.marked_prices[i]),
            bool(shops.is_key[i]),
            bool(shops.is_vulnerable[i]),
            "cash" if shops.pays_cash[i] else "e_settlement",
            weekday - 1 or DELIVERY_WEEKDAYS,  # the working day before the delivery
            line + 1,
            position,
            int(shops.cartons[i]),
            int(shops.service_seconds[i]),
            *windows[i],
            organisation.managers[int(rounds.managers[i])],
            True,
        )
        table.add(*row)
    return table


def _positions(shops: Shops, rounds: Rounds) -> list[tuple[int, int]]:
    """Per shop its line (counted from 0) and its place in the sequence (from 1)."""
    found = [(0, 0)] * len(shops)
    for number, line in enumerate(rounds.lines):
        for position, shop in enumerate(line.shops, start=1):
            found[int(shop)] = (number, position)
    return found


def _windows(
    rng: np.random.Generator, on_line: list[tuple[int, int]], rounds: Rounds, count: int
) -> list[tuple[time | None, time | None]]:
    """Some shops take goods only at certain hours, which the line's usual arrival respects with room on
    both sides.
    """
    wanted = rng.random(count) < WINDOW_SHARE
    windows: list[tuple[time | None, time | None]] = [(None, None)] * count
    for shop in np.flatnonzero(wanted):
        line: DeliveryLine = rounds.lines[on_line[shop][0]]
        arrival = int(line.arrivals[on_line[shop][1] - 1])
        early, late = arrival - WINDOW_SLACK_SECONDS[0], arrival + WINDOW_SLACK_SECONDS[1]
        fitting = [(a, b) for a, b in WINDOWS if a * 3600 <= max(early, 8 * 3600) and late <= b * 3600]
        if fitting:
            opens, closes = fitting[int(rng.integers(len(fitting)))]
            windows[shop] = (time(opens), time(closes))
    return windows
