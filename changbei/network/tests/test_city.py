"""The invented city: the same for the same seed, whole at every size, and drivable."""

from collections import Counter
from datetime import date, time, timedelta

import numpy as np
import opencc
import pytest
import shapely

from changbei.core.errors import Invalid
from changbei.network.city import City, CitySpec, make
from changbei.network.city.land import DISTRICTS, survey
from changbei.network.city.names import pair, phone, place_stem, staff_names, text
from changbei.network.city.rounds import SHIFT_END_SECONDS, hilbert, plan_rounds
from changbei.network.city.shops import open_shops
from changbei.network.city.streets import pave

SIZES = [
    CitySpec(retailers=60, seed=1),
    CitySpec(retailers=300, vans=6, seed=7, roster_weeks=2),
    CitySpec(retailers=2500, seed=3),
]


@pytest.fixture(scope="module", params=SIZES, ids=lambda spec: f"{spec.retailers} retailers")
def city(request: pytest.FixtureRequest) -> City:
    return make(request.param)


def table(city: City, model: str) -> list[dict[str, object]]:
    return list(city[model].as_dicts())


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(small_city_plan: City) -> None:
    again = make(small_city_plan.spec)
    assert again.digest() == small_city_plan.digest()
    other = make(CitySpec(retailers=300, vans=6, seed=8, roster_weeks=2))
    assert other.digest() != small_city_plan.digest()


def test_a_later_start_moves_the_roster_and_leaves_the_land(small_city_plan: City) -> None:
    later = make(CitySpec(retailers=300, vans=6, seed=7, roster_weeks=2, start_on=date(2026, 11, 30)))
    assert later["network.Retailer"].rows == small_city_plan["network.Retailer"].rows
    first, moved = small_city_plan["people.DutyShift"].rows[0], later["people.DutyShift"].rows[0]
    assert moved[3] - first[3] == timedelta(days=7)


def test_files_hold_every_row(small_city_plan: City, tmp_path) -> None:
    written = small_city_plan.write(tmp_path / "city")
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) - 1 for path in written)
    assert lines == small_city_plan.row_count


@pytest.mark.parametrize("wrong", [{"retailers": 59}, {"vans": 5}, {"seed": -1}])
def test_an_impossible_city_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(Invalid):
        CitySpec(**wrong)


def test_every_reference_leads_somewhere(city: City) -> None:
    targets = {
        "unit_id": "people.Unit", "parent_id": "people.Unit", "person_id": "people.Person", "post_id": "people.Post",
        "substitute_id": "people.Person", "recorded_by_id": "people.Person", "district_id": "network.District",
        "place_id": "network.Place", "site_id": "network.Site", "vehicle_id": "network.Vehicle",
        "driver_id": "people.Person", "keeper_id": "people.Person", "line_id": "network.Line",
        "customer_manager_id": "people.Person", "manufacturer_id": "network.Manufacturer",
        "product_id": "network.Product", "marketing_department_id": "people.Unit",
    }  # fmt: skip
    for one in city.tables:
        assert [row[0] for row in one.rows] == list(range(1, len(one.rows) + 1))
        for column, target in targets.items():
            if column in one.columns:
                position, count = one.columns.index(column), len(city[target].rows)
                assert all(row[position] is None or 1 <= row[position] <= count for row in one.rows), (
                    one.model,
                    column,
                )


def test_the_districts_tile_the_area(city: City) -> None:
    polygons = [shapely.geometry.shape(row["outline"]) for row in table(city, "network.District")]
    assert len(polygons) == 6
    assert all(polygon.is_valid for polygon in polygons)
    union = shapely.union_all(polygons)
    assert union.geom_type == "Polygon"
    assert len(union.interiors) == 0
    assert union.area == pytest.approx(sum(polygon.area for polygon in polygons), rel=1e-9)


def test_places_and_shops_lie_in_their_district(city: City) -> None:
    polygons = [
        shapely.geometry.shape(row["outline"]).buffer(0.004) for row in table(city, "network.District")
    ]
    for model in ("network.Place", "network.Retailer"):
        for row in table(city, model):
            point = shapely.Point(row["longitude"], row["latitude"])
            assert polygons[row["district_id"] - 1].contains(point), (model, row["id"])


