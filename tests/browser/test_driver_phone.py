"""The driver's phone in other hands: a thumb that taps twice, a full memory, a second driver, access that has ended."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from changbei.delivery.models import DriverAction, Position, Tour
from changbei.people.models import Person
from tests.browser.test_driver_offline import KEPT, LIST, NO_COVERAGE, WAITING
from tests.browser.visitor import Visitor, account_of
from tests.stories.telling import Town
from tests.stories.test_vehicle_breakdown import fullest_tour

pytestmark = pytest.mark.browser
DELIVERED = ".cb-next-done button[value=delivered]"
IS_ONLINE = "window.dispatchEvent(new Event('online'))"
LOG_OUT = "document.querySelector('form[action$=\"/logout/\"]').requestSubmit()"
FULL = """() => {
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = function (...given) {
        const request = put.apply(this, given);
        request.addEventListener("success", () => this.transaction.abort());
        return request;
    };
}"""
SHUT = """indexedDB.open = () => {
    const request = { error: new DOMException("no", "InvalidStateError") };
    setTimeout(() => request.onerror(), 10);
    return request;
}"""
REFUSED = (*NO_COVERAGE, "401 ", "403 ", "status of 401", "status of 403")


def _opens_the_list(phone: Visitor) -> None:
    phone.opens("/delivery/mine/")
    phone.sees("#tour .cb-next h2")
    phone.until(f"({KEPT}).then((count) => count > 5)")


def _forgive(phone: Visitor, *words: str) -> None:
    phone.problems = [one for one in phone.problems if not any(word in one for word in words)]


def test_a_second_tap_and_a_phone_that_keeps_nothing(
    delivery_morning: Town, visit: Callable[..., Visitor]
) -> None:
    tour = fullest_tour(delivery_morning)
    first, second, third = tour.stops.filter(status="planned").order_by("sequence")[:3]
    phone = visit(tour.driver, width=390)
    _opens_the_list(phone)
    phone.page.wait_for_timeout(800)
    phone.page.dblclick(DELIVERED)
    phone.sees("#tour .cb-next h2", second.retailer.name)
    phone.until(WAITING.format(0))
    assert list(DriverAction.objects.values_list("stop", flat=True)) == [first.pk]

    # The memory is full: what is said goes out all the same, and the page says when it must stay open.
    phone.page.evaluate(FULL)
    phone.presses(DELIVERED)
    phone.sees("#tour .cb-next h2", third.retailer.name)
    phone.until(WAITING.format(0))
    phone.context.set_offline(True)
    phone.presses(DELIVERED)
    phone.until(WAITING.format(1))
    phone.sees("[data-part=sending][data-tone=bad]")
    phone.context.set_offline(False)
    phone.page.evaluate(IS_ONLINE)
    phone.until(WAITING.format(0))
    phone.sees("[data-part=sending][data-tone=good]")
    assert DriverAction.objects.filter(outcome="taken").count() == 3

    # It does not even open: the list is there as long as the page is.
    phone.page.add_init_script(SHUT)
    phone.opens("/delivery/mine/")
    phone.sees("#tour .cb-next h2")
    phone.presses(DELIVERED)
    phone.until(WAITING.format(0))
    assert DriverAction.objects.filter(outcome="taken").count() == 4
    _forgive(phone, *NO_COVERAGE)


def test_a_phone_that_two_drivers_use(delivery_morning: Town, visit: Callable[..., Visitor]) -> None:
    """The list goes at logout on any page, and when somebody else is logged in; a place is never another's."""
    tour = fullest_tour(delivery_morning)
    other = Tour.objects.exclude(driver=tour.driver).filter(day=tour.day, driver__isnull=False)[0]
    assert tour.driver is not None and other.driver is not None
    phone = visit(tour.driver, width=390)
    phone.stands_at(119.05, 33.6)
    _opens_the_list(phone)
    phone.presses("[data-act=share]")
    phone.wait_for(lambda: Position.objects.filter(tour=tour).exists())

    # Somebody else logs in beside the open page: the phone moves on, and says nothing of it.
    beside = visit(other.driver, width=390)
    phone.stands_at(119.06, 33.61)
    phone.page.wait_for_timeout(500)
    phone.context.add_cookies(beside.context.cookies())
    phone.page.evaluate(IS_ONLINE)
    phone.until(f"({LIST}).then((list) => list?.driver == '{other.driver.staff_no}')")
    phone.page.evaluate(IS_ONLINE)
    phone.page.wait_for_timeout(1500)
    assert not Position.objects.filter(tour=other).exists()

    phone.opens("/tasks/")
    phone.page.evaluate(LOG_OUT)
    phone.page.wait_for_url("**/login/**")
    assert phone.page.evaluate(LIST) is None
    assert phone.page.evaluate(KEPT) == 0

    # The session of the one ends by itself; the other logs in and never opens the list.
    account = account_of(tour.driver)
    phone.page.fill("[name=username]", account.login)
    phone.page.fill("[name=password]", "drill-only")
    phone.presses("form.cb-form button.btn-primary")
    phone.sees(".cb-nav")
    _opens_the_list(phone)
    phone.context.add_cookies(visit(other.driver, width=390).context.cookies())
    phone.opens("/tasks/")
    phone.until(f"({LIST}).then((list) => list === null)")
    _forgive(phone, *REFUSED)


def test_access_that_has_ended(delivery_morning: Town, visit: Callable[..., Visitor]) -> None:
    tour = fullest_tour(delivery_morning)
    phone = visit(tour.driver, width=390)
    _opens_the_list(phone)
    phone.context.set_offline(True)
    phone.presses(DELIVERED)
    phone.until(WAITING.format(1))
    Person.objects.filter(pk=tour.driver_id).update(active=False)
    asked: list[str] = []
    phone.page.on("request", lambda request: asked.append(request.url))
    phone.context.set_offline(False)
    phone.page.evaluate(IS_ONLINE)
    phone.sees("[data-part=ended]")
    phone.page.wait_for_timeout(2000)
    assert len([url for url in asked if "/mine/" in url]) <= 6
    assert phone.page.locator("#tour .cb-next").count() == 0
    assert phone.page.evaluate(LIST) is None
    _forgive(phone, *REFUSED)


def test_customer_files_are_taken_out_twice(delivery_morning: Town, visit: Callable[..., Visitor]) -> None:
    managers = Person.objects.filter(customers__active=True, active=True, job="customer_manager")
    desk = visit(managers.order_by("pk")[0])
    desk.opens("/readiness/files/")
    for _ in range(2):
        desk.page.select_option("[name=manager]", index=0)
        desk.page.fill("[name=purpose]", "x")
        desk.page.fill("[name=kept_at]", "y")
        with desk.page.expect_download():
            desk.presses("form[data-downloads] button.btn-primary")
        desk.page.locator("form[data-downloads]:not([aria-busy])").wait_for()
