"""The bureau: units, people, posts and who holds them. About 220 people for 12,000 retailers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np

from changbei.core.clock import LOCAL
from changbei.core.texts import Text
from changbei.network.city import names
from changbei.network.city.land import DISTRICTS, degrees
from changbei.network.city.plan import Row, Table
from changbei.network.city.rounds import SITES_KM
from changbei.network.city.spec import CitySpec

SITE_CODES = ("delivery-center", *(f"transfer-station-{number}" for number in range(1, len(SITES_KM))))
STATION_NAMES = (
    ("试原", "Trial Plain"),
    ("仿河", "Imitation River"),
    ("拟山", "Mock Hills"),
    ("设丘", "Supposed Downs"),
)
DISPATCHERS_PER_SITE = 3
INSPECTORS_PER_DISTRICT = 4


@dataclass
class Tables:
    """The tables of the room `people`, being filled."""

    units: Table = field(
        default_factory=lambda: Table(
            "people.Unit", ("id", "code", "kind", "name", "parent_id", "longitude", "latitude")
        )
    )
    people: Table = field(
        default_factory=lambda: Table(
            "people.Person",
            (
                "id", "uuid", "staff_no", "name", "phone", "second_phone", "email", "language", "unit_id",
                "job", "active", "phone_verified_on",
            ),
        )
    )  # fmt: skip
    posts: Table = field(
        default_factory=lambda: Table("people.Post", ("id", "code", "kind", "name", "unit_id"))
    )
    holdings: Table = field(
        default_factory=lambda: Table(
            "people.PostHolding", ("id", "post_id", "person_id", "rank", "since", "until")
        )
    )


@dataclass
class Organisation:
    """What the other parts need to know of the people: ids by unit, by job, by site and by district."""

    tables: Tables = field(default_factory=Tables)
    unit_ids: dict[str, int] = field(default_factory=dict)
    post_ids: dict[str, int] = field(default_factory=dict)
    drivers: list[int] = field(default_factory=list)  # one per van, in the vans' order
    reserve_drivers: list[list[int]] = field(default_factory=list)  # per site
    managers: list[int] = field(default_factory=list)  # customer managers in the order of their territories
    inspectors: list[list[int]] = field(default_factory=list)  # per district
    duty_crews: dict[str, list[int]] = field(default_factory=dict)  # per duty post its people

    def people_of(self, job: str) -> list[Row]:
        return [row for row in self.tables.people.rows if row[9] == job]


class _Builder:
    def __init__(self, spec: CitySpec) -> None:
        self.made = Organisation()
        self.start_on = spec.start_on
        self.rng = spec.stream("people")
        self.names = iter(names.staff_names(200 + spec.line_vans * 12 + spec.retailers // 100))
        self.since = datetime.combine(spec.start_on, datetime.min.time(), LOCAL).astimezone(UTC) - timedelta(
            days=400
        )

    def unit(
        self, code: str, kind: str, name: Text, parent: str | None, at: tuple[float, float] | None = None
    ) -> None:
        place: list[float | None] = [None, None]
        if at is not None:
            place = [float(value) for value in degrees(np.array([at]))[0]]
        parent_id = self.made.unit_ids[parent] if parent else None
        self.made.unit_ids[code] = self.made.tables.units.add(code, kind, name, parent_id, *place)

    def person(self, unit: str, job: str) -> int:
        number = len(self.made.tables.people.rows) + 1
        staff_no = f"CB{number:04d}"
        language = ("zh-Hans", "zh-Hant", "en")[int(self.rng.choice(3, p=(0.96, 0.025, 0.015)))]
        return self.made.tables.people.add(
            UUID(bytes=self.rng.bytes(16), version=4),
            staff_no,
            next(self.names),
            names.phone(0, number),
            names.phone(1, number),
            f"{staff_no.lower()}@changbei.example",
            language,
            self.made.unit_ids[unit],
            job,
            True,
            self.start_on - timedelta(days=20 + number * 7 % 200),
        )

    def staff(self, unit: str, job: str, count: int) -> list[int]:
        return [self.person(unit, job) for _ in range(count)]

    def post(self, code: str, kind: str, name: Text, unit: str, holders: list[int]) -> None:
        self.made.post_ids[code] = self.made.tables.posts.add(code, kind, name, self.made.unit_ids[unit])
        for rank, person in enumerate(holders, start=1):
            self.made.tables.holdings.add(self.made.post_ids[code], person, rank, self.since, None)

    def headed(
        self,
        code: str,
        kind: str,
        name: Text,
        parent: str,
        *,
        deputies: int = 1,
        post: str = "",
        at: tuple[float, float] | None = None,
    ) -> list[int]:
        """A unit with its head and deputies; the post's kind is `post` or "<kind>-head"."""
        self.unit(code, kind, name, parent, at)
        leaders = [self.person(code, "head"), *self.staff(code, "deputy", deputies)]
        title = names.join([name, names.text("负责人", "head")])
        post_kind = post or f"{kind.replace('_', '-')}-head"
        self.post(
            post_kind if code == kind.replace("_", "-") else f"{post_kind}-{code}",
            post_kind,
            title,
            code,
            leaders,
        )
        return leaders


