"""Settlements that went wrong: every one is listed, corrected with the bank and reconciled (E2.7).

The model lives here because a settlement is of a customer's order, whose goods this room supplies; it needs a run and a
customer and nothing of the rooms above.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Sum
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid, Problem
from changbei.journal.models import Entry
from changbei.network.models import Retailer
from changbei.people.models import Person
from changbei.runs import noting
from changbei.runs.models import Run
from changbei.supply import access, rules
from changbei.supply.models import SettlementCorrection

Status = SettlementCorrection.Status
CLAUSE = "E2.7"
LISTED, CORRECTED = "supply.settlements_listed", "supply.settlements_corrected"
RECONCILED = "supply.settlements_reconciled"
MAY = "supply.correct_settlement"
LARGEST_FEN = 10**11


@dataclass(frozen=True)
class Balance:
    """Where the corrections of a run stand; money in fen."""

    listed: int
    open: int
    corrected: int
    reconciled: int
    gap_fen: int  # what customers are owed (above 0) by the settlements that are still open


def balance(run: Run) -> Balance:
    """Counts by status, and the money that is still in the wrong place."""
    rows = SettlementCorrection.objects.filter(run=run)
    counts = dict(rows.order_by().values_list("status").annotate(n=Count("pk")))
    gap = rows.filter(status=Status.OPEN).aggregate(sum=Sum(F("booked_fen") - F("right_fen")))["sum"]
    return Balance(
        sum(counts.values()),
        counts.get(Status.OPEN, 0),
        counts.get(Status.CORRECTED, 0),
        counts.get(Status.RECONCILED, 0),
        int(gap or 0),
    )


@transaction.atomic
def add(
    run: Run,
    retailer: Retailer,
    *,
    ordered_on: date,
    wrong: str,
    booked_fen: int,
    right_fen: int,
    bank_reference: str = "",
    note: str = "",
    actor: Person,
) -> SettlementCorrection:
    """Put a wrong settlement on the list. Raises NotAllowed, Invalid with every field, Conflict once reconciled."""
    access.require_for_run(actor, MAY, run)
    run = _locked(run)
    _require_not_reconciled(run)
    if problems := _problems(ordered_on, wrong, booked_fen, right_fen):
        raise Invalid(problems=problems)
    try:
        with transaction.atomic():
            made = SettlementCorrection.objects.create(
                run=run,
                retailer=retailer,
                ordered_on=ordered_on,
                wrong=wrong,
                booked_fen=booked_fen,
                right_fen=right_fen,
                bank_reference=bank_reference.strip()[:40],
                note=note.strip()[:200],
                found_by=actor,
                found_at=clock.now(),
            )
    except IntegrityError:
        raise Conflict(gettext_noop("this settlement is on the list already")) from None
    noting.note("supply.settlement_listed", run, actor, clause=CLAUSE, **_of(made))
    return made


def _problems(ordered_on: date, wrong: str, booked_fen: int, right_fen: int) -> list[Problem]:
    found = []
    if ordered_on > clock.today():
        found.append(Problem("ordered_on", gettext_noop("must not be in the future")))
    if wrong not in SettlementCorrection.Wrong.values:
        found.append(Problem("wrong", f"one of {', '.join(SettlementCorrection.Wrong.values)}"))
    for name, amount in (("booked_fen", booked_fen), ("right_fen", right_fen)):
        if not 0 <= amount < LARGEST_FEN:
            found.append(Problem(name, gettext_noop("is no amount of money")))
    if not found and not rules.is_wrong(wrong, booked_fen, right_fen):
        found.append(
            Problem("booked_fen", gettext_noop("these amounts do not show what is said to be wrong"))
        )
    return found


@transaction.atomic
def close_list(run: Run, *, actor: Person) -> Balance:
    """Say that every wrong settlement is on the list; later finds can be added until reconciliation."""
    access.require_for_run(actor, MAY, run)
    run = _locked(run)
    _require_not_reconciled(run)
    found = balance(run)
    if _has(run, LISTED):
        return found
    noting.note(LISTED, run, actor, clause=CLAUSE, listed=found.listed, gap_fen=found.gap_fen)
    _say_when_all_corrected(run, actor)
    return found


@transaction.atomic
def correct(correction: SettlementCorrection, *, reference: str, actor: Person) -> SettlementCorrection:
    """The bank has booked the correction; `reference` is the bank's for it. Correcting twice alike changes nothing."""
    run = _locked(correction.run)
    access.require_for_run(actor, MAY, run)
    row = SettlementCorrection.objects.select_for_update(of=("self",)).get(pk=correction.pk)
    given = reference.strip()[:40]
    if not given:
        raise Invalid("reference", gettext_noop("the bank's reference of the correcting entry is needed"))
    if row.status == Status.CORRECTED and row.correction_reference == given:
        return row
    if row.status != Status.OPEN:
        raise Conflict(gettext_noop("this settlement is corrected already"))
    row.status, row.correction_reference = Status.CORRECTED, given
    row.corrected_by, row.corrected_at = actor, clock.now()
    row.save(update_fields=["status", "correction_reference", "corrected_by", "corrected_at"])
    noting.note("supply.settlement_corrected", run, actor, clause=CLAUSE, **_of(row), reference=given)
    _say_when_all_corrected(run, actor)
    return row


