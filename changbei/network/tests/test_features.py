"""What the map is given."""

import json

import pytest
import shapely

from changbei.network import features
from changbei.network.models import Retailer, Vehicle

pytestmark = pytest.mark.usefixtures("small_city")


def test_districts() -> None:
    found = features.districts("zh-Hant")
    assert [f["properties"]["name"] for f in found["features"]] == [
        "樣城區", "例海區", "試原縣", "仿河縣", "擬山縣", "設丘縣",
    ]  # fmt: skip
    assert all(shapely.geometry.shape(f["geometry"]).is_valid for f in found["features"])
    assert json.loads(json.dumps(found)) == found


def test_streets_come_bundled_by_rank_with_the_trunk_roads_on_top() -> None:
    found = features.streets()["features"]
    assert [f["properties"]["rank"] for f in found[:3]] == ["minor", "main", "trunk"]
    assert {f["geometry"]["type"] for f in found[:3]} == {"MultiLineString"}
    assert "三环路" in {f["properties"]["name"] for f in found[3:]}


def test_places_biggest_first() -> None:
    found = features.places("en")["features"]
    assert found[0]["properties"]["name"] == "Sample Core District Centre"
    people = [f["properties"]["population"] for f in found]
    assert people == sorted(people, reverse=True)


def test_sites_say_how_many_reserve_vans_are_fit() -> None:
    Vehicle.objects.filter(site__code="transfer-station-1", is_reserve=True).update(state="broken_down")
    found = {f["properties"]["code"]: f["properties"]["reserves"] for f in features.sites("en")["features"]}
    assert found == {
        "delivery-center": 1,
        "transfer-station-1": 0,
        "transfer-station-2": 1,
        "transfer-station-3": 1,
        "transfer-station-4": 1,
    }


def test_the_extent_holds_every_customer() -> None:
    west, south, east, north = features.extent()
    inside = Retailer.objects.filter(longitude__range=(west, east), latitude__range=(south, north))
    assert inside.count() == 300
