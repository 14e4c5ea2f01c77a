"""The whole typhoon day, by hand: everybody at the screen that is theirs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db.models import Count

from changbei.delivery.models import RecoveryCase, Stop, Tour
from changbei.incidents import services as incidents
from changbei.incidents.models import CommandPost, Incident, Suspension
from changbei.network.models import District
from changbei.notify import calls
from changbei.notify.models import Call
from changbei.runs.models import Run
from changbei.site.clockwork import fast_forward, run_until_quiet
from tests.browser.visitor import Visitor, account_of
from tests.stories.telling import Story, Town
from tests.stories.test_ordering_system_down import DOWN
from tests.stories.test_severe_weather import warning
from tests.stories.test_sudden_demand import shop, wish
from tests.stories.test_vehicle_breakdown import fullest_tour

pytestmark = pytest.mark.browser
Visit = Callable[..., Visitor]


def test_a_typhoon_day(delivery_morning: Town, visit: Visit) -> None:
    town = delivery_morning
    dispatcher = town.on_duty("dispatcher", "delivery-center")

    # The warning arrives; the dispatcher logs in and finds the incident on the board.
    district = District.objects.annotate(shops=Count("retailers")).order_by("-shops", "code")[0]
    received = incidents.receive_warning(warning(district.outline, town.clock.now()), source="test")
    assert received.incident is not None
    run_until_quiet()
    weather = Story(received.incident)
    account_of(dispatcher)
    desk = visit()
    desk.opens("/")
    desk.sees("input[name=username]").fill(dispatcher.staff_no.lower())
    desk.page.fill("input[name=password]", "drill-only")
    desk.presses("form.cb-form button.btn-primary")
    desk.sees("#case-INC-0001", "台风")
    desk.map_is_drawn()
    desk.judge("board")

    # A van breaks down: the driver reports it with one thumb, from the list on the phone.
    tour = fullest_tour(town)
    phone = visit(tour.driver, width=390)
    here = tour.stops.filter(status=Stop.Status.PLANNED).order_by("sequence")[0].retailer
    phone.stands_at(here.longitude, here.latitude)
    phone.opens("/delivery/mine/")
    phone.sees("#tour .cb-next")
    phone.judge("driver", at=(390,))
    phone.presses("[data-act=breakdown]")
    phone.presses("#breakdown-dialog button[value=report]")
    phone.sees("[data-part=answers]", "INC-0002")
    run_until_quiet()
    story = Story(Incident.objects.get(number="INC-0002"))
    assert story.who("driver") == tour.driver

    # The dispatcher had a call about the same van: the report joins, and says so.
    desk.opens("/report/vehicle-breakdown/")
    desk.judge("report", at=(390, 1280))
    report_breakdown(desk, tour)
    desk.sees(".cb-answer-number", "INC-0002")
    assert story.fresh().reports.filter(joined=True).count() == 1

    # Acknowledge, compare the options on the map, accept one.
    run_until_quiet()
    desk.opens("/tasks/")
    desk.judge("tasks")
    choose = story.task("choose")
    desk.opens(f"/tasks/{choose.uuid}/")
    desk.judge("task", at=(390, 1280))
    desk.presses(f"form[action='/tasks/{choose.uuid}/acknowledge'] button")
    desk.sees("a.btn-primary[href^='/delivery/r']")
    assert story.task("choose").acknowledged_by == dispatcher
    desk.presses("a.btn-primary[href^='/delivery/r']")
    desk.map_is_drawn()
    assert desk.page.locator(".cb-option").count() == RecoveryCase.objects.get().options.count()
    desk.page.locator(".cb-option").last.click()
    desk.sees(".cb-option[aria-current=true] >> nth=0")
    desk.page.locator(".cb-option").first.click()
    desk.until("document.querySelector('.cb-option').getAttribute('aria-current') == 'true'")
    desk.judge("recovery")
    desk.presses("form.cb-accept button")
    desk.agrees()
    desk.sees("#recovery .cb-banner[data-tone=good]")
    run_until_quiet()
    assert story.task("choose").done_by == dispatcher

    # The driver who takes over sees the new list, and records a stop.
    taken = RecoveryCase.objects.get().options.get(rank=1).plan["tours"][0]
    other = Tour.objects.select_related("driver").get(day=tour.day, vehicle=taken["vehicle"])
    colleague = visit(other.driver, width=390)
    colleague.opens("/delivery/mine/")
    colleague.sees("#tour li[data-handover], #tour .cb-next")
    colleague.judge("new-list", at=(390,))
    before = Stop.objects.filter(tour=other, status=Stop.Status.DELIVERED).count()
    if colleague.page.locator("[data-act=taken_over]").count():
        colleague.presses("[data-act=taken_over]")
        colleague.presses("#take-over-dialog button[value=yes]")
    with colleague.page.expect_response(lambda answer: "/delivery/mine/sync" in answer.url):
        colleague.presses(".cb-next-done button[value=delivered]")
    assert Stop.objects.filter(tour=other, status=Stop.Status.DELIVERED).count() == before + 1
    desk.opens("/delivery/")
    desk.map_is_drawn()
    desk.judge("delivery")

    # The office draws the area and suspends service there.
    office = visit(weather.who("office"))
    office.opens(f"/incidents/{weather.incident.uuid}/suspend/")
    office.map_is_drawn()
    office.page.locator("[data-map-tools] button").nth(2).click()
    draw(office)
    office.sees("#suspend-preview .cb-figures")
    if not office.page.input_value("[name=reason]"):
        office.page.fill("[name=reason]", "台风")
    office.judge("suspend")
    office.presses("#suspend-form .btn-primary")
    office.agrees()
    office.page.wait_for_url(lambda address: "/suspend/" not in address)
    run_until_quiet()
    suspension = Suspension.objects.get()
    assert suspension.decided_by == weather.who("office")
    assert suspension.retailers.count() > 0
    office.opens(f"/suspensions/{suspension.uuid}/")
    office.map_is_drawn()
    office.judge("suspension")

    # A customer manager phones, one customer after the other; the last one closes the task.
    first = Call.objects.select_related("caller").order_by("pk")[0]
    manager = visit(first.caller, width=390)
    manager.opens("/calls/")
    manager.judge("calls", at=(390, 1280))
    with manager.page.expect_response(lambda answer: answer.request.method == "POST"):
        manager.presses(".cb-outcomes button[value=reached]")
    assert Call.objects.filter(outcome=Call.Outcome.REACHED).count() == 1
    for call in Call.objects.exclude(outcome=Call.Outcome.REACHED).select_related("caller"):
        calls.record_call(call, "reached", actor=call.caller)
    run_until_quiet()
    assert weather.task("calls").status == "done"

    # The weather is over: service is resumed.
    fast_forward("1m")
    office.opens(f"/suspensions/{suspension.uuid}/")
    office.presses("[data-dialog-open='#resume-dialog']")
    office.presses("#resume-dialog .btn-primary")
    office.page.wait_for_load_state()
    run_until_quiet()
    suspension.refresh_from_db()
    assert suspension.resumed_by == weather.who("office")

    # The ordering server fails while both leaders travel; the deputy authorises whoever acts, from afar.
    head, deputy = town.holder("leading-group-head"), town.holder("leading-group-deputy")
    town.leave(head, "11-24 18:00")
    town.leave(deputy, "11-24 18:00")
    ordering = town.report("ordering-system-down", DOWN, actor=town.on_duty("order-desk"))
    post = CommandPost.objects.get(incident=ordering.incident)
    assert post.acting and post.commander == town.holder("info-center-head")
    leader = visit(deputy, width=390)
    leader.opens(f"/incidents/{ordering.incident.uuid}/")
    leader.judge("incident")
    leader.presses("form[action$='/authorise'] button")
    leader.page.wait_for_load_state()
    assert post.authorisations.get().granted_by == deputy

    # A request for a wedding waits for the deputy head of the marketing department, who approves it.
    demand = town.report("sudden-demand", wish(40), actor=shop().customer_manager)
    approver = visit(demand.task("approve-planned").holder, width=390)
    approver.opens(f"/tasks/{demand.task('approve-planned').uuid}/")
    approver.judge("approval", at=(390, 1280))
    approver.presses("button[name=approved][value=yes]")
    approver.page.wait_for_load_state()
    run_until_quiet()
    assert demand.task("approve-planned").status == "done"

    # The breakdown is put away: the papers in order, closed, reviewed, printed.
    finish_breakdown(story)
    chief = visit(town.holder("delivery-center-head"))
    chief.opens(f"/incidents/{story.incident.uuid}/")
    chief.presses("[data-dialog-open='#close-dialog']")
    chief.presses("#close-dialog .cb-btn-danger")
    chief.page.wait_for_load_state()
    run_until_quiet()
    assert story.fresh().status == Incident.Status.CLOSED
    chief.opens(f"/incidents/{story.incident.uuid}/review/")
    chief.judge("review")
    answer = chief.context.request.get(f"{chief.address}/incidents/{story.incident.uuid}/review.pdf")
    assert (answer.status, answer.body()[:5]) == (200, b"%PDF-")
    assert Run.objects.get(pk=story.incident.run_id).status == Run.Status.FINISHED


def report_breakdown(visitor: Visitor, tour: Tour) -> None:
    """Van, place by the phone's own position, nobody hurt, goods aboard."""
    page = visitor.page
    here = tour.stops.filter(status=Stop.Status.PLANNED).order_by("sequence")[0].retailer
    visitor.stands_at(here.longitude, here.latitude)
    visitor.sees("form.cb-form")
    if page.locator("select[name=vehicle]").count():
        page.select_option("select[name=vehicle]", tour.vehicle.number)
    elif page.locator("[name=vehicle]").first.get_attribute("type") == "radio":
        page.locator(f"[name=vehicle][value='{tour.vehicle.number}']").check(force=True)
    else:
        page.fill("[name=vehicle]", tour.vehicle.number)
    page.fill("[name=place_text]", "示例路口")
    page.click("[data-locate]")
    visitor.until("document.querySelector('[name=place_longitude]').value != ''")
    for name, value in (("injured", "no"), ("goods_aboard", "yes")):
        choices = page.locator(f"input[name={name}]")
        values = [choices.nth(number).get_attribute("value") for number in range(choices.count())]
        wanted = value if value in values else {"no": "false", "yes": "true"}[value]
        page.locator(f"label.cb-choice:has(input[name={name}][value={wanted}])").click()
    visitor.presses("form.cb-form .cb-form-foot button")


def draw(visitor: Visitor) -> None:
    """Four taps around the middle of the map."""
    box = visitor.page.locator("[data-map] canvas.maplibregl-canvas").bounding_box()
    assert box is not None
    for x, y in ((0.48, 0.42), (0.62, 0.42), (0.62, 0.58), (0.48, 0.58)):
        visitor.page.mouse.click(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
        visitor.page.wait_for_timeout(150)


def finish_breakdown(story: Story) -> None:
    """What is left of the breakdown, done by whom it belongs to."""
    story.does("confirm-place")
    story.does("take-charge")
    story.does("hand-over", cartons=70, complete=True)
    story.does("confirm-restored")
    story.does("hand-in-van")
    story.does("file-papers")
    story.does("review")
