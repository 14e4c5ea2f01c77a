"""The bank draws wrong amounts: every one is listed, corrected and reconciled before anything is closed (E2.7)."""

from __future__ import annotations

from datetime import date

import pytest

from changbei.core.errors import Conflict, Invalid, NotAllowed
from changbei.network.models import Retailer
from changbei.people.models import Person
from changbei.runs import services as runs
from changbei.site.clockwork import fast_forward, run_until_quiet
from changbei.supply import corrections
from changbei.supply.models import SettlementCorrection
from tests.stories.telling import Story, Town, assert_sound

TODAY = date(2026, 11, 23)


def clerk() -> Person:
    return Person.objects.filter(job="accountant").order_by("pk")[0]


def shops() -> list[Retailer]:
    return list(Retailer.objects.order_by("pk")[:2])


def listed(story: Story, shop: Retailer, booked_fen: int, right_fen: int, wrong: str) -> SettlementCorrection:
    return corrections.add(
        story.run,
        shop,
        ordered_on=TODAY,
        wrong=wrong,
        booked_fen=booked_fen,
        right_fen=right_fen,
        actor=clerk(),
    )


def settle(verb: object, *args: object, **more: object) -> None:
    verb(*args, **more)  # type: ignore[operator]
    run_until_quiet()


@pytest.mark.clause("E2.7", "E2.9")
def test_wrong_settlements_are_listed_corrected_and_reconciled(town: Town) -> None:
    finance, (twice, missing) = town.holder("finance-head"), shops()
    report = {
        "nature": "both",
        "since": "2026-11-23T08:00:00+08:00",
        "what": "two customers were drawn wrongly",
    }
    story = town.report("settlement-fault", report, actor=clerk())
    assert (story.incident.level, story.incident.family) == ("LOCAL", "settlement")
    assert story.open() == {"bank-answers": "10:40", "list": "11-24 09:40"}
    assert [line for line in story.news() if line.startswith("bank-settlement")] == [
        "bank-settlement: bank-called (sms)"
    ]

    # The bank is brought in: case number and time. Then it mends the fault; settlement works again.
    story.does("bank-answers", case_number="B-17", promised_at="2026-11-23T12:00:00+08:00")
    assert story.open() == {"bank-mends": "13:40", "list": "11-24 09:40"}
    story.does("bank-mends")
    story.does("confirm-works")
    assert story.fresh().status == "restored"

    # A clerk lists what went wrong. Figures that show nothing wrong are refused, and so is a stranger.
    first = listed(story, twice, 20_000, 10_000, "twice")
    listed(story, missing, 0, 30_000, "missing")
    with pytest.raises(Invalid, match="do not show what is said to be wrong"):
        listed(story, twice, 10_000, 10_000, "amount")
    with pytest.raises(Conflict, match="on the list already"):
        listed(story, twice, 20_000, 10_000, "twice")
    with pytest.raises(NotAllowed):
        corrections.close_list(story.run, actor=town.holder("delivery-center-head"))
    assert corrections.balance(story.run) == corrections.Balance(2, 2, 0, 0, -20_000)

    # The list is closed: the step of the plan is done by that alone, nobody can tick it off.
    with pytest.raises(Conflict):
        runs.complete(story.task("list"), actor=finance)
    settle(corrections.close_list, story.run, actor=finance)
    assert story.open() == {"correct": "11-24 09:40"}
    assert story.run.state["context"]["result"]["list"] == {"listed": 2, "gap_fen": -20_000}

    # Reconciliation is refused as long as an entry is open.
    settle(corrections.correct, first, reference="B-17/1", actor=finance)
    with pytest.raises(Conflict, match="nobody has corrected"):
        corrections.reconcile(story.run, bank_total_fen=40_000, book_total_fen=40_000, actor=finance)
    second = SettlementCorrection.objects.get(retailer=missing)
    settle(corrections.correct, second, reference="B-17/2", actor=finance)
    assert story.news()[-1] == "2 customers: settlement-corrected (sms)"
    assert story.open() == {"statement": "11-24 09:40"}

    # The statement is evidence; the totals have to be the same; then all is closed.
    with pytest.raises(Invalid):
        runs.complete(story.task("statement"), actor=finance)
    story.does("statement")
    assert story.open() == {"reconcile": "11-25 09:40"}
    with pytest.raises(Invalid, match="differ"):
        corrections.reconcile(story.run, bank_total_fen=39_999, book_total_fen=40_000, actor=finance)
    settle(corrections.reconcile, story.run, bank_total_fen=40_000, book_total_fen=40_000, actor=finance)
    assert set(SettlementCorrection.objects.values_list("status", flat=True)) == {"reconciled"}
    with pytest.raises(Conflict):
        listed(story, missing, 0, 30_000, "missing")
    assert story.open() == {"review": "11-30 09:40"}
    story.does("review")
    story.closes(town.holder("leading-group-office"))
    assert_sound(story)


@pytest.mark.clause("E2.7")
def test_a_fault_without_a_wrong_settlement_is_reconciled_too(town: Town) -> None:
    finance = town.holder("finance-head")
    report = {"nature": "fault", "since": "2026-11-23T08:00:00+08:00", "what": "nothing can be drawn"}
    story = town.report("settlement-fault", report, actor=finance)
    settle(corrections.close_list, story.run, actor=finance)
    settle(corrections.close_list, story.run, actor=finance)
    story.does("bank-answers", case_number="B-18", promised_at="2026-11-23T12:00:00+08:00")
    story.does("bank-mends")
    story.does("confirm-works")
    story.does("statement")
    settle(corrections.reconcile, story.run, bank_total_fen=0, book_total_fen=0, actor=finance)
    assert story.open() == {"review": "11-30 09:40"}


@pytest.mark.clause("E2.7")
def test_one_found_late_keeps_the_books_open_and_nobody_answering_is_escalated(town: Town) -> None:
    finance, (shop, other) = town.holder("finance-head"), shops()
    report = {"nature": "error", "since": "2026-11-23T08:00:00+08:00", "what": "one was drawn twice"}
    story = town.report("settlement-fault", report, actor=clerk())
    fast_forward("26m")
    assert story.escalations()[:2] == [
        "09:50 bank-answers acknowledge → office",
        "10:05 bank-answers acknowledge → commander",
    ]
    story.does("bank-answers", case_number="B-19", promised_at="2026-11-23T12:00:00+08:00")
    one = listed(story, shop, 20_000, 10_000, "twice")
    settle(corrections.close_list, story.run, actor=finance)
    settle(corrections.correct, one, reference="B-19/1", actor=finance)
    assert story.task("confirm-works").status == "open"  # nothing had to be mended
    late = listed(story, other, 5_000, 0, "account")
    story.does("confirm-works")
    story.does("statement")
    with pytest.raises(Conflict, match="nobody has corrected"):
        corrections.reconcile(story.run, bank_total_fen=1, book_total_fen=1, actor=finance)
    settle(corrections.correct, late, reference="B-19/2", actor=finance)
    settle(corrections.reconcile, story.run, bank_total_fen=1, book_total_fen=1, actor=finance)
    story.does("review")
    assert_sound(story)
