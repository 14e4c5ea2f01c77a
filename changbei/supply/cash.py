"""Cash instead of electronic settlement, for one order day and the customers cut off from the bank (E3.2.4)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Count, QuerySet, Sum
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid, NotAllowed, Problem, Words
from changbei.journal.models import Entry
from changbei.network.models import Retailer
from changbei.people.models import Person
from changbei.runs.models import Run
from changbei.runs.noting import note
from changbei.supply import access, rules
from changbei.supply.models import CashSettlement

Status = CashSettlement.Status
CLAUSE = "E3.2.4"
NAMED, RECONCILED = "supply.cash_customers_named", "supply.cash_reconciled"
MAY_ALLOW, MAY_TAKE, MAY_RECONCILE = "supply.allow_cash", "supply.take_cash", "supply.correct_settlement"
LARGEST_FEN = 10**10


@dataclass(frozen=True)
class WeatherEvent:
    """The event that keeps customers from the bank: its number, "" when there is none, and whom it affects (ids)."""

    number: str
    affected: Collection[int]

    @property
    def is_there(self) -> bool:
        return bool(self.number)


@dataclass(frozen=True)
class Balance:
    """Where the cash settlements of a run stand; money in fen."""

    allowed: int
    received: int
    paid_in: int
    not_used: int
    closed: int
    received_fen: int
    paid_in_fen: int

    @property
    def open(self) -> int:
        """Those that keep the run from being reconciled."""
        return self.allowed + self.received


def balance(run: Run) -> Balance:
    rows = CashSettlement.objects.filter(run=run)
    counted = rows.order_by().values_list("status").annotate(n=Count("pk"), fen=Sum("amount_fen"))
    found = {status: (n, int(fen or 0)) for status, n, fen in counted}
    money = {status: fen for status, (_, fen) in found.items()}
    counts = {status: found.get(status, (0, 0))[0] for status in Status.values}
    paid_in = money.get(Status.PAID_IN, 0) + money.get(Status.CLOSED, 0)
    return Balance(
        counts["allowed"],
        counts["received"],
        counts["paid_in"],
        counts["not_used"],
        counts["closed"],
        money.get(Status.RECEIVED, 0) + paid_in,
        paid_in,
    )


def candidates(event: WeatherEvent, today: date, units: frozenset[int] | None = None) -> list[Retailer]:
    """Every customer, or of these units every one, who may settle today's order in cash because of the event."""
    if not event.is_there:
        return []
    rows = Retailer.objects.filter(pk__in=list(event.affected), active=True).order_by(
        "line_id", "line_sequence"
    )
    if units is not None:
        rows = rows.filter(customer_manager__unit__in=units)
    return [one for one in rows if not refusals(one, event, today)]


def refusals(retailer: Retailer, event: WeatherEvent, today: date) -> list[str]:
    """Why not; see `rules.cash_refusals`."""
    return rules.cash_refusals(
        orders_today=rules.is_order_day(today, retailer.order_weekday),
        weather=event.is_there,
        affected=retailer.pk in event.affected,
        active=retailer.active,
        electronic=retailer.settlement == "e_settlement",
    )


def _not_of(units: frozenset[int] | None, retailer: Retailer) -> list[str]:
    if units is None or retailer.customer_manager.unit_id in units:
        return []
    return [gettext_noop("belongs to another department")]


@transaction.atomic
def allow(
    run: Run,
    retailers: Sequence[Retailer],
    event: WeatherEvent,
    *,
    allowed_by: Person | None,
    actor: Person | None,
) -> int:
    """These customers may settle today's order in cash; how many are new.

    Raises Invalid with every customer who does not qualify, and then allows nobody. Conflict once reconciled.
    """
    units = None
    if actor is not None:
        access.require_for_run(actor, MAY_ALLOW, run)
        units = access.units_for_run(actor, MAY_ALLOW, run)
    run = _locked(run)
    _require_not_reconciled(run)
    today = clock.today()
    problems = [
        Problem(f"customers.{one.licence_no}", reason)
        for one in retailers
        for reason in [*refusals(one, event, today), *_not_of(units, one)]
    ]
    if problems:
        raise Invalid(problems=problems)
    known = set(CashSettlement.objects.filter(run=run, order_day=today).values_list("retailer_id", flat=True))
    new = [one for one in retailers if one.pk not in known]
    CashSettlement.objects.bulk_create(
        CashSettlement(
            run=run,
            event=event.number,
            retailer=one,
            order_day=today,
            allowed_by=allowed_by or actor,
            allowed_at=clock.now(),
        )
        for one in new
    )
    if new:
        licences = [one.licence_no for one in new]
        data = {"event": event.number, "order_day": today.isoformat(), "customers": licences}
        note("supply.cash_allowed", run, actor, clause=CLAUSE, **data)
    return len(new)


@transaction.atomic
def close_names(run: Run, *, actor: Person) -> Balance:
    """Say that every customer who cannot reach the bank has been named."""
    if access.units_for_run(actor, MAY_ALLOW, run) is not None:
        raise NotAllowed(gettext_noop("a department names its own customers; others follow"))
    run = _locked(run)
    found = balance(run)
    if Entry.objects.filter(run=run.uuid, kind=NAMED).exists():
        return found
    note(
        NAMED,
        run,
        actor,
        clause=CLAUSE,
        customers=found.allowed + found.received + found.paid_in + found.not_used,
    )
    return found


