"""Call lists: every customer is phoned by the own customer manager, and nobody is missed (E3.2.2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_noop

from changbei.core import clock
from changbei.core.errors import Conflict, Invalid, NotAllowed
from changbei.journal.services import append
from changbei.network.models import Retailer
from changbei.notify import rules
from changbei.notify.models import Call, CallList, Message
from changbei.notify.paper import PAPER
from changbei.people.models import Absence, Person

Outcome = Call.Outcome
# A wrong number is not an answer, nor is somebody who would not listen: the customer is called on in person, and
# then counts as visited. Nobody else leaves the list.
DONE = frozenset({Outcome.REACHED, Outcome.VISITED})
OPEN = frozenset(set(Outcome) - DONE)
LONGEST_CALL_BACK = timedelta(days=7)
STANDS_IN_FOR_ANYBODY = "market_manager"


def make_call_list(
    retailers: QuerySet[Retailer],
    *,
    title: dict[str, str],
    script: dict[str, str],
    incident: UUID | None = None,
    run: UUID | None = None,
    notice: UUID | None = None,
    clause: str = "E3.2.2",
    drill: bool = False,
    actor: Person | None,
) -> CallList:
    """A list with one call per retailer, the customer manager's or, when that one is away, a colleague's.

    A list of nobody is finished at once. With `notice` these are the customers whom its messages cannot reach: who is
    told counts there too.
    """
    now = clock.now()
    with transaction.atomic():
        made = CallList.objects.create(
            uuid=uuid4(),
            incident=incident,
            run=run,
            notice=notice,
            clause=clause,
            title=rules.marked(title) if drill else title,
            script=rules.marked(script) if drill else script,
            drill=drill,
            created_at=now,
        )
        rows = list(
            retailers.order_by("customer_manager_id", "line_id", "line_sequence").values_list(
                "pk", "customer_manager"
            )
        )
        Call.objects.bulk_create(
            Call(call_list=made, retailer_id=pk, caller_id=caller) for pk, caller in rows
        )
        callers = {caller for _, caller in rows}
        for absent in Person.objects.filter(pk__in=_away(callers)).order_by("pk"):
            _pass_on(made, absent, None, actor)
        _journal(made, "notify.call_list_made", actor, customers=len(rows), callers=len(callers))
        _finish_if_done(made)
    return made


def record_call(
    call: Call, outcome: str, note: str = "", *, call_at: datetime | None = None, actor: Person
) -> Call:
    """The caller says what came of it. Whoever was not told stays on the list, for `call_at` when that was agreed.

    Raises NotAllowed, Conflict (the customer was told already), Invalid (no such outcome, no time to phone again).
    """
    if outcome not in set(Outcome.values) - {Outcome.PENDING}:
        possible = ", ".join(one for one in Outcome.values if one != Outcome.PENDING)
        raise Invalid("outcome", f"one of {possible}")
    if problem := _call_back_problem(outcome, call_at):
        raise Invalid("call_at", problem)
    with transaction.atomic():
        # The list's row first: the last two calls, recorded at the same moment, must see each other.
        call_list = CallList.objects.select_for_update().get(pk=call.call_list_id)
        call = Call.objects.select_for_update().select_related("retailer", "caller").get(pk=call.pk)
        if not may_call(actor, call):
            raise NotAllowed(gettext_noop("this call belongs to another customer manager"))
        if call.outcome in DONE:
            raise Conflict(gettext_noop("this customer has been told already"))
        call.outcome, call.note, call.at = outcome, note[:200], clock.now()
        call.call_at = call_at if outcome == Outcome.CALL_BACK else None
        call.tries += 1
        call.save(update_fields=["outcome", "note", "at", "tries", "call_at"])
        if outcome in DONE and call_list.notice is not None:
            _told_in_person(call_list.notice, call)
        facts = {"licence_no": call.retailer.licence_no, "outcome": outcome, "tries": call.tries}
        _journal(call_list, "notify.call_recorded", actor, **facts)
        _finish_if_done(call_list)
    return call


def _call_back_problem(outcome: str, call_at: datetime | None) -> str:
    if outcome != Outcome.CALL_BACK:
        return ""
    if call_at is None:
        return gettext_noop("when to phone again is needed")
    now = clock.now()
    if not now < call_at <= now + LONGEST_CALL_BACK:
        return gettext_noop("a time within the next seven days is needed")
    return ""


def _told_in_person(notice: UUID, call: Call) -> None:
    """The message on paper has been told; whatever else of the notice was still on its way to them is not needed."""
    now = clock.now()
    own = Message.objects.filter(notice__uuid=notice, retailer=call.retailer_id)
    own.filter(channel=PAPER).update(
        state=Message.State.ACKNOWLEDGED, acknowledged_at=now, delivered_at=now, due_at=None, lease_until=None
    )
    own.filter(state=Message.State.QUEUED).update(
        state=Message.State.STOPPED, due_at=None, lease_until=None, error="told in person"
    )


def may_call(actor: Person, call: Call) -> bool:
    """The caller, or the market manager of the same unit."""
    if actor.pk == call.caller_id:
        return True
    return actor.job == STANDS_IN_FOR_ANYBODY and actor.unit_id == call.caller.unit_id


def pass_on(call_list: CallList, absent: Person, *, to: Person | None = None, actor: Person | None) -> int:
    """Hand `absent`'s open calls to `to`, or share them out among the colleagues; how many were passed on."""
    with transaction.atomic():
        call_list = CallList.objects.select_for_update().get(pk=call_list.pk)
        return _pass_on(call_list, absent, to, actor)


