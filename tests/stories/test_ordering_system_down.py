"""The ordering server fails while both leaders travel: somebody acts, and hands back (E3.1.7, E2.1b, E2.1c)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from changbei.core import clock as core_clock
from changbei.core.clock import LOCAL, VirtualClock
from changbei.core.errors import NotAllowed
from changbei.incidents import services as incidents
from changbei.incidents.models import CommandPost, SystemOutage
from changbei.network.models import Retailer
from changbei.site.clockwork import fast_forward
from tests.stories.telling import Town, assert_sound, local

DOWN = {"fails": "server", "since": "2026-11-23T09:30:00+08:00", "stops_work": True, "city_wide": True}


@pytest.mark.clause("E2.1b", "E2.1c")
def test_the_ordering_server_fails_while_both_leaders_are_away(town: Town) -> None:
    head, deputy = town.holder("leading-group-head"), town.holder("leading-group-deputy")
    town.leave(head, "11-23 12:00")
    town.leave(deputy, "11-23 18:00")
    technical, technician = town.holder("info-center-head"), town.on_duty("info-technician")
    today = Retailer.objects.filter(active=True, order_weekday=1).count()
    assert today == 64

    # A clerk reports. It is a major event: the command post is set up at once, the head of the information
    # centre acts as commander, and both leaders are asked for the authorisation.
    story = town.report("ordering-system-down", DOWN, actor=town.on_duty("order-desk"))
    assert story.incident.level == "MAJOR"
    assert story.statements <= 65
    post = CommandPost.objects.get()
    assert (post.commander, post.deputy_commander, post.acting) == (technical, None, True)
    assert (story.who("commander"), story.why("commander")) == (technical, "acting")
    assert (story.who("info-technician"), story.why("info-technician")) == (technician, "duty")
    assert story.open() == {"take-charge": "09:55", "set-up-post": "10:10", "standby": "09:45"}
    assert story.news() == [
        "customer-service-head: system-down-staff (inbox sms)",
        "deputy: authorisation-asked (inbox sms)",
        "head: authorisation-asked (inbox sms)",
        "info-center-head: acting-commander (inbox sms)",
        "info-center-head: system-down-staff (inbox sms)",
        "info-center-head: task set-up-post (inbox sms)",
        "info-technician: task standby (inbox sms)",
        "info-technician: task take-charge (inbox sms)",
        "marketing-center-head: system-down-staff (inbox sms)",
        "office: system-down-staff (inbox sms)",
        "order-desk: report-received (inbox sms)",
        "order-desk: system-down-staff (inbox sms)",
    ]

    # Only a leader authorises; the deputy does so with one tap, and it is on record.
    with pytest.raises(NotAllowed):
        incidents.authorise(post, actor=technical)
    fast_forward("2m")
    incidents.authorise(post, actor=deputy)
    assert story.facts("incidents.authorisation_asked", "incidents.authorisation_granted") == [
        (
            "09:40",
            "incidents.authorisation_asked",
            {
                "acting": technical.staff_no,
                "post": "info-center-head",
                "asked": [head.staff_no, deputy.staff_no],
            },
        ),
        (
            "09:42",
            "incidents.authorisation_granted",
            {"acting": technical.staff_no, "post": "info-center-head"},
        ),
    ]

    # The technician sees it; the standby is given five minutes. When they pass, the superior is told.
    assert story.escalations() == ["09:42 standby acknowledge → info-center-head"]
    story.sees("standby")
    story.sees("take-charge")
    story.does("set-up-post")
    fast_forward("3m")
    assert story.escalations()[1:] == ["09:45 standby due → info-center-head"]
    assert story.news() == [
        "deputy: authorisation-asked (sms)",
        "head: authorisation-asked (sms)",
        "info-center-head: acting-commander (sms)",
        "info-center-head: task-late standby (inbox sms inbox sms)",
    ]

    # The standby does not take over: vendor, desks and the customers of the day are told, all in one moment.
    story.decides("standby", "failed")
    assert story.news() == [
        "info-technician: task reach-vendor (inbox sms)",
        "marketing-center-head: task extend-time (inbox sms)",
        "order-desk: task orders-by-hand (inbox sms)",
        "vendor-order-system: vendor-called (sms)",
        "64 customers: order-by-phone (sms)",
    ]
    assert SystemOutage.objects.get().fallback == "phone"
    story.does("take-charge", handling="vendor")
    story.does("orders-by-hand", desks=6)
    story.decides("extend-time", "extend", until="2026-11-23T17:00:00+08:00")
    assert story.news() == ["64 customers: order-time-extended (sms)"]

    # One working day for the vendor, from now.
    story.does("reach-vendor", case_number="A-1")
    assert story.open() == {"vendor-mends": "11-24 09:45"}
    assert story.news() == ["info-center-head: task vendor-mends (inbox sms)"]
    story.sees("vendor-mends")

    # At noon the head is back: the command is handed back, by itself and on record.
    fast_forward(timedelta(hours=2, minutes=15))
    assert local(town.clock.now()) == "12:00"
    post.refresh_from_db()
    assert (post.commander, post.acting) == (head, False)
    assert (story.who("commander"), story.why("commander")) == (head, "named")
    assert story.facts("incidents.command_handed_back") == [
        (
            "12:00",
            "incidents.command_handed_back",
            {
                "commander": head.staff_no,
                "deputy_commander": "",
                "acting": False,
                "before": technical.staff_no,
            },
        )
    ]
    assert story.news() == ["head: command-post (inbox sms)"]

    # Mended. Everybody who was told that it was down is told that it is back.
    story.does("vendor-mends", mended_at="2026-11-23T12:00:00+08:00")
    assert story.news() == ["info-center-head: task confirm-restored (inbox sms)"]
    story.does("confirm-restored", back_at="2026-11-23T12:00:00+08:00")
    assert story.news() == [
        "customer-service-head: system-back-staff (inbox sms)",
        "head: task stand-down (inbox)",
        "marketing-center-head: system-back-staff (inbox sms)",
        "office: system-back-staff (inbox sms)",
        "order-desk: system-back-staff (inbox sms)",
        "64 customers: ordering-restored (sms)",
    ]
    assert (story.fresh().status, local(story.fresh().restored_at)) == ("restored", "12:00")
    assert local(SystemOutage.objects.get().back_at) == "12:00"

    # Papers, and the end.
    story.does("stand-down")
    story.does("reconcile-orders", taken=10, entered=10, differences=0)
    story.does("reconcile-debits", errors=0, corrected=0)
    story.does("review")
    assert story.news() == [
        "finance-head: task reconcile-debits (inbox)",
        "inspection-head: task review (inbox)",
        "order-desk: task reconcile-orders (inbox sms)",
    ]
    story.closes(head)
    assert local(CommandPost.objects.get().stood_down_at) == "12:00"
    fast_forward("3m")
    assert story.news() == ["head: command-post (sms)"]
    assert_sound(story)


def test_the_standby_takes_over_and_no_vendor_is_called(town: Town) -> None:
    story = town.report("ordering-system-down", DOWN, actor=town.on_duty("order-desk"))
    head = town.holder("leading-group-head")
    assert (story.who("commander"), CommandPost.objects.get().acting) == (head, False)
    story.news()
    story.sees("standby")
    fast_forward("1m")
    story.decides("standby", "runs")
    assert SystemOutage.objects.get().fallback == "standby"
    assert story.news() == [
        "info-center-head: task confirm-restored (inbox sms)",
        "info-technician: task mend (inbox)",
    ]
    story.does("confirm-restored", back_at="2026-11-23T09:41:00+08:00")
    assert local(story.fresh().restored_at) == "09:41"
    story.does("take-charge", handling="remote")
    story.does("set-up-post")
    story.does("stand-down")
    story.does("mend", mended_at="2026-11-23T09:41:00+08:00")
    story.does("review")
    assert story.news() == [
        "commander: task stand-down (inbox)",
        "customer-service-head: system-back-staff (inbox sms)",
        "inspection-head: task review (inbox)",
        "marketing-center-head: system-back-staff (inbox sms)",
        "office: system-back-staff (inbox sms)",
        "order-desk: system-back-staff (inbox sms)",
    ]
    story.closes(head)
    fast_forward("3m")
    assert story.news() == ["commander: command-post (sms)", "deputy-commander: command-post (sms)"]
    assert_sound(story)


@pytest.mark.parametrize(
    "reached_at,due_at",
    [
        # Wednesday 2026-09-30, the eve of a week of holidays.
        (datetime(2026, 9, 30, 10, 0, tzinfo=LOCAL), "10-08 10:00"),
        # Friday before a Sunday on which people make up for the holidays: that Sunday is the working day.
        (datetime(2026, 9, 18, 10, 0, tzinfo=LOCAL), "09-20 10:00"),
        # A Friday like any other.
        (datetime(2026, 11, 27, 15, 0, tzinfo=LOCAL), "11-30 15:00"),
    ],
)
def test_the_vendor_has_one_working_day(town: Town, reached_at: datetime, due_at: str) -> None:
    core_clock.install(VirtualClock(reached_at))
    since = (reached_at - timedelta(minutes=5)).isoformat()
    story = town.report(
        "ordering-system-down", {**DOWN, "since": since}, actor=town.holder("info-center-head")
    )
    story.decides("standby", "failed", by=story.who("info-technician"))
    story.does("reach-vendor", case_number="A-1")
    assert story.open()["vendor-mends"] == due_at
