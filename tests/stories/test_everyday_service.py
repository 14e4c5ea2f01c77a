"""Supply tilt (S9), network stores (S11) and special service (S6)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from changbei.core.clock import LOCAL
from changbei.network.models import NetworkStore, Retailer
from changbei.plans.services import adopt
from changbei.runs import scheduling
from changbei.runs import services as runs
from changbei.runs.models import Run, Task
from changbei.site.clockwork import fast_forward, run_until_quiet
from changbei.supply import tilt
from tests.stories.telling import Story, Town, assert_sound

PACK = Path(__file__).resolve().parents[2] / "plans" / "customer-service"
DUTIES = dict.fromkeys(("marked_prices", "no_minors", "appearance", "licensed_channel", "ledger"), True)


@pytest.fixture
def service(town: Town) -> Town:
    """The city with both plans in force."""
    adopt(PACK, actor=None)
    return town


def shop(**like: object) -> Retailer:
    return Retailer.objects.select_related("customer_manager").filter(active=True, **like).order_by("pk")[0]


def signed(story: Story, item: str, *, approved: bool = True) -> None:
    """The holder of the task signs, with an opinion and the evidence asked for."""
    story.approves(item, approved=approved, opinion="情况属实")


def apply(service: Town, retailer: Retailer) -> Story:
    data = {"retailer": retailer.licence_no, "applied_on": "2026-11-20"}
    return service.report("network-store", data, actor=retailer.customer_manager)


@pytest.mark.clause("S11")
def test_four_sign_in_order_each_another_and_the_agreement_makes_a_network_store(service: Town) -> None:
    retailer = shop()
    story = apply(service, retailer)
    order = ["sign-manager", "sign-administrator", "sign-service", "sign-monopoly"]
    for item in order:
        assert set(story.open()) == {item}
        signed(story, item)
    signers = [story.task(item).done_by for item in order]
    assert signers[0] == retailer.customer_manager
    assert len(set(signers)) == 4
    assert not NetworkStore.objects.exists()
    story.decides("agreement", "signed", **DUTIES)
    store = NetworkStore.objects.get()
    assert (store.retailer, store.agreement) == (retailer, story.incident.number)
    assert story.news()[-1] == "1 customers: store-joined (sms)"
    assert story.fresh().status == "closed"
    assert_sound(story)


@pytest.mark.clause("S11")
def test_who_refuses_says_why_and_the_customer_is_told(service: Town) -> None:
    story = apply(service, shop())
    signed(story, "sign-manager")
    signed(story, "sign-administrator", approved=False)
    assert set(story.open()) == {"explain"}
    assert story.news()[-1] == "1 customers: store-refused (sms)"
    story.does("explain")
    assert not NetworkStore.objects.exists()
    assert_sound(story)


@pytest.mark.clause("S11")
def test_nobody_joins_who_does_not_accept_the_duty_not_to_sell_to_minors(service: Town) -> None:
    story = apply(service, shop())
    for item in ("sign-manager", "sign-administrator", "sign-service", "sign-monopoly"):
        signed(story, item)
    story.decides("agreement", "signed", **{**DUTIES, "no_minors": False})
    assert set(story.open()) == {"not-joined"}
    assert not NetworkStore.objects.exists()


@pytest.mark.clause("S6")
def test_special_service_begins_only_after_it_was_assessed(service: Town) -> None:
    retailer = shop(is_vulnerable=False)
    data = {"retailer": retailer.licence_no, "what": "begin", "need": "ordering"}
    story = service.report("special-care", data, actor=retailer.customer_manager)
    story.does("file", consent=True)
    signed(story, "assess")
    retailer.refresh_from_db()
    assert not retailer.is_vulnerable
    signed(story, "confirm")
    retailer.refresh_from_db()
    assert retailer.is_vulnerable
    people = {story.task(item).done_by for item in ("file", "assess", "confirm")}
    assert len(people) == 3
    story.does("begin", first_on="2026-11-25", service="每周上门协助订货")
    assert_sound(story)


@pytest.mark.clause("S6")
def test_without_consent_or_assessment_nobody_is_taken_up(service: Town) -> None:
    retailer = shop(is_vulnerable=False)
    data = {"retailer": retailer.licence_no, "what": "begin", "need": "door"}
    story = service.report("special-care", data, actor=retailer.customer_manager)
    story.does("file", consent=False)
    assert set(story.open()) == {"explain"}
    story.does("explain")
    retailer.refresh_from_db()
    assert not retailer.is_vulnerable
    assert_sound(story)


def test_who_breaks_the_law_is_neither_excellent_nor_an_honest_network_store() -> None:
    given = {"grade": "A", "network_store": True, "high_format": True, "vulnerable": True}
    assert tilt.classes_of(law_abiding=True, **given) == tilt.CLASSES
    assert tilt.classes_of(law_abiding=False, **given) == ("high_format", "vulnerable")


@pytest.mark.clause("S9")
def test_on_the_28th_managers_report_and_the_centre_decides_before_the_month_ends(service: Town) -> None:
    scheduling.look_at_schedules()
    start = datetime(2026, 11, 28, 8, 31, tzinfo=LOCAL)
    fast_forward(start - service.clock.now())
    run = Run.objects.get(procedure="supply-tilt")
    counts = run.state["context"]["result"]["counts"]
    assert (counts["month"], counts["month_end"][:16]) == ("2026-12", "2026-11-30T23:59")
    tasks = list(Task.objects.filter(run=run, item__startswith="report@").select_related("holder"))
    assert len(tasks) == counts["count"] == len({task.item for task in tasks}) > 1
    for number, task in enumerate(tasks):
        assert task.holder is not None
        differs = {"agrees": False, "differs": "弱势户少一户"} if number == 0 else {"agrees": True}
        runs.complete(task, differs, actor=task.holder)
    run_until_quiet()
    summed = Run.objects.get(pk=run.pk).state["context"]["result"]["sum"]
    shops = tilt.shops(tilt.formats_of("supermarket specialist hotel"))
    assert (summed["reported"], summed["missing"], summed["differing"]) == (len(tasks), 0, 1)
    assert {one: summed[one] for one in tilt.CLASSES} == {
        one: sum(one in shop.classes for shop in shops) for one in tilt.CLASSES
    }
    settle = Task.objects.get(run=run, item="settle")
    assert settle.holder is not None
    runs.attach(settle, "note", note="已更正", actor=settle.holder)
    runs.complete(settle, {}, actor=settle.holder)
    run_until_quiet()
    submit = Task.objects.get(run=run, item="submit")
    runs.complete(submit, {}, actor=service.holder("customer-service-head"))
    run_until_quiet()
    decision = Task.objects.get(run=run, item="tilt")
    runs.decide(
        decision, "all", actor=service.holder("marketing-center-head"), result={"how": "四类客户优先满足"}
    )
    run_until_quiet()
    assert Run.objects.get(pk=run.pk).status == Run.Status.FINISHED


@pytest.mark.clause("S9")
def test_the_sum_is_made_on_the_last_day_without_those_who_did_not_report(service: Town) -> None:
    scheduling.look_at_schedules()
    fast_forward(datetime(2026, 11, 30, 17, 1, tzinfo=LOCAL) - service.clock.now())
    run = Run.objects.get(procedure="supply-tilt")
    result = run.state["context"]["result"]
    assert (result["sum"]["reported"], result["sum"]["missing"]) == (0, result["counts"]["count"])
    assert Task.objects.filter(run=run, item="submit", status="open").exists()
