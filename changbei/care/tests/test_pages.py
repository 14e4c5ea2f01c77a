"""Visits on the pages: the own week, one visit as a form, the shop, the team, figures and spot checks."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from changbei.care import services
from changbei.care.models import Photo, Sample, Visit
from changbei.care.services import Seen
from changbei.care.tests.conftest import GOOD, colleague, head, visited
from changbei.core import clock
from changbei.core.workdays import is_workday
from changbei.network.models import Retailer
from changbei.people.models import Person
from changbei.plans.models import PlanVersion
from changbei.web.tests.conftest import client_of
from changbei.web.tests.test_api import Caller

pytestmark = pytest.mark.django_db
FORM = {key: str(value).lower() if isinstance(value, bool) else value for key, value in GOOD.items()}
PICTURE = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xda\x00\x04abpicture\xff\xd9"


def browser(person: Person) -> Client:
    return client_of(person, f"of-{person.staff_no}")


def page(client: Client, url: str, **query: Any) -> str:
    answer = client.get(url, query)
    assert answer.status_code == 200, answer.content[:2000]
    return str(answer.content.decode())


def ahead(shop: Retailer, by: Person) -> Visit:
    day = clock.local_now().date()
    while not is_workday(day):
        day += timedelta(days=1)
    return services.arrange(shop, day, why="wish", actor=by)


@pytest.mark.clause("S2")
def test_a_manager_plans_the_own_weeks_and_sees_them_day_by_day(manager: Person) -> None:
    client = browser(manager)
    assert "Plan my visits" in page(client, "/visits/")
    assert client.post("/visits/plan", {"weeks": 4}).status_code == 303
    visits = list(Visit.objects.order_by("planned_for"))
    assert {one.manager for one in visits} == {manager}
    first = visits[0]
    assert first.planned_for is not None
    words = page(client, "/visits/", week=first.planned_for.isoformat())
    assert f'href="/visits/{first.uuid}/"' in words and first.retailer.name in words
    assert client.post("/visits/plan", {"weeks": 40}).status_code == 404
    assert Visit.objects.count() == len(visits)


@pytest.mark.clause("J2", "J7", "S1", "S3")
def test_a_visit_is_one_form_with_what_was_found_last_time(manager: Person, shop: Retailer) -> None:
    visited(shop, manager, ledger=False)
    visit, client = ahead(shop, manager), browser(manager)
    words = page(client, f"/visits/{visit.uuid}/")
    assert "no sale to minors" in words and "The ledger is kept：no" in words
    wrong = client.post(f"/visits/{visit.uuid}/record", {**FORM, "minors_sign": "", "weeks_of_stock": "-1"})
    assert wrong.status_code == 422
    assert wrong.content.decode().count("data-wrong") == 2
    photos = [SimpleUploadedFile(f"{n}.jpg", PICTURE) for n in range(2)]
    filled = {**FORM, "marked_prices": "false", "wishes": "想早点送货", "note": "下周再来", "picture": photos}
    answer = client.post(f"/visits/{visit.uuid}/record", filled)
    assert answer.status_code == 303, answer.content.decode()[:20000]
    visit.refresh_from_db()
    assert (visit.status, visit.note, visit.longitude) == ("done", "下周再来", None)
    assert visit.answers.get(item="wishes").value == "想早点送货"
    assert [one.item for one in visit.answers.filter(finding=True)] == ["marked-prices"]
    words = page(client, f"/visits/{visit.uuid}/")
    assert words.count('src="/visits/photo/') == 2 and "想早点送货" in words
    again = client.post(f"/visits/{visit.uuid}/record", FORM)
    assert again.status_code == 409


def test_the_place_is_kept_only_when_it_was_sent(manager: Person, shop: Retailer) -> None:
    visit, client = ahead(shop, manager), browser(manager)
    client.post(f"/visits/{visit.uuid}/record", {**FORM, "longitude": "110.5", "latitude": "32.5"})
    visit.refresh_from_db()
    assert (visit.longitude, visit.latitude) == (110.5, 32.5)


def test_a_form_that_was_open_when_the_plan_changed_keeps_its_version(
    manager: Person, shop: Retailer, version: PlanVersion
) -> None:
    visit, client = ahead(shop, manager), browser(manager)
    assert f'name="version" value="{version.pk}"' in page(client, f"/visits/{visit.uuid}/")
    row = PlanVersion.objects.values().get(pk=version.pk)
    PlanVersion.objects.filter(pk=version.pk).update(in_force=False)
    newer = PlanVersion.objects.create(**{**row, "id": None, "digest": "f" * 64, "version": "2"})
    assert client.post(f"/visits/{visit.uuid}/record", {**FORM, "version": version.pk}).status_code == 303
    visit.refresh_from_db()
    assert visit.version == version
    assert newer.in_force


def test_a_visit_is_moved_and_dropped_on_its_page(manager: Person, shop: Retailer) -> None:
    visit, client = ahead(shop, manager), browser(manager)
    sunday = clock.local_now().date() + timedelta(days=7 - clock.local_now().isoweekday())
    refused = client.post(f"/visits/{visit.uuid}/move", {"on": sunday.isoformat()})
    assert refused.status_code == 422 and "this is no working day" in refused.content.decode()
    monday = sunday + timedelta(days=1)
    assert client.post(f"/visits/{visit.uuid}/move", {"on": monday.isoformat()}).status_code == 303
    visit.refresh_from_db()
    assert visit.planned_for == monday
    to = {"on": monday.isoformat(), "to": colleague(manager).staff_no}
    assert browser(head(manager)).post(f"/visits/{visit.uuid}/move", to).status_code == 303
    assert client.post(f"/visits/{visit.uuid}/drop", {"why": ""}).status_code == 422
    assert client.post(f"/visits/{visit.uuid}/drop", {"why": "停电"}).status_code == 303
    visit.refresh_from_db()
    assert (visit.status, visit.manager) == ("dropped", colleague(manager))


def test_others_find_no_visit_and_no_photo(manager: Person, shop: Retailer) -> None:
    photos = {"picture": [SimpleUploadedFile("x.jpg", PICTURE)]}
    visit = services.record_unplanned(shop, Seen(GOOD, photos), actor=manager)
    photo = Photo.objects.get()
    stranger = Person.objects.filter(job="customer_manager").exclude(unit=manager.unit).order_by("pk")[0]
    driver = Person.objects.filter(job="driver").order_by("pk")[0]
    for who in (stranger, driver):
        client = browser(who)
        for url in (f"/visits/{visit.uuid}/", f"/visits/photo/{photo.uuid}"):
            assert client.get(url).status_code == 404
        assert f"/visits/{visit.uuid}/" not in page(client, f"/visits/shop/{shop.uuid}/")
        assert client.post(f"/visits/shop/{shop.uuid}/record", FORM).status_code == 403
    assert browser(driver).get("/visits/").status_code == 403
    assert 'data-place="visits"' not in page(browser(driver), "/tasks/")
    assert 'data-place="visits"' in page(browser(manager), "/tasks/")
    shown = browser(manager).get(f"/visits/photo/{photo.uuid}")
    assert shown.headers["Content-Type"] == "image/jpeg"
    assert b"".join(shown.streaming_content) == PICTURE
    assert browser(manager).post(f"/visits/photo/{photo.uuid}/remove", {"why": "拍到人"}).status_code == 303
    assert not Photo.objects.exists()


def test_the_shop_shows_its_visits_and_gives_them_as_a_file(manager: Person, shop: Retailer) -> None:
    visit, client = visited(shop, manager, fresh=False), browser(manager)
    words = page(client, f"/visits/shop/{shop.uuid}/")
    assert f'href="/visits/{visit.uuid}/"' in words and "Visited every" in words
    monday = clock.local_now().date() + timedelta(days=8 - clock.local_now().isoweekday())
    asked = {"on": monday.isoformat(), "why": "finding"}
    assert client.post(f"/visits/shop/{shop.uuid}/arrange", asked).status_code == 303
    assert Visit.objects.get(status="planned").why == "finding"
    assert client.post(f"/visits/shop/{shop.uuid}/record", FORM).status_code == 303
    assert Visit.objects.get(planned_for=None).done_by == manager
    answer = client.get(f"/visits/shop/{shop.uuid}/export.csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert ["no", "Finding"] in [row[6:8] for row in rows]
    assert client.get(f"/visits/shop/{shop.uuid}/export.xlsx").content[:2] == b"PK"
    assert client.get(f"/visits/shop/{shop.uuid}/export.exe").status_code == 404


def test_a_head_sees_the_week_of_the_department_and_plans_it(manager: Person) -> None:
    client = browser(head(manager))
    assert client.post("/visits/plan", {"weeks": 2, "unit": head(manager).unit.code}).status_code == 303
    staff = set(Visit.objects.values_list("manager__unit__parent", flat=True))
    assert staff == {head(manager).unit_id}
    words = page(client, "/visits/", view="team")
    assert manager.name in words and "The week by customer manager" in words
    other = Person.objects.filter(job="customer_manager").exclude(unit__parent=head(manager).unit)[0]
    assert other.name not in words
    assert browser(manager).post(
        "/visits/plan", {"weeks": 2, "unit": head(manager).unit.code}
    ).status_code in (
        403,
        404,
    )


def test_a_market_manager_sees_and_plans_the_own_office(manager: Person) -> None:
    client = browser(colleague(manager))
    assert client.post("/visits/plan", {"weeks": 2, "unit": manager.unit.code}).status_code == 303
    assert set(Visit.objects.values_list("manager__unit", flat=True)) == {manager.unit_id}
    assert f"/visits/?manager={manager.staff_no}" in page(client, "/visits/", view="team")
    first = Visit.objects.filter(manager=manager).order_by("planned_for")[0]
    theirs = {"manager": manager.staff_no, "week": str(first.planned_for)}
    assert f'href="/visits/{first.uuid}/"' in page(client, "/visits/", **theirs)
    stranger = Person.objects.filter(job="customer_manager").exclude(unit=manager.unit).order_by("pk")[0]
    assert f'href="/visits/{first.uuid}/"' not in page(browser(stranger), "/visits/", **theirs)


@pytest.mark.clause("J4")
def test_figures_and_spot_checks_of_a_month(manager: Person) -> None:
    shops = Retailer.objects.filter(customer_manager=manager, active=True).select_related("line")
    for one in shops.order_by("pk")[:4]:
        visited(one, manager, in_sight=False)
    client, month = browser(head(manager)), f"{clock.local_now():%Y-%m}"
    words = page(client, "/visits/figures/", month=month)
    assert manager.name in words and "orderly in the counter" in words
    answer = client.get("/visits/figures/export.csv", {"month": month})
    (row,) = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))[1:]
    assert row[2:] == [manager.name, "4", "4", "4", "0", "0", "0", "0", "4", "0", "0"]
    draw = {"month": month, "unit": head(manager).unit.code, "count": 2}
    refused = client.post("/visits/figures/draw", draw)
    assert refused.status_code == 422 and not Sample.objects.exists()
    assert (
        client.post("/visits/figures/draw", {**draw, "visitors": colleague(manager).staff_no}).status_code
        == 303
    )
    sample = Sample.objects.get()
    again = sample.visits.select_related("manager").order_by("pk")[0]
    own = browser(colleague(manager))
    words = page(own, f"/visits/{again.uuid}/")
    assert "A spot check" in words and "Last time" not in words
    assert own.post(f"/visits/{again.uuid}/record", FORM).status_code == 303
    words = page(client, f"/visits/samples/{sample.uuid}/")
    assert sample.seed in words and "orderly in the counter" in words
    assert "1 of 2 made" in words
    listed = client.get(f"/visits/samples/{sample.uuid}/drawn.csv").content.decode("utf-8-sig")
    assert [row[2] for row in csv.reader(io.StringIO(listed))] == ["Drawn", "yes", "yes", "no", "no"]
    assert browser(manager).get("/visits/figures/").status_code == 403
    assert browser(manager).get(f"/visits/samples/{sample.uuid}/").status_code == 404


def test_a_day_or_month_that_is_none(manager: Person) -> None:
    client = browser(head(manager))
    assert client.get("/visits/", {"week": "2026-13-01"}).status_code == 404
    assert client.get("/visits/figures/", {"month": "x"}).status_code == 404
    assert page(client, "/visits/figures/", month="2026-01")


def test_without_a_plan_the_page_says_so(manager: Person) -> None:
    PlanVersion.objects.update(in_force=False)
    assert "No plan says what is looked at" in page(browser(manager), "/visits/")


def test_another_system_reads_visits_and_records_one(
    manager: Person, shop: Retailer, version: PlanVersion
) -> None:
    visit, caller = ahead(shop, manager), Caller(manager)
    day = str(visit.planned_for)
    status, found = caller.get("/visits", since=day, until=day)
    assert status == 200
    assert [(one["uuid"], one["licence_no"], one["status"]) for one in found] == [
        (str(visit.uuid), shop.licence_no, "planned")
    ]
    assert caller.get("/visits", since=day, until="2020-01-01")[0] == 422
    status, looked_at = caller.get("/visits/checklist")
    assert (status, looked_at["version"]) == (200, version.pk)
    assert set(looked_at["form"]["required"]) == set(GOOD)
    here = f"/visits/{visit.uuid}/record"
    status, refusal = caller.post(here, {"answers": {**GOOD, "minors_sign": None}})
    assert (status, [one["field"] for one in refusal["problems"]]) == (422, ["minors_sign"])
    assert caller.post(here, {"answers": GOOD, "longitude": 110.5})[0] == 422
    assert caller.post(here, {"answers": GOOD, "version": 10**6})[0] == 404
    status, done = caller.post(here, {"answers": {**GOOD, "ledger": False}, "version": version.pk})
    assert (status, done["status"], done["done_by"]) == (200, "done", manager.staff_no)
    assert [one["item"] for one in done["answers"] if one["finding"]] == ["ledger"]
    assert caller.post(here, {"answers": GOOD})[0] == 409
    driver = Caller(Person.objects.filter(job="driver").order_by("pk")[0])
    assert driver.get("/visits", since=day, until=day)[0] == 403
    assert driver.get(f"/visits/{visit.uuid}")[0] == 404
