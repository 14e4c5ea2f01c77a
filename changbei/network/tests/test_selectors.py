"""Areas, vans and lines in the small city."""

from datetime import timedelta

import pytest
import shapely
from django.db import connection
from django.test.utils import CaptureQueriesContext

from changbei.core.clock import VirtualClock
from changbei.core.errors import Invalid
from changbei.network import selectors
from changbei.network.models import District, Line, LineKnowledge, Retailer, Site, Vehicle
from changbei.network.selectors import Share
from changbei.people.models import Absence

pytestmark = pytest.mark.usefixtures("small_city", "clock")


def around(retailer: Retailer, degrees: float = 1e-5) -> dict[str, object]:
    return shapely.geometry.mapping(
        shapely.box(
            retailer.longitude - degrees,
            retailer.latitude - degrees,
            retailer.longitude + degrees,
            retailer.latitude + degrees,
        )
    )


def test_the_customers_of_each_district_are_those_within_its_outline() -> None:
    for district in District.objects.all():
        expected = list(
            Retailer.objects.filter(district=district)
            .order_by("line_id", "line_sequence")
            .values_list("pk", flat=True)
        )
        assert [r.pk for r in selectors.retailers_in(district.outline)] == expected
        assert selectors.retailer_ids_in(district.outline) == expected


def test_the_bounding_box_alone_is_not_enough() -> None:
    """A strip at the western end of the box of two shops holds one of them."""
    one, two = Retailer.objects.order_by("longitude")[0], Retailer.objects.order_by("-longitude")[0]
    west = one.longitude - 0.001
    low, high = min(one.latitude, two.latitude) - 0.001, max(one.latitude, two.latitude) + 0.001
    tip = high if one.latitude > two.latitude else low
    base = low if tip == high else high
    ring = [[west, tip], [west, base], [west + 0.002, base], [west + 0.002, tip], [west, tip]]
    strip = {"type": "Polygon", "coordinates": [ring]}
    found = selectors.retailers_in(strip)
    assert one in found
    assert two not in found


def test_borders_belong_to_the_area_and_closed_shops_do_not() -> None:
    shop = Retailer.objects.get(pk=1)
    ring = [
        [shop.longitude, shop.latitude - 1e-5],
        [shop.longitude + 1e-5, shop.latitude - 1e-5],
        [shop.longitude + 1e-5, shop.latitude + 1e-5],
        [shop.longitude, shop.latitude + 1e-5],
        [shop.longitude, shop.latitude - 1e-5],
    ]
    area = {"type": "Polygon", "coordinates": [ring]}
    assert selectors.retailers_in(area) == [shop]
    Retailer.objects.filter(pk=1).update(active=False)
    assert selectors.retailers_in(area) == []


def test_a_hole_is_not_part_of_the_area() -> None:
    shop = Retailer.objects.get(pk=1)
    outer, inner = around(shop, 0.5)["coordinates"][0], around(shop)["coordinates"][0]
    area = {"type": "Polygon", "coordinates": [outer, inner]}
    assert shop.pk not in selectors.retailer_ids_in(area)


def test_several_polygons_and_each_customer_once() -> None:
    one, two = Retailer.objects.get(pk=1), Retailer.objects.get(pk=300)
    both = shapely.geometry.mapping(
        shapely.MultiPolygon([shapely.geometry.shape(around(r)) for r in (one, two)])
    )
    assert {r.pk for r in selectors.retailers_in(both)} == {1, 300}
    assert len(selectors.affected_retailers([both, around(one)])) == 2


