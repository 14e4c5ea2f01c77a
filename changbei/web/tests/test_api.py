"""The HTTP API: keys, every verb once, refusals as JSON that names what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory

from changbei.core.clock import VirtualClock
from changbei.incidents.models import Incident, Suspension, Warning
from changbei.incidents.tests.people import box, breakdown, head, holder, van
from changbei.network.models import Retailer
from changbei.people.accounts import issue_token, revoke_token
from changbei.people.models import Account, Person
from changbei.plans.models import PlanVersion
from changbei.runs.models import Evidence, Task
from changbei.web.errors import CODES
from changbei.web.heads import HeadAsGet

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32


class Caller:
    """Somebody with a key."""

    def __init__(self, person: Person | None, login: str = "") -> None:
        name = login or (person.staff_no if person else "nobody")
        account = Account.objects.filter(login=name).first()
        self.account = account or Account.objects.create(login=name, person=person, password="!")
        self.key = issue_token(self.account, "test", actor=None)
        self.client = Client(headers={"Authorization": f"Bearer {self.key}", "Accept-Language": "en"})

    def get(self, path: str, **query: Any) -> tuple[int, Any]:
        answer = self.client.get(f"/api/v1{path}", query)
        return answer.status_code, answer.json()

    def post(self, path: str, body: Any = None) -> tuple[int, Any]:
        answer = self.client.post(f"/api/v1{path}", body or {}, content_type="application/json")
        return answer.status_code, answer.json()


@pytest.fixture
def driver(plan: PlanVersion) -> Caller:
    return Caller(van("1").keeper)


def _task(incident: str, item: str) -> Task:
    return Task.objects.select_related("holder").get(run__of_incident__number=incident, item=item)


def _reported(driver: Caller) -> dict[str, Any]:
    status, body = driver.post("/incidents", {"kind": "vehicle-breakdown", "data": breakdown("1")})
    assert status == 201, body
    found: dict[str, Any] = body["incident"]
    return found


def test_without_a_key_nothing_is_said(plan: PlanVersion) -> None:
    for headers in ({}, {"Authorization": "Bearer cb_wrong"}, {"Authorization": "Basic eDp5"}):
        answer = Client(headers=headers).get("/api/v1/incidents")
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.json()["error"] == "not_known"
        assert answer.json()["problems"] == []
    answer = Client().post(
        "/api/v1/incidents", {"kind": "vehicle-breakdown", "data": breakdown("1")}, "application/json"
    )
    assert answer.status_code == 401
    assert Incident.objects.count() == 0


def test_a_revoked_key_and_a_login_on_the_pages_do_not_open_the_api(driver: Caller) -> None:
    revoke_token(driver.account.tokens.get(), actor=None)
    assert driver.get("/incidents")[0] == 401
    pages = Client()
    pages.force_login(driver.account)
    assert pages.get("/api/v1/incidents").status_code == 401


def test_a_report_gets_a_number_and_the_second_joins_it(driver: Caller) -> None:
    first = _reported(driver)
    assert first["number"] == "INC-0001"
    assert first["level"] == "LOCAL"
    assert first["title"]["en"] == "Vehicle breakdown · van 1"
    status, body = driver.post("/incidents", {"kind": "vehicle-breakdown", "data": breakdown("1")})
    assert status == 200
    assert body["joined"] is True
    assert body["incident"]["uuid"] == first["uuid"]
    assert list(Incident.objects.values_list("reports__source", flat=True)) == ["api", "api"]


def test_a_report_without_its_fields_is_told_which(driver: Caller) -> None:
    status, body = driver.post("/incidents", {"kind": "vehicle-breakdown", "data": {"vehicle": "1"}})
    assert status == 422
    assert body["error"] == "invalid"
    assert {"field": "injured", "message": "This is needed."} in body["problems"]
    assert [one["field"] for one in body["problems"]] == ["place", "injured", "goods_aboard"]
    status, body = driver.post("/incidents", {"data": {}})
    assert (status, body["problems"]) == (422, [{"field": "kind", "message": "Field required"}])
    status, body = driver.post("/incidents", {"kind": "no-such-thing", "data": {}})
    assert (status, body["error"]) == (404, "not_found")
    answer = driver.client.post("/api/v1/incidents", "{nonsense", content_type="application/json")
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "invalid",
        "message": "The body cannot be read: JSON is needed.",
        "problems": [],
    }
    assert Incident.objects.count() == 0


def test_every_refusal_is_json_and_in_the_description(driver: Caller) -> None:
    assert driver.get("/no/such/thing") == (
        404,
        {"error": "not_found", "message": "There is no such page.", "problems": []},
    )
    answer = driver.client.post(
        "/api/v1/tasks/00000000-0000-4000-8000-000000000000/attach", "x", content_type="multipart/form-data"
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid")
    paths = driver.client.get("/api/v1/openapi.json").json()["paths"]
    for path, verbs in paths.items():
        for verb, told in verbs.items():
            assert {"400", "401", "403", "404", "422"} <= set(told["responses"]), (verb, path)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/incidents", "GET, HEAD, POST"),
        ("PUT", "/tasks/00000000-0000-4000-8000-000000000000", "GET, HEAD"),
        ("POST", "/openapi.json", "GET, HEAD"),
        ("POST", "/docs", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_refused_like_everything_else(
    driver: Caller, method: str, path: str, allowed: str
) -> None:
    browser = Client(enforce_csrf_checks=True, headers={"Accept-Language": "en"})
    answer = browser.generic(method, f"/api/v1{path}")
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {
        "error": "not_offered",
        "message": f"{method} is not offered here, but {allowed}.",
        "problems": [],
    }


def test_head_is_answered_like_get_without_the_body(driver: Caller) -> None:
    for path in (
        "/incidents",
        "/incidents?limit=1",
        "/openapi.json",
        "/no/such/thing",
        "/incidents/nonsense",
    ):
        whole, head = driver.client.get(f"/api/v1{path}"), driver.client.head(f"/api/v1{path}")
        assert (head.status_code, head.content) == (whole.status_code, b""), path
        assert head.headers["Content-Length"] == str(len(whole.content)), path
        assert head.headers["Content-Type"] == whole.headers["Content-Type"]
    assert Client().head("/api/v1/incidents").status_code == 401
    refused = driver.client.head("/api/v1/tasks/00000000-0000-4000-8000-000000000000/attach")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "made", [lambda: HttpResponse("words"), lambda: StreamingHttpResponse(["wo", "rds"])]
)
def test_no_server_has_to_cut_the_body_of_head_off(made: Callable[[], HttpResponse]) -> None:
    answer = HeadAsGet(lambda _request: made())(RequestFactory().head("/api/v1/incidents"))
    assert b"".join(answer) == b""
    page = HeadAsGet(lambda request: HttpResponse(request.method))(RequestFactory().head("/delivery/"))
    assert page.content == b"HEAD"


def test_what_nobody_thought_of_is_json_too(driver: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object, **more: object) -> None:
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr("changbei.web.api.incidents.services.report", fails)
    driver.client.raise_request_exception = False
    status, body = driver.post("/incidents", {"kind": "vehicle-breakdown", "data": {}})
    assert (status, body["error"], body["problems"]) == (500, "failed", [])
    assert "nobody thought of this" not in body["message"]


def test_refusals_are_in_words_and_in_the_callers_language(driver: Caller) -> None:
    nowhere = "00000000-0000-4000-8000-000000000000"
    assert driver.get(f"/incidents/{nowhere}") == (
        404,
        {
            "error": "not_found",
            "message": f"There is nothing here that you can see. ({nowhere})",
            "problems": [],
        },
    )
    status, body = driver.post("/people/posts/leading-group-head/appoint", {"staff_no": "CB0001", "rank": 1})
    assert (status, body["message"]) == (403, "You may not do this. (people.appoint)")
    driver.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "zh-hans"
    assert driver.get("/incidents/no-uuid")[1]["message"] == "填写有缺漏或错误。"
    nobody = Caller(None, "nobody")
    nobody.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "zh-hans"
    assert nobody.get("/tasks") == (
        403,
        {"error": "not_allowed", "message": "此密钥不属于任何人员", "problems": []},
    )


def test_refusals_are_told_on_the_page_about_the_api(driver: Caller) -> None:
    pages = Client(headers={"Accept-Language": "en"})
    pages.force_login(driver.account)
    page = pages.get("/api/v1/docs").content.decode()
    for status, code in CODES.items():
        assert f'<th scope="row">{status}</th><td><code>{code}</code></td>' in page


def test_an_incident_is_shown_with_everything_about_it(driver: Caller) -> None:
    made = _reported(driver)
    status, body = driver.get(f"/incidents/{made['uuid']}")
    assert status == 200
    items = {task["item"]: task for task in body["tasks"]}
    assert items["take-charge"]["clause"] == "E3.3.1"
    assert items["take-charge"]["holder"]["staff_no"] == _task("INC-0001", "take-charge").holder.staff_no
    roles = {role["role"]: role for role in body["roles"]}
    assert roles["driver"]["person"]["staff_no"] == van("1").keeper.staff_no
    assert roles["driver"]["why"] == "named"
    assert body["messages_count"] == len(body["messages"]) > 0
    assert {message["to"] for message in body["messages"]} == {"staff"}
    assert driver.get("/incidents")[1]["count"] == 1
    assert driver.get("/incidents", status="closed")[1] == {"count": 0, "items": []}
    assert driver.get("/incidents", number="INC-0001")[1]["items"][0]["uuid"] == made["uuid"]
    assert driver.get("/incidents/00000000-0000-4000-8000-000000000000")[0] == 404


def test_the_holder_acts_and_a_stranger_may_not(driver: Caller) -> None:
    _reported(driver)
    task = _task("INC-0001", "take-charge")
    dispatcher = Caller(task.holder)
    status, body = driver.post(f"/tasks/{task.uuid}/acknowledge")
    assert (status, body["error"]) == (403, "not_allowed")
    task.refresh_from_db()
    assert task.status == "open"
    assert [one["item"] for one in dispatcher.get("/tasks")[1]][:1] == ["take-charge"]
    status, body = dispatcher.post(f"/tasks/{task.uuid}/acknowledge")
    assert (status, body["status"]) == (200, "acknowledged")
    status, body = dispatcher.post(f"/tasks/{task.uuid}/complete")
    assert (status, body["status"], body["done_by"]["staff_no"]) == (200, "done", task.holder.staff_no)
    status, body = driver.post(f"/tasks/{task.uuid}/complete")
    assert status == 403
    status, body = dispatcher.post(f"/tasks/{task.uuid}/acknowledge")
    assert (status, body["error"]) == (409, "conflict")


def test_a_decision_asks_for_an_option_that_exists(driver: Caller) -> None:
    data = breakdown("1", injured=True)
    assert driver.post("/incidents", {"kind": "vehicle-breakdown", "data": data})[0] == 201
    task = _task("INC-0001", "times")
    commander = Caller(task.holder)
    status, body = commander.post(f"/tasks/{task.uuid}/decide", {"option": "never"})
    assert (status, body["problems"]) == (422, [{"field": "option", "message": "one of today, next-day"}])
    status, body = commander.post(f"/tasks/{task.uuid}/decide", {"option": "next-day"})
    assert (status, body["status"], body["result"]) == (200, "done", {"option": "next-day"})


def test_a_task_is_handed_over_and_evidence_attached(driver: Caller) -> None:
    data = breakdown("1", cause="accident")
    assert driver.post("/incidents", {"kind": "vehicle-breakdown", "data": data})[0] == 201
    task = _task("INC-0001", "secure-site")
    url = f"/api/v1/tasks/{task.uuid}/attach"
    status, body = driver.post(f"/tasks/{task.uuid}/complete")
    assert status == 422
    assert [one["field"] for one in body["problems"]] == ["evidence"]
    photo = SimpleUploadedFile("site.png", PNG, content_type="image/png")
    answer = driver.client.post(url, {"kind": "photo", "file": photo})
    assert answer.status_code == 201, answer.content
    assert answer.json()["sha256"] == Evidence.objects.get().sha256
    answer = driver.client.post(url, {"kind": "photo"})
    assert (answer.status_code, answer.json()["problems"][0]["field"]) == (422, "file")
    colleague = van("2").keeper
    assert driver.post(f"/tasks/{task.uuid}/hand-over", {"to": "none"})[0] == 404
    status, body = driver.post(f"/tasks/{task.uuid}/hand-over", {"to": colleague.staff_no})
    assert (status, body["holder"]["staff_no"]) == (200, colleague.staff_no)


def test_counts_and_suspends_by_polygon(driver: Caller) -> None:
    made = _reported(driver)
    area = box()
    status, body = driver.post("/retailers/count", {"area": area})
    assert status == 200
    assert (body["retailers"], body["total"], body["share"]) == (300, 300, 1.0)
    assert body["key"] == Retailer.objects.filter(is_key=True).count()
    assert driver.post("/suspensions/preview", {"area": area})[1] == body
    status, body = driver.post("/retailers/count", {"area": {"type": "Point", "coordinates": [1, 2]}})
    assert (status, body["problems"][0]["field"]) == (422, "area")

    from changbei.core import clock

    start = clock.now() + timedelta(hours=1)
    wanted = {
        "incident": made["uuid"],
        "area": area,
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=8)).isoformat(),
        "reason": "flood",
    }
    assert driver.post("/suspensions", wanted)[0] == 403
    assert Suspension.objects.count() == 0
    leader = Caller(head())
    status, body = leader.post("/suspensions", wanted | {"ends_at": wanted["starts_at"]})
    assert (status, body["problems"][0]["field"]) == (422, "ends_at")
    status, body = leader.post("/suspensions", wanted | {"starts_at": "2026-11-23T10:00:00"})
    assert (status, body["problems"][0]["field"]) == (422, "starts_at")
    status, body = leader.post("/suspensions", wanted)
    assert (status, body["scope"], body["retailers"]) == (201, "whole", 300)
    url = f"/suspensions/{body['uuid']}"
    later = (start + timedelta(hours=9)).isoformat()
    assert leader.post(f"{url}/extend", {"ends_at": later})[0] == 200
    assert driver.post(f"{url}/resume")[0] == 403
    status, body = leader.post(f"{url}/resume")
    assert status == 200
    assert body["resumed_at"] is not None
    assert leader.post(f"{url}/resume")[0] == 409


def test_a_warning_is_pushed_as_it_is(plan: PlanVersion, clock: VirtualClock) -> None:
    office = Caller(holder("leading-group-office"))
    answer = office.client.post("/api/v1/warnings", b"<alert>", content_type="application/cap+xml")
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["message"].startswith("not XML")
    kept = Warning.objects.get()
    assert (bytes(kept.raw), kept.verdict) == (b"<alert>", "refused")
    customer_manager = Caller(Person.objects.filter(job="customer_manager")[0])
    answer = customer_manager.client.post("/api/v1/warnings", b"<alert>", content_type="application/cap+xml")
    assert answer.status_code == 403
    assert Warning.objects.count() == 1
    assert office.get("/warnings")[1][0]["uuid"] == str(kept.uuid)


def test_recoveries_of_an_incident(driver: Caller) -> None:
    made = _reported(driver)
    assert driver.get("/recoveries", incident=made["uuid"]) == (200, [])
    assert driver.get("/recoveries/00000000-0000-4000-8000-000000000000")[0] == 404


def test_a_key_of_nobody_reads_nothing_and_does_nothing(plan: PlanVersion) -> None:
    robot = Caller(None, "robot")
    status, body = robot.post("/incidents", {"kind": "vehicle-breakdown", "data": breakdown("1")})
    assert (status, body["error"]) == (403, "not_allowed")
    assert robot.get("/incidents")[0] == 403
    assert Incident.objects.count() == 0


def test_the_description_is_served_without_a_key_and_the_page_to_the_staff(driver: Caller) -> None:
    described = Client().get("/api/v1/openapi.json").json()
    assert "/api/v1/incidents/{uuid}" in described["paths"]
    assert "/api/v1/recoveries/{uuid}/accept" in described["paths"]
    assert Client().get("/api/v1/docs").status_code == 302
    pages = Client()
    pages.force_login(driver.account)
    page = pages.get("/api/v1/docs").content.decode()
    assert "/api/v1/suspensions/preview" in page
    assert "//cdn" not in page
