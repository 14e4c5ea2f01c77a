"""The way back: what was computed, as JSON in keys of the database."""

from __future__ import annotations

from typing import Any

from changbei.compute.recovery import Call, Recovery
from changbei.delivery.models import Breakdown
from changbei.delivery.snapshot.shot import Snapshot


def option_plan(snapshot: Snapshot, recovery: Recovery) -> dict[str, Any]:
    """The recovery as JSON: per van whose list or times change, or that was to fetch goods so far, its steps, and who
    is left out or noticeably moved."""
    told = {*recovery.shifted, *(n for n, stop in enumerate(snapshot.orders) if stop.tour_id is None)}
    waiting = {van for van, plan in enumerate(recovery.vans) if told & set(plan.orders)}
    fetching = {n for n, van in enumerate(snapshot.vans) if van.tour and van.tour.pk in snapshot.callers}
    changed = {*recovery.touched_vans, *recovery.reserve_vans, *waiting, *fetching}
    return {
        "tours": [_tour_json(snapshot, recovery, number) for number in sorted(changed)],
        "unserved": [snapshot.orders[order].pk for order in recovery.unserved],
        "moved": [snapshot.orders[order].pk for order in recovery.moved],
        "shifted": [snapshot.orders[order].pk for order in recovery.shifted],
        "reserve_vehicles": [snapshot.vans[number].vehicle.pk for number in recovery.reserve_vans],
    }


def _tour_json(snapshot: Snapshot, recovery: Recovery, number: int) -> dict[str, Any]:
    van, plan = snapshot.vans[number], recovery.vans[number]
    steps = []
    for token, begins in zip(plan.tokens, plan.begin_seconds, strict=True):
        at = snapshot.moment(begins).isoformat()
        if isinstance(token, Call):
            stops = [snapshot.orders[order].pk for order in token.orders]
            place = snapshot.places[token.place]
            kind = "handover" if isinstance(place, Breakdown) else "fetch"
            steps.append({kind: place.pk, "stops": stops, "at": at})
        else:
            steps.append({"stop": snapshot.orders[token.order].pk, "at": at})
    return {
        "vehicle": van.vehicle.pk,
        "tour": van.tour.pk if van.tour else None,
        "steps": steps,
        "returns_at": snapshot.moment(plan.return_seconds).isoformat(),
    }
