"""From one page of notices to the next: refused numbers, the call tree of a plan, what the public reads."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from changbei.incidents.services.customers import public_notice
from changbei.journal.models import Entry
from changbei.network.models import Retailer
from changbei.notify import recipients, services
from changbei.notify.models import Message, Urgency
from changbei.notify.services import NewNotice
from changbei.people.models import Person, PostHolding
from changbei.web.tests.conftest import client_of
from changbei.web.tests.test_broadcast_pages import whole

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("adopted")]
WORDS = {"zh-Hans": "通知"}


@pytest.fixture
def office(settings: Any) -> Client:
    settings.SMS_GATEWAY_URL, settings.EMAIL_URL = "twin:", ""
    holding = PostHolding.objects.filter(post__kind="leading-group-office").order_by("rank")[0]
    return client_of(holding.person, "office")


def test_each_manager_sees_the_own_refused_numbers_and_the_office_all(office: Client) -> None:
    first = Retailer.objects.order_by("pk")[0]
    other = Retailer.objects.exclude(customer_manager=first.customer_manager).order_by("pk")[0]
    shops = recipients.of_retailers(Retailer.objects.filter(pk__in=[first.pk, other.pk]))
    services.tell(NewNotice("n", WORDS, WORDS, Urgency.BULK, channels=("sms",)), shops)
    Message.objects.filter(retailer__isnull=False).update(state=Message.State.REFUSED)
    address = reverse("refused-numbers")
    assert address in office.get(reverse("readiness")).content.decode()
    page = office.get(address).content.decode()
    assert first.phone in page and other.phone in page
    own = client_of(first.customer_manager, "manager").get(address).content.decode()
    assert first.phone in own and other.phone not in own
    driver = client_of(Person.objects.filter(job="driver").order_by("pk")[0], "driver")
    assert first.phone not in driver.get(address).content.decode()


def test_a_refused_number_is_put_right_by_the_department(office: Client) -> None:
    shop = Retailer.objects.select_related("customer_manager").order_by("pk")[0]
    services.tell(
        NewNotice("n", WORDS, WORDS, Urgency.BULK, channels=("sms",)),
        recipients.of_retailers(Retailer.objects.filter(pk=shop.pk)),
    )
    Message.objects.filter(retailer=shop).update(state=Message.State.REFUSED)
    where, address = reverse("refused-number", args=[shop.licence_no]), reverse("refused-numbers")
    manager = client_of(shop.customer_manager, "manager")
    elsewhere = Person.objects.filter(job="customer_manager").exclude(unit=shop.customer_manager.unit)[0]
    assert where in manager.get(address).content.decode()
    assert where not in office.get(address).content.decode()
    assert client_of(elsewhere, "elsewhere").post(where, {"phone": "13900001111"}).status_code == 403
    manager.post(where, {"phone": "none"})
    shop.refresh_from_db()
    assert shop.phone != "none"
    manager.post(where, {"phone": "139-0000 1111"})
    shop.refresh_from_db()
    assert shop.phone == "13900001111"
    assert Entry.objects.get(kind="network.phone_corrected").data == {"licence_no": shop.licence_no}
    assert where not in manager.get(address).content.decode()


def test_the_plan_on_paper_leads_to_its_call_tree(office: Client) -> None:
    tree = reverse("call-tree", args=["customer-service-emergency"])
    document = reverse("plan-document", args=["customer-service-emergency"])
    assert tree in office.get(document).content.decode()
    driver = client_of(Person.objects.filter(job="driver").order_by("pk")[0], "driver")
    assert tree not in driver.get(document).content.decode()


def test_a_suspension_leads_to_what_the_public_reads_but_a_drill_does_not(office: Client) -> None:
    for drill in (False, True):
        suspension = whole(drill=drill)
        public_notice(suspension, "public-suspended", actor=None)
        page = office.get(reverse("suspension", args=[suspension.uuid])).content.decode()
        address = reverse("public-notice", args=[suspension.bulletins.get().uuid, "en"])
        assert (address in page) is not drill
        assert Client().get(address).status_code == (404 if drill else 200)
