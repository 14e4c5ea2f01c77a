"""Drills: every message says that it is one, on every channel; nobody outside is told unless that was ticked."""

import email.policy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from changbei.core import clock as core_clock
from changbei.network.city import City
from changbei.network.models import Retailer
from changbei.notify import fanout, jobs, recipients, services
from changbei.notify.channels.push.encryption import encode
from changbei.notify.channels.push.vapid import make_key
from changbei.notify.channels.registry import close_all, offered
from changbei.notify.ladders import KINDS
from changbei.notify.models import Device, Message, Urgency
from changbei.notify.paper import PAPER
from changbei.notify.services import NewNotice
from changbei.notify.tests.servers import Asked, MailServer, Provider, serving
from changbei.notify.tests.test_push import Browser
from changbei.people.models import Contact, Person

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # apprise loads all it has
]
MARK = "【演练】"
WORDS = {"zh-Hans": "台风"}
YES = {"code": 0, "errcode": 0, "sid": "1", "id": "1"}  # what each of these carriers calls a yes
PATHS = {
    "/v2/sms/single_send.json": "sms",
    "/calls": "voice",
    "/push": "push",
    "/hook": "webhook",
    "/chat": "chat",
    "/cgi-bin/webhook/send": "wecom",
    "/robot/send": "dingtalk",
    "/open-apis/bot/v2/hook/h1": "feishu",
}


@pytest.fixture
def carriers() -> Iterator[tuple[Provider, MailServer]]:
    web, mails = Provider(), MailServer()
    web.says(YES)
    with serving(web), serving(mails):
        yield web, mails
        close_all()


@pytest.fixture
def everything(carriers, settings, tmp_path, small_city: City, clock) -> None:
    """Every channel there is, set up."""
    web, mails = carriers
    make_key(tmp_path / "push.pem")
    settings.SMS_GATEWAY_URL = f"yunpian+{web.url}?apikey=k&signature=s"
    settings.VOICE_GATEWAY_URL = f"plain-voice+{web.url}?token=t"
    settings.WECOM_ROBOT = f"wecom+{web.url}?key=k"
    settings.DINGTALK_ROBOT = f"dingtalk+{web.url}?access_token=a"
    settings.FEISHU_ROBOT = f"feishu+{web.url}?hook=h1"
    settings.WEBHOOK_URL, settings.WEBHOOK_SECRET = f"{web.url}/hook", "secret"
    settings.CHATS = web.url.replace("http://", "json://") + "/chat"
    settings.EMAIL_URL, settings.EMAIL_FROM = mails.url, "changbei@city.invalid"
    settings.PUSH_KEY, settings.PUSH_CONTACT = str(tmp_path / "push.pem"), "mailto:it@city.invalid"


def _words(asked: Asked, browser: Browser) -> str:
    if asked.path == "/push":
        return str(browser.read(asked.body))
    if asked.headers.get("Content-Type", "").startswith("application/json"):
        return json.dumps(asked.json, ensure_ascii=False)
    return str(asked.form)


def test_the_mark_is_on_every_channel(everything: None, carriers: tuple[Provider, MailServer]) -> None:
    web, mails = carriers
    person, browser = Person.objects.exclude(phone="").order_by("pk")[0], Browser()
    Person.objects.filter(pk=person.pk).update(email="p@city.invalid", language="zh-Hans")
    Device.objects.create(
        person=person,
        endpoint=f"{web.url}/push",
        public_key=encode(browser.public_key),
        secret=encode(browser.secret),
        added_at=core_clock.now(),
    )
    assert offered() == KINDS
    new = NewNotice("t", WORDS, WORDS, Urgency.IMMEDIATE, drill=True, channels=KINDS)
    notice = services.tell(new, recipients.of_people(Person.objects.filter(pk=person.pk)))
    while jobs.send_due():
        pass
    states = dict(notice.messages.values_list("channel", "state"))
    assert states == dict.fromkeys(KINDS, "handed") | {"inbox": "delivered"}
    assert notice.general_title["zh-Hans"] == f"{MARK}台风"
    marked = {PATHS[asked.path]: MARK in _words(asked, browser) for asked in web.asked}
    assert marked == dict.fromkeys(set(KINDS) - {"inbox", "email"}, True)
    ((_recipient, content),) = mails.mail
    mail: Any = email.message_from_bytes(content, policy=email.policy.default)
    assert mail["Subject"] == f"{MARK}台风" and MARK in mail.get_content()


@pytest.mark.parametrize("channel", [*KINDS, PAPER])
def test_nobody_outside_is_told_by_any_channel(
    everything: None, carriers: tuple[Provider, MailServer], channel: str
) -> None:
    new = NewNotice("t", WORDS, WORDS, Urgency.IMMEDIATE, drill=True, channels=(channel,))
    shops = Retailer.objects.filter(pk__in=Retailer.objects.order_by("pk")[:3].values("pk"))
    fanout.tell_retailers(new, shops, actor=None)
    if channel != PAPER:
        outside = [*recipients.of_retailers(shops), *map(recipients.of_contact, Contact.objects.all()[:2])]
        services.tell(new, outside)
    assert set(Message.objects.values_list("state", flat=True)) <= {"stopped"}
    assert jobs.send_due() == 0
    assert [server for server in (carriers[0].asked, carriers[1].mail) if server] == []