def _say_when_all_corrected(run: Run, actor: Person) -> None:
    """Once, when the list is closed and nothing on it is open: the plan goes on to telling the customers."""
    found = balance(run)
    if found.listed and not found.open and _has(run, LISTED) and not _has(run, CORRECTED):
        noting.note(CORRECTED, run, actor, clause=CLAUSE, corrected=found.corrected)


@transaction.atomic
def reconcile(run: Run, *, bank_total_fen: int, book_total_fen: int, actor: Person) -> Balance:
    """Both sides agree: the bank's statement and our books come to the same total, and nothing on the list is open.

    Raises Conflict while the list is not closed or an entry is open, Invalid when the totals differ.
    """
    access.require_for_run(actor, MAY, run)
    run = _locked(run)
    _require_not_reconciled(run)
    if not _has(run, LISTED):
        raise Conflict(gettext_noop("the list of wrong settlements has not been closed yet"))
    if (found := balance(run)).open:
        raise Conflict(gettext_noop("there are wrong settlements that nobody has corrected yet"))
    if bank_total_fen != book_total_fen:
        raise Invalid("bank_total_fen", gettext_noop("the bank's total and the total of our books differ"))
    rows = SettlementCorrection.objects.filter(run=run, status=Status.CORRECTED)
    number = rows.update(status=Status.RECONCILED, reconciled_at=clock.now())
    noting.note(RECONCILED, run, actor, clause=CLAUSE, reconciled=number, total_fen=bank_total_fen)
    return Balance(found.listed, 0, 0, found.listed, 0)


def is_listed(run: Run) -> bool:
    return _has(run, LISTED)


def is_reconciled(run: Run) -> bool:
    return _has(run, RECONCILED)


def _has(run: Run, kind: str) -> bool:
    return Entry.objects.filter(run=run.uuid, kind=kind).exists()


def _require_not_reconciled(run: Run) -> None:
    if is_reconciled(run):
        raise Conflict(gettext_noop("these settlements are reconciled; report a new fault"))


def _locked(run: Run) -> Run:
    """One change of a run's list at a time."""
    return Run.objects.select_for_update(of=("self",)).get(pk=run.pk)


def _of(row: SettlementCorrection) -> dict[str, Any]:
    return {
        "correction": str(row.uuid),
        "licence_no": row.retailer.licence_no,
        "wrong": row.wrong,
        "gap_fen": rules.settlement_gap_fen(row.booked_fen, row.right_fen),
    }
