"""On a phone: a post is vacated and filled, somebody is away; nothing lies beneath the tab bar."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from changbei.people.models import Person, PostHolding
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
