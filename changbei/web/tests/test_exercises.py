"""Exercises from the page: any plan in force, at any of its levels."""

from __future__ import annotations

import pytest
from django.test import Client

from changbei.incidents import services as incidents
from changbei.incidents.models import Incident
from changbei.journal import services as journal
from changbei.notify.models import Notice
from changbei.people.models import Person, PostHolding
from changbei.readiness import exercises
from changbei.readiness.models import Simulation
from changbei.readiness.services import make_review
from changbei.runs import services as runs
from changbei.web.tests.conftest import client_of

pytestmark = pytest.mark.usefixtures("adopted")


@pytest.fixture
def head(adopted: None) -> Person:
    return PostHolding.objects.get(post__kind="leading-group-head", rank=1).person


@pytest.fixture
def client(head: Person) -> Client:
    return client_of(head, head.staff_no)


def test_the_page_offers_what_the_plan_declares_and_every_kind(client: Client) -> None:
    words = client.get("/exercises/").content.decode()
    assert "A typhoon day" in words and "?exercise=typhoon&amp;part=0" in words
    assert "/exercises/line-fault/?level=LOCAL" in words and "/exercises/line-fault/?level=MAJOR" in words
    assert "No exercise is on record" in words


def test_an_exercise_is_begun_filled_in_and_marked(client: Client, head: Person) -> None:
    page = client.get("/exercises/line-fault/", {"level": "MAJOR"})
    assert page.context["how"].initial == {"level": "MAJOR"}
    given = {"level": "MAJOR", **{name: str(value) for name, value in filled("line-fault").items()}}
    answer = client.post("/exercises/line-fault/", given)
    incident = Incident.objects.get()
    assert answer.headers["Location"] == f"/incidents/{incident.uuid}/"
    assert (incident.drill, incident.level, incident.reports.get().reporter) == (True, "MAJOR", head)
    assert set(Notice.objects.filter(incident=incident.uuid).values_list("drill", flat=True)) == {True}
    words = client.get("/exercises/").content.decode()
    assert incident.number in words and "going on" in words


def test_an_exercise_that_is_called_off_counts_down_no_more(client: Client, head: Person) -> None:
    client.post("/exercises/line-fault/", {"level": "LOCAL", **filled("line-fault")})
    incident = Incident.objects.get()
    assert "cb-countdown" in client.get(f"/incidents/{incident.uuid}/").content.decode()
    incidents.close(incident, reason="called off", actor=head)
    make_review(incident, actor=None)
    words = client.get(f"/incidents/{incident.uuid}/").content.decode()
    assert "cb-countdown" not in words
    assert "The review was made" in words and "readiness.review_made" not in words
    assert "to be confirmed" in client.get("/exercises/").content.decode()


def test_simulated_colleagues_are_a_choice_that_is_off_by_default(client: Client) -> None:
    page = client.get("/exercises/line-fault/?exercise=line-fault&part=0").content.decode()
    assert 'name="simulated"' in page and "checked" not in page.partition('name="simulated"')[2][:60]
    client.post("/exercises/line-fault/", {"level": "LOCAL", **filled("line-fault")})
    assert not Simulation.objects.exists()
    incidents.close(
        Incident.objects.get(), reason="called off", actor=Incident.objects.get().reports.get().reporter
    )
    given = {"level": "LOCAL", "simulated": "on", **filled("line-fault")}
    client.post("/exercises/line-fault/?exercise=line-fault&part=0", given)
    made = Simulation.objects.get()
    assert (made.script["decisions"], made.script["unseen"]) == ({"spare-line": "phone"}, ["self-check"])
    words = client.get(f"/incidents/{made.incident.uuid}/").content.decode()
    assert "Simulated colleagues answer" in words and "has simulated colleagues answer" in words
    assert "simulated colleagues" in client.get("/exercises/").content.decode()


def test_the_timeline_says_who_was_answered_for_and_how_it_ended(client: Client, head: Person) -> None:
    client.post("/exercises/line-fault/", {"level": "LOCAL", **filled("line-fault")})
    incident = Incident.objects.get()
    task = incident.run.tasks.filter(acknowledge_due_at__isnull=False, holder__isnull=False).order_by("pk")[0]
    page = client.get(f"/incidents/{incident.uuid}/").content.decode()
    assert ">simulated<" not in page
    with journal.simulated():
        runs.acknowledge(task, actor=task.holder)
    incidents.close(incident, reason="called off", actor=head)
    page = client.get(f"/incidents/{incident.uuid}/?all=1").content.decode()
    assert page.count("simulated<") == 1
    assert "Ended before the plan was carried out" in page and "The plan is finished" not in page


def filled(kind: str) -> dict[str, object]:
    found, _ = exercises.suggested(kind, "MAJOR")
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)[:16]
        for name, value in found.items()
    }


def test_what_is_missing_comes_back_at_its_field(client: Client) -> None:
    answer = client.post("/exercises/line-fault/", {"level": "LOCAL"})
    assert (answer.status_code, Incident.objects.count()) == (422, 0)
    assert (
        client.post("/exercises/line-fault/", {**filled("line-fault"), "level": "DEMAND"}).status_code == 422
    )


def test_an_exercise_of_another_procedure_is_not_found(client: Client) -> None:
    for query in (
        "exercise=typhoon&part=0",
        "exercise=typhoon&part=9",
        "exercise=none",
        "exercise=typhoon&part=x",
    ):
        assert client.get(f"/exercises/line-fault/?{query}").status_code == 404


def test_who_may_not_run_drills_looks_and_begins_none(head: Person) -> None:
    driver = Person.objects.filter(job="driver").order_by("pk")[0]
    client = client_of(driver, driver.staff_no)
    assert "/exercises/line-fault/" not in client.get("/exercises/").content.decode()
    assert client.get("/exercises/line-fault/").status_code == 403
    assert client.post("/exercises/line-fault/", filled("line-fault")).status_code == 403
    assert not Incident.objects.exists()
