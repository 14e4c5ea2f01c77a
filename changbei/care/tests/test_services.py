"""Visits are planned, moved, dropped and recorded; samples are looked at again; what is over is deleted."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile

from changbei.care import access, checklists, services
from changbei.care.figures import figures
from changbei.care.models import Answer, Photo, Sample, Visit
from changbei.care.services import Seen
from changbei.care.tests.conftest import GOOD, colleague, head, visited
from changbei.core import clock
from changbei.core.clock import VirtualClock
from changbei.core.errors import Conflict, Invalid, NotAllowed, NotFound
from changbei.core.workdays import is_workday
from changbei.journal.models import Entry
from changbei.network.models import Retailer
from changbei.people.models import Person
from changbei.plans.models import PlanVersion

pytestmark = pytest.mark.django_db
JPEG = b"\xff\xd8\xff\xe0\x00\x04ab" + b"\xff\xe1\x00\x08GPSxyz" + b"\xff\xda\x00\x04ab" + b"picture\xff\xd9"


def today() -> date:
    return clock.local_now().date()


def workday(after: int = 1) -> date:
    day = today() + timedelta(days=after)
    while not is_workday(day):
        day += timedelta(days=1)
    return day


def rows() -> list[tuple[Any, ...]]:
    return list(Visit.objects.order_by("pk").values_list("retailer", "planned_for", "status", "manager"))


# ---- planning


@pytest.mark.clause("S2")
def test_a_manager_plans_the_coming_weeks_by_the_table_of_the_plan(manager: Person) -> None:
    shops = {one.pk: one for one in Retailer.objects.filter(customer_manager=manager, active=True)}
    planned = services.plan_visits(manager, weeks=6, actor=manager)
    visits = list(Visit.objects.select_related("retailer__line", "retailer__network_store"))
    assert planned.added == len(visits) > 0
    assert {one.retailer_id for one in visits} == set(shops)  # six weeks reach everybody
    weeks_of = checklists.frequency()
    for one in visits:
        assert one.manager == manager and one.planned_for is not None
        assert is_workday(one.planned_for) and one.planned_for > today()
        own_days = {one.retailer.order_weekday, one.retailer.line.weekday}
        assert one.planned_for.isoweekday() not in own_days
    often = [one for one in shops.values() if weeks_of(one) == 2]
    assert all(sum(visit.retailer_id == one.pk for visit in visits) >= 2 for one in often)
    entry = Entry.objects.get(kind="care.visits_planned")
    assert entry.data == {"manager": manager.staff_no, "weeks": 6, "added": planned.added}


@pytest.mark.clause("S2")
def test_planning_again_moves_nothing_and_adds_nothing(manager: Person) -> None:
    services.plan_visits(manager, weeks=3, actor=manager)
    done, moved, dropped = Visit.objects.order_by("planned_for", "pk")[:3]
    services.record(done, Seen(GOOD), actor=manager)
    services.move(moved, workday(9), actor=manager)
    services.drop(dropped, "客户外出", actor=manager)
    before = rows()
    assert services.plan_visits(manager, weeks=3, actor=manager).added == 0
    assert rows() == before
    longer = services.plan_visits(manager, weeks=5, actor=manager)
    assert longer.added > 0
    assert rows()[: len(before)] == before


def test_shops_that_closed_or_went_to_somebody_else(manager: Person, shop: Retailer) -> None:
    services.plan_visits(manager, weeks=6, actor=manager)
    other = (
        Person.objects.filter(job="customer_manager", active=True).exclude(pk=manager.pk).order_by("pk")[0]
    )
    closed = Retailer.objects.filter(customer_manager=manager).order_by("-pk")[0]
    Retailer.objects.filter(pk=closed.pk).update(active=False)
    Retailer.objects.filter(pk=shop.pk).update(customer_manager=other)
    services.plan_visits(manager, weeks=6, actor=manager)
    assert set(closed.visits.values_list("status", "dropped_why")) == {("dropped", "the shop is closed")}
    services.plan_visits(other, weeks=6, actor=other)
    assert set(shop.visits.values_list("manager", flat=True)) == {other.pk}


def test_who_plans_for_whom(manager: Person) -> None:
    driver = Person.objects.filter(job="driver").order_by("pk")[0]
    other = Person.objects.filter(job="customer_manager").exclude(unit=manager.unit).order_by("pk")[0]
    for actor in (driver, other):
        with pytest.raises(NotAllowed):
            services.plan_visits(manager, weeks=1, actor=actor)
    with pytest.raises(NotAllowed):
        services.plan_visits(driver, weeks=1, actor=driver)
    assert not Visit.objects.exists()
    assert services.plan_visits(manager, weeks=1, actor=head(manager)).added > 0


@pytest.mark.parametrize("weeks", [0, 14])
def test_how_far_ahead(manager: Person, weeks: int) -> None:
    with pytest.raises(Invalid, match="weeks: 1 to 13 weeks"):
        services.plan_visits(manager, weeks=weeks, actor=manager)


def test_without_a_plan_nothing_is_planned(manager: Person) -> None:
    PlanVersion.objects.update(in_force=False)
    with pytest.raises(Conflict, match="no plan in force has a checklist of visits"):
        services.plan_visits(manager, weeks=1, actor=manager)


def test_a_visit_is_moved_to_a_working_day_ahead(manager: Person, shop: Retailer) -> None:
    visit = services.arrange(shop, workday(), why="wish", actor=manager)
    saturday = today() + timedelta(days=(6 - today().isoweekday()) % 7 or 7)
    for day, words in ((today() - timedelta(days=1), "is over"), (saturday, "no working day")):
        with pytest.raises(Invalid, match=f"on: this .*{words}|on: this is {words}"):
            services.move(visit, day, actor=manager)
    moved = services.move(visit, workday(5), actor=manager)
    assert (moved.planned_for, moved.first_for) == (workday(5), workday())
    with pytest.raises(NotAllowed):
        services.move(visit, workday(6), to=colleague(manager), actor=manager)
    given = services.move(visit, workday(6), to=colleague(manager), actor=head(manager))
    assert given.manager == colleague(manager)
    with pytest.raises(Invalid, match="to: this person visits no shops"):
        services.move(visit, workday(6), to=Person.objects.filter(job="driver")[0], actor=head(manager))


def test_who_drops_a_visit_says_why(manager: Person, shop: Retailer) -> None:
    visit = services.arrange(shop, workday(), why="finding", actor=manager)
    with pytest.raises(Invalid, match="why: a reason is needed"):
        services.drop(visit, " ", actor=manager)
    dropped = services.drop(visit, "店主住院", actor=manager)
    assert (dropped.status, dropped.dropped_why, dropped.dropped_by) == ("dropped", "店主住院", manager)
    with pytest.raises(Conflict):
        services.record(visit, Seen(GOOD), actor=manager)
    assert "店主" not in str(list(Entry.objects.values_list("data", flat=True)))


# ---- recording


@pytest.mark.clause("J2", "S1")
def test_a_visit_keeps_its_answers_with_the_version_of_the_plan(
    manager: Person, shop: Retailer, version: PlanVersion
) -> None:
    visit = services.arrange(shop, workday(), why="wish", actor=manager)
    seen = Seen(
        {**GOOD, "in_stock": False, "weeks_of_stock": 0.5, "ordering": "too-little"}, note="缺两个品种"
    )
    services.record(visit, seen, actor=manager)
    visit.refresh_from_db()
    assert (visit.status, visit.done_by, visit.version, visit.checklist) == (
        "done",
        manager,
        version,
        "shop-visit",
    )
    assert (visit.longitude, visit.latitude) == (None, None)
    found = Answer.objects.filter(visit=visit, finding=True).order_by("pk").values_list("item", flat=True)
    assert list(found) == ["in-stock", "weeks-of-stock", "ordering"]
    assert Entry.objects.get(kind="care.visit_done").data["findings"] == 3
    assert not Entry.objects.filter(kind="care.finding_made").exists()  # none of these begins anything
    with pytest.raises(Conflict):
        services.record(visit, Seen(GOOD), actor=manager)


@pytest.mark.clause("J7")
def test_no_visit_is_recorded_without_the_duty_not_to_sell_to_minors(manager: Person, shop: Retailer) -> None:
    visit = services.arrange(shop, workday(), why="wish", actor=manager)
    answers = {key: value for key, value in GOOD.items() if key != "minors_sign"}
    with pytest.raises(Invalid) as caught:
        services.record(visit, Seen({**answers, "fresh": "maybe", "colour": 1}), actor=manager)
    assert {one.field for one in caught.value.problems} == {"minors_sign", "fresh", "colour"}
    visit.refresh_from_db()
    assert visit.status == "planned" and not Answer.objects.exists()
    services.record(visit, Seen({**GOOD, "minors_sign": False}), actor=manager)
    entry = Entry.objects.get(kind="care.finding_made")
    assert (entry.clause, entry.data["item"]) == ("J7", "minors-sign")


def test_a_visit_that_nobody_planned(manager: Person, shop: Retailer) -> None:
    place = (shop.longitude, shop.latitude)
    visit = services.record_unplanned(shop, Seen(GOOD, place=place), actor=manager)
    assert (visit.planned_for, visit.manager, visit.why) == (None, manager, "wish")
    assert (visit.longitude, visit.latitude) == place
    with pytest.raises(Invalid, match="place: "):
        services.record_unplanned(shop, Seen(GOOD, place=(500, 0)), actor=manager)
    with pytest.raises(NotAllowed):
        stranger = Person.objects.filter(job="customer_manager").exclude(unit=manager.unit)[0]
        services.record_unplanned(shop, Seen(GOOD), actor=stranger)


def test_a_photo_is_kept_without_the_place_where_it_was_taken(
    manager: Person, shop: Retailer, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    photos = {"picture": [ContentFile(JPEG, "x.jpeg")]}
    visit = services.record_unplanned(shop, Seen(GOOD, photos=photos), actor=manager)
    photo = visit.photos.get()
    kept = Path(photo.file.path).read_bytes()
    assert b"GPS" not in kept and b"picture" in kept
    assert photo.file.name.endswith(".jpg")
    wrong = {"picture": [ContentFile(b"MZ", "x.jpg")]}
    with pytest.raises(Invalid, match="picture: is no picture"):
        services.record_unplanned(shop, Seen(GOOD, photos=wrong), actor=manager)
    with pytest.raises(Invalid, match="at most 6 photos"):
        many = {"picture": [ContentFile(JPEG, "x.jpg")] * 7}
        services.record_unplanned(shop, Seen(GOOD, photos=many), actor=manager)
    with pytest.raises(Invalid, match="why: a reason is needed"):
        services.remove_photo(photo, "", actor=manager)
    with pytest.raises(NotAllowed):
        services.remove_photo(photo, "x", actor=Person.objects.filter(job="driver")[0])
    with django_capture_on_commit_callbacks(execute=True):
        services.remove_photo(photo, "拍到了人", actor=manager)
    assert not Photo.objects.exists() and not Path(photo.file.path).exists()


def test_who_sees_which_visits(manager: Person, shop: Retailer) -> None:
    visit = visited(shop, manager)
    stranger = Person.objects.filter(job="customer_manager").exclude(unit=manager.unit).order_by("pk")[0]
    driver = Person.objects.filter(job="driver").order_by("pk")[0]
    for who in (manager, colleague(manager), head(manager)):
        assert access.get_visit(who, visit.uuid) == visit
    for who in (stranger, driver, None):
        with pytest.raises(NotFound):
            access.get_visit(who, visit.uuid)


# ---- looking again


def sample_of(manager: Person, count: int = 3) -> Sample:
    shops = Retailer.objects.filter(customer_manager=manager, active=True).select_related("line")
    for shop in shops.order_by("pk")[:8]:
        visited(shop, manager)
    return services.draw(
        head(manager).unit, today(), count, [manager, colleague(manager)], actor=head(manager), seed="seed"
    )


@pytest.mark.clause("J4")
def test_a_sample_goes_to_somebody_else_and_can_be_drawn_again(manager: Person) -> None:
    sample = sample_of(manager)
    visits = list(sample.visits.select_related("of", "manager"))
    assert (len(visits), len(sample.population), sample.seed) == (3, 8, "seed")
    assert {one.manager for one in visits} == {colleague(manager)}
    assert {one.why for one in visits} == {"spot_check"}
    done = [one.uuid for one in Visit.objects.filter(status="done")]
    assert {one.of.uuid for one in visits if one.of} == set(services_drawn(done, "seed", 3))
    with pytest.raises(NotAllowed, match="somebody else"):
        services.record(visits[0], Seen(GOOD), actor=manager)
    left = services.draw(head(manager).unit, today(), 100, [colleague(manager)], actor=head(manager))
    assert left.visits.count() == 5  # what was drawn is not drawn twice
    assert left.seed not in ("", "seed")
    with pytest.raises(Conflict, match="no visit of this month is left"):
        services.draw(head(manager).unit, today(), 1, [colleague(manager)], actor=head(manager))


def services_drawn(visits: list[Any], seed: str, count: int) -> list[Any]:
    from changbei.care.rules import drawn

    return drawn(visits, seed, count)


def test_nobody_looks_at_their_own_visits_again(manager: Person, shop: Retailer) -> None:
    visited(shop, manager)
    unit = head(manager).unit
    with pytest.raises(Invalid, match="visitors: somebody else than the first visitor"):
        services.draw(unit, today(), 1, [manager], actor=head(manager))
    with pytest.raises(NotAllowed):
        services.draw(unit, today(), 1, [colleague(manager)], actor=manager)
    assert not Sample.objects.exists()


@pytest.mark.clause("J4")
def test_answers_that_differ_are_put_side_by_side(manager: Person) -> None:
    again = sample_of(manager).visits.select_related("retailer", "of")[0]
    assert services.compared(again) == []
    services.record(again, Seen({**GOOD, "fresh": False, "weeks_of_stock": 3}), actor=colleague(manager))
    pairs = services.compared(Visit.objects.get(pk=again.pk))
    assert [(one.item.id, one.first, one.second) for one in pairs if one.differs] == [("fresh", True, False)]
    assert not Entry.objects.filter(kind="care.finding_made").exists()  # a spot check begins nothing twice


def test_figures_of_a_month_by_district_and_manager(manager: Person) -> None:
    shops = list(Retailer.objects.filter(customer_manager=manager, active=True).order_by("pk")[:5])
    photo = {"picture": [ContentFile(JPEG, "x.jpg")]}
    late = Visit.objects.create(
        retailer=shops[0],
        manager=manager,
        why="plan",
        planned_for=today() - timedelta(days=10),
        first_for=today() - timedelta(days=10),
    )
    services.record(late, Seen({**GOOD, "ledger": False}, photos=photo), actor=manager)
    visited(shops[1], manager)
    services.drop(services.arrange(shops[2], workday(), why="wish", actor=manager), "x", actor=manager)
    services.move(services.arrange(shops[3], workday(), why="wish", actor=manager), workday(3), actor=manager)
    services.record_unplanned(shops[4], Seen({**GOOD, "ledger": False}), actor=manager)
    found = figures(head(manager), today())
    assert {row.staff_no for row in found.rows} == {manager.staff_no}
    total = found.total
    assert (total.planned, total.done, total.on_time, total.moved) == (4, 2, 1, 1)
    assert (total.dropped, total.unplanned, total.with_photo, total.findings) == (1, 1, 1, 2)
    assert [(label["en"], number) for label, number in found.findings] == [("The ledger is kept", 2)]
    stranger = Person.objects.filter(job="customer_manager").exclude(unit=manager.unit).order_by("pk")[0]
    assert figures(stranger, today()).rows == []
    assert figures(head(manager), today() - timedelta(days=60)).total.planned == 0


# ---- deletion


@pytest.mark.clause("J4")
def test_photos_and_records_are_deleted_when_their_time_is_over(
    manager: Person, shop: Retailer, clock: VirtualClock, django_capture_on_commit_callbacks: Any
) -> None:
    photos = {"picture": [ContentFile(JPEG, "x.jpg")]}
    visit = services.record_unplanned(shop, Seen(GOOD, photos=photos), actor=manager)
    path = Path(visit.photos.get().file.path)
    assert services.delete_old() == 0
    clock.advance(timedelta(days=181))
    with django_capture_on_commit_callbacks(execute=True):
        assert services.delete_old() == 1
    assert not path.exists() and Visit.objects.count() == 1
    clock.advance(timedelta(days=549))
    photos = {"picture": [ContentFile(JPEG, "x.jpg")]}
    again = services.record_unplanned(shop, Seen(GOOD, photos=photos), actor=colleague(manager))
    Visit.objects.filter(pk=again.pk).update(of=visit)
    path = Path(again.photos.get().file.path)
    clock.advance(timedelta(days=1))
    with django_capture_on_commit_callbacks(execute=True):
        assert services.delete_old() == 1
    assert not path.exists()  # a spot check goes along with what it looked at
    assert not Visit.objects.exists() and not Answer.objects.exists()
    assert Entry.objects.filter(kind="care.old_deleted").count() == 2
