"""Capabilities called twice, as after a worker died before its result was written, do their work once."""

from __future__ import annotations

from typing import Any

import pytest

from changbei.core import clock as core_clock
from changbei.core.errors import Invalid, NotFound
from changbei.incidents import services
from changbei.incidents.models import Incident, Suspension
from changbei.incidents.tests import people
from changbei.notify.models import Call, CallList, Message
from changbei.plans import actions
from changbei.runs.context import ActionContext


def perform(incident: Incident, name: str, item: str = "step", **params: Any) -> dict[str, Any]:
    assert incident.run is not None
    return dict(actions.get(name).perform(ActionContext(incident.run, item, params, core_clock.now())))


def suspend(incident: Incident, **more: Any) -> dict[str, Any]:
    given = {
        "scope": "whole",
        "area": people.box(),
        "starts_at": "2026-11-23T10:00:00+08:00",
        "ends_at": "2026-11-23T20:00:00+08:00",
        "reason": "台风",
    }
    return perform(incident, "incidents.suspend", **(given | more))


def test_suspending_twice(typhoon: Incident) -> None:
    first, second = suspend(typhoon), suspend(typhoon)
    assert first == second
    assert (first["retailers"], first["stops_held"]) == (300, 0)
    assert first["starts_at"] == "2026-11-23T02:00:00+00:00"
    assert (first["period"]["zh-Hans"], first["period"]["en"]) == (
        "11月23日10:00至当日20:00",
        "23 Nov 10:00 to 20:00 the same day",
    )
    assert Suspension.objects.count() == 1


def test_another_area_with_equal_times_is_another_suspension(typhoon: Incident) -> None:
    first, second = suspend(typhoon), suspend(typhoon, area=people.box(margin=0.02))
    assert first["suspension"] != second["suspension"]
    assert Suspension.objects.count() == 2


def test_telling_customers_twice(typhoon: Incident) -> None:
    suspension = suspend(typhoon)["suspension"]
    params = {"audience": "suspension", "suspension": suspension, "area": {}, "template": "service-suspended"}
    first = perform(typhoon, "incidents.notify_customers", "tell", **params)
    second = perform(typhoon, "incidents.notify_customers", "tell", **params)
    assert first == second and first["told"] == 300
    assert Message.objects.filter(retailer__isnull=False).count() == 300


def test_a_call_list_twice(typhoon: Incident) -> None:
    params = {
        "suspension": suspend(typhoon)["suspension"],
        "script": "call-script-suspended",
        "template": "call-list-callers",
    }
    first = perform(typhoon, "incidents.make_call_list", **params)
    second = perform(typhoon, "incidents.make_call_list", **params)
    assert first == second and first["calls"] == 300
    assert (CallList.objects.count(), Call.objects.count()) == (1, 300)


def test_resuming_and_extending_twice(typhoon: Incident) -> None:
    suspension = suspend(typhoon)["suspension"]
    later = {"suspension": suspension, "ends_at": "2026-11-23T22:00:00+08:00"}
    assert perform(typhoon, "incidents.extend", **later) == perform(typhoon, "incidents.extend", **later)
    first = perform(typhoon, "incidents.resume", suspension=suspension)
    assert first == perform(typhoon, "incidents.resume", suspension=suspension)
    assert first["retailers"] == 300


def test_telling_contacts_twice(typhoon: Incident) -> None:
    params = {"group": "carrier", "serves": "", "template": "vendor-called", "values": {}}
    first = perform(typhoon, "incidents.tell_contacts", **params)
    assert first == perform(typhoon, "incidents.tell_contacts", **params)
    assert (first["told"], first["missing"], len(first["contacts"])) == (2, False, 2)
    nobody = perform(typhoon, "incidents.tell_contacts", "other", **(params | {"group": "none"}))
    assert nobody == {"told": 0, "contacts": [], "missing": True}


def test_another_incidents_suspension_is_none_of_ours(typhoon: Incident) -> None:
    other = services.report("vehicle-breakdown", people.breakdown(), actor=None, source="web").incident
    suspension = suspend(typhoon)["suspension"]
    with pytest.raises(NotFound):
        perform(other, "incidents.resume", suspension=suspension)
    with pytest.raises(Invalid):
        perform(other, "incidents.resume", suspension="nothing")
    assert Suspension.objects.get().resumed_at is None


@pytest.mark.parametrize("moment", ["tomorrow", "2026-11-23T10:00:00"])
def test_times_that_are_none(typhoon: Incident, moment: str) -> None:
    with pytest.raises(Invalid):
        suspend(typhoon, starts_at=moment)
    assert not Suspension.objects.exists()
