"""Posts with who fills them now, and the roster ahead."""

from datetime import UTC, datetime, timedelta

import pytest

from changbei.core.clock import VirtualClock
from changbei.core.errors import NotFound
from changbei.people import services, staffing
from changbei.people.models import DutyShift, Person, Post
from changbei.people.staffing import Staffed

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_stretches_that_no_span_covers() -> None:
    whole = (NOON, NOON + 10 * HOUR)
    spans = [
        (NOON + 6 * HOUR, NOON + 7 * HOUR),
        (NOON - HOUR, NOON + HOUR),
        (NOON + 5 * HOUR, NOON + 6 * HOUR),
    ]
    found = staffing.uncovered(whole, spans)
    assert [(a - NOON, b - NOON) for a, b in found] == [(HOUR, 5 * HOUR), (7 * HOUR, 10 * HOUR)]
    assert staffing.hours(found) == 7 * HOUR
    assert staffing.uncovered(whole, []) == [whole]
    assert staffing.uncovered(whole, [(NOON - HOUR, NOON + 11 * HOUR)]) == []
    assert staffing.uncovered(whole, [(NOON + 11 * HOUR, NOON + 12 * HOUR)]) == [whole]


def one(code: str, now: datetime) -> Staffed:
    return staffing.staffed([Post.objects.get(code=code)], now)[0]


@pytest.mark.usefixtures("small_city")
def test_a_post_with_its_holder_deputies_and_who_does_its_part(clock: VirtualClock) -> None:
    now, post = clock.now(), Post.objects.get(code="delivery-center-head")
    found = one(post.code, now)
    assert ([held.holding.rank for held in found.holders], found.has_roster) == ([1, 2], False)
    head, deputy = (held.person for held in found.holders)
    assert (found.vacant, found.doing, found.why) == (False, head, "post")
    services.record_absence(head, now, now + HOUR, out_of_city=True, actor=head)
    found = one(post.code, now)
    assert (found.vacant, found.doing, found.why) == (False, deputy, "deputy")
    assert [held.absence and held.absence.ends_at for held in found.holders] == [now + HOUR, None]
    services.relieve(post, head, actor=None)
    assert one(post.code, now).vacant
    services.relieve(post, deputy, actor=None)
    found = one(post.code, now)
    assert (found.vacant, found.doing, list(found.holders)) == (True, None, [])


@pytest.mark.usefixtures("small_city")
def test_days_of_a_roster_with_the_hours_that_have_nobody(clock: VirtualClock) -> None:
    now, post = clock.now(), Post.objects.get(code="dispatcher")
    DutyShift.objects.filter(post=post).delete()
    person = post.holdings.get(rank=1).person
    person.absences.all().delete()
    evening = now + 10 * HOUR  # 19:40 on the city's wall clock
    services.put_on_duty(post, person, evening, evening + 12 * HOUR, actor=None)
    days = staffing.roster(post, now, days=3)
    assert [len(day.turns) for day in days] == [1, 1, 0]
    assert [day.nobody for day in days] == [False, False, True]
    assert days[0].uncovered == [(now, evening)]
    assert [staffing.hours(day.uncovered) for day in days] == [
        10 * HOUR,
        timedelta(hours=16, minutes=20),
        24 * HOUR,
    ]
    assert one("dispatcher", now).on_duty == []
    assert [duty.shift.person for duty in one("dispatcher", evening).on_duty] == [person]


@pytest.mark.usefixtures("small_city")
def test_who_is_away_covers_no_hour_of_a_roster(clock: VirtualClock) -> None:
    now, post = clock.now(), Post.objects.get(code="dispatcher")
    DutyShift.objects.filter(post=post).delete()
    person = post.holdings.get(rank=1).person
    person.absences.all().delete()
    services.put_on_duty(post, person, now, now + 8 * HOUR, actor=None)
    services.record_absence(person, now + 2 * HOUR, now + 3 * HOUR, actor=None)
    today = staffing.roster(post, now, days=1)[0]
    assert [turn.away for turn in today.turns] == [True]
    assert today.uncovered[0] == (now + 2 * HOUR, now + 3 * HOUR)
    later = staffing.roster(post, now + 3 * HOUR, days=1)[0]
    assert ([turn.away for turn in later.turns], later.uncovered[0][0]) == ([False], now + 8 * HOUR)
    assert [duty.absence for duty in one("dispatcher", now).on_duty] == [None]
    found = one("dispatcher", now + 2 * HOUR)
    assert [duty.absence is not None for duty in found.on_duty] == [True]
    assert (found.doing, found.why) == (person, "post")  # at home within reach: asked, though not on duty


@pytest.mark.usefixtures("small_city")
def test_units_come_before_those_below_them(clock: VirtualClock) -> None:
    codes = [post.unit.code for post in staffing.in_order(Post.objects.select_related("unit"))]
    assert codes[0] == "bureau"
    department = codes.index("marketing-department-990101")
    assert codes.index("marketing-center") < department < codes.index("market-office-990101-1")


@pytest.mark.usefixtures("small_city")
def test_a_post_is_shown_to_the_staff_only(clock: VirtualClock) -> None:
    person = Person.objects.order_by("pk")[0]
    assert staffing.get_post(person, "dispatcher").code == "dispatcher"
    for actor, code in ((person, "none"), (None, "dispatcher")):
        with pytest.raises(NotFound):
            staffing.get_post(actor, code)
