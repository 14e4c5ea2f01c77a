"""Files that change what is there: shops that move, people who come and go, prices, stock."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path
from typing import Any

import pytest

from changbei.core.errors import Invalid
from changbei.journal.models import Entry
from changbei.network import imports
from changbei.network.imports import Imported, Parsed
from changbei.network.models import Line, Manufacturer, Product, Retailer, Site, Stock, Vehicle, WeeklyDemand
from changbei.network.tests.test_imports import text_file
from changbei.people.models import Account, Contact, Person, Post, PostHolding, Unit

pytestmark = pytest.mark.usefixtures("small_city", "clock", "in_english")


@pytest.fixture
def shop() -> Retailer:
    return Retailer.objects.order_by("pk")[0]


def read(tmp_path: Path, kind: str, *rows: list[Any], update: bool = True) -> Parsed:
    return imports.read(text_file(tmp_path / f"{kind}.csv", list(rows)), kind, update=update)


def take(tmp_path: Path, kind: str, *rows: list[Any]) -> Imported:
    parsed = read(tmp_path, kind, *rows)
    assert parsed.problems == []
    return imports.apply(parsed, actor=None)


def problems(parsed: Parsed) -> list[tuple[int, str, str]]:
    return [(one.row, one.column, one.message) for one in parsed.problems]


def test_a_row_of_a_shop_that_is_there_changes_what_is_written(tmp_path: Path, shop: Retailer) -> None:
    before = Retailer.objects.filter(pk=shop.pk).values().get()
    rows = [["许可证号", "联系电话", "经营地址"], [shop.licence_no, "138-0000-0001", ""]]
    assert take(tmp_path, "retailers", *rows) == Imported(0, 0, changed=1)
    assert Retailer.objects.filter(pk=shop.pk).values().get() == before | {"phone": "13800000001"}
    fact = Entry.objects.get(kind="network.imported")
    assert (fact.data["imported"], fact.data["changed"], fact.data["columns"]) == (0, 1, {"phone": 1})
    assert take(tmp_path, "retailers", *rows) == Imported(0, 0, unchanged=1)


def test_without_an_update_it_is_refused(tmp_path: Path, shop: Retailer) -> None:
    parsed = read(tmp_path, "retailers", ["许可证号", "联系电话"], [shop.licence_no, "1"], update=False)
    assert not parsed.is_usable
    with pytest.raises(Invalid):
        imports.apply(parsed, actor=None)
    with pytest.raises(Invalid):
        imports.read(tmp_path / "duty.csv", "duty", update=True)


def test_who_is_not_there_needs_every_column(tmp_path: Path, shop: Retailer) -> None:
    parsed = read(
        tmp_path,
        "retailers",
        ["许可证号", "联系电话"],
        ["990199999999", "13800000001"],
        [shop.licence_no, "x"],
    )
    missing = {heading for row, heading, message in problems(parsed) if row == 2}
    assert {"客户名称", "送货线路"} <= missing and "联系电话" not in missing
    assert [heading for row, heading, _ in problems(parsed) if row == 3] == ["联系电话"]
    assert imports.apply(parsed, good_rows_only=True, actor=None) == Imported(0, 2)


def test_a_shop_that_moves_to_another_line_is_its_last(tmp_path: Path, shop: Retailer) -> None:
    line = Line.objects.exclude(pk=shop.line_id).order_by("pk")[0]
    last = max(line.retailers.values_list("line_sequence", flat=True))
    take(tmp_path, "retailers", ["许可证号", "线路"], [shop.licence_no, line.code])
    shop.refresh_from_db()
    assert (shop.line, shop.line_sequence) == (line, last + 1)


def test_a_shop_that_closes(tmp_path: Path, shop: Retailer) -> None:
    take(tmp_path, "retailers", ["许可证号", "在营"], [shop.licence_no, "否"])
    shop.refresh_from_db()
    assert not shop.active


def test_delivery_hours_fit_those_that_are_there_and_go_with_a_hyphen(tmp_path: Path, shop: Retailer) -> None:
    Retailer.objects.filter(pk=shop.pk).update(window_start=time(9), window_end=time(12))
    parsed = read(tmp_path, "retailers", ["许可证号", "最晚收货"], [shop.licence_no, "08:30"])
    assert problems(parsed) == [(2, "最晚收货", "must be after the beginning of the delivery hours")]
    take(tmp_path, "retailers", ["许可证号", "最早收货", "最晚收货"], [shop.licence_no, "-", "－"])
    shop.refresh_from_db()
    assert (shop.window_start, shop.window_end) == (None, None)


def test_a_town_needs_its_district_beside_it(tmp_path: Path, shop: Retailer) -> None:
    parsed = read(tmp_path, "retailers", ["许可证号", "乡镇街道"], [shop.licence_no, "样城区中心"])
    assert problems(parsed)[0][1:] == (
        "乡镇街道",
        "needs its district beside it; or write the twelve digits of the town",
    )
    parsed = read(tmp_path, "retailers", ["许可证号", "区县"], [shop.licence_no, "样城区"])
    assert problems(parsed) == [(2, "区县", "needs the town beside it")]


def test_a_plate_is_one_vans(tmp_path: Path) -> None:
    one, two = Vehicle.objects.order_by("pk")[:2]
    rows = [["车号", "车牌"], [one.number, one.plate], [two.number, one.plate]]
    assert problems(read(tmp_path, "vehicles", *rows)) == [(3, "车牌", "stands in row 2 already")]
    parsed = read(tmp_path, "vehicles", ["车号", "车牌"], [two.number, one.plate])
    assert problems(parsed) == [(2, "车牌", "is in the database already")]


def test_people_who_are_appointed_and_who_leave(tmp_path: Path) -> None:
    holding = PostHolding.objects.filter(rank=1, until=None).select_related("post").order_by("pk")[0]
    newcomer = Person.objects.exclude(pk=holding.person_id).filter(holdings=None, active=True)[0]
    leaves = Person.objects.filter(active=True, holdings=None).exclude(pk=newcomer.pk)[0]
    Account.objects.create_user("leaves", "a-long-password", person=leaves)
    Person.objects.filter(pk=newcomer.pk).update(phone_verified_on=date(2026, 11, 1))
    rows = [
        ["工号", "电话", "职务", "职务次序", "在职"],
        [newcomer.staff_no, "13911112222", holding.post.code, 1, ""],
        [leaves.staff_no, "", "", "", "否"],
    ]
    assert take(tmp_path, "staff", *rows) == Imported(0, 0, changed=2)
    holding.refresh_from_db()
    newcomer.refresh_from_db()
    leaves.refresh_from_db()
    assert holding.until is not None
    assert PostHolding.objects.get(post=holding.post, rank=1, until=None).person == newcomer
    assert (newcomer.phone, newcomer.phone_verified_on) == ("13911112222", None)
    assert not leaves.active and not Account.objects.get(login="leaves").is_active
    assert Entry.objects.filter(kind="people.person_left").count() == 1
    assert take(tmp_path, "staff", *rows) == Imported(0, 0, unchanged=2)


def test_somebody_new_relieves_who_held_the_post(tmp_path: Path) -> None:
    holding = (
        PostHolding.objects.filter(rank=1, until=None).select_related("post", "person").order_by("pk")[0]
    )
    unit = holding.person.unit.code
    row = ["N1", "例新人", "13911112222", unit, "技术员", holding.post.code, 1]
    take(tmp_path, "staff", ["工号", "姓名", "电话", "部门", "岗位", "职务", "职务次序"], row)
    assert PostHolding.objects.get(post=holding.post, rank=1, until=None).person.staff_no == "N1"
    assert Entry.objects.filter(kind="people.holder_changed").count() == 1


def test_a_unit_does_not_come_below_itself(tmp_path: Path) -> None:
    below = Unit.objects.exclude(parent=None).select_related("parent").order_by("pk")[0]
    assert below.parent is not None
    parsed = read(tmp_path, "units", ["代码", "上级部门代码"], [below.parent.code, below.code])
    assert problems(parsed) == [(2, "上级部门代码", "stands below this unit itself")]
    take(tmp_path, "units", ["代码", "名称", "上级部门代码"], [below.code, "新名", "-"])
    below.refresh_from_db()
    assert below.parent is None and below.name["zh-Hans"] == "新名"


def test_a_unit_above_is_found_however_its_code_is_spelt(tmp_path: Path) -> None:
    below = Unit.objects.exclude(parent=None).select_related("parent").order_by("pk")[0]
    assert below.parent is not None
    row = [below.code, below.parent.code.upper()]
    assert take(tmp_path, "units", ["代码", "上级部门代码"], row) == Imported(0, 0, unchanged=1)


def test_names_in_other_languages_stay_unless_they_were_copies(tmp_path: Path) -> None:
    site = Site.objects.order_by("pk")[0]
    site.name = {"zh-Hans": "旧站", "zh-Hant": "旧站", "en": "Old station"}
    site.save()
    take(tmp_path, "sites", ["代码", "名称"], [site.code, "新站"])
    site.refresh_from_db()
    assert site.name == {"zh-Hans": "新站", "zh-Hant": "新站", "en": "Old station"}
    contact = Contact.objects.order_by("pk")[0]
    take(tmp_path, "contacts", ["代码", "负责"], [contact.code, "-"])
    contact.refresh_from_db()
    assert contact.serves == []


def test_goods_prices_and_stock(tmp_path: Path) -> None:
    maker, site = Manufacturer.objects.order_by("pk")[0], Site.objects.order_by("pk")[0]
    goods = [["代码", "名称", "生产企业", "价类", "批发价", "零售价"]]
    take(tmp_path, "products", *goods, ["NEW1", "新牌（硬）", maker.code, 3, "106.5", "¥120"])
    product = Product.objects.get(code="NEW1")
    assert (product.manufacturer, product.wholesale_fen, product.retail_fen) == (maker, 10650, 12000)
    stock = [["站点", "品规代码", "库存"], [site.code, "NEW1", 300]]
    assert take(tmp_path, "stock", *stock) == Imported(1, 0)
    assert take(tmp_path, "stock", stock[0], [site.code, "NEW1", 250]) == Imported(0, 0, changed=1)
    assert Stock.objects.get(site=site, product=product).cartons == 250
    weeks = [["品规代码", "周一日期", "需求", "供应"], ["NEW1", "2026-11-16", 500, 400]]
    assert take(tmp_path, "demand", *weeks) == Imported(1, 0)
    assert WeeklyDemand.objects.get(product=product).supplied_cartons == 400
    wrong = read(tmp_path, "demand", weeks[0], ["NEW1", "2026-11-17", 500, 400])
    assert problems(wrong) == [(2, "周一日期", "must be a Monday, with which its week begins")]
    wrong = read(tmp_path, "products", goods[0], ["NEW1", "", "", "", "1.234", ""])
    assert problems(wrong) == [(2, "批发价", "must be an amount in yuan, such as 106.50")]


def test_the_same_pair_twice(tmp_path: Path) -> None:
    row = Stock.objects.select_related("site", "product").order_by("pk")[0]
    pair = [row.site.code, row.product.code]
    rows = [["站点", "品规代码", "库存"], [*pair, 1], [*pair, 2]]
    assert problems(read(tmp_path, "stock", *rows)) == [(3, "品规代码", "stands in row 2 already")]
    parsed = read(tmp_path, "stock", *rows[:2], update=False)
    assert problems(parsed) == [(2, "品规代码", "is in the database already")]


def test_a_vacant_post_is_given(tmp_path: Path) -> None:
    unit = Unit.objects.order_by("pk")[0]
    post = Post.objects.create(code="vacant", kind="vacant", name={"zh-Hans": "空缺"}, unit=unit)
    person = Person.objects.filter(active=True).order_by("pk")[0]
    take(tmp_path, "staff", ["工号", "职务", "职务次序"], [person.staff_no, "vacant", 2])
    assert PostHolding.objects.get(post=post, until=None).rank == 2


# ---------------------------------------------------------------- several rows of one person

STAFF = ["工号", "姓名", "电话", "备用电话", "部门", "岗位", "职务", "职务次序"]


@pytest.fixture
def posts() -> list[Post]:
    """Three that nobody holds."""
    unit = Unit.objects.order_by("pk")[0]
    names = {"zh-Hans": "新职务", "zh-Hant": "新職務", "en": "New post"}
    return [Post.objects.create(code=f"new-{n}", kind="new", name=names, unit=unit) for n in (1, 2, 3)]


def held(staff_no: str) -> list[tuple[str, int]]:
    rows = PostHolding.objects.filter(person__staff_no=staff_no, until=None).order_by("post__code")
    return list(rows.values_list("post__code", "rank"))


@pytest.mark.parametrize("update", [False, True])
def test_somebody_with_two_posts_has_two_rows(tmp_path: Path, posts: list[Post], update: bool) -> None:
    unit = posts[0].unit.code
    parsed = read(
        tmp_path,
        "staff",
        STAFF,
        ["N1", "例新人", "13911112222", "", unit, "技术员", "new-1", 1],
        ["N2", "例他人", "13911113333", "", unit, "技术员", "new-2", 1],
        ["n1", "例新人", "139 1111 2222", "01088887777", "", "", "new-2", 2],
        ["N1", "", "", "", "", "", "new-3", 1],
        update=update,
    )
    assert problems(parsed) == []
    assert imports.apply(parsed, actor=None).imported == 4
    assert held("N1") == [("new-1", 1), ("new-2", 2), ("new-3", 1)]
    person = Person.objects.get(staff_no="N1")
    assert (person.phone, person.second_phone) == ("13911112222", "01088887777")


def test_further_rows_of_somebody_on_file(tmp_path: Path, posts: list[Post]) -> None:
    person = Person.objects.filter(active=True, holdings=None)[0]
    rows = [
        ["工号", "电话", "职务", "职务次序"],
        [person.staff_no, "13911112222", "new-1", 1],
        [person.staff_no, "", "new-2", 3],
    ]
    assert take(tmp_path, "staff", *rows) == Imported(0, 0, changed=2)
    assert held(person.staff_no) == [("new-1", 1), ("new-2", 3)]
    assert Person.objects.get(pk=person.pk).phone == "13911112222"
    assert take(tmp_path, "staff", *rows) == Imported(0, 0, unchanged=2)


OTHERWISE, TWICE = "says otherwise than row 2 of the same", "stands in row 2 already"


@pytest.mark.parametrize(
    ("further", "column", "message"),
    [
        (["N1", "别人", "", "", "", "", "new-2", 1], "姓名", OTHERWISE),
        (["N1", "", "13900000000", "", "", "", "new-2", 1], "电话", OTHERWISE),
        (["N1", "", "", "x", "", "", "new-2", 1], "备用电话", "is no telephone number"),
        (["N1", "", "", "", "", "", "", ""], "工号", TWICE),
        (["N1", "", "", "", "", "", "new-1", 2], "职务", TWICE),
        (["N1", "", "", "", "", "", "new-2", ""], "职务次序", "is needed with a post"),
    ],
)
def test_a_row_that_contradicts_another_one(
    tmp_path: Path, posts: list[Post], further: list[Any], column: str, message: str
) -> None:
    first = ["N1", "例新人", "13911112222", "", posts[0].unit.code, "技术员", "new-1", 1]
    for update in (False, True):
        parsed = read(tmp_path, "staff", STAFF, first, further, update=update)
        assert [(row, heading) for row, heading, _ in problems(parsed)] == [(3, column)]
        assert problems(parsed)[0][2].startswith(message)
    assert imports.apply(parsed, good_rows_only=True, actor=None) == Imported(1, 1)
    assert held("N1") == [("new-1", 1)]
    assert Person.objects.get(staff_no="N1").phone == "13911112222"


def test_a_further_row_falls_with_the_first(tmp_path: Path, posts: list[Post]) -> None:
    first = ["N1", "例新人", "x", "", posts[0].unit.code, "技术员", "new-1", 1]
    parsed = read(tmp_path, "staff", STAFF, first, ["N1", "", "", "", "", "", "new-2", 1])
    assert [(row, column) for row, column, _ in problems(parsed)] == [(2, "电话"), (3, "工号")]
    assert problems(parsed)[1][2] == "row 2, which says the rest, is wrong"
    assert imports.apply(parsed, good_rows_only=True, actor=None) == Imported(0, 2)


def test_who_leaves_is_given_no_post(tmp_path: Path, posts: list[Post]) -> None:
    person = Person.objects.filter(active=True, holdings=None)[0]
    row = [person.staff_no, "否", "new-1", 1]
    parsed = read(tmp_path, "staff", ["工号", "在职", "职务", "职务次序"], row)
    assert problems(parsed) == [(2, "职务", "is for those who are employed")]


def test_a_code_that_no_address_can_hold(tmp_path: Path) -> None:
    rows = [
        ["代码", "名称", "职务类别", "部门"],
        ["a/b", "职务", "x", "bureau"],
        ["..", "职务", "x", "bureau"],
    ]
    said = "cannot stand in an address; write a code of letters, digits and hyphens"
    assert problems(read(tmp_path, "posts", *rows)) == [(2, "代码", said), (3, "代码", said)]


def test_a_hyphen_makes_another_languages_name_the_simplified_one(tmp_path: Path) -> None:
    unit = Unit.objects.get(code="bureau")
    take(tmp_path, "units", ["代码", "英文名称"], ["bureau", "-"])
    assert Unit.objects.get(code="bureau").name == unit.name | {"en": unit.name["zh-Hans"]}
