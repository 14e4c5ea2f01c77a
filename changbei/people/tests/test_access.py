"""Who may do what in the small city."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser

from changbei.core.clock import VirtualClock
from changbei.core.errors import NotAllowed, NotFound
from changbei.people import access
from changbei.people.models import Absence, Account, DutyShift, Person, Post, PostHolding, Unit
from changbei.people.rules import Standing

pytestmark = pytest.mark.usefixtures("small_city", "clock")


def holder_of(post: str) -> Person:
    return PostHolding.objects.get(post__code=post, rank=1).person


def test_a_dispatcher_accepts_a_recovery_and_a_driver_does_not() -> None:
    driver = Person.objects.filter(job="driver")[0]
    assert access.may(holder_of("dispatcher"), "delivery.accept")
    assert not access.may(driver, "delivery.accept")
    assert access.may(driver, "supply.take_cash")
    with pytest.raises(NotAllowed, match=r"delivery\.accept"):
        access.require(driver, "delivery.accept")


def test_a_department_decides_about_its_own_units_only() -> None:
    deputy = holder_of("marketing-department-deputy-990121")
    own = Unit.objects.get(code="market-office-990121-1")
    other = Unit.objects.get(code="market-office-990122-1")
    assert access.may(deputy, "supply.allow_cash", own)
    assert not access.may(deputy, "supply.allow_cash", other)
    assert access.may(deputy, "supply.allow_cash")


def test_the_units_with_a_permission_are_those_below_it_too() -> None:
    deputy = holder_of("marketing-department-deputy-990121")
    own = Unit.objects.get(code="market-office-990121-1")
    found = access.units_with(deputy, "supply.allow_cash")
    assert found is not None and own.pk in found and own.parent_id in found
    assert all(
        access.may(deputy, "supply.allow_cash", one) == (one.pk in found) for one in Unit.objects.all()
    )
    assert access.units_with(holder_of("customer-service-head"), "supply.allow_cash") is None
    assert access.units_with(Person.objects.filter(job="driver")[0], "supply.allow_cash") == frozenset()


def test_a_substitute_may_what_the_absent_one_may(clock: VirtualClock) -> None:
    head = holder_of("leading-group-head")
    driver = Person.objects.filter(job="driver")[0]
    assert not access.may(driver, "incidents.suspend")
    Absence.objects.create(
        person=head, starts_at=clock.now(), ends_at=clock.now() + timedelta(days=1), substitute=driver
    )
    assert access.may(driver, "incidents.suspend")
    clock.advance(timedelta(days=1))
    assert not access.may(driver, "incidents.suspend")


def test_visitors_and_people_who_left_may_nothing() -> None:
    head = holder_of("leading-group-head")
    assert not access.may(AnonymousUser(), "incidents.report")
    assert not access.may(None, "incidents.report")
    head.active = False
    assert not access.may(head, "incidents.report")
    assert access.permissions_of(AnonymousUser()) == frozenset()


def test_an_administrator_may_everything_and_needs_no_post() -> None:
    admin = Account.objects.create_user("root", "a long password", is_admin=True)
    assert access.may(admin, "delivery.accept")
    admin.is_active = False
    assert not access.may(admin, "delivery.accept")


def test_an_unknown_permission_is_a_mistake_even_for_an_administrator() -> None:
    admin = Account.objects.create_user("root", "a long password", is_admin=True)
    with pytest.raises(LookupError, match="is no permission"):
        access.may(admin, "delivery.acept")


def test_what_a_driver_may() -> None:
    driver = Person.objects.filter(job="driver")[0]
    assert access.permissions_of(driver) == {
        "people.see", "people.record_own_absence", "network.see", "plans.see", "runs.see", "incidents.see",
        "incidents.report", "delivery.see", "supply.see", "supply.take_cash", "readiness.see",
    }  # fmt: skip


def test_a_colleague_by_staff_number() -> None:
    driver = Person.objects.filter(job="driver")[0]
    assert access.get_person(driver, "CB0001").staff_no == "CB0001"
    with pytest.raises(NotFound):
        access.get_person(driver, "CB9999")
    with pytest.raises(NotFound):
        access.get_person(None, "CB0001")


def test_standing_is_the_posts_of_this_moment_by_holding_duty_and_substitution(clock: VirtualClock) -> None:
    driver, absent = Person.objects.filter(job="driver").order_by("pk")[0], holder_of("leading-group-head")
    dispatcher = Post.objects.get(code="dispatcher")
    now, hour = clock.now(), timedelta(hours=1)
    assert access.standing(driver) == Standing("driver", driver.unit_id, frozenset())
    DutyShift.objects.create(person=driver, post=dispatcher, starts_at=now + hour, ends_at=now + 2 * hour)
    PostHolding.objects.create(person=driver, post=dispatcher, rank=9, since=now - hour, until=now)
    Absence.objects.create(person=absent, starts_at=now + hour, ends_at=now + 2 * hour, substitute=driver)
    # Held until now; on duty and standing in from later on.
    assert access.standing(driver).posts == frozenset()
    clock.advance(hour)
    of_absent = access.standing(absent).posts
    assert of_absent
    assert access.standing(driver).posts == {(dispatcher.kind, dispatcher.unit_id), *of_absent}
    clock.advance(hour)
    assert access.standing(driver).posts == frozenset()
