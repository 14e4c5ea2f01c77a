"""Notices: who, what, how; followed while they go; the public's page; calls with one thumb; the same on paper."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from changbei.core import clock
from changbei.incidents import services as incidents
from changbei.incidents.services.customers import public_notice
from changbei.incidents.tests import people as cast
from changbei.network.models import Line, Retailer
from changbei.notify import calls, recipients, services
from changbei.notify.models import Notice, Urgency
from changbei.notify.services import NewNotice
from tests.browser.visitor import Visitor
from tests.stories.telling import Town

pytestmark = pytest.mark.browser
TOLD = {"zh-Hans": "请看新消息"}
TOO_SMALL = """[...document.querySelectorAll('main a.btn, main button, main summary, main select')]
    .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 44)
    .map((one) => one.className + '|' + one.textContent.trim().slice(0, 30))"""


def test_a_notice_is_written_looked_at_and_sent(town: Town, visit: Callable[..., Visitor]) -> None:
    visitor = visit(town.holder("leading-group-office"))
    visitor.opens("/broadcasts/")
    visitor.judge("broadcasts-empty", at=(390, 1280), axe=False)
    visitor.opens("/broadcasts/new/")
    line = Line.objects.order_by("pk")[0]
    visitor.page.locator("details:has(#id_lines) > summary").click()
    visitor.page.select_option("#id_lines", line.code)
    visitor.page.fill("#id_title_hans", "明日停送")
    visitor.page.fill("#id_body_hans", "{retailer}：因道路积水，明日停送。")
    visitor.page.locator("#id_body_hans").blur()
    visitor.sees("#broadcast-preview .cb-list")
    visitor.until(
        f"document.querySelector('#broadcast-preview').innerText.includes('{line.retailers.count()}')"
    )
    visitor.map_is_drawn()
    visitor.judge("broadcast-new", at=(390, 1280))
    visitor.presses("form#broadcast-form button.btn-primary")
    visitor.agrees()
    visitor.sees("#broadcast")
    visitor.judge("broadcast", at=(390, 1280))
    assert Notice.objects.get(audience__isnull=False).messages.count() == line.retailers.count()


def test_the_public_reads_without_a_login(town: Town, visit: Callable[..., Visitor]) -> None:
    data = {"phenomenon": "typhoon", "area": cast.box(), "colour": "orange"}
    incident = incidents.report("severe-weather", data, actor=None, source="web").incident
    now = clock.now()
    suspension = incidents.suspend(
        incident,
        area=cast.box(),
        starts_at=now,
        ends_at=now + timedelta(hours=9),
        reason="台风",
        scope="whole",
        actor=cast.head(),
    )
    public_notice(suspension, "public-suspended", actor=None)
    visitor = visit(None, width=390)
    visitor.opens("/notices/")
    visitor.sees("article h3")
    visitor.judge("public-notices", at=(390, 1280))
    visitor.presses("article h3 a")
    visitor.sees(".cb-public-words")
    visitor.judge("public-notice", at=(390, 1280))


def test_calls_are_made_with_one_thumb_and_printed(town: Town, visit: Callable[..., Visitor]) -> None:
    line = Line.objects.order_by("pk")[0]
    words = {"zh-Hans": "明日停送，恢复前再通知您。"}
    shops = Retailer.objects.filter(line=line)
    made = calls.make_call_list(shops, title={"zh-Hans": "电话通知"}, script=words, actor=None)
    caller = made.calls.order_by("pk")[0].caller
    visitor = visit(caller, width=390)
    visitor.opens("/calls/")
    visitor.sees("#call-title")
    visitor.judge("calls-mine", at=(1280, 390))
    assert visitor.page.evaluate(TOO_SMALL) == []
    assert (visitor.page.locator("a.cb-big").get_attribute("href") or "").startswith("tel:")
    visitor.page.locator(".cb-outcomes details summary").first.click()
    visitor.presses("button[value=call_back]")
    visitor.sees(".cb-toast")
    assert made.calls.filter(outcome="call_back").count() == 1
    visitor.opens(f"/calls/{made.uuid}/paper")
    visitor.sees("table")
    visitor.judge("calls-paper", at=(390, 1280))


def test_a_message_comes_by_itself_where_there_are_no_streams(
    town: Town, visit: Callable[..., Visitor]
) -> None:
    person = town.holder("leading-group-office")
    visitor = visit(person, width=390)
    visitor.opens("/messages/")
    visitor.sees("#inbox")
    services.tell(
        NewNotice("t", TOLD, TOLD, Urgency.ROUTINE, needs_acknowledgement=True),
        recipients.of_people([person]),
    )
    visitor.sees("#inbox .cb-message-title", "请看新消息")
    visitor.sees("#bell .cb-nav-count")
    visitor.judge("inbox", at=(390, 1280))
    visitor.presses("#inbox button")
    visitor.sees(".cb-toast")
    assert visitor.page.locator("#bell .cb-nav-count").count() == 0


def test_the_call_tree_on_the_screen(town: Town, visit: Callable[..., Visitor]) -> None:
    visitor = visit(town.holder("leading-group-office"))
    visitor.opens("/call-tree/customer-service-emergency/")
    visitor.sees("table")
    visitor.judge("call-tree", at=(390, 1280))
