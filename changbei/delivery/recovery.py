"""From a breakdown to options: snapshot, compute outside any transaction, save with a version check."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.conf import settings
from django.utils.translation import gettext_noop

from changbei.compute import recovery as recovering
from changbei.compute.recovery import Recovery, Stop
from changbei.core import clock
from changbei.core.errors import Conflict
from changbei.delivery import breaking, left_out, rules, selectors, services, snapshot
from changbei.delivery.models import Breakdown, DeliveryDay, RecoveryCase, RecoveryOption
from changbei.delivery.snapshot import Snapshot
from changbei.runs.models import Run

SECONDS = 3.0
"""How long the options of one recovery may be computed, together."""
TRIES = 3

KINDS: Mapping[str, str] = {
    "own_reserve": "site_reserve",
    "nearest_reserve": "nearest_reserve",
    "neighbouring_lines": "neighbours",
    "all_means": "mixed",
    "calm": "calm",
    "overtime": "overtime",
}


def offer(
    breakdown: Breakdown,
    *,
    run: Run | None,
    seconds: float = SECONDS,
    iterations: int | None = None,
    seed: int = 1,
) -> RecoveryCase | None:
    """Compute and keep 1–4 options; None when nothing is left to deliver from this van.

    When the day's plan changes meanwhile the newer day is taken at once; raises Conflict after three times. With
    `iterations` the result does not depend on the machine's speed.
    """
    effort = _effort(seconds, iterations, seed)
    day = breakdown.tour.day_id
    return _offer(breakdown, day, (), run, effort, lambda _shot: selectors.leaves_something(breakdown))


def offer_day(
    day: DeliveryDay,
    *,
    causes: Sequence[str],
    run: Run | None,
    seconds: float = SECONDS,
    iterations: int | None = None,
    seed: int = 1,
) -> RecoveryCase | None:
    """The same for a day that something else disturbs: a closed road, an urgent order, a late start (E2.6, E3.2.2).

    `causes`: of `disrupting.CAUSES`. None when everybody is served by going on as planned.
    """
    effort = _effort(seconds, iterations, seed)
    return _offer(None, day.pk, causes, run, effort, lambda shot: shot.is_disturbed)


@dataclass(frozen=True)
class _Effort:
    seconds: float
    iterations: int | None
    seed: int
    cores: int

    def shared(self, parts: int) -> _Effort:
        """What each of so many searches may take."""
        iterations = None if self.iterations is None else max(self.iterations // parts, 1)
        return replace(self, seconds=self.seconds / parts, iterations=iterations)


def _effort(seconds: float, iterations: int | None, seed: int) -> _Effort:
    """By the clock on all cores there are for it; by `iterations`, whose result is the same everywhere, on one."""
    return _Effort(seconds, iterations, seed, settings.RECOVERY_CORES if iterations is None else 1)


def _offer(
    breakdown: Breakdown | None,
    day_key: int,
    causes: Sequence[str],
    run: Run | None,
    effort: _Effort,
    needed: Callable[[Snapshot], bool],
) -> RecoveryCase | None:
    for _ in range(TRIES):
        breaking.record_reported()
        day = DeliveryDay.objects.get(pk=day_key)
        began = time.perf_counter()
        now = clock.now()
        shot = snapshot.take(day, now)
        if not needed(shot):
            return None
        each = effort.shared(2 if shot.before_closing else 1)
        found = _alternatives(shot, each)
        if later := _rather_after_closing(shot, found):
            again = snapshot.take(day, now, later)
            if _left(options := _alternatives(again, each)) < _left(found):
                shot, found = again, options
        took = time.perf_counter() - began
        try:
            return services.save_offer(
                breakdown,
                day,
                causes=causes,
                version=shot.version,
                seconds=took,
                stranded=shot.stranded,
                considered=len(shot.orders),
                options=_options(shot, found),
                run=run,
            )
        except Conflict:
            continue
    raise Conflict(gettext_noop("the day's plan kept changing while the recovery was computed"))


def _alternatives(shot: Snapshot, effort: _Effort) -> Sequence[Recovery]:
    return recovering.alternatives(
        shot.problem,
        seconds=effort.seconds,
        seed=effort.seed,
        iterations=effort.iterations,
        cores=effort.cores,
        wanted=DeliveryDay.objects.filter(pk=shot.day.pk, version=shot.version).exists,
    )


def _rather_after_closing(shot: Snapshot, found: Sequence[Recovery]) -> frozenset[int]:
    """Whom nobody gets to before an area closes, though there would be time after it opens again."""
    if not found or not shot.before_closing:
        return frozenset()
    return shot.before_closing & {shot.orders[order].pk for order in found[0].unserved}


def _left(found: Sequence[Recovery]) -> int:
    return min((one.unserved_priority for one in found), default=0)


def _options(shot: Snapshot, found: Sequence[Recovery]) -> list[RecoveryOption]:
    """All ways found, each called by what it is best at."""
    options = [_option(shot, one) for one in found]
    figures = [
        rules.Figures(
            one.unserved_weight,
            one.extra_minutes,
            one.arrivals_shifted,
            one.vans_touched,
            one.arrivals_shifted_aboard,
            one.overtime_minutes,
        )
        for one in options
    ]
    for option, titles in zip(options, rules.titles(figures), strict=True):
        option.titles = titles
    return options


def _option(shot: Snapshot, found: Recovery) -> RecoveryOption:
    begins = {
        order: moment
        for van in found.vans
        for order, moment in zip(van.orders, _service_begins(van.tokens, van.begin_seconds), strict=True)
    }
    rescued = [begins[order] for order in found.moved if order in begins]
    waits = [wait for number in range(len(found.vans)) for wait in _waits(shot, found, number)]
    return RecoveryOption(
        kind=_kind(shot, found),
        extra_minutes=found.extra_driving_seconds / 60,
        stops_moved=len(found.moved),
        vans_touched=len(found.touched_vans) + len(found.reserve_vans),
        arrivals_shifted=len(found.shifted),
        arrivals_shifted_aboard=len(found.shifted_aboard),
        unserved=len(found.unserved),
        unserved_weight=found.unserved_priority,
        overtime_minutes=found.overtime_seconds / 60,
        waiting_minutes=sum(waits) / 60,
        longest_wait_minutes=max(waits, default=0) / 60,
        last_delivery_at=shot.moment(max(rescued)) if rescued else None,
        plan={**snapshot.option_plan(shot, found), "why": _why(shot, found)},
    )


def _waits(shot: Snapshot, found: Recovery, number: int) -> list[int]:
    """Seconds that a van stands at each step before it may begin."""
    problem, plan = shot.problem, found.vans[number]
    orders, places, travel = problem.orders, problem.places, problem.travel_seconds
    now, here = int(problem.vans.ready_seconds[number]), int(problem.vans.start[number])
    waits = []
    for token, begins in zip(plan.tokens, plan.begin_seconds, strict=True):
        if isinstance(token, Stop):
            there, lasts = int(orders.location[token.order]), int(orders.service_seconds[token.order])
        else:
            each = int(places.handover_per_order_seconds[token.place])
            there = int(places.location[token.place])
            lasts = int(places.handover_seconds[token.place]) + each * len(token.orders)
        waits.append(begins - now - int(travel[here, there]))
        now, here = begins + lasts, there
    return waits


def _kind(shot: Snapshot, found: Recovery) -> str:
    """Where no goods wait nobody is called up: what differs is whether the vans keep their sequences."""
    if not len(shot.problem.places) and found.policy.name not in {"calm", "overtime"}:
        return "resequenced"
    return KINDS.get(found.policy.name, found.policy.name)


def _why(shot: Snapshot, found: Recovery) -> dict[str, str]:
    """The stop's key → why it is left unserved."""
    return {str(shot.orders[order].pk): reason for order, reason in left_out.why(shot.problem, found).items()}


def _service_begins(tokens: tuple[object, ...], begins: tuple[int, ...]) -> list[int]:
    return [begin for token, begin in zip(tokens, begins, strict=True) if isinstance(token, Stop)]
