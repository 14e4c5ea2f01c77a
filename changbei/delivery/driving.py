"""What drivers say with their phones: stops served, goods taken over, the way back, and where they are.

A phone without coverage keeps what was said and sends it later, perhaps twice and in another order. Each word carries
an id of the phone's own and the time of the phone's clock; the day comes out the same whatever the order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import ChangbeiError, Conflict, Invalid, NotFound, there
from changbei.delivery import access, changing, papers, rules, selectors, services
from changbei.delivery.models import DriverAction, Position, Stop, Tour
from changbei.network.models import Vehicle
from changbei.people.models import Person
from changbei.runs.noting import note

STOP_KINDS = (Stop.Status.DELIVERED, Stop.Status.REFUSED, Stop.Status.ABSENT)
OF_GOODS = (*STOP_KINDS, "taken_over")
KINDS = (*OF_GOODS, "returned", "breakdown")
MOVED_ON = gettext_noop("This customer is no longer on your list. Tell the dispatcher what happened.")
AT_THE_DESK = gettext_noop("The dispatcher has recorded this customer already.")


@dataclass(frozen=True)
class Said:
    """One word of a driver. `stop`: the stop's key; `source`: whose goods were taken over."""

    uuid: UUID
    kind: str
    phone_at: datetime
    stop: int | None = None
    reason: str = ""
    source: str = ""


Verb = Callable[[Said, datetime], str]


def say(
    tour: Tour,
    words: Sequence[Said],
    *,
    sent_at: datetime,
    actor: Person,
    verbs: Mapping[str, Verb] | None = None,
) -> list[DriverAction]:
    """Take what the driver's phone has kept, each word once and by itself; what became of each.

    `sent_at` is the phone's clock when it sent them. `verbs`: what to do for kinds that concern rooms above; each
    answers with words for the driver. Whoever was relieved says what became of the goods until then. Raises NotAllowed
    for somebody else's tour, Invalid for an unknown kind.
    """
    if not Tour.objects.filter(access.driven_by(actor), pk=tour.pk).exists():
        access.require_own(tour, actor)
    known = {**_VERBS, **{kind: _of_above(verb) for kind, verb in (verbs or {}).items()}}
    if strange := next((one.kind for one in words if one.kind not in known), ""):
        raise Invalid("kind", f"{strange!r}: {', '.join(sorted(known))}")
    now = clock.now()
    uuids = [one.uuid for one in words]
    heard = set(DriverAction.objects.filter(uuid__in=uuids).values_list("uuid", flat=True))
    done = [
        _once(
            tour, one, rules.on_our_clock(one.phone_at, sent_at, now, tour.departs_at), actor, known[one.kind]
        )
        for one in sorted(words, key=lambda one: (one.phone_at, one.uuid))
    ]
    if any(_tells_of_a_stop(one) for one in done if one.uuid not in heard):
        _expect_rest(tour)
    return done


def _tells_of_a_stop(one: DriverAction) -> bool:
    return one.kind in STOP_KINDS and one.outcome != DriverAction.Outcome.REFUSED


@transaction.atomic
def _expect_rest(tour: Tour) -> None:
    """Once after all words: the times come from what is done, not from the way there."""
    changing.locked_day(tour.day_id)
    services.expect_rest(tour.pk)


Deed = Callable[[Tour, Said, datetime, Person], DriverAction]


@transaction.atomic
def _once(tour: Tour, said: Said, at: datetime, actor: Person, deed: Deed) -> DriverAction:
    """Do it, unless it was done before. What cannot be done is kept with its reason, and the dispatcher sees it."""
    changing.locked_day(tour.day_id)
    tour = Tour.objects.select_for_update(of=("self",)).select_related("vehicle", "day").get(pk=tour.pk)
    if before := DriverAction.objects.filter(uuid=said.uuid).first():
        return before
    try:
        with transaction.atomic():
            if said.kind not in OF_GOODS or not access.drove(tour, actor, at):
                access.require_own(tour, actor)
            done = deed(tour, said, at, actor)
    except ChangbeiError as error:
        done = _action(tour, said, at, actor, DriverAction.Outcome.REFUSED, words=str(error))
    done.save()
    if done.outcome == DriverAction.Outcome.REFUSED:
        note(
            "delivery.phone_refused",
            None,
            actor,
            clause="E3.3.1",
            vehicle=tour.vehicle.number,
            said=said.kind,
            stop=said.stop,
            reason=done.words,
        )
    return done


