"""The contract of every carrier that is described by a file, against a server that answers as the carrier does."""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from changbei.notify.channels import Outgoing, Unreadable
from changbei.notify.channels.http import Carrier, hooks, load, open_carrier
from changbei.notify.channels.http.provider import SHIPPED, names, read
from changbei.notify.tests.servers import Provider, serving

NUMBER = "+86 138-0000-0001"
KEY = uuid.UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff")
CALLBACK = "https://changbei.invalid/callbacks/x/s3cret/"


def never() -> bool:
    return False


def _outgoing(**changes) -> Outgoing:
    standard = {"key": KEY, "address": NUMBER, "title": "台风<橙色>", "body": "请确认", "urgency": 0}
    return Outgoing(**{**standard, **changes})


@dataclass(frozen=True)
class Case:
    """How a carrier is asked and what it answers. `words` are the codes inside, by what they mean."""

    settings: str
    path: str
    good: dict
    carrier_id: str
    form: dict = field(default_factory=dict)
    json: dict = field(default_factory=dict)
    query: dict = field(default_factory=dict)
    refused: list = field(default_factory=list)
    limited: list = field(default_factory=list)
    failed: list = field(default_factory=list)
    unclear: list = field(default_factory=list)


TEXT = "台风<橙色>：请确认"
CASES = {
    "yunpian": Case(
        "apikey=k1&signature=%E5%B8%B8%E5%A4%87",
        "/v2/sms/single_send.json",
        {"code": 0, "msg": "ok", "sid": 3310228064},
        "3310228064",
        form={
            "apikey": "k1",
            "mobile": "13800000001",
            "text": f"【常备】{TEXT}",
            "uid": str(KEY),
            "callback_url": f"{CALLBACK}receipts",
        },
        refused=[(400, {"code": 10, "msg": "on the list"}), (400, {"code": 20, "msg": "country"})],
        limited=[(400, {"code": 8, "msg": "30 s"}), (400, {"code": 22, "msg": "an hour"})],
        failed=[(400, {"code": 5, "msg": "no such wording"})],
        unclear=[(400 + 100, {"code": -50, "msg": "theirs"}), (200, {"code": 3, "msg": "no money"})],
    ),
    "chuanglan": Case(
        "account=N1&password=p%26w",
        "/msg/v1/send/json",
        {"code": "0", "msgId": "17041010383624511", "errorMsg": ""},
        "17041010383624511",
        json={
            "account": "N1",
            "password": "p&w",
            "msg": TEXT,
            "phone": "13800000001",
            "report": "true",
            "uid": str(KEY),
        },
        refused=[(200, {"code": "107", "errorMsg": "wrong number"})],
        limited=[(200, {"code": "103", "errorMsg": "too fast"})],
        failed=[(200, {"code": "105", "errorMsg": "words"})],
        unclear=[(200, {"code": "109", "errorMsg": "no quota"})],
    ),
    "twilio": Case(
        "account=AC1&token=t1&from=+8610100",
        "/2010-04-01/Accounts/AC1/Messages.json",
        {"sid": "SM1", "status": "queued"},
        "SM1",
        form={
            "To": "+8613800000001",
            "From": "+8610100",
            "Body": TEXT,
            "StatusCallback": f"{CALLBACK}receipts",
        },
        refused=[(400, {"code": 21211, "message": "no number"}), (400, {"code": 21610, "message": "stop"})],
        limited=[(429, {"code": 20429, "message": "too many"})],
        failed=[(400, {"code": 21408, "message": "region"}), (404, {"code": 20404, "message": "?"})],
        unclear=[(401, {"code": 20003, "message": "login"}), (200, {"status": "queued"})],
    ),
    "twilio-voice": Case(
        "account=AC1&token=t1&from=+8610100&voice=cmn-CN",
        "/2010-04-01/Accounts/AC1/Calls.json",
        {"sid": "CA1"},
        "CA1",
        form={
            "To": "+8613800000001",
            "From": "+8610100",
            "StatusCallback": f"{CALLBACK}receipts",
            "Twiml": f'<Response><Gather numDigits="1" timeout="15" action="{CALLBACK}keys?reference={KEY}">'
            '<Say language="cmn-CN" loop="3">台风&lt;橙色&gt;：请确认 收到请按1。</Say></Gather></Response>',
        },
        refused=[(400, {"code": 21217, "message": "no number"})],
        limited=[(429, {"code": 20429, "message": "too many"})],
    ),
    "plain-voice": Case(
        "token=t1",
        "/calls",
        {"id": "C7"},
        "C7",
        json={
            "to": "+8613800000001",
            "say": f"{TEXT} 收到请按1。",
            "language": "zh-Hans",
            "reference": str(KEY),
            "keys_to": f"{CALLBACK}keys?reference={KEY}",
            "receipts_to": f"{CALLBACK}receipts",
        },
        refused=[(200, {"error": {"code": "number", "message": "none"}})],
        limited=[(200, {"error": {"code": "busy", "message": "all lines"}})],
        failed=[(200, {"error": {"code": "permanent", "message": "no"}})],
        unclear=[(200, {"error": {"code": "odd", "message": "?"}})],
    ),
    "wecom": Case(
        "key=k1",
        "/cgi-bin/webhook/send",
        {"errcode": 0, "errmsg": "ok"},
        "",
        query={"key": "k1"},
        json={"msgtype": "text", "text": {"content": TEXT, "mentioned_mobile_list": ["13800000001"]}},
        limited=[(200, {"errcode": 45009, "errmsg": "api freq out of limit"})],
        failed=[(200, {"errcode": 93000, "errmsg": "invalid webhook url"})],
        unclear=[(200, {"errcode": -1, "errmsg": "busy"})],
    ),
    "dingtalk": Case(
        "access_token=a1",
        "/robot/send",
        {"errcode": 0, "errmsg": "ok"},
        "",
        json={
            "msgtype": "text",
            "text": {"content": f"{TEXT} @13800000001"},
            "at": {"atMobiles": ["13800000001"]},
        },
        limited=[(200, {"errcode": 130101, "errmsg": "send too fast"})],
        failed=[(200, {"errcode": 430102, "errmsg": "words"})],
        unclear=[(200, {"errcode": -1, "errmsg": "busy"})],
    ),
    "feishu": Case(
        "hook=h1",
        "/open-apis/bot/v2/hook/h1",
        {"code": 0, "msg": "success"},
        "",
        limited=[(200, {"code": 11232, "msg": "frequency limited"})],
        failed=[
            (200, {"code": 9499, "msg": "Bad Request"}),
            (200, {"code": 19024, "msg": "Key Words Not Found"}),
        ],
        unclear=[(200, {"code": 55, "msg": "?"})],
    ),
}
EVERY = pytest.mark.parametrize("name", sorted(CASES))


