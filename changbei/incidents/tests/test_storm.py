"""Many report the same thing: one incident, everybody answered, nobody waits for all the others."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from changbei.core.clock import VirtualClock
from changbei.incidents import services
from changbei.incidents.models import Incident, Report
from changbei.incidents.tests import people
from changbei.journal.models import Entry
from changbei.network import loading
from changbei.network.city import City
from changbei.network.models import Retailer
from changbei.notify import claims, recipients
from changbei.notify import services as notify
from changbei.notify.models import Message, Urgency
from changbei.notify.services import NewNotice
from changbei.people.models import Person
from changbei.plans.models import PlanVersion
from changbei.plans.plain import canonical
from changbei.plans.services import adopt
from changbei.runs import services as runs
from changbei.runs.models import Run
from changbei.testing.city import SHIPPED

CLIENTS, EACH = 50, 10


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_fifty_clients_report_one_breakdown_ten_times_each(
    small_city_plan: City, clock: VirtualClock, carrier: object
) -> None:
    loading.load(small_city_plan)
    adopt(SHIPPED, actor=None)
    reporters = list(
        Person.objects.filter(active=True, job__in=["driver", "dispatcher", "customer_manager"])[:5]
    )
    start, errors = threading.Barrier(CLIENTS), []
    answers: list[services.ReportAnswer] = []

    def client(number: int) -> None:
        try:
            start.wait(timeout=60)
            for turn in range(EACH):
                told = people.breakdown("1", injured=number == 7 and turn == 3)
                answers.append(
                    services.report(
                        "vehicle-breakdown", told, actor=reporters[number % len(reporters)], source="api"
                    )
                )
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=300)

    assert errors == []
    total = CLIENTS * EACH
    assert len(answers) == total
    assert sum(not answer.joined for answer in answers) == 1
    assert {answer.incident.number for answer in answers} == {"INC-0001"}
    incident = Incident.objects.get()
    assert Report.objects.filter(incident=incident, joined=False).count() == 1
    assert Report.objects.filter(incident=incident, joined=True).count() == total - 1
    assert Entry.objects.filter(kind="incidents.reported").count() == 1
    assert Entry.objects.filter(kind="incidents.report_joined").count() == total - 1
    answered = Message.objects.filter(notice__template="report-received", channel="inbox", state="delivered")
    assert answered.count() == total
    run = Run.objects.get()
    assert run.state["context"]["report"]["injured"] is True, "what one of the many knew is not lost"
    assert canonical(runs.replayed(run)) == canonical(run.state)


@pytest.mark.django_db(transaction=True)
def test_who_reports_while_the_incident_is_being_closed_gets_a_new_one(
    small_city_plan: City, clock: VirtualClock, carrier: object
) -> None:
    loading.load(small_city_plan)
    adopt(SHIPPED, actor=None)
    first = services.report("vehicle-breakdown", people.breakdown("1"), actor=None, source="api").incident
    answers: list[services.ReportAnswer] = []

    def client() -> None:
        answers.append(services.report("vehicle-breakdown", people.breakdown("1"), actor=None, source="api"))
        connection.close()

    thread = threading.Thread(target=client)
    with transaction.atomic():
        Incident.objects.filter(pk=first.pk).update(status=Incident.Status.CLOSED)
        thread.start()
        thread.join(timeout=1)
        assert thread.is_alive(), "it waits for what the closing comes to"
    thread.join(timeout=60)
    (answer,) = answers
    assert not answer.joined
    assert answer.incident.number == "INC-0002"


def test_the_first_contact_of_a_major_incident_overtakes_thirty_thousand_notices(
    plan: PlanVersion, carrier: object, clock: VirtualClock
) -> None:
    text = {"zh-Hans": "停送", "zh-Hant": "停送", "en": "No delivery"}
    crowd = recipients.of_retailers(Retailer.objects.order_by("pk"))
    notify.tell_many([(NewNotice("told", text, text, Urgency.BULK), crowd)] * (30_000 // len(crowd)))
    bulk = list(Message.objects.filter(channel="sms", urgency=Urgency.BULK).order_by("pk"))
    assert len(bulk) == 30_000
    clock.advance(timedelta(seconds=1))

    incident = services.report(
        "ordering-system-down", people.ordering_down(), actor=None, source="api"
    ).incident
    assert incident.level == "MAJOR"
    own = Message.objects.filter(channel="sms", notice__incident=incident.uuid, due_at__lte=clock.now())
    first = [message.pk for message in own.order_by("urgency", "queued_at", "pk")]
    assert set(own.values_list("urgency", flat=True)) <= {Urgency.IMMEDIATE, Urgency.URGENT}
    assert own.filter(urgency=Urgency.IMMEDIATE).exists()

    now = clock.now()
    claimed = claims.claim("sms", now, now + timedelta(seconds=120), len(first) + 50)
    assert [one.id for one in claimed[: len(first)]] == first
    rest = {one.id for one in claimed[len(first) :]}  # all as urgent and as old: any fifty of them
    assert len(rest) == 50 and rest < {message.pk for message in bulk}


def test_a_plan_may_say_that_what_happens_in_one_place_is_one_thing(
    plan: PlanVersion, carrier: object, settings: object
) -> None:
    """`same.by` sees what the city knows of the van: two vans of one site, in a plan that says so."""
    files = dict(plan.files)
    path = "procedures/vehicle-breakdown.yaml"
    assert '"vehicle:" + report.vehicle' in files[path]
    files[path] = files[path].replace('"vehicle:" + report.vehicle', '"site:" + incident.site')
    plan.files, plan.digest = files, "another"
    plan.save(update_fields=["files", "digest"])
    first, second = (
        services.report("vehicle-breakdown", people.breakdown(number), actor=None, source="api")
        for number in _two_vans_of_one_site()
    )
    assert (first.joined, second.joined) == (False, True)
    assert second.incident == first.incident


def _two_vans_of_one_site() -> list[str]:
    van = people.van("1")
    return [van.number, van.site.vehicles.exclude(pk=van.pk).order_by("pk")[0].number]
