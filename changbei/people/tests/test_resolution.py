"""Roles to people in the small city."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from changbei.core.clock import VirtualClock
from changbei.people.models import Absence, DutyShift, Person, Post, PostHolding
from changbei.people.resolution import Holder, leaders_present, resolve, resolve_many, standing_in
from changbei.people.rules import RoleSpec

pytestmark = pytest.mark.usefixtures("small_city")


def holder_of(post: str, rank: int = 1) -> Person:
    return PostHolding.objects.get(post__code=post, rank=rank, until=None).person


def away(person: Person, clock: VirtualClock, **more: object) -> Absence:
    now = clock.now()
    given = {"out_of_city": True, "reachable": True, **more}
    return Absence.objects.create(
        person=person, starts_at=now - timedelta(hours=1), ends_at=now + timedelta(days=1), **given
    )


def test_a_post_of_the_city(clock: VirtualClock) -> None:
    head = holder_of("delivery-center-head")
    assert resolve(RoleSpec(post="delivery-center-head"), {}, clock.now()) == Holder(head, "post")


def test_the_deputy_when_the_head_is_away_and_the_head_again_afterwards(clock: VirtualClock) -> None:
    role = RoleSpec(post="delivery-center-head")
    away(holder_of("delivery-center-head"), clock)
    assert resolve(role, {}, clock.now()) == Holder(holder_of("delivery-center-head", 2), "deputy")
    clock.advance(timedelta(days=1, seconds=1))
    assert resolve(role, {}, clock.now()) == Holder(holder_of("delivery-center-head"), "post")


def test_whoever_is_on_duty_at_the_site(clock: VirtualClock) -> None:
    role = RoleSpec(duty="dispatcher", scope="site")
    for site in ("delivery-center", "transfer-station-3"):
        code = "dispatcher" if site == "delivery-center" else f"dispatcher-{site}"
        shift = DutyShift.objects.get(post__code=code, starts_at__lte=clock.now(), ends_at__gt=clock.now())
        assert resolve(role, {"site": site}, clock.now()) == Holder(shift.person, "duty")


def test_off_hours_the_first_of_the_crew_is_asked(clock: VirtualClock) -> None:
    clock.advance(timedelta(hours=14))  # 23:40
    found = resolve(RoleSpec(duty="dispatcher", scope="site"), {"site": "transfer-station-2"}, clock.now())
    assert found == Holder(holder_of("dispatcher-transfer-station-2"), "post")


def test_a_station_without_anybody_turns_to_the_delivery_centre(clock: VirtualClock) -> None:
    for holding in PostHolding.objects.filter(post__code="dispatcher-transfer-station-2"):
        Absence.objects.filter(person=holding.person).delete()
        away(holding.person, clock, reachable=False)
    center = DutyShift.objects.get(
        post__code="dispatcher", starts_at__lte=clock.now(), ends_at__gt=clock.now()
    )
    found = resolve(RoleSpec(duty="dispatcher", scope="site"), {"site": "transfer-station-2"}, clock.now())
    assert found == Holder(center.person, "duty")


def test_a_departments_own_head_is_found_from_one_of_its_offices(clock: VirtualClock) -> None:
    role = RoleSpec(post="marketing-department-head", scope="unit")
    scope = {"unit": "market-office-990122-1"}
    assert resolve(role, scope, clock.now()) == Holder(holder_of("marketing-department-head-990122"), "post")


def test_named_and_commanding_roles(clock: VirtualClock) -> None:
    driver = Person.objects.filter(job="driver").order_by("pk")[0]
    head = holder_of("leading-group-head")
    scope = {"named": {"driver": driver.staff_no}, "command": {"commander": head.staff_no}}
    roles = {
        "driver": RoleSpec(scope="named"),
        "commander": RoleSpec(command=True),
        "guide": RoleSpec(scope="named"),
    }
    assert resolve_many(roles, scope, clock.now()) == {
        "driver": Holder(driver, "named"),
        "commander": Holder(head, "named"),
        "guide": Holder(None, "nobody"),
    }


def test_a_job_in_the_unit(clock: VirtualClock) -> None:
    inspectors = Person.objects.filter(unit__code="marketing-department-990124", job="inspector").order_by(
        "pk"
    )
    Absence.objects.filter(person__in=inspectors).delete()
    role = RoleSpec(job="inspector", scope="unit")
    scope = {"unit": "marketing-department-990124"}
    assert resolve(role, scope, clock.now()) == Holder(inspectors[0], "post")
    away(inspectors[0], clock)
    assert resolve(role, scope, clock.now()) == Holder(inspectors[1], "post")


def test_people_who_left_hold_nothing(clock: VirtualClock) -> None:
    head = holder_of("finance-head")
    Person.objects.filter(pk=head.pk).update(active=False)
    assert resolve(RoleSpec(post="finance-head"), {}, clock.now()) == Holder(
        holder_of("finance-head", 2), "deputy"
    )


def test_a_post_that_does_not_exist_is_held_by_nobody(clock: VirtualClock) -> None:
    assert resolve(RoleSpec(post="lighthouse-keeper"), {}, clock.now()) == Holder(None, "nobody")


def test_any_number_of_roles_takes_two_queries(clock: VirtualClock) -> None:
    posts = Post.objects.values_list("kind", flat=True).distinct()
    roles = {
        f"{kind}-{scope}": RoleSpec(post=kind, scope=scope)
        for kind in posts
        for scope in ("city", "unit", "site")
    }
    roles |= {f"duty-{kind}": RoleSpec(duty=kind, scope="site") for kind in posts}
    roles |= {"driver": RoleSpec(scope="named"), "inspector": RoleSpec(job="inspector")}
    scope = {"unit": "market-office-990121-1", "site": "transfer-station-1", "named": {"driver": "CB0001"}}
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = resolve_many(roles, scope, clock.now())
    assert len(queries) == 2
    assert len(roles) > 80
    assert {name for name, holder in found.items() if holder.person is None} == set()


def test_both_leaders_away_is_seen(clock: VirtualClock) -> None:
    head, deputy = holder_of("leading-group-head"), holder_of("leading-group-deputy")
    first = leaders_present(clock.now())
    assert (first.head, first.deputy, first.head_present, first.deputy_present) == (head, deputy, True, True)
    away(head, clock)
    assert not leaders_present(clock.now()).both_away
    away(deputy, clock)
    assert leaders_present(clock.now()).both_away
    clock.advance(timedelta(days=2))
    assert not leaders_present(clock.now()).both_away


def test_a_leader_at_home_is_not_away(clock: VirtualClock) -> None:
    away(holder_of("leading-group-head"), clock, out_of_city=False)
    assert leaders_present(clock.now()).head_present


def test_who_does_the_part_of_somebody_by_number(clock: VirtualClock) -> None:
    here, gone, left, other, third = Person.objects.filter(job="driver", absences=None).order_by("pk")[:5]
    Person.objects.filter(pk=left.pk).update(active=False)
    numbers = [one.staff_no for one in (here, gone, left)]
    with CaptureQueriesContext(connection) as queries:
        found = standing_in([*numbers, "", "nobody-of-us"], clock.now())
    assert (found, len(queries)) == ({here.staff_no: here, gone.staff_no: gone}, 2)

    away(gone, clock)
    assert standing_in(numbers, clock.now()) == {here.staff_no: here}
    away(gone, clock, substitute=other)
    away(gone, clock, substitute=third)  # the newest word counts
    assert standing_in(numbers, clock.now())[gone.staff_no] == third
    away(gone, clock)
    assert standing_in(numbers, clock.now())[gone.staff_no] == third
    away(third, clock)
    assert standing_in(numbers, clock.now()) == {here.staff_no: here}


def test_who_is_at_home_within_reach_does_the_own_part(clock: VirtualClock) -> None:
    one, other = Person.objects.filter(job="driver", absences=None).order_by("pk")[:2]
    away(one, clock, out_of_city=False, substitute=other)
    assert standing_in([one.staff_no], clock.now()) == {one.staff_no: one}
