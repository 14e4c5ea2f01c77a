"""A confidential event is read by who has a part in it and by the leading group, whatever way it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from changbei.core.clock import VirtualClock
from changbei.incidents import services as incidents
from changbei.incidents.models import Incident
from changbei.incidents.tests.people import holder
from changbei.network.city import City
from changbei.notify.models import Message, Notice
from changbei.people.accounts import issue_token
from changbei.people.models import Account, Person
from changbei.plans import services as plans
from changbei.readiness import exercises, selectors
from changbei.readiness import services as readiness
from changbei.runs import access, scheduling
from changbei.runs import services as runs
from changbei.runs.models import Run, ScheduledStart, Task
from changbei.web.tests.conftest import client_of

PACK = Path(__file__).resolve().parents[3] / "plans" / "collective-petitions"
SECRET = "供货周期调整后断货"
VISIT = {"known_before": False, "where": "here", "subject": "supply", "about": SECRET, "people": 28}
NOBODYS = ("outsider", "admin", "head_of_another")


@dataclass
class House:
    """part: heads the enquiry team; leader: heads the leading group; outsider: a driver, who reported it; admin: an
    administrator's account, of nobody; head_of_another: a department's head without a part.
    """

    incident: Incident
    people: dict[str, Person | None]
    clients: dict[str, Client]
    keys: dict[str, str]

    @property
    def task(self) -> Task:
        return Task.objects.get(run=self.incident.run, item="receive")

    def get(self, who: str, path: str) -> HttpResponse:
        """As a page, or with a key of theirs from the API."""
        headers = {"authorization": f"Bearer {self.keys[who]}"} if path.startswith("/api/") else {}
        answer: HttpResponse = self.clients[who].get(path, headers=headers)
        return answer

    def status(self, who: str, path: str) -> int:
        return self.get(who, path).status_code


@pytest.fixture
def house(small_city: City, clock: VirtualClock) -> House:
    plans.adopt(PACK, actor=None)
    people: dict[str, Person | None] = {
        "part": holder("petition-enquiry-lead"),
        "leader": holder("leading-group-head"),
        "outsider": Person.objects.filter(job="driver").order_by("pk")[0],
        "head_of_another": holder("delivery-center-head"),
        "admin": None,
    }
    clients = {name: client_of(person, name) for name, person in people.items()}
    Account.objects.filter(login="admin").update(is_admin=True)
    incident = incidents.report("collective-visit", VISIT, actor=people["outsider"], source="web").incident
    Incident.objects.filter(pk=incident.pk).update(longitude=114.3, latitude=30.6)
    keys = {name: issue_token(Account.objects.get(login=name), "test", actor=None) for name in people}
    return House(incident, people, clients, keys)


def pages(house: House) -> list[str]:
    """Whatever shows this one event."""
    notice = Notice.objects.filter(incident=house.incident.uuid).order_by("pk")[0]
    assert house.incident.run is not None
    return [
        reverse("incident", args=[house.incident.uuid]),
        reverse("incident-map", args=[house.incident.uuid]),
        reverse("review", args=[house.incident.uuid]),
        reverse("task", args=[house.task.uuid]),
        f"/api/v1/incidents/{house.incident.uuid}",
        f"/api/v1/tasks/{house.task.uuid}",
        reverse("broadcast", args=[notice.uuid]),
        f"/api/v1/notices/{notice.uuid}",
    ]


def test_nobody_else_finds_its_pages(house: House) -> None:
    for path in pages(house):
        assert house.status("leader", path) == 200, path
        assert {house.status(who, path) for who in NOBODYS} <= {403, 404}, path
    for path in pages(house)[:6]:
        assert house.status("part", path) == 200, path


def test_lists_boards_maps_and_plans_do_not_name_it(house: House) -> None:
    number = house.incident.number
    paths = [
        reverse("board"),
        reverse("map-layer", args=["incidents"]),
        reverse("plan-pack", args=["collective-petitions"]),
        "/api/v1/incidents?status=all",
        f"/api/v1/incidents?number={number}",
        reverse("person", args=[house.task.holder.staff_no if house.task.holder else ""]),
    ]
    for path in paths:
        for who in ("leader", "part"):
            assert number in house.get(who, path).content.decode(), (who, path)
        for who in NOBODYS:
            seen = house.get(who, path).content.decode()
            assert number not in seen, (who, path)
            assert SECRET not in seen, (who, path)


def test_whoever_reported_it_reads_the_number_alone(house: House) -> None:
    filed = house.incident.reports.get()
    page = house.clients["outsider"].get(reverse("report-answer", args=[filed.uuid])).content.decode()
    assert house.incident.number in page
    assert "This event is confidential" in page
    assert SECRET not in page
    assert reverse("incident", args=[house.incident.uuid]) not in page
    assert house.status("admin", reverse("report-answer", args=[filed.uuid])) == 404
    assert house.status("head_of_another", reverse("report-answer", args=[filed.uuid])) == 404
    assert house.incident.number not in house.clients["outsider"].get("/tasks/?view=done").content.decode()


def test_verbs_are_refused_and_change_nothing(house: House) -> None:
    client = house.clients["head_of_another"]  # may close any other incident, and hand any other task over
    task = house.task
    for path, data in (
        (reverse("incident-close", args=[house.incident.uuid]), {}),
        (reverse("task-hand-over", args=[task.uuid]), {"to": "CB0001"}),
        (reverse("task-acknowledge", args=[task.uuid]), {}),
    ):
        assert client.post(path, data).status_code == 404
    house.incident.refresh_from_db()
    assert house.incident.status == Incident.Status.OPEN
    assert house.task.holder == task.holder
    assert house.task.status == Task.Status.OPEN


def test_what_is_sent_does_not_say_what_it_is_about(house: House) -> None:
    sent = Message.objects.filter(notice__incident=house.incident.uuid)
    assert sent.exists()
    to = set(sent.values_list("person", flat=True))
    readers = [
        one for one in Person.objects.filter(pk__in=to) if not access.is_hidden(one, house.incident.run)
    ]
    assert to - {one.pk for one in readers} == {
        house.people["outsider"].pk if house.people["outsider"] else 0
    }
    for notice in Notice.objects.filter(incident=house.incident.uuid):
        assert SECRET not in f"{notice.title}{notice.body}"


def test_who_is_given_a_role_reads_and_who_gives_it_away_reads_no_more(house: House) -> None:
    old, new = house.people["part"], house.people["head_of_another"]
    assert old is not None
    assert new is not None
    path = reverse("task-hand-over", args=[house.task.uuid])
    answer = house.clients["part"].post(path, {"to": new.staff_no})
    assert answer.headers["Location"] == reverse("my-tasks")
    page = reverse("incident", args=[house.incident.uuid])
    assert house.status("head_of_another", page) == 200
    assert house.status("part", page) == 404


def test_what_a_confidential_run_calls_is_confidential_as_well(house: House) -> None:
    owner = house.people["head_of_another"]
    assert owner is not None
    report: dict[str, Any] = {
        "subject": "other",
        "about": SECRET,
        "received_at": "2026-11-23T09:00:00+08:00",
        "owner": owner.staff_no,
        "reply_wanted": False,
    }
    assert house.incident.run is not None
    run = house.incident.run
    called = runs.start(
        "petition-matter",
        plan_version=run.plan_version,
        incident=house.incident.uuid,
        number=f"{run.number}/2",
        title=run.title,
        context={"report": report, "incident": {}},
        scope=run.scope,
        drill=False,
        actor=None,
        called_by=(run, "matter"),
    )
    assert called.confidential
    # With a part in either, the event as a whole is read.
    assert not access.is_hidden(owner, run)
    assert house.status("head_of_another", reverse("incident", args=[house.incident.uuid])) == 200
    assert access.is_hidden(house.people["outsider"], called)


def test_exercises_reviews_and_lessons_of_it_are_kept_to_the_same_people(house: House) -> None:
    part, outsider, leader = house.people["part"], house.people["outsider"], house.people["leader"]
    assert leader is not None
    drill = exercises.begin("collective-visit", VISIT, level="LOCAL", actor=leader)
    assert list(exercises.held(actor=leader)) == [drill]
    assert list(exercises.held(actor=outsider)) == []
    incidents.close(house.incident, actor=leader, reason="演示")
    review = readiness.make_review(house.incident, actor=None)
    readiness.add_rectification(
        review, text="先听取意见", clause="P11", owner=leader, due_on=drill.reported_at.date(), actor=leader
    )
    readiness.keep_experience("先听取意见", SECRET, review=review, actor=leader)
    for who, seen in ((leader, 1), (part, 1), (outsider, 0)):
        assert len(selectors.search_experience("先听取意见", actor=who)) == seen
        assert selectors.mending(actor=who).filter(text="先听取意见").count() == seen
    pdf = reverse("review-pdf", args=[house.incident.uuid])
    assert house.status("leader", pdf) == 200
    assert {house.status(who, pdf) for who in NOBODYS} == {404}


def test_routine_work_that_is_confidential_is_not_listed(house: House) -> None:
    scheduling.look_at_schedules()
    ScheduledStart.objects.update(due_at=house.incident.reported_at)
    assert scheduling.start_due() == 1
    run = Run.objects.get(procedure="petition-archive")
    page = reverse("run", args=[run.uuid])
    for who, found in (("leader", True), ("part", True), ("outsider", False), ("admin", False)):
        assert (run.number in house.clients[who].get(reverse("runs")).content.decode()) is found, who
        assert house.status(who, page) == (200 if found else 404), who


def test_pages_ask_the_one_rule_for_incidents() -> None:
    """Whoever lists incidents asks `access.readable`; what is left counts them for the engine's pulse, or shows the one
    whose page is open already.
    """
    web = Path(__file__).resolve().parents[1]
    found = {
        str(file.relative_to(web))
        for file in web.rglob("*.py")
        if "tests" not in file.parts and "Incident.objects" in file.read_text(encoding="utf-8")
    }
    assert found == {"handling.py", "pulse.py", "views/incident.py"}
