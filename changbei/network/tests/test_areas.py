"""Administrative codes, tables of areas, and many areas joined with all customers (E3.2)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import shapely
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box, mapping

from changbei.core.errors import Invalid, NotAllowed
from changbei.journal.models import Entry
from changbei.network import area_files, areas, codes, joining
from changbei.network.models import Area, District, Retailer, Site
from changbei.people.models import Person

COUNTIES = ["420302", "420322", "420502", "430102"]


@pytest.mark.parametrize(
    "code,meaning",
    [
        ("420000", "42"),
        ("420300", "4203"),
        ("420310", "420310"),
        ("420322", "420322"),
        ("420322000000", "420322"),
        ("420322100000", "420322100"),
        ("420322101000", "420322101"),
        ("420322101203", "420322101203"),
        (" 420322 ", "420322"),
        ("042003", ""),
        ("000000", ""),
        ("4203221", ""),
        ("PAC003", ""),
        ("４２０３２２", ""),
        ("", ""),
    ],
)
def test_what_a_code_means(code: str, meaning: str) -> None:
    assert codes.head(code) == meaning


@pytest.mark.parametrize(
    "given_codes,found,wider,unknown",
    [
        (["420322000000"], ["420322"], [], []),
        (["420300000000"], ["420302", "420322"], [], []),
        (["420000"], ["420302", "420322", "420502"], [], []),
        (["420322101000"], ["420322"], ["420322101000"], []),
        (["420399", "420399101000"], [], [], ["420399", "420399101000"]),
        (["420322", "420322000000", "430102"], ["420322", "430102"], [], []),
        (["FR821", "42", "042003"], [], [], []),
        ([], [], [], []),
    ],
)
def test_what_codes_name(
    given_codes: list[str], found: list[str], wider: list[str], unknown: list[str]
) -> None:
    named = codes.named(given_codes, COUNTIES)
    assert (list(named.codes), list(named.wider), list(named.unknown)) == (found, wider, unknown)


def test_a_loaded_town_is_taken_for_itself() -> None:
    named = codes.named(["420322101000", "420322101203", "420322"], [*COUNTIES, "420322101"])
    assert (named.codes, named.wider) == (("420322101", "420322"), ("420322101203",))


def collection(*features: dict[str, Any]) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": list(features)}).encode()


def feature(code: str, name: str, drawn: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"adcode": code, "name": name}, "geometry": drawn}


def test_geojson_is_read() -> None:
    found = area_files.read(
        collection(feature("990124101000", "甲镇", mapping(box(0, 0, 1, 1)))), "a.geojson"
    )
    assert [(one.code, one.name, one.outline.bounds) for one in found] == [
        ("990124101", {"zh-Hans": "甲镇", "zh-Hant": "甲镇", "en": "甲镇"}, (0.0, 0.0, 1.0, 1.0))
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_csv_is_read(encoding: str) -> None:
    text = '行政区划代码,名称,name_en,轮廓\n990124101000,甲镇,Town A,"POLYGON((0 0,1 0,1 1,0 0))"\n'
    (found,) = area_files.read(text.encode(encoding), "areas.CSV")
    assert (found.code, found.name["en"], found.outline.area) == ("990124101", "Town A", 0.5)


def test_an_outline_that_crosses_itself_is_mended() -> None:
    knot = {"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]}
    (found,) = area_files.read(collection(feature("990124", "乙县", knot)), "a.json")
    assert found.outline.is_valid and found.outline.area == 2.0


@pytest.mark.parametrize(
    "data,name,fields",
    [
        (b"{", "a.geojson", ["file"]),
        (b"[]", "a.geojson", ["file"]),
        (collection(), "a.geojson", ["file"]),
        (b"\xff\xfe\xff", "a.geojson", ["file"]),
        (collection(feature("12", "", None)), "a.geojson", ["1.name"]),
        (collection(feature("X1", "甲", None)), "a.geojson", ["1.code"]),
        (collection(feature("990124", "甲", None)), "a.geojson", ["1.outline"]),
        (
            collection(feature("990124", "甲", {"type": "Point", "coordinates": [0, 0]})),
            "a.geojson",
            ["1.outline"],
        ),
        (collection(feature("990124", "甲", mapping(box(400000, 1, 400001, 2)))), "a.geojson", ["1.outline"]),
        (
            collection(*[feature("990124", "甲", mapping(box(0, 0, 1, 1)))] * 2),
            "a.geojson",
            ["2.code"],
        ),
        (b"code,name,outline\n990124,A,nonsense\n", "a.csv", ["2.outline"]),
    ],
)
def test_what_is_wrong_is_named(data: bytes, name: str, fields: list[str]) -> None:
    with pytest.raises(Invalid) as error:
        area_files.read(data, name)
    assert [problem.field for problem in error.value.problems] == fields


@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.geojson"]))
@settings(max_examples=60, deadline=None)
def test_no_file_crashes_the_reader(data: bytes, name: str) -> None:
    try:
        assert area_files.read(data, name)
    except Invalid as error:
        assert error.problems


def draft(code: str, outline: Any, name: str = "甲镇") -> area_files.Draft:
    return area_files.Draft(code, {"zh-Hans": name, "zh-Hant": name, "en": name}, outline)


@pytest.mark.django_db
def test_areas_are_kept_and_kept_anew() -> None:
    town = draft("990124101", box(0, 0, 1, 1))
    assert areas.load([town], source="first.geojson", actor=None) == areas.Loaded(1, 0)
    again = [draft("990124101", box(0, 0, 2, 2), "乙镇"), draft("990124102", box(3, 3, 4, 4))]
    assert areas.load(again, source="second.csv", actor=None) == areas.Loaded(1, 1)
    assert list(Area.objects.order_by("code").values_list("code", "name__en", "source")) == [
        ("990124101", "乙镇", "second.csv"),
        ("990124102", "甲镇", "second.csv"),
    ]
    assert Entry.objects.filter(kind="network.imported").order_by("pk").last().data == {  # type: ignore[union-attr]
        "kind": "areas",
        "source": "second.csv",
        "added": 1,
        "changed": 1,
    }


@pytest.mark.usefixtures("small_city")
def test_not_everybody_loads_areas() -> None:
    driver = Person.objects.filter(job="driver").order_by("pk")[0]
    with pytest.raises(NotAllowed):
        areas.load([draft("990124101", box(0, 0, 1, 1))], source="x", actor=driver)
    assert not Area.objects.exists()


@pytest.mark.usefixtures("small_city")
def test_codes_are_looked_up_in_two_statements() -> None:
    district = District.objects.order_by("code")[0]
    west, south, east, north = shapely.from_geojson(json.dumps(district.outline)).bounds
    town = box(west, south, (west + east) / 2, north)
    areas.load([draft(f"{district.code}101", town)], source="x", actor=None)
    with CaptureQueriesContext(connection) as captured:
        shape, named = areas.lookup([f"{district.code}101000"])
    assert len(captured) == 2 and shape is not None
    assert (named.codes, shape.bounds) == ((f"{district.code}101",), town.bounds)
    county, named = areas.lookup([f"{district.code}000000"])
    assert county is not None and named.codes == (district.code,)
    whole, named = areas.lookup(["990100"])
    assert whole is not None and len(named.codes) == District.objects.count() + 1
    assert areas.lookup(["420322", "FR821"]) == (None, codes.Named((), (), ("420322",)))


def loop(shape: shapely.Geometry) -> set[int]:
    """The plain way."""
    rows = Retailer.objects.filter(active=True).values_list("pk", "longitude", "latitude")
    return {pk for pk, x, y in rows if shape.intersects(shapely.Point(x, y))}


@pytest.mark.usefixtures("small_city")
def test_the_join_agrees_with_the_plain_loop() -> None:
    Retailer.objects.filter(pk__in=[1, 2, 3]).update(active=False)
    rows = np.array(Retailer.objects.values_list("longitude", "latitude"))
    (west, south), (east, north) = rows.min(axis=0), rows.max(axis=0)
    random = np.random.default_rng(5)
    shapes = [
        shapely.from_geojson(json.dumps(one)) for one in District.objects.values_list("outline", flat=True)
    ]
    for _ in range(30):
        x, y = random.uniform(west - 0.2, east + 0.2), random.uniform(south - 0.2, north + 0.2)
        shapes.append(shapely.Point(x, y).buffer(random.uniform(0.01, 0.4)))
    first = Retailer.objects.filter(active=True).order_by("pk")[0]
    shapes.append(box(first.longitude, first.latitude, first.longitude + 0.01, first.latitude + 0.01))
    with CaptureQueriesContext(connection) as captured:
        found = joining.join_shapes(shapes)
    assert len(captured) == 2
    assert [set(one.retailers.tolist()) for one in found] == [loop(shape) for shape in shapes]
    assert first.pk in found[-1].retailers  # a corner belongs to it
    assert sum(one.count == 0 for one in found) > 0 and max(one.count for one in found) > 100


@pytest.mark.usefixtures("small_city")
def test_what_lies_in_a_county() -> None:
    district = District.objects.order_by("code")[0]
    (found, twice) = joining.join([district.outline, district.outline])
    shops = Retailer.objects.filter(pk__in=found.retailers.tolist())
    assert found is twice
    assert found.count == shops.count() == district.retailers.count()
    assert dict(found.districts) == {district.pk: found.count}
    assert sum(found.lines.values()) == found.count
    assert set(found.lines) == set(shops.values_list("line_id", flat=True))
    assert found.key == shops.filter(is_key=True).count()
    assert found.vulnerable == shops.filter(is_vulnerable=True).count()
    outline = shapely.from_geojson(json.dumps(district.outline))
    assert found.sites == tuple(
        one.pk
        for one in Site.objects.order_by("pk")
        if outline.intersects(shapely.Point(one.longitude, one.latitude))
    )


@pytest.mark.django_db
def test_nothing_to_join() -> None:
    assert joining.join([]) == []
    (found,) = joining.join([mapping(box(0, 0, 1, 1))])
    assert (found.count, found.lines, found.sites) == (0, {}, ())
    with pytest.raises(Invalid):
        joining.join([{"type": "Point", "coordinates": [0, 0]}])
