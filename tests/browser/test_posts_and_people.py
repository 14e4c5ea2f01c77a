"""On a phone: a post is vacated and filled, somebody is away; nothing lies beneath the tab bar."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from changbei.people.models import Account, Person, PostHolding
from tests.browser.visitor import Visitor
from tests.stories.telling import Town

pytestmark = pytest.mark.browser
NOTHING_HIDDEN = """(() => {
    window.scrollTo({top: 1e6, behavior: "instant"});
    const last = document.querySelector("main").lastElementChild.getBoundingClientRect().bottom;
    return last <= document.querySelector(".cb-nav").getBoundingClientRect().top;
})()"""


def test_posts_are_kept_up_to_date_with_one_thumb(town: Town, visit: Callable[..., Visitor]) -> None:
    head, new = town.holder("delivery-center-head"), Person.objects.filter(job="dispatcher").order_by("pk")[0]
    visitor = visit(town.holder("leading-group-office"), width=390)
    visitor.opens("/")
    visitor.presses(".cb-viewer summary")
    visitor.presses(".cb-viewer a[href='/people/']")
    visitor.sees("#post-delivery-center-head")
    visitor.judge("people", at=(390, 1280))
    visitor.presses("#post-delivery-center-head a", "配送中心")
    visitor.presses(f"form[action$='/holders/{head.staff_no}/relieve'] button")
    visitor.agrees()
    visitor.sees("#appoint[open]")
    visitor.page.fill("#id_appoint-person_search", new.staff_no)
    visitor.presses(f"label:has(input[name=appoint-person][value='{new.staff_no}'])")
    visitor.judge("post-vacant", at=(390, 1280))
    visitor.presses("#appoint button.btn-primary")
    visitor.sees(".cb-timeline", new.name)
    assert PostHolding.objects.get(post__code="delivery-center-head", rank=1, until=None).person == new

    visitor.opens("/people/posts/dispatcher/")
    visitor.presses("#duty summary")
    visitor.judge("post", at=(390, 1280))
    visitor.until(NOTHING_HIDDEN)
    visitor.opens(f"/people/{head.staff_no}/")
    visitor.presses("label:has(#id_out_of_city)")
    visitor.presses(".cb-form button.btn-primary")
    visitor.sees(".cb-chip", "外出")
    visitor.presses("#left summary")
    visitor.judge("person", at=(390, 1280))
    visitor.until(NOTHING_HIDDEN)
    assert head.absences.get().out_of_city


def test_a_newcomer_gets_a_post_and_a_login_on_a_phone(town: Town, visit: Callable[..., Visitor]) -> None:
    office = visit(town.holder("leading-group-office"), width=390)
    office.opens("/people/units/info-center/")
    office.judge("unit", at=(390, 1280))
    office.presses("a[href^='/people/posts/new']")
    office.page.fill("[name=code]", "tester")
    office.page.fill("[name=name]", "测试岗位")
    office.page.fill("[name=kind]", "tester")
    office.presses(".cb-form button.btn-primary")
    office.sees("h1", "测试岗位")
    office.opens("/people/new?unit=info-center")
    office.page.fill("[name=staff_no]", "N1")
    office.page.fill("[name=name]", "例新人")
    office.page.fill("[name=phone]", "139 1111 2222")
    office.page.select_option("[name=job]", "technician")
    office.page.select_option("[name=post]", "tester")
    office.judge("person-new", at=(390, 1280))
    office.presses(".cb-form button.btn-primary")
    office.sees("a[href='/people/posts/tester/']", "测试岗位")

    technical = visit(town.holder("info-center-head"), width=390)
    technical.opens("/people/N1/")
    technical.presses("a[href='/people/N1/login']")
    technical.page.fill("[name=login]", "newcomer")
    technical.presses(".cb-form button.btn-primary")
    technical.sees("#made-password")
    technical.judge("person-login", at=(390, 1280))
    word = technical.page.inner_text("#made-password")
    assert Account.objects.get(login="newcomer").check_password(word)