def pass_on_all(absent: Person, *, actor: Person | None) -> int:
    """Hand on what `absent` has on every unfinished list."""
    lists = CallList.objects.filter(finished_at__isnull=True, calls__caller=absent).distinct().order_by("pk")
    return sum(pass_on(call_list, absent, actor=actor) for call_list in lists)


def pass_on_for_absent() -> int:
    """Hand on the open calls of everybody who is away now; a worker looks every while, so that no call
    waits for them.
    """
    stuck = Call.objects.filter(_with_somebody_away(), outcome__in=OPEN, call_list__finished_at__isnull=True)
    waiting = Person.objects.filter(pk__in=stuck.values("caller"))
    return sum(pass_on_all(person, actor=None) for person in waiting.order_by("pk"))


def _pass_on(call_list: CallList, absent: Person, to: Person | None, actor: Person | None) -> int:
    own = call_list.calls.filter(caller=absent, outcome__in=OPEN)
    pending = list(own.order_by("retailer__line_id", "retailer__line_sequence").values_list("pk", flat=True))
    if not pending:
        return 0
    colleagues = [to] if to else _colleagues(absent)
    if not colleagues:
        return 0  # they stay where they are, on the list and on the board
    loads = dict(
        call_list.calls.filter(caller__in=colleagues, outcome__in=OPEN)
        .values_list("caller")
        .annotate(open=Count("pk"))
    )
    shares = share_out(pending, [(person.pk, loads.get(person.pk, 0)) for person in colleagues])
    for caller, calls in sorted(shares.items()):
        Call.objects.filter(pk__in=calls).update(caller=caller)
    taken = {person.staff_no: len(shares[person.pk]) for person in colleagues if shares.get(person.pk)}
    _journal(call_list, "notify.calls_passed_on", actor, **{"from": absent.staff_no, "to": taken})
    return len(pending)


def share_out(calls: Sequence[int], loads: Sequence[tuple[int, int]]) -> dict[int, list[int]]:
    """Pure: split `calls`, kept in order, over people with (id, open calls) so that the most loaded gets no
    more.

    Neighbouring calls stay together: everybody gets one stretch.
    """
    wanted = dict(loads)
    target: dict[int, int] = defaultdict(int)
    for _ in calls:
        least = min(wanted, key=lambda person: (wanted[person], person))
        wanted[least] += 1
        target[least] += 1
    shares: dict[int, list[int]] = {}
    begin = 0
    for person, count in sorted(target.items()):
        shares[person] = list(calls[begin : begin + count])
        begin += count
    return shares


def _away(people: Iterable[int]) -> list[int]:
    """Those of them who are absent now, or have left."""
    return list(
        Person.objects.filter(_absent("pk") | Q(active=False), pk__in=list(people)).values_list(
            "pk", flat=True
        )
    )


def _absent(person: str) -> Exists:
    """Whether whom this column names is absent now."""
    now = clock.now()
    return Exists(Absence.objects.filter(person=OuterRef(person), starts_at__lte=now, ends_at__gt=now))


def _with_somebody_away() -> Q:
    """Of calls: the caller is absent now, or has left."""
    return Q(_absent("caller")) | Q(caller__active=False)


