"""The four shipped procedures do in every branch what the clauses say, in this order, by these roles."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from changbei.plans.facts import Json
from changbei.plans.tests.walk import MONDAY, Walk, pack

AREA = {"type": "Polygon", "coordinates": [[[117, 30], [117.5, 30], [117.5, 30.4], [117, 30]]]}

# --- vehicle breakdown -----------------------------------------------------------------------------------------

PLACE = {"text": "G50, km 312", "longitude": 117.2, "latitude": 30.1}
BREAKDOWN = {"vehicle": "17", "place": PLACE, "injured": False, "goods_aboard": True}
VAN = {"number": "17", "plate": "测A00017", "model": "厢式货车", "capacity_cartons": 900, "site": "S1"}
RECOVERED = {
    "case": "c-1",
    "stops": 34,
    "options": 3,
    "best": "site_reserve",
    "reserve": True,
    "unserved": 0,
    "seconds": 1.2,
}
ACCEPTED = {"case": "c-1", "option": "site_reserve", "unserved": 0, "vans": 1, "shifted": 9, "reserve": True}


def breakdown(**change: Any) -> Walk:
    return Walk(
        "vehicle-breakdown", {**BREAKDOWN, **change}, vehicle=VAN, driver="3107", vehicle_keeper="3107"
    )


def test_breakdown_nobody_hurt() -> None:
    walk = breakdown()
    assert walk.log == [
        "task confirm-place driver E3.3.1",
        "task take-charge dispatcher E3.3.1",
        "do delivery.recover",
        "do delivery.order_repair",
    ]
    assert walk.params["recover"] == {
        "vehicle": "17",
        "goods_aboard": True,
        "injured": False,
        "cause": "fault",
        "place": PLACE,
    }
    assert walk.returns("order-repair", order=1) == ["task hand-in-van vehicle-keeper E3.3.1"]
    assert walk.returns("recover", **RECOVERED) == ["task choose dispatcher E3.3.2"]
    assert walk.procedure.steps["choose"].task.page == "delivery.recovery"  # type: ignore[union-attr]
    assert walk.happens("delivery.recovery_accepted", **ACCEPTED) == [
        "do delivery.tell_drivers",
        "do delivery.tell_customers",
    ]
    assert walk.params["tell-drivers"] == {"case": "c-1", "template": "driver-new-list"}
    assert walk.params["tell-customers"] == {
        "vehicle": "17",
        "template": "delivery-shifted",
        "than_minutes": 15,
    }
    assert walk.returns("tell-drivers", told=1) == []
    assert walk.returns("tell-customers", told=9) == ["task hand-over driver E3.3.1"]
    assert walk.done("hand-over", cartons=410, complete=True) == ["task confirm-restored dispatcher E3.3.1"]
    assert "restored_at" not in walk.state
    assert walk.done("confirm-restored") == ["task file-papers dispatcher E3.3.1"]
    assert walk.state["restored_at"] == MONDAY.isoformat()
    assert walk.done("file-papers") == ["task review inspection-head E2.9"]
    assert walk.done("review") == []
    assert walk.open() == {"take-charge", "confirm-place", "hand-in-van"}
    walk.finish_all()
    assert walk.finished
    assert walk.state["notes"] == []


def test_breakdown_before_loading_needs_no_hand_over() -> None:
    walk = breakdown(goods_aboard=False)
    walk.returns("recover", **RECOVERED)
    walk.happens("delivery.recovery_accepted", **ACCEPTED)
    walk.returns("tell-drivers", told=1)
    assert walk.returns("tell-customers", told=9) == ["task confirm-restored dispatcher E3.3.1"]


def test_breakdown_with_nothing_left_to_deliver_asks_nobody_to_choose() -> None:
    walk = breakdown()
    nothing = {
        "case": "",
        "stops": 0,
        "options": 0,
        "best": "",
        "reserve": False,
        "unserved": 0,
        "seconds": 0.0,
    }
    assert walk.returns("recover", **nothing) == ["task confirm-restored dispatcher E3.3.1"]


def test_breakdown_that_leaves_customers_unserved() -> None:
    walk = breakdown()
    walk.returns("recover", **{**RECOVERED, "reserve": False, "unserved": 4, "best": "neighbours"})
    assert walk.happens(
        "delivery.recovery_accepted", **{**ACCEPTED, "option": "neighbours", "unserved": 4}
    ) == [
        "do delivery.tell_drivers",
        "do delivery.tell_customers",
        "task arrange-unserved dispatcher E2.6",
    ]
    assert "van-request" not in " ".join(walk.log)  # no accident: E3.3.3 does not apply


def test_breakdown_when_nothing_can_take_over() -> None:
    walk = breakdown()
    nobody = {**RECOVERED, "case": "", "options": 0, "reserve": False, "unserved": 34, "best": ""}
    assert walk.returns("recover", **nobody) == ["task arrange-unserved dispatcher E2.6"]


def test_breakdown_recovery_by_hand_when_computing_fails() -> None:
    walk = breakdown()
    assert walk.fails("recover") == ["task recover dispatcher E3.3.2"]
    assert walk.done("recover") == ["task confirm-restored dispatcher E3.3.1"]


def test_accident_without_injury_and_no_reserve_requests_a_van_of_the_type() -> None:
    walk = breakdown(cause="accident", driver_fit=True)
    assert walk.log == [
        "task secure-site driver E3.3.4",
        "task confirm-place driver E3.3.1",
        "task take-charge dispatcher E3.3.1",
        "do delivery.recover",
        "task handle-accident security-head E3.3.4",
        "do delivery.order_repair",
    ]
    assert walk.returns(
        "recover", **{**RECOVERED, "reserve": False, "unserved": 6, "best": "neighbours"}
    ) == [
        "task choose dispatcher E3.3.2",
        "tell van-request → transport-authority",
        "task van-answer delivery-center-head E3.3.3",
    ]
    assert walk.told["request-van"] == {
        "vehicle_type": "厢式货车",
        "capacity_cartons": 900,
        "place": "G50, km 312",
        "contract": "示例保险合同001",
    }


def test_accident_with_a_reserve_van_requests_nothing() -> None:
    walk = breakdown(cause="accident", driver_fit=True)
    assert walk.returns("recover", **RECOVERED) == ["task choose dispatcher E3.3.2"]


def test_somebody_hurt_rescue_first_and_the_leaders_decide() -> None:
    walk = breakdown(injured=True, cause="accident", driver_fit=True)
    assert walk.log == [
        "task rescue driver E3.3.4",
        "task send-help dispatcher E3.3.4",
        "task take-charge dispatcher E3.3.1",
        "do delivery.recover",
        "task times commander E3.3.4",
        "task handle-accident security-head E3.3.4",
        "task attend-site delivery-center-head E2.8",
        "do delivery.order_repair",
    ]
    assert walk.done("rescue") == ["task secure-site driver E3.3.4", "task confirm-place driver E3.3.1"]
    assert walk.returns("recover", **RECOVERED) == []  # who takes over waits for the leaders
    assert walk.decide("times", "today") == ["task choose dispatcher E3.3.2"]


def test_somebody_hurt_and_delivery_moves_to_the_next_day() -> None:
    walk = breakdown(injured=True, cause="accident", driver_fit=True)
    walk.returns("recover", **{**RECOVERED, "reserve": False})
    assert walk.decide("times", "next-day") == ["do delivery.postpone"]
    assert walk.params["postpone"] == {"vehicle": "17", "reason": "accident"}
    assert walk.returns("postpone", stops=34, next_on="2026-11-24") == ["do delivery.tell_customers"]
    assert walk.params["tell-postponed"] == {
        "vehicle": "17",
        "template": "delivery-postponed",
        "than_minutes": 0,
    }
    assert walk.returns("tell-postponed", told=34) == ["task confirm-restored dispatcher E3.3.1"]


@pytest.mark.parametrize(
    "report", [{"injured": True}, {"injured": True, "driver_fit": False}, {"driver_fit": False}]
)
def test_driver_out_nothing_is_asked_of_the_driver(report: Json) -> None:
    walk = breakdown(**report)
    assert "do delivery.find_substitute" in walk.log
    assert "task find-place dispatcher E3.3.1" in walk.log
    assert walk.returns("order-repair", order=1) == ["task tow-van dispatcher E3.3.1"]
    assert walk.returns("find-substitute", found=1, staff_no="2044") == [
        "task appoint-substitute dispatcher E3.3.5"
    ]
    assert walk.done("appoint-substitute", staff_no="2044", duty="guide") == ["do delivery.call_substitute"]
    assert walk.params["call-substitute"] == {
        "vehicle": "17",
        "staff_no": "2044",
        "template": "substitute-called",
    }
    walk.returns("recover", **RECOVERED)
    if "times" in walk.open():
        walk.decide("times", "today")
    walk.happens("delivery.recovery_accepted", **ACCEPTED)
    walk.returns("tell-drivers", told=1)
    if "van-answer" in walk.open():
        walk.done("van-answer", granted=False, vehicle_type="x", capacity_cartons=1)
    assert walk.returns("tell-customers", told=9) == ["task hand-over-by-other dispatcher E3.3.1"]
    assert not [line for line in walk.log if line.split()[2:3] in (["driver"], ["vehicle-keeper"])]


def test_a_driver_who_does_not_answer() -> None:
    """Place unconfirmed after 5 minutes: dispatcher, head of the delivery centre, commander, 5 minutes apart."""
    walk = breakdown()
    walk.done("take-charge")
    walk.later(minutes=4, seconds=59)
    assert walk.escalated == []
    walk.later(seconds=1)
    assert walk.escalated == [("confirm-place", "dispatcher", "acknowledge")]
    walk.later(minutes=15)
    assert walk.escalated[1:] == [
        ("confirm-place", "delivery-center-head", "acknowledge"),
        ("confirm-place", "dispatcher", "due"),
        ("confirm-place", "delivery-center-head", "due"),
        ("confirm-place", "commander", "due"),
    ]


# --- severe weather --------------------------------------------------------------------------------------------

TYPHOON = {
    "phenomenon": "typhoon",
    "area": AREA,
    "colour": "orange",
    "headline": "台风橙色预警",
    "ends_at": "2026-11-24T08:00:00+08:00",
}
REPORTS = {
    "task report-delivery delivery-center-head E2.6",
    "task report-marketing marketing-center-head E2.4",
    "task report-department marketing-department-head E2.5",
    "task report-finance finance-head E2.7",
    "task report-security security-head E2.8",
    "task reserve-vans dispatcher E3.2.6",
}
STAFF = (
    "dispatcher delivery-center-head marketing-center-head customer-service-head order-desk"
    " info-center-head finance-head"
)
SUSPENDED = {
    "suspension": "s-1",
    "retailers": 7000,
    "stops_held": 610,
    "starts_at": "2026-11-23T01:00:00+00:00",
    "ends_at": "2026-11-24T00:00:00+00:00",
    "period": "11-23 09:00–11-24 08:00",
}


def weather(share: float, level: str, **change: Any) -> Walk:
    walk = Walk("severe-weather", {**TYPHOON, **change}, level=level, share=share)
    walk.returns("affected", retailers=int(12000 * share), share=share, total=12000)
    return walk


def test_whole_area_disaster() -> None:
    walk = Walk("severe-weather", TYPHOON, level="MAJOR", share=0.6)
    heads = "delivery-center-head marketing-center-head customer-service-head dispatcher order-desk info-center-head"
    assert walk.log[:5] == [
        "do incidents.affected",
        f"tell weather-reminder → {heads}",
        "tell weather-reminder → drivers",
        "tell weather-reminder → customer-managers",
        "task set-up-post commander E2.1b",
    ]
    assert set(walk.log[5:]) == REPORTS
    assert walk.returns("affected", retailers=7200, share=0.6) == ["task whole commander E3.2.1"]
    ends_at = "2026-11-24T00:00:00+00:00"
    assert walk.decide("whole", "suspend", area=AREA, ends_at=ends_at, reason="台风") == [
        "do incidents.suspend"
    ]
    assert walk.params["suspend-whole"] == {
        "scope": "whole",
        "area": AREA,
        "starts_at": "2026-11-23T01:00:00Z",
        "ends_at": ends_at,
        "reason": "台风",
        "goods": "hold",
    }
    assert walk.returns("suspend-whole", **SUSPENDED) == [
        f"tell suspension-staff → {STAFF}",
        "task hold-vans dispatcher E2.6",
        "do incidents.notify_customers",
        "do incidents.public_notice",
    ]
    assert walk.told["tell-staff"] == {"period": "11-23 09:00–11-24 08:00", "retailers": 7000}
    assert walk.params["tell-customers"]["suspension"] == "s-1"
    assert walk.returns("public-notice", notices=3) == ["task publish office E3.2.1"]
    walk.returns("tell-customers", told=6900, unreachable=100)
    walk.done("hold-vans")
    walk.done("publish", tv_at="x", radio_at="x", mobile_at="x")
    assert walk.later(hours=22, minutes=59) == []
    assert walk.later(minutes=1) == ["task resume-whole commander E3.2.1"]
    assert walk.decide("resume-whole", "resume") == ["do incidents.resume"]
    assert walk.returns("resume-service", suspension="s-1", retailers=7000, key=210) == [
        "do incidents.notify_customers",
        "do incidents.public_notice",
        "do supply.replenish_key_customers",
    ]
    assert walk.params["tell-resumed"]["template"] == "service-resumed"
    assert walk.returns("replenish", requests=210, retailers=210, cartons=5000) == [
        "task deliver-key dispatcher E3.2.5"
    ]
    assert walk.returns("public-resumed", notices=3) == ["task publish-resumed office E3.2.1"]
    walk.returns("tell-resumed", told=6950)
    walk.done("publish-resumed")
    assert walk.done("deliver-key") == ["task confirm-restored delivery-center-head E2.6"]
    assert walk.done("confirm-restored") == ["task stand-down commander E2.1b"]
    assert walk.state["restored_at"] == walk.now.isoformat()
    assert walk.done("stand-down") == []  # the review waits for what the departments still owe
    assert walk.open() == {"set-up-post"} | {line.split()[1] for line in REPORTS}
    walk.finish_all()
    assert walk.log[-1] == "task review inspection-head E2.9"
    assert walk.finished
    assert walk.state["notes"] == []


def test_partial_disaster_the_office_decides_and_customers_are_phoned() -> None:
    walk = weather(0.08, "LOCAL")
    assert walk.log[-1] == "task partial office E3.2.2"
    assert "task set-up-post commander E2.1b" not in walk.log
    assert walk.decide("partial", "suspend") == ["do incidents.suspend"]
    assert walk.params["suspend-partial"] == {
        "scope": "partial",
        "area": AREA,
        "starts_at": "2026-11-23T01:00:00Z",
        "ends_at": TYPHOON["ends_at"],
        "reason": "台风橙色预警",
        "goods": "hold",
    }
    assert walk.returns("suspend-partial", **SUSPENDED) == [
        f"tell suspension-staff → {STAFF}",
        "task hold-vans dispatcher E2.6",
        "do incidents.notify_customers",
        "do incidents.make_call_list",
    ]
    assert walk.params["call-list"] == {
        "suspension": "s-1",
        "script": "call-script-suspended",
        "template": "call-list-callers",
    }
    assert walk.returns("call-list", call_list="l-1", calls=950, callers=14) == [
        "task calls marketing-department-head E3.2.2"
    ]
    walk.returns("tell-customers", told=940)
    walk.done("hold-vans")
    assert walk.happens("incidents.all_clear", why="cancel") == ["task resume-partial office E3.2.2"]
    assert walk.decide("resume-partial", "resume") == ["do incidents.resume"]  # which waits for no call
    assert walk.returns("resume-service", suspension="s-1", key=4) == [
        "do incidents.notify_customers",
        "do supply.replenish_key_customers",
    ]
    walk.returns("tell-resumed", told=950)
    assert walk.returns("replenish", requests=0) == ["task confirm-restored delivery-center-head E2.6"]
    walk.done("confirm-restored")
    assert "stand-down" not in walk.open()


def test_weather_that_keeps_service_going_is_watched_until_its_end() -> None:
    walk = weather(0.3, "LOCAL")
    assert walk.decide("partial", "keep") == []
    assert "incidents.suspend" not in " ".join(walk.log)
    assert [line for line in walk.later(hours=22, minutes=59) if line.startswith("task")] == []
    assert walk.later(minutes=1) == ["task confirm-restored delivery-center-head E2.6"]


def test_weather_without_an_end_is_watched_for_a_day() -> None:
    walk = Walk("severe-weather", {"phenomenon": "snow", "area": AREA}, level="LOCAL", share=0.1)
    walk.returns("affected", retailers=1200, share=0.1)
    walk.decide("partial", "keep")
    assert walk.state["timers"]["wait:review-time"] == (MONDAY + timedelta(days=1)).isoformat()


def test_an_all_clear_before_the_decision_ends_the_watch_at_once() -> None:
    walk = weather(0.3, "LOCAL")
    walk.happens("incidents.all_clear", why="cancel")
    assert walk.decide("partial", "keep") == ["task confirm-restored delivery-center-head E2.6"]


def test_lines_are_decided_one_by_one_and_those_on_hold_looked_at_again() -> None:
    walk = weather(0.7, "LOCAL", colour="yellow")
    assert (
        walk.log[-1] == "task whole commander E3.2.1"
    )  # most customers: the leaders decide, whatever the level
    assert walk.decide("whole", "change") == ["task change-times dispatcher E2.6"]
    until = "2026-11-23T14:00:00+08:00"
    assert walk.happens("incidents.lines_decided", held=1, stops=60, review_at=until) == [
        "do incidents.tell_line_customers"
    ]
    assert walk.params["tell-change"]["templates"]["hold"] == "line-held"
    assert walk.returns("tell-change", told=60, unreachable=0) == []
    assert walk.state["timers"]["wait:review-time"] == "2026-11-23T06:00:00+00:00"
    assert walk.later(hours=5)[-1:] == ["task release delivery-center-head E2.6"]
    assert walk.decide("release", "merge") == ["do incidents.end_line_hold"]
    assert walk.params["end-hold"] == {"measure": "merge"}
    assert walk.returns("end-hold", lines=1, stops=60, measure="merge") == [
        "do incidents.tell_line_customers"
    ]
    assert walk.returns("tell-lines", told=60, unreachable=0) == [
        "task confirm-restored delivery-center-head E2.6"
    ]


def test_a_suspension_is_extended_once_and_then_resumed() -> None:
    walk = weather(0.6, "LOCAL", colour="yellow")
    walk.decide("whole", "suspend")
    walk.returns("suspend-whole", **SUSPENDED)
    walk.later(hours=23)
    assert walk.decide("resume-whole", "extend", ends_at="2026-11-24T06:00:00+00:00") == [
        "do incidents.extend"
    ]
    assert walk.params["extend"] == {"suspension": "s-1", "ends_at": "2026-11-24T06:00:00+00:00"}
    assert walk.returns("extend", suspension="s-1", ends_at="2026-11-24T06:00:00+00:00") == []
    assert [line for line in walk.later(hours=5, minutes=59) if line.startswith("task")] == []
    assert walk.later(minutes=1) == ["task end-extension commander E3.2.1"]


def test_counting_by_hand_leads_to_the_same_decision() -> None:
    walk = Walk("severe-weather", TYPHOON, level="LOCAL", share=0.0)
    assert walk.fails("affected") == ["task affected customer-service-head E3.2"]
    assert walk.done("affected", retailers=400, share=0.03) == ["task partial office E3.2.2"]


def test_suspending_by_hand_still_ends_with_a_decision_to_resume() -> None:
    walk = weather(0.6, "LOCAL", colour="yellow")
    walk.decide("whole", "suspend")
    assert walk.fails("suspend-whole") == ["task suspend-whole office E3.2.1"]
    assert walk.done("suspend-whole", ends_at="2026-11-23T10:00:00+00:00") == [
        "task tell-by-hand customer-service-head E3.2.2"
    ]
    assert walk.later(hours=9)[-1:] == ["task resume-whole commander E3.2.1"]


# --- ordering system down --------------------------------------------------------------------------------------

DOWN = {"fails": "server", "since": "2026-11-23T08:50:00+08:00", "stops_work": True}
MARKETING = "marketing-center-head customer-service-head order-desk office info-center-head"


def test_standby_takes_over_and_nobody_outside_is_bothered() -> None:
    walk = Walk("ordering-system-down", DOWN, level="MAJOR")
    assert walk.log == [
        "task take-charge info-technician E3.1.11",
        f"tell system-down-staff → {MARKETING}",
        "task set-up-post commander E2.1b",
        "task standby info-technician E3.1.7",
    ]
    assert walk.procedure.steps["standby"].task.within.seconds == 300  # type: ignore[union-attr]
    assert walk.decide("standby", "runs") == ["do incidents.record_fallback"]
    assert walk.params["record-fallback"] == {"fallback": "standby"}
    assert walk.returns("record-fallback", fallback="standby") == [
        "task mend info-technician E3.1.12",
        "task confirm-restored info-center-head E2.3",
    ]
    assert walk.done("confirm-restored", back_at="2026-11-23T09:04:00+08:00") == [
        "tell system-back-staff → marketing-center-head customer-service-head order-desk office",
        "task stand-down commander E2.1b",
    ]
    assert walk.state["restored_at"] == MONDAY.isoformat()
    walk.finish_all()
    assert walk.finished
    assert not [line for line in walk.log if "notify_customers" in line or "vendor-called" in line]


def test_standby_fails_the_vendor_has_one_working_day() -> None:
    walk = Walk("ordering-system-down", DOWN, level="MAJOR")
    walk.decide("standby", "failed")
    assert walk.params["record-fallback"] == {"fallback": "phone"}
    assert walk.returns("record-fallback", fallback="phone") == [
        "do incidents.notify_customers",
        "task orders-by-hand order-desk E3.1.12",
        "task extend-time marketing-center-head E2.4",
        "tell vendor-called → ordering-vendor",
        "task reach-vendor info-technician E3.1.13",
    ]
    assert walk.params["tell-customers"]["audience"] == "order_day"
    assert walk.done("reach-vendor", case_number="V-9") == ["task vendor-mends info-center-head E3.1.7"]
    due = walk.state["items"]["vendor-mends"]["due_at"]
    assert due == "2026-11-24T01:00:00+00:00"  # the next working day at the same hour
    assert walk.decide("extend-time", "extend", until="2026-11-23T20:00:00+08:00") == [
        "do incidents.notify_customers"
    ]
    assert walk.params["tell-extended"]["template"] == "order-time-extended"
    assert walk.params["tell-extended"]["values"] == {"until": "2026-11-23T20:00:00+08:00"}
    walk.returns("tell-customers", told=1700)
    walk.returns("tell-extended", told=1700)
    walk.done("orders-by-hand", desks=6)
    assert "confirm-restored" not in walk.open()
    assert walk.done("vendor-mends", mended_at="2026-11-23T15:00:00+08:00") == [
        "task confirm-restored info-center-head E2.3"
    ]
    assert walk.done("confirm-restored", back_at="2026-11-23T15:05:00+08:00")[-2:] == [
        "do incidents.notify_customers",
        "task stand-down commander E2.1b",
    ]
    walk.returns("tell-customers-back", told=1700)
    assert walk.done("stand-down") == ["task reconcile-orders order-desk E2.4"]
    assert walk.done("reconcile-orders", taken=310, entered=310, differences=0) == [
        "task reconcile-debits finance-head E2.7"
    ]
    walk.done("take-charge", "set-up-post", handling="vendor")
    assert walk.done("reconcile-debits", errors=0, corrected=0) == ["task review inspection-head E2.9"]
    walk.done("review")
    assert walk.finished


def test_a_vendor_who_is_late_is_told_up_the_chain() -> None:
    walk = Walk("ordering-system-down", DOWN, level="MAJOR")
    walk.decide("standby", "failed")
    walk.returns("record-fallback", fallback="phone")
    walk.done("reach-vendor", case_number="V-9")
    walk.later(days=1, hours=1)
    assert [(role, why) for item, role, why in walk.escalated if item == "vendor-mends" and why == "due"] == [
        ("commander", "due"),
        ("deputy", "due"),
        ("office", "due"),
    ]


@pytest.mark.parametrize(
    ("option", "customers_told"), [("spare-pc", False), ("other-office", True), ("failed", True)]
)
def test_order_computer_fails(option: str, customers_told: bool) -> None:
    walk = Walk("ordering-system-down", {**DOWN, "fails": "order_pc"}, level="LOCAL")
    assert walk.log == [
        "task take-charge info-technician E3.1.11",
        f"tell system-down-staff → {MARKETING}",
        "task spare order-desk E3.1.12",
    ]
    counted = walk.decide("spare", option)
    assert ("do readiness.use_spare" in counted) is (option == "spare-pc")
    if option == "spare-pc":
        assert walk.params["count-pc"] == {"kind": "order-pc", "site": "", "count": 1}
        walk.returns("count-pc", kind="order-pc", site="delivery-center", taken=1, left=0, planned=1)
    after = walk.returns("record-fallback", fallback="x")
    assert ("do incidents.notify_customers" in after) is customers_told
    assert "task mend info-technician E3.1.12" in after
    assert ("task confirm-restored info-center-head E2.3" in after) is (option != "failed")
    assert "task reach-vendor info-technician E3.1.13" not in after


@pytest.mark.parametrize(("fails", "whom"), [("line", "line-carrier"), ("phone_module", "phone-vendor")])
def test_the_right_service_is_called(fails: str, whom: str) -> None:
    walk = Walk("ordering-system-down", {**DOWN, "fails": fails, "stops_work": False}, level="LOCAL")
    if fails == "phone_module":
        walk.decide("swap-module", "other")
    walk.decide("spare", "other-office")
    assert walk.returns("record-fallback", fallback="other-office") == [
        f"tell vendor-called → {whom}",
        "task reach-vendor info-technician E3.1.13",
        "task confirm-restored info-center-head E2.3",
    ]


# --- sudden demand ---------------------------------------------------------------------------------------------

WEDDING = {
    "retailer": "990101100001",
    "occasion": "wedding",
    "needed_on": "2026-11-28",
    "path": "planned",
    "lines": [{"product": "P001", "cartons": 20}],
}
ASSESSED = {
    "request": "q-1",
    "number": "SUP-0001",
    "eligible": True,
    "reasons": [],
    "cartons": 20,
    "role": "customer-service-head",
}


def demand(path: str, cartons: int, **assessed: Any) -> Walk:
    walk = Walk("sudden-demand", {**WEDDING, "path": path}, level="DEMAND", customer_manager="2044")
    assert walk.log == ["do supply.assess_request"]
    walk.returns("assess", **{**ASSESSED, "cartons": cartons, **assessed})
    return walk


def test_planned_demand_within_the_first_limit() -> None:
    walk = demand("planned", 30)
    assert walk.params["assess"] == WEDDING
    assert walk.log[1:] == ["task approve-planned customer-service-head E3.4.3a"]
    assert walk.approve("approve-planned", True) == ["do supply.merge_into_order"]
    assert walk.returns("merge", deliver_on="2026-11-26", deliver_at="2026-11-26T09:00:00+08:00") == [
        "do supply.tell_customer"
    ]
    assert walk.params["tell-approved"] == {"request": "q-1", "template": "demand-approved"}
    walk.returns("tell-approved", told=1)
    assert walk.later(days=2, hours=23) == []
    assert walk.later(hours=1) == ["task confirm-delivered customer-manager E2.5"]
    assert walk.done("confirm-delivered", cartons=30) == ["task review customer-service-head E3.4.1"]
    assert walk.state["restored_at"] == "2026-11-26T01:00:00+00:00"
    walk.done("review")
    assert walk.finished
    assert walk.state["notes"] == []


def test_planned_demand_beyond_the_first_limit_goes_to_the_next_rank() -> None:
    assert demand("planned", 31).log[1:] == ["task approve-planned marketing-department-deputy E3.4.3a"]


def test_special_case_takes_two_people() -> None:
    walk = demand("special", 60)
    assert walk.log[1:] == ["task verify market-manager E3.4.3b"]
    assert walk.approve("verify", True, by="5001") == [
        "task approve-special marketing-department-deputy E3.4.3b"
    ]
    assert walk.approve("approve-special", True, by="5001") == []  # the same person: refused
    assert "approve-special" in walk.open()
    assert walk.approve("approve-special", True, by="5002") == ["do supply.dispatch_replenishment"]
    assert walk.params["dispatch"] == {"request": "q-1", "act_first": False}


def test_special_case_that_is_not_verified_is_declined() -> None:
    walk = demand("special", 60)
    assert walk.approve("verify", False) == ["do supply.decline"]
    assert walk.returns("decline", request="q-1") == ["do supply.tell_customer"]
    assert walk.params["tell-declined"] == {"request": "q-1", "template": "demand-declined"}
    assert walk.returns("tell-declined", told=1) == ["task review customer-service-head E3.4.1"]


def test_consumer_request_goes_to_the_named_handler() -> None:
    walk = demand("consumer", 49)
    assert walk.log[1:] == ["task approve-consumer consumer-handler E3.4.3c"]
    assert walk.approve("approve-consumer", True) == ["do supply.dispatch_replenishment"]


def test_refused_request_is_explained() -> None:
    walk = demand("consumer", 50, eligible=False, reasons=["wholesale"])
    assert walk.log[1:] == ["do supply.tell_customer", "task explain customer-manager E3.4.2"]
    assert walk.params["tell-refused"] == {"request": "q-1", "template": "demand-refused"}
    walk.returns("tell-refused", told=1)
    assert walk.done("explain") == ["task review customer-service-head E3.4.1"]


def test_limits_hold_when_eligibility_was_checked_by_hand() -> None:
    walk = Walk("sudden-demand", {**WEDDING, "path": "consumer"}, level="DEMAND", customer_manager="2044")
    assert walk.fails("assess") == ["task assess customer-service-head E3.4.2"]
    assert walk.done("assess", eligible=True, cartons=50) == ["task explain customer-manager E3.4.2"]


def test_goods_are_arranged_by_hand_when_there_is_no_request_on_file() -> None:
    walk = Walk("sudden-demand", WEDDING, level="DEMAND", customer_manager="2044")
    walk.fails("assess")
    assert walk.done("assess", eligible=True, cartons=20) == [
        "task approve-planned customer-service-head E3.4.3a"
    ]
    assert walk.approve("approve-planned", True) == ["task supply-by-hand dispatcher E3.4.1"]
    assert walk.done("supply-by-hand") == ["task confirm-delivered customer-manager E2.5"]


def test_demand_never_reaches_the_command_post() -> None:
    used = set(pack().procedures["sudden-demand"].roles_used())
    assert {"commander", "deputy-commander", "head", "deputy"} & used == set()
