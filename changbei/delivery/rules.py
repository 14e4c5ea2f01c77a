"""What follows from a tour's state and the time. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

OPEN = "planned"
DRIVEN = frozenset({"delivered", "refused", "absent"})
RESERVE_READY = timedelta(minutes=15)
"""Fetching keys and papers of a reserve van until it drives off."""
HANDOVER = timedelta(minutes=5)
HANDOVER_PER_STOP_SECONDS = 8
OFFER_HOLDS = timedelta(minutes=20)
"""How long what was computed may be accepted: meanwhile every van drives on."""
NOTICEABLE = timedelta(minutes=15)
"""A customer notices when the van comes this much earlier or later than said."""
NOTICEABLE_MINUTES = NOTICEABLE.total_seconds() / 60

ORDINARY, KEY, VULNERABLE = 1, 2, 3


@dataclass(frozen=True)
class Visit:
    """A stop as the rules see it; `expected_at` is the arrival expected now."""

    id: int
    status: str
    expected_at: datetime
    service: timedelta
    done_at: datetime | None = None


@dataclass(frozen=True)
class Whereabouts:
    """Where a van can next change its plan: after stop `after` (None: at its site), from `ready_at` on.

    `driven` stops stay as they are: delivered ones, and the one the van is on its way to or standing at.
    """

    after: int | None
    ready_at: datetime
    driven: tuple[int, ...]


def is_out_of_date(computed_at: datetime, now: datetime) -> bool:
    """Whether an offer was computed too long ago to be driven by."""
    return now - computed_at > OFFER_HOLDS


def whereabouts(
    visits: Sequence[Visit], departs_at: datetime, now: datetime, shut: Collection[int] = ()
) -> Whereabouts:
    """`visits` in driving order. A van that has left drives to its next open stop: that one is fixed too, unless it is
    `shut`, where nobody gets to now. Stops that were held, moved or cancelled were not driven to."""
    done = [visit for visit in visits if visit.status in DRIVEN]
    left = [visit for visit in visits if visit.status == OPEN]
    if now < departs_at and not done:
        return Whereabouts(None, departs_at, ())
    driven = tuple(visit.id for visit in done)
    if not left:
        last = done[-1] if done else None
        return Whereabouts(last.id if last else None, max(now, departs_at), driven)
    heading = left[0]
    if heading.id in shut:
        return Whereabouts(done[-1].id if done else None, max(now, departs_at), driven)
    ready = max(heading.expected_at, now) + heading.service
    return Whereabouts(heading.id, ready, (*driven, heading.id))


@dataclass(frozen=True)
class Opening:
    """When a stop in a closed area may be served: not before `opens`, not after `shuts` (None: no limit). `reached`:
    whether the van that is on its way there as expected gets there in time. `either`: the other side is possible."""

    opens: datetime | None
    shuts: datetime | None
    reached: bool
    either: bool = False


def opening(
    expected_at: datetime,
    takes: timedelta,
    *,
    since: datetime,
    until: datetime | None,
    now: datetime,
    home_by: datetime,
    after: bool = False,
) -> Opening | None:
    """On which side of a closure a stop is served; None: on neither, as there is no time before and no end.

    `takes`: service, and the way out of the area. It is served on the side where it is expected, else on the nearer
    one; before the closure when the area does not open by `home_by`; with `after` rather after it.
    """
    shuts = since - takes
    if now > shuts:
        return Opening(until, None, expected_at >= until) if until is not None else None
    if until is None or until >= home_by:
        return Opening(None, shuts, expected_at <= shuts)
    if after or expected_at - shuts > until - expected_at:
        return Opening(until, None, expected_at >= until)
    return Opening(None, shuts, expected_at <= shuts, either=True)


def priority(*, is_key: bool, is_vulnerable: bool) -> int:
    """Weight of leaving a customer unserved: vulnerable customers first, then key customers (S6, E3.2.5)."""
    if is_vulnerable:
        return VULNERABLE
    return KEY if is_key else ORDINARY


def delay_minutes(planned_at: datetime, at: datetime) -> float:
    return (at - planned_at).total_seconds() / 60


def shifted(before: datetime, after: datetime, than: timedelta = NOTICEABLE) -> bool:
    return abs(after - before) > than


@dataclass(frozen=True)
class Leg:
    """A stop on the way of a van: where it is, when it was driven, else when it is expected."""

    longitude: float
    latitude: float
    expected_at: datetime
    done_at: datetime | None


def estimated_position(
    home: tuple[float, float], departs_at: datetime, legs: Sequence[Leg], now: datetime
) -> tuple[float, float]:
    """Longitude and latitude of a van without a position of its own: on the straight way between its last stop and
    the next, as far as the time says. After the last stop it stays there; before it leaves it is at `home`.
    """
    done = [leg for leg in legs if leg.done_at is not None]
    ahead = [leg for leg in legs if leg.done_at is None]
    last = max(done, key=lambda leg: leg.done_at or departs_at, default=None)
    begin, left_at = home, departs_at
    if last is not None and last.done_at is not None:
        begin, left_at = (last.longitude, last.latitude), last.done_at
    if not ahead or now <= left_at:
        return begin
    goal = ahead[0]
    whole = (goal.expected_at - left_at).total_seconds()
    part = min((now - left_at).total_seconds() / whole, 1.0) if whole > 0 else 1.0
    return (
        begin[0] + (goal.longitude - begin[0]) * part,
        begin[1] + (goal.latitude - begin[1]) * part,
    )


# ---------------------------------------------------------------- what drivers say by phone

REASONS: Mapping[str, tuple[str, ...]] = {
    "refused": ("wrong_goods", "damaged", "no_money", "not_wanted", "other"),
    "absent": ("closed", "no_answer", "not_found", "other"),
}
"""Why goods were not taken, why nobody took them."""
STALE_POSITION = timedelta(minutes=10)
"""A van that has been silent longer is drawn where its list says that it should be."""
BEFORE_DEPARTURE = timedelta(hours=1)
"""So long before a tour leaves its phone may begin to say where it is: loading belongs to the shift."""


EARLIEST_WORD = timedelta(hours=2)
"""What a phone says to have been longer before the tour left was said by a clock that has been put right since."""
LINE_DELAY = timedelta(seconds=30)
"""By so much a bad line may turn round the order of two words, more than a phone waits for an answer."""


def on_our_clock(
    phone_at: datetime, sent_at: datetime, received_at: datetime, departs_at: datetime
) -> datetime:
    """The moment of the phone's clock on ours: how long before sending it was, never in the future, and of a tour that
    leaves at `departs_at` never before `earliest_word`."""
    most = received_at - earliest_word(departs_at)
    return received_at - max(min(sent_at - phone_at, most), timedelta(0))


def earliest_word(departs_at: datetime) -> datetime:
    return departs_at - EARLIEST_WORD


def in_shift(departs_at: datetime, shift_ends_at: datetime, now: datetime) -> bool:
    """Whether a driver's phone may say where it is."""
    return departs_at - BEFORE_DEPARTURE <= now < shift_ends_at


