"""N of M confirm, or the chain is told; links, replies and keys; limits; outcomes as they are."""

import uuid
from datetime import datetime, timedelta

import pytest

from changbei.core.clock import LOCAL
from changbei.core.errors import NotFound
from changbei.journal.models import Entry
from changbei.network.models import Retailer
from changbei.notify import answers, jobs, links, recipients, reminding, rules, services
from changbei.notify.book import STANDARD, read
from changbei.notify.channels import Receipt, Reply
from changbei.notify.confirming import Confirm
from changbei.notify.models import Attempt, Message, Pace, Urgency
from changbei.notify.models import Reply as Kept
from changbei.notify.rules import after_receipt, code_of, digits, reply_means
from changbei.notify.services import NewNotice
from changbei.people.models import Contact, Person

pytestmark = pytest.mark.django_db

TITLE = {"zh-Hans": "台风", "zh-Hant": "颱風", "en": "Typhoon"}
BODY = {"zh-Hans": "请到岗。", "zh-Hant": "請到崗。", "en": "Come in."}


@pytest.fixture
def people(small_city, carrier) -> list[Person]:
    return list(Person.objects.exclude(phone="").order_by("pk")[:4])


def _tell(people, **changes):
    standard = {"template": "storm", "title": TITLE, "body": BODY, "urgency": Urgency.URGENT}
    return services.tell(NewNotice(**{**standard, **changes}), recipients.of_people(people))


def _confirm(at_least: int, chain: list[Person]) -> Confirm:
    return Confirm(at_least, 600, tuple(recipients.of_people(chain)), 300)


def _facts(kind: str) -> list[dict]:
    return list(Entry.objects.filter(kind=kind).order_by("pk").values_list("data", flat=True))


# ---- N of M


def test_two_of_three_are_enough_and_the_rest_are_reminded_no_more(people, clock) -> None:
    *told, chief = people
    notice = _tell(told, urgency=Urgency.IMMEDIATE, confirm=_confirm(2, [chief]))
    jobs.send_due()
    for person in told[:2]:
        assert services.acknowledge(notice, person, actor=person)
    notice.refresh_from_db()
    assert (notice.confirmed_at, notice.confirm_due_at) == (clock.now(), None)
    (fact,) = _facts("notify.confirmed")
    assert fact == {
        "notice": str(notice.uuid),
        "template": "storm",
        "at_least": 2,
        "by": [f"{person.name} ({person.staff_no})" for person in told[:2]],
    }
    states = notice.messages.filter(person=told[2]).order_by("pk").values_list("channel", "state")
    assert list(states) == [("inbox", "delivered"), ("sms", "handed"), ("sms", "stopped")]
    clock.advance(timedelta(hours=1))
    assert reminding.remind_due() == 0
    assert services.acknowledge(notice, told[2], actor=told[2])
    assert len(_facts("notify.confirmed")) == 1


def test_the_same_person_twice_is_one(people, clock) -> None:
    notice = _tell(people[:3], confirm=_confirm(2, []))
    services.acknowledge(notice, people[0], actor=people[0])
    services.acknowledge(notice, people[0], actor=people[0])
    notice.refresh_from_db()
    assert notice.confirmed_at is None


