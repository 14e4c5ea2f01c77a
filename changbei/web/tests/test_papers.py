"""Reporting, the plan as a page, warnings, the supply form and the contacts: what they show, do and refuse."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation

from changbei.core import clock as core_clock
from changbei.core.durations import parse
from changbei.delivery import planning
from changbei.incidents.models import Incident, Report, Warning
from changbei.incidents.tests.people import holder, leave
from changbei.network.models import Retailer, Vehicle
from changbei.people.models import Contact, Person
from changbei.plans.models import PlanVersion
from changbei.plans.rendering.pdf import FONT_FILES
from changbei.runs.models import Evidence, Task
from changbei.supply import services as supply
from changbei.web import planned
from changbei.web.tests.conftest import Case, client_of, text

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32


def _filled(number: str, **more: Any) -> dict[str, Any]:
    return {
        "vehicle": number,
        "place_text": "示例路口",
        "place_longitude": "119.02",
        "place_latitude": "33.6",
        "injured": "false",
        "goods_aboard": "true",
        **more,
    }


# --- report


@pytest.fixture
def driver(adopted: None) -> Person:
    planning.plan_day(core_clock.local_now().date(), actor=None)
    keeper = Vehicle.objects.filter(is_reserve=False, keeper__isnull=False).order_by("pk")[0].keeper
    assert keeper is not None
    return keeper


def test_the_kinds_come_from_the_plan_and_a_driver_sees_vans_first(driver: Person) -> None:
    found = re.findall(r'class="cb-kind" href="([^"]+)"', text(client_of(driver, "d"), "/report/"))
    assert found[0] == "/report/vehicle-breakdown/"
    assert set(found) == {
        f"/report/{kind}/"
        for kind in (
            "vehicle-breakdown", "ordering-system-down", "severe-weather", "sudden-demand", "power-cut",
            "information-security", "line-fault", "equipment-fault", "safety-accident", "settlement-fault",
            "cash-settlement", "supply-anomaly", "group-order",
        )
    }  # fmt: skip


def test_the_van_of_todays_tour_is_chosen_already(driver: Person) -> None:
    number = Vehicle.objects.get(keeper=driver, is_reserve=False).number
    page = text(client_of(driver, "d"), "/report/vehicle-breakdown/")
    assert re.search(rf'<option value="{number}" selected', page)
    assert page.count("<select") == 1  # every other required field is a tap


def test_nobody_reports_without_a_login(adopted: None) -> None:
    answer = Client().post("/report/vehicle-breakdown/", _filled("1"))
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login/")
    assert Incident.objects.count() == 0


def test_an_account_of_nobody_may_not_report(adopted: None) -> None:
    assert client_of(None, "robot").post("/report/vehicle-breakdown/", _filled("1")).status_code == 403
    assert Incident.objects.count() == 0


def test_what_is_missing_is_named_at_its_field_and_in_the_summary(driver: Person) -> None:
    answer = client_of(driver, "d").post("/report/vehicle-breakdown/", {"vehicle": "1", "place_text": "x"})
    page = answer.content.decode()
    assert answer.status_code == 422
    summary = page[page.index("cb-form-errors") : page.index("</ul>", page.index("cb-form-errors"))]
    assert re.findall(r'href="#id_(\w+)"', summary) == ["place_text", "injured", "goods_aboard"]
    assert '<fieldset id="id_injured"' in page  # the link leads somewhere
    assert page.count("data-wrong") == 3
    assert '<option value="1" selected' in page
    assert Incident.objects.count() == 0


def test_a_report_ends_at_its_number(driver: Person) -> None:
    client = client_of(driver, "d")
    answer = client.post("/report/vehicle-breakdown/", _filled("1"))
    filed = Report.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/report/answer/{filed.uuid}/")
    page = text(client, answer.headers["Location"])
    assert '<h1 class="cb-answer-number">INC-0001</h1>' in page
    assert "Your report has the number" in page
    dispatcher = Task.objects.get(item="take-charge").holder
    assert dispatcher is not None
    assert dispatcher.name in page
    assert (filed.source, filed.reporter) == ("web", driver)


def test_the_second_report_joins_and_says_so(breakdown: Case) -> None:
    number = breakdown.incident.run.state["context"]["report"]["vehicle"]
    answer = breakdown.colleague_client.post("/report/vehicle-breakdown/", _filled(number))
    page = text(breakdown.colleague_client, answer.headers["Location"])
    assert "Your report was added to" in page
    assert f"{breakdown.driver.name} reported the same thing at 09:40" in page
    assert Incident.objects.count() == 1


def test_a_photo_becomes_evidence_of_the_reporters_task(driver: Person) -> None:
    photo = SimpleUploadedFile("x.png", PNG, content_type="image/png")
    number = Vehicle.objects.get(keeper=driver, is_reserve=False).number
    client_of(driver, "d").post("/report/vehicle-breakdown/", _filled(number, cause="accident", photo=photo))
    evidence = Evidence.objects.select_related("task").get()
    assert (evidence.kind, evidence.by, evidence.task.item) == ("photo", driver, "secure-site")


def test_a_picked_place_gets_words_unless_there_are_some(driver: Person) -> None:
    shop = Retailer.objects.order_by("pk")[0]
    client = client_of(driver, "d")
    asked = {"field": "place", "place_longitude": shop.longitude, "place_latitude": shop.latitude}
    assert shop.name in client.get("/find/near", asked).content.decode()
    assert client.get("/find/near", asked | {"place_text": "here"}).status_code == 204
    assert client.get("/find/near", asked | {"place_latitude": "x"}).status_code == 204


# --- plan


def test_the_plan_shows_every_clause_and_where_it_runs(breakdown: Case) -> None:
    page = text(breakdown.colleague_client, "/plan/")
    for clause in ("E1.4", "E2.1b", "E3.3.1", "E5"):
        assert f'id="clause-{clause}"' in page
    start = page.index('id="clause-E3.3.1"')
    clause = page[start : page.index("</article>", start)]
    task = breakdown.task("take-charge")
    assert f'href="/tasks/{task.uuid}/"' in clause
    assert "INC-0001" in clause
    assert "#procedure-vehicle-breakdown" in clause
    quiet = page[page.index('id="clause-E2.7"') :]
    assert "Running now" not in quiet[: quiet.index("</article>")]


def test_a_closed_task_no_longer_runs(breakdown: Case) -> None:
    version = PlanVersion.objects.get()
    from changbei.plans.loading import pack_for

    before = planned.running_by_clause(pack_for(version), breakdown.colleague)
    Task.objects.filter(item="take-charge").update(status="done")
    after = planned.running_by_clause(pack_for(version), breakdown.colleague)
    assert len(before["E3.3.1"]) - len(after.get("E3.3.1", [])) == 1


def test_the_plan_speaks_three_languages(breakdown: Case) -> None:
    for code, title in (("zh-hans", "客户服务应急预案"), ("zh-hant", "客戶服務應急預案")):
        client = client_of(breakdown.colleague, "colleague")
        assert f"<h1>{title}</h1>" in client.get("/plan/", headers={"accept-language": code}).content.decode()
    assert "<h1>Customer-service emergency plan</h1>" in text(breakdown.colleague_client, "/plan/")


def test_roles_say_who_holds_them_now_and_why(breakdown: Case) -> None:
    from changbei.plans.loading import pack_for

    pack = pack_for(PlanVersion.objects.get())
    rows = {row.role.id: row for row in planned.roles(pack, core_clock.now())}
    head, deputy = holder("leading-group-head"), holder("leading-group-deputy")
    assert [held.card.name for held in rows["head"].holders] == [head.name]
    assert [held.card.name for held in rows["commander"].holders] == [head.name]
    sites = {held.where for held in rows["dispatcher"].holders}
    assert len(rows["dispatcher"].holders) == len(sites) > 1
    leave(head)
    leave(deputy)
    with translation.override("en"):
        rows = {row.role.id: row for row in planned.roles(pack, core_clock.now())}
    assert rows["commander"].holders == []
    assert rows["commander"].note.startswith("Both leaders are away")


@pytest.mark.parametrize(
    ("limit", "words"), [("90s", "1 min"), ("2h", "2 hours"), ("365d", "365 days"), ("1wd", "1 working day")]
)
def test_time_limits_in_words(limit: str, words: str) -> None:
    with translation.override("en"):
        assert planned.length(parse(limit)) == words


def test_without_a_plan_in_force_the_page_says_how_to_get_one(small_city: Any) -> None:
    person = Person.objects.order_by("pk")[0]
    assert "No plan is in force" in text(client_of(person, "p"), "/plan/")
    assert client_of(person, "p").get("/plan/other/").status_code == 404


# --- warnings


def test_a_refused_file_is_kept_and_can_be_had_back(adopted: None) -> None:
    office = client_of(holder("leading-group-office"), "office")
    broken = SimpleUploadedFile("alert.xml", b"<alert>", content_type="text/xml")
    answer = office.post("/warnings/", {"file": broken})
    kept = Warning.objects.get()
    assert answer.headers["Location"] == f"/warnings/#warning-{kept.uuid}"
    page = text(office, "/warnings/")
    assert "not XML" in page
    assert "upload alert.xml" in page
    file = office.get(f"/warnings/{kept.uuid}/file")
    assert file.content == b"<alert>"
    assert file.headers["Content-Disposition"].startswith("attachment;")
    assert file.headers["Content-Type"] == "application/octet-stream"


def test_only_those_who_may_take_files_in(adopted: None) -> None:
    colleague = client_of(Person.objects.filter(job="customer_manager")[0], "c")
    assert 'type="file"' not in text(colleague, "/warnings/")
    broken = SimpleUploadedFile("alert.xml", b"<alert>", content_type="text/xml")
    assert colleague.post("/warnings/", {"file": broken}).status_code == 403
    assert Warning.objects.count() == 0
    office = client_of(holder("leading-group-office"), "office")
    assert office.post("/warnings/", {}).status_code == 422


def _noted(**more: Any) -> Warning:
    west = Retailer.objects.order_by("longitude")[0]
    x, y = west.longitude, west.latitude
    ring = [
        [x - 0.1, y - 0.1],
        [x + 0.1, y - 0.1],
        [x + 0.1, y + 0.1],
        [x - 0.1, y + 0.1],
        [x - 0.1, y - 0.1],
    ]
    now = core_clock.now()
    fields: dict[str, Any] = {
        "status": "Actual",
        "msg_type": "Alert",
        "event": "暴雨",
        "headline": "暴雨黄色预警",
        "severity": "Moderate",
        "colour": "yellow",
        "area": {"type": "Polygon", "coordinates": [ring]},
        "effective_at": now,
        "expires_at": now + timedelta(hours=6),
        "received_at": now,
        "verdict": "accepted",
        "raw": b"<alert/>",
    }
    return Warning.objects.create(**(fields | more))


def test_a_noted_warning_starts_the_plan_when_the_office_says_so(adopted: None) -> None:
    noted = _noted()
    colleague = client_of(Person.objects.filter(job="driver")[0], "c")
    assert "Start the plan" not in text(colleague, "/warnings/")
    assert colleague.post(f"/warnings/{noted.uuid}/start").status_code == 403
    assert Incident.objects.count() == 0
    office = client_of(holder("leading-group-office"), "office")
    assert "Start the plan" in text(office, "/warnings/")
    answer = office.post(f"/warnings/{noted.uuid}/start")
    incident = Incident.objects.get()
    assert (incident.kind, answer.headers["Location"]) == ("severe-weather", f"/incidents/{incident.uuid}/")
    assert office.post(f"/warnings/{noted.uuid}/start").status_code == 409


def test_a_warning_that_is_over_is_listed_as_such(adopted: None) -> None:
    _noted(expires_at=core_clock.now() - timedelta(minutes=1))
    page = text(client_of(holder("leading-group-office"), "office"), "/warnings/")
    assert "No warning is in force" in page
    assert "Start the plan" not in page


# --- supply, contacts


def _wanted(retailer: Retailer, cartons: int) -> Any:
    from changbei.network.models import Product
    from changbei.plans.loading import pack_for

    product = Product.objects.filter(supply_class="general", active=True).order_by("pk")[0]
    return supply.assess(
        retailer.licence_no,
        occasion="wedding",
        needed_on=core_clock.local_now().date() + timedelta(days=3),
        path="planned",
        lines=[{"product": product.code, "cartons": cartons}],
        pack=pack_for(PlanVersion.objects.get()),
        run=None,
        actor=None,
    ).request


def test_the_supply_form_says_who_may_approve_and_why_not(adopted: None) -> None:
    good = Retailer.objects.filter(conduct="law_abiding", marked_prices=True).order_by("pk")[0]
    bad = Retailer.objects.filter(conduct="law_abiding", marked_prices=True).order_by("pk")[1]
    Retailer.objects.filter(pk=bad.pk).update(marked_prices=False)
    client = client_of(Person.objects.filter(job="market_manager")[0], "m")
    page = text(client, f"/supply/{_wanted(good, 2).uuid}/")
    assert good.licence_no in page
    assert "Head of customer service" in page
    assert "Waits for approval" in page
    page = text(client, f"/supply/{_wanted(bad, 2).uuid}/")
    assert "prices are not marked" in page
    assert "Refused because:" in page
    assert client.get("/supply/00000000-0000-4000-8000-000000000000/").status_code == 404


def test_contacts_by_group_with_numbers_to_tap(adopted: None) -> None:
    contact = Contact.objects.order_by("pk")[0]
    old = core_clock.local_now().date() - timedelta(days=181)
    Contact.objects.filter(pk=contact.pk).update(reviewed_on=old)
    Contact.objects.exclude(pk=contact.pk).update(reviewed_on=old + timedelta(days=1))
    page = text(client_of(Person.objects.order_by("pk")[0], "p"), "/contacts/")
    assert page.count('class="cb-contact"') == Contact.objects.count()
    assert f'href="tel:{contact.phone}"' in page
    assert page.count("last looked at") == 1
    assert client_of(None, "robot").get("/contacts/").status_code == 403


def test_a_contact_is_looked_at(adopted: None) -> None:
    contact = Contact.objects.order_by("pk")[0]
    Contact.objects.filter(pk=contact.pk).update(reviewed_on=date(2026, 1, 1))
    where = f"/contacts/{contact.code}/"
    driver = client_of(Person.objects.filter(job="driver").order_by("pk")[0], "driver")
    assert driver.get(where).status_code == 403 and where not in text(driver, "/contacts/")
    desk = client_of(Person.objects.filter(job="technician").order_by("pk")[0], "technician")
    assert where in text(desk, "/contacts/") and contact.phone in text(desk, where)
    wrong = desk.post(where, {"person": "某", "phone": "ask Li", "email": ""})
    assert wrong.status_code == 422 and "ask Li" in wrong.content.decode()
    assert desk.post(where, {"person": "某", "phone": "0531-8888 0000", "email": ""}).status_code == 303
    contact.refresh_from_db()
    assert (contact.phone, contact.reviewed_on) == ("0531-8888 0000", core_clock.local_now().date())
    assert desk.get("/contacts/none/").status_code == 404


# --- review


@pytest.fixture
def closed(breakdown: Case) -> Case:
    """Closed with tasks open, an hour after the report: all of them were late."""
    from changbei.incidents import services as incidents
    from changbei.readiness import services as readiness

    running = core_clock.current()
    assert isinstance(running, core_clock.VirtualClock)
    running.advance_to(running.now() + timedelta(hours=1))
    incidents.close(breakdown.incident, reason="exercise over", actor=holder("leading-group-head"))
    readiness.make_review(breakdown.incident, actor=None)
    return breakdown


def test_before_closing_the_review_shows_how_things_stand(breakdown: Case) -> None:
    page = text(breakdown.holder, f"/incidents/{breakdown.incident.uuid}/review/")
    assert "This is how things stand now" in page
    assert breakdown.outsider.get(f"/incidents/{breakdown.incident.uuid}/review/").status_code == 403
    assert breakdown.holder.get(f"/incidents/{breakdown.incident.uuid}/review.pdf").status_code == 404


def test_the_review_says_what_was_late_and_who_mends_it(closed: Case) -> None:
    from changbei.readiness.models import Rectification

    page = text(closed.holder, f"/incidents/{closed.incident.uuid}/review/")
    assert page.count("cb-review-late") == sum(
        bool(task["late_seconds"]) for task in closed.incident.review.content["tasks"]
    )
    assert "50 min late" in page  # confirm-place was due ten minutes after the report
    assert page.count('id="mend-') == Rectification.objects.count() > 0
    assert "Order something to be mended" not in page


def test_a_finding_is_ordered_assigned_and_mended(closed: Case) -> None:
    from changbei.readiness.models import Rectification

    url = f"/incidents/{closed.incident.uuid}/review"
    inspection = client_of(holder("inspection-head"), "inspection")
    due = (core_clock.local_now() + timedelta(days=7)).date().isoformat()
    wanted = {"text": "Check the radios", "clause": "E3.3.1", "owner": closed.driver.staff_no, "due_on": due}
    count = Rectification.objects.count()
    assert closed.colleague_client.post(f"{url}/add", wanted).status_code == 403
    assert inspection.post(f"{url}/add", wanted | {"owner": "nobody"}).status_code == 422
    assert Rectification.objects.count() == count
    assert inspection.post(f"{url}/add", wanted).status_code == 303
    made = Rectification.objects.get(text="Check the radios")
    assert (made.owner, made.due_on.isoformat()) == (closed.driver, due)
    later = {f"r{made.pk}-owner": closed.colleague.staff_no, f"r{made.pk}-due_on": due}
    assert closed.holder.post(f"{url}/{made.pk}/assign", later).status_code == 403
    assert inspection.post(f"{url}/{made.pk}/assign", later).status_code == 303
    assert closed.holder.post(f"{url}/{made.pk}/mend").status_code == 403
    made.refresh_from_db()
    assert (made.owner, made.done_at) == (closed.colleague, None)
    assert closed.colleague_client.post(f"{url}/{made.pk}/mend").status_code == 303
    made.refresh_from_db()
    assert made.done_at == core_clock.now()


def test_supervision_confirms_once(closed: Case) -> None:
    url = f"/incidents/{closed.incident.uuid}/review"
    assert closed.holder.post(f"{url}/confirm", {"remarks": "fine"}).status_code == 403
    inspection = client_of(holder("inspection-head"), "inspection")
    assert inspection.post(f"{url}/confirm", {"remarks": "fine"}).status_code == 303
    page = text(inspection, f"{url}/")
    assert f"Confirmed by {holder('inspection-head').name}" in page
    assert "fine" in page
    assert inspection.post(f"{url}/confirm", {"remarks": "again"}).status_code == 409


def test_the_review_as_a_document(closed: Case, settings: Any) -> None:
    if not all((Path(settings.FONTS) / name).is_file() for name in FONT_FILES):
        pytest.skip("the front end is not built: no fonts for documents")
    answer = closed.holder.get(f"/incidents/{closed.incident.uuid}/review.pdf")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF-")
