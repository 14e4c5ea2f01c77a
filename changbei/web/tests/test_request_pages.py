"""A request for goods as those see it who report it, decide on it, drive it and explain it (E3.4)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from changbei.core.clock import LOCAL, VirtualClock
from changbei.core.errors import Invalid
from changbei.delivery import joining, planning
from changbei.incidents import services as incidents
from changbei.incidents.models import Incident
from changbei.incidents.tests.people import box, head
from changbei.network.models import Product, Retailer, Stock
from changbei.people.models import Person
from changbei.runs import jobs
from changbei.runs import services as runs
from changbei.runs.models import Task
from changbei.supply.models import SupplyRequest
from changbei.web.tests.conftest import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("adopted")]
TOMORROW, MUCH_LATER = "2026-11-24", "2026-12-20"
SUSPENDED = "<span>Service suspended</span>"  # the chip, not the words of the map


@pytest.fixture(autouse=True)
def plenty(adopted: None) -> None:
    Stock.objects.update(cartons=500)


def shop() -> Retailer:
    good = Retailer.objects.filter(active=True, conduct="law_abiding", marked_prices=True)
    return good.select_related("customer_manager", "line__site").order_by("pk")[0]


def ask(cartons: int = 10, **more: Any) -> Incident:
    made = report(cartons, **more)
    settle()
    return made


def report(cartons: int = 10, **more: Any) -> Incident:
    product = Product.objects.filter(supply_class="general", active=True).order_by("pk")[0]
    filled = {
        "retailer": shop().licence_no,
        "occasion": "wedding",
        "needed_on": TOMORROW,
        "path": "planned",
        "lines": [{"product": product.code, "cartons": cartons}],
    }
    manager = shop().customer_manager
    return incidents.report("sudden-demand", filled | more, actor=manager, source="web").incident


def settle() -> None:
    while jobs.perform_actions(10):
        pass


def browser() -> Client:
    return client_of(Person.objects.filter(job="dispatcher").order_by("pk")[0], "dispatcher")


def approve(incident: Incident) -> None:
    """Both who have to approve a special case do."""
    for item in ("verify", "approve-special"):
        task = task_of(incident, item)
        assert task.holder is not None
        runs.approve(task, True, actor=task.holder)
        settle()


def text(url: str) -> str:
    answer = browser().get(url)
    assert answer.status_code == 200, answer.content[:2000]
    return answer.content.decode()


def form_of(incident: Incident) -> str:
    return f"/supply/{SupplyRequest.objects.get(run=incident.run).uuid}/"


def task_of(incident: Incident, item: str) -> Task:
    return Task.objects.get(run=incident.run, item=item)


def test_who_approves_sees_that_the_regular_order_comes_after_the_wedding() -> None:
    incident = ask()
    for url in (form_of(incident), f"/tasks/{task_of(incident, 'approve-planned').uuid}/"):
        assert "would come on 2026-11-30 if approved now" in text(url)
        assert "Later than needed" in text(url)
    in_time = form_of(ask(needed_on=MUCH_LATER))
    assert "would come on 2026-11-30" in text(in_time)
    assert "Later than needed" not in text(in_time)


def test_a_request_is_found_by_the_number_that_its_reporter_was_told() -> None:
    """In the list, by the number of the event; the kind and the occasion in words."""
    first, second = ask(), ask(needed_on=MUCH_LATER)
    found = text(f"/supply/?unit=all&q={second.number.lower()}")
    assert form_of(second) in found and form_of(first) not in found
    assert "Wedding" in found and "10 cartons" in found and "Waits for approval" in found


def test_a_day_gone_by_is_later_than_needed() -> None:
    assert "Later than needed" in text(form_of(ask(path="special", needed_on="2026-11-02")))


def test_who_approves_sees_what_else_the_customer_asked_for() -> None:
    first = ask(20)
    assert "Also asked for" not in text(form_of(first))
    second = ask(30)
    page = text(f"/tasks/{task_of(second, 'approve-planned').uuid}/")
    assert "Also asked for" in page and "20 cartons" in page and form_of(first) in page
    ask(400)  # refused: not asked for any more
    assert "400 cartons" not in text(form_of(second))


def test_who_approves_sees_that_the_customer_is_not_served_now(clock: VirtualClock) -> None:
    form = form_of(ask(path="special"))
    assert SUSPENDED not in text(form)
    here, now = box(Retailer.objects.filter(pk=shop().pk), margin=0.0005), clock.now()
    weather = {"phenomenon": "rainstorm", "area": here}
    storm = incidents.report("severe-weather", weather, actor=None, source="web").incident
    until = now + timedelta(hours=6)
    made = incidents.suspend(storm, area=here, starts_at=now, ends_at=until, reason="暴雨", actor=None)
    assert SUSPENDED in text(form)
    incidents.resume(made, actor=head())
    assert SUSPENDED not in text(form)


def test_a_refused_request_is_found_where_its_reasons_have_to_be_explained() -> None:
    incident = ask(400)
    form = form_of(incident)
    assert "Refused because:" in text(form) and "would come on" not in text(form)
    assert form in text(f"/tasks/{task_of(incident, 'explain').uuid}/")
    assert form in text(f"/incidents/{incident.uuid}/")


def test_the_timeline_says_what_was_sent_not_what_would_be_done_by_hand() -> None:
    page = text(f"/incidents/{ask(400).uuid}/")
    assert "Notice to 1 recipients: Your request was not accepted" in page
    assert "Phone the customer with the reasons" not in page


def test_before_anything_is_open_nobody_reads_that_all_is_done() -> None:
    incident = report()
    answer = f"/report/answer/{incident.reports.get().uuid}/"
    assert "The plan goes on by itself" in text(answer)
    assert "Every task of this event is done" not in text(answer)
    settle()
    assert "Approve the emergency-supply request" in text(answer)


def test_the_second_of_two_who_decide_reads_in_chinese_who_was_first() -> None:
    task = task_of(ask(), "approve-planned")
    holder = task.holder
    assert holder is not None
    runs.approve(task, True, actor=holder)
    late = client_of(holder, "holder").post(
        f"/tasks/{task.uuid}/finish", {"approved": "no"}, headers={"accept-language": "zh-hans"}
    )
    assert late.status_code == 409
    assert f"任务已由{holder.name}办结" in late.content.decode()


def test_the_dispatcher_reads_where_the_goods_are_and_for_whom() -> None:
    incident = ask(40, path="special")
    approve(incident)
    site = str(shop().line.site.name["en"])
    page = text(form_of(incident))
    assert f"goods at {site}" in page and "comes on 2026-11-23" in page and "On its way" in page
    asked = {"licence_no": shop().licence_no, "phone": shop().phone}
    customer = Client(headers={"accept-language": "en"})
    assert "40 cartons comes on 2026-11-23" in customer.post("/next/", asked).content.decode()
    task = text(f"/tasks/{task_of(incident, 'put-on-van').uuid}/")
    assert shop().address in task and form_of(incident) in task


def test_the_dispatcher_enters_the_urgent_order_with_what_the_form_says() -> None:
    """Goods of today, once: the customer and the cartons need not be copied."""
    day = planning.plan_day(date(2026, 11, 23), actor=None)
    incident = ask(40, path="special")
    form, said = form_of(incident), "Enter an urgent order"
    assert said not in text(form)  # not approved yet
    approve(incident)
    link = f"/delivery/disruptions/?supply={SupplyRequest.objects.get(run=incident.run).uuid}"
    assert f'href="{link}#urgent-order"' in text(form)
    assert said not in client_of(shop().customer_manager, "manager").get(form).content.decode()
    filled = text(link)
    assert f'value="{shop().licence_no}"' in filled and 'name="order-cartons" value="40"' in filled
    given = {"kind": "order", "order-customer": shop().licence_no, "order-cartons": "40"}
    assert browser().post("/delivery/disruptions/", given).status_code in {302, 303}
    assert day.stops.get(retailer=shop(), urgent=True).cartons >= 40
    assert said not in text(form)
    assert 'value="40"' not in text("/delivery/disruptions/?supply=nonsense")


def test_the_tour_that_passes_the_next_day_is_proposed_and_takes_the_goods(clock: VirtualClock) -> None:
    """Goods of the day after: the tour that calls there anyway first, else the shortest detour; put on it once."""
    clock.advance_to(datetime(2026, 11, 23, 16, tzinfo=LOCAL))
    incident = ask(40, path="special")
    approve(incident)
    found, form = SupplyRequest.objects.get(run=incident.run), form_of(incident)
    assert str(found.deliver_on) == TOMORROW
    assert "The tours of 2026-11-24 are not planned yet" in text(form)

    day = planning.plan_day(date(2026, 11, 24), actor=None)
    page = browser().get(form)
    proposed = page.context["ahead"].proposed
    tours = joining.passing(day, shop(), 40)
    assert [one.uuid for one in proposed] == [one.tour.uuid for one in tours[: len(proposed)]]
    first = tours[0]
    assert first.detour_seconds == min(one.detour_seconds for one in tours if one.calls == first.calls)
    assert f'value="{first.tour.uuid}" required checked' in page.content.decode()
    manager = client_of(shop().customer_manager, "manager")
    assert "Put the goods on a tour" not in manager.get(form).content.decode()
    refused = manager.post(f"/supply/{found.uuid}/tour", {"tour": str(first.tour.uuid)})
    assert refused.status_code == 403 and not joining.is_joined(day, shop())

    before = first.tour.stops.count()
    answer = browser().post(f"/supply/{found.uuid}/tour", {"tour": str(first.tour.uuid)}, follow=True)
    stop = day.stops.get(retailer=shop(), urgent=True)
    assert (stop.tour, stop.cartons, first.tour.stops.count()) == (first.tour, 40, before + 1)
    assert f"Van {first.tour.vehicle.number} brings them, expected at" in answer.content.decode()
    assert f"Van {first.tour.vehicle.number} brings them" in text(form)
    sequence = list(first.tour.stops.order_by("sequence").values_list("sequence", "expected_at"))
    assert [number for number, _at in sequence] == list(range(1, before + 2))
    assert [at for _number, at in sequence] == sorted(at for _number, at in sequence)
    assert "Put the goods on a tour" not in answer.content.decode()

    again = browser().post(f"/supply/{found.uuid}/tour", {"tour": str(first.tour.uuid)}, follow=True)
    assert "gets something beside the regular order" in again.content.decode()
    assert first.tour.stops.count() == before + 1


def test_a_full_van_is_not_proposed(clock: VirtualClock) -> None:
    day = planning.plan_day(date(2026, 11, 24), actor=None)
    tours = joining.passing(day, shop(), 40)
    room = tours[0].room_cartons
    assert all(one.room_cartons >= 40 for one in tours)
    fitting = {one.tour for one in joining.passing(day, shop(), room + 1)}
    assert tours[0].tour not in fitting
    dispatcher = Person.objects.filter(job="dispatcher").order_by("pk")[0]
    with pytest.raises(Invalid, match="no room"):
        joining.join(tours[0].tour, shop(), room + 1, actor=dispatcher)
    assert not joining.is_joined(day, shop())
