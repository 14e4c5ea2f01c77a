"""The readiness page, the registers, the copies of files: as pages and over the API."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client

from changbei.incidents.tests.people import holder
from changbei.people.accounts import issue_token
from changbei.people.models import Account, Person
from changbei.readiness import registers, services
from changbei.readiness.models import Backup, CustomerFileCopy, Rectification, Spare, StandbyPair
from changbei.web.tests.conftest import client_of

pytestmark = pytest.mark.usefixtures("adopted")


@pytest.fixture
def head(adopted: None) -> Client:
    return client_of(holder("info-center-head"), "head")


@pytest.fixture
def driver(adopted: None) -> Client:
    return client_of(Person.objects.filter(job="driver").order_by("pk")[0], "driver")


def test_all_checks_with_what_does_not_hold_first(head: Client) -> None:
    StandbyPair.objects.update(took_over=False)
    assert head.post("/readiness/look").status_code == 303
    page = head.get("/readiness/").content.decode()
    assert "did not take over in the test on" in page
    assert "Two machines in hot standby, tested in time" in page
    assert 'href="/readiness/registers/standby/"' in page
    assert page.index('data-state="fails"') < page.index('data-state="holds"')
    assert "Newest backup" in page and "46 min" in page


def test_drivers_see_it_and_do_not_run_it(driver: Client) -> None:
    page = driver.get("/readiness/")
    assert page.status_code == 200 and "Look now" not in page.content.decode()
    assert driver.post("/readiness/look").status_code == 403


def test_every_link_of_the_page_leads_somewhere(head: Client, driver: Client) -> None:
    """Nobody is sent to a register that does not exist, or to one that they may not see."""
    for client in (head, driver):
        page = client.get("/readiness/").content.decode()
        links = set(re.findall(r'href="(/(?:readiness|early-warnings|contacts)[^"#?]*)', page))
        assert {"/early-warnings/", "/contacts/"} < links
        assert {link: client.get(link).status_code for link in links} == dict.fromkeys(links, 200)


@pytest.mark.parametrize("name", sorted(registers.REGISTERS))
def test_every_register_has_its_page_and_forms(head: Client, name: str) -> None:
    register = registers.get(name)
    services.plan_rota()
    assert head.get(f"/readiness/registers/{name}/").status_code == 200
    may = register.permission in {
        "readiness.record",
        "readiness.check",
        "people.verify_phone",
        "supply.replenish",
        "network.import",
    }
    assert may
    boss = client_of(holder("marketing-center-head"), "boss")
    if register.adds:
        assert boss.get(f"/readiness/registers/{name}/new").status_code == 200
    row = register.queryset().first()
    assert row is not None or name == "areas"  # those come from a file
    if register.edits and row is not None:
        assert boss.get(f"/readiness/registers/{name}/{row.pk}").status_code == 200


def test_a_spare_is_counted_on_its_page(head: Client, driver: Client) -> None:
    spare = Spare.objects.get(kind="voice-board")
    url = f"/readiness/registers/spares/{spare.pk}"
    given = {
        "kind": "voice-board",
        "site": "delivery-center",
        "planned": 2,
        "present": 1,
        "counted_on": "2026-11-23",
    }
    assert driver.post(url, given).status_code == 403
    assert head.post(url, {**given, "present": "none"}).status_code == 422
    spare.refresh_from_db()
    assert (spare.planned, spare.present) == (1, 1)
    assert head.post(url, given).status_code == 303
    spare.refresh_from_db()
    assert (spare.planned, spare.present) == (2, 1)


def test_an_inspection_with_findings_is_mended_on_the_list(head: Client) -> None:
    given = {"target": "server-room", "findings": "Dust\nNo extinguisher", "note": ""}
    assert head.post("/readiness/registers/inspections/new", given).status_code == 303
    first = Rectification.objects.order_by("pk")[0]
    page = head.get("/readiness/mending/?mine=1").content.decode()
    assert "Dust" in page and "No extinguisher" in page
    assert head.post(f"/readiness/mending/{first.pk}/done").status_code == 303
    assert "Dust" not in head.get("/readiness/mending/").content.decode()


def test_experience_is_kept_and_searched(head: Client) -> None:
    given = {"title": "Standby first", "text": "Then the vendor", "clause": "E3.1.7", "incident": ""}
    assert head.post("/readiness/experience/", given).status_code == 303
    assert "Then the vendor" in head.get("/readiness/experience/?q=standby").content.decode()
    assert "Then the vendor" not in head.get("/readiness/experience/?q=snow").content.decode()


def test_a_customer_manager_takes_the_own_files_out(driver: Client) -> None:
    one = Person.objects.filter(customers__isnull=False).distinct().order_by("pk")[0]
    other = Person.objects.filter(customers__isnull=False).exclude(pk=one.pk).distinct().order_by("pk")[0]
    client, before = client_of(one, "manager"), CustomerFileCopy.objects.count()
    given = {"manager": one.staff_no, "purpose": "Typhoon", "kept_at": "Safe"}
    assert client.post("/readiness/files/", {**given, "manager": other.staff_no}).status_code == 422
    assert driver.get("/readiness/files/").status_code == 403
    assert CustomerFileCopy.objects.count() == before
    answer = client.post("/readiness/files/", given)
    assert answer.headers["Content-Disposition"].startswith(
        f'attachment; filename="customer-files-{one.staff_no}-'
    )
    assert answer.content.decode().count("<article>") == one.customers.filter(active=True).count()
    copy = CustomerFileCopy.objects.latest("pk")
    assert client.post(f"/readiness/files/{copy.uuid}/destroyed").status_code == 303
    copy.refresh_from_db()
    assert copy.destroyed_on is not None


def api(post: str) -> Client:
    account = Account.objects.create_user(f"api-{post}", None, person=holder(post))
    key = issue_token(account, "test", actor=None)
    return Client(headers={"authorization": f"Bearer {key}", "accept-language": "en"})


def test_scripts_report_backups_over_the_api() -> None:
    client = api("info-center-head")
    body = {"system": "marketing-system", "taken_at": "2026-11-23T08:30:00+08:00"}
    answer = client.post("/api/v1/readiness/backups", json.dumps(body), content_type="application/json")
    assert answer.status_code == 201
    stored = body | {"stored_at": "2026-11-23T09:00:00+08:00"}
    again = client.post("/api/v1/readiness/backups", json.dumps(stored), content_type="application/json")
    assert again.json() == answer.json()
    assert Backup.objects.get(pk=answer.json()["id"]).stored_at is not None
    wrong = body | {"taken_at": "2026-11-24T08:30:00+08:00"}
    refused = client.post("/api/v1/readiness/backups", json.dumps(wrong), content_type="application/json")
    assert (refused.status_code, refused.json()["problems"][0]["field"]) == (422, "taken_at")


def test_checks_and_registers_over_the_api() -> None:
    client = api("info-center-head")
    checks = {one["id"]: one for one in client.post("/api/v1/readiness/look").json()}
    assert (checks["hot-standby"]["holds"], checks["hot-standby"]["registry"]) == (True, "standby")
    names = {one["id"] for one in client.get("/api/v1/readiness/registers").json()}
    assert names == set(registers.REGISTERS)
    rows = client.get("/api/v1/readiness/registers/spares").json()
    board = next(one for one in rows if one["kind"] == "voice-board")
    url = f"/api/v1/readiness/registers/spares/{board['id']}"
    assert client.put(url, json.dumps({"present": 0}), content_type="application/json").status_code == 200
    assert Spare.objects.get(pk=board["id"]).present == 0
    assert client.get("/api/v1/readiness/registers/none").status_code == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("backups", {"system": "marketing", "taken_at": "2026-11-23T00:00:00"}),
        ("backups", {"system": "marketing", "taken_at": "2026-11-23T00:00:00Z", "megabytes": 10**20}),
        ("backups", {"system": "\x00", "taken_at": "2026-11-23T00:00:00Z"}),
        ("restore-drills", {"system": "marketing", "on": "2026-11-23", "restore_seconds": 10**20}),
        ("restore-drills", {"system": "marketing", "on": "2026-11-23", "restore_seconds": -1}),
        ("restore-drills", {"system": "a\ud800b", "on": "2026-11-23", "restore_seconds": 1}),
    ],
)
def test_what_cannot_be_kept_is_invalid(adopted: None, path: str, body: dict[str, object]) -> None:
    person = holder("info-center-head")
    account = Account.objects.create_user("backups", None, person=person)
    key = issue_token(account, "backups", actor=None)
    answer = Client(headers={"authorization": f"Bearer {key}"}).post(
        f"/api/v1/readiness/{path}", json.dumps(body), content_type="application/json"
    )
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid")
