"""Every supply request in one list: who finds which, and what the file says."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client

from changbei.core import clock
from changbei.network.models import Product, Retailer
from changbei.people.models import Person
from changbei.supply import listing
from changbei.supply.models import SupplyLine, SupplyRequest
from changbei.web.tests.conftest import client_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("adopted")]
MONDAY = date(2026, 11, 23)
EVERYWHERE = {"unit": "all"}


def shops() -> tuple[Retailer, Retailer]:
    """Of two departments."""
    found = Retailer.objects.select_related("customer_manager", "district__marketing_department").order_by(
        "pk"
    )
    return found[0], found.exclude(district=found[0].district)[0]


def asked(number: int, shop: Retailer, **more: Any) -> SupplyRequest:
    given = {
        "path": "special",
        "occasion": "a wedding",
        "needed_on": MONDAY,
        "status": "waiting",
        "requested_by": shop.customer_manager,
        "requested_at": clock.now(),
    }
    made = SupplyRequest.objects.create(number=f"SUP-{number:04d}", retailer=shop, **given | more)
    product = Product.objects.order_by("pk")[0]
    SupplyLine.objects.create(request=made, product=product, cartons=40, price_fen=100)
    return made


def browser(person: Person | None = None) -> Client:
    who = person or Person.objects.filter(job="dispatcher").order_by("pk")[0]
    return client_of(who, f"of-{who.staff_no}")


def numbers(client: Client, **query: Any) -> list[str]:
    answer = client.get("/supply/", query)
    assert answer.status_code == 200, answer.content[:2000]
    return re.findall(r"<strong>(SUP-\d+) ", answer.content.decode())


@pytest.fixture
def four() -> tuple[Retailer, Retailer]:
    here, there = shops()
    asked(1, here, requested_at=clock.now() - timedelta(days=2))
    asked(2, there, requested_at=clock.now() - timedelta(days=1), status="dispatched", deliver_on=MONDAY)
    asked(3, here, path="planned", requested_by=None)
    asked(4, there, status="refused")
    return here, there


def test_the_newest_come_first_and_each_leads_to_its_page(four: tuple[Retailer, Retailer]) -> None:
    assert numbers(browser()) == ["SUP-0004", "SUP-0003", "SUP-0002", "SUP-0001"]
    page = browser().get("/supply/").content.decode()
    for one in SupplyRequest.objects.all():
        assert f'href="/supply/{one.uuid}/"' in page
    form = browser().get(f"/supply/{SupplyRequest.objects.get(number='SUP-0001').uuid}/").content.decode()
    assert 'href="/supply/"' in form
    assert f'href="/supply/?unit=all&amp;q={four[0].licence_no}"' in form
    assert Client().get("/supply/").status_code == 302


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "refused"}, [4]),
        ({"path": "planned"}, [3]),
        ({"since": "2026-11-22", "until": "2026-11-22"}, [2]),
        ({"since": "2026-11-22"}, [4, 3, 2]),
        ({"until": "2026-11-21"}, [1]),
        ({"state": "nonsense", "path": "?", "since": "no day", "unit": "none"}, [4, 3, 2, 1]),
        ({"q": "sup-0002"}, [2]),
        ({"q": "nobody is called so"}, []),
    ],
)
def test_filters(four: tuple[Retailer, Retailer], query: dict[str, str], found: list[int]) -> None:
    assert numbers(browser(), **EVERYWHERE | query) == [f"SUP-{number:04d}" for number in found]


def test_words_find_customer_licence_and_who_asked(four: tuple[Retailer, Retailer]) -> None:
    here, there = four
    for words in (here.name, f" {here.licence_no[:4]} {here.licence_no[4:]}"):
        assert numbers(browser(), q=words, **EVERYWHERE) == ["SUP-0003", "SUP-0001"]
    assert numbers(browser(), q=there.customer_manager.name, **EVERYWHERE) == ["SUP-0004", "SUP-0002"]


def test_a_department_sees_its_own_unless_it_asks_for_others(four: tuple[Retailer, Retailer]) -> None:
    here, there = four
    manager, unit = browser(there.customer_manager), here.district.marketing_department
    assert unit is not None
    assert numbers(manager) == numbers(manager, unit="") == ["SUP-0004", "SUP-0002"]
    assert numbers(manager, unit=unit.code) == ["SUP-0003", "SUP-0001"]
    assert len(numbers(manager, **EVERYWHERE)) == 4


def test_page_by_page_with_the_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("changbei.web.views.supply_list.ON_A_PAGE", 2)
    shop = shops()[0]
    for number in range(1, 6):
        asked(number, shop)
    assert numbers(browser(), state="waiting", page=3) == ["SUP-0001"]
    page = browser().get("/supply/", {"state": "waiting", "page": 2}).content.decode()
    assert 'href="?state=waiting&amp;unit=all&amp;page=3"' in page


def test_the_file_says_what_the_filters_leave(four: tuple[Retailer, Retailer]) -> None:
    shop = four[1]
    answer = browser().get("/supply/export.csv", {"state": "dispatched", **EVERYWHERE})
    assert 'filename="supply-requests-2026-11-23.csv"' in answer.headers["Content-Disposition"]
    headings, row = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    said = dict(zip(headings, row, strict=True))
    assert (said["Number"], said["Customer"], said["Licence number"]) == (
        "SUP-0002",
        shop.name,
        shop.licence_no,
    )
    assert (said["Cartons"], said["State"], said["Day of delivery"]) == ("40", "On its way", "2026-11-23")
    assert said["Asked for by"] == shop.customer_manager.name
    assert browser().get("/supply/export.xlsx").content[:2] == b"PK"
    assert browser().get("/supply/export.pdf").status_code == 404
    assert Client().get("/supply/export.csv").status_code == 302
    outsider = client_of(None, "outsider")
    assert {outsider.get(url).status_code for url in ("/supply/", "/supply/export.csv")} == {403}


def test_rows_do_not_ask_one_by_one(
    four: tuple[Retailer, Retailer], django_assert_max_num_queries: Any
) -> None:
    found = listing.requests(four[0].customer_manager, listing.Sought())
    with django_assert_max_num_queries(1):
        assert [one.retailer.customer_manager.unit.code for one in found]
