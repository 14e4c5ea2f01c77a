"""Units, posts and people one by one: the rules of the files, rights, facts, and what is in use."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from changbei.core.clock import VirtualClock
from changbei.core.errors import Conflict, Invalid, NotAllowed
from changbei.incidents.tests.people import holder
from changbei.journal.models import Entry
from changbei.network import organisation
from changbei.people import services
from changbei.people.models import Person, Post, Unit

pytestmark = pytest.mark.usefixtures("small_city", "clock", "in_english")
UNIT = {"code": "md-9", "name": "新区营销部", "kind": "marketing_department", "parent": "marketing-center"}
POST = {"code": "md-9-head", "name": "新区营销部经理", "kind": "marketing-department-head", "unit": "md-9"}
NEWCOMER = {
    "staff_no": "N1",
    "name": "例新人",
    "phone": "139-1111 2222",
    "unit": "info-center",
    "job": "technician",
}


@pytest.fixture
def office() -> Person:
    return holder("leading-group-office")


def facts() -> list[tuple[str, dict[str, Any]]]:
    return list(Entry.objects.filter(kind__startswith="people.").order_by("id").values_list("kind", "data"))


def problems(refused: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(one.field, one.message) for one in refused.value.problems]


def test_a_unit_with_a_post_and_a_newcomer_who_holds_it(office: Person) -> None:
    unit = organisation.add_unit(UNIT, actor=office)
    assert unit.name == dict.fromkeys(("zh-Hans", "zh-Hant", "en"), "新区营销部")
    assert unit.parent is not None and unit.parent.code == "marketing-center"
    post = organisation.add_post(POST, actor=office)
    assert (post.unit, post.kind) == (unit, "marketing-department-head")
    given = NEWCOMER | {"unit": "md-9", "post": "md-9-head", "rank": 1}
    person = organisation.add_person(given, actor=office)
    assert (person.phone, person.unit, person.job, person.active) == ("13911112222", unit, "technician", True)
    assert post.holdings.get(until=None).person == person
    assert facts() == [
        ("people.unit_added", {"unit": "md-9"}),
        ("people.post_added", {"post": "md-9-head", "kind": "marketing-department-head"}),
        ("people.person_added", {"person": "N1"}),
        (
            "people.holder_changed",
            {"post": "md-9-head", "kind": "marketing-department-head", "person": "N1", "rank": 1},
        ),
    ]


@pytest.mark.parametrize(
    ("more", "field", "message"),
    [
        ({"staff_no": ""}, "staff_no", "is missing"),
        ({"staff_no": "a/b"}, "staff_no", "cannot stand in an address"),
        ({"phone": "12"}, "phone", "is no telephone number"),
        ({"unit": "nowhere"}, "unit", "is not known"),
        ({"job": "chief"}, "job", "must be one of"),
        ({"post": "finance-head"}, "rank", "is needed with a post"),
        ({"post": "finance-head", "rank": 1}, "rank", "somebody holds this post in this rank already"),
    ],
)
def test_a_newcomer_under_the_rules_of_the_files(
    office: Person, more: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(Invalid) as refused:
        organisation.add_person(NEWCOMER | more, actor=office)
    (problem,) = problems(refused)
    assert problem[0] == field and problem[1].startswith(message)
    assert facts() == [] and not Person.objects.filter(staff_no="N1").exists()


def test_a_number_or_code_is_given_once(office: Person) -> None:
    for verb, given, field in (
        (organisation.add_person, NEWCOMER | {"staff_no": office.staff_no.lower()}, "staff_no"),
        (organisation.add_post, POST | {"unit": "bureau", "code": "FINANCE-HEAD"}, "code"),
        (organisation.add_unit, UNIT | {"code": "bureau", "parent": ""}, "code"),
    ):
        with pytest.raises(Invalid) as refused:
            verb(given, actor=office)
        assert problems(refused) == [(field, "is in the database already")]


def test_what_changes_of_a_person(office: Person) -> None:
    person = Person.objects.filter(job="driver").order_by("pk")[0]
    Person.objects.filter(pk=person.pk).update(
        phone_verified_on=date(2026, 11, 1), second_phone="10010000009"
    )
    given = {
        "name": "例改名",
        "phone": "13911112222",
        "second_phone": "",
        "unit": "info-center",
        "job": "technician",
    }
    changed = organisation.change_person(person, given, actor=office)
    changed.refresh_from_db()
    assert (changed.name, changed.phone, changed.second_phone) == ("例改名", "13911112222", "")
    assert (changed.unit.code, changed.job, changed.phone_verified_on) == ("info-center", "technician", None)
    names = ["job", "name", "phone", "phone_verified_on", "second_phone", "unit"]
    assert facts() == [("people.person_changed", {"person": person.staff_no, "changed": names})]
    organisation.change_person(person, given, actor=office)  # said again
    assert len(facts()) == 1
    with pytest.raises(Invalid) as refused:
        organisation.change_person(person, {"name": " "}, actor=office)
    assert problems(refused)[0][0] == "name"


def test_departments_mend_how_their_own_people_are_reached() -> None:
    head = holder("marketing-department-head")
    own = Person.objects.filter(unit__parent=head.unit, job="customer_manager").order_by("pk")[0]
    other = Person.objects.filter(job="customer_manager").exclude(unit__parent=head.unit).order_by("pk")[0]
    organisation.change_person(own, {"phone": "13911112222"}, actor=head)
    organisation.change_person(other, {"email": "new@changbei.example"}, actor=other)
    before = facts()
    for person, given in (
        (other, {"phone": "13911113333"}),
        (own, {"name": "例改名"}),
        (own, {"job": "technician"}),
    ):
        with pytest.raises(NotAllowed):
            organisation.change_person(person, given, actor=head)
    for verb, given in (
        (organisation.add_person, NEWCOMER),
        (organisation.add_post, POST | {"unit": head.unit.code}),
        (organisation.add_unit, UNIT),
    ):
        with pytest.raises(NotAllowed):
            verb(given, actor=head)
    with pytest.raises(NotAllowed):
        organisation.change_post(Post.objects.all()[0], {"name": "x"}, actor=head)
    with pytest.raises(NotAllowed):
        organisation.remove_post(Post.objects.all()[0], actor=head)
    with pytest.raises(NotAllowed):
        organisation.remove_unit(head.unit, actor=head)
    with pytest.raises(NotAllowed):
        organisation.change_unit(head.unit, {"name": "x"}, actor=head)
    assert facts() == before
    assert Person.objects.get(pk=own.pk).name == own.name


def test_who_may_not_appoint_takes_in_without_a_post() -> None:
    head = holder("info-center-head")
    organisation.add_post(POST | {"unit": "bureau"}, actor=head)
    given = NEWCOMER | {"post": "md-9-head", "rank": 1}
    with pytest.raises(NotAllowed):
        organisation.add_person(given, actor=head)
    assert not Person.objects.filter(staff_no="N1").exists()
    assert organisation.add_person(NEWCOMER, actor=head).staff_no == "N1"


def test_a_unit_moves_but_not_below_itself(office: Person) -> None:
    center = Unit.objects.get(code="marketing-center")
    below = center.children.order_by("pk")[0]
    with pytest.raises(Invalid) as refused:
        organisation.change_unit(center, {"parent": below.code}, actor=office)
    assert problems(refused) == [("parent", "stands below this unit itself")]
    organisation.change_unit(below, {"parent": "", "name_en": "Elsewhere"}, actor=office)
    below.refresh_from_db()
    assert below.parent is None and below.name["en"] == "Elsewhere"
    organisation.change_unit(below, {"name_en": ""}, actor=office)
    below.refresh_from_db()
    assert below.name["en"] == below.name["zh-Hans"]


def test_a_unit_in_use_says_by_what(office: Person) -> None:
    unit = Unit.objects.get(code="delivery-center")
    with pytest.raises(Conflict) as refused:
        organisation.remove_unit(unit, actor=office)
    people = [one.name for one in unit.people.order_by("pk")]
    assert f"people: {' · '.join(people[:5])} and {len(people) - 5} more" in str(refused.value)
    assert "sites: " in str(refused.value) and "posts: " in str(refused.value)
    new = organisation.add_unit(UNIT, actor=office)
    organisation.remove_unit(new, actor=office)
    assert not Unit.objects.filter(code="md-9").exists()
    assert [kind for kind, _data in facts()] == ["people.unit_added", "people.unit_removed"]


def test_a_post_in_use_says_by_whom(office: Person, clock: VirtualClock) -> None:
    post = organisation.add_post(POST | {"unit": "bureau"}, actor=office)
    services.appoint(post, office, actor=office)
    driver = Person.objects.filter(job="driver", absences=None).order_by("pk")[0]
    begin = clock.now() + timedelta(days=1)
    shift = services.put_on_duty(post, driver, begin, begin + timedelta(hours=8), actor=office)
    with pytest.raises(Conflict) as refused:
        organisation.remove_post(post, actor=office)
    assert str(refused.value) == f"it is still in use: held by: {office.name}; on its roster: {driver.name}"
    services.relieve(post, office, actor=office)
    services.take_off_duty(shift, actor=office)
    organisation.remove_post(post, actor=office)
    assert not Post.objects.filter(pk=post.pk).exists()
    kind, data = facts()[-1]
    assert (kind, data["post"], data["held"][0][0]) == ("people.post_removed", "md-9-head", office.staff_no)
