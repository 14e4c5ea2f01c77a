"""Figures of visits (J4): what was planned and made, and what was found. Nobody is ranked. Read-only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from changbei.care import access, checklists, rules
from changbei.care.models import Answer, Photo, Visit
from changbei.care.services.sampling import compared, moments, month_of
from changbei.core import clock

Status, Why = Visit.Status, Visit.Why


@dataclass
class Counts:
    """Visits of a month. `planned`: those whose first day lies in it; `done`, `late` and `dropped` are of these."""

    planned: int = 0
    done: int = 0
    on_time: int = 0
    moved: int = 0
    dropped: int = 0
    unplanned: int = 0  # made in the month without having been planned
    with_photo: int = 0
    findings: int = 0
    checked: int = 0  # looked at again by somebody else
    differing: int = 0  # with an answer that differs

    def add(self, other: Counts) -> None:
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


@dataclass(frozen=True)
class Row:
    """The figures of one customer manager in a district."""

    district: dict[str, str]
    staff_no: str
    manager: str
    unit: dict[str, str]
    counts: Counts = field(default_factory=Counts)


@dataclass(frozen=True)
class Figures:
    """By district and customer manager in the order of their numbers, together, and findings by (checklist, item)."""

    rows: list[Row]
    total: Counts
    findings: list[tuple[dict[str, str], int]]

    def districts(self) -> list[tuple[dict[str, str], Counts, list[Row]]]:
        found: dict[str, tuple[dict[str, str], Counts, list[Row]]] = {}
        for row in self.rows:
            _name, counts, rows = found.setdefault(str(row.district), (row.district, Counts(), []))
            counts.add(row.counts)
            rows.append(row)
        return list(found.values())


def figures(actor: object, month: date, units: frozenset[int] | None = None) -> Figures:
    """Of the visits that the actor may see; `units`: of these customer managers alone."""
    first, end = month_of(month)
    seen = access.readable(actor)
    if units is not None:
        seen = seen.filter(retailer__customer_manager__unit__in=units)
    planned = Q(first_for__gte=first, first_for__lt=end)
    since, until = moments(first, end)
    within = Q(done_at__gte=since, done_at__lt=until)
    unplanned = Q(planned_for=None) & within
    visits = seen.filter(planned | unplanned).exclude(why=Why.SPOT_CHECK)
    rows: dict[tuple[str, str], Row] = {}
    grace = checklists.setting(checklists.GRACE)
    for one in _values(visits):
        manager = one["retailer__customer_manager__staff_no"]
        row = rows.setdefault(
            (one["retailer__district__code"], manager),
            Row(
                one["retailer__district__name"],
                manager,
                one["retailer__customer_manager__name"],
                one["retailer__customer_manager__unit__name"],
            ),
        )
        row.counts.add(_counts(one, grace))
    _add_checks(rows, seen.filter(within))
    ordered = [rows[key] for key in sorted(rows)]
    total = Counts()
    for row in ordered:
        total.add(row.counts)
    return Figures(ordered, total, _findings(visits))


def _values(visits: QuerySet[Visit]) -> list[dict[str, Any]]:
    found = visits.annotate(
        findings=Count("answers", filter=Q(answers__finding=True)),
        photo=Exists(Photo.objects.filter(visit=OuterRef("pk"))),
    ).values(
        "status", "planned_for", "first_for", "done_at", "findings", "photo",
        "retailer__district__code", "retailer__district__name",
        "retailer__customer_manager__staff_no", "retailer__customer_manager__name",
        "retailer__customer_manager__unit__name",
    )  # fmt: skip
    return [dict(one) for one in found]


def _counts(one: dict[str, Any], grace: Any) -> Counts:
    done, planned_for = one["status"] == Status.DONE, one["planned_for"]
    return Counts(
        planned=int(planned_for is not None),
        done=int(done and planned_for is not None),
        on_time=int(
            done
            and planned_for is not None
            and rules.is_on_time(planned_for, clock.day_of(one["done_at"]), grace)
        ),
        moved=int(planned_for != one["first_for"]),
        dropped=int(one["status"] == Status.DROPPED),
        unplanned=int(planned_for is None),
        with_photo=int(one["photo"]),
        findings=one["findings"],
    )


def _add_checks(rows: dict[tuple[str, str], Row], seen: QuerySet[Visit]) -> None:
    """Spot checks that were made in the month, with whom the shop belongs to."""
    again = seen.filter(why=Why.SPOT_CHECK, status=Status.DONE)
    again = again.select_related(
        "of__version", "version", "retailer__district", "retailer__customer_manager__unit"
    ).prefetch_related("answers", "of__answers")
    for one in again:
        manager = one.retailer.customer_manager
        key = (one.retailer.district.code, manager.staff_no)
        row = rows.setdefault(
            key, Row(one.retailer.district.name, manager.staff_no, manager.name, manager.unit.name)
        )
        row.counts.checked += 1
        row.counts.differing += int(any(pair.differs for pair in compared(one)))


def _findings(visits: QuerySet[Visit]) -> list[tuple[dict[str, str], int]]:
    """How often each item was a finding, in the words and order of the checklist in force, then items it has lost."""
    found = Counter(
        dict(
            Answer.objects.filter(visit__in=visits.values("pk"), finding=True)
            .values_list("item")
            .annotate(number=Count("pk"))
            .order_by()
        )
    )
    looking = checklists.found()
    items = looking.checklist.items if looking else {}
    rows = [(dict(item.label), found.pop(name)) for name, item in items.items() if found[name]]
    return rows + [({"en": name, "zh-Hans": name}, number) for name, number in sorted(found.items())]