def test_when_too_few_confirm_the_chain_is_told_one_after_the_other(people, clock) -> None:
    first, second, chief, deputy = people
    notice = _tell([first, second], confirm=_confirm(2, [chief, deputy]), drill=True)
    services.acknowledge(notice, first, actor=first)
    clock.advance(timedelta(minutes=10, seconds=-1))
    assert reminding.remind_due() == 0
    assert jobs.next_due() <= clock.now() + timedelta(seconds=1)
    clock.advance(timedelta(seconds=1))
    assert reminding.remind_due() == 1
    (said,) = Message.objects.filter(notice__template="not-confirmed", person=chief, channel="inbox")
    assert said.notice.title["zh-Hans"] == "【演练】仅 1/2 人确认：台风"
    assert f"{second.name} ({second.staff_no})" in said.notice.body["zh-Hans"]
    assert (said.notice.drill, said.urgency) == (True, Urgency.IMMEDIATE)
    assert not Message.objects.filter(person=deputy).exists()
    assert reminding.remind_due() == 0
    clock.advance(timedelta(minutes=5))
    assert reminding.remind_due() == 1
    assert Message.objects.filter(notice__template="not-confirmed", person=deputy).exists()
    clock.advance(timedelta(hours=2))
    assert reminding.remind_due() == 0
    assert [fact["told"] for fact in _facts("notify.unconfirmed")] == [chief.staff_no, deputy.staff_no]


def test_without_a_chain_the_journal_says_what_is_missing(people, clock) -> None:
    notice = _tell(people[:1], confirm=_confirm(1, []))
    clock.advance(timedelta(minutes=10))
    assert reminding.remind_due() == 1
    (fact,) = _facts("notify.unconfirmed")
    assert (fact["told"], fact["missing"]) == ("", [f"{people[0].name} ({people[0].staff_no})"])
    notice.refresh_from_db()
    assert notice.confirm_due_at is None


def test_when_nobody_was_told_nobody_can_confirm_and_the_chain_hears_it(people, clock) -> None:
    asked, head = people[0], people[1]
    confirm = Confirm(1, 600, (recipients.of_person(head),))
    new = NewNotice("t", TITLE, TITLE, Urgency.IMMEDIATE, needs_acknowledgement=True, confirm=confirm)
    notice = services.tell(new, [])
    clock.advance(timedelta(minutes=10))
    assert reminding.remind_due() == 1
    fact = Entry.objects.get(kind="notify.unconfirmed").data
    assert (fact["notice"], fact["by"], fact["missing"]) == (str(notice.uuid), [], [])
    assert fact["told"] == head.staff_no
    assert Message.objects.filter(person=head, channel="inbox").count() == 1
    assert not Message.objects.filter(person=asked).exists()
    clock.advance(timedelta(hours=1))
    assert reminding.remind_due() == 0 and reminding.next_due() is None


def test_a_stopped_notice_waits_for_nobody(people, clock) -> None:
    notice = _tell(people[:2], confirm=_confirm(2, [people[3]]))
    services.stop(notices=[notice.uuid])
    clock.advance(timedelta(minutes=11))
    reminding.remind_due()
    assert not Message.objects.filter(notice__template="not-confirmed").exists()
    assert _facts("notify.unconfirmed") == []


@pytest.mark.parametrize("wrong", [(0, 600), (1, 0)])
def test_a_confirmation_by_nobody_is_none(wrong) -> None:
    with pytest.raises(ValueError):
        Confirm(*wrong)


# ---- the link


@pytest.fixture
def linked(settings):
    settings.CONFIRM_LINKS, settings.PUBLIC_URL = True, "https://cb.invalid"
    settings.CALLBACK_SECRET = "s3cret"


def test_a_text_says_how_to_confirm_it_without_saying_who(linked, people, carrier, clock) -> None:
    person = people[0]
    notice = _tell([person], needs_acknowledgement=True)
    jobs.send_due()
    message = notice.messages.get(channel="sms")
    word = links.word_of(message.uuid)
    assert carrier.to(person.phone) == [
        f"台风：请到岗。 收到请回复{code_of(message.pk)}，或点开 https://cb.invalid/c/{word} 确认。"
    ]
    assert len(word) == 38
    assert links.message_of(word) == message


def test_what_needs_no_answer_carries_no_link(linked, people, carrier, clock) -> None:
    _tell(people[:1])
    jobs.send_due()
    assert carrier.to(people[0].phone) == ["台风：请到岗。"]