@transaction.atomic
def receive(row: CashSettlement, *, amount_fen: int, receipt: str, actor: Person) -> CashSettlement:
    """A customer has paid in cash against a receipt. The same payment told twice is one."""
    access.require_for_run(actor, MAY_TAKE, row.run)
    row = _locked_row(row)
    problems = []
    if not 0 < amount_fen < LARGEST_FEN:
        problems.append(Problem("amount_fen", gettext_noop("is no amount of money")))
    if not receipt.strip():
        problems.append(Problem("receipt", gettext_noop("the number of the receipt is needed")))
    if problems:
        raise Invalid(problems=problems)
    if row.status == Status.RECEIVED and (row.amount_fen, row.receipt) == (amount_fen, receipt.strip()[:40]):
        return row
    _require(row, Status.ALLOWED)
    row.status, row.amount_fen, row.receipt = Status.RECEIVED, amount_fen, receipt.strip()[:40]
    row.received_by, row.received_at = actor, clock.now()
    row.save(update_fields=["status", "amount_fen", "receipt", "received_by", "received_at"])
    note("supply.cash_received", row.run, actor, clause=CLAUSE, **_of(row), amount_fen=amount_fen)
    return row


@transaction.atomic
def pay_in(row: CashSettlement, *, reference: str, actor: Person) -> CashSettlement:
    """The cash is in the company's account; `reference` is the bank's. Only finance books it."""
    access.require_for_run(actor, MAY_RECONCILE, row.run)
    row = _locked_row(row)
    given = reference.strip()[:40]
    if not given:
        raise Invalid("reference", gettext_noop("the bank's reference of the paying-in is needed"))
    if row.status == Status.PAID_IN and row.bank_reference == given:
        return row
    _require(row, Status.RECEIVED)
    row.status, row.bank_reference, row.paid_in_by, row.paid_in_at = Status.PAID_IN, given, actor, clock.now()
    row.save(update_fields=["status", "bank_reference", "paid_in_by", "paid_in_at"])
    note("supply.cash_paid_in", row.run, actor, clause=CLAUSE, **_of(row), reference=given)
    return row


@transaction.atomic
def not_used(row: CashSettlement, *, actor: Person) -> CashSettlement:
    """The customer settled electronically after all, or ordered nothing."""
    access.require_for_run(actor, MAY_TAKE, row.run)
    row = _locked_row(row)
    if row.status == Status.NOT_USED:
        return row
    _require(row, Status.ALLOWED)
    row.status = Status.NOT_USED
    row.save(update_fields=["status"])
    note("supply.cash_not_used", row.run, actor, clause=CLAUSE, **_of(row))
    return row


@transaction.atomic
def reconcile(run: Run, *, paid_in_total_fen: int, actor: Person) -> Balance:
    """Close every cash settlement of the run: what was received is in the account, to the fen.

    Raises Conflict while one is allowed or received and not paid in, Invalid when the bank's total is another.
    """
    access.require_for_run(actor, MAY_RECONCILE, run)
    run = _locked(run)
    _require_not_reconciled(run)
    found = balance(run)
    if found.open:
        raise Conflict(gettext_noop("there are cash settlements that are not paid in yet"))
    if paid_in_total_fen != found.paid_in_fen:
        raise Invalid("paid_in_total_fen", gettext_noop("the bank's total and what was received differ"))
    rows = CashSettlement.objects.filter(run=run, status=Status.PAID_IN)
    number = rows.update(status=Status.CLOSED, closed_at=clock.now())
    note(
        RECONCILED,
        run,
        actor,
        clause=CLAUSE,
        closed=number,
        not_used=found.not_used,
        total_fen=paid_in_total_fen,
    )
    return balance(run)


def of_run(run: Run) -> QuerySet[CashSettlement]:
    return CashSettlement.objects.filter(run=run).select_related("retailer").order_by("pk")


def is_reconciled(run: Run) -> bool:
    return Entry.objects.filter(run=run.uuid, kind=RECONCILED).exists()


def _require_not_reconciled(run: Run) -> None:
    if is_reconciled(run):
        raise Conflict(gettext_noop("these cash settlements are closed"))


def _locked(run: Run) -> Run:
    return Run.objects.select_for_update(of=("self",)).get(pk=run.pk)


def _locked_row(row: CashSettlement) -> CashSettlement:
    """The run's lock first, as `reconcile` takes it, so that no payment slips in beside it."""
    _require_not_reconciled(_locked(row.run))
    found = CashSettlement.objects.select_for_update(of=("self",)).select_related("retailer", "run")
    return found.get(pk=row.pk)


def _require(row: CashSettlement, status: str) -> None:
    if row.status != status:
        words = gettext_noop("somebody has changed the cash settlement of %(licence_no)s meanwhile")
        raise Conflict(Words(words, licence_no=row.retailer.licence_no))


def _of(row: CashSettlement) -> dict[str, Any]:
    return {"cash": str(row.uuid), "licence_no": row.retailer.licence_no}
