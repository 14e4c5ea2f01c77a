"""A generated city in a real database."""

import pytest

from changbei.core.errors import Conflict
from changbei.network import loading
from changbei.network.city import City
from changbei.network.models import Line, Place, Retailer, Site, Vehicle
from changbei.people.models import Person


def test_every_row_arrives(small_city: City) -> None:
    assert Retailer.objects.count() == 300
    assert Vehicle.objects.filter(is_reserve=False).count() == 6
    assert Vehicle.objects.filter(is_reserve=True).count() == 5
    assert Line.objects.count() == 30
    assert list(Site.objects.order_by("id").values_list("code", flat=True)) == [
        "delivery-center",
        "transfer-station-1",
        "transfer-station-2",
        "transfer-station-3",
        "transfer-station-4",
    ]
    assert Person.objects.count() == len(small_city["people.Person"].rows)


def test_texts_arrive_as_mappings(small_city: City) -> None:
    assert Place.objects.get(id=1).name == {
        "zh-Hans": "样城区中心",
        "zh-Hant": "樣城區中心",
        "en": "Sample Core District Centre",
    }


def test_new_rows_get_ids_after_the_copied_ones(small_city: City) -> None:
    place = Place.objects.get(id=1)
    place.pk, place.code = None, "999999999999"
    place.save(force_insert=True)
    assert place.pk == len(small_city["network.Place"].rows) + 1


def test_a_city_is_not_laid_over_another(small_city: City) -> None:
    with pytest.raises(Conflict, match=r"people\.Unit: the database already has rows"):
        loading.load(small_city)
    assert Retailer.objects.count() == 300
