"""What a plan waits for, brought about as people do it: who takes over, which lines go, what was settled."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from changbei.core import clock
from changbei.core.errors import NotFound
from changbei.delivery import services as delivery
from changbei.delivery.adjusting import LineChoice
from changbei.delivery.models import RecoveryCase, RecoveryOption
from changbei.incidents import services as incidents
from changbei.incidents import settling
from changbei.incidents.models import Incident
from changbei.incidents.services import forecasting, lines
from changbei.network.models import Retailer
from changbei.people.models import Person
from changbei.plans.loading import pack_for
from changbei.runs.models import Task
from changbei.site.drills import answers
from changbei.supply import cash, corrections
from changbei.supply.models import CashSettlement, SettlementCorrection

ORDER_FEN = 30_000
RECEIPT = "演练 / drill"


def bring_about(task: Task, holder: Person) -> bool:
    """Do in the product what the task waits for; False when there is nothing to be done yet, or none knows how."""
    step = pack_for(task.run.plan_version).procedures[task.run.procedure].step(task.item)
    verb = _VERBS.get(step.awaits) if step else None
    return verb is not None and verb(task, holder)


def _incident_of(task: Task) -> Incident:
    """Also of a run that the incident's own has called."""
    if task.run.incident is None:
        raise NotFound(f"{task.run.number} belongs to no incident")
    return Incident.objects.get(uuid=task.run.incident)


def _accept_recovery(task: Task, holder: Person) -> bool:
    case = RecoveryCase.objects.filter(run=task.run_id, status=RecoveryCase.Status.OFFERED).last()
    if case is None:
        return False
    delivery.accept(RecoveryOption.objects.get(case=case, rank=1), actor=holder)
    return True


def _all_clear(task: Task, holder: Person) -> bool:
    incidents.declare_all_clear(_incident_of(task), actor=holder)
    return True


def _decide_lines(task: Task, holder: Person) -> bool:
    """Every line of the area goes an hour later."""
    incident = _incident_of(task)
    choices = [LineChoice(tour.pk, "later", 60) for tour in lines.lines_concerned(incident)]
    incidents.decide_lines(incident, choices, actor=holder)
    return True


def _type_forecast(task: Task, holder: Person) -> bool:
    forecasting.keep(answers.forecast(clock.now()), source="hand", run=task.run, actor=holder)
    return True


# --- settlements (E2.7, E3.2.4)


def _list_settlements(task: Task, holder: Person) -> bool:
    """One customer was drawn twice where wrong amounts were reported; then the list is closed."""
    run = task.run
    report: Mapping[str, object] = run.state["context"].get("report", {})
    wrong = report.get("nature") in {"error", "both"}
    shop = Retailer.objects.filter(active=True).order_by("pk").first() if wrong else None
    if shop is not None and not corrections.balance(run).listed:
        corrections.add(
            run,
            shop,
            ordered_on=clock.today(),
            wrong=SettlementCorrection.Wrong.TWICE,
            booked_fen=2 * ORDER_FEN,
            right_fen=ORDER_FEN,
            actor=holder,
        )
    corrections.close_list(run, actor=holder)
    return True


def _correct_settlements(task: Task, holder: Person) -> bool:
    open_ = SettlementCorrection.objects.filter(run=task.run, status=SettlementCorrection.Status.OPEN)
    for one in open_.select_related("run", "retailer").order_by("pk"):
        corrections.correct(one, reference=RECEIPT, actor=holder)
    return True


def _reconcile_settlements(task: Task, holder: Person) -> bool:
    corrections.reconcile(task.run, bank_total_fen=ORDER_FEN, book_total_fen=ORDER_FEN, actor=holder)
    return True


def _name_cash_customers(task: Task, holder: Person) -> bool:
    """Every customer of the list that the plan allows."""
    event, today = settling.weather_event(task.run), clock.today()
    cash.allow(task.run, cash.candidates(event, today), event, allowed_by=holder, actor=holder)
    cash.close_names(task.run, actor=holder)
    return True


def _close_cash(task: Task, holder: Person) -> bool:
    """The first customer paid in cash and it was paid in; the others settled electronically after all."""
    for number, row in enumerate(cash.of_run(task.run)):
        if row.status == CashSettlement.Status.ALLOWED and number == 0:
            row = cash.receive(row, amount_fen=ORDER_FEN, receipt=RECEIPT, actor=holder)
        elif row.status == CashSettlement.Status.ALLOWED:
            cash.not_used(row, actor=holder)
        if row.status == CashSettlement.Status.RECEIVED:
            cash.pay_in(row, reference=RECEIPT, actor=holder)
    cash.reconcile(task.run, paid_in_total_fen=cash.balance(task.run).paid_in_fen, actor=holder)
    return True


_VERBS: Mapping[str, Callable[[Task, Person], bool]] = {
    "delivery.recovery_accepted": _accept_recovery,
    "incidents.all_clear": _all_clear,
    "incidents.lines_decided": _decide_lines,
    "incidents.forecast_kept": _type_forecast,
    corrections.LISTED: _list_settlements,
    corrections.CORRECTED: _correct_settlements,
    corrections.RECONCILED: _reconcile_settlements,
    cash.NAMED: _name_cash_customers,
    cash.RECONCILED: _close_cash,
}
