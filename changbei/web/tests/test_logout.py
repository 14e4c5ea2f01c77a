"""Logging out: the browser keeps nothing of what was seen, and is not pushed to any more."""

from __future__ import annotations

import pytest
from django.test import Client

from changbei.core import clock
from changbei.notify.models import Device
from changbei.people.models import Person
from changbei.web.tests.conftest import client_of

pytestmark = pytest.mark.django_db


def _device(person: Person, endpoint: str) -> Device:
    return Device.objects.create(
        person=person, endpoint=endpoint, public_key="x", secret="x", added_at=clock.now()
    )


def test_a_browser_that_is_handed_on(small_city: object) -> None:
    first, second = Person.objects.order_by("pk")[:2]
    here, theirs = _device(first, "https://push.invalid/1"), _device(second, "https://push.invalid/2")
    client = client_of(first, "first")
    page = client.get("/tasks/").content.decode()
    assert f'<meta name="viewer" content="{first.staff_no}">' in page
    assert 'action="/logout/" data-leaves' in page
    # nobody ends another's
    client.post("/logout/", {"endpoint": theirs.endpoint})
    assert Device.objects.count() == 2
    answer = client_of(first, "first").post("/logout/", {"endpoint": here.endpoint})
    assert (answer.status_code, answer.headers["Clear-Site-Data"]) == (302, '"cache"')
    assert list(Device.objects.all()) == [theirs]


def test_nobody_logs_out() -> None:
    page = Client().get("/login/").content.decode()
    assert '<meta name="viewer" content="">' in page and "data-leaves" in page
    assert Client().post("/logout/", {"endpoint": "https://push.invalid/1"}).status_code == 302
