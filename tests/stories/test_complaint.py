"""A complaint of a customer (S8): graded and answered where the customer is, asked, heard again, closed by itself."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from changbei.core import clock
from changbei.core.errors import Conflict
from changbei.incidents import services as incidents
from changbei.incidents.models import CommandPost
from changbei.network.models import Retailer
from changbei.people.models import PostHolding
from changbei.plans.services import adopt
from changbei.readiness import services as readiness
from changbei.readiness.models import Finding, Review
from changbei.runs.models import Run
from changbei.site.clockwork import fast_forward, run_until_quiet
from tests.stories.telling import Story, Town, assert_sound

PACK = Path(__file__).resolve().parents[2] / "plans" / "customer-service"


@pytest.fixture
def service(town: Town) -> Town:
    """The city with both plans in force."""
    adopt(PACK, actor=None)
    return town


def complain(town: Town, **more: Any) -> tuple[Story, Retailer]:
    retailer = Retailer.objects.select_related("customer_manager").filter(active=True).order_by("pk")[0]
    report = {"retailer": retailer.licence_no, "kind": "attitude", "what": "送货员拒绝当面点数", **more}
    return town.report("complaint", report, actor=town.on_duty("customer-service-desk")), retailer


def answered(words: str) -> dict[str, str]:
    return {"cause": "当班人员未按流程点数", "answer": words, "how": "visit"}


@pytest.mark.clause("S8")
def test_a_complaint_is_answered_in_its_district_and_closed_with_its_procedure(service: Town) -> None:
    story, retailer = complain(service)
    assert (story.incident.level, story.incident.affected_retailers) == ("SERVICE", 1)
    owner = story.who("marketing-department-head")
    assert owner in {
        one.person
        for one in PostHolding.objects.filter(
            post__kind="marketing-department-head", post__unit__districts=retailer.district
        )
    }
    assert story.open() == {"grade": "11-24 09:40"}
    assert story.news() == [
        "marketing-department-head: task grade (inbox sms)",
        "service-desk: report-received (inbox)",
        "1 customers: complaint-received (sms)",
    ]
    story.decides("grade", "general")
    assert story.open() == {"answer-general": "11-30 09:40"}
    story.does("answer-general", **answered("已当面致歉，今后逐条点清。"))
    assert story.news()[-1] == "1 customers: complaint-answered (sms)"
    assert story.open() == {"satisfied": "11-26 09:40"}
    story.decides("satisfied", "satisfied")
    story.does("record", better="无")
    assert (story.fresh().status, story.fresh().closed_by) == ("closed", None)
    assert not CommandPost.objects.exists()
    assert not Review.objects.exists()
    assert_sound(story)


@pytest.mark.clause("S8")
def test_who_is_not_satisfied_is_heard_once_more_one_level_up(service: Town) -> None:
    story, _ = complain(service)
    story.decides("grade", "serious")
    assert story.open() == {"answer-serious": "11-25 09:40"}
    story.does("answer-serious", **answered("已批评教育。"))
    story.decides("satisfied", "not-satisfied", words="没有说清楚")
    assert story.open() == {"again-service": "11-26 09:40"}
    assert story.task("again-service").holder == service.holder("customer-service-head")
    story.does("again-service", **answered("已调整送货员并上门致歉。"))
    story.decides("satisfied-again", "not-satisfied")
    assert set(story.open()) == {"explain"}
    story.does("explain")
    story.does("record", better="点数流程写入送货规范")
    assert story.fresh().status == "closed"
    assert_sound(story)


@pytest.mark.clause("S8")
def test_what_is_beyond_the_department_goes_to_customer_service_and_from_there_to_the_centre(
    service: Town,
) -> None:
    story, _ = complain(service, kind="settlement")
    story.decides("grade", "beyond", reason="扣款差错需财务核对")
    assert set(story.open()) == {"receive"}
    assert story.task("receive").holder == service.holder("customer-service-head")
    assert "1 customers: complaint-passed-on (sms)" in story.news()
    story.does("receive", helps="finance")
    story.does("answer-beyond", **answered("差错款项已退回。"))
    story.decides("satisfied", "not-satisfied")
    assert story.task("again-center").holder == service.holder("marketing-center-head")


@pytest.mark.clause("S8")
def test_a_complaint_past_its_limit_goes_up_and_is_found_by_the_check(service: Town) -> None:
    story, _ = complain(service)
    assert late() == []
    story.sees("grade")
    fast_forward(timedelta(days=1, minutes=5))
    assert story.escalations()[-1].endswith("grade due → customer-service-head")
    assert late() == [f"matter-late:{story.incident.number}"]
    story.decides("grade", "general")
    assert late() == []


def late() -> list[str]:
    """The findings of the check, by subject."""
    readiness.run_checks(actor=None)
    found = Finding.objects.filter(check_id__endswith="complaints", mended_at=None)
    return list(found.values_list("subject", flat=True))


@pytest.mark.clause("S8")
def test_the_same_said_again_joins_and_an_everyday_matter_takes_no_level(service: Town) -> None:
    story, _ = complain(service)
    again, _ = complain(service, what="今天又发生一次")
    assert again.joined
    assert Run.objects.count() == 1
    with pytest.raises(Conflict, match="everyday matter"):
        incidents.change_level(
            story.incident, "MAJOR", reason="x", actor=service.holder("leading-group-head")
        )
    assert clock.now() == service.clock.now()
    run_until_quiet()
    assert not CommandPost.objects.exists()
