"""Web push in a real browser: asked for by a button, encrypted for it, shown by its worker, opened where it belongs.

The browser's maker runs the push service, which no test reaches: what it gives a page (a subscription) and what it
hands to the worker (the opened push) are put in its place; everything between is real.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from changbei.notify import jobs, recipients, services
from changbei.notify.channels.push.encryption import encode
from changbei.notify.channels.push.vapid import make_key, public_key_of
from changbei.notify.channels.registry import close_all
from changbei.notify.models import Device, Urgency
from changbei.notify.services import NewNotice
from changbei.notify.tests.servers import Provider, serving
from changbei.notify.tests.test_push import Browser as Holder
from changbei.people.models import Person
from tests.browser.visitor import Visitor
from tests.stories.telling import Town

pytestmark = pytest.mark.browser
SUBSCRIBE = """(made) => {
    PushManager.prototype.subscribe = async (options) => {
        window.askedWith = { visible: options.userVisibleOnly, key: Array.from(options.applicationServerKey) };
        return made;
    };
}"""
SHOWN = """async () => {
    const worker = await navigator.serviceWorker.getRegistration("/push/");
    const notes = await worker.getNotifications();
    return notes.map((one) => [one.title, one.body, one.tag, one.data.link]);
}"""


@pytest.fixture
def key(settings: Any, tmp_path: Path) -> Iterator[Path]:
    make_key(tmp_path / "push.pem")
    settings.PUSH_KEY, settings.PUSH_CONTACT = str(tmp_path / "push.pem"), "mailto:it@city.invalid"
    settings.SMS_GATEWAY_URL = settings.EMAIL_URL = ""
    yield tmp_path / "push.pem"
    close_all()


def _tell(person: Person, title: str) -> None:
    words = {"zh-Hans": title}
    new = NewNotice("t", words, words, Urgency.IMMEDIATE, needs_acknowledgement=True)
    services.tell(new, recipients.of_people([person]))
    jobs.send_due()


def test_a_push_is_asked_for_encrypted_and_shown(
    town: Town, visit: Callable[..., Visitor], key: Path
) -> None:
    person, holder, service = town.holder("leading-group-office"), Holder(), Provider()
    visitor = visit(person, width=390)
    visitor.context.grant_permissions(["notifications"], origin=visitor.address)
    keys = {"p256dh": encode(holder.public_key), "auth": encode(holder.secret)}
    made = {"endpoint": "https://push.invalid/d1", "keys": keys}
    visitor.context.add_init_script(f"({SUBSCRIBE})({json.dumps(made)})")
    visitor.opens("/messages/")
    devtools = visitor.context.new_cdp_session(visitor.page)
    registrations: list[str] = []
    devtools.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda said: registrations.extend(one["registrationId"] for one in said["registrations"]),
    )
    devtools.send("ServiceWorker.enable")
    visitor.presses("[data-push]")
    visitor.page.locator("[data-push]").wait_for(state="hidden")
    asked = visitor.page.evaluate("window.askedWith")
    assert (asked["visible"], encode(bytes(asked["key"]))) == (True, public_key_of(key))
    device = Device.objects.get(person=person)
    assert (device.endpoint, device.public_key) == (made["endpoint"], keys["p256dh"])

    service.says(b"", 201)
    with serving(service):
        Device.objects.filter(pk=device.pk).update(endpoint=f"{service.url}/d1")
        _tell(person, "第一条")
        _tell(person, "第二条")
    opened = [holder.read(one.body) for one in service.asked]
    for content in (*opened, opened[0]):  # a push service may hand over one twice
        devtools.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": visitor.address, "registrationId": registrations[0], "data": json.dumps(content)},
        )
    visitor.until(f"({SHOWN})().then((notes) => notes.length === 2)")
    shown = visitor.page.evaluate(SHOWN)
    assert sorted(shown) == sorted([one["title"], one["body"], one["id"], "/messages/"] for one in opened)
    assert {one["title"] for one in opened} == {"第一条", "第二条"}
