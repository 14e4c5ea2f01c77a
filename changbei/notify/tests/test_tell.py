"""Telling: who gets which rows, what acknowledgement and stop do, and drills."""

import uuid
from datetime import timedelta

import pytest

from changbei.core.errors import NotAllowed
from changbei.journal.models import Entry
from changbei.network.models import Retailer
from changbei.notify import jobs, recipients, selectors, services, standing, wording
from changbei.notify.channels import Receipt
from changbei.notify.models import Attempt, Message, Notice, Urgency
from changbei.notify.services import NewNotice
from changbei.people.models import Person

pytestmark = pytest.mark.django_db

TITLE = {"zh-Hans": "车辆故障", "zh-Hant": "車輛故障", "en": "Breakdown"}
BODY = {
    "zh-Hans": "17 号车停在县道。",
    "zh-Hant": "17 號車停在縣道。",
    "en": "Van 17 stands on the county road.",
}


def _notice(**changes) -> NewNotice:
    standard = {
        "template": "van-down",
        "title": TITLE,
        "body": BODY,
        "urgency": Urgency.IMMEDIATE,
        "needs_acknowledgement": True,
        "task": uuid.uuid4(),
        "run": uuid.uuid4(),
    }
    return NewNotice(**{**standard, **changes})


def _rows(notice: Notice) -> list[tuple[str, str]]:
    return list(notice.messages.order_by("id").values_list("channel", "state"))


@pytest.fixture
def person(small_city) -> Person:
    return Person.objects.exclude(phone="").order_by("pk")[0]


@pytest.fixture
def other(person) -> Person:
    return Person.objects.exclude(phone="").order_by("pk")[1]


def test_an_immediate_notice_goes_by_inbox_and_text_and_again_after_three_minutes(
    carrier, person, clock
) -> None:
    notice = services.tell(_notice(), recipients.of_people([person]))
    assert _rows(notice) == [("inbox", "delivered"), ("sms", "queued"), ("sms", "queued")]
    jobs.send_due()
    assert _rows(notice) == [("inbox", "delivered"), ("sms", "handed"), ("sms", "queued")]
    assert carrier.to(person.phone) == ["车辆故障：17 号车停在县道。"]

    clock.advance(timedelta(minutes=3, seconds=-1))
    assert jobs.send_due() == 0
    assert jobs.next_due() == clock.now() + timedelta(seconds=1)
    clock.advance(timedelta(seconds=1))
    assert jobs.send_due() == 1
    second = person.second_phone or person.phone
    assert carrier.to(second)[-1] == "车辆故障：17 号车停在县道。"
    assert len(carrier.texts) == 2


def test_an_acknowledgement_stops_what_is_still_to_come(carrier, person, other, clock) -> None:
    notice = services.tell(_notice(), recipients.of_people([person, other]))
    jobs.send_due()
    text = notice.messages.get(person=person, channel="sms", state="handed")
    assert services.acknowledge(text, person, actor=person) is True

    assert list(notice.messages.filter(person=person).order_by("id").values_list("channel", "state")) == [
        ("inbox", "delivered"),
        ("sms", "acknowledged"),
        ("sms", "stopped"),
    ]
    assert list(notice.messages.filter(person=other).order_by("id").values_list("state", flat=True)) == [
        "delivered",
        "handed",
        "queued",
    ]
    assert services.acknowledge(notice, person, actor=person) is False
    fact = Entry.objects.get(kind="notify.acknowledged")
    assert fact.data == {
        "notice": str(notice.uuid),
        "template": "van-down",
        "task": str(notice.task),
        "by": person.staff_no,
    }
    assert fact.actor_id == person.pk


def test_an_acknowledgement_before_the_text_left_stops_it(carrier, person, clock) -> None:
    notice = services.tell(_notice(), recipients.of_people([person]))
    services.acknowledge(notice, person, actor=person)
    assert _rows(notice) == [("inbox", "acknowledged"), ("sms", "stopped"), ("sms", "stopped")]
    assert jobs.send_due() == 0
    assert carrier.texts == []


