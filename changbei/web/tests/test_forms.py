"""Forms of plans as pages show and read them."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import translation

from changbei.core.errors import Invalid, Problem
from changbei.network.city import City
from changbei.network.models import Product, Retailer
from changbei.plans.loading import load_pack, read_folder
from changbei.testing.city import SHIPPED
from changbei.web.forms import SchemaForm
from changbei.web.widgets import LinesField

pytestmark = pytest.mark.django_db

BREAKDOWN = {
    "vehicle": "01",
    "place_text": "示例路口",
    "place_longitude": "119.02",
    "place_latitude": "33.6",
    "injured": "false",
    "goods_aboard": "true",
}


@pytest.fixture(scope="module")
def pack() -> Any:
    return load_pack(read_folder(SHIPPED))


def _query(values: dict[str, Any]) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, value in values.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    return data


@pytest.fixture
def van(small_city: City) -> str:
    from changbei.network.models import Vehicle

    return Vehicle.objects.order_by("pk").values_list("number", flat=True)[0]


def test_every_form_of_the_shipped_plan_can_be_shown(small_city: City, pack: Any) -> None:
    forms = [procedure.form for procedure in pack.procedures.values()]
    forms += [
        step.task.form
        for procedure in pack.procedures.values()
        for step in procedure.steps.values()
        if step.task and step.task.form
    ]
    assert len(forms) > 10
    for schema in forms:
        for language in ("zh-hans", "zh-hant", "en"):
            with translation.override(language):
                form = SchemaForm(schema, language=language)
                assert list(form.fields) == list(schema["properties"])
                assert all(field.label for field in form.fields.values())
                assert form.as_p()


def test_a_breakdown_becomes_the_json_of_its_schema(van: str, pack: Any) -> None:
    schema = pack.procedures["vehicle-breakdown"].form
    form = SchemaForm(schema, _query(BREAKDOWN | {"vehicle": van, "note": ""}), language="en")
    assert form.is_valid(), form.errors
    assert form.result == {
        "vehicle": van,
        "place": {"text": "示例路口", "longitude": 119.02, "latitude": 33.6},
        "injured": False,
        "goods_aboard": True,
    }
    assert form.has_map


def test_what_is_missing_is_said_at_its_field(van: str, pack: Any) -> None:
    schema = pack.procedures["vehicle-breakdown"].form
    with translation.override("en"):
        form = SchemaForm(schema, _query({"vehicle": van, "place_text": "示例路口"}), language="en")
        assert not form.is_valid()
        assert {name: list(errors) for name, errors in form.errors.items()} == {
            "place": ["Show the place on the map, or use your position."],
            "injured": ["This field is required."],
            "goods_aboard": ["This field is required."],
        }


def test_problems_found_later_go_to_their_fields(van: str, pack: Any) -> None:
    form = SchemaForm(
        pack.procedures["vehicle-breakdown"].form, _query(BREAKDOWN | {"vehicle": van}), language="en"
    )
    assert form.is_valid()
    form.refuse(Invalid(problems=[Problem("place.longitude", "too far"), Problem("", "no pack")]))
    assert dict(form.errors) == {"place": ["too far"], "__all__": ["no pack"]}


def test_a_demand_with_rows_of_products(small_city: City, pack: Any) -> None:
    one, two = Product.objects.order_by("pk")[:2]
    retailer = Retailer.objects.order_by("pk")[0]
    given = {
        "retailer": retailer.licence_no,
        "occasion": "wedding",
        "needed_on": "2026-11-25",
        "path": "special",
        "lines_product": [one.code, "", two.code],
        "lines_cartons": ["12", "", "3"],
    }
    schema = pack.procedures["sudden-demand"].form
    form = SchemaForm(schema, _query(given), language="en")
    assert form.is_valid(), form.errors
    assert form.result["lines"] == [
        {"product": one.code, "cartons": 12},
        {"product": two.code, "cartons": 3},
    ]
    assert form.result["needed_on"] == "2026-11-25"
    with translation.override("en"):
        wrong = SchemaForm(schema, _query(given | {"lines_cartons": ["12", "", "x"]}), language="en")
        assert wrong.errors == {"lines": ["Row 2 needs a product and a whole number of cartons."]}


def test_without_javascript_the_words_of_a_search_are_taken(small_city: City, pack: Any) -> None:
    retailer = Retailer.objects.order_by("pk")[0]
    schema = pack.procedures["sudden-demand"].form
    form = SchemaForm(schema, _query({"retailer_search": retailer.licence_no}), language="en")
    form.is_valid()
    assert form.cleaned_data["retailer"] == retailer.licence_no


def test_local_times_carry_their_zone(small_city: City, pack: Any) -> None:
    given = {"fails": "server", "since": "2026-11-23T09:10", "stops_work": "true", "city_wide": ""}
    form = SchemaForm(pack.procedures["ordering-system-down"].form, _query(given), language="en")
    assert form.is_valid(), form.errors
    assert form.result == {"fails": "server", "since": "2026-11-23T09:10:00+08:00", "stops_work": True}


def test_a_drawn_area_is_geojson(small_city: City, pack: Any) -> None:
    area = '{"type": "Polygon", "coordinates": [[[119, 33], [120, 33], [120, 34], [119, 33]]]}'
    schema = pack.procedures["severe-weather"].form
    form = SchemaForm(schema, _query({"phenomenon": "typhoon", "area": area}), language="en")
    assert form.is_valid(), form.errors
    assert form.result["area"]["coordinates"][0][1] == [120, 33]
    bad = SchemaForm(schema, _query({"phenomenon": "typhoon", "area": '{"type": "Point"}'}), language="en")
    assert list(bad.errors) == ["area"]


@pytest.mark.parametrize("cartons", ["²", "9" * 5_000, "0", "-1", "1e3", ""])
def test_cartons_are_a_number_that_can_be_counted(cartons: str) -> None:
    with pytest.raises(ValidationError):
        LinesField().clean([{"product": "P", "cartons": cartons}])
    assert LinesField().clean([{"product": "P", "cartons": "12"}]) == [{"product": "P", "cartons": 12}]
