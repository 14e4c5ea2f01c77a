"""Administrative areas by code: which outlines a warning's codes name, and loading more of them (E3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db import transaction
from django.db.models import Q
from shapely import union_all
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from changbei.compute import geo
from changbei.core import clock
from changbei.core.errors import NotAllowed
from changbei.journal import services as journal
from changbei.network import codes
from changbei.network.area_files import Draft
from changbei.network.codes import Named
from changbei.network.models import Area, District
from changbei.people import access as people
from changbei.people.models import Person


def lookup(geocodes: Sequence[str]) -> tuple[BaseGeometry | None, Named]:
    """The joined outlines of what administrative codes mean, by the areas loaded and the city's own counties.

    Two queries by prefix, each on an index; other geocodes are passed over. None when nothing is known of them.
    """
    heads = [one for one in map(codes.meant, geocodes) if one]
    if not heads:
        return None, Named(())
    prefixes = [Q(code__startswith=one) for one in heads]
    upward = Q(code__in=[code for one in heads for code in codes.above(one)])
    near = reduce(or_, prefixes, upward)
    outlines: dict[str, Any] = dict(District.objects.filter(near).values_list("code", "outline"))
    outlines |= dict(Area.objects.filter(near).values_list("code", "outline"))
    found = codes.named(geocodes, sorted(outlines))
    if not found.codes:
        return None, found
    shapes = [geo.polygon(outlines[code]) for code in found.codes]
    return (shapes[0] if len(shapes) == 1 else union_all(shapes)), found


@dataclass(frozen=True)
class Loaded:
    """How many areas were new, and how many were there before and have been replaced."""

    added: int
    changed: int


@transaction.atomic
def load(drafts: Sequence[Draft], *, source: str, actor: Person | None) -> Loaded:
    """Keep areas, those with a known code anew. One statement. NotAllowed for who may not change the registers."""
    if actor is not None and not people.may(actor, "network.import"):
        raise NotAllowed("network.import")
    given = [draft.code for draft in drafts]
    known = set(Area.objects.filter(code__in=given).values_list("code", flat=True))
    now = clock.now()
    Area.objects.bulk_create(
        [
            Area(
                code=one.code,
                name=dict(one.name),
                outline=dict(mapping(one.outline)),
                source=source[:160],
                loaded_at=now,
            )
            for one in drafts
        ],
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["name", "outline", "source", "loaded_at"],
        batch_size=500,
    )
    loaded = Loaded(len(given) - len(known), len(known))
    data = {"kind": "areas", "source": source, "added": loaded.added, "changed": loaded.changed}
    journal.append("network.imported", actor=actor, clause="E3.2", data=data)
    return loaded
