"""The duty roster, who is away when, the outside contacts, and who knows which line."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from changbei.core.clock import LOCAL
from changbei.network.city import names
from changbei.network.city.goods import BRANDS
from changbei.network.city.organisation import Organisation
from changbei.network.city.plan import Table
from changbei.network.city.rounds import Rounds
from changbei.network.city.shops import Shops
from changbei.network.city.spec import CitySpec

Span = tuple[datetime, datetime]

HOURS = {  # per kind of duty post: the shifts of a day as (from hour, hours)
    "dispatcher": ((7, 12),),
    "info-technician": ((8, 12), (20, 12)),
    "order-desk": ((8, 12),),
    "security-desk": ((8, 12), (20, 12)),
    "customer-service-desk": ((8, 12),),
}
SHARE_WITH_AN_ABSENCE = 0.45
AWAY_IN_FIRST_WEEK = frozenset({"customer_manager", "market_manager", "order_clerk", "auditor", "buyer"})

CONTACTS = (  # code, group, Chinese, English, what it serves
    ("vendor-order-system", "vendor", "样例软件厂商", "Sample Software Vendor",
     ["ordering-system", "marketing-system"]),
    ("vendor-server", "vendor", "样例主机维保商", "Sample Server Maintenance", ["server", "tape-library"]),
    ("vendor-voice", "vendor", "样例语音设备商", "Sample Voice Equipment", ["voice-board", "order-phone"]),
    ("vendor-scanner", "vendor", "样例扫描设备商", "Sample Scanner Service", ["scanner", "collector"]),
    ("vendor-ups", "vendor", "样例电源维保商", "Sample Power Supply Service", ["ups"]),
    ("vendor-van-repair", "vendor", "样例汽修厂", "Sample Van Workshop", ["vehicle-repair"]),
    ("vendor-tow", "vendor", "样例拖车队", "Sample Towing Service", ["towing"]),
    ("carrier-fixed", "carrier", "样例电信公司", "Sample Fixed-line Carrier", ["line", "internet"]),
    ("carrier-mobile", "carrier", "样例移动公司", "Sample Mobile Carrier", ["line", "sms"]),
    ("bank-settlement", "bank", "样例结算银行", "Sample Settlement Bank", ["e-settlement"]),
    ("insurer-fleet", "insurer", "样例保险公司", "Sample Fleet Insurer", ["vehicle-insurance"]),
    ("province-info", "province", "样例省公司信息中心", "Sample Provincial Information Centre",
     ["ordering-system", "network"]),
    ("province-marketing", "province", "样例省公司营销处",
     "Sample Provincial Marketing Office", ["supply-plan"]),
    ("authority-traffic", "authority", "样例交警支队", "Sample Traffic Police", ["traffic-accident"]),
    ("authority-transport", "authority", "样例应急运输办",
     "Sample Emergency Transport Office", ["substitute-van"]),
    ("authority-weather", "authority", "样例气象台", "Sample Weather Office", ["forecast", "warning"]),
    ("authority-medical", "authority", "样例急救中心", "Sample Ambulance Service", ["rescue"]),
    ("media-tv", "media", "样例电视台", "Sample Television", ["public-notice"]),
    ("media-radio", "media", "样例电台", "Sample Radio", ["public-notice"]),
    ("vendor-network", "vendor", "样例网络设备维保商", "Sample Network Equipment Service",
     ["network-equipment"]),
    ("vendor-pc", "vendor", "样例电脑维修部", "Sample Computer Workshop", ["order-pc"]),
    ("authority-power", "authority", "样例供电所", "Sample Power Supplier", ["power"]),
    ("authority-network", "authority", "样例省级网信部门", "Sample Provincial Network Office",
     ["network-incident"]),
    ("authority-petitions", "authority", "样例市政府信访局", "Sample Petition Office of the City", ["city-government"]),
    ("authority-union", "authority", "样例市总工会", "Sample City Trade Union", ["trade-union"]),
    ("authority-stability", "authority", "样例市维稳办", "Sample City Stability Office", ["stability-office"]),
    ("authority-police", "authority", "样例市公安局", "Sample City Police", ["police"]),
    ("authority-labour", "authority", "样例市人社局", "Sample City Labour Bureau", ["labour-bureau"]),
    ("province-petitions", "province", "样例省公司信访办", "Sample Provincial Petition Office",
     ["provincial-petitions"]),
)  # fmt: skip
FACTORY_CONTACTS = (  # the three groups of E3.5.4
    ("marketing", "营销负责人", "head of marketing"),
    ("department", "各部门负责人", "department heads"),
    ("area", "区域代表", "area representative"),
)


def local_moment(day: date, hour: float) -> datetime:
    """A wall-clock hour of the city as UTC; hours from 24 on belong to the next day."""
    return (datetime.combine(day, time(), LOCAL) + timedelta(hours=hour)).astimezone(UTC)


def absences(spec: CitySpec, organisation: Organisation) -> Table:
    """Leave, courses and errands over the weeks of the roster; the first week is left to few, so that a
    story can begin.
    """
    table = Table(
        "people.Absence",
        (
            "id",
            "person_id",
            "starts_at",
            "ends_at",
            "out_of_city",
            "reachable",
            "substitute_id",
            "recorded_by_id",
        ),
    )
    rng = spec.stream("absences")
    people = organisation.tables.people.rows
    colleagues: dict[tuple[int, str], list[int]] = {}
    for person in people:
        colleagues.setdefault((person[8], person[9]), []).append(person[0])
    week = range(-1, 7)
    for person in people:
        draws = rng.random(4)
        first = int(rng.integers(-7 * spec.roster_weeks, 7 * spec.roster_weeks - 5))
        days = int(rng.integers(1, 6))
        if draws[0] > SHARE_WITH_AN_ABSENCE:
            continue
        if any(first + day in week for day in range(days)) and person[9] not in AWAY_IN_FIRST_WEEK:
            continue
        others = [other for other in colleagues[(person[8], person[9])] if other != person[0]]
        substitute = others[int(draws[1] * len(others))] if others else None
        start = spec.start_on + timedelta(days=first)
        away, reachable = bool(draws[2] < 0.5), bool(draws[3] < 0.85)
        ends_at = local_moment(start + timedelta(days=days - 1), 24)
        table.add(person[0], local_moment(start, 0), ends_at, away, reachable, substitute, person[0])
    return table


def duty_shifts(spec: CitySpec, organisation: Organisation, away: Table) -> Table:
    """Each duty post's crew take turns day by day; whoever is away is skipped."""
    table = Table("people.DutyShift", ("id", "post_id", "person_id", "starts_at", "ends_at"))
    spans: dict[int, list[Span]] = {}
    for row in away.rows:
        spans.setdefault(row[1], []).append((row[2], row[3]))
    kinds = {row[0]: row[2] for row in organisation.tables.posts.rows}
    for code, crew in organisation.duty_crews.items():
        post = organisation.post_ids[code]
        turn = 0
        for day in range(-7 * spec.roster_weeks, 7 * spec.roster_weeks):
            for hour, hours in HOURS[kinds[post]]:
                start = local_moment(spec.start_on + timedelta(days=day), hour)
                span = (start, start + timedelta(hours=hours))
                free = [crew[(turn + i) % len(crew)] for i in range(len(crew))]
                person = next((one for one in free if not _overlaps(span, spans.get(one, []))), None)
                turn += 1
                if person is not None:
                    table.add(post, person, *span)
    return table