@pytest.mark.parametrize(
    "nonsense", [{}, {"type": "Point", "coordinates": [122, 32]}, {"type": "Polygon", "coordinates": []}]
)
def test_what_is_no_area_is_refused(nonsense: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        selectors.retailers_in(nonsense)


def test_the_share_of_the_city() -> None:
    everywhere = shapely.geometry.mapping(shapely.box(120, 30, 125, 35))
    nowhere = shapely.geometry.mapping(shapely.box(1, 1, 2, 2))
    assert selectors.share_of_city(everywhere) == Share(300, 300)
    assert selectors.share_of_city(everywhere).fraction == 1.0
    assert selectors.share_of_city(nowhere) == Share(0, 300)
    Retailer.objects.all().update(active=False)
    assert selectors.share_of_city(everywhere).fraction == 0.0


def test_nearest_sites() -> None:
    center = Site.objects.get(code="delivery-center")
    found = selectors.nearest_sites(center)
    assert [site.code for site, _ in found] == [
        "transfer-station-3",
        "transfer-station-4",
        "transfer-station-2",
        "transfer-station-1",
    ]
    assert [round(metres / 1000) for _, metres in found] == [19, 26, 26, 34]


def test_the_reserve_pool_is_the_sites_own_first_then_the_nearest() -> None:
    station = Site.objects.get(code="transfer-station-4")
    with CaptureQueriesContext(connection) as queries:
        pool = selectors.reserve_vehicles(station)
    assert len(queries) == 2
    assert [r.vehicle.site.code for r in pool] == [
        "transfer-station-4",
        "delivery-center",
        "transfer-station-3",
        "transfer-station-2",
        "transfer-station-1",
    ]
    assert pool[0].metres == 0


def test_a_reserve_van_that_is_not_fit_does_not_count() -> None:
    station = Site.objects.get(code="transfer-station-4")
    assert selectors.sites_without_reserve() == []
    Vehicle.objects.filter(site=station, is_reserve=True).update(state=Vehicle.State.UNDER_REPAIR)
    assert selectors.reserve_vehicles(station)[0].vehicle.site.code == "delivery-center"
    assert selectors.sites_without_reserve() == [station]


def test_who_knows_a_line(clock: VirtualClock) -> None:
    line = Line.objects.get(code="L01-1")
    guides = selectors.who_knows(line, clock.now())
    assert guides[0].person == line.driver
    assert [g.trips for g in guides] == sorted((g.trips for g in guides), reverse=True)
    substitutes = selectors.who_knows(line, clock.now(), jobs=selectors.SUBSTITUTE_JOBS)
    assert {g.person.job for g in substitutes} == {"customer_manager", "inspector"}
    Absence.objects.create(
        person=line.driver, starts_at=clock.now(), ends_at=clock.now() + timedelta(hours=1), out_of_city=True
    )
    later = selectors.who_knows(line, clock.now())
    assert (later[-1].person, later[-1].away) == (line.driver, True)


def test_every_line_is_known_by_somebody_beside_its_driver() -> None:
    for line in Line.objects.all():
        assert LineKnowledge.objects.filter(line=line).exclude(person=line.driver).exists()


FULL_WIDTH = {ord("0") + digit: 0xFF10 + digit for digit in range(10)}


def test_finding_a_retailer() -> None:
    shop = Retailer.objects.get(pk=17)
    assert selectors.find_retailers(shop.licence_no) == [shop]
    assert selectors.find_retailers(shop.phone) == [shop]
    pasted = f"{shop.licence_no[:4]} {shop.licence_no[4:8]} {shop.licence_no[8:]}\u3000"
    assert selectors.find_retailers(pasted) == [shop]
    assert selectors.find_retailers(f"{shop.phone[:3]}-{shop.phone[3:]}".translate(FULL_WIDTH)) == [shop]
    Retailer.objects.filter(pk=18).update(name="365便利店")
    assert [found.pk for found in selectors.find_retailers("365")] == [18]
    assert shop in selectors.find_retailers(shop.name[:6], limit=300)
    assert selectors.find_retailers("  ") == []


def test_lines_of_a_weekday() -> None:
    found = selectors.lines_on(1)
    assert [line.weekday for line in found] == [1] * 6
    with CaptureQueriesContext(connection) as queries:
        assert all(line.driver.name and line.vehicle.number and line.site.code for line in found)
    assert len(queries) == 0
