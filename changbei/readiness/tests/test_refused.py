"""Numbers that a carrier refused are findings until they are changed or take something again (E3.1.13, E3.2.8)."""

from datetime import timedelta

import pytest

from changbei.network.models import Retailer
from changbei.notify import jobs, recipients, refusals, services
from changbei.notify.models import Urgency
from changbei.notify.services import NewNotice
from changbei.people.models import Contact, Person
from changbei.readiness.checks import refused

pytestmark = pytest.mark.django_db

NO_NUMBER = {"error": {"message": "no such number", "refused": "number"}}
TITLE = {"zh-Hans": "通知", "en": "Notice"}


def _tell(recipient) -> None:
    services.tell(NewNotice("n", TITLE, TITLE, Urgency.URGENT), [recipient])
    jobs.send_due()


def test_a_refused_number_of_the_staff(small_city, carrier, clock) -> None:
    person, other = Person.objects.exclude(phone="").order_by("pk")[:2]
    carrier.refuse(person.phone, 200, content=NO_NUMBER)
    for one in (person, other, person):
        _tell(recipients.of_person(one))
    (trouble,) = refused.troubles(refusals.of_staff())
    ending = person.phone[-4:]
    assert trouble.subject == f"number-refused:{person.staff_no}:{ending}"
    assert trouble.text["en"].startswith(
        f"The carrier says that the number of {person.name} ending in {ending}"
    )
    assert person.phone not in "".join(trouble.text.values())

    clock.advance(timedelta(minutes=1))
    carrier.accept(person.phone)
    _tell(recipients.of_person(person))
    jobs.collect_receipts()
    assert refusals.of_staff() == []


def test_a_number_that_was_changed_is_none_of_it(small_city, carrier, clock) -> None:
    person = Person.objects.exclude(phone="").order_by("pk")[0]
    carrier.refuse(person.phone, 200, content=NO_NUMBER)
    _tell(recipients.of_person(person))
    assert len(refusals.of_staff()) == 1
    Person.objects.filter(pk=person.pk).update(phone="10000009999")
    assert refusals.of_staff() == []


def test_refused_numbers_of_customers_are_one_finding_a_district(small_city, carrier, clock) -> None:
    district = Retailer.objects.order_by("pk")[0].district
    first, second, third = Retailer.objects.filter(district=district).order_by("line__code", "line_sequence")[
        :3
    ]
    elsewhere = Retailer.objects.exclude(district=district).order_by("pk")[0]
    for shop in (first, second, elsewhere):
        carrier.refuse(shop.phone, 200, content=NO_NUMBER)
    shops = (first, second, third, elsewhere, first)
    for recipient in recipients.of_retailers(Retailer.objects.filter(pk__in=[one.pk for one in shops])):
        _tell(recipient)
    found = refusals.of_customers()
    assert {one.retailer for one in found} == {first, second, elsewhere}
    assert {one.retailer for one in refusals.of_customers(manager=first.customer_manager)} == {
        one for one in (first, second, elsewhere) if one.customer_manager == first.customer_manager
    }
    texts = {one.subject: one.text["en"] for one in refused.of_districts(found)}
    assert len(texts) == 2
    own = texts[f"customers-refused:{district.code}"]
    assert f"{district.name['en']}: carriers refuse the numbers of 2 customers" in own
    Retailer.objects.filter(pk=second.pk).update(phone="13800009999")
    Retailer.objects.filter(pk=elsewhere.pk).update(active=False)
    assert [one.retailer for one in refusals.of_customers()] == [first]


def test_a_refused_number_of_an_outside_contact(small_city, carrier, clock) -> None:
    contact = Contact.objects.exclude(phone="").order_by("code")[0]
    carrier.refuse(contact.phone, 200, content=NO_NUMBER)
    _tell(recipients.of_contact(contact))
    assert [one.code for one in refusals.of_contacts()] == [contact.code]
    assert refusals.of_staff() == []
    clock.advance(timedelta(days=181))
    assert refusals.of_contacts() == []
