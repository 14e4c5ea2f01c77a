"""Before and after of a recovery."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from changbei.delivery.features.marks import (
    SERVED,
    Json,
    Position,
    around,
    at,
    calls_of,
    point,
    stroke,
    van_title,
)
from changbei.delivery.models import Breakdown, RecoveryCase, RecoveryOption, Stop, Tour
from changbei.network.features import collection
from changbei.network.models import Site, Vehicle


class RecoveryMap:
    """Before and after of a recovery's options, from four queries."""

    def __init__(self, case: RecoveryCase, options: Sequence[RecoveryOption]) -> None:
        self.case, self.options = case, list(options)
        self.tours = {
            tour.vehicle_id: tour
            for tour in Tour.objects.filter(day=case.day_id).select_related("vehicle", "site").order_by("pk")
        }
        stops = Stop.objects.filter(day=case.day_id).order_by("sequence", "pk")
        self.calls = {call.pk: call for call in calls_of(stops)}
        self.vans = {
            van.pk: van
            for van in Vehicle.objects.filter(
                pk__in={row["vehicle"] for option in options for row in option.plan["tours"]}
            ).select_related("site")
        }
        self.sites = {site.pk: site for site in Site.objects.all()}
        self.breakdowns = {
            one.pk: one
            for one in Breakdown.objects.filter(tour__day=case.day_id)
            .select_related("tour__site")
            .order_by("pk")
        }

    def layers(self, option: RecoveryOption) -> dict[str, Json]:
        """`before` (dashed), `after` (a colour a van), `stops` (kept, moved, unserved) and the broken `vans`."""
        before: list[Json] = []
        after: list[Json] = []
        stops: list[Json] = []
        moved = set(option.plan["moved"])
        stranded = stranded_of(option.plan)
        # Goods of an earlier breakdown may be waiting as well: each broken van has its own line of before.
        for number, (breakdown, pks) in enumerate(sorted(self._waiting(option, stranded).items())):
            path = [self._source(breakdown), *(self.calls[pk].position for pk in pks)]
            before.append(stroke([*path, self._home(breakdown)], {"name": self._broken(breakdown)}, number))
        for index, row in enumerate(option.plan["tours"]):
            van = self.vans[row["vehicle"]]
            home = at(van.site.longitude, van.site.latitude)
            begin = self._begin(row, home)
            wanted = [step["stop"] for step in row["steps"] if "stop" in step]
            own = sorted((pk for pk in wanted if pk not in moved), key=lambda pk: self.calls[pk].planned_at)
            if own:
                path = [begin, *(self.calls[pk].position for pk in own), home]
                before.append(stroke(path, {"name": van.number}, 1000 + index))
            path = [self._at_step(step) for step in row["steps"]]
            about = {"index": index, "name": van_title(van), "title": van_title(van)}
            after.append(stroke([begin, *path, home], about, 2000 + index))
            for sequence, pk in enumerate(wanted, start=1):
                state = (
                    {"state": "moved", "index": index, "sequence": sequence}
                    if pk in moved
                    else {"state": "kept"}
                )
                stops.append(self._stop(pk, {**state, "detail": van_title(van)}))
        stops += [self._stop(pk, {"state": "unserved"}) for pk in option.plan["unserved"]]
        return {
            "before": collection(before),
            "after": collection(after),
            "stops": collection(stops),
            "vans": collection(self._broken_vans()),
        }

    def bounds(self) -> list[float]:
        """West, south, east, north of the customers that any option moves or leaves out, with a margin."""
        pks = {pk for option in self.options for pk in (*option.plan["moved"], *option.plan["unserved"])}
        spots = [(self.calls[pk].longitude, self.calls[pk].latitude) for pk in pks if pk in self.calls]
        if (here := self.case.breakdown) is not None:
            spots.append((here.longitude, here.latitude))
        spots = spots or [(call.longitude, call.latitude) for call in self.calls.values()]
        return around(spots or [(one.site.longitude, one.site.latitude) for one in self.tours.values()])

    def _waiting(self, option: RecoveryOption, stranded: Sequence[int]) -> dict[int, list[int]]:
        """Breakdown → stranded stops in the order of the morning."""
        source: dict[int, list[int]] = defaultdict(list)
        known = set()
        for row in option.plan["tours"]:
            for step in row["steps"]:
                if "handover" in step:
                    source[step["handover"]] += step["stops"]
                    known |= set(step["stops"])
        if self.case.breakdown_id is not None:
            source[self.case.breakdown_id] += [pk for pk in stranded if pk not in known]
        for pks in source.values():
            pks.sort(key=lambda pk: self.calls[pk].planned_at)
        return {breakdown: pks for breakdown, pks in source.items() if pks}

    def _begin(self, row: Mapping[str, Any], home: Position) -> Position:
        """Where the van was when its list changed: at its last stop that the option leaves alone, else at its site."""
        tour = self.tours.get(row["vehicle"]) if row["tour"] is not None else None
        if tour is None:
            return home
        wanted = {step.get("stop") for step in row["steps"]}
        left = [call for call in self.calls.values() if call.tour == tour.pk and call.pk not in wanted]
        done = [call for call in left if call.status in SERVED or call.is_open]
        return max(done, key=lambda call: call.sequence).position if done else home

    def _at_step(self, step: Mapping[str, Any]) -> Position:
        if "handover" in step:
            return self._source(step["handover"])
        if "fetch" in step:
            site = self.sites[step["fetch"]]
            return at(site.longitude, site.latitude)
        return self.calls[step["stop"]].position

    def _source(self, breakdown: int) -> Position:
        """Where the goods wait."""
        one = self.breakdowns[breakdown]
        spot: Breakdown | Site = one if one.goods_aboard else one.tour.site
        return at(spot.longitude, spot.latitude)

    def _home(self, breakdown: int) -> Position:
        site = self.breakdowns[breakdown].tour.site
        return at(site.longitude, site.latitude)

    def _broken(self, breakdown: int) -> str:
        tour = self.breakdowns[breakdown].tour
        return next((one.vehicle.number for one in self.tours.values() if one.pk == tour.pk), "")

    def _broken_vans(self) -> Iterable[Json]:
        by_tour = {tour.pk: tour for tour in self.tours.values()}
        for one in self.breakdowns.values():
            van = by_tour[one.tour_id].vehicle
            about = {"state": "broken", "name": van.number, "title": van_title(van), "detail": one.place}
            yield point(at(one.longitude, one.latitude), about, van.pk)

    def _stop(self, pk: int, about: Mapping[str, Any]) -> Json:
        call = self.calls[pk]
        return point(call.position, {"name": call.name, **about}, pk)


def stranded_of(plan: Mapping[str, Any]) -> list[int]:
    """The stops whose goods waited at a broken van when the option was computed."""
    fetched = [
        pk for row in plan["tours"] for step in row["steps"] if "handover" in step for pk in step["stops"]
    ]
    return [*fetched, *(pk for pk in plan["unserved"] if pk not in fetched)]