@pytest.fixture
def server() -> Iterator[Provider]:
    server = Provider()
    with serving(server):
        yield server


@pytest.fixture
def carrier(server, name, clock) -> Iterator[Carrier]:
    carrier = open_carrier(f"{name}+{server.url}?{CASES[name].settings}", callback=CALLBACK)
    yield carrier
    carrier.close()


def test_every_file_has_its_contract() -> None:
    assert names() == sorted(CASES)


@EVERY
def test_a_message_is_asked_for_as_the_carrier_wants_it(server, carrier, name) -> None:
    case = CASES[name]
    server.says(case.good)
    (outcome,) = carrier.send([_outgoing()], stop=never)
    assert (outcome.state, outcome.carrier_id) == ("handed", case.carrier_id)
    (asked,) = server.asked
    assert asked.path == case.path
    if case.form:
        assert asked.form == case.form
    if case.json:
        assert asked.json == case.json
    assert case.query.items() <= asked.query.items()


@EVERY
def test_what_the_codes_inside_mean(server, carrier, name) -> None:
    case = CASES[name]
    for state, answers in (
        ("refused", case.refused),
        ("limited", case.limited),
        ("failed", case.failed),
        ("retry", case.unclear),
    ):
        for status, content in answers:
            server.says(content, status)
            assert carrier.hand_over(_outgoing()).state == state, (state, content)