def test_words_that_were_not_signed_here_open_nothing(linked, people, clock) -> None:
    message = _tell(people[:1], needs_acknowledgement=True).messages.get(channel="sms")
    word = links.word_of(message.uuid)
    other = links.word_of(uuid.uuid4())
    changed = word[:-2] + ("AA" if word[-2:] != "AA" else "BB")
    for wrong in (word[:-1], changed, "", "x", "é", word[:22] + other[22:], other):
        with pytest.raises(NotFound):
            links.message_of(wrong)
    clock.advance(timedelta(days=31))
    with pytest.raises(NotFound):
        links.message_of(word)


# ---- replies and keys


def test_a_reply_confirms_the_newest_or_the_one_it_names(people, carrier, clock) -> None:
    person = people[0]
    older, newer = (_tell([person], needs_acknowledgement=True) for _ in range(2))
    jobs.send_due()
    first = older.messages.get(channel="sms")
    number = f"+86 {person.phone}"
    assert answers.take("sms", Reply(number, code_of(first.pk), "r1")) == first
    assert answers.take("sms", Reply(number, " 收到。", "r2")).notice_id == newer.pk
    ways = [fact["way"] for fact in _facts("notify.acknowledged")]
    assert ways == ["reply", "reply"]
    assert answers.take("sms", Reply(number, "ok", "r3")) is None


def test_a_reply_that_means_nothing_or_comes_from_nobody_is_kept_and_does_nothing(
    people, carrier, clock
) -> None:
    notice = _tell(people[:1], needs_acknowledgement=True)
    jobs.send_due()
    before = list(notice.messages.order_by("pk").values_list("state", flat=True))
    for number, text in (
        (people[0].phone, "什么事？"),
        (people[0].phone, "9999999"),
        ("13999999999", "收到"),
        ("", "收到"),
        ("x", ""),
    ):
        assert answers.take("sms", Reply(number, text)) is None
    assert list(notice.messages.order_by("pk").values_list("state", flat=True)) == before
    assert Kept.objects.filter(message=None).count() == 5


def test_a_reply_that_a_carrier_repeats_is_one(people, carrier, clock) -> None:
    _tell(people[:1], needs_acknowledgement=True)
    jobs.send_due()
    assert answers.take("sms", Reply(people[0].phone, "1", "r1")) is not None
    assert answers.take("sms", Reply(people[0].phone, "1", "r1")) is None
    assert Kept.objects.count() == 1
    assert len(_facts("notify.acknowledged")) == 1


def test_a_reply_that_comes_again_without_an_id_confirms_nothing_older(people, carrier, clock) -> None:
    person = people[0]
    older, newer = (_tell([person], needs_acknowledgement=True) for _ in range(2))
    jobs.send_due()
    assert answers.take("sms", Reply(person.phone, "收到")).notice_id == newer.pk
    assert answers.take("sms", Reply(person.phone, "收到")) is None
    assert Kept.objects.count() == 1
    latest = _tell([person], needs_acknowledgement=True)
    jobs.send_due()
    clock.advance(timedelta(seconds=59))
    assert answers.take("sms", Reply(person.phone, "收到")) is None
    clock.advance(timedelta(seconds=1))
    assert answers.take("sms", Reply(person.phone, "收到")).notice_id == latest.pk
    clock.advance(timedelta(minutes=5))
    assert answers.take("sms", Reply(person.phone, "收到")) is None
    assert not older.messages.filter(state="acknowledged").exists()


def test_a_reply_to_a_reminder_confirms_what_it_reminds_of(people, carrier, clock) -> None:
    person = people[0]
    older = _tell([person], urgency=Urgency.IMMEDIATE, needs_acknowledgement=True)
    newer = _tell([person], needs_acknowledgement=True)
    jobs.send_due()
    assert answers.take("sms", Reply(person.phone, "收到")).notice_id == newer.pk
    clock.advance(timedelta(minutes=3))
    jobs.send_due()
    number = older.messages.get(channel="sms", rung__gt=2).address
    assert answers.take("sms", Reply(number, "收到")).notice_id == older.pk