def hire(spec: CitySpec, vans_of_site: tuple[int, ...], district_of_manager: tuple[int, ...]) -> Organisation:
    """Units and people for these vans and territories."""
    builder = _Builder(spec)
    _leadership(builder)
    _offices(builder)
    _marketing(builder, district_of_manager)
    _delivery(builder, spec, vans_of_site)
    _petitions(builder)
    return builder.made


def _leadership(builder: _Builder) -> None:
    """The leading group of E2.1a: head and deputy here, the department heads with their departments."""
    builder.unit(
        "bureau",
        "tobacco_bureau",
        names.text("常备市示例局（公司）", "Changbei Demo Bureau (Company)"),
        None,
        SITES_KM[0],
    )
    head, deputy = builder.person("bureau", "head"), builder.person("bureau", "deputy")
    office = builder.staff("bureau", "secretary", 2)
    builder.post(
        "leading-group-head",
        "leading-group-head",
        names.text("领导小组组长", "Head of the leading group"),
        "bureau",
        [head],
    )
    builder.post(
        "leading-group-deputy",
        "leading-group-deputy",
        names.text("领导小组副组长", "Deputy head of the leading group"),
        "bureau",
        [deputy],
    )
    builder.post(
        "leading-group-office",
        "leading-group-office",
        names.text("领导小组办公室", "Office of the leading group"),
        "bureau",
        office,
    )


def _offices(builder: _Builder) -> None:
    for code, kind, hans, english, job, count in (
        ("info-center", "info_center", "信息中心", "Information centre", "technician", 8),
        ("finance-office", "finance_office", "财务管理处", "Finance office", "accountant", 4),
        ("security-office", "security_office", "安保处", "Security office", "guard", 5),
        (
            "inspection-center",
            "inspection_center",
            "督察考评中心",
            "Supervision and evaluation centre",
            "auditor",
            3,
        ),
        ("monopoly-inspection", "monopoly_inspection", "专卖稽查支队", "Monopoly inspection", "inspector", 2),
    ):
        post = {
            "info_center": "info-center-head",
            "finance_office": "finance-head",
            "security_office": "security-head",
        }
        post |= {"inspection_center": "inspection-head", "monopoly_inspection": "monopoly-inspection-head"}
        builder.headed(code, kind, names.text(hans, english), "bureau", post=post[kind])
        crew = builder.staff(code, job, count)
        if kind == "info_center":
            _duty(builder, "info-technician", "信息值班", "Technician on duty", code, crew)
        elif kind == "security_office":
            _duty(builder, "security-desk", "安保值班", "Security desk", code, crew)


def _duty(
    builder: _Builder, kind: str, hans: str, english: str, unit: str, crew: list[int], code: str = ""
) -> None:
    """A post that is filled by the roster; its crew are also its holders, for the hours nobody is on duty."""
    builder.post(code or kind, kind, names.text(hans, english), unit, crew)
    builder.made.duty_crews[code or kind] = crew


def _marketing(builder: _Builder, district_of_manager: tuple[int, ...]) -> None:
    builder.headed(
        "marketing-center", "marketing_center", names.text("营销中心", "Marketing centre"), "bureau"
    )
    for code, kind, hans, english, job, count, post in (
        ("order-dept", "order_dept", "订单部", "Order department", "order_clerk", 8, "order-dept-head"),
        ("customer-service-dept", "customer_service_dept", "客户服务部", "Customer service department",
         "service_clerk", 6, "customer-service-head"),
        ("procurement-dept", "procurement_dept", "采供部", "Procurement department",
         "buyer", 4, "procurement-head"),
    ):  # fmt: skip
        builder.headed(code, kind, names.text(hans, english), "marketing-center", post=post)
        crew = builder.staff(code, job, count)
        if kind == "order_dept":
            _duty(builder, "order-desk", "订单值班", "Order desk", code, crew)
        elif kind == "customer_service_dept":
            _duty(builder, "customer-service-desk", "客服值班", "Customer service desk", code, crew)
    for district in range(len(DISTRICTS)):
        territories = [number for number, of in enumerate(district_of_manager) if of == district]
        _marketing_department(builder, district, len(territories))


