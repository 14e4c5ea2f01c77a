"""The mains fail: the UPS counts down, and nothing is left to its last minute (E3.1.1)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from changbei.incidents.models import CommandPost, SystemOutage
from changbei.network.models import Retailer
from changbei.notify.models import Message
from changbei.site.clockwork import fast_forward
from tests.stories.telling import Town, assert_sound, local

OFF = {"place": "server_room", "since": "2026-11-23T09:30:00+08:00", "on_ups": True, "orders_today": True}


@pytest.mark.clause("E3.1.1", "E3.1.2", "E2.3", "E2.4", "E2.7", "E2.8")
def test_the_ups_counts_down_and_everything_is_off_in_order_before_it_ends(town: Town) -> None:
    assert Retailer.objects.filter(active=True, order_weekday=1).count() == 64
    story = town.report("power-cut", OFF, actor=town.on_duty("security-desk"))
    assert (story.incident.level, story.incident.family) == ("LOCAL", "network")
    assert story.open() == {"take-charge": "09:55", "find-cause": "10:00", "power-back": "14:40"}
    assert story.timers("mark", "wait") == {
        "mark:ups:last-call": "12:30",
        "mark:ups:order-shutdown": "13:30",
        "mark:ups:switch-off": "14:00",
        "wait:ups": "14:30",
    }
    assert story.news() == [
        "customer-service-head: power-cut-staff (inbox sms)",
        "info-center-head: power-cut-staff (inbox sms)",
        "info-technician: task take-charge (inbox sms)",
        "marketing-center-head: power-cut-staff (inbox sms)",
        "office: power-cut-staff (inbox sms)",
        "order-desk: power-cut-staff (inbox sms)",
        "security-desk: report-received (inbox sms)",
        "security-desk: task find-cause (inbox sms)",
        "security-desk: task power-back (inbox sms)",
        "security-head: power-cut-staff (inbox sms)",
    ]

    # The panel of the UPS says another end than the plan: the count-down follows it.
    story.sees("take-charge")
    story.does("take-charge", load_reduced=True, runs_out_at="2026-11-23T14:00:00+08:00")
    assert story.timers("mark", "wait") == {
        "mark:ups:last-call": "12:00",
        "mark:ups:order-shutdown": "13:00",
        "mark:ups:switch-off": "13:30",
        "wait:ups": "14:00",
    }
    story.sees("find-cause")
    story.does("find-cause", cause="supplier")
    story.does("reach-supplier", case_number="P-1", expected_back="2026-11-23T15:00:00+08:00")
    assert story.news() == [
        "authority-power: power-supplier-called (sms)",
        "security-desk: task reach-supplier (inbox sms)",
    ]

    # Two hours before the end customers are called upon to order; another office gets ready.
    fast_forward(timedelta(hours=2, minutes=20))
    assert local(town.clock.now()) == "12:00"
    assert story.news() == [
        "customer-service-head: task other-office (inbox sms)",
        "64 customers: order-last-call (sms)",
    ]
    words = Message.objects.filter(notice__template="order-last-call").values_list("notice__body", flat=True)
    assert "今日系统订货提前至11月23日13:00截止" in words[0]["zh-Hans"]
    story.sees("other-office")
    story.does("other-office", office="示例营销部")

    # One hour before, orders are closed; half an hour before, the machines are switched off.
    fast_forward("1h")
    assert story.open() == {"power-back": "14:40", "close-orders": "13:25"}
    story.sees("close-orders")
    story.does("close-orders", saved=41)
    assert story.open() == {"power-back": "14:40", "orders-by-hand": "13:30"}
    story.does("orders-by-hand", desks=3)
    fast_forward("30m")
    assert story.open() == {"power-back": "14:40", "switch-off": "13:55"}
    assert set(story.result_of("ups")) >= {"last_call", "order_shutdown", "switch_off"}
    story.sees("switch-off")
    story.news()
    fast_forward("10m")
    story.does("switch-off", stopped_at="2026-11-23T13:40:00+08:00", data_written=True)
    assert story.news() == [
        "customer-service-head: systems-switched-off (inbox sms)",
        "info-center-head: systems-switched-off (inbox sms)",
        "marketing-center-head: systems-switched-off (inbox sms)",
        "office: systems-switched-off (inbox sms)",
        "order-desk: systems-switched-off (inbox sms)",
    ]

    # The UPS ends with everything off. Power comes back at half past three; systems are started in order.
    fast_forward("20m")
    assert story.result_of("ups")["ended"] == "run_out"
    assert story.open() == {"power-back": "14:40"}
    fast_forward(timedelta(hours=1, minutes=30))
    assert story.escalations() == [
        "14:40 power-back due → security-head",
        "15:10 power-back due → info-center-head",
    ]
    story.does("power-back", back_at="2026-11-23T15:30:00+08:00")
    assert story.open() == {"restart": "16:30"}
    story.sees("restart")
    story.does("restart", data_whole=False)
    assert story.open() == {"restore-data": "19:30"}
    story.sees("restore-data")
    story.does("restore-data", backup_of="2026-11-22", restored_at="2026-11-23T15:30:00+08:00")
    story.news()
    story.does("confirm-restored", back_at="2026-11-23T15:30:00+08:00")
    assert story.news() == [
        "customer-service-head: power-back-staff (inbox sms)",
        "marketing-center-head: power-back-staff (inbox sms)",
        "office: power-back-staff (inbox sms)",
        "order-desk: power-back-staff (inbox sms)",
        "order-desk: task reconcile-orders (inbox sms)",
        "security-head: power-back-staff (inbox sms)",
        "64 customers: ordering-restored (sms)",
    ]
    assert local(SystemOutage.objects.get().back_at) == "15:30"
    story.does("reconcile-orders", taken=7, entered=7, differences=0)
    story.does("reconcile-debits", errors=0, corrected=0)
    story.does("review")
    story.closes(town.holder("leading-group-head"))
    assert_sound(story)


@pytest.mark.clause("E3.1.1")
def test_power_that_comes_back_stops_the_countdown(town: Town) -> None:
    story = town.report("power-cut", OFF, actor=town.on_duty("security-desk"))
    story.does("take-charge", load_reduced=True)
    story.does("find-cause", cause="own")
    fast_forward(timedelta(hours=2, minutes=50))
    story.does("other-office", office="示例营销部")
    story.does("mend-supply")
    story.does("power-back", back_at="2026-11-23T12:30:00+08:00")
    assert story.result_of("ups")["ended"] == "stopped"
    assert story.timers("mark", "wait") == {}
    assert story.open() == {"confirm-restored": "13:00"}
    story.news()
    story.does("confirm-restored", back_at="2026-11-23T12:30:00+08:00")
    assert story.news()[-1] == "64 customers: ordering-restored (sms)"
    fast_forward("3h")
    assert story.open() == {"review": "11-30 12:30"}
    story.does("review")
    story.closes(town.holder("leading-group-head"))
    assert_sound(story)


@pytest.mark.clause("E3.1.1", "E2.1b")
def test_a_ups_that_does_not_take_over_is_a_major_event(town: Town) -> None:
    story = town.report("power-cut", {**OFF, "on_ups": False}, actor=town.on_duty("security-desk"))
    assert story.incident.level == "MAJOR"
    assert CommandPost.objects.get().commander == town.holder("leading-group-head")
    assert story.open() == {
        "take-charge": "09:55",
        "find-cause": "10:00",
        "reach-ups-vendor": "10:10",
        "set-up-post": "10:10",
        "power-back": "14:40",
        "dark-orders": "10:10",
    }
    told = story.news()
    assert "vendor-ups: maintenance-called (sms)" in told
    assert told[-1] == "64 customers: order-by-phone (sms)"
    assert story.timers("mark", "wait") == {}