def test_a_contact_answers_too(people, carrier, clock) -> None:
    contact = Contact.objects.exclude(phone="").order_by("pk")[0]
    notice = services.tell(
        NewNotice("call-vendor", TITLE, BODY, Urgency.URGENT, needs_acknowledgement=True),
        [recipients.of_contact(contact)],
    )
    jobs.send_due()
    assert answers.take("sms", Reply(contact.phone, "收到")) is not None
    assert [one.state for one in notice.messages.all()] == ["acknowledged"]
    (fact,) = _facts("notify.answered")
    assert (fact["by"], fact["way"]) == (f"{contact.person} ({contact.code})", "reply")
    assert _facts("notify.acknowledged") == []


def test_a_key_pressed_in_a_call_confirms(people, settings, clock) -> None:
    person = people[0]
    notice = _tell([person], needs_acknowledgement=True)
    call = Message.objects.create(
        notice=notice, person=person, channel="voice", rung=3, address=person.phone, urgency=1,
        state="handed", carrier_id="CA1", queued_at=clock.now(), handed_at=clock.now(),
    )  # fmt: skip
    assert answers.take("voice", Reply(text="", reference=str(call.uuid))) is None
    assert answers.take("voice", Reply(text="1", reference="nonsense")) is None
    assert answers.take("voice", Reply(text="1", carrier_id="CA1")) == call
    call.refresh_from_db()
    assert call.state == "acknowledged"
    assert _facts("notify.acknowledged")[0]["way"] == "key"


@pytest.mark.parametrize(
    ("text", "meant"),
    [("1", "yes"), ("收到", "yes"), (" OK! ", "yes"), ("１", "yes"), ("4821", "4821"), ("4821 谢谢", "4821"),
     ("没收到", ""), ("不好", ""), ("12345", ""), ("", ""), ("2", "")],
)  # fmt: skip
def test_what_replies_mean(text, meant) -> None:
    assert reply_means(text) == meant


@pytest.mark.parametrize(
    ("number", "plain"),
    [("+86 138-0000-0001", "13800000001"), ("8613800000001", "13800000001"), ("0536-8100001", "05368100001"),
     ("(0536) 8100001", "05368100001"), ("abc", "")],
)  # fmt: skip
def test_ways_of_writing_a_number(number, plain) -> None:
    assert digits(number) == plain


# ---- outcomes


def test_a_refused_number_is_not_tried_again(people, carrier, clock) -> None:
    carrier.refuse(
        people[0].phone, 200, content={"error": {"message": "no such number", "refused": "number"}}
    )
    message = _tell(people[:1]).messages.get(channel="sms")
    jobs.send_due()
    message.refresh_from_db()
    assert (message.state, message.due_at, message.attempts) == ("refused", None, 1)
    assert [fact["state"] for fact in _facts("notify.failed")] == ["refused"]


def test_a_wait_that_a_carrier_names_is_no_attempt(people, carrier, clock) -> None:
    carrier.refuse(people[0].phone, 429)
    message = _tell(people[:1]).messages.get(channel="sms")
    for _ in range(12):
        assert jobs.send_due() == 1
        clock.advance(timedelta(seconds=30))
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("queued", 0)
    assert Attempt.objects.filter(outcome="limited").count() == 12
    carrier.accept(people[0].phone)
    jobs.send_due()
    message.refresh_from_db()
    assert (message.state, message.attempts) == ("handed", 1)


def test_what_is_too_old_is_not_sent_and_said_to_be(people, carrier, clock) -> None:
    carrier.refuse(people[0].phone, 429)
    message = _tell(people[:1]).messages.get(channel="sms")
    clock.advance(timedelta(hours=72))
    carrier.accept(people[0].phone)
    jobs.send_due()
    message.refresh_from_db()
    assert (message.state, message.due_at, message.error) == ("expired", None, "too old to be sent")
    assert carrier.texts == []
    assert [fact["state"] for fact in _facts("notify.failed")] == ["expired"]