@EVERY
@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'"ok"', b"null", b"{}"])
def test_a_yes_without_what_belongs_to_it_is_no_yes(server, carrier, name, content) -> None:
    server.says(content)
    expected = "retry"
    assert carrier.hand_over(_outgoing()).state == expected


@EVERY
@pytest.mark.parametrize("status", [500, 502, 503, 301])
def test_a_carrier_in_trouble_is_tried_again(server, carrier, name, status) -> None:
    server.says(CASES[name].good if status == 301 else {}, status)
    assert carrier.hand_over(_outgoing()).state == "retry"


@EVERY
def test_a_carrier_that_names_a_wait_is_given_it(server, carrier, name, clock) -> None:
    server.says({}, 429, Retry_After="17")
    assert (carrier.hand_over(_outgoing()).state, carrier.hand_over(_outgoing()).wait_seconds) == (
        "limited",
        17.0,
    )
    server.says({}, 429, Retry_After="999999")
    assert carrier.hand_over(_outgoing()).wait_seconds == 3_600.0
    server.says({}, 429, Retry_After="soon")
    assert carrier.hand_over(_outgoing()).wait_seconds == load(name).answer.wait_seconds


@EVERY
def test_a_carrier_that_hangs_is_tried_again(server, name, clock) -> None:
    server.silent.set()
    case = CASES[name]
    given = dict(part.split("=", 1) for part in case.settings.split("&"))
    carrier = Carrier(load(name), server.url, given, timeout_seconds=0.2)
    outcome = carrier.hand_over(_outgoing())
    server.released.set()
    carrier.close()
    assert outcome.state == "retry"
    assert "Timeout" in outcome.detail


@pytest.mark.parametrize("name", ["twilio", "twilio-voice", "plain-voice"])
def test_carriers_that_keep_keys_get_the_same_one_each_time(server, carrier, name) -> None:
    server.says(CASES[name].good)
    carrier.hand_over(_outgoing())
    carrier.hand_over(_outgoing())
    header = "Idempotency-Key" if name == "plain-voice" else "I-Twilio-Idempotency-Token"
    assert [asked.headers[header] for asked in server.asked] == [str(KEY)] * 2
    assert load(name).keeps_keys


@pytest.mark.parametrize("name", ["twilio"])
def test_a_login_goes_along(server, carrier, name) -> None:
    carrier.hand_over(_outgoing())
    assert server.asked[0].headers["Authorization"] == "Basic " + base64.b64encode(b"AC1:t1").decode()


def test_robots_are_signed_for(server, clock) -> None:
    server.says({"errcode": 0, "code": 0})
    moment = int(clock.now().timestamp())
    ding = open_carrier(f"dingtalk+{server.url}?access_token=a1&secret=SEC")
    ding.hand_over(_outgoing())
    ding.close()
    words = f"{moment * 1000}\nSEC".encode()
    expected = base64.b64encode(hmac.new(b"SEC", words, hashlib.sha256).digest()).decode()
    assert server.asked[0].query == {"access_token": "a1", "timestamp": str(moment * 1000), "sign": expected}

    feishu = open_carrier(f"feishu+{server.url}?hook=h1&secret=SEC")
    feishu.hand_over(_outgoing())
    feishu.close()
    expected = base64.b64encode(hmac.new(f"{moment}\nSEC".encode(), b"", hashlib.sha256).digest()).decode()
    assert server.asked[1].json == {
        "timestamp": str(moment),
        "sign": expected,
        "msg_type": "text",
        "content": {"text": TEXT},
    }


def test_a_title_with_line_breaks_stays_inside_the_text(server, clock) -> None:
    server.says({"sid": "1"})
    carrier = open_carrier(f"twilio+{server.url}?account=A&token=t&from=1")
    carrier.hand_over(_outgoing(title="a\r\nX-Evil: 1", body="{to} & {0}"))
    carrier.close()
    assert server.asked[0].form["Body"] == "a\r\nX-Evil: 1：{to} & {0}"
    assert "X-Evil" not in server.asked[0].headers


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("yunpian+https://x.invalid?apikey=k", "lacks the setting 'signature'"),
        ("twilio+https://x.invalid?account=a&token=t&from=1&colour=red", "has no setting 'colour'"),
        ("nobody+https://x.invalid", "no carrier is called 'nobody'"),
        ("yunpian+ftp://x.invalid?apikey=secret", "not 'yunpian\\+ftp://x.invalid'"),
        ("https://x.invalid", "NAME\\+https"),
    ],
)
def test_a_wrong_address_is_named_without_its_secrets(address: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        open_carrier(address)
    assert "secret" not in str(caught.value)


def test_a_carrier_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="for voice, not for sms"):
        open_carrier("plain-voice+https://x.invalid?token=t", kind="sms")