def _marketing_department(builder: _Builder, district: int, territories: int) -> None:
    """Head, deputy, market offices with their managers, customer managers, inspectors and the person of
    E3.4.3c.
    """
    code, hans, english, _, _ = DISTRICTS[district]
    unit, short = f"marketing-department-{code}", english.rsplit(" ", 1)[0]
    name = names.text(f"{hans}营销部", f"{short} marketing department")
    builder.unit(unit, "marketing_department", name, "marketing-center")
    head, deputy = builder.person(unit, "head"), builder.person(unit, "deputy")
    handler = builder.person(unit, "service_clerk")
    for kind, people, title in (
        ("marketing-department-head", [head, deputy], names.text("经理", "head")),
        ("marketing-department-deputy", [deputy], names.text("副经理", "deputy")),
        ("consumer-supply-handler", [handler], names.text("消费者货源专办", "consumer supply handler")),
    ):
        builder.post(f"{kind}-{code}", kind, names.join([name, title]), unit, people)
    offices = max(1, round(territories / 5))
    market_managers = []
    for number in range(1, offices + 1):
        office = f"market-office-{code}-{number}"
        builder.unit(
            office,
            "market_office",
            names.text(f"{hans}市场部{names.numeral(number)}部", f"{short} market office {number}"),
            unit,
        )
        market_managers.append((office, builder.person(office, "market_manager")))
    for number, (office, manager) in enumerate(market_managers):
        stand_in = (
            [market_managers[(number + 1) % offices][1]] if offices > 1 else [head]
        )  # the deputy approves what they verify
        title = names.text(
            f"{hans}市场部{names.numeral(number + 1)}部市场经理", f"{short} market manager {number + 1}"
        )
        builder.post(
            f"market-manager-{code}-{number + 1}", "market-manager", title, office, [manager, *stand_in]
        )
    for number in range(territories):
        office = market_managers[number * offices // territories][0]
        builder.made.managers.append(builder.person(office, "customer_manager"))
    inspectors = builder.staff(unit, "inspector", INSPECTORS_PER_DISTRICT)
    builder.made.inspectors.append(inspectors)
    title = names.join([name, names.text("专卖管理员", "monopoly administrator")])
    builder.post(f"monopoly-administrator-{code}", "monopoly-administrator", title, unit, inspectors[:2])


def _delivery(builder: _Builder, spec: CitySpec, vans_of_site: tuple[int, ...]) -> None:
    builder.headed(
        "delivery-center",
        "delivery_center",
        names.text("配送中心", "Delivery centre"),
        "bureau",
        at=SITES_KM[0],
    )
    keepers = [
        builder.person("delivery-center", "warehouse_keeper"),
        builder.person("delivery-center", "warehouse_keeper"),
    ]
    builder.post(
        "warehouse-head",
        "warehouse-head",
        names.text("仓储部主任", "Head of the warehouse"),
        "delivery-center",
        keepers,
    )
    for site, (code, vans) in enumerate(zip(SITE_CODES, vans_of_site, strict=True)):
        if site:
            hans, english = STATION_NAMES[site - 1]
            name = names.text(f"{hans}中转站", f"{english} transfer station")
            builder.headed(code, "transfer_station", name, "delivery-center", deputies=0, at=SITES_KM[site])
        crew = builder.staff(code, "dispatcher", DISPATCHERS_PER_SITE)
        title = "配送中心" if not site else f"{STATION_NAMES[site - 1][0]}中转站"
        duty = "dispatcher" if not site else f"dispatcher-{code}"
        _duty(builder, "dispatcher", f"{title}调度", f"Dispatcher, {code}", code, crew, duty)
        builder.made.drivers += builder.staff(code, "driver", vans)
        builder.made.reserve_drivers.append(
            builder.staff(code, "driver", spec.reserve_vans_at_center if not site else 1)
        )


def _petitions(builder: _Builder) -> None:
    """The heads of two of the three teams that receive a collective visit; site safety is the security office's."""

    def one(unit: str, job: str) -> int:
        number: int = next(
            row[0] for row in builder.made.people_of(job) if row[8] == builder.made.unit_ids[unit]
        )
        return number

    for kind, title, holders in (
        (
            "petition-enquiry-lead",
            names.text("信访调查接待组组长", "Head of the petition enquiry team"),
            [one("customer-service-dept", "head"), one("customer-service-dept", "deputy")],
        ),
        (
            "petition-answer-lead",
            names.text("信访解答协调组组长", "Head of the petition answering team"),
            [one("marketing-center", "deputy"), one("monopoly-inspection", "deputy")],
        ),
    ):
        builder.post(kind, kind, title, "bureau", holders)