def test_nobody_acknowledges_for_another(carrier, person, other, clock) -> None:
    notice = services.tell(_notice(), recipients.of_people([person]))
    before = list(Message.objects.order_by("pk").values())
    message = notice.messages.first()
    for attempt in ((message, person, other), (message, other, other), (notice, other, other)):
        with pytest.raises(NotAllowed):
            services.acknowledge(attempt[0], attempt[1], actor=attempt[2])
    assert list(Message.objects.order_by("pk").values()) == before
    assert not Entry.objects.filter(kind="notify.acknowledged").exists()


def test_stop_reaches_what_waits_and_what_is_tried_again(carrier, person, other, clock) -> None:
    carrier.refuse(person.phone, 503)
    notice = services.tell(_notice(), recipients.of_people([person, other]))
    jobs.send_due()
    assert services.stop(tasks=[notice.task]) == 3  # the text that is tried again, and two second texts
    clock.advance(timedelta(hours=1))
    assert jobs.send_due() == 0
    assert sorted(_rows(notice)) == [
        ("inbox", "delivered"),
        ("inbox", "delivered"),
        ("sms", "handed"),
        ("sms", "stopped"),
        ("sms", "stopped"),
        ("sms", "stopped"),
    ]
    notice.refresh_from_db()
    assert notice.stopped_at == clock.now() - timedelta(hours=1)
    assert services.stop(tasks=[notice.task]) == 0


def test_stop_for_one_person_leaves_the_others(carrier, person, other, clock) -> None:
    notice = services.tell(_notice(), recipients.of_people([person, other]))
    assert services.stop(tasks=[notice.task], to=person) == 2
    jobs.send_due()
    assert carrier.to(person.phone) == []
    assert len(carrier.to(other.phone)) == 1


def test_each_recipient_once(carrier, person, clock) -> None:
    notice = services.tell(_notice(), recipients.of_people([person, person]))
    assert notice.messages.count() == 3


def test_without_acknowledgement_nothing_is_repeated(carrier, person, clock) -> None:
    notice = services.tell(_notice(needs_acknowledgement=False), recipients.of_people([person]))
    assert _rows(notice) == [("inbox", "delivered"), ("sms", "queued")]


def test_routine_stays_in_the_inbox(carrier, person, clock) -> None:
    assert _rows(services.tell(_notice(urgency=Urgency.ROUTINE), recipients.of_people([person]))) == [
        ("inbox", "delivered")
    ]


def test_who_has_no_phone_gets_mail_and_who_has_nothing_is_named_unreachable(
    carrier, person, settings, clock
) -> None:
    settings.EMAIL_URL = "smtp://127.0.0.1:1"
    person.phone = person.second_phone = ""
    person.email = "somebody@example.invalid"
    notice = services.tell(_notice(needs_acknowledgement=False), recipients.of_people([person]))
    assert _rows(notice) == [("inbox", "delivered"), ("email", "queued")]
    person.email = ""
    notice = services.tell(_notice(), recipients.of_people([person]))
    assert _rows(notice) == [("inbox", "delivered"), ("sms", "unreachable")]


def test_a_broken_number_counts_as_none(carrier, person, clock) -> None:
    person.phone, person.second_phone, person.email = "call the gate", "", ""
    notice = services.tell(_notice(), recipients.of_people([person]))
    assert _rows(notice) == [("inbox", "delivered"), ("sms", "unreachable")]
    assert notice.messages.get(channel="sms").error == "no channel offered for the address"


def test_without_a_gateway_nobody_is_promised_a_text(person, settings, clock) -> None:
    settings.SMS_GATEWAY_URL = settings.EMAIL_URL = ""
    notice = services.tell(_notice(), recipients.of_people([person]))
    assert _rows(notice) == [("inbox", "delivered"), ("sms", "unreachable")]


def test_everybody_is_told_in_the_own_language(carrier, person, other, clock) -> None:
    person.language, other.language = "zh-Hant", "en"
    services.tell(_notice(), recipients.of_people([person, other]))
    jobs.send_due()
    assert carrier.to(person.phone) == ["車輛故障：17 號車停在縣道。"]
    assert carrier.to(other.phone) == ["Breakdown：Van 17 stands on the county road."]


