"""The product's own data as layers of the map, in the properties that the map draws by (docs/frontend.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import JsonResponse
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from changbei.core import clock, texts
from changbei.delivery.models import DeliveryDay, Stop, Tour
from changbei.incidents import access, warned
from changbei.incidents.models import Incident, Level, SuspendedRetailer, Suspension, Warning
from changbei.incidents.services import headline_of
from changbei.network import features
from changbei.network.models import Retailer, Vehicle

Json = dict[str, Any]
DEGREES_KEPT = 5  # about a metre


def drawn(layers: Mapping[str, Json], language: str, bounds: Sequence[float] | None = None) -> JsonResponse:
    """A map: the bare city under these layers; shown first is the part within `bounds`, or the whole city."""
    bare = {name: fetched(name, language) for name in LASTING}
    return JsonResponse({"bounds": bounds or features.extent(), "layers": {**bare, **layers}})


def fetched(name: str, language: str) -> Json:
    """A layer that the map asks for by itself. `language` is in the address, so that a browser may keep the answer."""
    return {"url": f"{reverse('map-layer', args=[name])}?language={language}"}


def renewed(name: str, language: str) -> Json:
    """The same, again and again."""
    return fetched(name, language) | {"refresh_seconds": RENEWED_SECONDS[name]}


def layer(name: str, language: str, actor: object) -> Json:
    """One of the layers by name, as the actor may see it; LookupError for another."""
    if name == "incidents":
        open_ = access.readable(actor).exclude(status=Incident.Status.CLOSED).exclude(level=Level.SERVICE)
        return incidents_layer(language, open_)
    return _LAYERS[name](language)


def _streets(_language: str) -> Json:
    found = features.streets()
    for one in found["features"]:
        properties = one["properties"]
        properties["class"] = "side" if properties["rank"] == "minor" else "main"
    found["features"] = [one for one in found["features"] if not one["properties"].get("label")]
    return _rounded(found)


def _places(language: str) -> Json:
    found = features.places(language)
    for one in found["features"]:
        if one["properties"]["kind"] == "county_seat":
            one["properties"]["kind"] = "county"
    return found


def _retailers(_language: str) -> Json:
    rows = Retailer.objects.filter(active=True).order_by("pk")
    served = dict(
        Stop.objects.filter(day__date=clock.today())
        .values_list("retailer_id", "status")
        .order_by("retailer_id")
    )
    return features.collection(
        features.point(
            round(longitude, DEGREES_KEPT),
            round(latitude, DEGREES_KEPT),
            {"name": name, "detail": licence, "state": _stop_state(served.get(pk))},
            pk,
        )
        for pk, longitude, latitude, name, licence in rows.values_list(
            "pk", "longitude", "latitude", "name", "licence_no"
        )
    )


def _stop_state(status: str | None) -> str:
    if status is None:
        return ""
    if status in Stop.WAITING:
        return "waiting"
    return "unserved" if status == Stop.Status.POSTPONED else "served"


def warnings_layer(language: str = "", incident: Incident | None = None) -> Json:
    """Warnings that are in force, or all of one incident."""
    rows: QuerySet[Warning] = Warning.objects.exclude(area=None).defer("raw").order_by("pk")
    if incident is not None:
        rows = rows.filter(incident=incident)
    else:
        rows = warned.in_force(clock.now()).exclude(area=None).order_by("pk")
    return _collection((row.area, _warning_properties(row, language), row.pk) for row in rows)


def _warning_properties(warning: Warning, language: str) -> Json:
    name = headline_of(warning, language or get_language() or "")
    drill = f"{_('Exercise')} · " if warning.status == "Exercise" else ""
    return {"colour": warning.colour, "name": f"{drill}{name}", "detail": _until(warning)}


def _until(warning: Warning) -> str:
    if warning.expires_at is None:
        return ""
    return _("until %(time)s") % {"time": warning.expires_at.astimezone(clock.LOCAL).strftime("%m-%d %H:%M")}


def suspensions_layer(language: str = "", incident: Incident | None = None) -> Json:
    """Areas without service now, or all of one incident."""
    rows = Suspension.objects.filter(resumed_at=None).select_related("incident").order_by("pk")
    if incident is not None:
        rows = rows.filter(incident=incident)
    return _collection(
        (
            row.area,
            {
                "name": row.incident.number,
                "detail": f"{row.reason} · {_moment(row.starts_at)}–{_moment(row.ends_at)}",
                "url": reverse("incident", args=[row.incident.uuid]),
            },
            row.pk,
        )
        for row in rows
    )


def incidents_layer(language: str, incidents: QuerySet[Incident]) -> Json:
    """Those of these incidents that have a place."""
    return features.collection(
        features.point(
            row.longitude or 0.0,
            row.latitude or 0.0,
            {
                "level": row.level,
                "name": row.number,
                "detail": f"{texts.pick(row.title, language)} · {row.place}",
                "url": reverse("incident", args=[row.uuid]),
            },
            row.pk,
        )
        for row in incidents.exclude(longitude=None).order_by("pk")
    )


def vans_layer(language: str = "") -> Json:
    """Where each van is: at its last customer (else its site) while it drives, where it broke down, or at its site."""
    day = DeliveryDay.objects.filter(date=clock.today()).first()
    last = Stop.objects.filter(tour=OuterRef("pk"), status=Stop.Status.DELIVERED).order_by(
        "-done_at", "-sequence"
    )
    tours = {
        tour.vehicle_id: tour
        for tour in Tour.objects.filter(day=day)
        .select_related("site", "vehicle", "driver", "line")
        .prefetch_related("breakdowns")
        .annotate(
            at_longitude=Subquery(last.values("retailer__longitude")[:1]),
            at_latitude=Subquery(last.values("retailer__latitude")[:1]),
        )
    }
    found = []
    for van in Vehicle.objects.select_related("site").order_by("pk"):
        tour = tours.get(van.pk)
        longitude, latitude = van.site.longitude, van.site.latitude
        state = "broken" if van.state != Vehicle.State.FIT else "reserve" if van.is_reserve else "idle"
        facts: list[list[str]] = [[_("Plate"), van.plate]]
        if tour is not None:
            longitude, latitude, state = _whereabouts(tour)
            if tour.driver:
                facts.append([_("Driver"), f"{tour.driver.name} {tour.driver.phone}"])
            if tour.line:
                facts.append([_("Line"), texts.pick(tour.line.name, language)])
        properties = {
            "state": state,
            "name": van.number,
            "title": _("Van %(number)s") % {"number": van.number},
        }
        found.append(features.point(longitude, latitude, {**properties, "facts": facts}, van.pk))
    return features.collection(found)


def _whereabouts(tour: Any) -> tuple[float, float, str]:
    if tour.status == Tour.Status.BROKEN_DOWN:
        for broken in tour.breakdowns.all():
            return broken.longitude, broken.latitude, "broken"
    state = "taking-over" if tour.line_id is None else "driving"
    if tour.departs_at > clock.now():
        return tour.site.longitude, tour.site.latitude, state
    longitude = tour.site.longitude if tour.at_longitude is None else tour.at_longitude
    latitude = tour.site.latitude if tour.at_latitude is None else tour.at_latitude
    return longitude, latitude, state


def affected_layer(incident: Incident) -> Json:
    """The customers whom the incident's suspensions concern."""
    rows = SuspendedRetailer.objects.filter(suspension__incident=incident).select_related("retailer")
    return features.collection(
        features.point(
            round(row.retailer.longitude, DEGREES_KEPT),
            round(row.retailer.latitude, DEGREES_KEPT),
            {"name": row.retailer.name, "detail": row.retailer.licence_no, "state": "affected"},
            row.retailer_id,
        )
        for row in rows.order_by("retailer_id")
    )


