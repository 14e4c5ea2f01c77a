"""E-mail against a real SMTP server on loopback."""

import email
import email.policy
import uuid
from collections.abc import Iterator

import pytest

from changbei.notify.channels import Outgoing
from changbei.notify.channels import email as emails
from changbei.notify.channels.email import Email
from changbei.notify.models import Urgency
from changbei.notify.tests.servers import MailServer, serving


def never() -> bool:
    return False


def _outgoing(address: str, **changes) -> Outgoing:
    return Outgoing(
        **{
            "key": uuid.uuid4(),
            "address": address,
            "title": "【演练】台风橙色预警",
            "body": "请确认。\n第二行。",
            "urgency": Urgency.IMMEDIATE,
            **changes,
        }
    )


@pytest.fixture
def server() -> Iterator[MailServer]:
    server = MailServer()
    with serving(server):
        yield server


@pytest.fixture
def channel(server) -> Email:
    return Email(server.url, "changbei@city.invalid")


def test_a_mail_arrives_whole(server, channel, clock) -> None:
    one = _outgoing("a@city.invalid")
    (outcome,) = channel.send([one], stop=never)
    assert (outcome.state, outcome.carrier_id) == ("handed", f"<{one.key}@city.invalid>")
    ((recipient, content),) = server.mail
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert recipient == message["To"] == "a@city.invalid"
    assert message["Subject"] == "【演练】台风橙色预警"
    assert message["Message-ID"] == f"<{one.key}@city.invalid>"
    assert message["Date"].datetime == clock.now()
    assert message["X-Priority"] == "1"
    assert message.get_content().replace("\r\n", "\n") == "【演练】台风橙色预警\n\n请确认。\n第二行。\n"


def test_several_go_over_one_connection_each_with_its_outcome(server, channel, clock) -> None:
    server.refusals = {"gone@city.invalid": "550 no such box", "full@city.invalid": "452 full"}
    addresses = ["a@city.invalid", "gone@city.invalid", "full@city.invalid", "b@city.invalid"]
    outcomes = channel.send([_outgoing(address) for address in addresses], stop=never)
    assert [(outcome.state, outcome.detail) for outcome in outcomes] == [
        ("handed", ""),
        ("refused", "550 no such box"),
        ("retry", "452 full"),
        ("handed", ""),
    ]
    assert [recipient for recipient, _ in server.mail] == ["a@city.invalid", "b@city.invalid"]


def test_a_connection_that_breaks_leaves_what_was_taken_and_tries_the_rest_again(
    server, channel, clock
) -> None:
    server.hangs_up_after_mails = 1
    outcomes = channel.send([_outgoing(f"{name}@city.invalid") for name in "abc"], stop=never)
    assert [outcome.state for outcome in outcomes] == ["handed", "retry", "retry"]
    assert len(server.mail) == 1


def test_a_server_that_is_not_there(clock) -> None:
    gone = MailServer()
    gone.server_close()
    (outcome,) = Email(gone.url, "x@y.invalid").send([_outgoing("a@city.invalid")], stop=never)
    assert outcome.state == "retry"


def test_a_server_that_hangs_is_tried_again(server, channel, clock, monkeypatch) -> None:
    monkeypatch.setattr(emails, "TIMEOUT_SECONDS", 0.2)
    server.silent.set()
    first, second = channel.send([_outgoing("a@city.invalid"), _outgoing("b@city.invalid")], stop=never)
    server.released.set()
    assert (first.state, second.state) == ("retry", "retry")
    assert "timed out" in first.detail and server.mail == []


def test_who_is_told_to_stop_sends_nothing(server, channel, clock) -> None:
    assert channel.send([_outgoing("a@city.invalid")], stop=lambda: True) == [None]
    assert server.mail == []


def test_line_breaks_in_a_title_do_not_become_headers(server, channel, clock) -> None:
    channel.send([_outgoing("a@city.invalid", title="x\nBcc: everybody@city.invalid")], stop=never)
    message = email.message_from_bytes(server.mail[0][1], policy=email.policy.default)
    assert message["Bcc"] is None
    assert message["Subject"] == "x Bcc: everybody@city.invalid"


@pytest.mark.parametrize("url", ["http://x", "smtp://", "mail.city.invalid"])
def test_a_wrong_address_is_named(url: str) -> None:
    with pytest.raises(ValueError, match="CHANGBEI_SMTP"):
        Email(url, "x@y.invalid")
