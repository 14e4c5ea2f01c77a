"""Suspending, telling, phoning and resuming, as a browser asks for it; and who stands in for a driver."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from changbei.core.clock import VirtualClock
from changbei.delivery import planning
from changbei.delivery.models import Stop, Tour
from changbei.incidents import services as incidents
from changbei.incidents import suspensions
from changbei.incidents.models import Incident, Suspension
from changbei.incidents.tests import people
from changbei.network.models import Line, Retailer
from changbei.notify import calls
from changbei.notify.models import Call, CallList, Message
from changbei.people import access
from changbei.people.models import Person
from changbei.runs import jobs
from changbei.runs.models import Task
from changbei.supply.models import SupplyRequest
from changbei.web.tests.conftest import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("adopted", "carrier")]
PART = {"HX-Request": "true"}


def area() -> dict[str, object]:
    """Around the customers of one of today's lines."""
    line = Line.objects.filter(weekday=1).order_by("pk")[0]
    return people.box(Retailer.objects.filter(line=line), margin=0.0005)


@pytest.fixture
def typhoon(adopted: None, clock: VirtualClock) -> Incident:
    """A typhoon over a part of the city, looked at so far that the office has to decide."""
    planning.plan_day(clock.now().date(), actor=None)
    data = {"phenomenon": "typhoon", "area": area(), "colour": "orange"}
    incident = incidents.report("severe-weather", data, actor=None, source="web").incident
    while jobs.perform_actions(10):
        pass
    return Incident.objects.get(pk=incident.pk)


@pytest.fixture
def task(typhoon: Incident) -> Task:
    return Task.objects.get(run=typhoon.run, page="incidents.suspend")


@pytest.fixture
def office(task: Task) -> Client:
    assert task.holder is not None
    return client_of(task.holder, "office")


def form(**more: Any) -> dict[str, Any]:
    given = {"area": json.dumps(area()), "starts_at": "2026-11-23T09:30", "ends_at": "2026-11-23T20:00"}
    return given | {"reason": "台风"} | more


@pytest.fixture
def suspension(typhoon: Incident) -> Suspension:
    """Suspended directly, everybody told, a call list made."""
    made = incidents.suspend(
        typhoon,
        area=area(),
        starts_at=typhoon.reported_at,
        ends_at=typhoon.reported_at + timedelta(hours=10),
        reason="台风",
        actor=people.head(),
    )
    incidents.notify_customers(
        typhoon, "service-suspended", audience="suspension", suspension=made, actor=None
    )
    incidents.make_call_list(made, script="call-script-suspended", template="call-list-callers", actor=None)
    return Suspension.objects.select_related("incident__run__plan_version").get(pk=made.pk)


# ---------------------------------------------------------------- deciding


def test_the_form_begins_with_the_incidents_area(office: Client, typhoon: Incident, task: Task) -> None:
    page = office.get(f"/incidents/{typhoon.uuid}/suspend/")
    assert page.status_code == 200
    assert page.context["task"] == task
    drawn = json.loads(page.context["form"]["area"].value())
    assert drawn["type"] == "Polygon"
    assert {tuple(p) for p in drawn["coordinates"][0]} == {tuple(p) for p in area()["coordinates"][0]}  # type: ignore[index]
    assert [one[0] for one in page.context["others"]] == ["change", "keep"]


def test_the_preview_counts_and_changes_nothing(office: Client, typhoon: Incident) -> None:
    part = office.post(f"/incidents/{typhoon.uuid}/suspend/preview", form())
    found = part.context["preview"]
    inside = [shop.pk for shop in Retailer.objects.all() if shop.pk in _inside()]
    assert found.retailers == len(inside) > 0
    assert (found.total, found.scope) == (300, "partial")
    assert found.key == Retailer.objects.filter(pk__in=inside, is_key=True).count()
    due = Stop.objects.filter(retailer__in=inside, status="planned", planned_at__gte="2026-11-23T09:30+08:00")
    assert found.stops_today == due.count() > 0
    whole = office.post(f"/incidents/{typhoon.uuid}/suspend/preview", form(area=json.dumps(people.box())))
    assert (whole.context["preview"].retailers, whole.context["preview"].scope) == (300, "whole")
    nothing = office.post(f"/incidents/{typhoon.uuid}/suspend/preview", form(area=""))
    assert nothing.context["preview"] is None
    assert not Suspension.objects.exists()
    assert not Stop.objects.filter(status="held").exists()


