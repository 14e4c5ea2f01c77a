"""An empty site taken into use: each file names what those before it have brought."""

from __future__ import annotations

import csv
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from shapely import box

from changbei.core.clock import LOCAL, VirtualClock
from changbei.network import areas, imports
from changbei.network.area_files import Draft
from changbei.network.imports import values
from changbei.network.imports.problems import Wrong
from changbei.network.models import (
    District,
    Line,
    Manufacturer,
    Place,
    Retailer,
    Site,
    Stock,
    WeeklyDemand,
)
from changbei.people import services
from changbei.people.models import Contact, DutyShift, Person, Post, Unit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "in_english")]

CITY: dict[str, list[list[Any]]] = {
    "units": [
        ["代码", "名称", "英文名称", "类别", "上级部门"],
        ["bureau", "某市公司", "", "公司", ""],
        ["info-center", "信息中心", "Information centre", "信息中心", "bureau"],
        ["delivery-center", "配送中心", "", "delivery_center", "Bureau"],
        ["md-1", "甲区营销部", "", "营销部", "bureau"],
    ],
    "posts": [
        ["代码", "名称", "岗位类别", "部门"],
        ["info-technician", "信息值班", "info-technician", "信息中心"],
    ],
    "staff": [
        ["工号", "姓名", "手机", "部门", "岗位"],
        ["A1", "甲", "10000000001", "info-center", "技术员"],
        ["A2", "乙", "10000000002", "配送中心", "送货员"],
        ["A3", "丙", "10000000003", "甲区营销部", "客户经理"],
    ],
    "duty": [
        ["值班岗位", "值班人", "开始", "结束"],
        ["info-technician", "a1", "2026/11/23 8:00", "2026年11月23日 20:00"],
    ],
    "contacts": [
        ["代码", "类别", "名称", "电话", "负责", "复核日期"],
        ["vendor-1", "vendor", "某厂", "10080000001", "ordering-system，server", "2026.11.1"],
    ],
    "sites": [
        ["代码", "名称", "类别", "部门", "经度", "纬度"],
        ["dc", "配送中心", "配送中心", "配送中心", 122.5, 32.5],
    ],
    "vehicles": [
        ["车号", "车牌", "车型", "站点", "载量", "保管人工号"],
        ["1", "样A·00001", "van", "dc", 900, "A2"],
    ],
    "districts": [["代码", "名称", "部门"], ["990101", "甲区", "甲区营销部"]],
    "towns": [
        ["代码", "名称", "类别", "区县", "经度", "纬度"],
        ["990101001000", "甲街道", "街道", "甲区", 122.6, 32.6],
    ],
    "lines": [
        ["线路编号", "名称", "站点", "送货日", "车号", "驾驶员工号"],
        ["L1", "一线", "dc", "周一", "1", "A2"],
    ],
    "retailers": [
        [
            "许可证号", "客户名称", "联系人", "联系电话", "经营地址", "经度", "纬度", "区县", "乡镇街道", "业态",
            "档位", "诚信等级", "订货日", "送货线路", "周均订货条数", "客户经理工号",
        ],
        [
            "990101900001", "店", "某", "10020900001", "9号", 122.6, 32.6, "甲区", "甲街道", "便利店",
            12, "A", "周五", "L1", 15, "A3",
        ],
    ],
    "products": [
        ["代码", "名称", "生产企业", "价类", "批发价", "零售价"],
        ["P1", "样牌", "M1", 3, 106.5, "120"],
    ],
    "stock": [["站点", "品规", "库存（条）"], ["dc", "P1", 1200]],
    "demand": [["品规", "周", "需求", "供应"], ["P1", "2026-11-16", 500, 400]],
}  # fmt: skip


def problems(folder: Path, kind: str, rows: list[list[Any]]) -> list[tuple[int, str, str]]:
    """What is wrong with a file; one without a fault is taken in."""
    path = folder / f"{kind}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    parsed = imports.read(path, kind)
    if not parsed.problems:
        imports.apply(parsed, actor=None)
    return [(problem.row, problem.column, problem.message) for problem in parsed.problems]


def with_outline() -> None:
    names = {"zh-Hans": "甲区", "zh-Hant": "甲區", "en": "Jia"}
    areas.load([Draft("990101", names, box(122, 32, 123, 33))], source="a.geojson", actor=None)


def take_in(folder: Path, *kinds: str) -> None:
    for kind in kinds:
        assert problems(folder, kind, CITY[kind]) == []


