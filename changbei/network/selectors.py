"""Questions about the network: who lies in an area, which van is nearest, who knows a line. Read-only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from changbei.compute import geo
from changbei.core.texts import LANGUAGES, joined
from changbei.network.models import City, District, Line, LineKnowledge, Retailer, Site, Vehicle
from changbei.people.models import Absence, Person

GeoJson = Mapping[str, Any]
MOST_DISTRICTS_NAMED = 3


def city() -> City:
    """The city this installation serves; City.DoesNotExist before one was loaded."""
    return City.objects.get()


def retailers_in(area: GeoJson) -> list[Retailer]:
    """Active retailers in a GeoJSON Polygon or MultiPolygon, its border included, by line and sequence (E3.2.1).

    One query over the bounding box; the exact answer on the arrays. Raises Invalid for anything else.
    """
    shape = geo.polygon(area)
    box = geo.box_of(shape)
    found = list(
        Retailer.objects.filter(
            active=True,
            longitude__range=(box.west, box.east),
            latitude__range=(box.south, box.north),
        ).order_by("line_id", "line_sequence", "pk")
    )
    if not found:
        return []
    inside = geo.points_in(shape, [r.longitude for r in found], [r.latitude for r in found])
    return [retailer for retailer, is_in in zip(found, inside, strict=True) if is_in]


def retailer_ids_in(area: GeoJson) -> list[int]:
    """As `retailers_in`, only the ids: for thousands of customers at once."""
    shape = geo.polygon(area)
    box = geo.box_of(shape)
    rows = list(
        Retailer.objects.filter(
            active=True,
            longitude__range=(box.west, box.east),
            latitude__range=(box.south, box.north),
        )
        .order_by("line_id", "line_sequence", "pk")
        .values_list("pk", "longitude", "latitude")
    )
    if not rows:
        return []
    inside = geo.points_in(shape, [row[1] for row in rows], [row[2] for row in rows])
    return [row[0] for row, is_in in zip(rows, inside, strict=True) if is_in]


@dataclass(frozen=True)
class Share:
    """How many of all active customers an area concerns."""

    count: int
    total: int

    @property
    def fraction(self) -> float:
        """0 to 1; 0 in a city without customers."""
        return self.count / self.total if self.total else 0.0


def share_of_city(area: GeoJson) -> Share:
    """The customers of an area beside those of the city: "most customers" of E3.2.1."""
    return Share(len(retailer_ids_in(area)), Retailer.objects.filter(active=True).count())


def area_name(retailers: QuerySet[Retailer]) -> dict[str, str]:
    """The districts the customers are in as a text, those with most of them first; empty for nobody."""
    counts = retailers.order_by().values_list("district").annotate(number=Count("pk"))
    return district_names([district for district, _ in counts.order_by("-number", "district")])


def district_names(districts: Sequence[int]) -> dict[str, str]:
    """The first of these districts (keys) by name, as a text."""
    names = dict(District.objects.values_list("pk", "name"))
    named = [names[district] for district in districts[:MOST_DISTRICTS_NAMED]]
    more = len(districts) > MOST_DISTRICTS_NAMED
    tails = {"zh-Hans": "等地", "zh-Hant": "等地", "en": " and others"}
    return {
        language: (", " if language == "en" else "、").join(str(name.get(language, "")) for name in named)
        + (tails[language] if more else "")
        for language in LANGUAGES
    }


def affected_retailers(areas: Sequence[GeoJson]) -> list[Retailer]:
    """Active retailers in any of several areas, each once."""
    found = {retailer.pk: retailer for area in areas for retailer in retailers_in(area)}
    return sorted(found.values(), key=lambda r: (r.line_id, r.line_sequence, r.pk))


def _metres_to(longitude: float, latitude: float, places: Sequence[Site]) -> list[int]:
    distances = geo.great_circle_metres(
        [longitude], [latitude], [place.longitude for place in places], [place.latitude for place in places]
    )
    return [round(float(metres)) for metres in distances[0]] if places else []


def sites_near(longitude: float, latitude: float) -> list[tuple[Site, int]]:
    """All sites with their straight-line distance in metres, nearest first."""
    places = list(Site.objects.order_by("pk"))
    pairs = zip(places, _metres_to(longitude, latitude, places), strict=True) if places else ()
    return sorted(pairs, key=lambda pair: (pair[1], pair[0].pk))


def nearest_sites(site: Site) -> list[tuple[Site, int]]:
    """The other sites with their distance in metres, nearest first (E3.3.2)."""
    return [
        (other, metres) for other, metres in sites_near(site.longitude, site.latitude) if other.pk != site.pk
    ]


@dataclass(frozen=True)
class Reserve:
    """A reserve van that stands ready, and how far its site is."""

    vehicle: Vehicle
    metres: int


def reserve_vehicles(site: Site, *, states: Sequence[str] = (Vehicle.State.FIT,)) -> list[Reserve]:
    """The city-wide pool of reserve vans: those of `site` first, then the nearest sites' (E3.2.6, E3.3.2).

    Within a site the roomiest first. Two queries.
    """
    return reserve_vehicles_near(site.longitude, site.latitude, first=site, states=states)


def reserve_vehicles_near(
    longitude: float,
    latitude: float,
    *,
    first: Site | None = None,
    states: Sequence[str] = (Vehicle.State.FIT,),
) -> list[Reserve]:
    """The pool by distance from a place; vans of the site `first` come before all others."""
    distance = {site.pk: metres for site, metres in sites_near(longitude, latitude)}
    vans = Vehicle.objects.filter(is_reserve=True, state__in=list(states)).select_related("site", "keeper")
    found = [Reserve(van, distance[van.site_id]) for van in vans]
    own = first.pk if first else None
    return sorted(
        found,
        key=lambda r: (r.vehicle.site_id != own, r.metres, -r.vehicle.capacity_cartons, r.vehicle.pk),
    )


def sites_without_reserve() -> list[Site]:
    """Sites that do not keep a fit reserve van: each is a finding of E3.2.6."""
    ready = Vehicle.objects.filter(is_reserve=True, state=Vehicle.State.FIT).values("site_id")
    return list(Site.objects.exclude(pk__in=ready).order_by("pk"))


SUBSTITUTE_JOBS = ("customer_manager", "market_manager", "inspector")


@dataclass(frozen=True)
class Guide:
    """Somebody who knows a line, by how many trips, and whether they are there."""

    person: Person
    trips: int
    away: bool


def who_knows(line: Line, now: datetime, *, jobs: Sequence[str] | None = None) -> list[Guide]:
    """Who could guide or deliver on a line: those present first, then by trips (E3.3.5).

    jobs: None for all; `SUBSTITUTE_JOBS` for the customer managers and inspectors the clause names. Two queries.
    """
    rows = LineKnowledge.objects.filter(line=line, person__active=True).select_related("person")
    if jobs is not None:
        rows = rows.filter(person__job__in=list(jobs))
    known = list(rows)
    away = set(
        Absence.objects.filter(
            Q(out_of_city=True) | Q(reachable=False),
            person__in=[row.person_id for row in known],
            starts_at__lte=now,
            ends_at__gt=now,
        ).values_list("person_id", flat=True)
    )
    guides = [Guide(row.person, row.trips, row.person_id in away) for row in known]
    return sorted(guides, key=lambda guide: (guide.away, -guide.trips, guide.person.pk))


def lines_on(weekday: int) -> list[Line]:
    """The lines driven on a weekday (1 = Monday), with their sites, vans and drivers."""
    return list(
        Line.objects.filter(weekday=weekday)
        .select_related("site", "vehicle", "driver")
        .order_by("site_id", "pk")
    )


def find_retailers(words: str, *, limit: int = 20) -> list[Retailer]:
    """Retailers by the beginning of a licence or telephone number, or by a part of name or address."""
    words = words.strip()
    if not words:
        return []
    wanted = Q(name__icontains=words) | Q(address__icontains=words) | Q(contact_name=words)
    if (number := joined(words)).isdigit():
        wanted |= Q(licence_no__startswith=number) | Q(phone__startswith=number)
    found = Retailer.objects.filter(wanted, active=True)
    return list(found.order_by("licence_no")[:limit])