def _inside() -> set[int]:
    west, south = area()["coordinates"][0][0]  # type: ignore[index]
    east, north = area()["coordinates"][0][2]  # type: ignore[index]
    found = Retailer.objects.filter(longitude__range=(west, east), latitude__range=(south, north))
    return set(found.values_list("pk", flat=True))


def test_the_form_decides_the_plans_task(office: Client, typhoon: Incident, task: Task) -> None:
    answer = office.post(f"/incidents/{typhoon.uuid}/suspend/", form())
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/incidents/{typhoon.uuid}/")
    task.refresh_from_db()
    assert (task.status, task.result["option"], task.result["reason"]) == ("done", "suspend", "台风")
    assert task.result["starts_at"] == "2026-11-23T09:30:00+08:00"
    assert not Suspension.objects.exists()  # the plan does it
    while jobs.perform_actions(10):
        pass
    made = Suspension.objects.get()
    assert made.decided_by == task.done_by
    assert made.retailers.count() == len(_inside())


def test_what_is_wrong_is_said_where_it_is(office: Client, typhoon: Incident, task: Task) -> None:
    url = f"/incidents/{typhoon.uuid}/suspend/"
    late = office.post(url, form(ends_at="2026-11-23T09:00"))
    assert late.status_code == 422
    assert late.context["form"].errors == {"ends_at": ["The end has to be after the beginning."]}
    sea = people.box(margin=0.01)
    corner = sea["coordinates"][0][0]  # type: ignore[index]
    x, y = corner[0] - 3, corner[1] - 3
    nowhere = {"type": "Polygon", "coordinates": [[[x, y], [x + 1, y], [x + 1, y + 1], [x, y]]]}
    empty = office.post(url, form(area=json.dumps(nowhere), reason=""))
    assert set(empty.context["form"].errors) == {"area", "reason"}
    assert office.post(url, form(area="[]")).status_code == 422
    task.refresh_from_db()
    assert task.status == "open"


def test_keeping_service_is_decided_here_too(office: Client, typhoon: Incident, task: Task) -> None:
    answer = office.post(f"/incidents/{typhoon.uuid}/suspend/otherwise", {"option": "keep"})
    assert answer.status_code == 303
    task.refresh_from_db()
    assert (task.status, task.result) == ("done", {"option": "keep"})


def test_who_may_not_suspend_cannot(typhoon: Incident, task: Task) -> None:
    colleague = Person.objects.filter(job="customer_manager").order_by("pk")[0]
    theirs = client_of(colleague, "colleague")
    url = f"/incidents/{typhoon.uuid}/suspend/"
    assert theirs.get(url).status_code == 403
    assert theirs.post(url, form()).status_code == 403
    assert theirs.post(f"{url}otherwise", {"option": "keep"}).status_code == 409
    task.refresh_from_db()
    assert task.status == "open"
    assert not Suspension.objects.exists()
    assert client_of(None, "stranger").get(url).status_code == 404


# ---------------------------------------------------------------- while it lasts


def test_the_incident_leads_to_it(suspension: Suspension) -> None:
    client, here = client_of(people.holder("marketing-department-head"), "department"), suspension.incident
    link = f'href="/suspensions/{suspension.uuid}/"'
    assert link in client.get(f"/incidents/{here.uuid}/").content.decode()
    assert client.get(f"/suspensions/{suspension.uuid}/").status_code == 200