def test_every_shop_stands_once_on_a_line_and_sequences_have_no_gaps(city: City) -> None:
    retailers = table(city, "network.Retailer")
    assert len(retailers) == city.spec.retailers
    by_line: dict[object, list[object]] = {}
    for row in retailers:
        by_line.setdefault(row["line_id"], []).append(row["line_sequence"])
    assert all(sorted(places) == list(range(1, len(places) + 1)) for places in by_line.values())


def test_each_van_drives_one_line_each_weekday(city: City) -> None:
    lines = table(city, "network.Line")
    with_lines = [row["id"] for row in table(city, "network.Vehicle") if not row["is_reserve"]]
    assert len(with_lines) >= city.spec.line_vans
    assert Counter(row["vehicle_id"] for row in lines) == dict.fromkeys(with_lines, 5)
    assert len({(row["vehicle_id"], row["weekday"]) for row in lines}) == len(lines)
    vans = {row["id"]: row for row in table(city, "network.Vehicle")}
    assert all(vans[row["vehicle_id"]]["site_id"] == row["site_id"] for row in lines)
    assert all(vans[row["vehicle_id"]]["keeper_id"] == row["driver_id"] for row in lines)


def test_every_site_keeps_a_reserve_van(city: City) -> None:
    reserves = Counter(row["site_id"] for row in table(city, "network.Vehicle") if row["is_reserve"])
    assert set(reserves) == {1, 2, 3, 4, 5}


def test_the_order_day_is_the_working_day_before_the_delivery(city: City) -> None:
    weekday = {row["id"]: row["weekday"] for row in table(city, "network.Line")}
    expected = {1: 5, 2: 1, 3: 2, 4: 3, 5: 4}
    assert all(
        row["order_weekday"] == expected[weekday[row["line_id"]]] for row in table(city, "network.Retailer")
    )


def test_loads_fit_the_vans(city: City) -> None:
    cartons: Counter[object] = Counter()
    for row in table(city, "network.Retailer"):
        cartons[row["line_id"]] += row["usual_cartons"]
    capacity = {row["id"]: row["capacity_cartons"] for row in table(city, "network.Vehicle")}
    for line in table(city, "network.Line"):
        assert cartons[line["id"]] <= capacity[line["vehicle_id"]]


@pytest.mark.parametrize("spec", SIZES, ids=lambda spec: str(spec.retailers))
def test_lines_end_within_the_shift_and_keep_delivery_hours(spec: CitySpec) -> None:
    land = survey(spec)
    rounds = plan_rounds(spec, open_shops(spec, land, pave(spec, land)))
    assert max(line.returns_seconds for line in rounds.lines) <= SHIFT_END_SECONDS
    arrivals = {
        (number + 1, position): int(arrival)
        for number, line in enumerate(rounds.lines)
        for position, arrival in enumerate(line.arrivals, start=1)
    }

    def seconds(moment: time) -> int:
        return moment.hour * 3600 + moment.minute * 60

    windows = 0
    for row in table(make(spec), "network.Retailer"):
        if row["window_start"] is not None:
            windows += 1
            at = arrivals[row["line_id"], row["line_sequence"]]
            assert seconds(row["window_start"]) <= at <= seconds(row["window_end"])
    assert windows > 0


def test_too_few_vans_are_refused() -> None:
    with pytest.raises(Invalid, match="6 cannot serve 4000 retailers in five days"):
        make(CitySpec(retailers=4000, vans=6))


def test_only_honest_customers_are_key_customers(city: City) -> None:
    for row in table(city, "network.Retailer"):
        assert 1 <= row["supply_tier"] <= 30
        if row["is_key"]:
            assert (row["conduct"], row["marked_prices"]) == ("law_abiding", True)


