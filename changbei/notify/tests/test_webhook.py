"""The contract of webhooks, and of chats through apprise, against a server on loopback."""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Iterator

import pytest

from changbei.notify.channels import Outgoing
from changbei.notify.channels.chat import Chat
from changbei.notify.channels.webhook import Webhook
from changbei.notify.tests.servers import Provider, serving

KEY = uuid.UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff")


def never() -> bool:
    return False


def _outgoing(**changes) -> Outgoing:
    return Outgoing(
        **{
            "key": KEY,
            "address": "house",
            "title": "台风",
            "body": "请确认",
            "urgency": 1,
            "drill": True,
            **changes,
        }
    )


@pytest.fixture
def server() -> Iterator[Provider]:
    server = Provider()
    with serving(server):
        yield server


@pytest.fixture
def webhook(server, clock) -> Iterator[Webhook]:
    webhook = Webhook(f"{server.url}/in", "s3cret")
    yield webhook
    webhook.close()


def test_a_post_is_signed_so_that_the_receiver_can_check_it(server, webhook, clock) -> None:
    (outcome,) = webhook.send([_outgoing()], stop=never)
    assert outcome.state == "handed"
    (asked,) = server.asked
    assert asked.path == "/in"
    assert asked.json == {
        "id": str(KEY),
        "title": "台风",
        "body": "请确认",
        "urgency": 1,
        "drill": True,
        "language": "zh-Hans",
        "address": "house",
        "confirm": "",
    }
    seconds = str(int(clock.now().timestamp()))
    digest = hmac.new(b"s3cret", f"{KEY}.{seconds}.".encode() + asked.body, hashlib.sha256).digest()
    assert asked.headers["Webhook-Id"] == str(KEY)
    assert asked.headers["Webhook-Timestamp"] == seconds
    assert asked.headers["Webhook-Signature"] == f"v1,{base64.b64encode(digest).decode()}"


@pytest.mark.parametrize(
    ("status", "headers", "state", "wait"),
    [
        (200, {}, "handed", 0.0),
        (202, {}, "handed", 0.0),
        (302, {}, "retry", 0.0),
        (400, {}, "failed", 0.0),
        (401, {}, "retry", 0.0),
        (404, {}, "failed", 0.0),
        (410, {}, "refused", 0.0),
        (429, {}, "limited", 30.0),
        (429, {"Retry_After": "5"}, "limited", 5.0),
        (500, {}, "retry", 0.0),
        (503, {}, "retry", 0.0),
        (503, {"Retry_After": "90"}, "limited", 90.0),
    ],
)
def test_answers(server, webhook, status, headers, state, wait) -> None:
    server.says({"error": "?"}, status, **headers)
    outcome = webhook.hand_over(_outgoing())
    assert (outcome.state, outcome.wait_seconds) == (state, wait)


def test_every_attempt_carries_the_same_id(server, webhook) -> None:
    server.says({}, 500)
    webhook.hand_over(_outgoing())
    webhook.hand_over(_outgoing())
    assert [asked.headers["Webhook-Id"] for asked in server.asked] == [str(KEY)] * 2


def test_a_receiver_that_hangs(server, clock) -> None:
    server.silent.set()
    webhook = Webhook(server.url, "s", timeout_seconds=0.2)
    outcome = webhook.hand_over(_outgoing())
    server.released.set()
    webhook.close()
    assert outcome.state == "retry"


@pytest.mark.parametrize(("url", "secret"), [("https://x.invalid", ""), ("x.invalid", "s")])
def test_a_webhook_without_address_or_secret(url: str, secret: str) -> None:
    with pytest.raises(ValueError, match="CHANGBEI_WEBHOOK_SECRET"):
        Webhook(url, secret)


# ---- chats

# apprise loads all it has, some of it with modules that newer Pythons drop
old = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def _chat(server: Provider, *more: str) -> Chat:
    return Chat(" ".join([server.url.replace("http://", "json://") + "/chat", *more]))


@old
def test_a_chat_gets_title_and_body(server) -> None:
    (outcome,) = _chat(server).send([_outgoing(title="【演练】台风")], stop=never)
    assert outcome.state == "handed"
    (asked,) = server.asked
    assert asked.path == "/chat"
    assert (asked.json["title"], asked.json["message"]) == ("【演练】台风", "请确认")


@old
def test_a_chat_that_fails_is_tried_again(server) -> None:
    server.says({}, 500)
    outcome = _chat(server).hand_over(_outgoing())
    assert outcome.state == "retry"
    assert "JSON" in outcome.detail


@old
def test_one_chat_of_two_that_fails_is_not_passed_over(server) -> None:
    outcome = _chat(server, "json://127.0.0.1:1/").hand_over(_outgoing())
    assert outcome.state == "retry"
    assert len(server.asked) == 1


@old
def test_an_address_that_apprise_does_not_know_is_not_repeated() -> None:
    with pytest.raises(ValueError, match=r"1\. address") as caught:
        Chat("nonsense://user:secret@host")
    assert "secret" not in str(caught.value)