def _colleagues(absent: Person) -> list[Person]:
    """Who takes over: the substitute named, else the present people of the same job and unit, else their
    market managers.
    """
    now = clock.now()
    named = Person.objects.filter(
        substitutes_for__person=absent,
        substitutes_for__starts_at__lte=now,
        substitutes_for__ends_at__gt=now,
        active=True,
    ).distinct()
    unit = Person.objects.filter(unit=absent.unit_id, active=True).exclude(pk=absent.pk)
    for group in (named, unit.filter(job=absent.job), unit.filter(job=STANDS_IN_FOR_ANYBODY)):
        found = list(group.order_by("pk"))
        away = set(_away(person.pk for person in found))
        if present := [person for person in found if person.pk not in away]:
            return present
    return []


def end(call_list: UUID, *, actor: Person | None) -> int:
    """What was to be said is so no longer: whoever was not told yet is phoned no more; their number."""
    with transaction.atomic():
        found = CallList.objects.select_for_update().filter(uuid=call_list, finished_at=None).first()
        if found is None:
            return 0
        left = found.calls.filter(outcome__in=OPEN).count()
        _journal(found, "notify.calls_ended", actor, left=left)
        _finish(found, found.calls.count() - left)
    return left


def _finish_if_done(call_list: CallList) -> None:
    if not call_list.finished_at and not call_list.calls.filter(outcome__in=OPEN).exists():
        _finish(call_list, call_list.calls.count())


def _finish(call_list: CallList, told: int) -> None:
    call_list.finished_at = clock.now()
    call_list.save(update_fields=["finished_at"])
    _journal(call_list, "notify.call_list_finished", None, customers=told)


def _journal(call_list: CallList, kind: str, actor: Person | None, **facts: Any) -> None:
    append(
        kind,
        actor=actor,
        incident=call_list.incident,
        run=call_list.run,
        clause=call_list.clause,
        drill=call_list.drill,
        data={"call_list": str(call_list.uuid), **facts},
    )


@dataclass(frozen=True)
class Progress:
    """How far a list, or one caller's part of it, has come; all figures count customers."""

    total: int = 0
    reached: int = 0
    visited: int = 0
    no_answer: int = 0
    wrong_number: int = 0
    call_back: int = 0
    refused: int = 0
    pending: int = 0

    @property
    def left(self) -> int:
        return self.total - self.done

    @property
    def done(self) -> int:
        return self.reached + self.visited


@dataclass(frozen=True)
class ListProgress:
    whole: Progress
    callers: list[tuple[Person, Progress]] = field(default_factory=list)  # by staff number: nobody is ranked


def progress(call_list: CallList) -> ListProgress:
    """The totals of a list and of each caller's part, in two queries."""
    counts = {outcome: Count("pk", filter=Q(outcome=outcome)) for outcome in Outcome.values}
    names = ("total", *Outcome.values)
    rows = list(
        call_list.calls.values_list("caller")
        .annotate(total=Count("pk"), **counts)
        .values_list("caller", *names)
    )
    people = Person.objects.in_bulk([row[0] for row in rows])
    parts = [(people[row[0]], Progress(**dict(zip(names, row[1:], strict=True)))) for row in rows]
    whole = Progress(**{name: sum(getattr(part, name) for _, part in parts) for name in names})
    return ListProgress(whole, sorted(parts, key=lambda part: part[0].staff_no))


@dataclass(frozen=True)
class Standing:
    """An unfinished list: how far it has come, and how many of its open calls lie with somebody who is away."""

    call_list: CallList
    whole: Progress
    stuck: int


def unfinished() -> list[Standing]:
    """The unfinished lists with their totals, the newest first; two queries."""
    counts = {outcome: Count("pk", filter=Q(outcome=outcome)) for outcome in Outcome.values}
    lists = CallList.objects.filter(finished_at=None).in_bulk()
    rows = (
        Call.objects.filter(call_list__in=lists)
        .values("call_list")
        .annotate(total=Count("pk"), **counts)
        .annotate(stuck=Count("pk", filter=Q(outcome__in=OPEN) & _with_somebody_away()))
        .values_list("call_list", "stuck", "total", *Outcome.values)
    )
    names = ("total", *Outcome.values)
    known = {row[0]: (Progress(**dict(zip(names, row[2:], strict=True))), row[1]) for row in rows}
    return [Standing(lists[key], *known[key]) for key in sorted(lists, reverse=True) if key in known]


def calls_of(person: Person) -> QuerySet[Call]:
    """The calls a person still has to make, line by line, over all unfinished lists."""
    return (
        Call.objects.filter(caller=person, outcome__in=OPEN, call_list__finished_at__isnull=True)
        .select_related("call_list", "retailer", "retailer__line")
        .order_by("call_list_id", "retailer__line_id", "retailer__line_sequence")
    )
