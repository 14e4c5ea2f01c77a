"""From a closed incident to its review: what was late, by whom and why, as JSON and as a PDF."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from changbei.core.clock import VirtualClock
from changbei.core.errors import Conflict, Invalid, NotAllowed, NotFound, Outside
from changbei.incidents import services as incidents
from changbei.incidents.models import Incident
from changbei.incidents.tests import people
from changbei.journal.models import Entry
from changbei.network import loading
from changbei.network.city import City
from changbei.plans.services import adopt
from changbei.readiness import access, reactions, services
from changbei.readiness.models import Rectification, Review
from changbei.readiness.review import document, words
from changbei.runs import services as runs
from changbei.runs.models import Task
from changbei.site.clockwork import fast_forward
from changbei.testing.city import SHIPPED

FONTS = Path(__file__).resolve().parents[2] / "web" / "static" / "built" / "fonts"


@pytest.fixture
def city(transactional_db: None, small_city_plan: City, clock: VirtualClock, carrier: object) -> None:
    loading.load(small_city_plan)
    adopt(SHIPPED, actor=None)


@pytest.fixture
def closed(city: None, clock: VirtualClock) -> Incident:
    """The ordering server fails; the technician acknowledges late, ordering is back after 50 minutes."""
    reporter = people.holder("order-desk")
    incident = incidents.report(
        "ordering-system-down", people.ordering_down(), actor=reporter, source="web"
    ).incident
    task = Task.objects.get(run=incident.run, item="take-charge")
    assert task.due_at is not None and task.holder is not None and task.acknowledge_due_at is not None
    fast_forward(task.due_at - clock.now() + timedelta(minutes=10))
    runs.acknowledge(task, actor=task.holder)
    runs.complete(task, {"handling": "on_site"}, actor=task.holder)
    fast_forward(timedelta(minutes=5))
    incidents.restored(incident, actor=None)
    incidents.close(incident, reason="told as a story", actor=people.head())
    incident.refresh_from_db()
    return incident


def test_a_review_is_made_from_what_is_on_record(closed: Incident) -> None:
    reactions.review_closed_incident(Entry.objects.get(kind="incidents.closed"))
    review = Review.objects.get()
    content = review.content
    assert (content["number"], content["level"], content["drill"]) == ("INC-0001", "MAJOR", False)
    assert (content["reported_by"], content["closed_by"]) == (
        people.holder("order-desk").name,
        people.head().name,
    )
    assert content["close_reason"] == "told as a story"
    assert content["interruption_seconds"] == int((closed.restored_at - closed.outage.since).total_seconds())  # type: ignore[operator]
    assert content["command"]["commander"] == people.head().name
    assert content["command"]["acting"] is False
    assert reactions.review_closed_incident(Entry.objects.get(kind="incidents.closed")) is None
    assert Review.objects.count() == 1


def test_what_was_late_by_whom_and_why(closed: Incident) -> None:
    content = services.make_review(closed, actor=None).content
    task = next(one for one in content["tasks"] if one["item"] == "take-charge")
    assert task["late_seconds"] == 600
    assert task["reasons"] == ["acknowledged-late"]
    assert task["status"] == "done" and task["done_by"] == task["holder"] != ""
    assert [one["why"] for one in task["escalations"]].count("acknowledge") >= 1
    assert task["escalations"][0]["to"] == people.holder("info-center-head").name
    late = [one for one in content["tasks"] if one["late_seconds"]]
    assert content["summary"]["late"] == len(late)
    assert content["summary"]["tasks"] == Task.objects.filter(run=closed.run).count()
    finding = next(one for one in content["findings"] if one["item"] == "take-charge")
    assert (finding["kind"], finding["clause"]) == ("late", "E3.1.11")
    assert finding["text"]["en"].startswith(
        f"“Take charge and find the cause” was 10 min late; held by {task['holder']}"
    )


def test_messages_are_counted_by_recipient(closed: Incident) -> None:
    messages = services.make_review(closed, actor=None).content["messages"]
    assert messages["acknowledged"] == 1
    assert messages["told"] >= 5
    assert messages["unreached"] == 0


def test_each_finding_has_an_owner_and_a_date(closed: Incident) -> None:
    review = services.make_review(closed, actor=None)
    rows = Rectification.objects.filter(review=review).order_by("pk")
    assert rows.count() == len(review.content["findings"]) > 0
    assert {row.due_on for row in rows} == {date(2026, 12, 7)}
    take_charge = next(row for row in rows if row.clause == "E3.1.11")
    assert take_charge.owner == people.holder("info-center-head")  # stands above the technician
    assert all(row.owner is not None for row in rows)


def test_an_open_incident_is_not_reviewed(city: None) -> None:
    incident = incidents.report("vehicle-breakdown", people.breakdown(), actor=None, source="web").incident
    with pytest.raises(Conflict):
        services.make_review(incident, actor=None)
    assert not Review.objects.exists()
    with pytest.raises(NotFound):
        access.get_review(people.head(), incident.uuid)


def test_confirming_and_mending(closed: Incident, clock: VirtualClock) -> None:
    review = services.make_review(closed, actor=None)
    auditor = people.holder("inspection-head")
    with pytest.raises(NotAllowed):
        services.confirm_review(review, remarks="x", actor=people.van().keeper)  # type: ignore[arg-type]
    services.confirm_review(review, remarks=" Standby must be tried first. ", actor=auditor)
    review.refresh_from_db()
    assert (review.remarks, review.confirmed_by, review.confirmed_at) == (
        "Standby must be tried first.",
        auditor,
        clock.now(),
    )
    with pytest.raises(Conflict):
        services.confirm_review(review, remarks="again", actor=auditor)
    order = services.add_rectification(
        review,
        text="Drill the switch-over",
        clause="E3.1.7",
        owner=people.holder("info-center-head"),
        due_on=date(2026, 12, 1),
        actor=auditor,
    )
    with pytest.raises(Invalid):
        services.assign(order, owner=auditor, due_on=date(2026, 1, 1), actor=auditor)
    services.assign(order, owner=people.van().keeper, due_on=date(2026, 12, 2), actor=auditor)  # type: ignore[arg-type]
    services.mend(order, actor=people.van().keeper)  # type: ignore[arg-type]
    order.refresh_from_db()
    assert order.done_at == clock.now()
    kinds = Entry.objects.filter(kind__startswith="readiness.", incident=closed.uuid).order_by("id")
    assert list(kinds.values_list("kind", flat=True)) == [
        "readiness.review_made",
        "readiness.review_confirmed",
        "readiness.rectification_ordered",
        "readiness.rectification_assigned",
        "readiness.rectified",
    ]


# --- the document ---


@pytest.mark.skipif(not FONTS.exists(), reason="the font files are not built")
@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant", "en", "zh-hans"])
def test_the_pdf_is_drawn_in_every_language(closed: Incident, language: str) -> None:
    review = services.make_review(closed, actor=None)
    drawn = document.pdf(review, language)
    assert drawn.startswith(b"%PDF-") and len(drawn) > 20_000
    assert drawn == document.pdf(review, language)


def test_what_the_document_says(closed: Incident) -> None:
    review = services.make_review(closed, actor=None)
    data = document.content(review, "en")
    assert data["heading"] == "Review of an emergency INC-0001"
    assert data["subheading"] == "Ordering system down · Server"
    task = next(one for one in data["tasks"] if one["title"] == "Take charge and find the cause")
    assert (task["late"], task["difference"], task["reasons"]) == (True, "+10 min", "acknowledged late")
    assert data["timeline"][0]["what"] == "Reported"
    assert [one["what"] for one in data["timeline"]][-2:] == ["Command post stood down", "Closed"]


def test_without_fonts_it_says_what_to_do(closed: Incident, settings: object, tmp_path: Path) -> None:
    settings.FONTS = tmp_path  # type: ignore[attr-defined]
    review = services.make_review(closed, actor=None)
    with pytest.raises(Outside, match=r"run `make setup`, or name the folder in CHANGBEI_FONTS"):
        document.pdf(review, "en")


@pytest.mark.parametrize(
    "seconds,text",
    [(None, "—"), (20, "0 min"), (3000, "50 min"), (7500, "2 h 5 min"), (90_000, "1 d 1 h")],
)
def test_lengths(seconds: int | None, text: str) -> None:
    assert document.length(seconds, words.labels("en")) == text