def test_a_template_with_a_field_that_is_missing_is_found_when_it_is_read() -> None:
    text = (SHIPPED / "plain-voice.yaml").read_text().replace("{to}", "{tel}").replace("id: id", "id: 7")
    with pytest.raises(ValueError, match=r"answer\.id: 7 is not of type") as caught:
        read(text, "own.yaml")
    text = text.replace("id: 7", "id: id")
    with pytest.raises(ValueError, match=r"own.yaml: send.json.to: \{tel\} is neither a field") as caught:
        read(text, "own.yaml")
    assert "apikey" not in str(caught.value)
    with pytest.raises(ValueError, match=r"own\.yaml"):
        read("send: [", "own.yaml")


def test_an_installation_brings_its_own_carrier(tmp_path: Path, server, clock) -> None:
    (tmp_path / "ours.yaml").write_text(
        "id: ours\nkind: sms\nsettings: {}\nsend: {path: /s, form: {n: '{to_national}', t: '{text}'}}\n"
        "answer: {code: r, good: ['1']}\n"
    )
    server.says({"r": 1})
    carrier = open_carrier(f"ours+{server.url}", folder=tmp_path)
    assert carrier.hand_over(_outgoing()).state == "handed"
    carrier.close()
    assert server.asked[0].form == {"n": "13800000001", "t": TEXT}


# ---- what they call back with


def test_receipts_of_each_carrier() -> None:
    yunpian, twilio, voice = (load(name).receipts for name in ("yunpian", "twilio", "plain-voice"))
    body = (
        b"sms_status=%5B%7B%22sid%22%3A9527%2C%22uid%22%3A%22u1%22%2C%22report_status%22%3A%22SUCCESS%22%2C"
        b"%22error_msg%22%3A%22DELIVRD%22%7D%2C%7B%22sid%22%3A9528%2C%22report_status%22%3A%22FAIL%22%2C"
        b"%22error_msg%22%3A%22MK%3A0001%22%7D%5D"
    )
    found = hooks.receipts(yunpian, body)
    assert [(one.state, one.carrier_id, one.reference, one.detail) for one in found] == [
        ("delivered", "9527", "u1", "DELIVRD"),
        ("refused", "9528", "", "MK:0001"),
    ]
    assert [
        (one.state, one.carrier_id)
        for words in ("sent", "delivered", "read", "undelivered")
        for one in hooks.receipts(twilio, f"MessageSid=SM1&MessageStatus={words}".encode())
    ] == [("delivered", "SM1"), ("read", "SM1"), ("failed", "SM1")]
    (gone,) = hooks.receipts(twilio, b"MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30005")
    assert gone.state == "refused"
    (rung,) = hooks.receipts(
        voice, b'{"receipts": [{"id": "C7", "state": "expired", "detail": "no answer"}]}'
    )
    assert (rung.state, rung.detail) == ("expired", "no answer")


def test_replies_and_keys() -> None:
    (reply,) = hooks.replies(
        load("twilio").replies, "MessageSid=SM2&From=%2B8613800000001&Body=收到".encode()
    )
    assert (reply.sender, reply.text, reply.carrier_id) == ("+8613800000001", "收到", "SM2")
    (pressed,) = hooks.replies(load("twilio-voice").keys, b"CallSid=CA1&Digits=1", str(KEY))
    assert (pressed.text, pressed.carrier_id, pressed.reference) == ("1", "CA1", str(KEY))


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[1, 2]", b'{"receipts": 3}', b"null"])
def test_a_call_back_that_cannot_be_read_says_so(body: bytes) -> None:
    with pytest.raises(Unreadable):
        hooks.receipts(load("plain-voice").receipts, body)