def test_a_drill_is_marked_in_all_languages_and_customers_are_left_alone(carrier, person, clock) -> None:
    customers = recipients.of_retailers(Retailer.objects.order_by("pk")[:3])
    notice = services.tell(_notice(drill=True), [*recipients.of_people([person]), *customers])
    assert notice.title == {
        "zh-Hans": "【演练】车辆故障",
        "zh-Hant": "【演練】車輛故障",
        "en": "[DRILL] Breakdown",
    }
    kept = notice.messages.filter(retailer__isnull=False)
    assert (
        list(kept.values_list("channel", "state", "error", "due_at"))
        == [("sms", "stopped", "drill: nobody outside is told", None)] * 3
    )
    jobs.send_due()
    assert [text.text for text in carrier.texts] == ["【演练】车辆故障：17 号车停在县道。"]


def test_a_ticked_drill_tells_customers_with_the_mark(carrier, person, clock) -> None:
    retailer = Retailer.objects.order_by("pk")[0]
    services.tell(
        _notice(drill=True, outside_in_drill=True),
        recipients.of_retailers(Retailer.objects.filter(pk=retailer.pk)),
    )
    jobs.send_due()
    assert carrier.to(retailer.phone) == ["【演练】车辆故障：17 号车停在县道。"]


def test_a_field_that_nobody_filled_is_a_dash_and_the_message_goes_out(carrier, person, clock) -> None:
    words = wording.fill(
        {"zh-Hans": "{line}明日停送，{until}恢复。"}, {"line": "一号线{未尽}", "until": None}
    )
    services.tell(_notice(title=TITLE, body=words), recipients.of_people([person]))
    jobs.send_due()
    assert carrier.to(person.phone) == ["车辆故障：一号线{未尽}明日停送，—恢复。"]


def test_an_audience_of_nobody_is_on_record(carrier, person, clock) -> None:
    notice = services.tell(_notice(), [])
    assert _rows(notice) == []
    assert Entry.objects.get(kind="notify.told").data["recipients"] == 0


def test_a_large_fan_out_is_few_statements_and_exact(
    carrier, small_city, clock, django_assert_max_num_queries
) -> None:
    one = recipients.of_retailers(Retailer.objects.order_by("pk")[:1])[0]
    ids = list(Retailer.objects.values_list("pk", flat=True))
    crowd = [recipients.Recipient("retailer", pk, one.name, one.phone, label=f"L{pk}") for pk in ids]
    with django_assert_max_num_queries(6):
        notices = services.tell_many(
            [(_notice(urgency=Urgency.BULK, needs_acknowledgement=False), crowd) for _ in range(5)]
        )
    assert Message.objects.count() == 5 * len(ids) > services.COPY_FROM
    for notice in notices:
        assert set(notice.messages.values_list("retailer", flat=True)) == set(ids)
    row = Message.objects.order_by("pk")[0]
    assert (row.channel, row.state, row.urgency, row.due_at) == ("sms", "queued", Urgency.BULK, clock.now())


def test_first_contact_overtakes_customers_already_queued(carrier, person, clock) -> None:
    services.tell(
        _notice(urgency=Urgency.BULK, needs_acknowledgement=False),
        recipients.of_retailers(Retailer.objects.all()),
    )
    clock.advance(timedelta(minutes=5))
    services.tell(_notice(needs_acknowledgement=False), recipients.of_people([person]))
    jobs.send_due(limit=1)
    assert [text.to for text in carrier.texts] == [person.phone]


def test_a_temporary_refusal_is_tried_again_with_the_same_key(carrier, person, clock) -> None:
    carrier.refuse(person.phone, 503)
    notice = services.tell(_notice(needs_acknowledgement=False), recipients.of_people([person]))
    jobs.send_due()
    message = notice.messages.get(channel="sms")
    assert (message.state, message.due_at) == ("queued", clock.now() + timedelta(seconds=5))
    carrier.accept(person.phone)
    clock.advance(timedelta(seconds=5))
    jobs.send_due()
    message.refresh_from_db()
    assert (message.state, message.attempts, message.handed_at) == ("handed", 2, clock.now())
    assert carrier.handed_over == [str(message.uuid)] * 2
    assert list(Attempt.objects.order_by("id").values_list("outcome", flat=True)) == ["retry", "handed"]