def test_names_phones_and_numbers_are_artificial_and_unique(city: City) -> None:
    people = table(city, "people.Person")
    assert len({row["name"] for row in people}) == len(people)
    assert {row["name"][0] for row in people} <= set("例样试拟仿设范虚")
    phones = [row["phone"] for row in people] + [row["second_phone"] for row in people]
    phones += [row["phone"] for row in table(city, "network.Retailer")]
    phones += [row["phone"] for row in table(city, "people.Contact")]
    assert len(set(phones)) == len(phones)
    assert all(number.startswith("100") and len(number) == 11 for number in phones)
    assert all(row["email"].endswith("@changbei.example") for row in people)


def test_the_leading_group_is_complete(city: City) -> None:
    """E2.1a: head, deputy head, the heads of six departments and of every marketing department."""
    kinds = Counter(row["kind"] for row in table(city, "people.Post"))
    for kind in (
        "leading-group-head", "leading-group-deputy", "marketing-center-head", "delivery-center-head",
        "info-center-head", "finance-head", "security-head", "inspection-head",
    ):  # fmt: skip
        assert kinds[kind] == 1, kind
    assert kinds["marketing-department-head"] == kinds["marketing-department-deputy"] == len(DISTRICTS)
    held = {row["post_id"] for row in table(city, "people.PostHolding") if row["rank"] == 1}
    assert held == {row["id"] for row in table(city, "people.Post")}


def test_nobody_is_on_duty_while_away_and_every_hour_of_the_desks_is_covered(city: City) -> None:
    away: dict[object, list[tuple[object, object]]] = {}
    for row in table(city, "people.Absence"):
        away.setdefault(row["person_id"], []).append((row["starts_at"], row["ends_at"]))
    shifts = table(city, "people.DutyShift")
    for row in shifts:
        assert not any(a < row["ends_at"] and row["starts_at"] < b for a, b in away.get(row["person_id"], []))
    posts = {row["id"]: row["code"] for row in table(city, "people.Post")}
    days = city.spec.roster_weeks * 14
    covered = Counter(posts[row["post_id"]] for row in shifts)
    assert covered["info-technician"] == 2 * days
    assert covered["dispatcher"] >= days * 0.9


def test_products_and_stock(city: City) -> None:
    products = table(city, "network.Product")
    assert len(products) == 160
    assert {row["price_class"] for row in products} == {1, 2, 3, 4, 5}
    assert {row["supply_class"] for row in products} == {"general", "scarce", "controlled"}
    assert all(row["retail_fen"] > row["wholesale_fen"] > 0 for row in products)
    assert all(row["name"]["en"].startswith("Sample ") for row in products)
    assert len(city["network.Stock"].rows) == 5 * 160


def test_the_traditional_texts_are_traditional(city: City) -> None:
    assert text("配送中心备用车辆", "x")["zh-Hant"] == "配送中心備用車輛"
    to_traditional = opencc.OpenCC("s2t")
    for one in city.tables:
        for column in {"name", "organisation"} & set(one.columns):
            position = one.columns.index(column)
            for words in (row[position] for row in one.rows if isinstance(row[position], dict)):
                expected = to_traditional.convert(
                    words["zh-Hans"].replace("信息", "资讯").replace("软件", "软体")
                )
                # Branches of the sexagenary cycle stay as they are, and the house writes 菸 and 台.
                expected = expected.replace("醜", "丑").replace("煙", "菸").replace("臺", "台")
                assert words["zh-Hant"] == expected, words


def test_names_do_not_repeat() -> None:
    assert [pair(n)[0] for n in (0, 1, 59, 60)] == ["甲子", "乙丑", "癸亥", "甲丑"]
    assert len({pair(n) for n in range(120)}) == 120
    assert len({place_stem(n) for n in range(500)}) == 500
    assert len(set(staff_names(3000))) == 3000
    assert phone(2, 17) == "10020000017"


def test_neighbours_on_the_curve_are_neighbours_on_the_map() -> None:
    side = np.arange(8.0)
    points = np.array([(x, y) for x in side for y in side])
    walk = points[np.argsort(hilbert(points, order=3))]
    assert np.abs(np.diff(walk, axis=0)).sum(axis=1).tolist() == [1.0] * 63