def _action(
    tour: Tour,
    said: Said,
    at: datetime,
    actor: Person,
    outcome: str,
    *,
    words: str = "",
    stop: Stop | None = None,
) -> DriverAction:
    return DriverAction(
        uuid=said.uuid,
        tour=tour,
        driver=actor,
        kind=said.kind,
        stop=stop,
        reason=said.reason if said.reason in rules.REASONS.get(said.kind, ()) else "",
        phone_at=said.phone_at,
        at=at,
        received_at=clock.now(),
        outcome=outcome,
        words=words[:200],
    )


# ---------------------------------------------------------------- stops


def _record(tour: Tour, said: Said, at: datetime, actor: Person) -> DriverAction:
    """The latest word about a stop counts; the earliest says when the van was there."""
    stops = Stop.objects.select_for_update(of=("self",)).select_related("goods_at", "retailer")
    stop = there(stops.filter(pk=said.stop or 0, day=tour.day_id).first(), MOVED_ON)
    done = _action(tour, said, at, actor, DriverAction.Outcome.TAKEN, stop=stop)
    if stop.status not in STOP_KINDS:
        _first_word(tour, stop, done)
        return done
    counts = DriverAction.objects.filter(stop=stop, tour=tour, outcome=DriverAction.Outcome.TAKEN).first()
    if counts is None:
        raise Conflict(AT_THE_DESK)
    if _is_later(done, counts):
        DriverAction.objects.filter(pk=counts.pk).update(outcome=DriverAction.Outcome.OVERTAKEN)
        Stop.objects.filter(pk=stop.pk).update(status=said.kind, reason=done.reason)
    else:
        done.outcome = DriverAction.Outcome.OVERTAKEN
    _was_there_earlier(stop, at)
    return done


def _is_later(one: DriverAction, other: DriverAction) -> bool:
    """By our clock, as the phone's may have been put right between the two; words so near that the line may have turned
    them round by the phone's."""
    if abs(one.at - other.at) >= rules.LINE_DELAY:
        return one.at > other.at
    return (one.phone_at, one.uuid) > (other.phone_at, other.uuid)


def _first_word(tour: Tour, stop: Stop, done: DriverAction) -> None:
    """What the driver did with goods that were aboard is so, even if the plan has given them to others meanwhile."""
    if stop.tour_id != tour.pk:
        if not _was_aboard(stop, tour, done.at):
            raise Conflict(MOVED_ON)
        stop.tour, stop.goods_at, stop.aboard = tour, None, None
        stop.save(update_fields=["tour", "goods_at", "aboard"])
        papers.follow(tour.day)
        changing.changed(tour.day)
    services.record_stop(stop, done.kind, reason=done.reason, actor=done.driver, at=done.at, expect=False)


def _was_aboard(stop: Stop, tour: Tour, at: datetime) -> bool:
    """Whether the goods were on this tour's van then: before it broke down, or though nobody was to bring them."""
    broken = stop.goods_at
    return stop.aboard_id == tour.pk or (broken is not None and broken.tour_id == tour.pk and at <= broken.at)


def _was_there_earlier(stop: Stop, at: datetime) -> None:
    """A word that arrives late says that the van was at the door before we thought."""
    if stop.done_at is not None and at < stop.done_at:
        Stop.objects.filter(pk=stop.pk).update(done_at=at)


# ---------------------------------------------------------------- goods, the way back


def _take_over(tour: Tour, said: Said, at: datetime, actor: Person) -> DriverAction:
    handover = selectors.handover_from(tour, said.source)
    if handover is None:
        raise NotFound(gettext_noop("These goods are no longer to be taken over. Ask the dispatcher."))
    if handover.done_at is not None:
        return _action(tour, said, at, actor, DriverAction.Outcome.OVERTAKEN)
    services.record_handover(handover, actor=actor, at=at)
    return _action(tour, said, at, actor, DriverAction.Outcome.TAKEN)


