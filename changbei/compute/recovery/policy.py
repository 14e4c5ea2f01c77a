"""Which vans may take stranded goods over, and what calm is worth (E3.3.1, E3.3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from changbei.compute.recovery.model import Problem


@dataclass(frozen=True, slots=True)
class Policy:
    """An option the dispatcher can compare with others.

    name: identifier for the caller. reserves: reserve vans of the place's own site; of that and the nearest other
    site that has one; any; none. lines: sound vans on the `neighbours` nearest lines per place; any; none.
    touch_price_seconds, shift_price_seconds: how much extra driving it is worth to leave one sound van alone, or to
    spare one of its customers an arrival shifted by more than 15 minutes; stranded_shift_price_seconds: the same for a
    customer whose goods change vans. overtime_seconds: all shifts may end so much later.
    """

    name: str
    reserves: Literal["none", "own_site", "nearest_site", "any"] = "any"
    lines: Literal["none", "neighbouring", "any"] = "any"
    neighbours: int = 6
    touch_price_seconds: int = 200
    shift_price_seconds: int = 3
    stranded_shift_price_seconds: int = 3
    overtime_seconds: int = 0


OWN_RESERVE = Policy("own_reserve", reserves="own_site", lines="none")
NEAREST_RESERVE = Policy("nearest_reserve", reserves="nearest_site", lines="none")
NEIGHBOURING_LINES = Policy("neighbouring_lines", reserves="none", lines="neighbouring")
ALL_MEANS = Policy("all_means")
CALM = Policy("calm", touch_price_seconds=600, shift_price_seconds=600, stranded_shift_price_seconds=150)
OVERTIME = Policy("overtime", overtime_seconds=3600)


def allowed_vans(problem: Problem, policy: Policy) -> tuple[tuple[int, ...], ...]:
    """Per place the vans that may call there under the policy, nearest first."""
    return tuple(_allowed_at(problem, policy, place) for place in range(len(problem.places)))


def _allowed_at(problem: Problem, policy: Policy, place: int) -> tuple[int, ...]:
    reserves = [int(van) for van in np.flatnonzero(problem.vans.reserve)]
    lines = [int(van) for van in np.flatnonzero(~problem.vans.reserve)]
    near = problem.nearness_seconds[place]
    if policy.reserves == "none":
        reserves = []
    elif policy.reserves != "any" and len(problem.site_location):
        sites = _sites_of(problem, place, reserves, others=1 if policy.reserves == "nearest_site" else 0)
        reserves = [van for van in reserves if int(problem.vans.site[van]) in sites]
    lines.sort(key=lambda van: (int(near[van]), van))
    if policy.lines == "none":
        lines = []
    elif policy.lines == "neighbouring":
        lines = lines[: policy.neighbours]
    return tuple(sorted(reserves + lines, key=lambda van: (int(near[van]), van)))


def _sites_of(problem: Problem, place: int, reserves: list[int], *, others: int) -> set[int]:
    """The place's own site and the nearest `others` further sites that have a reserve van."""
    to_place = problem.travel_seconds[problem.site_location, problem.places.location[place]]
    own = int(problem.places.site[place])
    if own < 0:
        own = int(np.argmin(to_place))
    with_reserve = {int(problem.vans.site[van]) for van in reserves} - {own, -1}
    return {own, *sorted(with_reserve, key=lambda site: (int(to_place[site]), site))[:others]}
