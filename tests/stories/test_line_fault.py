"""A line fails: self-check first, then every carrier takes the case (E3.1.4)."""

from __future__ import annotations

import pytest

from changbei.incidents.models import SystemOutage
from changbei.people.models import Contact
from changbei.runs.models import Run, Task
from changbei.site.clockwork import fast_forward
from tests.stories.telling import Story, Town, assert_sound, local

DOWN = {"line": "trunk", "since": "2026-11-23T09:35:00+08:00", "stops_work": True, "city_wide": False}


def ends(town: Town, story: Story) -> None:
    story.does("confirm-restored", back_at=town.clock.now().isoformat())
    if "reconcile-orders" in story.open():
        story.does("reconcile-orders", taken=4, entered=4, differences=0)
        story.does("reconcile-debits", errors=0, corrected=0)
    story.does("review")
    story.closes(town.holder("leading-group-head"))
    assert_sound(story)


@pytest.mark.clause("E3.1.4", "E3.1.12", "E2.4")
def test_both_carriers_take_the_case_after_the_self_check(town: Town) -> None:
    story = town.report("line-fault", DOWN, actor=town.on_duty("order-desk"))
    assert story.incident.level == "LOCAL"
    assert story.open() == {"self-check": "10:00", "spare-line": "10:00"}

    # Nobody works: the customers of the day order by phone. No carrier has heard of it yet.
    story.sees("spare-line")
    story.sees("self-check")
    story.decides("spare-line", "phone")
    assert SystemOutage.objects.get().fallback == "phone"
    told = story.news()
    assert told[-1] == "64 customers: order-by-phone (sms)"
    assert [line for line in told if "carrier" in line] == []
    story.does("orders-by-hand", desks=4)

    # The result of the self-check is on record: both carriers are told what was tested, each has to take it.
    fast_forward("5m")
    story.does("self-check", cause="carrier", tested="本端环回正常，对端不通")
    assert story.open() == {"reach-carrier@carrier-fixed": "10:05", "reach-carrier@carrier-mobile": "10:05"}
    assert story.news() == [
        "carrier-fixed: line-fault-carrier (sms)",
        "carrier-mobile: line-fault-carrier (sms)",
        "info-technician: tasks reach-carrier (inbox sms)",
    ]
    story.does("reach-carrier@carrier-fixed", case_number="D-1", taken_by="客服甲")
    assert story.open() == {"reach-carrier@carrier-mobile": "10:05"}
    story.does("reach-carrier@carrier-mobile", case_number="Y-1", taken_by="客服乙")
    assert story.open() == {"carrier-mends": "17:45"}
    fast_forward("1h")
    story.does("carrier-mends", mended_at="2026-11-23T10:45:00+08:00")
    story.news()
    ends(town, story)
    assert local(SystemOutage.objects.get().back_at) == "10:45"


@pytest.mark.clause("E3.1.4", "E3.1.13")
def test_without_a_carrier_on_the_list_somebody_has_to_find_one(town: Town) -> None:
    Contact.objects.filter(group="carrier").delete()
    story = town.report("line-fault", {**DOWN, "stops_work": False}, actor=town.on_duty("order-desk"))
    story.decides("spare-line", "backup-line")
    assert SystemOutage.objects.get().fallback == "backup-line"
    story.does("self-check", cause="unclear", tested="本端正常")
    assert story.open() == {"find-carrier": "10:10"}
    story.does("find-carrier", case_number="D-2")
    story.does("carrier-mends", mended_at="2026-11-23T09:40:00+08:00")
    ends(town, story)


@pytest.mark.clause("E3.1.4", "E3.1.5")
def test_our_own_equipment_is_handled_as_an_equipment_fault(town: Town) -> None:
    story = town.report("line-fault", {**DOWN, "stops_work": False}, actor=town.on_duty("order-desk"))
    story.decides("spare-line", "backup-line")
    story.does("self-check", cause="own_equipment", tested="交换机电源无输出")
    called = Run.objects.get(caller=story.run)
    assert (called.procedure, called.number) == ("equipment-fault", f"{story.incident.number}/2")
    assert called.state["context"]["report"]["note"] == "交换机电源无输出"
    items = Task.objects.filter(run=called, status="open").order_by("item").values_list("item", flat=True)
    assert list(items) == ["fit-spare", "reach-province", "reach-vendor"]
    assert story.open() == {}

    # The line's own restoring waits until the equipment is dealt with.
    inner = Story(story.incident, run_of=called)
    inner.decides("fit-spare", "mended")
    inner.does("reach-vendor", case_number="N-1", taken_by="维保甲")
    inner.does("reach-province", taken_by="省中心乙")
    inner.does("confirm-restored", back_at="2026-11-23T09:40:00+08:00")
    assert story.open() == {}
    inner.does("review")
    assert story.result_of("equipment")["ended"] == "finished"
    assert story.open() == {"confirm-restored": "10:10"}
    ends(town, story)
