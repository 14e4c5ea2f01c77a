"""Warnings come in: kept, read, and acted upon (E3.2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from shapely.geometry import Polygon, box, shape

from changbei.core import clock as core_clock
from changbei.core.clock import VirtualClock
from changbei.core.errors import Conflict, NotAllowed
from changbei.incidents import cap, cap_writer, plan, services
from changbei.incidents.models import Incident, Warning
from changbei.incidents.services.warnings import acting
from changbei.incidents.tests import people
from changbei.journal.models import Entry
from changbei.network import area_files, areas, joining
from changbei.network.models import District
from changbei.notify.models import Message
from changbei.runs.models import Run
from changbei.testing.typhoon import typhoon_warning

pytestmark = pytest.mark.usefixtures("plan")
CITY = {"zh-Hans": "示例市", "zh-Hant": "示例市", "en": "Sample City"}


def alert(identifier: str = "W-1", **changes: Any) -> bytes:
    """A typhoon warning for the whole city."""
    area = changes.pop("area", people.box())
    geocodes = changes.pop("geocodes", ())
    responses = changes.pop("response_types", ())
    sent = changes.pop("sent", core_clock.now())
    colour = changes.pop("colour", "orange")
    made = typhoon_warning(
        area, sent=sent, city=CITY, colour=colour or "orange", identifier=identifier, **changes
    )
    fields = {**made.__dict__, "geocodes": geocodes, "response_types": responses or made.response_types}
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
    assert (entry.run, entry.data["why"]) == (first.incident.run.uuid, "cancel")  # type: ignore[union-attr]


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
    assert Entry.objects.get(kind="incidents.all_clear").data["why"] == "expired"


def test_a_warning_that_was_extended_does_not_run_out(clock: VirtualClock) -> None:
    first = receive(alert(life=timedelta(hours=3)))
    clock.advance(timedelta(hours=2))
    receive(alert("W-2", msg_type="Update", references=[reference(first.warning)], life=timedelta(hours=6)))
    clock.advance(timedelta(hours=1))
    assert services.announce_expired() == 0
    clock.advance(timedelta(hours=5))
    assert services.announce_expired() == 1


def test_an_update_that_shortens_a_warning_brings_the_all_clear_forward(clock: VirtualClock) -> None:
    first = receive(alert()).warning  # twelve hours
    receive(alert("W-2", msg_type="Update", references=[reference(first)], life=timedelta(hours=3)))
    clock.advance(timedelta(hours=3))
    assert services.announce_expired() == 1
    assert Entry.objects.get(kind="incidents.all_clear").data["why"] == "expired"
    clock.advance(timedelta(hours=9))
    assert services.announce_expired() == 0
    assert not Warning.objects.filter(expired_at=None).exists()


@pytest.mark.parametrize("lifts", [{"msg_type": "Cancel"}, {"response_types": ("AllClear",)}])
def test_all_is_clear_when_no_warning_of_the_incident_is_in_force(
    lifts: dict[str, Any], clock: VirtualClock
) -> None:
    first = receive(alert("W-1", life=timedelta(hours=6)))
    second = receive(alert("W-2"))
    clock.advance(timedelta(hours=1))
    received = receive(alert("W-3", references=[reference(second.warning)], **lifts))
    assert (received.action, received.incident) == ("join", first.incident)
    assert not Entry.objects.filter(kind="incidents.all_clear").exists()
    clock.advance(timedelta(hours=5))
    assert services.announce_expired() == 1
    assert [entry.data["why"] for entry in Entry.objects.filter(kind="incidents.all_clear")] == ["expired"]


def test_a_cancel_of_what_was_updated_ends_the_update_as_well(clock: VirtualClock) -> None:
    first = receive(alert())
    clock.advance(timedelta(hours=1))
    receive(alert("W-2", msg_type="Update", references=[reference(first.warning)]))
    clock.advance(timedelta(hours=1))
    received = receive(alert("W-3", msg_type="Cancel", references=[reference(first.warning)]))
    assert (received.action, received.incident) == ("end", first.incident)
    clock.advance(timedelta(hours=24))
    assert services.announce_expired() == 0


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
    assert Entry.objects.get(kind="incidents.all_clear").data["why"] == "declared"


@pytest.mark.parametrize(
    "status,msg_type",
    [("Test", "Update"), ("System", "Update"), ("Actual", "Ack"), ("Actual", "Error")],
)
def test_what_is_no_warning_changes_nothing_in_an_incident(
    status: str, msg_type: str, clock: VirtualClock
) -> None:
    first = receive(alert())
    clock.advance(timedelta(hours=1))
    more = {"status": status, "msg_type": msg_type, "references": [reference(first.warning)]}
    received = receive(alert("W-2", area=people.box(margin=-0.1), colour="blue", **more))
    assert (received.action, received.incident) == ("note", None)
    incident = Incident.objects.get()
    assert (incident.affected_retailers, incident.warnings.count()) == (300, 1)
    assert Warning.objects.get(identifier="W-1").replaced_by is None
    assert not Entry.objects.filter(kind__in=["incidents.all_clear", "incidents.warning_updated"]).exists()


def test_an_exercise_touches_no_real_incident(clock: VirtualClock) -> None:
    first = receive(alert())
    clock.advance(timedelta(hours=1))
    back = [reference(first.warning)]
    received = receive(alert("W-2", status="Exercise", msg_type="Cancel", references=back))
    assert (received.action, received.incident) == ("note", None)
    assert not Entry.objects.filter(kind="incidents.all_clear").exists()
    assert Warning.objects.get(identifier="W-1").replaced_by is None


@pytest.mark.parametrize("colour", ["yellow", "orange", "red"])
def test_exercises_of_every_weight_are_drills(colour: str) -> None:
    received = receive(alert(status="Exercise", colour=colour))
    assert received.action == "start" and received.incident is not None and received.incident.drill
    assert not Incident.objects.filter(drill=False).exists()


def test_a_test_does_nothing() -> None:
    assert receive(alert(status="Test", colour="red")).action == "note"
    assert not Incident.objects.exists() and not Message.objects.exists()
    assert not Entry.objects.filter(kind="incidents.warning_proposed").exists()


def test_updates_and_cancels_make_a_chain(clock: VirtualClock) -> None:
    first = receive(alert()).warning
    clock.advance(timedelta(hours=1))
    second = receive(alert("W-2", msg_type="Update", references=[reference(first)])).warning
    clock.advance(timedelta(hours=1))
    last = receive(alert("W-3", msg_type="Cancel", references=[reference(first), reference(second)])).warning
    chain = dict(Warning.objects.values_list("identifier", "replaced_by__identifier"))
    assert chain == {"W-1": "W-2", "W-2": "W-3", "W-3": None}
    assert list(last.replaces.all()) == [second]


def test_a_proposal_that_is_cancelled_is_no_longer_put_to_anybody(clock: VirtualClock) -> None:
    first = receive(alert(colour="yellow")).warning
    clock.advance(timedelta(hours=1))
    received = receive(alert("W-2", msg_type="Cancel", references=[reference(first)]))
    assert (received.action, received.incident) == ("note", None)
    assert Warning.objects.get(pk=first.pk).replaced_by == received.warning
    with pytest.raises(Conflict):
        services.start_from_warning(first, actor=people.head())


def test_a_proposed_warning_that_grows_starts_the_plan(clock: VirtualClock) -> None:
    first = receive(alert(colour="yellow"))
    clock.advance(timedelta(hours=1))
    second = receive(alert("W-2", msg_type="Update", references=[reference(first.warning)], colour="red"))
    assert (first.action, second.action) == ("propose", "start")


@pytest.mark.parametrize(
    "changes,cleared",
    [
        ({"colour": "yellow"}, True),
        ({"colour": "blue"}, True),
        ({"colour": "orange"}, False),
        ({"colour": "red"}, False),
        ({"area": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}}, True),
    ],
)
def test_which_update_proposes_resuming(changes: dict[str, Any], cleared: bool, clock: VirtualClock) -> None:
    first = receive(alert())
    clock.advance(timedelta(hours=1))
    received = receive(alert("W-2", msg_type="Update", references=[reference(first.warning)], **changes))
    assert (received.action, received.incident) == ("join", first.incident)
    facts = Entry.objects.filter(kind="incidents.all_clear", incident=first.incident.uuid)  # type: ignore[union-attr]
    assert [entry.data["why"] for entry in facts] == (["eased"] if cleared else [])


def test_a_town_in_the_table_is_taken_exactly() -> None:
    district = District.objects.order_by("code")[0]
    west, south, east, north = shape(district.outline).bounds
    town = box(west, south, (west + east) / 2, north)
    draft = area_files.Draft(
        f"{district.code}101", {"zh-Hans": "甲镇", "zh-Hant": "甲鎮", "en": "Town A"}, town
    )
    areas.load([draft], source="towns.geojson", actor=None)
    code = cap.Geocode("行政区划代码", f"{district.code}101000")
    received = receive(alert(area=None, geocodes=[code]))
    assert received.warning.area == mapping_of(town) and received.warning.reasons == []
    assert received.incident is not None
    assert received.incident.affected_retailers == joining.join_shapes([town])[0].count > 0


def test_a_town_without_an_outline_is_taken_by_its_county_and_says_so() -> None:
    district = District.objects.order_by("code")[0]
    received = receive(alert(area=None, geocodes=[cap.Geocode("code", f"{district.code}101000")]))
    assert (received.warning.area, received.warning.verdict) == (district.outline, "accepted-with-warnings")
    (reason,) = received.warning.reasons
    assert (reason["code"], reason["message"]["en"]) == (
        "geocode-wider",
        f"no outline is known for the code {district.code}101000; the county it lies in was taken",
    )


def mapping_of(outline: Polygon) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[list(place) for place in outline.exterior.coords]]}


TABLE = {
    "status": "Actual", "msg_type": "Alert", "meteorological": True, "colour": "", "severity": "Severe",
    "urgency": "Immediate", "certainty": "Likely", "event": "rainstorm", "share": 0.3, "over": False,
}  # fmt: skip


@pytest.mark.parametrize(
    "changes,action",
    [
        ({}, "start"),
        ({"severity": "Extreme", "urgency": "Unknown", "certainty": "Unknown"}, "start"),
        ({"certainty": "Possible"}, "propose"),
        ({"urgency": "Future"}, "propose"),
        ({"urgency": "Past"}, "propose"),
        ({"severity": "Moderate", "certainty": "Unlikely"}, "propose"),
        ({"severity": "Minor"}, "note"),
        ({"colour": "red", "severity": "Minor"}, "start"),
        ({"colour": "red", "certainty": "Unlikely"}, "propose"),
        ({"colour": "orange", "certainty": "Possible", "urgency": "Future"}, "start"),
        ({"colour": "yellow", "severity": "Extreme"}, "propose"),
        ({"colour": "blue", "severity": "Extreme", "urgency": "Past"}, "note"),
        ({"status": "Exercise", "colour": "yellow"}, "drill"),
        ({"status": "Exercise", "severity": "Moderate"}, "drill"),
        ({"status": "Exercise", "severity": "Minor"}, "note"),
        ({"status": "Test", "colour": "red"}, "note"),
        ({"status": "Draft"}, "note"),
        ({"share": 0.0, "colour": "red"}, "note"),
        ({"over": True, "colour": "red"}, "note"),
        ({"meteorological": False}, "note"),
        ({"msg_type": "Cancel", "over": True, "share": 0.0}, "end"),
        ({"msg_type": "Ack"}, "note"),
    ],
)
def test_the_table_of_the_shipped_plan(changes: dict[str, Any], action: str) -> None:
    pack = plan.procedure_in_force("severe-weather").pack
    said = plan.ask(pack, "warning-start", {**TABLE, **changes})
    procedure = "severe-weather" if action in ("start", "drill", "propose") else ""
    assert said == {"action": action, "procedure": procedure}


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
    assert acting.phenomenon(words) == kind
