"""Posts, their rosters and people as pages and over the API: who sees what, every verb once, wrong input."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from changbei.core import clock
from changbei.people import services
from changbei.people.accounts import issue_token
from changbei.people.models import Absence, Account, DutyShift, Person, Post, PostHolding
from changbei.runs.models import Run
from changbei.web.tests.conftest import Case, client_of, facts_of_people

pytestmark = pytest.mark.usefixtures("adopted")
POST = "/people/posts/delivery-center-head/"
DESK = "/people/posts/dispatcher/"


def holder(code: str, rank: int = 1) -> Person:
    return PostHolding.objects.get(post__code=code, rank=rank, until__isnull=True).person


def free(job: str, number: int = 0) -> Person:
    person = Person.objects.filter(job=job).order_by("pk")[number]
    person.absences.all().delete()
    return person


@pytest.fixture
def office(adopted: None) -> Client:
    return client_of(holder("leading-group-office"), "office")


@pytest.fixture
def driver(adopted: None) -> Client:
    return client_of(free("driver"), "driver")


# ---------------------------------------------------------------- all posts


def test_every_post_with_its_holder_and_those_without_one(driver: Client) -> None:
    page = driver.get("/people/").content.decode()
    assert page.count('id="post-') == Post.objects.count()
    assert "No holder" not in page
    services.relieve(Post.objects.get(code="finance-head"), holder("finance-head"), actor=None)
    page = driver.get("/people/").content.decode()
    assert (page.count("data-vacant"), "1 post without a holder" in page) == (1, True)
    assert f"{holder('finance-head', 2).name} · deputy: the holder is away" in page
    only = driver.get("/people/?vacant=1").content.decode()
    assert (only.count('id="post-'), 'id="post-finance-head"' in only) == (1, True)


def test_posts_are_found_by_name_person_and_number(driver: Client) -> None:
    person = holder("delivery-center-head")
    for words in (
        person.staff_no,
        person.name,
        "delivery centre HEAD",
        "配送中心 负责人",
        "delivery-center-head",
    ):
        page = driver.get("/people/", {"q": words}).content.decode()
        assert 'id="post-delivery-center-head"' in page, words
        assert 'id="post-finance-head"' not in page, words
    somebody = free("driver", 3)
    assert (
        f'href="/people/{somebody.staff_no}/"'
        in driver.get("/people/", {"q": somebody.staff_no}).content.decode()
    )
    assert "No post was found" in driver.get("/people/", {"q": "xyzzy"}).content.decode()


def test_the_plan_and_its_check_lead_to_the_posts(driver: Client) -> None:
    plan = driver.get("/plan/").content.decode()
    assert 'href="/people/?q=delivery-center-head"' in plan
    for rank in (1, 2):
        services.relieve(
            Post.objects.get(code="inspection-head"), holder("inspection-head", rank), actor=None
        )
    check = driver.get("/plan/customer-service-emergency/check/").content.decode()
    assert 'href="/people/?q=inspection-head"' in check


def test_who_may_change_nothing_sees_no_form(driver: Client) -> None:
    for url in (POST, DESK, f"/people/{holder('dispatcher').staff_no}/"):
        page = driver.get(url).content.decode().partition('<main id="main"')[2].partition("</main>")[0]
        assert "<form" not in page, url
    assert driver.get("/people/posts/none/").status_code == 404
    assert driver.get("/people/none/").status_code == 404


def test_strangers_see_nothing(adopted: None) -> None:
    outsider = client_of(None, "outsider")
    urls = ("/people/", POST, f"/people/{holder('dispatcher').staff_no}/")
    assert [outsider.get(url).status_code for url in urls] == [403, 404, 404]
    assert [Client().get(url).status_code for url in urls] == [302, 302, 302]


def test_nothing_is_changed_by_who_may_not(driver: Client) -> None:
    person, shift = holder("dispatcher"), DutyShift.objects.filter(post__code="dispatcher").latest("ends_at")
    absence = services.record_absence(
        free("technician"), clock.now(), clock.now() + timedelta(days=1), actor=None
    )
    before = facts_of_people()
    for url, data in (
        (POST, {"do": "appoint", "appoint-person": person.staff_no, "appoint-rank": "1"}),
        (DESK, {"do": "duty"}),
        (f"{DESK}holders/{person.staff_no}/relieve", {}),
        (f"{DESK}duty/{shift.pk}/off", {}),
        (f"/people/{person.staff_no}/", {}),
        (f"/people/{absence.person.staff_no}/absences/{absence.pk}/end", {}),
        (f"/people/{person.staff_no}/left", {}),
    ):
        assert driver.post(url, data).status_code == 403, url
    assert facts_of_people() == before


# ---------------------------------------------------------------- appointed and relieved


def appointing(person: Person, rank: int, seen: str) -> dict[str, Any]:
    return {"do": "appoint", "seen": seen, "appoint-person": person.staff_no, "appoint-rank": str(rank)}


def test_somebody_is_appointed_and_relieved(office: Client) -> None:
    before, new = holder("delivery-center-head"), free("dispatcher")
    seen = office.get(POST).context["seen"]
    assert seen.split()[0] == f"1:{before.staff_no}"
    assert office.post(POST, appointing(new, 1, seen)).status_code == 303
    assert holder("delivery-center-head") == new
    assert office.post(POST, appointing(new, 1, seen)).status_code == 303  # sent twice
    assert facts_of_people() == ["people.holder_changed"]
    page = office.get(POST).content.decode()
    assert f"appointed {new.name}" in page
    url = f"{POST}holders/{new.staff_no}/relieve"
    assert office.post(url).status_code == 303
    assert office.post(url).status_code == 409
    page = office.get(POST)
    assert page.context["staffed"].vacant
    assert f"relieved {new.name}" in page.content.decode()


def test_what_was_appointed_meanwhile_is_not_overwritten_unseen(office: Client) -> None:
    seen = office.get(POST).context["seen"]
    other, new = free("dispatcher"), free("dispatcher", 1)
    services.appoint(Post.objects.get(code="delivery-center-head"), other, actor=None)
    answer = office.post(POST, appointing(new, 1, seen))
    assert answer.status_code == 422
    assert "somebody else has been appointed or relieved in the meantime" in answer.content.decode()
    assert holder("delivery-center-head") == other
    again = appointing(new, 1, answer.context["seen"])
    assert office.post(POST, again).status_code == 303


@pytest.mark.parametrize(("who", "rank"), [("", "1"), ("nobody", "1"), (None, "9"), (None, "one")])
def test_a_wrong_appointment_keeps_what_was_typed(office: Client, who: str | None, rank: str) -> None:
    given = who if who is not None else free("dispatcher").staff_no
    data = {"do": "appoint", "seen": "", "appoint-person": given, "appoint-rank": rank}
    answer = office.post(POST, data)
    assert answer.status_code == 422
    assert answer.context["appointing"].errors
    if who is None:
        assert f'value="{given}" checked' in answer.content.decode()
    assert facts_of_people() == []


def test_a_form_that_is_none(office: Client) -> None:
    assert office.post(POST, {"do": "else"}).status_code == 404


# ---------------------------------------------------------------- duty


def shift_of(person_on: Person, **more: str) -> dict[str, Any]:
    given = {
        "do": "duty",
        "duty-person": person_on.staff_no,
        "duty-starts_at": "2026-11-24T19:00",
        "duty-ends_at": "2026-11-25T07:00",
        "duty-weeks": "2",
    }
    return given | {f"duty-{name}": value for name, value in more.items()}


def test_somebody_is_put_on_duty_and_taken_off(office: Client) -> None:
    person = free("dispatcher")
    assert office.post(DESK, shift_of(person)).status_code == 303
    shifts = list(person.duty.filter(post__code="dispatcher", starts_at__hour=19).order_by("starts_at"))
    assert [one.starts_at.isoformat() for one in shifts[:2]] == [
        "2026-11-24T11:00:00+00:00",
        "2026-12-01T11:00:00+00:00",
    ]
    again = office.post(DESK, shift_of(person))
    assert (again.status_code, "is on this duty at that time already (11-24 19:00)" in again.content.decode()) == (
        422, True,
    )  # fmt: skip
    assert facts_of_people() == ["people.duty_changed"] * 2
    page = office.get(DESK).content.decode()
    assert f"put {person.name} on duty" in page
    assert '<span class="cb-number">19:00–24:00</span>' in page
    assert '<span class="cb-number">00:00–07:00</span>' in page
    url = f"{DESK}duty/{shifts[0].pk}/off"
    assert office.post(url).status_code == 303
    assert office.post(url).status_code == 404
    assert not DutyShift.objects.filter(pk=shifts[0].pk).exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"ends_at": "2026-11-24T18:00"},
        {"starts_at": "2026-11-20T18:00", "ends_at": "2026-11-21T18:00"},
        {"starts_at": "0001-01-01T00:00"},
        {"ends_at": "9999-12-31T23:59"},
        {"starts_at": "soon"},
        {"weeks": "0"},
        {"weeks": "27"},
        {"person": "nobody"},
    ],
)
def test_a_wrong_shift(office: Client, wrong: dict[str, str]) -> None:
    answer = office.post(DESK, shift_of(free("dispatcher"), **wrong))
    assert answer.status_code == 422
    assert set(answer.context["on_duty"].errors) <= {"person", "starts_at", "ends_at", "weeks"}
    assert 'id="duty"' in answer.content.decode()
    assert facts_of_people() == []


def test_nobody_is_put_on_duty_while_away(office: Client) -> None:
    person = free("dispatcher")
    services.record_absence(
        person, clock.now(), clock.now() + timedelta(days=3), out_of_city=True, actor=None
    )
    answer = office.post(DESK, shift_of(person))
    assert answer.status_code == 422
    assert f"{person.name} is away at that time (11-24 19:00)" in answer.content.decode()


def test_heads_of_stations_and_departments_change_what_is_theirs_only(adopted: None) -> None:
    station = client_of(holder("transfer-station-head-transfer-station-1"), "station")
    own, other = (f"/people/posts/dispatcher-transfer-station-{number}/" for number in (1, 2))
    assert "on_duty" in station.get(own).context
    assert "on_duty" not in station.get(other).context
    assert "appointing" not in station.get(own).context
    colleague, stranger = holder("dispatcher-transfer-station-1"), holder("dispatcher-transfer-station-2")
    for one in (colleague, stranger):
        one.absences.all().delete()
        DutyShift.objects.filter(person=one).delete()
    assert station.post(own, shift_of(colleague)).status_code == 303
    assert station.post(other, shift_of(stranger)).status_code == 403
    assert station.get(f"/people/{colleague.staff_no}/").context["may_record"] is True
    assert station.get(f"/people/{stranger.staff_no}/").context["may_record"] is False
    assert station.post(f"/people/{stranger.staff_no}/", absence()).status_code == 403
    assert facts_of_people() == ["people.duty_changed"] * 2


# ---------------------------------------------------------------- a person


def absence(**more: str) -> dict[str, str]:
    return {"starts_at": "2026-11-23T09:00", "ends_at": "2026-11-25T18:00", "out_of_city": "on"} | more


def test_the_page_of_somebody_with_roles_duty_and_posts(breakdown: Case) -> None:
    page = breakdown.colleague_client.get(f"/people/{breakdown.driver.staff_no}/")
    assert {role.number for role in page.context["roles"]} == {breakdown.incident.number}
    assert breakdown.driver.phone in page.content.decode()
    assert "leaving" not in page.context
    assert "form" not in page.context
    own = breakdown.holder.get(f"/people/{breakdown.driver.staff_no}/").content.decode()
    assert 'href="/absence/"' in own


def test_a_role_in_a_run_that_began_by_itself_leads_to_the_run(breakdown: Case) -> None:
    run = breakdown.incident.run
    Run.objects.filter(pk=run.pk).update(incident=None)
    for url in ("/absence/", f"/people/{breakdown.driver.staff_no}/"):
        assert f'href="/runs/{run.uuid}/"' in breakdown.holder.get(url).content.decode(), url


def test_an_absence_is_recorded_for_somebody_and_ended(office: Client) -> None:
    person, substitute = free("technician"), free("technician", 1)
    url = f"/people/{person.staff_no}/"
    given = absence(substitute=substitute.staff_no)
    assert office.post(url, given).status_code == 303
    assert office.post(url, given).status_code == 303  # sent twice
    found = Absence.objects.get(person=person)
    assert (found.out_of_city, found.reachable, found.substitute) == (True, True, substitute)
    assert found.recorded_by == holder("leading-group-office")
    page = office.get(url).content.decode()
    assert f"{substitute.name} stands in" in page
    assert "Stands in for" in office.get(f"/people/{substitute.staff_no}/").content.decode()
    assert office.post(f"{url}absences/{found.pk}/end").status_code == 303
    assert office.post(f"{url}absences/{found.pk}/end").status_code == 409
    other = f"/people/{substitute.staff_no}/absences/{found.pk}/end"
    assert office.post(other).status_code == 404
    assert facts_of_people() == ["people.absence_recorded", "people.absence_ended"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"ends_at": "2026-11-23T08:00"},
        {"starts_at": "2026-11-20T09:00", "ends_at": "2026-11-21T09:00"},
        {"ends_at": "9999-12-31T23:59"},
        {"ends_at": ""},
        {"substitute": "nobody"},
    ],
)
def test_a_wrong_absence(office: Client, wrong: dict[str, str]) -> None:
    person = free("technician")
    answer = office.post(f"/people/{person.staff_no}/", absence(**wrong))
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {list(wrong)[-1]}
    assert 'value="2026-11-2' in answer.content.decode()
    assert not person.absences.exists()


def test_absences_that_lie_ahead_are_for_who_records_them(office: Client, driver: Client) -> None:
    person, now = free("technician"), clock.now()
    services.record_absence(person, now + timedelta(days=3), now + timedelta(days=4), actor=None)
    url = f"/people/{person.staff_no}/"
    assert (len(office.get(url).context["absences"]), len(driver.get(url).context["absences"])) == (1, 0)
    services.record_absence(person, now, now + timedelta(days=1), actor=None)
    assert len(driver.get(url).context["absences"]) == 1


def test_somebody_has_left(office: Client) -> None:
    person = holder("dispatcher")
    login = client_of(person, "dispatcher")
    url = f"/people/{person.staff_no}/"
    page = office.get(url)
    assert page.context["leaving"]["login"] is True
    assert len(page.context["leaving"]["posts"]) == person.holdings.filter(until__isnull=True).count()
    assert "Has left the company" in page.content.decode()
    assert office.post(f"{url}left").status_code == 303
    assert office.post(f"{url}left").status_code == 409
    page = office.get(url)
    assert ("leaving" in page.context, "form" in page.context) == (False, False)
    assert person.phone not in page.content.decode()
    assert login.get("/").status_code == 302
    page = office.get(DESK)
    assert page.context["staffed"].vacant
    assert f"recorded that {person.name} has left" in page.content.decode()
    assert facts_of_people() == ["people.person_left"]


def test_nobody_is_offered_to_have_left_themselves(office: Client) -> None:
    me = holder("leading-group-office")
    assert "leaving" not in office.get(f"/people/{me.staff_no}/").context
    assert office.post(f"/people/{me.staff_no}/left").status_code == 409


def test_customers_and_vans_are_named_before_somebody_leaves(office: Client) -> None:
    manager = free("customer_manager")
    leaving = office.get(f"/people/{manager.staff_no}/").context["leaving"]
    assert leaving["customers"] == manager.customers.filter(active=True).count() > 0


# ---------------------------------------------------------------- the API


class Caller:
    """Somebody with a key."""

    def __init__(self, person: Person) -> None:
        account = Account.objects.filter(person=person).first()
        account = account or Account.objects.create(login=person.staff_no, person=person, password="!")
        key = issue_token(account, "test", actor=None)
        self.client = Client(headers={"Authorization": f"Bearer {key}", "Accept-Language": "en"})

    def get(self, path: str) -> tuple[int, Any]:
        answer = self.client.get(f"/api/v1/people{path}")
        return answer.status_code, answer.json()

    def post(self, path: str, **body: Any) -> tuple[int, Any]:
        answer = self.client.post(f"/api/v1/people{path}", json.dumps(body), content_type="application/json")
        return answer.status_code, answer.json()


def test_a_system_of_personnel_keeps_posts_and_duty(adopted: None) -> None:
    caller, person = Caller(holder("leading-group-office")), free("dispatcher")
    status, rows = caller.get("/posts")
    assert (status, len(rows)) == (200, Post.objects.count())
    before = holder("delivery-center-head").staff_no
    post = "/posts/delivery-center-head"
    assert [one["rank"] for one in caller.get(post)[1]["holders"]] == [1, 2]
    status, found = caller.post(f"{post}/appoint", staff_no=person.staff_no, instead_of=[before])
    assert (status, found["holders"][0]["person"]["staff_no"], found["why"]) == (200, person.staff_no, "post")
    other = free("dispatcher", 1).staff_no
    assert caller.post(f"{post}/appoint", staff_no=other, instead_of=[before])[0] == 409
    assert caller.post(f"{post}/relieve", staff_no=person.staff_no)[0] == 200
    assert caller.post(f"{post}/relieve", staff_no=person.staff_no)[0] == 409
    assert caller.post(f"{post}/appoint", staff_no="nobody")[1]["problems"][0]["field"] == "staff_no"
    assert caller.post(f"{post}/appoint", staff_no=other, rank=0)[0] == 422
    hours = {"starts_at": "2026-11-24T19:00:00+08:00", "ends_at": "2026-11-25T07:00:00+08:00"}
    status, shifts = caller.post("/posts/dispatcher/duty", staff_no=person.staff_no, weeks=2, **hours)
    assert (status, len(shifts)) == (201, 2)
    assert caller.post("/posts/dispatcher/duty", staff_no=person.staff_no, **hours)[0] == 409
    far = {"starts_at": "9999-12-30T00:00:00+08:00", "ends_at": "9999-12-31T00:00:00+08:00"}
    status, refused = caller.post("/posts/dispatcher/duty", staff_no=person.staff_no, weeks=26, **far)
    assert (status, refused["problems"][0]["message"]) == (422, "this day is too far away")
    status, found = caller.post(f"/posts/dispatcher/duty/{shifts[0]['id']}/off")
    assert (status, shifts[0]["id"] in [one["id"] for one in found["roster"]]) == (200, False)
    assert caller.post(f"/posts/dispatcher/duty/{shifts[0]['id']}/off")[0] == 404
    assert facts_of_people() == ["people.holder_changed"] * 2 + ["people.duty_changed"] * 3


def test_a_system_of_personnel_keeps_absences_and_who_has_left(adopted: None) -> None:
    caller, person = Caller(holder("leading-group-office")), free("technician")
    given = {"starts_at": "2026-11-23T09:00:00+08:00", "ends_at": "2026-11-25T18:00:00+08:00"}
    status, first = caller.post(f"/{person.staff_no}/absences", **given, out_of_city=True)
    assert (status, first["out_of_city"], first["substitute"]) == (201, True, None)
    assert caller.post(f"/{person.staff_no}/absences", **given, out_of_city=True)[1]["id"] == first["id"]
    status, wrong = caller.post(f"/{person.staff_no}/absences", **given, substitute="nobody")
    assert (status, wrong["problems"][0]["field"]) == (422, "substitute")
    assert caller.post(f"/{person.staff_no}/absences/{first['id']}/end") == (200, [])
    assert caller.post(f"/{person.staff_no}/absences/{first['id']}/end")[0] == 409
    assert caller.post("/nobody/absences", **given)[0] == 404
    assert caller.post(f"/{person.staff_no}/left") == (200, {"staff_no": person.staff_no, "active": False})
    assert caller.post(f"/{person.staff_no}/left")[0] == 409
    assert facts_of_people() == ["people.absence_recorded", "people.absence_ended", "people.person_left"]


def test_the_api_asks_the_same_permissions(adopted: None) -> None:
    person = free("driver")
    caller, other = Caller(person), free("driver", 1).staff_no
    given = {"starts_at": "2026-11-23T09:00:00+08:00", "ends_at": "2026-11-25T18:00:00+08:00"}
    assert caller.get("/posts/dispatcher")[0] == 200
    assert caller.post("/posts/dispatcher/appoint", staff_no=other)[0] == 403
    assert caller.post("/posts/dispatcher/relieve", staff_no=holder("dispatcher").staff_no)[0] == 403
    assert caller.post("/posts/dispatcher/duty", staff_no=other, **given)[0] == 403
    assert caller.post(f"/{other}/absences", **given)[0] == 403
    assert caller.post(f"/{other}/left")[0] == 403
    assert facts_of_people() == []
    assert caller.post(f"/{person.staff_no}/absences", **given)[0] == 201  # one's own