def test_acknowledged_while_it_was_put_off_it_is_not_sent(people, carrier, clock) -> None:
    person = people[0]
    carrier.refuse(person.phone, 429)
    notice = _tell([person], needs_acknowledgement=True)
    jobs.send_due()
    services.acknowledge(notice, person, actor=person)
    carrier.accept(person.phone)
    clock.advance(timedelta(minutes=1))
    jobs.send_due()
    assert notice.messages.get(channel="sms").state == "stopped"
    assert carrier.texts == []


def test_receipts_in_every_order_end_in_what_is_most_known() -> None:
    state = "handed"
    for receipt in ("read", "delivered", "failed", "expired", "read"):
        state = after_receipt(state, receipt) or state
    assert state == "read"
    assert after_receipt("expired", "delivered") == "delivered"
    assert after_receipt("handed", "refused") == "refused"
    for final in ("acknowledged", "stopped", "unreachable"):
        for receipt in ("delivered", "read", "failed", "refused", "expired"):
            assert after_receipt(final, receipt) is None
    assert after_receipt("queued", "failed") is None


def test_read_is_more_than_delivered_and_less_than_acknowledged(people, carrier, clock) -> None:
    message = _tell(people[:1]).messages.get(channel="sms")
    jobs.send_due()
    message.refresh_from_db()
    assert services.take_receipts([Receipt("read", message.carrier_id)]) == 1
    assert services.take_receipts([Receipt("delivered", message.carrier_id)]) == 0
    message.refresh_from_db()
    assert (message.state, message.read_at, message.delivered_at) == ("read", clock.now(), clock.now())


# ---- limits


@pytest.fixture
def book_of(settings, tmp_path):
    def write(text: str) -> None:
        path = tmp_path / f"{uuid.uuid4()}.yaml"
        path.write_text(text)
        settings.NOTICES_FILE = str(path)

    return write


def test_a_channel_hands_over_no_more_in_a_minute_than_it_may(people, carrier, book_of, clock) -> None:
    book_of("limits: {a_minute: {sms: 5}}")
    clock.advance(timedelta(seconds=60 - clock.now().second))
    ids = list(Retailer.objects.exclude(phone="").order_by("pk").values_list("pk", flat=True)[:12])
    services.tell(
        NewNotice("n", TITLE, BODY, Urgency.BULK),
        recipients.of_retailers(Retailer.objects.filter(pk__in=ids)),
    )
    jobs.send_due()
    jobs.send_due()
    assert len(carrier.texts) == 5
    _tell(people[:3], urgency=Urgency.IMMEDIATE)
    jobs.send_due()
    assert len(carrier.texts) == 8
    clock.advance(timedelta(minutes=1))
    jobs.send_due()
    assert len(carrier.texts) == 13
    clock.advance(timedelta(minutes=1))
    jobs.send_due()
    assert len(carrier.texts) == 15
    assert Message.objects.filter(state="queued").count() == 0
    assert set(Message.objects.filter(retailer__isnull=False).values_list("attempts", flat=True)) == {1}
    assert Pace.objects.filter(used__gt=8).count() == 0


def test_a_person_gets_no_more_in_an_hour_than_is_good_unless_it_is_urgent(
    people, carrier, book_of, clock
) -> None:
    book_of("limits: {an_hour_a_person: {sms: 2}}")
    person, other = people[:2]
    for _ in range(4):
        _tell([person])
    _tell([other])
    jobs.send_due()
    assert (len(carrier.to(person.phone)), len(carrier.to(other.phone))) == (2, 1)
    _tell([person], urgency=Urgency.IMMEDIATE)
    jobs.send_due()
    assert len(carrier.to(person.phone)) == 3
    for _ in range(13):
        clock.advance(timedelta(minutes=5))
        jobs.send_due()
    assert len(carrier.to(person.phone)) == 5