def _overlaps(span: Span, others: list[Span]) -> bool:
    return any(start < span[1] and span[0] < end for start, end in others)


def contacts(spec: CitySpec) -> Table:
    table = Table(
        "people.Contact",
        ("id", "code", "group", "organisation", "person", "phone", "email", "serves", "reviewed_on"),
    )
    rng = spec.stream("contacts")
    for number, (code, group, hans, english, serves) in enumerate(CONTACTS, start=1):
        reviewed = spec.start_on - timedelta(days=int(rng.integers(5, 150)))
        person = names.shopkeeper(number * 7)
        table.add(
            code,
            group,
            names.text(hans, english),
            person,
            names.phone(8, number),
            f"{code}@changbei.example",
            serves,
            reviewed,
        )
    for number, (brand, english) in enumerate(BRANDS, start=1):
        for place, (part, hans, english_part) in enumerate(FACTORY_CONTACTS):
            table.add(
                f"m{number:02d}-{part}",
                f"manufacturer-{part}",
                names.text(f"样品{brand}厂{hans}", f"Sample {english} Works, {english_part}"),
                names.shopkeeper(200 + number * 3 + place),
                names.phone(9, number * 10 + place),
                f"m{number:02d}-{part}@changbei.example",
                [f"M{number:02d}"],
                spec.start_on - timedelta(days=5 + (number * 3 + place) * 2),
            )
    return table


def line_knowledge(spec: CitySpec, organisation: Organisation, rounds: Rounds, shops: Shops) -> Table:
    """Who could guide or deliver (E3.3.5): the driver, drivers of the next lines, customer managers,
    inspectors.
    """
    table = Table("network.LineKnowledge", ("id", "line_id", "person_id", "trips"))
    rng = spec.stream("knowledge")
    van_count = len(organisation.drivers)
    for number, line in enumerate(rounds.lines):
        knows: dict[int, int] = {organisation.drivers[line.van]: int(rng.integers(60, 260))}
        for step in (-1, 1):
            other = organisation.drivers[(line.van + step) % van_count]
            knows.setdefault(other, int(rng.integers(4, 40)))
        managers, visits = np.unique(rounds.managers[line.shops], return_counts=True)
        for manager, served in zip(managers, visits, strict=True):
            if served >= max(2, len(line.shops) // 6):
                knows.setdefault(organisation.managers[manager], int(rng.integers(10, 80)))
        if len(line.shops):
            district = int(np.bincount(shops.district[line.shops]).argmax())
            crew = organisation.inspectors[district]
            knows.setdefault(crew[int(rng.integers(len(crew)))], int(rng.integers(3, 30)))
        for person, trips in knows.items():
            table.add(number + 1, person, trips)
    return table
