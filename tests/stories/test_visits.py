"""Visits to shops: what one finds becomes a matter of everyday service, taken up higher when it is not mended."""

from __future__ import annotations

from typing import Any

import pytest

from changbei.care import services
from changbei.care.models import Answer, Visit
from changbei.care.services import Seen
from changbei.care.tests.conftest import GOOD
from changbei.incidents.models import Incident
from changbei.journal import services as journal
from changbei.journal.models import FailedReaction
from changbei.network.models import Retailer
from changbei.plans.services import adopt
from changbei.site.clockwork import run_until_quiet
from tests.stories.telling import Story, Town, assert_sound
from tests.stories.test_everyday_service import PACK


@pytest.fixture
def service(town: Town) -> Town:
    """The city with both plans in force."""
    adopt(PACK, actor=None)
    return town


def visited(**found: Any) -> Visit:
    """A customer manager goes to a shop and records what is to be seen."""
    shop = Retailer.objects.select_related("customer_manager", "line").filter(active=True).order_by("pk")[0]
    visit = services.record_unplanned(shop, Seen({**GOOD, **found}), actor=shop.customer_manager)
    run_until_quiet()
    return visit


@pytest.mark.clause("S3")
def test_what_a_visit_found_is_mended_and_looked_at_again(service: Town) -> None:
    visit = visited(marked_prices=False, ledger=False)
    incident = Incident.objects.get()
    assert (incident.kind, incident.level) == ("shop-finding", "SERVICE")
    report = incident.reports.get()
    assert (report.source, report.reporter, report.data["kind"]) == ("visit", visit.done_by, "prices")
    assert report.data["what"] == "明码实价执行到位: 否"
    answer = Answer.objects.get(visit=visit, item="marked-prices")
    assert (answer.matter, answer.incident) == (incident.number, incident.uuid)
    assert "care.matter_begun" in set(journal.timeline(incident.uuid).values_list("kind", flat=True))
    story = Story(incident)
    assert story.task("agree").holder == visit.done_by
    story.does("agree", done="下周一前补齐价签")
    assert story.task("mended").role == "market-manager"
    story.decides("mended", "mended")
    assert story.fresh().status == "closed"
    assert_sound(story)
    assert not FailedReaction.objects.exists()


@pytest.mark.clause("J7", "S3")
def test_where_sale_to_minors_is_not_prevented_monopoly_inspection_goes_first(service: Town) -> None:
    visit = visited(minors_sign=False, age_check=False)
    incident = Incident.objects.get()  # both findings are one matter
    assert incident.reports.count() == 2
    assert set(Answer.objects.filter(visit=visit, finding=True).values_list("matter", flat=True)) == {
        incident.number
    }
    story = Story(incident)
    assert set(story.open()) == {"minors"}
    assert story.task("minors").role == "monopoly-administrator"
    story.does("minors", done="已摆放标志")
    story.decides("mended", "not-mended")
    assert set(story.open()) == {"inspection"}
    assert story.task("inspection").role == "monopoly-head"
    story.does("inspection", done="约谈经营者")
    assert story.fresh().status == "closed"
    assert_sound(story)


def test_a_finding_whose_visit_is_no_longer_kept_begins_nothing(service: Town) -> None:
    shop = Retailer.objects.select_related("customer_manager", "line").filter(active=True).order_by("pk")[0]
    visit = services.record_unplanned(shop, Seen({**GOOD, "fresh": False}), actor=shop.customer_manager)
    Visit.objects.filter(pk=visit.pk).delete()
    run_until_quiet()
    assert not Incident.objects.exists()
    assert not FailedReaction.objects.exists()
