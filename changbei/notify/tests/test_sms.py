"""The contract of the SMS gateway: the carrier in memory and a real server over HTTP both keep it."""

import uuid
from collections.abc import Iterator

import httpx
import pytest

from changbei.notify.channels import Outgoing
from changbei.notify.channels.sms import Gateway, Twin, open_gateway, shared_twin
from changbei.notify.tests.servers import SmsServer, serving

NUMBER = "13800000001"


def never() -> bool:
    return False


def _outgoing(number: str = NUMBER, **changes) -> Outgoing:
    return Outgoing(
        **{"key": uuid.uuid4(), "address": number, "title": "标题", "body": "正文", "urgency": 0, **changes}
    )


@pytest.fixture(params=["in memory", "over HTTP"])
def carrier_and_gateway(request) -> Iterator[tuple[Twin, Gateway]]:
    if request.param == "in memory":
        twin = Twin()
        gateway = Gateway("http://twin", "secret", transport=twin.transport())
        yield twin, gateway
        gateway.close()
        return
    server = SmsServer()
    with serving(server):
        gateway = Gateway(server.url, "secret")
        yield server.twin, gateway
        gateway.close()


@pytest.fixture
def carrier(carrier_and_gateway) -> Twin:
    return carrier_and_gateway[0]


@pytest.fixture
def gateway(carrier_and_gateway) -> Gateway:
    return carrier_and_gateway[1]


def test_a_text_is_taken(carrier, gateway) -> None:
    (outcome,) = gateway.send([_outgoing()], stop=never)
    assert (outcome.state, outcome.carrier_id) == ("handed", "T1")
    assert carrier.to(NUMBER) == ["标题：正文"]


def test_the_same_key_is_sent_once(carrier, gateway) -> None:
    one = _outgoing()
    first, second = gateway.hand_over(one), gateway.hand_over(one)
    assert first == second
    assert carrier.handed_over == [str(one.key)] * 2
    assert len(carrier.texts) == 1


def test_outcomes_are_in_the_order_of_the_texts(carrier, gateway) -> None:
    numbers = [f"1380000{number:04}" for number in range(40)]
    carrier.refuse(numbers[7], 400)
    outcomes = gateway.send([_outgoing(number) for number in numbers], stop=never)
    assert [outcome.state for outcome in outcomes] == ["failed" if n == 7 else "handed" for n in range(40)]
    assert {outcome.carrier_id for outcome in outcomes if outcome.state == "handed"} == {
        f"T{number}" for number in range(1, 40)
    }


@pytest.mark.parametrize(
    ("status", "content", "state"),
    [
        (400, None, "failed"),
        (404, None, "failed"),
        (422, {"error": "bad number"}, "failed"),
        (401, None, "retry"),
        (403, None, "retry"),
        (408, None, "retry"),
        (429, None, "limited"),
        (422, {"error": {"message": "no such number", "refused": "number"}}, "refused"),
        (200, {"error": {"message": "on the list", "refused": "number"}}, "refused"),
        (500, None, "retry"),
        (503, None, "retry"),
        (200, {"error": {"message": "no such number", "permanent": True}}, "failed"),
        (200, {"error": {"message": "busy"}}, "retry"),
        (200, {"error": "busy"}, "retry"),
        (200, {}, "retry"),
    ],
)
def test_refusals(carrier, gateway, status: int, content: dict | None, state: str) -> None:
    carrier.refuse(NUMBER, status, content=content)
    outcome = gateway.hand_over(_outgoing())
    assert outcome.state == state
    assert carrier.texts == []


def test_receipts_come_once_to_each_who_asks(carrier, gateway) -> None:
    carrier.lose("13800000002", "absent")
    good, bad = _outgoing(), _outgoing("13800000002")
    gateway.hand_over(good)
    gateway.hand_over(bad)
    receipts = gateway.receipts()
    assert [(receipt.state, receipt.reference, receipt.detail) for receipt in receipts] == [
        ("delivered", str(good.key), ""),
        ("failed", str(bad.key), "absent"),
    ]
    assert gateway.receipts() == []
    gateway.hand_over(_outgoing())
    assert [receipt.carrier_id for receipt in gateway.receipts()] == ["T3"]


def test_who_is_told_to_stop_hands_nothing_over(carrier, gateway) -> None:
    assert gateway.send([_outgoing(), _outgoing()], stop=lambda: True) == [None, None]
    assert carrier.handed_over == []


def test_the_token_goes_along() -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return httpx.Response(200, json={"id": "1"})

    gateway = Gateway("http://x", "secret", transport=httpx.MockTransport(answer))
    gateway.hand_over(_outgoing())
    gateway.close()
    assert seen == ["Bearer secret"]


@pytest.mark.parametrize("content", [b"<html>", b"[]", b'"x"', b""])
def test_an_answer_that_is_no_answer(content: bytes) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=content))
    gateway = Gateway("http://x", "", transport=transport)
    assert gateway.hand_over(_outgoing()).state == "retry"
    assert gateway.receipts() == []
    gateway.close()


@pytest.mark.parametrize(
    "content", [{}, {"receipts": 3}, {"receipts": [{"state": "delivered"}]}, {"receipts": [7]}]
)
def test_receipts_out_of_order_are_left_for_later(content: dict) -> None:
    gateway = Gateway(
        "http://x", "", transport=httpx.MockTransport(lambda _: httpx.Response(200, json=content))
    )
    assert gateway.receipts() == []
    gateway.close()


def test_a_gateway_that_hangs_is_tried_again() -> None:
    server = SmsServer()
    server.silent.set()
    with serving(server):
        gateway = Gateway(server.url, "", timeout_seconds=0.2)
        outcome = gateway.hand_over(_outgoing())
        server.released.set()
        gateway.close()
    assert outcome.state == "retry"
    assert "Timeout" in outcome.detail


def test_a_gateway_that_is_not_there_is_tried_again() -> None:
    server = SmsServer()
    url = server.url
    server.server_close()
    gateway = Gateway(url, "")
    assert gateway.hand_over(_outgoing()).state == "retry"
    assert gateway.receipts() == []
    gateway.close()


def test_the_twin_is_chosen_by_its_address() -> None:
    shared_twin().clear()
    gateway = open_gateway("twin:", "")
    gateway.hand_over(_outgoing())
    gateway.close()
    assert shared_twin().to(NUMBER) == ["标题：正文"]
    shared_twin().clear()
