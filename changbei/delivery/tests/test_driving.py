"""What drivers say with their phones: once, in whatever order it arrives; where they are, for the shift only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import permutations
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from changbei.core.clock import LOCAL, VirtualClock
from changbei.core.errors import Invalid, NotAllowed
from changbei.delivery import disrupting, driving, planning, rules, services
from changbei.delivery.driving import Said
from changbei.delivery.models import DriverAction, Position, Stop, Tour
from changbei.journal.models import Entry
from changbei.network.city import City
from changbei.network.models import Vehicle
from changbei.people.models import Person

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 11, 23)


@pytest.fixture
def tour(small_city: City, clock: VirtualClock) -> Tour:
    """The first tour of Monday, at 10:00."""
    day = planning.plan_day(MONDAY, actor=None)
    clock.advance_to(datetime(2026, 11, 23, 10, 0, tzinfo=LOCAL))
    return Tour.objects.filter(day=day).order_by("pk")[0]


def driver_of(tour: Tour) -> Person:
    assert tour.driver is not None
    return tour.driver


def word(number: int, stop: Stop, kind: str, at: datetime, reason: str = "") -> Said:
    return Said(UUID(int=number), kind, at, stop=stop.pk, reason=reason)


def say(tour: Tour, *words: Said, sent_at: datetime) -> list[tuple[str, str]]:
    done = driving.say(tour, words, sent_at=sent_at, actor=driver_of(tour))
    return [(one.outcome, one.words) for one in done]


def state(tour: Tour) -> list[tuple[str, str, datetime | None, datetime | None]]:
    """Of each stop: what became of it and when, and of those ahead when they are expected."""
    return [
        (stop.status, stop.reason, stop.done_at, None if stop.done_at else stop.expected_at)
        for stop in tour.stops.order_by("sequence")
    ]


def stops_of(tour: Tour, count: int) -> Sequence[Stop]:
    return list(tour.stops.order_by("sequence")[:count])


def test_the_phones_clock_is_kept_and_translated(tour: Tour, clock: VirtualClock) -> None:
    """The phone is 7 minutes fast, and sends half an hour later what it kept without coverage."""
    fast = timedelta(minutes=7)
    [first] = stops_of(tour, 1)
    said_at = clock.now() + fast
    clock.advance(timedelta(minutes=30))
    assert say(tour, word(1, first, "refused", said_at, "damaged"), sent_at=clock.now() + fast) == [
        ("taken", "")
    ]
    first.refresh_from_db()
    assert (first.status, first.reason, first.done_at) == ("refused", "damaged", said_at - fast)
    action = DriverAction.objects.get()
    assert (action.phone_at, action.at, action.received_at) == (said_at, said_at - fast, clock.now())


def test_every_order_of_arrival_gives_the_same_day(tour: Tour, clock: VirtualClock) -> None:
    """Three stops, one of them corrected, each word sent by itself, one of them twice: 24 orders, one result."""
    begin = clock.now()
    one, two, three = stops_of(tour, 3)
    words = [
        word(1, one, "delivered", begin),
        word(2, two, "delivered", begin + timedelta(minutes=10)),
        word(3, one, "absent", begin + timedelta(minutes=15), "closed"),
        word(4, three, "refused", begin + timedelta(minutes=20), "no_money"),
    ]
    clock.advance(timedelta(minutes=30))
    found = []
    for order in permutations(words):
        with transaction.atomic():
            for said in (*order, order[0]):
                say(tour, said, sent_at=clock.now())
            found.append(state(tour))
            assert DriverAction.objects.count() == 4
            transaction.set_rollback(True)
    assert all(result == found[0] for result in found)
    assert found[0][:3] == [
        ("absent", "closed", begin, None),
        ("delivered", "", begin + timedelta(minutes=10), None),
        ("refused", "no_money", begin + timedelta(minutes=20), None),
    ]
    fourth = tour.stops.order_by("sequence")[3]
    leaves = three.planned_at + timedelta(seconds=three.service_seconds)
    assert fourth.planned_at + (begin + timedelta(minutes=20) - leaves) == found[0][3][3]


def test_whoever_catches_up_has_the_rest_of_the_list_expected_once(tour: Tour, clock: VirtualClock) -> None:
    begin, stops = clock.now(), stops_of(tour, 5)
    words = [
        word(number, stop, "delivered", begin + timedelta(minutes=5 * number))
        for number, stop in enumerate(stops)
    ]
    clock.advance(timedelta(hours=1))
    with transaction.atomic():
        for said in words:
            say(tour, said, sent_at=clock.now())
        one_by_one = state(tour)
        transaction.set_rollback(True)
    with CaptureQueriesContext(connection) as queries:
        say(tour, *words, sent_at=clock.now())
    assert state(tour) == one_by_one
    expected = [query for query in queries if '"expected_at" = given' in str(query["sql"])]
    assert len(expected) == 1
    with CaptureQueriesContext(connection) as again:
        say(tour, *words, sent_at=clock.now())
    assert not [query for query in again if "UPDATE" in str(query["sql"]) and "FOR" not in str(query["sql"])]


def test_what_the_desk_recorded_stays(tour: Tour, clock: VirtualClock) -> None:
    [first] = stops_of(tour, 1)
    services.record_stop(first, "delivered", actor=None)
    assert say(tour, word(1, first, "refused", clock.now(), "damaged"), sent_at=clock.now()) == [
        ("refused", driving.AT_THE_DESK)
    ]
    first.refresh_from_db()
    assert (first.status, first.reason) == ("delivered", "")
    entry = Entry.objects.get(kind="delivery.phone_refused")
    assert (entry.actor_id, entry.data["vehicle"]) == (driver_of(tour).pk, tour.vehicle.number)


def test_delivered_before_the_breakdown_is_delivered(tour: Tour, clock: VirtualClock) -> None:
    """The goods were out of the van before it broke down; the phone had no coverage to say so."""
    first, second = stops_of(tour, 2)
    before = clock.now()
    clock.advance(timedelta(minutes=5))
    report = services.BreakdownReport(
        tour.vehicle.number, 119.0, 33.6, "km 8", goods_aboard=True, injured=False
    )
    services.report_breakdown(report, run=None, actor=None)
    other = Tour.objects.filter(day=tour.day).exclude(pk=tour.pk)[0]
    Stop.objects.filter(pk__in=[first.pk, second.pk]).update(tour=other)
    clock.advance(timedelta(minutes=5))
    outcome = say(
        tour,
        word(1, first, "delivered", before),
        word(2, second, "delivered", clock.now()),
        sent_at=clock.now(),
    )
    assert outcome == [("taken", ""), ("refused", driving.MOVED_ON)]
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.tour_id, first.goods_at, first.status, first.done_at) == (
        tour.pk,
        None,
        "delivered",
        before,
    )
    assert (second.tour_id, second.status) == (other.pk, "planned")


def test_a_clock_that_is_put_right_before_it_is_sent(tour: Tour, clock: VirtualClock) -> None:
    """It began anew in 1970: nobody knows when that was, and nobody is expected earlier for it."""
    first, second = stops_of(tour, 2)
    long_ago = datetime(1970, 1, 1, 0, 5, tzinfo=LOCAL)
    assert say(tour, word(1, first, "delivered", long_ago), sent_at=clock.now()) == [("taken", "")]
    expected = second.expected_at
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.done_at == tour.departs_at - timedelta(hours=2)
    assert second.expected_at == expected


def test_what_was_said_later_by_a_clock_put_back_counts(tour: Tour, clock: VirtualClock) -> None:
    """The phone was a day fast; its driver puts it right, and then the mistake."""
    [first] = stops_of(tour, 1)
    tomorrow = clock.now() + timedelta(days=1)
    say(tour, word(1, first, "delivered", tomorrow), sent_at=tomorrow)
    clock.advance(timedelta(minutes=1))
    assert say(tour, word(2, first, "absent", clock.now(), "closed"), sent_at=clock.now()) == [("taken", "")]
    first.refresh_from_db()
    assert (first.status, first.reason, first.done_at) == (
        "absent",
        "closed",
        clock.now() - timedelta(minutes=1),
    )


def test_a_slow_line_turns_no_words_round(tour: Tour, clock: VirtualClock) -> None:
    """The first took 12 seconds on its way; the correction was said before it arrived, and came at once."""
    [first] = stops_of(tour, 1)
    began = clock.now()
    clock.advance(timedelta(seconds=12))
    say(tour, word(1, first, "delivered", began), sent_at=began)
    said_at = began + timedelta(seconds=5)
    assert say(tour, word(2, first, "absent", said_at), sent_at=clock.now()) == [("taken", "")]
    first.refresh_from_db()
    assert first.status == "absent"


def test_nobody_speaks_for_somebody_else(tour: Tour, clock: VirtualClock) -> None:
    other = Tour.objects.filter(day=tour.day).exclude(driver=tour.driver)[0]
    [first] = stops_of(tour, 1)
    with pytest.raises(NotAllowed):
        driving.say(
            tour, [word(1, first, "delivered", clock.now())], sent_at=clock.now(), actor=driver_of(other)
        )
    with pytest.raises(NotAllowed):
        driving.here(tour, 119, 33, 10, at=clock.now(), actor=driver_of(other))
    with pytest.raises(Invalid):
        say(tour, word(1, first, "eaten", clock.now()), sent_at=clock.now())
    assert not DriverAction.objects.exists() and not Position.objects.exists()
    # a stop of another tour cannot be recorded from this one
    theirs = other.stops.order_by("sequence")[0]
    assert say(tour, word(2, theirs, "delivered", clock.now()), sent_at=clock.now()) == [
        ("refused", driving.MOVED_ON)
    ]
    theirs.refresh_from_db()
    assert theirs.status == "planned"


def test_back_at_the_site(tour: Tour, clock: VirtualClock) -> None:
    """A reserve van that took over stands ready again, and has to be looked at before it counts as checked."""
    back = Said(UUID(int=9), "returned", clock.now())
    [(outcome, words)] = say(tour, back, sent_at=clock.now())
    assert (outcome, words) == ("refused", "There are still customers on your list.")
    tour.stops.update(status=Stop.Status.DELIVERED)
    Vehicle.objects.filter(pk=tour.vehicle_id).update(is_reserve=True, state="in_use", checked_on=MONDAY)
    driving.here(tour, 119, 33, 10, at=clock.now(), actor=driver_of(tour))
    assert say(tour, Said(UUID(int=10), "returned", clock.now()), sent_at=clock.now()) == [("taken", "")]
    tour.refresh_from_db()
    van = Vehicle.objects.get(pk=tour.vehicle_id)
    assert (tour.status, van.state, van.checked_on) == ("finished", "fit", None)
    assert not Position.objects.exists()
    assert not driving.here(tour, 119, 33, 10, at=clock.now(), actor=driver_of(tour))


def test_positions_are_kept_for_the_shift_only(tour: Tour, clock: VirtualClock) -> None:
    driver, now = driver_of(tour), clock.now()
    assert driving.here(tour, 119.01, 33.61, 12, at=now, actor=driver)
    assert not driving.here(
        tour, 119.0, 33.6, 12, at=now - timedelta(minutes=3), actor=driver
    )  # an older one
    ahead = now + timedelta(hours=9)  # a phone whose clock is wrong: taken as now
    assert not driving.here(tour, 119.02, 33.62, 8, at=ahead, actor=driver)
    [kept] = Position.objects.values_list("longitude", "latitude", "at")
    assert kept == (119.01, 33.61, now)
    clock.advance(timedelta(minutes=2))
    driving.here(tour, 119.02, 33.62, 8, at=clock.now(), actor=driver)
    assert Position.objects.get().longitude == 119.02
    driving.hide(actor=Person.objects.exclude(pk=driver.pk)[0])
    assert Position.objects.exists()
    driving.hide(actor=driver)
    assert not Position.objects.exists()

    driving.here(tour, 119.02, 33.62, 8, at=clock.now(), actor=driver)
    Vehicle.objects.filter(pk=tour.vehicle_id).update(is_reserve=True, state="in_use", checked_on=MONDAY)
    assert driving.end_shifts() == 0
    clock.advance_to(tour.shift_ends_at)
    assert driving.end_shifts() == 2  # a position, a reserve van
    assert not Position.objects.exists()
    assert not driving.here(tour, 119, 33, 10, at=clock.now(), actor=driver)
    assert Vehicle.objects.get(pk=tour.vehicle_id).state == "fit"
    assert driving.end_shifts() == 0
    kinds = (
        Entry.objects.filter(kind__startswith="delivery.position")
        .order_by("pk")
        .values_list("kind", flat=True)
    )
    assert list(kinds) == [
        "delivery.position_shared",
        "delivery.position_hidden",
        "delivery.position_shared",
        "delivery.positions_deleted",
    ]


def test_how_ways_to_recover_are_called() -> None:
    cheap = rules.Figures(unserved_weight=2, extra_minutes=20, arrivals_shifted=9, vans_touched=3)
    calm = rules.Figures(unserved_weight=2, extra_minutes=35, arrivals_shifted=4, vans_touched=2)
    most = rules.Figures(unserved_weight=1, extra_minutes=50, arrivals_shifted=30, vans_touched=6)
    late = rules.Figures(
        unserved_weight=0, extra_minutes=70, arrivals_shifted=31, vans_touched=6, overtime_minutes=40
    )
    assert rules.titles([cheap, calm, most, late]) == [
        ["cheapest"],
        ["calmest"],
        ["fewest_unserved"],
        ["none_unserved"],
    ]
    longer = rules.Figures(
        unserved_weight=1, extra_minutes=60, arrivals_shifted=31, vans_touched=6, overtime_minutes=40
    )  # overtime that does not help everybody is no means of its own
    assert rules.titles([cheap, calm, longer]) == [["cheapest"], ["calmest"], ["fewest_unserved"]]
    aboard = rules.Figures(  # more are shifted, but fewer of those whose van drives on
        unserved_weight=2, extra_minutes=35, arrivals_shifted=12, vans_touched=2, arrivals_shifted_aboard=1
    )
    others = rules.Figures(
        unserved_weight=2, extra_minutes=20, arrivals_shifted=9, vans_touched=3, arrivals_shifted_aboard=6
    )
    assert rules.titles([others, aboard]) == [["cheapest"], ["calmest"]]
    assert rules.titles([cheap]) == [[]]
    assert rules.titles([cheap, cheap]) == [[], []]
    assert rules.titles([cheap, calm]) == [["cheapest"], ["calmest"]]


def test_whoever_was_relieved_says_what_was_done_until_then(tour: Tour, clock: VirtualClock) -> None:
    """The first driver's phone had no coverage; somebody else drives the van on before it catches up."""
    first, second = stops_of(tour, 2)
    before, relieved = clock.now(), driver_of(tour)
    clock.advance(timedelta(minutes=5))
    report = services.BreakdownReport(
        tour.vehicle.number, 119.0, 33.6, "km 8", goods_aboard=True, injured=False, cause="driver"
    )
    broken = services.report_breakdown(report, run=None, actor=None)
    substitute = Person.objects.exclude(pk=relieved.pk).order_by("pk")[0]
    disrupting.drive_on(broken, substitute, ready_at=clock.now() + timedelta(hours=1), actor=None)
    clock.advance(timedelta(minutes=5))
    tour.refresh_from_db()
    words = [
        word(1, first, "delivered", before),
        word(2, second, "delivered", clock.now()),
        Said(UUID(int=3), "returned", before),
    ]
    done = driving.say(tour, words, sent_at=clock.now(), actor=relieved)
    assert {one.uuid.int: one.outcome for one in done} == {1: "taken", 2: "refused", 3: "refused"}
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.done_at, second.status) == ("delivered", before, "planned")
    with pytest.raises(NotAllowed):
        driving.here(tour, 119, 33, 10, at=clock.now(), actor=relieved)
