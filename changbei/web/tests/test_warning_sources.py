"""The page of sources of warnings, and warnings pushed with a key."""

from __future__ import annotations

import pytest

from changbei.incidents.models import WarningSource
from changbei.incidents.tests import people
from changbei.web.tests.conftest import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("adopted")]
GIVEN = {
    "name": "Weather service",
    "kind": "url",
    "place": "https://weather.example/feed",
    "language": "zh-Hans",
    "interval_seconds": "60",
    "silent_after_seconds": "3600",
    "enabled": "on",
}


def test_a_source_is_added_changed_and_asked_at_once() -> None:
    client = client_of(people.head(), "head")
    assert client.post("/warnings/sources/", GIVEN).status_code == 303
    made = WarningSource.objects.get()
    assert (made.place, made.strict, made.enabled) == ("https://weather.example/feed", False, True)
    url = f"/warnings/sources/{made.uuid}"
    assert client.post(url, {**GIVEN, "strict": "on", "interval_seconds": "300"}).status_code == 303
    made.refresh_from_db()
    assert (made.strict, made.interval_seconds) == (True, 300)
    assert client.post(f"{url}/poll").status_code == 303
    page = client.get("/warnings/sources/")
    assert page.status_code == 200 and b"https://weather.example/feed" in page.content


def test_what_makes_no_sense_is_said_at_the_field() -> None:
    answer = client_of(people.head(), "head").post("/warnings/sources/", {**GIVEN, "place": "nowhere"})
    assert answer.status_code == 422 and list(answer.context["form"].errors) == ["place"]
    assert not WarningSource.objects.exists()


def test_it_is_not_for_everybody() -> None:
    keeper = people.van().keeper
    assert keeper is not None
    assert client_of(keeper, "driver").get("/warnings/sources/").status_code == 403
