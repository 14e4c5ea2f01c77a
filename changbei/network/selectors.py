"""Questions about the network: who lies in an area, who is looked for. Read-only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from changbei.compute import geo
from changbei.core.texts import LANGUAGES, joined
from changbei.network.models import District, Retailer

GeoJson = Mapping[str, Any]
MOST_DISTRICTS_NAMED = 3


def retailer_ids_in(area: GeoJson) -> list[int]:
    """Keys of the active retailers in a GeoJSON Polygon or MultiPolygon, its border included, by line and sequence
    (E3.2.1).

    One query over the bounding box; the exact answer on the arrays. Raises Invalid for anything else.
    """
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