def test_every_customer_is_tracked(suspension: Suspension) -> None:
    desk = client_of(people.head(), "head")
    notice = Message.objects.filter(notice__uuid=suspension.notice).order_by("pk")
    total = len(_inside())
    assert notice.count() == total
    first, second, third = notice[:3]
    Message.objects.filter(pk=first.pk).update(state="acknowledged")
    Message.objects.filter(pk=second.pk).update(state="delivered")
    Message.objects.filter(pk=third.pk).update(state="failed")
    call = Call.objects.get(call_list__uuid=suspension.call_list, retailer=third.retailer)
    calls.record_call(call, "no_answer", actor=call.caller)
    expected = {"acknowledged": 1, "told": 1, "under_way": total - 3, "unreached": 1}
    assert suspensions.tracked(suspension) == expected

    page = desk.get(f"/suspensions/{suspension.uuid}/")
    assert {name: n for name, _label, _tone, _icon, n in page.context["tracked"]} == expected
    assert page.context["calls"].whole.total == total
    unreached = desk.get(f"/suspensions/{suspension.uuid}/?part=list&track=unreached", headers=PART)
    [one] = unreached.context["customers"]
    assert (one.retailer.pk, one.call) == (third.retailer_id, "no answer")

    calls.record_call(call, "reached", actor=call.caller)
    assert suspensions.tracked(suspension)["acknowledged"] == 2
    assert third.retailer is not None
    found = desk.get(f"/suspensions/{suspension.uuid}/?q={third.retailer.licence_no}").context["customers"]
    assert [one.retailer.pk for one in found] == [third.retailer_id]


def test_the_map_shows_who_was_told(suspension: Suspension) -> None:
    found = client_of(people.head(), "head").get(f"/suspensions/{suspension.uuid}/map.json").json()
    dots = found["layers"]["retailers"]["data"]["features"]
    assert len(dots) == len(_inside())
    assert {one["properties"]["state"] for one in dots} == {"affected"}


def test_it_is_extended_and_not_shortened(suspension: Suspension) -> None:
    desk = client_of(people.head(), "head")
    url = f"/suspensions/{suspension.uuid}/extend"
    before = suspension.ends_at
    assert desk.post(url, {"ends_at": "2026-11-23T12:00"}).status_code == 422
    suspension.refresh_from_db()
    assert suspension.ends_at == before
    assert desk.post(url, {"ends_at": "2026-11-24T12:00"}).status_code == 303
    suspension.refresh_from_db()
    assert suspension.ends_at.isoformat() == "2026-11-24T04:00:00+00:00"


def test_every_replenishment_is_listed_in_the_readers_words(suspension: Suspension) -> None:
    today = suspension.starts_at.date()
    for number, shop in enumerate(Retailer.objects.order_by("pk")[:25]):
        SupplyRequest.objects.create(
            number=f"SUP-{number:04}",
            run=suspension.incident.run,
            retailer=shop,
            path="after_suspension",
            occasion=f"{suspension.incident.number}/{suspension.pk}",
            needed_on=today,
            deliver_on=today,
            status="dispatched",
            requested_at=suspension.starts_at,
        )
    last = SupplyRequest.objects.order_by("-pk")[0]
    page = client_of(people.head(), "head").get(f"/suspensions/{suspension.uuid}/").content.decode()
    assert page.count("On its way") == 25
    assert last.number in page and f"/supply/{last.uuid}/" in page


def test_resuming_releases_and_replenishes(suspension: Suspension) -> None:
    desk = client_of(people.head(), "head")
    page = desk.get(f"/suspensions/{suspension.uuid}/")
    held = Stop.objects.filter(status="held").count()
    assert page.context["held"] == held > 0
    assert page.context["may_end"]
    assert desk.post(f"/suspensions/{suspension.uuid}/resume").status_code == 303
    suspension.refresh_from_db()
    assert suspension.resumed_by == people.head()
    assert not Stop.objects.filter(status="held").exists()
    after = desk.get(f"/suspensions/{suspension.uuid}/")
    assert (after.context["lasts"], after.context["may_end"]) == (False, False)
    assert desk.post(f"/suspensions/{suspension.uuid}/resume").status_code == 409


