"""Settlements that went wrong, and cash in their place: lists to work through until they are closed (E2.7, E3.2.4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid
from changbei.incidents import settling
from changbei.incidents.access import readable
from changbei.network.models import Retailer
from changbei.people import access as people
from changbei.runs.models import Run
from changbei.supply import access, cash, corrections
from changbei.supply.models import CashSettlement, SettlementCorrection
from changbei.web import htmx, showing
from changbei.web.components import Tone
from changbei.web.entry import actor, staff
from changbei.web.errors import detail, refuse
from changbei.web.views.supply import yuan
from changbei.web.widgets import DayInput, RetailerWidget

ON_A_PAGE = 50
MOST_CANDIDATES = 1_000
FEN = 100

WRONG = {
    "twice": gettext_lazy("drawn twice"),
    "amount": gettext_lazy("wrong amount"),
    "account": gettext_lazy("from a wrong account"),
    "missing": gettext_lazy("not drawn"),
}
CORRECTION_STATES: dict[str, tuple[Any, Tone, str]] = {
    "open": (gettext_lazy("To be corrected"), "bad", "hourglass"),
    "corrected": (gettext_lazy("Corrected"), "info", "check"),
    "reconciled": (gettext_lazy("Reconciled"), "good", "checks"),
}
CASH_STATES: dict[str, tuple[Any, Tone, str]] = {
    "allowed": (gettext_lazy("May pay in cash"), "notice", "hourglass"),
    "received": (gettext_lazy("Received, not paid in"), "warn", "user-check"),
    "paid_in": (gettext_lazy("Paid in"), "info", "check"),
    "not_used": (gettext_lazy("Not used"), "neutral", "ban"),
    "closed": (gettext_lazy("Closed"), "good", "checks"),
}


class Money(forms.DecimalField):
    """Yuan with two decimals; `fen` of the cleaned value is what the rooms work with."""

    def __init__(self, **more: Any) -> None:
        widget = forms.NumberInput(attrs={"inputmode": "decimal", "step": "0.01", "min": "0"})
        super().__init__(min_value=Decimal(0), max_digits=12, decimal_places=2, widget=widget, **more)


def fen(amount: Decimal) -> int:
    return int(amount * FEN)


def _in_yuan(field: str) -> str:
    """What a form that asks for yuan calls a field in fen."""
    return field.removesuffix("_fen")


class WrongForm(forms.Form):
    """A settlement that went wrong."""

    retailer = forms.CharField(label=gettext_lazy("Customer"), widget=RetailerWidget())
    ordered_on = forms.DateField(
        label=gettext_lazy("Order day"),
        widget=DayInput(),
    )
    wrong = forms.ChoiceField(label=gettext_lazy("What is wrong"), choices=list(WRONG.items()))
    booked = Money(label=gettext_lazy("Drawn (yuan)"))
    right = Money(label=gettext_lazy("Due (yuan)"))
    bank_reference = forms.CharField(label=gettext_lazy("Bank's reference"), max_length=40, required=False)


class TotalsForm(forms.Form):
    """The totals of both sides, which have to be the same."""

    bank_total = Money(label=gettext_lazy("Total of the bank's statement (yuan)"))
    book_total = Money(label=gettext_lazy("Total of our books (yuan)"))


class PaidInForm(forms.Form):
    """What the bank says was paid in altogether."""

    paid_in_total = Money(label=gettext_lazy("Paid in, by the bank's statement (yuan)"))


@dataclass(frozen=True)
class Row:
    """One line of either list."""

    key: UUID
    retailer: Retailer
    day: Any
    state: str
    words: str
    tone: Tone
    icon: str
    detail: str
    amounts: Sequence[tuple[str, str]]
    number: str
    url: str


# --- settlement corrections


@staff
def all_corrections(request: HttpRequest) -> HttpResponse:
    """Every run's corrections, the newest first."""
    people.require(request.user, "supply.see")
    rows = SettlementCorrection.objects.select_related("retailer", "run").order_by("-pk")
    context = _listed(request, rows, CORRECTION_STATES, _correction)
    return render(request, "web/settlements/corrections.html", context | {"clause": showing.clause("E2.7")})


