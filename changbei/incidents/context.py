"""What a report means in this city: which van, whose customer, how many customers lie in the area.

`facts_of` gives the map `incident` that conditions of a plan see. Everything unknown is "" or 0, never missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from changbei.core.texts import Text
from changbei.delivery import selectors as delivery
from changbei.incidents import forms
from changbei.network import joining
from changbei.network import selectors as network
from changbei.network.models import Retailer, Site, Vehicle

GeoJson = Mapping[str, Any]


@dataclass(frozen=True)
class Known:
    """What was found out about a report; `detail` is what its title adds, `unit` and `site` are codes of units."""

    detail: Text | str = ""
    place: str = ""
    longitude: float | None = None
    latitude: float | None = None
    area: GeoJson | None = None
    affected: int = 0
    total: int = 0
    site: str = ""
    unit: str = ""
    district: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)  # further entries of the map `incident`

    @property
    def share(self) -> float:
        return self.affected / self.total if self.total else 0.0


def look_up(report: Mapping[str, Any], form: Mapping[str, Any]) -> Known:
    """Find out what a report is about from the fields that name things of the city (`x-widget` of its form)."""
    fields = {widget: name for name, widget in forms.widgets(form).items()}
    if number := report.get(fields.get("vehicle", "")):
        return _vehicle(str(number), report, fields)
    if licence_no := report.get(fields.get("retailer", "")):
        return _retailer(str(licence_no))
    if area := report.get(fields.get("area", "")):
        return _area(area, forms.first_choice(form, report))
    return _system(report, fields, forms.first_choice(form, report))


def _vehicle(number: str, report: Mapping[str, Any], fields: Mapping[str, str]) -> Known:
    vehicle = Vehicle.objects.select_related("site__unit", "keeper").get(number=number)
    place = report.get(fields.get("place", "")) or {}
    keeper = vehicle.keeper.staff_no if vehicle.keeper else ""
    driver = delivery.driver_today(number)
    return Known(
        detail={"zh-Hans": f"{number}号车", "zh-Hant": f"{number}號車", "en": f"van {number}"},
        place=str(place.get("text", "")),
        longitude=place.get("longitude"),
        latitude=place.get("latitude"),
        site=vehicle.site.unit.code,
        unit=vehicle.site.unit.code,
        more={
            "driver": driver.staff_no if driver else keeper,
            "vehicle_keeper": keeper,
            "vehicle": {
                "number": vehicle.number,
                "plate": vehicle.plate,
                "model": vehicle.model,
                "capacity_cartons": vehicle.capacity_cartons,
                "site": vehicle.site.code,
            },
        },
    )


def _retailer(licence_no: str) -> Known:
    retailer = Retailer.objects.select_related("district", "line__site__unit", "customer_manager__unit").get(
        licence_no=licence_no
    )
    return Known(
        detail=retailer.name,
        place=retailer.address,
        longitude=retailer.longitude,
        latitude=retailer.latitude,
        affected=1,
        total=Retailer.objects.filter(active=True).count(),
        site=retailer.line.site.unit.code,
        unit=retailer.customer_manager.unit.code,
        district=retailer.district.code,
        more={"customer_manager": retailer.customer_manager.staff_no, "retailer_name": retailer.name},
    )


def _area(area: GeoJson, choice: Text) -> Known:
    [inside] = joining.join([area])
    return Known(
        detail=choice,
        place=network.district_names(list(inside.districts))["zh-Hans"],
        area=area,
        affected=inside.count,
        total=Retailer.objects.filter(active=True).count(),
    )


def _system(report: Mapping[str, Any], fields: Mapping[str, str], choice: Text) -> Known:
    code = str(report.get("site") or "")
    site = Site.objects.select_related("unit").filter(code=code).first() if code else None
    total = Retailer.objects.filter(active=True).count()
    place = report.get(fields.get("place", "")) or {}
    return Known(
        detail=choice,
        place=str(place.get("text", "")),
        longitude=place.get("longitude"),
        latitude=place.get("latitude"),
        total=total,
        site=site.unit.code if site else "",
        unit=site.unit.code if site else "",
    )


def facts_of(known: Known, **incident: Any) -> dict[str, Any]:
    """The map `incident` of the context; `incident` are the fields the incident itself gives."""
    return {
        "share": known.share,
        "affected": known.affected,
        "total": known.total,
        "place": known.place,
        "site": known.site,
        "unit": known.unit,
        "district": known.district,
        "driver": "",
        "vehicle_keeper": "",
        "vehicle": {},
        "customer_manager": "",
        "retailer_name": "",
        **incident,
        **known.more,
    }
