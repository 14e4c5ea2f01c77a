"""Areas, customers and lines in the small city."""

import pytest
import shapely

from changbei.core.errors import Invalid
from changbei.network import selectors
from changbei.network.models import District, Line, LineKnowledge, Retailer
from changbei.network.selectors import Share

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
    found = selectors.retailer_ids_in(strip)
    assert one.pk in found
    assert two.pk not in found


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
    assert selectors.retailer_ids_in(area) == [shop.pk]
    Retailer.objects.filter(pk=1).update(active=False)
    assert selectors.retailer_ids_in(area) == []


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
    assert sorted(selectors.retailer_ids_in(both)) == [1, 300]


@pytest.mark.parametrize(
    "nonsense", [{}, {"type": "Point", "coordinates": [122, 32]}, {"type": "Polygon", "coordinates": []}]
)
def test_what_is_no_area_is_refused(nonsense: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        selectors.retailer_ids_in(nonsense)


def test_the_share_of_the_city() -> None:
    everywhere = shapely.geometry.mapping(shapely.box(120, 30, 125, 35))
    nowhere = shapely.geometry.mapping(shapely.box(1, 1, 2, 2))
    assert selectors.share_of_city(everywhere) == Share(300, 300)
    assert selectors.share_of_city(everywhere).fraction == 1.0
    assert selectors.share_of_city(nowhere) == Share(0, 300)
    Retailer.objects.all().update(active=False)
    assert selectors.share_of_city(everywhere).fraction == 0.0


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
