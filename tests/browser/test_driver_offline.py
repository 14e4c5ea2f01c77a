"""A driver in a valley: the phone has no coverage, the list goes on, and the day catches up afterwards (E3.3.1)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from changbei.delivery.models import Breakdown, DriverAction, Position, Stop
from changbei.incidents.models import Incident
from changbei.site.clockwork import run_until_quiet
from tests.browser.visitor import Visitor
from tests.stories.telling import Town
from tests.stories.test_vehicle_breakdown import fullest_tour

pytestmark = pytest.mark.browser
WAITING = "document.querySelector('[data-part=sending]').dataset.waiting == '{}'"
NO_COVERAGE = ("ERR_FAILED", "ERR_INTERNET_DISCONNECTED", "htmx:")
KEPT = """caches.keys().then(
    async (names) => (names.length ? (await (await caches.open(names[0])).keys()).length : 0))"""
IN_STORE = """new Promise((done) => {
    const opening = indexedDB.open("changbei-driver");
    opening.onsuccess = () => {
        const store = opening.result.transaction("kept", "readwrite").objectStore("kept");
        store.get("list").onsuccess = (event) => { %s; opening.result.close(); };
    };
})"""
LIST = IN_STORE % "done(event.target.result ?? null)"
AGED = IN_STORE % (
    "const old = event.target.result; old.tour.forget_at = '2020-01-01';"
    "store.put(old, 'list').onsuccess = () => done(1)"
)
SLOW_ANSWERS = """() => {
    const quick = window.fetch;
    window.fetch = async (...asked) => {
        const answer = await quick(...asked);
        await new Promise((done) => setTimeout(done, 1500));
        return answer;
    };
}"""


def test_the_list_goes_on_without_coverage(delivery_morning: Town, visit: Callable[..., Visitor]) -> None:
    town = delivery_morning
    tour = fullest_tour(town)
    first, second, third = tour.stops.filter(status=Stop.Status.PLANNED).order_by("sequence")[:3]
    phone = visit(tour.driver, width=390)
    phone.stands_at(first.retailer.longitude, first.retailer.latitude)
    phone.opens("/delivery/mine/")
    phone.sees("#tour .cb-next h2", first.retailer.name)
    phone.sees("[data-part=rest] .cb-stops li", third.retailer.name)
    phone.judge("driver", at=(390, 1280))
    phone.until(f"({KEPT}).then((count) => count > 5)")

    # No coverage: three customers, one of them refuses, one is not there; each tap is kept on the phone.
    phone.context.set_offline(True)
    phone.presses(".cb-next-done button[value=delivered]")
    phone.sees("#tour .cb-next h2", second.retailer.name)
    phone.presses(".cb-next-done button[value=refused]")
    phone.presses("#refused-dialog button[value=damaged]")
    phone.sees("#tour .cb-next h2", third.retailer.name)
    phone.until(WAITING.format(2))
    phone.judge("driver-offline", at=(390,), axe=False)
    assert not DriverAction.objects.exists()

    # The phone is switched off and on again in the valley: page, list and what was said are still there.
    phone.page.reload()
    phone.sees("#tour .cb-next h2", third.retailer.name)
    phone.until(WAITING.format(2))
    phone.presses(".cb-next-done button[value=absent]")
    phone.presses("#absent-dialog button[value=closed]")
    phone.until(WAITING.format(3))

    # Coverage is back: sent once, with the time of the phone.
    phone.context.set_offline(False)
    phone.page.evaluate("window.dispatchEvent(new Event('online'))")
    phone.until(WAITING.format(0))
    rows = Stop.objects.filter(pk__in=[first.pk, second.pk, third.pk]).order_by("sequence")
    assert list(rows.values_list("status", "reason")) == [
        ("delivered", ""),
        ("refused", "damaged"),
        ("absent", "closed"),
    ]
    assert DriverAction.objects.filter(outcome="taken").count() == 3
    phone.problems = [one for one in phone.problems if not any(words in one for words in NO_COVERAGE)]

    # Where the van is: only when the driver says so, and gone when the driver says no, even while an answer that the
    # place was heard is still on its way.
    assert not Position.objects.exists()
    phone.page.evaluate(SLOW_ANSWERS)
    phone.presses("[data-act=share]")
    phone.until("document.querySelector('[data-act=share]').getAttribute('aria-pressed') == 'true'")
    phone.wait_for(Position.objects.exists)
    phone.presses("[data-act=share]")
    phone.wait_for(lambda: not Position.objects.exists())

    # The van breaks down: two taps, the place is filled in.
    phone.presses("[data-act=breakdown]")
    phone.sees("#breakdown-dialog[open] [data-slot=place]")
    phone.judge("driver-breakdown", at=(390,), axe=False)
    phone.presses("#breakdown-dialog button[value=report]")
    phone.sees("[data-part=answers] .cb-banner", "INC-0001")
    run_until_quiet()
    incident = Incident.objects.get()
    assert (incident.longitude, incident.latitude) == (first.retailer.longitude, first.retailer.latitude)
    assert Breakdown.objects.get().tour == tour
    phone.judge("driver-broken", at=(390,), axe=False)

    # Hours after the shift the phone opens some page of ours: list and map are gone, without the driver's page.
    phone.page.evaluate(AGED)
    assert phone.page.evaluate(KEPT) > 5
    phone.opens("/tasks/")
    phone.until(f"(({KEPT}).then((count) => count == 0))")
    assert phone.page.evaluate(LIST) is None