def test_nobody_else_ends_it(suspension: Suspension) -> None:
    colleague = client_of(Person.objects.filter(job="customer_manager").order_by("pk")[0], "colleague")
    assert not colleague.get(f"/suspensions/{suspension.uuid}/").context["may_end"]
    assert colleague.post(f"/suspensions/{suspension.uuid}/resume").status_code == 403
    assert (
        colleague.post(f"/suspensions/{suspension.uuid}/extend", {"ends_at": "2026-11-25T12:00"}).status_code
        == 403
    )
    fresh = Suspension.objects.get(pk=suspension.pk)
    assert (fresh.resumed_at, fresh.ends_at) == (None, suspension.ends_at)


# ---------------------------------------------------------------- calls


@pytest.fixture
def caller(suspension: Suspension) -> Person:
    return Call.objects.filter(call_list__uuid=suspension.call_list).order_by("pk")[0].caller


def test_a_customer_manager_phones_one_after_the_other(suspension: Suspension, caller: Person) -> None:
    phone = client_of(caller, "caller")
    page = phone.get("/calls/")
    call = page.context["next"]
    own = Call.objects.filter(caller=caller).count()
    assert (page.context["total"], page.context["n_done"]) == (own, 0)
    assert f"tel:{call.retailer.phone}" in page.content.decode()
    assert page.context["script"]
    url = f"/calls/{suspension.call_list}/{call.retailer.uuid}/"
    part = phone.post(url, {"outcome": "no_answer", "note": "rang long"}, headers=PART)
    assert part.context["next"] != call
    assert part.context["queue"][-1] == call  # it comes again, last
    call.refresh_from_db()
    assert (call.outcome, call.tries, call.note) == ("no_answer", 1, "rang long")
    assert phone.post(url, {"outcome": "reached"}).status_code == 303
    assert phone.post(url, {"outcome": "reached"}).status_code == 409
    assert phone.post(url, {"outcome": "asleep"}).status_code == 422
    assert phone.get("/calls/").context["n_done"] == 1


def test_calls_of_others_are_theirs(suspension: Suspension, caller: Person) -> None:
    call = Call.objects.filter(caller=caller).order_by("pk")[0]
    driver = client_of(Person.objects.filter(job="driver").order_by("pk")[0], "driver")
    url = f"/calls/{suspension.call_list}/{call.retailer.uuid}/"
    assert driver.post(url, {"outcome": "reached"}).status_code == 403
    assert driver.post(f"/calls/{suspension.call_list}/pass-on", {"from": caller.staff_no}).status_code == 403
    call.refresh_from_db()
    assert (call.outcome, call.caller) == ("pending", caller)
    assert driver.get("/calls/").context["next"] is None


def test_a_department_passes_its_own_calls_on(suspension: Suspension, caller: Person) -> None:
    head = people.holder("marketing-department-head")
    own = access.units_with(head, "notify.send")
    assert own
    colleague = Person.objects.filter(job="customer_manager").exclude(unit__in=own).order_by("pk")[0]
    Call.objects.filter(pk__in=Call.objects.order_by("pk")[:1].values("pk")).update(caller=colleague)
    browser = client_of(head, "department")
    [team] = browser.get("/calls/?view=team").context["teams"]
    assert {one.may_pass_on for one in team.callers if one.person.unit_id not in own} == {False}
    url = f"/calls/{suspension.call_list}/pass-on"
    assert browser.post(url, {"from": colleague.staff_no}).status_code == 403
    page = browser.get(f"/calls/{suspension.call_list}/paper?all=1").content.decode()
    assert colleague.name not in page


