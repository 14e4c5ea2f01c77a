"""Early warnings, settlement corrections and cash settlements: what the pages show, do and refuse."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client

from changbei.core.errors import NotAllowed
from changbei.incidents import services as incidents
from changbei.incidents.models import Incident
from changbei.incidents.tests.people import box, holder
from changbei.network.models import Product, Retailer, Shipment, Site, Stock
from changbei.people import access
from changbei.people.models import Person
from changbei.plans.loading import pack_for
from changbei.plans.models import PlanVersion
from changbei.runs.models import Run, Task
from changbei.supply import cash, corrections, early
from changbei.supply.models import CashSettlement, SettlementCorrection, SupplyWarning
from changbei.web import handling
from changbei.web.tests.conftest import client_of, text

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 11, 23)


def run_of(incident: Incident) -> Run:
    assert incident.run is not None
    return incident.run


@pytest.fixture
def finance(adopted: None) -> Person:
    return holder("finance-head")


# --- settlement corrections


@pytest.fixture
def fault(finance: Person) -> Run:
    report = {"nature": "error", "since": "2026-11-23T08:00:00+08:00", "what": "drawn twice"}
    return run_of(incidents.report("settlement-fault", report, actor=finance, source="web").incident)


def wrong(shop: Retailer, **more: Any) -> dict[str, Any]:
    given = {
        "retailer": shop.licence_no,
        "ordered_on": "2026-11-23",
        "wrong": "twice",
        "booked": "200.00",
        "right": "100.00",
    }
    return given | more


def test_a_wrong_settlement_goes_from_the_list_to_reconciliation(fault: Run, finance: Person) -> None:
    shop, browser = Retailer.objects.order_by("pk")[0], client_of(finance, "finance")
    here = f"/settlements/{fault.uuid}/"
    task = Task.objects.get(run=fault, item="list")
    elsewhere = handling.elsewhere(task)
    assert elsewhere is not None and elsewhere.url == here
    assert browser.post(f"{here}add", wrong(shop, booked="100.00")).status_code == 422
    assert browser.post(f"{here}add", wrong(shop, retailer="nobody")).status_code == 422
    assert not SettlementCorrection.objects.exists()
    assert browser.post(f"{here}add", wrong(shop)).status_code == 303
    row = SettlementCorrection.objects.get()
    assert (row.booked_fen, row.right_fen, row.found_by) == (20_000, 10_000, finance)
    page = text(browser, here)
    assert shop.name in page and "200.00" in page and "To be corrected" in page

    # Not while it is open; the reference is asked for.
    assert browser.post(f"{here}close-list").status_code == 303
    assert browser.post(f"{here}reconcile", {"bank_total": "1", "book_total": "1"}).status_code == 422
    browser.post(f"/settlements/entries/{row.uuid}/correct", {"reference": " "})
    row.refresh_from_db()
    assert row.status == "open"
    browser.post(f"/settlements/entries/{row.uuid}/correct", {"reference": "B-1"})
    assert browser.post(f"{here}reconcile", {"bank_total": "1.00", "book_total": "2.00"}).status_code == 422
    assert browser.post(f"{here}reconcile", {"bank_total": "2.00", "book_total": "2.00"}).status_code == 303
    assert corrections.is_reconciled(fault)
    assert "Reconciled" in text(browser, "/settlements/?state=reconciled")
    assert shop.name not in text(browser, "/settlements/?state=open")


def test_a_driver_sees_the_list_and_changes_nothing(fault: Run, finance: Person) -> None:
    shop, driver = Retailer.objects.order_by("pk")[0], Person.objects.filter(job="driver").order_by("pk")[0]
    browser = client_of(driver, "driver")
    assert "Put a wrong settlement" not in text(browser, f"/settlements/{fault.uuid}/")
    assert browser.post(f"/settlements/{fault.uuid}/add", wrong(shop)).status_code == 403
    assert not SettlementCorrection.objects.exists()
    assert Client().get("/settlements/").status_code == 302


# --- cash


def test_a_department_names_its_own_customers_for_cash(finance: Person) -> None:
    weather = {"phenomenon": "rainstorm", "area": box()}
    incidents.report("severe-weather", weather, actor=finance, source="web")
    run = run_of(
        incidents.report("cash-settlement", {"reason": "road_cut"}, actor=finance, source="web").incident
    )
    head = holder("marketing-department-head")
    Task.objects.filter(run=run, holder=head).delete()
    browser, here = client_of(head, "department"), f"/cash/{run.uuid}/"
    units = access.units_with(head, cash.MAY_ALLOW)
    today = Retailer.objects.filter(order_weekday=1, settlement="e_settlement", active=True).order_by("pk")
    own = today.filter(customer_manager__unit__in=units)[0]
    other = today.exclude(customer_manager__unit__in=units)[0]
    page = text(browser, here)
    assert f'value="{own.licence_no}"' in page and f'value="{other.licence_no}"' not in page
    assert 'name="close"' not in page
    browser.post(f"{here}allow", {"customer": [own.licence_no, other.licence_no]})
    assert not CashSettlement.objects.exists()
    browser.post(f"{here}allow", {"customer": [own.licence_no]})
    assert CashSettlement.objects.get().retailer == own
    with pytest.raises(NotAllowed):
        cash.close_names(run, actor=head)


def test_cash_from_the_name_to_the_bank(finance: Person) -> None:
    weather = {"phenomenon": "rainstorm", "area": box()}
    incidents.report("severe-weather", weather, actor=finance, source="web")
    filed = incidents.report("cash-settlement", {"reason": "road_cut"}, actor=finance, source="web")
    run, browser = run_of(filed.incident), client_of(finance, "finance")
    here = f"/cash/{run.uuid}/"
    today = Retailer.objects.filter(order_weekday=1, settlement="e_settlement", active=True).order_by("pk")
    tomorrow = Retailer.objects.filter(order_weekday=2, settlement="e_settlement").order_by("pk")[0]
    shop = today[0]
    page = text(browser, here)
    assert f'value="{shop.licence_no}"' in page and f'value="{tomorrow.licence_no}"' not in page
    browser.post(f"{here}allow", {"customer": [shop.licence_no, tomorrow.licence_no]})
    assert not CashSettlement.objects.exists()  # one does not qualify: nobody is allowed
    browser.post(f"{here}allow", {"customer": [shop.licence_no], "close": "1"})
    row = CashSettlement.objects.get()
    assert (row.retailer, row.order_day, row.status) == (shop, MONDAY, "allowed")

    entry = f"/cash/entries/{row.uuid}/"
    browser.post(entry, {"what": "received", "amount": "no money", "receipt": "R-1"})
    browser.post(entry, {"what": "received", "amount": "1500.50", "receipt": ""})
    row.refresh_from_db()
    assert row.status == "allowed"
    browser.post(entry, {"what": "received", "amount": "1500.50", "receipt": "R-1"})
    assert browser.post(f"{here}close", {"paid_in_total": "1500.50"}).status_code == 422
    browser.post(entry, {"what": "paid_in", "reference": "K-1"})
    assert browser.post(f"{here}close", {"paid_in_total": "1500.00"}).status_code == 422
    assert browser.post(f"{here}close", {"paid_in_total": "1500.50"}).status_code == 303
    row.refresh_from_db()
    assert (row.status, row.amount_fen, cash.is_reconciled(run)) == ("closed", 150_050, True)
    assert "1,500.50" in text(browser, "/cash/")


# --- early warnings


def test_goods_ordered_are_under_way(adopted: None) -> None:
    product, site = Product.objects.order_by("pk")[0], Site.objects.order_by("pk")[0]
    desk = client_of(holder("procurement-head"), "buyer")
    driver = client_of(Person.objects.filter(job="driver").order_by("pk")[0], "driver")
    given = {"product": product.pk, "site": site.pk, "cartons": 500, "ordered_on": "2026-11-23"}
    where = "/early-warnings/shipments/"
    assert driver.post(where, given | {"due_on": "2026-12-01"}).status_code == 403
    wrong = desk.post(where, given | {"due_on": "2026-11-01"})
    assert wrong.status_code == 422 and 'value="500"' in wrong.content.decode()
    done = desk.post(where, given | {"due_on": "2026-12-01"})
    made = Shipment.objects.order_by("-pk")[0]
    assert done.status_code == 303 and (made.cartons, made.expected_on) == (500, date(2026, 12, 1))
    assert made.number in desk.get("/early-warnings/").content.decode()


def test_warnings_goods_under_way_and_what_stands_in(adopted: None) -> None:
    Shipment.objects.all().delete()
    product = Product.objects.filter(supply_class="general", active=True).order_by("code")[0]
    buyer = holder("procurement-head")
    goods = early.record_shipment(
        product,
        site=Site.objects.order_by("pk")[0],
        cartons=40,
        ordered_on=MONDAY - timedelta(days=10),
        due_on=MONDAY,
        actor=buyer,
    )
    browser = client_of(buyer, "buyer")
    where = f"/early-warnings/shipments/{goods.number}/"
    browser.post(where, {"what": "expect", "expected_on": "2026-11-30", "delay": "factory"})
    early.look(pack_for(PlanVersion.objects.get(pack="customer-service-emergency", in_force=True)))
    warning = SupplyWarning.objects.get(kind="late")
    page = text(browser, f"/early-warnings/?kind=late&product={product.code}")
    assert f"{goods.number} with 40 cartons is 7 days behind" in page
    assert "Press for the goods" in page and "What could stand in" in page
    assert f"/report/supply-anomaly/?kind=late&amp;product={product.code}&amp;shipment={goods.number}" in page
    assert f'value="{product.code}" selected' in text(
        browser, f"/report/supply-anomaly/?kind=late&product={product.code}"
    )

    # Whoever does not watch supply changes nothing.
    driver = client_of(Person.objects.filter(job="driver").order_by("pk")[0], "driver")
    assert driver.post(where, {"what": "arrived"}).status_code == 403
    assert driver.post(f"/early-warnings/{warning.uuid}/set-aside", {"why": "x"}).status_code == 403

    before = Stock.objects.get(site=goods.site, product=product).cartons
    browser.post(f"/early-warnings/{warning.uuid}/set-aside", {"why": "it is at the gate"})
    browser.post(where, {"what": "arrived"})
    goods.refresh_from_db()
    warning.refresh_from_db()
    assert (goods.state, warning.set_aside_why) == ("arrived", "it is at the gate")
    assert Stock.objects.get(site=goods.site, product=product).cartons == before + 40
    assert "it is at the gate" in text(browser, "/early-warnings/?kind=late")