def area_layer(incident: Incident) -> Json:
    """The area that was reported, drawn like a warning of no known colour."""
    return _collection([(incident.area, {"colour": "", "name": incident.number}, incident.pk)])


def _collection(rows: Iterable[tuple[Any, Mapping[str, Any], int]]) -> Json:
    return features.collection(
        features.feature(geometry, properties, number) for geometry, properties, number in rows if geometry
    )


def _moment(at: Any) -> str:
    return str(at.astimezone(clock.LOCAL).strftime("%m-%d %H:%M"))


def _rounded(found: Json) -> Json:
    for one in found["features"]:
        geometry = one["geometry"]
        geometry["coordinates"] = [
            [[round(x, DEGREES_KEPT), round(y, DEGREES_KEPT)] for x, y in path]
            for path in geometry["coordinates"]
        ]
    return found


_LAYERS = {
    "districts": features.districts,
    "streets": _streets,
    "sites": features.sites,
    "places": _places,
    "retailers": _retailers,
    "warnings": warnings_layer,
    "suspensions": suspensions_layer,
    "vans": vans_layer,
}
RENEWED_SECONDS = {"warnings": 15, "suspensions": 15, "incidents": 10, "vans": 10, "retailers": 60}
LASTING = ("districts", "streets", "sites", "places")
