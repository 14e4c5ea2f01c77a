"""Board, incident, tasks, messages and absences as three people see and use them."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.urls import reverse

from changbei.core import clock
from changbei.incidents import services as incidents
from changbei.incidents.models import Incident
from changbei.journal import heartbeat
from changbei.journal.models import Entry
from changbei.notify.models import Message, Notice
from changbei.people.models import Absence, Account, Person, PostHolding
from changbei.people.services import create_demo_accounts
from changbei.runs import services
from changbei.runs.models import Evidence, RoleHolding, Task
from changbei.web.tests.conftest import Case, client_of

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000"
    "05000155a27c2a0000000049454e44ae426082"
)


def post(client: Client, name: str, *args: object, **data: object) -> object:
    return client.post(reverse(name, args=args), data)


def pages(case: Case) -> list[str]:
    task = case.task("confirm-place")
    return [
        reverse("board"),
        reverse("my-tasks"),
        reverse("inbox"),
        reverse("absence"),
        reverse("incident", args=[case.incident.uuid]),
        reverse("incident-map", args=[case.incident.uuid]),
        reverse("task", args=[task.uuid]),
        reverse("map-city"),
        reverse("map-board"),
    ]


# ---------------------------------------------------------------- who may come in


def test_every_page_asks_for_a_login(breakdown: Case) -> None:
    for url in pages(breakdown):
        response = Client().get(url)
        assert (response.status_code, response["Location"].partition("?")[0]) == (302, "/login/"), url


def test_a_part_asked_for_after_the_session_has_ended_leaves_the_page_as_it_is(breakdown: Case) -> None:
    for answer in (
        Client().get(reverse("board"), headers={**HTMX, "accept-language": "en"}),
        Client().post(reverse("broadcast-preview"), headers={**HTMX, "accept-language": "en"}),
    ):
        assert answer.status_code == 401
        assert "HX-Redirect" not in answer.headers
        assert "<p data-error>You are logged out." in answer.content.decode()


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://testserver/tasks/?show=done#top", "/tasks/%3Fshow%3Ddone"),
        ("http://elsewhere.example/tasks/", "/"),
        ("", "/"),
    ],
)
def test_what_was_sent_after_the_session_has_ended_leads_back_to_its_page(
    breakdown: Case, referer: str, back: str
) -> None:
    url = reverse("task-finish", args=[breakdown.task("confirm-place").uuid])
    answer = Client().post(url, headers={"referer": referer} if referer else {})
    assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={back}")


def test_a_form_of_before_a_login_elsewhere_is_refused_in_words(breakdown: Case) -> None:
    client = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    client.force_login(Account.objects.get(login="holder"))
    answer = client.post(reverse("absence"), {})
    assert (answer.status_code, answer.context["status"]) == (403, 403)
    assert "<h1 data-error>This page is out of date" in answer.content.decode()
    part = client.post(reverse("absence"), {}, headers=HTMX)
    assert "send it once more" in json.loads(part["HX-Trigger"])["changbei:toast"]["text"]


@pytest.mark.parametrize(
    ("language", "words"),
    [("zh-Hans", "没有这个页面。"), ("zh-Hant", "沒有這個頁面。"), ("en", "There is no such page.")],
)
def test_an_address_that_leads_nowhere_is_said_in_the_readers_language(
    breakdown: Case, language: str, words: str
) -> None:
    for client in (Client(), breakdown.colleague_client):
        answer = client.get("/no/such/page", headers={"Accept-Language": language})
        assert (answer.status_code, answer.context["headline"]) == (404, words)
        assert f'lang="{language}"' in answer.content.decode()


def test_a_part_that_is_not_there_is_a_toast(breakdown: Case) -> None:
    answer = breakdown.colleague_client.get("/no/such/part", headers=HTMX)
    assert (answer.status_code, answer.content) == (404, b"")
    assert "changbei:toast" in answer.headers["HX-Trigger"]


def test_a_request_for_another_host_is_refused_in_words() -> None:
    answer = Client(headers={"Host": "evil.example", "Accept-Language": "en"}).get("/")
    assert answer.status_code == 400
    assert "This cannot be read." in answer.content.decode()


def test_somebody_of_the_staff_may_look_at_everything(breakdown: Case) -> None:
    for url in pages(breakdown):
        assert breakdown.colleague_client.get(url).status_code == 200, url


def test_an_administrator_is_offered_what_the_own_posts_permit(breakdown: Case) -> None:
    """The verbs ask the person, and so do the buttons."""
    Account.objects.filter(person=breakdown.colleague).update(is_admin=True)
    context = breakdown.colleague_client.get(reverse("incident", args=[breakdown.incident.uuid])).context
    assert (context["may_close"], context["may_change_level"], context["suspend_url"]) == (False, False, "")
    assert (
        breakdown.colleague_client.get(reverse("suspend", args=[breakdown.incident.uuid])).status_code == 403
    )
    assert breakdown.colleague_client.get(reverse("delivery")).context["may_disrupt"] is False
    assert breakdown.colleague_client.get(reverse("disruptions")).status_code == 403


def test_an_account_without_a_person_sees_nothing(breakdown: Case) -> None:
    assert [breakdown.outsider.get(url).status_code for url in pages(breakdown)] == [
        403, 403, 403, 403, 404, 404, 404, 403, 403,
    ]  # fmt: skip


def test_the_demo_lets_one_pick_a_role(adopted: None) -> None:
    roles = create_demo_accounts()
    client = Client()
    with override_settings(DEMO=True):
        assert (
            roles[0].role["en"] in client.get("/login/", headers={"accept-language": "en"}).content.decode()
        )
        response = client.post(
            reverse("login-role"), {"role": "dispatcher", "next": "https://elsewhere.example/"}
        )
    assert (response.status_code, response["Location"]) == (303, "/")
    assert client.session["_auth_user_id"] == str(Account.objects.get(login="dispatcher").pk)


def test_outside_the_demo_no_role_can_be_picked(adopted: None) -> None:
    create_demo_accounts()
    client = Client()
    with override_settings(DEMO=False):
        assert client.post(reverse("login-role"), {"role": "dispatcher"}).status_code == 404
        assert "login-role" not in client.get("/login/").content.decode()
    assert "_auth_user_id" not in client.session


def test_a_wrong_password_is_said(adopted: None) -> None:
    create_demo_accounts()
    response = Client().post("/login/", {"username": "dispatcher", "password": "wrong"})
    assert response.status_code == 422


# ---------------------------------------------------------------- the board


def test_the_board_counts_what_is_open_and_what_is_late(breakdown: Case, clock: clock.VirtualClock) -> None:
    tasks = Task.objects.filter(run=breakdown.incident.run, status="open")
    context = breakdown.holder.get("/").context
    assert [figure.value for figure in context["figures"]][:3] == [1, tasks.count(), 0]
    case = context["cases"][0]
    assert (case.incident.number, case.open_tasks, case.late) == ("INC-0001", tasks.count(), 0)
    first = min(task.acknowledge_due_at for task in tasks if task.acknowledge_due_at)
    assert case.next.due_at == first
    clock.advance(timedelta(hours=12))
    late = sum(task.due_at < clock.now() for task in tasks if task.due_at)
    assert late > 0
    assert breakdown.holder.get("/").context["cases"][0].late == late


def test_the_board_costs_the_same_however_much_goes_on(
    breakdown: Case, django_assert_max_num_queries: object
) -> None:
    breakdown.holder.get("/")
    with django_assert_max_num_queries(29):  # type: ignore[operator]
        breakdown.holder.get("/")
    outage = {"fails": "server", "since": "2026-11-23T09:00:00+08:00", "stops_work": True}
    incidents.report("ordering-system-down", outage, actor=breakdown.driver, source="web")
    with django_assert_max_num_queries(29):  # type: ignore[operator]
        assert len(breakdown.holder.get("/").context["cases"]) == 2


def test_a_polled_board_brings_the_servers_clock_and_the_engines_pulse(
    breakdown: Case, clock: clock.VirtualClock
) -> None:
    heartbeat.beat()
    response = breakdown.holder.get("/", headers=HTMX)
    assert response["X-Server-Now"] == clock.now().isoformat()
    assert response["X-Engine-Still"] == "0"
    assert "<html" not in response.content.decode()
    clock.advance(timedelta(seconds=95))
    assert breakdown.holder.get("/", headers=HTMX)["X-Engine-Still"] == "95"


def test_the_map_knows_the_incident(breakdown: Case) -> None:
    layers = breakdown.holder.get(reverse("map-board")).json()["layers"]
    assert set(layers) >= {
        "districts",
        "streets",
        "sites",
        "places",
        "vans",
        "incidents",
        "suspensions",
        "warnings",
    }
    for layer in layers.values():
        assert breakdown.holder.get(layer["url"]).json()["type"] == "FeatureCollection"
    [feature] = breakdown.holder.get(layers["incidents"]["url"]).json()["features"]
    assert feature["properties"]["name"] == "INC-0001"
    assert feature["properties"]["url"] == f"/incidents/{breakdown.incident.uuid}/"
    assert breakdown.holder.get("/map/nothing.json").status_code == 404


# ---------------------------------------------------------------- the incident


def test_the_incident_shows_tasks_roles_messages_and_timeline(breakdown: Case) -> None:
    response = breakdown.colleague_client.get(reverse("incident", args=[breakdown.incident.uuid]))
    text, context = response.content.decode(), response.context
    assert breakdown.driver.name in text
    cards = [card for run in context["runs"] for stage in run.stages for card in stage.cards]
    assert len(cards) == Task.objects.filter(run=breakdown.incident.run).count()
    assert {role.why for role in context["roles"]} >= {
        "holds the post",
        "named by the report or by a hand-over",
    }
    told = sum(len(one.messages) for one in context["told"])
    assert told == Message.objects.filter(notice__incident=breakdown.incident.uuid).count() > 0
    assert context["entries"][-1].text == "reported it"
    assert context["entries"][-1].actor == breakdown.driver.name
    assert not any(entry.text.startswith(("runs.", "incidents.", "notify.")) for entry in context["entries"])
    assert [context[name] for name in ("may_close", "may_restore", "may_change_level")] == [False] * 3


def test_the_incident_costs_a_bounded_number_of_queries(
    breakdown: Case, django_assert_max_num_queries: object
) -> None:
    url = reverse("incident", args=[breakdown.incident.uuid])
    breakdown.holder.get(url)
    with django_assert_max_num_queries(36):  # type: ignore[operator]
        breakdown.holder.get(url)


@pytest.mark.parametrize("verb", ["all-clear", "restored", "close", "level"])
def test_who_may_not_command_changes_nothing(breakdown: Case, verb: str) -> None:
    before, entries = Incident.objects.values().get(), Entry.objects.count()
    data = {"reason": "because", "level": "MAJOR"}
    for client, status in ((breakdown.colleague_client, 403), (breakdown.outsider, 404)):
        response = post(client, f"incident-{verb}", breakdown.incident.uuid, **data)
        assert response.status_code == status  # type: ignore[attr-defined]
    assert Incident.objects.values().get() == before
    assert Entry.objects.count() == entries


@pytest.fixture
def head(breakdown: Case) -> Client:
    holding = PostHolding.objects.get(post__kind="leading-group-head", rank=1, until=None)
    return client_of(holding.person, "head")


def test_the_head_changes_the_level_with_a_reason(breakdown: Case, head: Client) -> None:
    response = post(head, "incident-level", breakdown.incident.uuid, level="MAJOR", reason=" ")
    assert response.status_code == 422  # type: ignore[attr-defined]
    assert Incident.objects.get().level == "LOCAL"
    response = post(head, "incident-level", breakdown.incident.uuid, level="MAJOR", reason="three vans")
    assert response.status_code == 303  # type: ignore[attr-defined]
    assert Incident.objects.get().level == "MAJOR"
    page = head.get(reverse("incident", args=[breakdown.incident.uuid]))
    assert page.context["command"].post.commander.account.login == "head"
    assert "changed the level from local to major" in [entry.text for entry in page.context["entries"]]


def test_closing_with_open_tasks_wants_a_reason(breakdown: Case, head: Client) -> None:
    uuid = breakdown.incident.uuid
    assert post(head, "incident-close", uuid, reason="").status_code == 409  # type: ignore[attr-defined]
    assert Incident.objects.get().status == "open"
    assert post(head, "incident-close", uuid, reason="false alarm").status_code == 303  # type: ignore[attr-defined]
    assert Incident.objects.get().status == "closed"
    assert set(Task.objects.values_list("status", flat=True)) == {"cancelled"}


def test_service_is_back(breakdown: Case, head: Client) -> None:
    assert post(head, "incident-restored", breakdown.incident.uuid).status_code == 303  # type: ignore[attr-defined]
    assert Incident.objects.get().status == "restored"


# ---------------------------------------------------------------- tasks


def test_my_tasks_are_mine_the_first_due_on_top(breakdown: Case) -> None:
    mine = Task.objects.filter(holder=breakdown.driver, status="open").order_by("due_at", "id")
    cards = breakdown.holder.get("/tasks/").context["tasks"]
    assert [card.key for card in cards] == [str(task.uuid) for task in mine]
    assert cards[0].actions[0].label == "Accept"
    assert breakdown.colleague_client.get("/tasks/").context["tasks"] == []
    done = breakdown.holder.get("/tasks/?show=done").context
    assert [report.incident.number for report in done["reports"]] == ["INC-0001"]


def test_accepting_with_one_tap(breakdown: Case) -> None:
    task = breakdown.task("confirm-place")
    response = post(breakdown.holder, "task-acknowledge", task.uuid, next="/tasks/")
    assert (response.status_code, response["Location"]) == (303, "/tasks/")  # type: ignore[attr-defined,index]
    task.refresh_from_db()
    assert (task.status, task.acknowledged_by) == ("acknowledged", breakdown.driver)


@pytest.mark.parametrize(
    ("verb", "data"),
    [
        ("acknowledge", {}),
        ("finish", {}),
        ("attach", {"note": "mine"}),
        ("hand-over", {"to": "CB0001"}),
    ],
)
def test_a_task_of_somebody_else_stays_as_it_is(breakdown: Case, verb: str, data: dict[str, str]) -> None:
    task = breakdown.task("confirm-place")
    before, entries = Task.objects.values().get(pk=task.pk), Entry.objects.count()
    for client, status in ((breakdown.colleague_client, 403), (breakdown.outsider, 404)):
        response = post(client, f"task-{verb}", task.uuid, **data)
        assert response.status_code == status  # type: ignore[attr-defined]
    assert Task.objects.values().get(pk=task.pk) == before
    assert (Entry.objects.count(), Evidence.objects.count()) == (entries, 0)


def test_the_page_of_somebody_elses_task_has_no_buttons(breakdown: Case) -> None:
    url = reverse("task", args=[breakdown.task("confirm-place").uuid])
    context = breakdown.colleague_client.get(url).context
    assert (context["may_act"], context["may_hand_over"]) == (False, False)
    assert breakdown.holder.get(url).context["may_act"] is True


def test_done(breakdown: Case) -> None:
    task = breakdown.task("confirm-place")
    response = post(breakdown.holder, "task-finish", task.uuid)
    assert (response.status_code, response["Location"]) == (303, "/tasks/")  # type: ignore[attr-defined,index]
    task.refresh_from_db()
    assert (task.status, task.done_by) == ("done", breakdown.driver)
    assert breakdown.holder.get("/tasks/?show=done").context["done"][0].key == str(task.uuid)


def test_evidence_is_kept_and_shown_to_colleagues(breakdown: Case) -> None:
    task = breakdown.task("confirm-place")
    photo = SimpleUploadedFile("van.png", PNG, "image/png")
    response = post(breakdown.holder, "task-attach", task.uuid, note="left lane", photo=photo)
    assert response.status_code == 303  # type: ignore[attr-defined]
    note, picture = task.attached.order_by("pk")
    assert (note.kind, note.note, picture.kind) == ("note", "left lane", "photo")
    shown = breakdown.colleague_client.get(reverse("evidence", args=[picture.uuid]))
    assert b"".join(shown.streaming_content) == PNG  # type: ignore[attr-defined]
    assert breakdown.outsider.get(reverse("evidence", args=[picture.uuid])).status_code == 404


def test_evidence_is_served_as_what_it_is_and_never_runs(breakdown: Case) -> None:
    """Whatever it is called, also when it was kept under that name."""
    task = breakdown.task("confirm-place")
    script = SimpleUploadedFile("van.js", b"GIF89a=1;alert(1)", "image/gif")
    page = SimpleUploadedFile("van.html", b"<script>alert(1)</script>", "text/html")
    post(breakdown.holder, "task-attach", task.uuid, photo=script)
    services.attach(task, "file", file=page, actor=breakdown.driver)
    photo, file = task.attached.order_by("pk")
    with photo.file.storage.open(photo.file.name) as kept:
        assert kept.name.endswith(".gif")
    photo.file.name = photo.file.storage.save("x.html", ContentFile(b"\xff\xd8\xff<script>alert(1)</script>"))
    photo.save(update_fields=["file"])
    for one, kind, handed in (
        (photo, "image/jpeg", f'inline; filename="{photo.uuid}.jpg"'),
        (file, "application/octet-stream", f'attachment; filename="{file.uuid}.html"'),
    ):
        shown = breakdown.colleague_client.get(reverse("evidence", args=[one.uuid]))
        assert b"<script>" in b"".join(shown.streaming_content)  # type: ignore[attr-defined]
        assert (shown["Content-Type"], shown["Content-Disposition"]) == (kind, handed)
        assert shown["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert shown["X-Content-Type-Options"] == "nosniff"


def test_what_is_no_picture_is_refused_at_its_field(breakdown: Case) -> None:
    task = breakdown.task("confirm-place")
    fake = SimpleUploadedFile("van.png", b"no picture", "image/png")
    response = post(breakdown.holder, "task-attach", task.uuid, photo=fake)
    assert response.status_code == 422  # type: ignore[attr-defined]
    assert list(response.context["note_form"].errors) == ["photo"]  # type: ignore[attr-defined]
    assert Evidence.objects.count() == 0


def test_handing_over_moves_the_role(breakdown: Case) -> None:
    task = breakdown.task("confirm-place")
    response = post(breakdown.holder, "task-hand-over", task.uuid, to="CB9999")
    assert (response.status_code, list(response.context["hand_over"].errors)) == (422, ["to"])  # type: ignore[attr-defined]
    response = post(breakdown.holder, "task-hand-over", task.uuid, to=breakdown.colleague.staff_no)
    assert response.status_code == 303  # type: ignore[attr-defined]
    task.refresh_from_db()
    assert task.holder == breakdown.colleague
    assert RoleHolding.objects.get(run=task.run, role=task.role, until=None).pinned is True


def test_a_role_that_was_handed_over_is_given_back(breakdown: Case) -> None:
    task = breakdown.task("confirm-place")
    post(breakdown.holder, "task-hand-over", task.uuid, to=breakdown.colleague.staff_no)
    back = reverse("role-back", args=[task.run.uuid, task.role])
    assert f'action="{back}"' in breakdown.colleague_client.get(reverse("absence")).content.decode()
    stranger = client_of(Person.objects.filter(job="technician").order_by("pk")[0], "technician")
    assert stranger.post(back).status_code == 403
    assert breakdown.colleague_client.post(back).status_code == 303
    task.refresh_from_db()
    assert task.holder == breakdown.driver
    assert f'action="{back}"' not in breakdown.colleague_client.get(reverse("absence")).content.decode()
    assert breakdown.colleague_client.post(back).status_code == 303  # twice: said, nothing else


def test_a_decision_has_its_options_and_its_form(adopted: None) -> None:
    outage = {"fails": "server", "since": "2026-11-23T09:00:00+08:00", "stops_work": True}
    reporter = Person.objects.filter(job="technician").order_by("pk")[0]
    incident = incidents.report("ordering-system-down", outage, actor=reporter, source="web").incident
    task = Task.objects.filter(run=incident.run, kind="decide").order_by("pk")[0]
    assert task.holder is not None
    client = client_of(task.holder, "decider")
    page = client.get(reverse("task", args=[task.uuid])).content.decode()
    assert all(f'value="{option["id"]}"' in page for option in task.options)
    assert post(client, "task-finish", task.uuid, option="dance").status_code == 422  # type: ignore[attr-defined]
    task.refresh_from_db()
    assert task.status == "open"
    chosen = task.options[0]["id"]
    assert post(client, "task-finish", task.uuid, option=chosen).status_code == 303  # type: ignore[attr-defined]
    task.refresh_from_db()
    assert (task.status, task.result["option"]) == ("done", chosen)


# ---------------------------------------------------------------- messages, absence, searching


def test_a_message_about_several_tasks_leads_to_them(breakdown: Case) -> None:
    message = Message.objects.get(
        person=breakdown.driver, channel="inbox", notice__task=breakdown.task("confirm-place").uuid
    )
    Message.objects.filter(pk=message.pk).update(state="delivered", delivered_at=clock.now())
    assert f'href="/tasks/{message.notice.task}/"' in breakdown.holder.get("/messages/").content.decode()
    Notice.objects.filter(pk=message.notice_id).update(task=None, tasks=[message.notice.task])
    page = breakdown.holder.get("/messages/").content.decode()
    rows = re.findall(r'<div class="cb-task-actions">(.*?)</div>', page, re.S)
    assert [('href="/tasks/"' in row) for row in rows if str(message.uuid) in row] == [True]


def test_confirming_a_message_is_for_its_recipient(breakdown: Case) -> None:
    message = Message.objects.get(
        person=breakdown.driver, channel="inbox", notice__task=breakdown.task("confirm-place").uuid
    )
    Message.objects.filter(pk=message.pk).update(state="delivered", delivered_at=clock.now())
    assert breakdown.holder.get("/messages/").context["unanswered"] == 1
    for client, status in ((breakdown.colleague_client, 404), (breakdown.outsider, 403)):
        assert post(client, "message-acknowledge", message.uuid).status_code == status  # type: ignore[attr-defined]
    message.refresh_from_db()
    assert message.state == "delivered"
    assert post(breakdown.holder, "message-acknowledge", message.uuid).status_code == 303  # type: ignore[attr-defined]
    message.refresh_from_db()
    assert message.state == "acknowledged"


def test_being_away_and_back(breakdown: Case) -> None:
    page = breakdown.holder.get("/absence/")
    assert [role.number for role in page.context["roles"]]
    wrong = {"starts_at": "2026-11-23T12:00", "ends_at": "2026-11-23T10:00"}
    assert breakdown.holder.post("/absence/", wrong).status_code == 422
    assert Absence.objects.filter(person=breakdown.driver).count() == 0
    right = {
        "starts_at": "2026-11-23T09:00",
        "ends_at": "2026-11-23T18:00",
        "out_of_city": "on",
        "substitute": breakdown.colleague.staff_no,
    }
    assert breakdown.holder.post("/absence/", right).status_code == 303
    absence = Absence.objects.get(person=breakdown.driver)
    assert (absence.out_of_city, absence.reachable, absence.substitute) == (True, True, breakdown.colleague)
    assert absence.starts_at.isoformat() == "2026-11-23T01:00:00+00:00"
    assert post(breakdown.colleague_client, "absence-end", absence.pk).status_code == 404  # type: ignore[attr-defined]
    assert post(breakdown.holder, "absence-end", absence.pk).status_code == 303  # type: ignore[attr-defined]
    absence.refresh_from_db()
    assert absence.ends_at == clock.now()


def test_searching_people_and_retailers(breakdown: Case) -> None:
    name = breakdown.driver.name
    found = breakdown.holder.get(reverse("find-people"), {"field": "to", "to_search": name}).content.decode()
    assert f'name="to" value="{breakdown.driver.staff_no}"' in found
    rows = breakdown.holder.get(reverse("form-line"), {"field": "lines"}).content.decode()
    assert 'name="lines_product"' in rows
    assert breakdown.outsider.get(reverse("find-people"), {"field": "to"}).status_code == 403


def test_every_page_keeps_to_the_policy(breakdown: Case) -> None:
    for url in pages(breakdown)[:5]:
        page = breakdown.holder.get(url).content.decode()
        assert "<script>" not in page
        assert " style=" not in page


def test_the_incidents_map_is_complete(breakdown: Case) -> None:
    answer = breakdown.holder.get(reverse("incident-map", args=[breakdown.incident.uuid])).json()
    assert (
        json.dumps(answer["layers"]["incidents"]["data"]["features"][0]["properties"]["name"]) == '"INC-0001"'
    )


@pytest.mark.parametrize(
    "url",
    [
        "/settlements/?q=%00",
        "/cash/?q=%00",
        "/find/retailers?field=a&a_search=%00",
        "/readiness/experience/?q=%00",
    ],
)
def test_what_no_database_takes_is_refused_in_words(breakdown: Case, url: str) -> None:
    answer = client_of(breakdown.driver, "holder").get(url)
    assert answer.status_code in (403, 422)
    Account.objects.filter(login="holder").update(is_admin=True)
    answer = client_of(breakdown.driver, "holder").get(url)
    assert answer.status_code == 422
    assert "a number is too large, or a character is none that can be kept" in answer.content.decode()


def test_a_link_to_the_report_that_names_no_moment(breakdown: Case) -> None:
    for since in ("x", "2026-13-40T99:99", "0001-01-01T00:00:00%2B14:00"):
        answer = breakdown.holder.get(f"/report/line-fault/?since={since}")
        assert answer.status_code == 200
