"""Rehearsing from the page and by the API: the same figures as the command's."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from changbei.people.models import Person, PostHolding
from changbei.readiness import rehearsals
from changbei.web.tests.conftest import client_of
from changbei.web.tests.test_api import Caller

pytestmark = pytest.mark.usefixtures("adopted")


@pytest.fixture
def head(adopted: None) -> Person:
    return PostHolding.objects.get(post__kind="leading-group-head", rank=1).person


def test_page_and_api_say_what_the_command_says(head: Person) -> None:
    expected = rehearsals.rehearse("vehicle-breakdown", runs=20, seed=2, no_answer_share=0.1)
    status, found = Caller(head).get("/rehearsals/vehicle-breakdown", runs=20, seed=2, no_answer=0.1)
    assert (status, found) == (200, json.loads(json.dumps(expected)))
    query: dict[str, str | int] = {
        "name": "vehicle-breakdown",
        "runs": 20,
        "seed": 2,
        "no_answer": 10,
        "at": "09:40",
    }
    page = client_of(head, head.staff_no).get("/plan/rehearsal/", query)
    assert page.status_code == 200
    assert page.context["found"] == expected
    assert f"{expected['restored_seconds']['p50'] / 60:.1f}" in page.content.decode()


def test_the_empty_form_runs_nothing(head: Person) -> None:
    page = client_of(head, "head").get("/plan/rehearsal/")
    assert page.status_code == 200
    assert "found" not in page.context
    assert ("typhoon", "A typhoon day") in page.context["form"].fields["name"].choices


def test_who_may_not_run_drills_may_not_rehearse(head: Person) -> None:
    driver = Person.objects.filter(job="driver").order_by("pk")[0]
    client = client_of(driver, driver.staff_no)
    assert client.get("/plan/rehearsal/").status_code == 403
    plan = "/plan/customer-service-emergency/"
    assert 'href="/plan/rehearsal/"' not in client.get(plan).content.decode()
    assert 'href="/plan/rehearsal/"' in client_of(head, head.staff_no).get(plan).content.decode()
    status, body = Caller(driver).get("/rehearsals/typhoon")
    assert (status, body["error"]) == (403, "not_allowed")
    assert Client().get("/plan/rehearsal/").status_code == 302