@staff
def corrections_of(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The list of one fault, with what can be done about it."""
    run = access.get_run(request.user, uuid)
    return _corrections_page(request, run)


def _corrections_page(
    request: HttpRequest, run: Run, form: forms.Form | None = None, totals: forms.Form | None = None
) -> HttpResponse:
    rows = SettlementCorrection.objects.filter(run=run).select_related("retailer", "run").order_by("pk")
    found = corrections.balance(run)
    may = access.may_for_run(request.user, corrections.MAY, run) and not corrections.is_reconciled(run)
    context = _listed(request, rows, CORRECTION_STATES, _correction) | {
        "run": run,
        "incident": readable(request.user).filter(uuid=run.incident).first() if run.incident else None,
        "balance": found,
        "gap": yuan(found.gap_fen),
        "is_listed": corrections.is_listed(run),
        "may": may,
        "form": form or WrongForm(initial={"ordered_on": clock.today()}),
        "totals": totals or TotalsForm(),
        "clause": showing.clause("E2.7"),
    }
    status = 422 if (form and form.errors) or (totals and totals.errors) else 200
    return render(request, "web/settlements/corrections.html", context, status=status)


def _correction(row: SettlementCorrection) -> Row:
    words, tone, icon = CORRECTION_STATES[row.status]
    detail = " · ".join(filter(None, (str(WRONG[row.wrong]), row.bank_reference, row.correction_reference)))
    amounts = [(_("drawn"), yuan(row.booked_fen)), (_("due"), yuan(row.right_fen))]
    url = reverse("settlement-corrections-of", args=[row.run.uuid])
    return Row(
        row.uuid, row.retailer, row.ordered_on, row.status, str(words), tone, icon, detail, amounts,
        row.run.number, url,
    )  # fmt: skip


@staff
@require_POST
def add_correction(request: HttpRequest, uuid: UUID) -> HttpResponse:
    run, person = access.get_run(request.user, uuid), actor(request)
    form = WrongForm(request.POST)
    if not form.is_valid():
        return _corrections_page(request, run, form)
    given = form.cleaned_data
    retailer = Retailer.objects.filter(licence_no=given["retailer"]).first()
    if retailer is None:
        form.add_error(
            "retailer", _("There is no customer with licence %(number)s.") % {"number": given["retailer"]}
        )
        return _corrections_page(request, run, form)
    try:
        corrections.add(
            run,
            retailer,
            ordered_on=given["ordered_on"],
            wrong=given["wrong"],
            booked_fen=fen(given["booked"]),
            right_fen=fen(given["right"]),
            bank_reference=given["bank_reference"],
            actor=person,
        )
    except (Invalid, Conflict) as error:
        refuse(form, error, at=_in_yuan)
        return _corrections_page(request, run, form)
    messages.success(request, _("Put on the list."))
    return htmx.go_to(request, reverse("settlement-corrections-of", args=[uuid]))


@staff
@require_POST
def correct(request: HttpRequest, uuid: UUID) -> HttpResponse:
    row = access.get_correction(request.user, uuid)
    here = reverse("settlement-corrections-of", args=[row.run.uuid])
    reference = request.POST.get("reference", "")
    person = actor(request)
    return _done(
        request, here, _("Corrected."), lambda: corrections.correct(row, reference=reference, actor=person)
    )


@staff
@require_POST
def close_list(request: HttpRequest, uuid: UUID) -> HttpResponse:
    run, person = access.get_run(request.user, uuid), actor(request)
    here = reverse("settlement-corrections-of", args=[uuid])
    return _done(request, here, _("The list is closed."), lambda: corrections.close_list(run, actor=person))


@staff
@require_POST
def reconcile(request: HttpRequest, uuid: UUID) -> HttpResponse:
    run, person = access.get_run(request.user, uuid), actor(request)
    totals = TotalsForm(request.POST)
    if totals.is_valid():
        bank, book = fen(totals.cleaned_data["bank_total"]), fen(totals.cleaned_data["book_total"])
        try:
            corrections.reconcile(run, bank_total_fen=bank, book_total_fen=book, actor=person)
        except (Invalid, Conflict) as error:
            refuse(totals, error, at=_in_yuan)
        else:
            messages.success(request, _("Reconciled: nothing is open."))
            return htmx.go_to(request, reverse("settlement-corrections-of", args=[uuid]))
    return _corrections_page(request, run, totals=totals)


# --- cash settlements


@staff
def all_cash(request: HttpRequest) -> HttpResponse:
    """Every cash settlement, the newest first."""
    people.require(request.user, "supply.see")
    rows = CashSettlement.objects.select_related("retailer", "run").order_by("-pk")
    context = _listed(request, rows, CASH_STATES, _cash)
    return render(request, "web/settlements/cash.html", context | {"clause": showing.clause("E3.2.4")})


@staff
def cash_of(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The customers of one event who may pay in cash, with amounts received and paid in."""
    return _cash_page(request, access.get_run(request.user, uuid))


def _cash_page(request: HttpRequest, run: Run, form: forms.Form | None = None) -> HttpResponse:
    found, closed = cash.balance(run), cash.is_reconciled(run)
    units = access.units_for_run(request.user, cash.MAY_ALLOW, run)
    may_allow = units != frozenset() and not closed
    context = _listed(request, cash.of_run(run), CASH_STATES, _cash) | {
        "run": run,
        "incident": readable(request.user).filter(uuid=run.incident).first() if run.incident else None,
        "balance": found,
        "received": yuan(found.received_fen),
        "paid_in": yuan(found.paid_in_fen),
        "may_allow": may_allow,
        "may_take": access.may_for_run(request.user, cash.MAY_TAKE, run) and not closed,
        "may_reconcile": access.may_for_run(request.user, cash.MAY_RECONCILE, run) and not closed,
        "candidates": _candidates(run, units) if may_allow else [],
        "may_close": units is None,
        "form": form or PaidInForm(),
        "clause": showing.clause("E3.2.4"),
    }
    return render(request, "web/settlements/cash.html", context, status=422 if form and form.errors else 200)


def _candidates(run: Run, units: frozenset[int] | None) -> list[Retailer]:
    """Who qualifies today and is not on record yet, of these units or of all."""
    today = clock.today()
    known = set(CashSettlement.objects.filter(run=run, order_day=today).values_list("retailer_id", flat=True))
    found = cash.candidates(settling.weather_event(run), today, units)
    return [one for one in found if one.pk not in known][:MOST_CANDIDATES]


def _cash(row: CashSettlement) -> Row:
    words, tone, icon = CASH_STATES[row.status]
    detail = " · ".join(filter(None, (row.receipt, row.bank_reference)))
    amounts = [(_("received"), yuan(row.amount_fen))] if row.amount_fen is not None else []
    url = reverse("cash-settlements-of", args=[row.run.uuid])
    return Row(
        row.uuid, row.retailer, row.order_day, row.status, str(words), tone, icon, detail, amounts,
        row.run.number, url,
    )  # fmt: skip


@staff
@require_POST
def allow(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Those who were ticked may pay in cash; with `close` the list of names is closed."""
    run, person = access.get_run(request.user, uuid), actor(request)
    here = reverse("cash-settlements-of", args=[uuid])
    chosen = list(
        Retailer.objects.filter(licence_no__in=request.POST.getlist("customer"))
        .select_related("customer_manager")
        .order_by("pk")
    )

    def do() -> None:
        if chosen:
            event = settling.weather_event(run)
            cash.allow(run, chosen, event, allowed_by=person, actor=person)
        if request.POST.get("close"):
            cash.close_names(run, actor=person)

    return _done(request, here, _("Recorded."), do)


@staff
@require_POST
def take(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """What became of one: received with amount and receipt, paid in with the bank's reference, or not used."""
    row, person = access.get_cash(request.user, uuid), actor(request)
    here = reverse("cash-settlements-of", args=[row.run.uuid])

    def do() -> None:
        match request.POST.get("what"):
            case "received":
                amount = Money().clean(request.POST.get("amount", ""))
                cash.receive(
                    row, amount_fen=fen(amount), receipt=request.POST.get("receipt", ""), actor=person
                )
            case "paid_in":
                cash.pay_in(row, reference=request.POST.get("reference", ""), actor=person)
            case _other:
                cash.not_used(row, actor=person)

    return _done(request, here, _("Recorded."), do)


@staff
@require_POST
def close_cash(request: HttpRequest, uuid: UUID) -> HttpResponse:
    run, person = access.get_run(request.user, uuid), actor(request)
    form = PaidInForm(request.POST)
    if form.is_valid():
        try:
            cash.reconcile(run, paid_in_total_fen=fen(form.cleaned_data["paid_in_total"]), actor=person)
        except (Invalid, Conflict) as error:
            refuse(form, error, at=_in_yuan)
        else:
            messages.success(request, _("Closed: all cash is paid in."))
            return htmx.go_to(request, reverse("cash-settlements-of", args=[uuid]))
    return _cash_page(request, run, form)


# --- both


def _listed(
    request: HttpRequest,
    rows: QuerySet[Any],
    states: dict[str, tuple[Any, Tone, str]],
    show: Callable[[Any], Row],
) -> dict[str, Any]:
    """The rows that the filter leaves, page by page."""
    state, words = request.GET.get("state", ""), request.GET.get("q", "").strip()[:60]
    if state in states:
        rows = rows.filter(status=state)
    if words:
        rows = rows.filter(Q(retailer__name__icontains=words) | Q(retailer__licence_no__startswith=words))
    page = Paginator(rows, ON_A_PAGE).get_page(request.GET.get("page"))
    return {
        "page": page,
        "rows": [show(one) for one in page],
        "state": state,
        "words": words,
        "query": urlencode({"state": state, "q": words}),
        "states": [(name, label) for name, (label, _tone, _icon) in states.items()],
        "here": request.path if request.method == "GET" else "",
    }


def _done(request: HttpRequest, here: str, words: str, do: Callable[[], object]) -> HttpResponse:
    """Do it and go back to the list, with what was refused as a message there."""
    try:
        do()
    except (Invalid, Conflict) as error:
        messages.error(request, detail(error))
    except forms.ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, words)
    return htmx.go_to(request, here)


urlpatterns = [
    path("settlements/", all_corrections, name="settlement-corrections"),
    path("settlements/<uuid:uuid>/", corrections_of, name="settlement-corrections-of"),
    path("settlements/<uuid:uuid>/add", add_correction, name="settlement-add"),
    path("settlements/<uuid:uuid>/close-list", close_list, name="settlement-close-list"),
    path("settlements/<uuid:uuid>/reconcile", reconcile, name="settlement-reconcile"),
    path("settlements/entries/<uuid:uuid>/correct", correct, name="settlement-correct"),
    path("cash/", all_cash, name="cash-settlements"),
    path("cash/<uuid:uuid>/", cash_of, name="cash-settlements-of"),
    path("cash/<uuid:uuid>/allow", allow, name="cash-allow"),
    path("cash/<uuid:uuid>/close", close_cash, name="cash-close"),
    path("cash/entries/<uuid:uuid>/", take, name="cash-take"),
]
