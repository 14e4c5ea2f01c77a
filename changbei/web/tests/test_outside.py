"""Doors without a login: confirming by a signed link, and what carriers call back with."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from changbei.journal.models import Entry
from changbei.notify import jobs, links, recipients, services
from changbei.notify.channels.sms import shared_twin
from changbei.notify.models import Device, Message, Reply, Urgency
from changbei.notify.services import NewNotice
from changbei.people.models import Person
from changbei.web.tests.conftest import client_of

pytestmark = pytest.mark.django_db

TITLE = {"zh-Hans": "台风红色预警", "zh-Hant": "颱風紅色預警", "en": "Typhoon, red"}
SECRET_BODY = {"zh-Hans": "张三电话13900000000", "en": "the number of Zhang San is 13900000000"}


@pytest.fixture
def outside(settings):
    settings.SMS_GATEWAY_URL, settings.EMAIL_URL = "twin:", ""
    settings.CONFIRM_LINKS, settings.PUBLIC_URL, settings.CALLBACK_SECRET = (
        True,
        "https://cb.invalid",
        "s3cret",
    )
    shared_twin().clear()
    yield shared_twin()
    shared_twin().clear()


@pytest.fixture
def message(outside, small_city, clock) -> Message:
    person = Person.objects.exclude(phone="").order_by("pk")[0]
    new = NewNotice("storm", TITLE, SECRET_BODY, Urgency.IMMEDIATE, needs_acknowledgement=True)
    notice = services.tell(new, recipients.of_people([person]))
    jobs.send_due()
    return notice.messages.get(channel="sms", state="handed")


def _states(message: Message) -> list[tuple[str, str]]:
    return list(
        Message.objects.filter(notice=message.notice_id).order_by("pk").values_list("channel", "state")
    )


def _page(message: Message) -> str:
    return reverse("confirm-message", args=[links.word_of(message.uuid)])


def test_a_link_that_is_only_looked_at_confirms_nothing(message) -> None:
    before = _states(message)
    answer = Client(headers={"accept-language": "en"}).get(_page(message))
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "Typhoon, red" in text
    assert "I have read this" in text
    assert "13900000000" not in text
    assert message.person.name not in text
    assert "no-store" in answer.headers["Cache-Control"]
    assert Client().head(_page(message)).status_code == 200
    assert _states(message) == before


def test_the_button_confirms_once_without_a_login(message, clock) -> None:
    client = Client(headers={"accept-language": "en"})
    assert client.post(_page(message)).status_code == 302
    assert _states(message) == [("inbox", "delivered"), ("sms", "acknowledged"), ("sms", "stopped")]
    assert client.post(_page(message)).status_code == 302
    (fact,) = Entry.objects.filter(kind="notify.acknowledged")
    assert (fact.data["by"], fact.data["way"]) == (message.person.staff_no, "link")
    text = client.get(_page(message)).content.decode()
    assert "You have confirmed this message" in text
    assert "I have read this" not in text


def test_words_that_a_telephone_takes_for_a_part_of_the_address_do_no_harm(message) -> None:
    page = reverse("confirm-message", args=[f"{links.word_of(message.uuid)}确认。"])
    assert Client().get(page).status_code == 200
    assert Client().post(page, follow=True).status_code == 200
    assert _states(message)[1] == ("sms", "acknowledged")


def test_what_is_over_cannot_be_confirmed(message) -> None:
    services.stop(notices=[message.notice.uuid])
    client = Client(headers={"accept-language": "en"})
    client.post(_page(message))
    assert not Entry.objects.filter(kind="notify.acknowledged").exists()
    assert "not needed any more" in client.get(_page(message)).content.decode()


@pytest.mark.parametrize("word", ["x", "A" * 38, "é" * 38])
def test_words_that_are_not_ours(outside, small_city, word: str) -> None:
    assert Client().get(reverse("confirm-message", args=[word])).status_code == 404
    assert Client().post(reverse("confirm-message", args=[word])).status_code == 404


def _call_back(purpose: str, content: object, secret: str = "s3cret", kind: str = "sms"):
    url = reverse("called-back", args=[kind, secret, purpose])
    body = content if isinstance(content, bytes) else json.dumps(content)
    return Client(enforce_csrf_checks=True).post(url, body, content_type="application/json")


def test_receipts_that_repeat_and_come_out_of_order(message) -> None:
    def receipt(state: str) -> dict:
        return {"receipts": [{"id": message.carrier_id, "state": state, "detail": "x"}]}

    for state, expected in (
        ("failed", "failed"), ("delivered", "delivered"), ("failed", "delivered"), ("read", "read"),
        ("delivered", "read"), ("read", "read"), ("odd", "read"),
    ):  # fmt: skip
        assert _call_back("receipts", receipt(state)).status_code == 200
        message.refresh_from_db()
        assert message.state == expected
    assert message.error == ""


def test_receipts_for_messages_nobody_knows_do_nothing(message) -> None:
    before = _states(message)
    for content in ({"receipts": []}, {"receipts": [{"id": "T999", "state": "failed"}, {"state": "failed"}]}):
        assert _call_back("receipts", content).status_code == 200
    assert _states(message) == before


def test_a_reply_confirms(message) -> None:
    content = {"replies": [{"id": "r1", "from": message.person.phone, "text": "收到"}]}
    assert _call_back("replies", content).status_code == 200
    assert _call_back("replies", content).status_code == 200
    message.refresh_from_db()
    assert message.state == "acknowledged"
    assert Reply.objects.count() == 1


@pytest.mark.parametrize(
    ("purpose", "secret", "kind", "status"),
    [
        ("receipts", "wrong", "sms", 404),
        ("receipts", "é", "sms", 404),
        ("keys", "s3cret", "sms", 404),
        ("receipts", "s3cret", "voice", 404),
        ("receipts", "s3cret", "inbox", 404),
        ("other", "s3cret", "sms", 404),
        ("receipts", "s3cret", "sms", 400),
    ],
)
def test_strangers_and_nonsense(message, purpose, secret, kind, status) -> None:
    before = _states(message)
    assert _call_back(purpose, b"{", secret, kind).status_code == status
    assert _states(message) == before


def test_without_a_secret_nobody_calls_back(message, settings) -> None:
    settings.CALLBACK_SECRET = ""
    assert _call_back("receipts", {"receipts": []}, "x").status_code == 404


def test_the_bell_counts_what_waits(message) -> None:
    client = client_of(message.person, "bell")
    text = client.get(reverse("inbox-bell")).content.decode()
    assert "1 message waits for your answer" in text
    services.acknowledge(message, message.person, actor=message.person)
    assert "0 messages wait" in client.get(reverse("inbox-bell")).content.decode()
    assert Client().get(reverse("inbox-bell")).status_code == 302


def test_browsers_for_pushes(message, settings) -> None:
    client = client_of(message.person, "push")
    assert client.get(reverse("push-key")).status_code == 404
    for content in ("{", "[]", '"x"', "{}", '{"endpoint": "https://x.invalid/1"}'):
        assert (
            client.post(reverse("push-device"), content, content_type="application/json").status_code == 400
        )
    wrong = {"endpoint": "https://x.invalid/1", "keys": {"p256dh": "AA", "auth": "AA"}}
    answer = client.post(reverse("push-device"), json.dumps(wrong), content_type="application/json")
    assert answer.status_code in {400, 422}
    assert Device.objects.count() == 0
    assert client.get(reverse("push-worker")).headers["Content-Type"].startswith("text/javascript")
