"""Warnings come in: kept, read, and acted upon (E3.2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from changbei.core import clock as core_clock
from changbei.core.clock import VirtualClock
from changbei.core.errors import Conflict, NotAllowed
from changbei.incidents import cap, cap_writer, services
from changbei.incidents.models import Incident, Warning
from changbei.incidents.tests import people
from changbei.journal.models import Entry
from changbei.network.models import District
from changbei.notify.models import Message
from changbei.runs.models import Run

pytestmark = pytest.mark.usefixtures("plan")
CITY = {"zh-Hans": "示例市", "zh-Hant": "示例市", "en": "Sample City"}


def alert(identifier: str = "W-1", **changes: Any) -> bytes:
    """A typhoon warning for the whole city."""
    area = changes.pop("area", people.box())
    geocodes = changes.pop("geocodes", ())
    sent = changes.pop("sent", core_clock.now())
    colour = changes.pop("colour", "orange")
    made = cap_writer.typhoon_warning(
        area, sent=sent, city=CITY, colour=colour or "orange", identifier=identifier, **changes
    )
    fields = {**made.__dict__, "geocodes": geocodes}
    return cap_writer.write(cap_writer.NewWarning(**fields))


def receive(data: bytes, **more: Any) -> services.Received:
    return services.receive_warning(data, source="test", **more)


def reference(warning: Warning) -> cap.Reference:
    return cap.Reference(warning.sender, warning.identifier, warning.sent)


def test_an_orange_warning_starts_the_plan(clock: VirtualClock) -> None:
    received = receive(alert())
    assert received.action == "start"
    incident = received.incident
    assert incident is not None
    assert (incident.number, incident.kind, incident.level) == ("INC-0001", "severe-weather", "MAJOR")
    assert incident.title["en"] == "Severe weather · Typhoon"
    assert (incident.affected_retailers, incident.drill) == (300, False)
    report = incident.reports.get()
    assert (report.source, report.data["colour"], report.data["phenomenon"]) == (
        "warning",
        "orange",
        "typhoon",
    )
    assert report.data["warning"] == str(received.warning.uuid)
    warning = Warning.objects.get()
    assert (warning.incident, warning.verdict, warning.colour) == (incident, "accepted", "orange")
    assert (warning.event, warning.headline) == ("台风", "示例市气象台发布台风橙色预警信号")
    assert bytes(warning.raw).startswith(b"<?xml")


def test_the_same_alert_twice_changes_nothing() -> None:
    data = alert()
    first, second = receive(data), receive(data)
    assert (second.action, second.warning, second.incident) == ("duplicate", first.warning, first.incident)
    assert Warning.objects.count() == 1 and Incident.objects.count() == 1
    assert Entry.objects.filter(kind="incidents.warning_received").count() == 1


def test_what_is_no_cap_is_refused_and_kept() -> None:
    received = receive(b"HTTP/1.1 503 Service Unavailable")
    assert (received.action, received.incident) == ("refused", None)
    warning = Warning.objects.get()
    assert (warning.verdict, bytes(warning.raw)) == ("refused", b"HTTP/1.1 503 Service Unavailable")
    assert [reason["code"] for reason in warning.reasons] == ["not-xml"]
    assert set(warning.reasons[0]["message"]) == {"zh-Hans", "zh-Hant", "en"}
    receive(b"HTTP/1.1 503 Service Unavailable")
    assert Warning.objects.count() == 2
    assert not Incident.objects.exists()


def test_an_exercise_is_a_drill() -> None:
    incident = receive(alert(status="Exercise")).incident
    assert incident is not None and incident.drill and incident.run is not None and incident.run.drill
    outside = Message.objects.filter(notice__run=incident.run.uuid, person__isnull=True)
    assert set(outside.values_list("state", flat=True)) <= {"stopped"}


@pytest.mark.parametrize(
    "changes,action",
    [
        ({"status": "Test"}, "note"),
        ({"colour": "blue"}, "note"),
        ({"colour": "yellow"}, "propose"),
        ({"colour": "red"}, "start"),
        ({"area": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}}, "note"),
        ({"area": None}, "note"),
    ],
)
def test_what_a_warning_does_by_the_table(changes: dict[str, Any], action: str) -> None:
    received = receive(alert(**changes))
    assert received.action == action
    assert Incident.objects.count() == (action == "start")
    assert Warning.objects.count() == 1


def test_an_old_warning_starts_nothing() -> None:
    long_ago = core_clock.now() - timedelta(days=2)
    assert receive(alert(sent=long_ago)).action == "note"
    assert not Incident.objects.exists()


def test_yellow_is_put_to_the_office_which_may_start_the_plan() -> None:
    received = receive(alert(colour="yellow"))
    office = people.holder("leading-group-office")
    message = Message.objects.get(notice__template="warning-proposed", channel="inbox")
    assert message.person == office
    assert message.notice.body["zh-Hans"].startswith("收到预警“示例市气象台发布台风黄色预警信号”")
    started = services.start_from_warning(received.warning, actor=people.head())
    assert started.incident is not None
    assert started.incident.reports.get().reporter == people.head()
    with pytest.raises(Conflict):
        services.start_from_warning(received.warning, actor=people.head())


def test_not_everybody_starts_a_plan_from_a_warning() -> None:
    received = receive(alert(colour="yellow"))
    with pytest.raises(NotAllowed):
        services.start_from_warning(received.warning, actor=people.van().keeper)  # type: ignore[arg-type]
    assert not Incident.objects.exists()


def test_an_update_joins_the_incident_of_what_it_updates(clock: VirtualClock) -> None:
    first = receive(alert())
    clock.advance(timedelta(hours=1))
    smaller = people.box(margin=-0.1)
    update = alert(
        "W-2", msg_type="Update", references=[reference(first.warning)], area=smaller, colour="yellow"
    )
    received = receive(update)
    assert (received.action, received.incident) == ("join", first.incident)
    assert Incident.objects.count() == 1 and Run.objects.count() == 1
    incident = Incident.objects.get()
    assert incident.area is not None and incident.affected_retailers < 300
    assert Entry.objects.get(kind="incidents.warning_updated").incident == incident.uuid


def test_a_second_warning_of_the_same_weather_joins_as_well(clock: VirtualClock) -> None:
    first = receive(alert())
    clock.advance(timedelta(hours=1))
    second = receive(alert("W-9"))
    assert (second.action, second.incident) == ("join", first.incident)


def test_a_cancel_proposes_resuming(clock: VirtualClock) -> None:
    first = receive(alert())
    clock.advance(timedelta(hours=2))
    received = receive(alert("W-2", msg_type="Cancel", references=[reference(first.warning)]))
    assert (received.action, received.incident) == ("end", first.incident)
    entry = Entry.objects.get(kind="incidents.all_clear")
    assert (entry.run, entry.data) == (first.incident.run.uuid, {"why": "cancel"})  # type: ignore[union-attr]


def test_a_cancel_of_something_unknown_is_noted() -> None:
    other = cap.Reference("x@weather.example", "W-0", core_clock.now())
    received = receive(alert(msg_type="Cancel", references=[other]))
    assert (received.action, received.incident) == ("note", None)
    assert not Entry.objects.filter(kind="incidents.all_clear").exists()


def test_a_warning_that_runs_out_is_told_once(clock: VirtualClock) -> None:
    receive(alert(life=timedelta(hours=3)))
    assert services.announce_expired() == 0
    clock.advance(timedelta(hours=3))
    assert services.announce_expired() == 1
    assert services.announce_expired() == 0
    assert Entry.objects.get(kind="incidents.all_clear").data == {"why": "expired"}


def test_a_warning_that_was_extended_does_not_run_out(clock: VirtualClock) -> None:
    first = receive(alert(life=timedelta(hours=3)))
    clock.advance(timedelta(hours=2))
    receive(alert("W-2", msg_type="Update", references=[reference(first.warning)], life=timedelta(hours=6)))
    clock.advance(timedelta(hours=1))
    assert services.announce_expired() == 0
    clock.advance(timedelta(hours=5))
    assert services.announce_expired() == 1


def test_districts_stand_in_for_a_missing_polygon() -> None:
    district = District.objects.order_by("code")[0]
    code = cap.Geocode("CPEAS Geographic Code", f"{district.code}000000")
    received = receive(alert(area=None, geocodes=[code]))
    assert received.action == "start" and received.incident is not None
    assert received.warning.area == district.outline
    assert received.incident.affected_retailers == district.retailers.count()


def test_the_office_declares_all_clear() -> None:
    incident = receive(alert()).incident
    assert incident is not None
    services.declare_all_clear(incident, actor=people.head())
    assert Entry.objects.get(kind="incidents.all_clear").data == {"why": "declared"}


@pytest.mark.parametrize(
    "words,kind",
    [
        ("台风", "typhoon"),
        ("Tropical Storm Warning", "typhoon"),
        ("暴雨橙色预警", "rainstorm"),
        ("Flood Warning", "rainstorm"),
        ("暴雪", "snow"),
        ("大雾", "other"),
    ],
)
def test_what_weather_it_is(words: str, kind: str) -> None:
    assert services.warnings.phenomenon(words) == kind