def test_a_permanent_refusal_is_on_record(carrier, person, clock) -> None:
    carrier.refuse(person.phone, 400)
    notice = services.tell(_notice(needs_acknowledgement=False), recipients.of_people([person]))
    jobs.send_due()
    message = notice.messages.get(channel="sms")
    assert (message.state, message.due_at) == ("failed", None)
    fact = Entry.objects.get(kind="notify.failed")
    assert fact.run == notice.run
    assert fact.data["to"] == f"{person.name} ({person.staff_no})"


def test_trying_again_ends(carrier, person, clock) -> None:
    carrier.refuse(person.phone, 503)
    notice = services.tell(_notice(needs_acknowledgement=False), recipients.of_people([person]))
    for _ in range(20):
        jobs.send_due()
        clock.advance(timedelta(minutes=5))
    message = notice.messages.get(channel="sms")
    assert (message.state, message.attempts, message.due_at) == ("failed", 8, None)


def test_receipts_arrive_repeat_and_come_in_any_order(carrier, person, other, clock) -> None:
    carrier.lose(other.phone)
    notice = services.tell(_notice(needs_acknowledgement=False), recipients.of_people([person, other]))
    jobs.send_due()
    clock.advance(timedelta(seconds=9))
    assert jobs.collect_receipts() == 2
    arrived, lost = (notice.messages.get(person=one, channel="sms") for one in (person, other))
    assert (arrived.state, arrived.delivered_at) == ("delivered", clock.now())
    assert (lost.state, lost.error) == ("failed", "absent subscriber")

    assert services.take_receipts([Receipt("delivered", arrived.carrier_id)]) == 0  # again
    assert services.take_receipts([Receipt("failed", arrived.carrier_id)]) == 0  # too late to undo an arrival
    assert services.take_receipts([Receipt("delivered", lost.carrier_id)]) == 1  # it came through after all
    assert services.take_receipts([Receipt("delivered", "unknown")]) == 0
    assert services.take_receipts([Receipt("delivered", "", "not a uuid")]) == 0
    lost.refresh_from_db()
    assert lost.state == "delivered"


def test_a_receipt_does_not_undo_an_acknowledgement(carrier, person, clock) -> None:
    notice = services.tell(_notice(needs_acknowledgement=True), recipients.of_people([person]))
    jobs.send_due()
    text = notice.messages.get(state="handed")
    services.acknowledge(text, person, actor=person)
    jobs.collect_receipts()
    text.refresh_from_db()
    assert text.state == "acknowledged"


def test_pages_read_what_they_show(carrier, person, other, clock) -> None:
    notice = services.tell(_notice(), recipients.of_people([person]))
    assert [one.notice_id for one in selectors.inbox(person)] == [notice.pk]
    assert standing.waiting(standing.of_one(person)) == 1
    assert sorted(notice.messages.values_list("state", flat=True)) == ["delivered", "queued", "queued"]
    assert selectors.unsent() == {"sms": 2}
    services.acknowledge(notice, person, actor=person)
    assert standing.waiting(standing.of_one(person)) == 0
    assert list(selectors.inbox(other)) == []
    assert selectors.messages(task=notice.task).count() == 3


def test_an_unclear_answer_that_turns_out_to_have_been_a_yes_is_not_sent_again(
    carrier, person, clock
) -> None:
    notice = services.tell(_notice(needs_acknowledgement=False), recipients.of_people([person]))
    carrier.refuse(person.phone, 503)
    jobs.send_due()
    carrier.accept(person.phone)
    message = notice.messages.get(channel="sms")
    assert services.take_receipts([Receipt("delivered", "T9", str(message.uuid))]) == 1
    clock.advance(timedelta(hours=1))
    assert jobs.send_due() == 0
    message.refresh_from_db()
    assert (message.state, message.carrier_id, message.due_at) == ("delivered", "T9", None)