def _return(tour: Tour, said: Said, at: datetime, actor: Person) -> DriverAction:
    """Back at the site: the tour is over, the phone's position is deleted, a reserve van stands ready again."""
    if tour.stops.filter(status=Stop.Status.PLANNED).exists():
        raise Conflict(gettext_noop("There are still customers on your list."))
    Tour.objects.filter(pk=tour.pk).exclude(status=Tour.Status.BROKEN_DOWN).update(
        status=Tour.Status.FINISHED
    )
    Position.objects.filter(tour=tour).delete()
    stand_ready([tour.vehicle_id])
    return _action(tour, said, at, actor, DriverAction.Outcome.TAKEN)


def _of_above(verb: Verb) -> Deed:
    def deed(tour: Tour, said: Said, at: datetime, actor: Person) -> DriverAction:
        return _action(tour, said, at, actor, DriverAction.Outcome.TAKEN, words=verb(said, at))

    return deed


_VERBS: Mapping[str, Deed] = {
    **dict.fromkeys(STOP_KINDS, _record),
    "taken_over": _take_over,
    "returned": _return,
}


def stand_ready(vehicles: Sequence[int]) -> int:
    """Reserve vans that took over are reserves again; somebody has to look at them before they count as checked
    (E3.2.6). How many.
    """
    used = Vehicle.objects.filter(pk__in=vehicles, is_reserve=True, state=Vehicle.State.IN_USE)
    return used.update(state=Vehicle.State.FIT, checked_on=None)


# ---------------------------------------------------------------- where the vans are


@transaction.atomic
def here(
    tour: Tour, longitude: float, latitude: float, accuracy_metres: int, *, at: datetime, actor: Person
) -> bool:
    """The van's phone says where it is, by the driver's consent and within the shift; whether it was kept.

    Only the newest position of a tour is kept. Raises NotAllowed for somebody else's tour, Invalid for no place.
    """
    access.require_own(tour, actor)
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise Invalid("longitude", gettext_noop("this is no place on the earth"))
    now = clock.now()
    over = tour.status == Tour.Status.FINISHED
    if over or not rules.in_shift(tour.departs_at, tour.shift_ends_at, now):
        return False
    values = {
        "longitude": longitude,
        "latitude": latitude,
        "accuracy_metres": max(accuracy_metres, 0),
        "at": min(at, now),
        "received_at": now,
    }
    known, made = Position.objects.get_or_create(tour=tour, defaults=values)
    if made:
        note("delivery.position_shared", None, actor, clause="E3.3.1", vehicle=tour.vehicle.number)
        return True
    return bool(Position.objects.filter(pk=known.pk, at__lt=values["at"]).update(**values))


@transaction.atomic
def hide(*, actor: Person) -> None:
    """The driver takes the consent back: what is known of the place is deleted at once, of whatever tour it was."""
    shown = Position.objects.filter(tour__driver=actor).select_related("tour__vehicle").order_by("pk")
    for position in shown:
        position.delete()
        number = position.tour.vehicle.number
        note("delivery.position_hidden", None, actor, clause="E3.3.1", vehicle=number)


@transaction.atomic
def end_shifts() -> int:
    """Shifts that are over: positions are deleted, and reserve vans that took over stand ready again; how many."""
    now = clock.now()
    gone, _ = Position.objects.filter(tour__shift_ends_at__lte=now).delete()
    if gone:
        note("delivery.positions_deleted", None, None, clause="E3.3.1", count=gone)
    out = Tour.objects.filter(shift_ends_at__gt=now).exclude(status=Tour.Status.FINISHED).values("vehicle_id")
    back = Vehicle.objects.filter(is_reserve=True, state=Vehicle.State.IN_USE, tours__shift_ends_at__lte=now)
    return gone + stand_ready(list(back.exclude(pk__in=out).values_list("pk", flat=True)))