def test_a_head_passes_calls_on(suspension: Suspension, caller: Person) -> None:
    head = client_of(people.head(), "head")
    page = head.get("/calls/?view=team")
    [team] = page.context["teams"]
    assert team.whole.left == len(_inside())
    assert suspension.incident.number in team.title
    assert all(one.may_pass_on for one in team.callers)
    other = Person.objects.filter(job="customer_manager").exclude(pk=caller.pk).order_by("pk")[0]
    theirs = Call.objects.filter(caller=caller).count()
    before = Call.objects.filter(caller=other).count()
    answer = head.post(
        f"/calls/{suspension.call_list}/pass-on", {"from": caller.staff_no, "to": other.staff_no}
    )
    assert answer.status_code == 303
    assert Call.objects.filter(caller=caller).count() == 0
    assert Call.objects.filter(caller=other).count() == before + theirs
    assert head.get("/calls/?view=team&list=nonsense").status_code == 404
    assert CallList.objects.get().finished_at is None


# ---------------------------------------------------------------- somebody who knows the line


@pytest.fixture
def appointing(adopted: None, clock: VirtualClock) -> Task:
    """A van had an accident; its driver is hurt, and somebody has to stand in."""
    planning.plan_day(clock.now().date(), actor=None)
    tour = Tour.objects.select_related("vehicle", "driver").order_by("pk")[0]
    report = people.breakdown(tour.vehicle.number, injured=True, cause="accident", driver_fit=False)
    incident = incidents.report("vehicle-breakdown", report, actor=tour.driver, source="web").incident
    while jobs.perform_actions(10):
        pass
    return Task.objects.get(run__of_incident=incident, page="delivery.substitute")


def test_candidates_are_offered_and_one_is_appointed(appointing: Task) -> None:
    assert appointing.holder is not None
    desk = client_of(appointing.holder, "dispatcher")
    page = desk.get(f"/tasks/{appointing.uuid}/substitute/")
    candidates = [one for one, _job in page.context["candidates"]]
    assert candidates
    assert page.context["chosen"] == candidates[0].person.staff_no
    assert f"tel:{candidates[0].person.phone}" in page.content.decode()
    missing = desk.post(f"/tasks/{appointing.uuid}/substitute/", {"staff_no": candidates[0].person.staff_no})
    assert missing.status_code == 422
    assert "duty" in missing.context["form"].errors
    given = {"staff_no": candidates[0].person.staff_no, "duty": "guide"}
    assert desk.post(f"/tasks/{appointing.uuid}/substitute/", given).status_code == 303
    appointing.refresh_from_db()
    assert (appointing.status, appointing.result) == ("done", given)
    assert not desk.get(f"/tasks/{appointing.uuid}/substitute/").context["may"]


def test_only_the_holder_appoints(appointing: Task) -> None:
    colleague = client_of(Person.objects.filter(job="driver").order_by("-pk")[0], "colleague")
    url = f"/tasks/{appointing.uuid}/substitute/"
    assert not colleague.get(url).context["may"]
    assert colleague.post(url, {"staff_no": "1", "duty": "guide"}).status_code == 403
    appointing.refresh_from_db()
    assert appointing.status == "open"


def test_its_roads_are_closed_with_place_and_time_filled_in(suspension: Suspension) -> None:
    desk = client_of(people.holder("dispatcher"), "desk")
    address = f"/delivery/disruptions/?suspension={suspension.uuid}"
    assert address in desk.get(f"/suspensions/{suspension.uuid}/").content.decode()
    form = desk.get(address).context["forms"]["close"]
    assert json.loads(form.initial["area"]) == suspension.area
    assert (form.initial["until"], form.initial["reason"]) == (suspension.ends_at, suspension.reason)
    assert desk.get("/delivery/disruptions/?suspension=nonsense").context["forms"]["close"].initial == {}
