"""What a run shows: count-downs, approvals given afterwards, one task of many, called runs, routine."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from changbei.core.clock import VirtualClock
from changbei.incidents.models import Incident, Report
from changbei.people.models import Person, Post, PostHolding
from changbei.plans.facts import Known, TimerFired
from changbei.runs import jobs, scheduling, services
from changbei.runs.models import Run, ScheduledStart, Task
from changbei.runs.tests import house, words
from changbei.web.tests.conftest import client_of

pytestmark = pytest.mark.django_db

TEXT = words._text
SHOW = f"""
id: show
title: {TEXT("Show")}
family: weather
clauses: [T1]
form:
  type: object
  properties:
    what: {{type: string, title: {TEXT("What")}}}
    shops: {{type: array, title: {TEXT("Shops")}, items: {{type: string}}}}
stages:
  - id: go
    title: {TEXT("Go")}
    steps:
      - id: ups
        countdown:
          title: {TEXT("What is left of the UPS")}
          until: incident.until
          marks: [{{id: last-call, before: 30m, title: {TEXT("Last call")}}}, {{id: first-call, before: 2h}}]
        clause: T1
      - id: allow
        approve: {{title: {TEXT("Allow it")}, act_first: 'true', delegates: [dispatcher]}}
        role: head
        clause: T1
        within: 2h
        overdue: [commander]
      - id: phone
        task: {{title: {TEXT("Phone")}}}
        each: {{of: report.shops, as: one, key: one, label: one}}
        role: head
        clause: T1
        within: 2h
        overdue: [commander]
      - id: flood
        call: {{procedure: flood}}
        with: {{depth: "60"}}
        clause: T1
        on_failure: {{title: {TEXT("By hand")}, role: head, within: 1h, overdue: [commander]}}
