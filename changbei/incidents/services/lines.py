"""Go or no-go for each line of a day of bad weather, and telling every customer concerned (E2.6, E3.2.1, E3.2.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, Greatest
from django.utils.translation import gettext_noop

from changbei.core import clock, moments
from changbei.core.errors import Invalid
from changbei.delivery import adjusting
from changbei.delivery.adjusting import Adjusted, LineChoice
from changbei.delivery.models import Stop, Tour
from changbei.incidents import access, plan, rules, telling
from changbei.incidents.models import Incident, LineMeasure, LineMeasureRetailer, SuspendedRetailer
from changbei.incidents.noting import note
from changbei.incidents.services.locking import lock_open
from changbei.network import selectors as network
from changbei.network.models import Retailer
from changbei.notify import services as notify
from changbei.notify.models import Message, Urgency
from changbei.notify.recipients import of_retailers
from changbei.notify.telling import of_each
from changbei.people import access as people
from changbei.people.models import Person
from changbei.plans.model import Pack
from changbei.runs import drills

Measure = LineMeasure.Measure


def lines_concerned(incident: Incident) -> QuerySet[Tour]:
    """Today's tours with customers to serve in the incident's area; `inside` and `open_stops` of each."""
    ids = network.retailer_ids_in(incident.area) if incident.area else []
    open_ = Q(stops__status__in=Stop.WAITING)
    tours = Tour.objects.filter(day__date=clock.today()).exclude(status=Tour.Status.BROKEN_DOWN)
    return (
        tours.annotate(
            open_stops=Count("stops", filter=open_),
            inside=Count("stops", filter=open_ & Q(stops__retailer__in=ids)),
        )
        .filter(inside__gt=0)
        .select_related("line", "vehicle", "site", "driver")
        .order_by("site_id", "pk")
    )


@transaction.atomic
def decide_lines(
    incident: Incident,
    choices: Sequence[LineChoice],
    *,
    review_at: datetime | None = None,
    decided_by: Person | None = None,
    actor: Person | None,
) -> list[LineMeasure]:
    """Decide go or no-go line by line and carry it out; a line on hold is looked at again at `review_at`.

    What was decided before for the same lines is replaced. Nothing need be chosen when no line of today is concerned.
    What is only practised is answered in the same way and then taken back.
    The run hears of it as `incidents.lines_decided`, with how many lines wait. Raises Invalid (review_at,
    lines, and what the measures ask), Conflict, NotAllowed.
    """
    if actor is not None and not may_decide(actor, incident):
        access.require(actor, "incidents.suspend", incident)
    incident = lock_open(incident)
    if not choices and not lines_concerned(incident).exists():
        _decided(incident, actor, lines={}, held=0, stops=0, review_at="")
        return []
    if problems := rules.line_problems([one.measure for one in choices], review_at, clock.now()):
        raise Invalid(problems=problems)
    with drills.practice(incident.drill):
        made = _carry_out(incident, choices, review_at, decided_by, actor)
    holds = [one for one in made if one.measure == Measure.HOLD]
    _decided(
        incident,
        actor,
        lines={measure: sum(one.measure == measure for one in made) for measure in Measure.values},
        held=len(holds),
        stops=sum(one.stops for one in made),
        review_at=review_at.isoformat() if review_at and holds else "",
    )
    return made


def _carry_out(
    incident: Incident,
    choices: Sequence[LineChoice],
    review_at: datetime | None,
    decided_by: Person | None,
    actor: Person | None,
) -> list[LineMeasure]:
    choices = [replace(one, frees=_not_suspended(one.tour)) for one in choices]
    concerned = {one.tour: _customers(one) for one in choices}
    done = adjusting.adjust(choices, run=incident.run, actor=actor)
    _end(LineMeasure.objects.filter(tour__in=[one.tour.uuid for one in done]))
    made = [_keep(incident, one, review_at, decided_by or actor) for one in done]
    LineMeasureRetailer.objects.bulk_create(
        LineMeasureRetailer(measure=measure, retailer_id=retailer)
        for measure, one in zip(made, done, strict=True)
        for retailer in concerned[one.tour.pk]
    )
    return made


def may_decide(actor: object, incident: Incident) -> bool:
    """Who commands, and whoever runs the deliveries."""
    return access.may(actor, "incidents.suspend", incident) or people.may(actor, "delivery.plan")


def _not_suspended(tour: int) -> tuple[int, ...]:
    """The held stops of a tour that no suspension holds back at their time, or would now."""
    suspended = SuspendedRetailer.objects.filter(
        retailer=OuterRef("retailer"),
        suspension__resumed_at__isnull=True,
        suspension__starts_at__lte=Greatest(OuterRef("arrival"), clock.now()),
        suspension__ends_at__gt=OuterRef("arrival"),
    )
    held = Stop.objects.filter(tour=tour, status=Stop.Status.HELD)
    timed = held.annotate(arrival=Coalesce("expected_at", "planned_at"))
    return tuple(timed.exclude(Exists(suspended)).order_by("pk").values_list("pk", flat=True))


def _customers(choice: LineChoice) -> list[int]:
    """Whom the decision concerns: of a line that is driven not those who stay held, of one that moves to another day
    also those whose goods are aboard though nobody drives to them."""
    waiting = Stop.objects.filter(Q(tour=choice.tour) | Q(aboard=choice.tour), status__in=Stop.WAITING)
    if choice.measure != Measure.MERGE:
        waiting = waiting.filter(tour=choice.tour)
    if choice.measure in (Measure.GO, Measure.LATER, Measure.SMALLER):
        waiting = waiting.filter(Q(status=Stop.Status.PLANNED) | Q(pk__in=choice.frees))
    return list(waiting.order_by("pk").values_list("retailer_id", flat=True))


def _end(measures: QuerySet[LineMeasure]) -> int:
    return measures.filter(ended_at__isnull=True).update(ended_at=clock.now())


def _keep(
    incident: Incident, done: Adjusted, review_at: datetime | None, actor: Person | None
) -> LineMeasure:
    return LineMeasure.objects.create(
        incident=incident,
        line=done.tour.line,
        tour=done.tour.uuid,
        on=done.tour.day.date,
        measure=done.measure,
        minutes=done.minutes,
        vehicles=list(done.vehicles),
        next_on=done.next_on,
        stops=done.stops,
        review_at=review_at if done.measure == Measure.HOLD else None,
        decided_by=actor,
        decided_at=clock.now(),
    )


def on_hold(incident: Incident) -> QuerySet[LineMeasure]:
    """The lines of the incident that wait for a decision to go again."""
    waiting = LineMeasure.objects.filter(incident=incident, measure=Measure.HOLD, ended_at__isnull=True)
    return waiting.select_related("line").order_by("pk")


@transaction.atomic
def end_hold(
    incident: Incident, measure: str, *, decided_by: Person | None = None, actor: Person | None
) -> list[LineMeasure]:
    """Every line on hold goes again, or its goods go out with the next delivery day (`go`, `merge`).

    When its day is over only the next delivery day is left.
    """
    if measure not in (Measure.GO, Measure.MERGE):
        raise Invalid("measure", gettext_noop("go or merge"))
    today = clock.today()
    waiting = list(on_hold(incident))
    tours = {tour.uuid: tour.pk for tour in Tour.objects.filter(uuid__in=[one.tour for one in waiting])}
    now_ = [one for one in waiting if one.on == today]
    choices = [LineChoice(tours[one.tour], measure) for one in now_]
    made = decide_lines(incident, choices, decided_by=decided_by, actor=actor) if choices else []
    for one in waiting:
        if one.on != today:
            made.append(_after_its_day(incident, one, tours[one.tour], decided_by or actor))
    return made


def _after_its_day(incident: Incident, waiting: LineMeasure, tour: int, by: Person | None) -> LineMeasure:
    """Goods of a day that is over go out with the next one."""
    customers = _customers(LineChoice(tour, Measure.MERGE))
    done = adjusting.merge_late(Tour.objects.select_related("day", "line", "vehicle").get(pk=tour))
    _end(LineMeasure.objects.filter(pk=waiting.pk))
    made = _keep(incident, done, None, by)
    LineMeasureRetailer.objects.bulk_create(
        LineMeasureRetailer(measure=made, retailer_id=retailer) for retailer in customers
    )
    return made


def tell_customers(
    incident: Incident, templates: Mapping[str, str], *, item: str = "", actor: Person | None
) -> tuple[int, int]:
    """Tell each customer of the incident's newest decisions what it means for the own delivery; (told, unreachable).

    `templates`: message of the plan for later, smaller, merge, hold and go. Nobody is told the same decision twice.
    """
    pack = plan.of_incident(incident).pack
    untold = LineMeasure.objects.filter(incident=incident, told_at__isnull=True).order_by("pk")
    orders: list[notify.Order] = []
    with transaction.atomic():
        for measure in untold.select_for_update(of=("self",)).select_related("line"):
            unchanged = measure.measure == Measure.GO and not measure.stops
            if (template := templates.get(measure.measure)) and not unchanged:
                orders.append(_order(incident, pack, measure, template, item))
            measure.told_at = clock.now()
            measure.save(update_fields=["told_at"])
        notices = notify.tell_many(orders, actor=actor)
    messages = Message.objects.filter(notice__in=notices)
    unreachable = messages.filter(state=Message.State.UNREACHABLE).count()
    return messages.count() - unreachable, unreachable


def _order(incident: Incident, pack: Pack, measure: LineMeasure, template: str, item: str) -> notify.Order:
    """One notice to the customers of a line, each with the own shop's name and time."""
    shops = Retailer.objects.filter(pk__in=measure.retailers.values("retailer")).order_by("pk")
    expected = dict(
        Stop.objects.filter(day__date=measure.next_on or measure.on, retailer__in=shops).values_list(
            "retailer_id", "expected_at"
        )
    )
    values = {
        "minutes": measure.minutes,
        "day": moments.day(measure.next_on) if measure.next_on else "",
        "until": moments.moment(measure.review_at) if measure.review_at else "",
    }
    own = of_each(["expected"])
    new = telling.compose(incident, pack, template, values, item=item, own=own, urgency=Urgency.BULK)
    concerned = of_retailers(shops, [name for name in new.personal if name != "expected"])
    if "expected" in new.personal:
        times = {one.id: moments.moment(at) if (at := expected.get(one.id)) else "" for one in concerned}
        concerned = [one.with_values(expected=times[one.id]) for one in concerned]
    return new, concerned


def _decided(incident: Incident, actor: Person | None, **data: Any) -> None:
    practised = drills.only_practised(incident.drill)
    note("incidents.lines_decided", incident, actor, clause="E2.6", **data, practised=practised)
