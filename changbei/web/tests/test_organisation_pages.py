"""Units, posts, people and logins on their pages and over the API: new ones, changes, what goes, who may."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from changbei.incidents.tests.people import holder
from changbei.people import services
from changbei.people.accounts import issue_token
from changbei.people.models import Account, Person, Post, PostHolding, Unit
from changbei.web.tests.conftest import client_of, facts_of_people

pytestmark = pytest.mark.usefixtures("adopted")
UNIT = {"code": "md-9", "name": "新区营销部", "kind": "marketing_department", "parent": "marketing-center"}
POST = {
    "code": "md-9-head",
    "name": "新区经理",
    "kind": "marketing-department-head",
    "unit": "marketing-center",
}
NEWCOMER = {
    "staff_no": "N1",
    "name": "例新人",
    "phone": "13911112222",
    "language": "zh-Hans",
    "unit": "info-center",
    "job": "technician",
}


@pytest.fixture
def office(adopted: None) -> Client:
    return client_of(holder("leading-group-office"), "office")


@pytest.fixture
def technical(adopted: None) -> Client:
    return client_of(holder("info-center-head"), "technical")


@pytest.fixture
def driver(adopted: None) -> Client:
    return client_of(Person.objects.filter(job="driver").order_by("pk")[0], "driver")


def words(client: Client, url: str) -> str:
    return client.get(url).content.decode()


# ---------------------------------------------------------------- units and posts


def test_a_unit_comes_is_changed_and_goes(office: Client) -> None:
    assert 'value="marketing-center" selected' in words(office, "/people/units/new?parent=marketing-center")
    assert office.post("/people/units/new", UNIT).headers["Location"] == "/people/units/md-9/"
    assert 'href="/people/units/md-9/"' in words(office, "/people/")  # although it has no post yet
    page = words(office, "/people/units/md-9/")
    assert "Marketing department" in page and "Nothing uses it." in page
    again = office.post("/people/units/new", UNIT)
    assert (again.status_code, again.context["form"].errors["code"]) == (422, ["is in the database already"])
    changed = UNIT | {"name": "另一名称", "name_en": "Another", "parent": ""}
    assert office.post("/people/units/md-9/edit", changed).status_code == 303
    unit = Unit.objects.get(code="md-9")
    assert (unit.name["en"], unit.name["zh-Hant"], unit.parent) == ("Another", "另一名称", None)
    assert office.post("/people/units/md-9/remove").status_code == 303
    assert office.get("/people/units/md-9/").status_code == 404
    assert facts_of_people() == ["people.unit_added", "people.unit_changed", "people.unit_removed"]


def test_a_unit_in_use_stays_and_says_by_what(office: Client) -> None:
    page = words(office, "/people/units/delivery-center/")
    assert "It cannot be removed while it is in use:" in page
    assert 'action="/people/units/delivery-center/remove"' not in page
    answer = office.post("/people/units/delivery-center/remove")
    assert answer.status_code == 409
    assert "it is still in use: " in answer.content.decode()


def test_a_post_comes_is_changed_and_goes(office: Client) -> None:
    page = words(office, "/people/posts/new")
    assert '<option value="marketing-department-head">' in page and "Kind of post" in page
    assert office.post("/people/posts/new", POST).headers["Location"] == "/people/posts/md-9-head/"
    assert office.post("/people/posts/md-9-head/edit", POST | {"unit": "info-center"}).status_code == 303
    page = words(office, "/people/posts/md-9-head/")
    assert 'href="/people/units/info-center/"' in page
    assert "created the post" in page and "changed the post itself" in page
    assert office.post("/people/posts/md-9-head/remove").status_code == 303
    assert not Post.objects.filter(code="md-9-head").exists()


def test_the_last_post_of_a_kind_that_a_plan_names_stays(office: Client) -> None:
    post = Post.objects.get(code="finance-head")
    for holding in post.holdings.filter(until=None):
        services.relieve(post, holding.person, actor=None)
    assert "plans: " in words(office, "/people/posts/finance-head/")
    answer = office.post("/people/posts/finance-head/remove")
    assert answer.status_code == 409
    assert "no other post is of this kind, which a plan names" in answer.content.decode()
    given = {"name": post.name["zh-Hans"], "kind": "else", "unit": post.unit.code}
    answer = office.post("/people/posts/finance-head/edit", given)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["kind"])
    assert Post.objects.get(code="finance-head").kind == "finance-head"


# ---------------------------------------------------------------- people


def test_a_newcomer_holds_a_post_at_once(office: Client) -> None:
    office.post("/people/posts/new", POST)
    given = NEWCOMER | {"post": "md-9-head", "rank": "1"}
    assert office.post("/people/new", given).headers["Location"] == "/people/N1/"
    assert holder("marketing-department-head")
    assert PostHolding.objects.get(person__staff_no="N1").post.code == "md-9-head"
    assert (
        office.post("/people/new", NEWCOMER | {"staff_no": "N3", "post": "", "rank": "1"}).status_code == 303
    )
    wrong = office.post("/people/new", given | {"staff_no": "N2", "phone": "12"})
    assert wrong.status_code == 422
    assert set(wrong.context["form"].errors) == {"phone", "rank"}
    assert 'value="例新人"' in wrong.content.decode()


def test_what_is_wrong_of_a_person_is_put_right(office: Client) -> None:
    person = Person.objects.filter(job="driver").order_by("pk")[0]
    url = f"/people/{person.staff_no}/edit"
    before = dict(office.get(url).context["form"].initial)
    given = before | {"name": "例改名", "second_phone": "", "phone": "139 1111 2222"}
    assert office.post(url, given).status_code == 303
    changed = Person.objects.get(pk=person.pk)
    assert (changed.name, changed.phone, changed.second_phone, changed.job) == (
        "例改名", "13911112222", "", person.job,
    )  # fmt: skip
    assert (changed.unit, changed.email) == (person.unit, person.email)
    assert facts_of_people() == ["people.person_changed"]


def test_who_keeps_numbers_changes_numbers_only(adopted: None, driver: Client) -> None:
    head = holder("marketing-department-head")
    department = client_of(head, "department")
    own = Person.objects.filter(unit__parent=head.unit).order_by("pk")[0]
    other = Person.objects.filter(job="technician").order_by("pk")[0]
    page = department.get(f"/people/{own.staff_no}/edit")
    assert list(page.context["form"].fields) == ["phone", "second_phone", "email", "language"]
    assert department.get(f"/people/{other.staff_no}/edit").status_code == 403
    given = dict(page.context["form"].initial) | {"phone": "13911112222", "name": "例改名"}
    assert department.post(f"/people/{own.staff_no}/edit", given).status_code == 303
    changed = Person.objects.get(pk=own.pk)
    assert (changed.phone, changed.name) == ("13911112222", own.name)
    me = Person.objects.get(account__login="driver")
    assert f'href="/people/{me.staff_no}/edit"' in words(driver, f"/people/{me.staff_no}/")
    assert driver.get(f"/people/{me.staff_no}/edit").status_code == 200


def test_nobody_else_organises(driver: Client) -> None:
    person = holder("finance-head")
    for url, data in (
        ("/people/units/new", UNIT),
        ("/people/units/bureau/edit", UNIT),
        ("/people/units/bureau/remove", {}),
        ("/people/posts/new", POST),
        ("/people/posts/finance-head/edit", POST),
        ("/people/posts/finance-head/remove", {}),
        ("/people/new", NEWCOMER),
        (f"/people/{person.staff_no}/edit", NEWCOMER),
        (f"/people/{person.staff_no}/login", {"login": "x"}),
        (f"/people/{person.staff_no}/login/switch", {}),
    ):
        assert driver.post(url, data).status_code == 403, url
    assert facts_of_people() == []
    for url in (
        "/people/",
        "/people/units/bureau/",
        "/people/posts/finance-head/",
        f"/people/{person.staff_no}/",
    ):
        page = words(driver, url)
        assert "/edit" not in page and "/new" not in page and "/remove" not in page, url


# ---------------------------------------------------------------- logins


def test_a_login_is_given_and_its_password_shown_once(technical: Client) -> None:
    person = Person.objects.filter(job="driver", account=None).order_by("pk")[0]
    url = f"/people/{person.staff_no}/login"
    assert f'href="{url}"' in words(technical, f"/people/{person.staff_no}/")
    answer = technical.post(url, {"login": "newcomer", "password": ""})
    word = answer.context["made"]
    assert (answer.status_code, f'<code id="made-password">{word}</code>' in answer.content.decode()) == (
        200,
        True,
    )
    assert Client().login(username="newcomer", password=word)
    assert word not in words(technical, url)
    assert technical.post(url, {"password": "another-long-word"}).status_code == 303
    browser = Client()
    assert browser.login(username="newcomer", password="another-long-word")
    assert technical.post(f"{url}/switch").status_code == 303
    assert browser.get("/people/").status_code == 302
    assert not Client().login(username="newcomer", password="another-long-word")
    assert technical.post(f"{url}/switch").status_code == 409
    assert technical.post(f"{url}/switch", {"on": "1"}).status_code == 303
    kinds = ("account_created", "password_set", "account_closed", "account_opened")
    assert facts_of_people() == [f"people.{kind}" for kind in kinds]


def test_logins_that_cannot_be(technical: Client) -> None:
    person = Person.objects.filter(job="driver", account=None).order_by("pk")[0]
    url = f"/people/{person.staff_no}/login"
    taken = technical.post(url, {"login": "technical", "password": ""})
    assert (taken.status_code, taken.context["form"].errors["login"]) == (422, ["technical is taken"])
    weak = technical.post(url, {"login": "newcomer", "password": "1234"})
    assert (weak.status_code, list(weak.context["form"].errors)) == (422, ["password"])
    me = Person.objects.get(account__login="technical")
    own = technical.post(f"/people/{me.staff_no}/login/switch")
    assert (own.status_code, "nobody closes their own login" in own.content.decode()) == (409, True)
    services.retire(person, actor=None)
    assert technical.post(url, {"login": "newcomer", "password": ""}).status_code == 422
    assert not Account.objects.filter(login="newcomer").exists()


# ---------------------------------------------------------------- over the API


class Api:
    def __init__(self, person: Person, login: str) -> None:
        account = Account.objects.create_user(login, None, person=person)
        key = issue_token(account, "test", actor=None)
        self.client = Client(headers={"authorization": f"Bearer {key}", "accept-language": "en"})

    def __call__(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        sent = json.dumps(body or {})
        answer = self.client.generic(method, f"/api/v1/people{path}", sent, content_type="application/json")
        return answer.status_code, json.loads(answer.content) if answer.content else None


def test_a_system_of_personnel_keeps_units_posts_and_people(adopted: None) -> None:
    api = Api(holder("leading-group-office"), "office")
    status, unit = api("POST", "/units", UNIT)
    assert (status, unit["parent"], unit["name"]["en"]) == (201, "marketing-center", "新区营销部")
    assert api("PATCH", "/units/md-9", {"parent": ""})[1]["parent"] == ""
    assert [one["code"] for one in api("GET", "/units")[1]].count("md-9") == 1
    status, post = api("POST", "/posts", POST | {"unit": "md-9"})
    assert (status, post["holders"], post["unit"]) == (201, [], "md-9")
    status, person = api("POST", "", NEWCOMER | {"unit": "md-9", "post": "md-9-head", "rank": 1})
    assert (status, person["unit"], person["active"]) == (201, "md-9", True)
    assert api("GET", "/posts/md-9-head")[1]["holders"][0]["person"]["staff_no"] == "N1"
    status, person = api("PATCH", "/N1", {"email": "n1@changbei.example", "job": "customer_manager"})
    assert (status, person["email"], person["job"], person["name"]) == (
        200, "n1@changbei.example", "customer_manager", "例新人",
    )  # fmt: skip
    status, refused = api("DELETE", "/posts/md-9-head")
    assert (status, "held by: 例新人" in refused["message"]) == (409, True)
    assert api("POST", "/posts/md-9-head/relieve", {"staff_no": "N1"})[0] == 200
    assert api("DELETE", "/posts/md-9-head") == (204, None)
    assert api("DELETE", "/units/md-9")[0] == 409
    status, refused = api("PATCH", "/N1", {"phone": "", "job": "chief"})
    assert (status, [one["field"] for one in refused["problems"]]) == (422, ["phone", "job"])


def test_over_the_api_others_are_refused(adopted: None) -> None:
    api = Api(Person.objects.filter(job="driver").order_by("pk")[0], "driver")
    for method, path, body in (
        ("POST", "/units", UNIT),
        ("PATCH", "/units/bureau", {"name": "x"}),
        ("DELETE", "/units/bureau", None),
        ("POST", "/posts", POST),
        ("PATCH", "/posts/finance-head", {"name": "x"}),
        ("DELETE", "/posts/finance-head", None),
        ("POST", "", NEWCOMER),
        ("PATCH", f"/{holder('finance-head').staff_no}", {"phone": "13911112222"}),
    ):
        assert api(method, path, body)[0] == 403, (method, path)
    assert facts_of_people() == []