def test_an_empty_site_takes_a_whole_city_from_files(tmp_path: Path) -> None:
    assert list(CITY) == list(imports.KINDS)
    with_outline()
    Manufacturer.objects.create(code="M1", name={"zh-Hans": "样厂"})
    take_in(tmp_path, *CITY)

    unit = Unit.objects.get(code="info-center")
    assert (unit.name, unit.kind, unit.parent and unit.parent.code) == (
        {"zh-Hans": "信息中心", "zh-Hant": "信息中心", "en": "Information centre"},
        "info_center",
        "bureau",
    )
    assert Unit.objects.get(code="delivery-center").parent_id == unit.parent_id
    post = Post.objects.get()
    assert (post.kind, post.unit, post.name["en"]) == ("info-technician", unit, "信息值班")
    shift = DutyShift.objects.get()
    assert (shift.post, shift.person.staff_no) == (post, "A1")
    assert shift.starts_at == datetime(2026, 11, 23, 8, tzinfo=LOCAL)
    assert shift.ends_at == datetime(2026, 11, 23, 20, tzinfo=LOCAL)
    contact = Contact.objects.get()
    assert (contact.organisation["zh-Hans"], contact.serves, contact.reviewed_on) == (
        "某厂",
        ["ordering-system", "server"],
        date(2026, 11, 1),
    )
    stock = Stock.objects.get(product__code="P1", product__wholesale_fen=10650)
    assert (stock.cartons, WeeklyDemand.objects.get().product) == (1200, stock.product)
    site, district = Site.objects.get(), District.objects.get()
    assert (site.kind, site.unit.code, site.longitude) == ("delivery_center", "delivery-center", 122.5)
    assert district.marketing_department == Unit.objects.get(code="md-1")
    assert district.outline["type"] == "Polygon"
    place, line = Place.objects.get(), Line.objects.get()
    assert (place.kind, place.district, place.population) == ("town", district, 0)
    assert (line.site, line.weekday, line.vehicle.number, line.driver.staff_no) == (site, 1, "1", "A2")
    shop = Retailer.objects.get()
    assert (shop.line, shop.place, shop.customer_manager.staff_no) == (line, place, "A3")


def test_a_unit_above_stands_in_a_row_above(tmp_path: Path) -> None:
    rows = [CITY["units"][0], CITY["units"][2], CITY["units"][1]]
    assert problems(tmp_path, "units", rows) == [
        (2, "上级部门", "is not known; write it in a row above, or take it in before")
    ]
    assert not Unit.objects.exists()


def test_a_district_needs_its_outline(tmp_path: Path) -> None:
    take_in(tmp_path, "units")
    assert problems(tmp_path, "districts", CITY["districts"]) == [
        (2, "代码", "has no outline yet; take it in first: changbei area import FILE")
    ]


def test_nobody_is_put_on_duty_twice_or_while_away(tmp_path: Path, clock: VirtualClock) -> None:
    take_in(tmp_path, "units", "posts", "staff", "duty")
    services.record_absence(
        Person.objects.get(staff_no="A3"),
        datetime(2026, 11, 25, tzinfo=LOCAL),
        datetime(2026, 11, 26, tzinfo=LOCAL),
        actor=None,
    )
    rows = [
        CITY["duty"][0],
        ["info-technician", "A1", "2026-11-23 19:00", "2026-11-23 21:00"],
        ["info-technician", "A1", "2026-11-23 20:00", "2026-11-23 21:00"],
        ["info-technician", "A1", "2026-11-23 20:30", "2026-11-23 22:00"],
        ["info-technician", "A2", "2026-11-24 20:00", "2026-11-24 08:00"],
        ["info-technician", "A3", "2026-11-25 08:00", "2026-11-25 20:00"],
    ]
    assert problems(tmp_path, "duty", rows) == [
        (2, "值班人", "is on this duty at that time already"),
        (4, "值班人", "is on this duty at that time already"),
        (5, "结束", "must be after the beginning"),
        (6, "值班人", "is away at that time"),
    ]
    assert DutyShift.objects.count() == 1


@pytest.mark.parametrize(
    "cell",
    [
        "2026-11-23 08:00",
        "2026-11-23T08:00",
        "2026/11/23 8:00:00",
        "2026年11月23日 8:00",
        datetime(2026, 11, 23, 8),  # noqa: DTZ001 - as Excel keeps it
    ],
)
def test_a_moment_in_several_forms(cell: Any) -> None:
    assert values.moment(cell) == datetime(2026, 11, 23, 8, tzinfo=LOCAL)


@pytest.mark.parametrize(
    "cell", ["2026-11-23", "8:00", "2026-11-31 08:00", "2026-11-23 25:00", "later", 46349.5]
)
def test_what_is_no_moment(cell: Any) -> None:
    with pytest.raises(Wrong, match="a day and a time such as"):
        values.moment(cell)