# ---------------------------------------------------------------- how ways to recover are called

CHEAPEST, CALMEST, FEWEST_UNSERVED, NONE_UNSERVED = "cheapest", "calmest", "fewest_unserved", "none_unserved"
TITLES = (FEWEST_UNSERVED, NONE_UNSERVED, CHEAPEST, CALMEST)


@dataclass(frozen=True)
class Figures:
    """What a dispatcher compares. `unserved_weight`: vulnerable customers 3, key ones 2, others 1."""

    unserved_weight: int
    extra_minutes: float
    arrivals_shifted: int
    vans_touched: int
    arrivals_shifted_aboard: int = 0
    overtime_minutes: float = 0.0


def titles(options: Sequence[Figures]) -> list[list[str]]:
    """In what each option is the best of all; nothing where all are the same, or there is only one.

    Overtime is a means of its own: what serves everybody by it is called so, and the others, also those whose overtime
    does not help everybody, are compared among themselves for who leaves fewest unserved.
    """
    return [[title for title in TITLES if _deserves(title, one, options)] for one in options]


def _deserves(title: str, one: Figures, options: Sequence[Figures]) -> bool:
    if title == NONE_UNSERVED:
        return _serves_all_by_overtime(one)
    if title == FEWEST_UNSERVED:
        usual = [other for other in options if not _serves_all_by_overtime(other)]
        return one in usual and _is_least(one, options, usual, lambda other: other.unserved_weight)
    if title == CHEAPEST:
        return _is_least(one, options, options, lambda other: round(other.extra_minutes))
    return _is_least(one, options, options, _unrest)


def _unrest(one: Figures) -> tuple[int, ...]:
    """Whose van drives on did nothing to be disturbed, and is looked at first."""
    return one.arrivals_shifted_aboard, one.arrivals_shifted, one.vans_touched


def _serves_all_by_overtime(one: Figures) -> bool:
    return one.unserved_weight == 0 and one.overtime_minutes > 0


def _is_least(
    one: Figures, every: Sequence[Figures], among: Sequence[Figures], figure: Callable[[Figures], Any]
) -> bool:
    return len({figure(other) for other in every}) > 1 and figure(one) == min(map(figure, among))