def test_in_quiet_hours_only_what_is_immediate_goes(people, carrier, book_of, clock) -> None:
    book_of('limits: {quiet: {from: "22:00", until: "07:00", channels: [sms]}}')
    local = clock.now().astimezone(LOCAL)
    clock.advance(local.replace(hour=23, minute=30, second=0, microsecond=0) - local)
    calm, loud = _tell(people[:1]), _tell(people[1:2], urgency=Urgency.IMMEDIATE)
    jobs.send_due()
    assert calm.messages.get(channel="sms").due_at == clock.now() + timedelta(hours=7, minutes=30)
    assert loud.messages.filter(channel="sms", state="handed").count() == 1
    clock.advance(timedelta(hours=7, minutes=30))
    jobs.send_due()
    assert calm.messages.get(channel="sms").state == "handed"


def test_after_quiet_hours_a_ladder_has_the_distances_that_it_has_by_day() -> None:
    book = read(
        "ladders: {urgent: [inbox, sms, {voice: 10m}, {email: 15m}, {sms: 20m}]}\n"
        'limits: {quiet: {from: "22:00", until: "07:00", channels: [sms, voice]}}'
    )
    someone = recipients.Recipient("person", 1, "", "13900000001", second_phone="13900000002", email="a@b.c")

    def due(at: datetime) -> list[str]:
        offered = ("inbox", "sms", "voice", "email")
        rows = rules.rows(
            someone, urgency=Urgency.URGENT, resend=True, channels=(), offered=offered, now=at, book=book
        )
        return [f"{row.due_at.astimezone(LOCAL):%H:%M}" for row in rows]

    day = datetime(2026, 11, 23, tzinfo=LOCAL)
    assert due(day.replace(hour=12)) == ["12:00", "12:00", "12:10", "12:15", "12:20"]
    assert due(day.replace(hour=23)) == ["23:00", "07:00", "07:10", "23:15", "07:20"]
    assert due(day.replace(hour=21, minute=55)) == ["21:55", "21:55", "07:00", "22:10", "07:10"]
    assert due(day.replace(hour=6, minute=55)) == ["06:55", "07:00", "07:10", "07:10", "07:20"]


def test_the_rules_of_an_installation() -> None:
    book = read(
        "ladders:\n  urgent: [inbox, sms, {voice: 2m}]\n  others: [sms, {voice: 90s}]\n"
        "instead: {sms: email}\nlimits: {a_minute: {sms: 600}}\nvalid: {bulk: 24h}\n"
    )
    assert [(rung.channel, rung.after_seconds) for rung in book.staff[Urgency.URGENT]] == [
        ("inbox", 0),
        ("sms", 0),
        ("voice", 120),
    ]
    assert book.staff[Urgency.IMMEDIATE] == STANDARD.staff[Urgency.IMMEDIATE]
    assert [rung.after_seconds for rung in book.others] == [0, 90]
    assert book.valid[Urgency.BULK] == timedelta(hours=24)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ladder: {}", "the file knows no 'ladder'"),
        ("ladders: {urgent: [pigeon]}", "'pigeon' is no channel"),
        ("ladders: {urgent: []}", "list of channels"),
        ("ladders: {soon: [sms]}", "knows no 'soon'"),
        ("ladders: {urgent: [{sms: 2x}]}", "not a duration"),
        ("ladders: {urgent: [{sms: 1wd}]}", "working days"),
        ("limits: {a_minute: {sms: 0}}", "whole number from 1"),
        ("limits: {a_minute: {sms: true}}", "whole number from 1"),
        ("limits: {quiet: {from: 25:00}}", "limits.quiet needs"),
        ("ladders: [", "CHANGBEI_NOTICES"),
        ("[]", "has to be a map"),
    ],
)
def test_rules_that_are_wrong_say_where(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(text)