"""


@pytest.fixture
def people(db: None, clock: VirtualClock, settings: Any) -> house.People:
    settings.SMS_GATEWAY_URL, settings.EMAIL_URL = "twin:", ""
    return house.make_people()


@pytest.fixture
def incident(people: house.People, clock: VirtualClock) -> Incident:
    version, uuid = words.make_version(show=SHOW), uuid4()
    run = services.start(
        "show",
        plan_version=version,
        incident=uuid,
        number="INC-0001",
        title={"zh-Hans": "停电", "zh-Hant": "停電", "en": "Power cut"},
        context={
            "report": {"what": "x", "shops": [f"Shop {number}" for number in range(8)]},
            "incident": {"until": (clock.now() + timedelta(hours=1)).isoformat()},
        },
        scope={"unit": "delivery-center", "site": "delivery-center"},
        drill=False,
        actor=people.driver,
    )
    found = Incident.objects.create(
        uuid=uuid,
        number="INC-0001",
        kind="show",
        family="network",
        title=run.title,
        level="LOCAL",
        run=run,
        same_key="x",
        reported_at=clock.now(),
    )
    Report.objects.create(
        incident=found, source="web", reporter=people.driver, data={}, joined=False, at=clock.now()
    )
    assert jobs.perform_actions() == 1
    return found


def _page(person: Person, name: str, *args: Any) -> tuple[str, Any]:
    client: Client = client_of(person, f"login-{person.staff_no}")
    response = client.get(reverse(name, args=args))
    assert response.status_code == 200
    return response.content.decode(), response.context


def test_a_count_down_with_its_marks(incident: Incident, people: house.People, clock: VirtualClock) -> None:
    text, context = _page(people.head, "incident", incident.uuid)
    [counting] = context["runs"][0].counting
    assert (counting.title, counting.ends_at) == ("What is left of the UPS", clock.now() + timedelta(hours=1))
    assert [(mark.name, mark.at, mark.reached_at) for mark in counting.marks] == [
        ("first-call", clock.now() - timedelta(hours=1), clock.now()),  # reported late: reached at once
        ("Last call", clock.now() + timedelta(minutes=30), None),
    ]
    assert "What is left of the UPS" in text
    assert "Last call" in text
    run = incident.run
    assert run is not None
    clock.advance(timedelta(minutes=30))
    services.apply(run.uuid, TimerFired("mark:ups:last-call"))
    text, context = _page(people.head, "incident", incident.uuid)
    assert [mark.reached_at is None for mark in context["runs"][0].counting[0].marks] == [False, False]
    assert "Count-down What is left of the UPS: Last call" in [entry.text for entry in context["entries"]]
    services.apply(run.uuid, TimerFired("wait:ups"))
    text, context = _page(people.head, "incident", incident.uuid)
    assert context["runs"][0].counting == []
    assert "Count-down What is left of the UPS: the time has run out" in [
        one.text for one in context["entries"]
    ]


def test_an_end_that_is_not_known_is_said(incident: Incident, people: house.People) -> None:
    run = Run.objects.get(procedure="show")
    state = run.state
    del state["items"]["ups"]["until"]
    Run.objects.filter(pk=run.pk).update(state=state)
    assert "its end is not known yet" in _page(people.head, "incident", incident.uuid)[0]


def test_an_approval_that_is_given_afterwards(incident: Incident, people: house.People) -> None:
    text, context = _page(people.head, "incident", incident.uuid)
    assert [task.item for task in context["runs"][0].provisional] == ["allow"]
    assert "Being done already, to be approved afterwards:" in text
    assert "Acted first; to be approved afterwards: Allow it" in [entry.text for entry in context["entries"]]
    task = Task.objects.get(item="allow")
    text, context = _page(people.head, "task", task.uuid)
    assert context["card"].note == "Being done already: to be approved afterwards."
    assert "approve or refuse it afterwards" in text
    assert "Only this task moves; the role stays where it is." in text
    hits = context["hand_over"].fields["to"].widget.suggested
    assert [hit["key"] for hit in hits] == [people.dispatcher.staff_no]


def test_an_approval_goes_to_nobody_else(incident: Incident, people: house.People) -> None:
    task = Task.objects.get(item="allow")
    client = client_of(people.head, "head")
    url = reverse("task-hand-over", args=[task.uuid])
    refused = client.post(url, {"to": people.outsider.staff_no})
    assert refused.status_code == 422
    assert "this approval may only be handed to those whom the plan names" in refused.content.decode()
    assert client.post(url, {"to": people.dispatcher.staff_no}).status_code in {302, 303}
    task.refresh_from_db()
    assert task.holder == people.dispatcher


def test_many_tasks_of_one_step_stand_together(incident: Incident, people: house.People) -> None:
    services.complete(Task.objects.get(item="phone@Shop 3"), actor=people.head)
    text, context = _page(people.head, "incident", incident.uuid)
    [many] = context["runs"][0].stages[0].many
    assert (many.title, many.done, many.total) == ("Phone", 1, 8)
    assert many.cards[-1].title == "Phone: Shop 3"  # what is done stands last
    assert "1 of 8 done" in text
    assert "done: Phone (Shop 3)" in [entry.text for entry in context["entries"]]
    text, context = _page(people.head, "task", Task.objects.get(item="phone@Shop 4").uuid)
    assert [task.label for task in context["others"]] == [f"Shop {number}" for number in (0, 1, 2, 5, 6, 7)]
    assert "6 more tasks like this are yours" in text


def test_a_called_run_is_part_of_the_incident(incident: Incident, people: house.People) -> None:
    text, context = _page(people.head, "incident", incident.uuid)
    assert [(one.run.number, one.title, one.is_called) for one in context["runs"]] == [
        ("INC-0001", "Show", False),
        ("INC-0001/2", "Flood", True),
    ]
    assert "INC-0001/2 Flood" in text
    dry = Task.objects.get(item="dry")
    assert [card.title for card in context["runs"][1].stages[0].cards] == ["Dry?"]
    assert "The plan calls another: Flood" in [entry.text for entry in context["entries"]]
    assert any(entry.text.endswith(": Dry?") for entry in context["entries"])
    text, context = _page(people.head, "task", dry.uuid)
    assert [(one.label, one.value) for one in context["about"].said] == [("Depth", "60")]


def test_routine_work_has_pages_of_its_own(people: house.People, clock: VirtualClock) -> None:
    words.make_version()
    scheduling.look_at_schedules()
    text, context = _page(people.outsider, "runs")
    assert [(one.title, one.at is None) for one in context["coming"]] == [("Round", False), ("Round", True)]
    secret = ScheduledStart.objects.get(position=1)
    assert secret.due_at is not None
    assert secret.due_at.strftime("%m-%d") not in text.replace("11-24", "")
    ScheduledStart.objects.filter(position=0).update(due_at=clock.now())
    assert scheduling.start_due() == 1
    run = Run.objects.get()
    text, context = _page(people.outsider, "runs")
    assert [row.number for row in context["rows"]] == ["PRO-0001"]
    text, context = _page(people.head, "run", run.uuid)
    assert "PRO-0001 Round" in text
    assert [(one.label, one.value) for one in context["said"]] == [("What", "doors")]
    task = Task.objects.get()
    text, context = _page(people.head, "task", task.uuid)
    assert reverse("run", args=[run.uuid]) in text
    assert _page(people.head, "my-tasks")[1]["tasks"][0].incident == "PRO-0001"


def test_routine_work_that_is_over_is_ended(people: house.People, clock: VirtualClock) -> None:
    words.make_version()
    scheduling.look_at_schedules()
    ScheduledStart.objects.filter(position=0).update(due_at=clock.now())
    scheduling.start_due()
    run = Run.objects.get()
    where = reverse("run-end", args=[run.uuid])
    leader = Post.objects.create(code="leader", kind="leading-group-head", name={}, unit=people.head.unit)
    PostHolding.objects.create(post=leader, person=people.head, rank=1, since=clock.now())
    head, outsider = client_of(people.head, "head"), client_of(people.outsider, "outsider")
    assert where not in outsider.get(reverse("run", args=[run.uuid])).content.decode()
    assert outsider.post(where).status_code == 403
    assert where in head.get(reverse("run", args=[run.uuid])).content.decode()
    assert [head.post(where).status_code for _ in range(2)] == [303, 303]
    run.refresh_from_db()
    assert run.status != Run.Status.RUNNING and Task.objects.get().status == "cancelled"
    assert where not in head.get(reverse("run", args=[run.uuid])).content.decode()


def test_a_run_of_an_incident_is_shown_there(incident: Incident, people: house.People) -> None:
    called = Run.objects.get(procedure="flood")
    response = client_of(people.head, "head").get(reverse("run", args=[called.uuid]))
    assert response.headers["Location"] == f"/incidents/{incident.uuid}/#run-{called.uuid}"


def test_pages_are_for_the_staff(people: house.People, incident: Incident) -> None:
    services.apply(Run.objects.get(procedure="show").uuid, Known("incident", {"x": 1}))
    stranger = client_of(None, "stranger")
    assert stranger.get(reverse("runs")).status_code == 403
    assert stranger.get(reverse("run", args=[Run.objects.get(procedure="flood").uuid])).status_code in {
        403,
        404,
    }
