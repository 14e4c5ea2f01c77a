"""Equipment fails: the spare goes in and is counted off, vendor and province both take the case (E3.1.5, E3.1.8)."""

from __future__ import annotations

import pytest

from changbei.readiness.models import Spare, SpareUse
from changbei.site.clockwork import fast_forward
from tests.stories.telling import Town, assert_sound

BOARD = {
    "equipment": "voice-board",
    "since": "2026-11-23T09:30:00+08:00",
    "stops_work": False,
    "site": "delivery-center",
}


@pytest.mark.clause("E3.1.5", "E3.1.8", "E3.1.13", "E2.3", "E2.9")
def test_a_voice_board_is_replaced_within_a_working_day(town: Town) -> None:
    spare = Spare.objects.get(kind="voice-board", site__code="delivery-center")
    assert (spare.planned, spare.present) == (1, 1)
    story = town.report("equipment-fault", BOARD, actor=town.on_duty("order-desk"))
    assert story.open() == {"fit-spare": "10:10", "reach-province": "10:10", "reach-vendor": "10:10"}
    assert story.news() == [
        "info-center-head: task reach-province (inbox sms)",
        "info-technician: task fit-spare (inbox sms)",
        "info-technician: task reach-vendor (inbox sms)",
        "order-desk: report-received (inbox sms)",
        "province-info: equipment-province (sms)",
        "vendor-voice: maintenance-called (sms)",
    ]

    # The spare runs and is counted off; who took it, for which incident, is in the register.
    story.sees("fit-spare")
    story.decides("fit-spare", "fitted")
    spare.refresh_from_db()
    assert spare.present == 0
    use = SpareUse.objects.get(run=story.run.uuid)
    assert (use.count, use.item, use.returned_at) == (1, "count-spare", None)

    # Being told is not enough: both have to have taken the case, else their superiors hear of it.
    story.sees("reach-vendor")
    story.does("reach-vendor", case_number="Y-1", taken_by="服务商甲")
    fast_forward("31m")
    assert [line for line in story.escalations() if "reach-province due" in line] == [
        "10:10 reach-province due → commander"
    ]
    story.does("reach-province", taken_by="省中心乙")
    assert story.open()["board-on-site"] == "11-24 10:11"
    story.does("board-on-site", arrived_at="2026-11-23T10:11:00+08:00", board_supplied=True)
    story.does("mend", mended_at="2026-11-23T10:11:00+08:00", spare_back=False)
    assert story.open()["restock"] == "12-07 10:11"
    story.does("restock")
    spare.refresh_from_db()
    use.refresh_from_db()
    assert (spare.present, use.returned_at) == (1, town.clock.now())
    story.does("confirm-restored", back_at="2026-11-23T10:11:00+08:00")
    story.does("review")
    story.closes(town.holder("leading-group-head"))
    assert_sound(story)


@pytest.mark.clause("E3.1.9", "E3.1.8")
def test_a_scanner_without_a_spare_left_is_counted_by_hand(town: Town) -> None:
    Spare.objects.filter(kind="handheld", site__code="delivery-center").update(present=0)
    report = {**BOARD, "equipment": "handheld"}
    story = town.report("equipment-fault", report, actor=town.on_duty("order-desk"))
    assert "vendor-scanner: maintenance-called (sms)" in story.news()
    story.decides("fit-spare", "fitted")
    assert story.task("count-spare").holder == story.who("info-technician")
    assert SpareUse.objects.filter(run=story.run.uuid).count() == 0


@pytest.mark.clause("E3.1.12", "E3.1.8", "E3.1.10", "E2.4")
def test_an_order_computer_that_burnt_gets_no_power_before_it_was_looked_at(town: Town) -> None:
    report = {**BOARD, "equipment": "order-pc", "stops_work": True, "lightning": True}
    story = town.report("equipment-fault", report, actor=town.on_duty("order-desk"))
    story.decides("fit-spare", "none")
    story.decides("other-way", "phone")
    assert story.news()[-1] == "64 customers: order-by-phone (sms)"
    story.does("reach-vendor", case_number="P-1", taken_by="维修甲")
    story.does("reach-province", taken_by="省中心乙")
    assert {"protect", "mend"} <= set(story.open())
    assert story.task("protect").holder == town.holder("security-head")
    story.does("protect")
    story.does("mend", mended_at="2026-11-23T09:40:00+08:00", spare_back=True)
    story.does("confirm-restored", back_at="2026-11-23T09:40:00+08:00")
    assert story.news()[-1] == "64 customers: ordering-restored (sms)"
    story.does("review")
    story.closes(town.holder("leading-group-head"))
    assert_sound(story)


DOWN = {
    "fails": "phone_module",
    "since": "2026-11-23T09:30:00+08:00",
    "stops_work": False,
    "city_wide": False,
}


@pytest.mark.clause("E3.1.8", "E3.1.7", "E3.1.12")
def test_a_broken_phone_module_goes_to_a_spare_socket(town: Town) -> None:
    socket = Spare.objects.get(kind="line-socket", site__code="delivery-center")
    story = town.report("ordering-system-down", DOWN, actor=town.on_duty("order-desk"))
    story.decides("swap-module", "swapped")
    story.decides("spare", "other-office")
    after = Spare.objects.get(pk=socket.pk)
    assert (socket.present - after.present, after.planned) == (1, socket.planned)
    story.does("reach-vendor", case_number="Y-2")
    story.does("mend", mended_at="2026-11-23T09:40:00+08:00")
    assert Spare.objects.get(pk=socket.pk).present == socket.present
